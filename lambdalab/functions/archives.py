"""Zip archives: looked over before a byte is unpacked, then unpacked into a directory of their own.

What is in an archive is whatever anybody sent. Names that lead out of the directory, names twice,
links that lead out, other ways of compression than those of plain zip files (whose decoders may
swell without bound), encryption and sizes that lie are refused in AWS's words; nothing is written
through a link, and no more is unpacked than the archive's own directory says.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error

__all__ = ["unpack"]

CHUNK = 1 << 20
LONGEST_TARGET = 4096
# Folders in folders: deeper ones nobody packs, and what deletes trees goes down by recursion.
DEEPEST = 200
_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNIX = 3
# What the file system says to a name that cannot be: the archive is at fault, not this machine.
_BAD_NAME = {errno.EEXIST, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ENAMETOOLONG}

Name = tuple[str, ...]


class Entry(NamedTuple):
    """A member of an archive: where it goes, what it is ("file", "folder", "link"), its mode."""

    name: Name
    kind: str
    mode: int
    member: zipfile.ZipInfo


def unpack(archive: bytes, root: Path, stopped: Callable[[], bool] = lambda: False) -> int:
    """Unpack an archive into the new directory ``root``; gives the unpacked size in bytes.

    Raises AWS's refusals, and InterruptedError once ``stopped`` says so. What has been unpacked
    by then is the caller's to delete.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            size = _size(opened)
            entries = _entries(opened)
            root.mkdir()
            _write(opened, entries, root, stopped)
    except (AwsError, InterruptedError):
        raise
    except OSError as error:
        if error.errno is None or error.errno in _BAD_NAME:
            raise aws_error("package.not-a-zip") from error
        raise
    except Exception as error:  # zipfile and its decoders stumble over bad archives in many ways
        raise aws_error("package.not-a-zip") from error
    return size


# Looking over.


def _size(opened: zipfile.ZipFile) -> int:
    """The size that the archive's directory tells: no more than that is ever unpacked."""
    size = sum(member.file_size for member in opened.infolist())
    if size >= facts.quota("package.unzipped").bytes:
        raise aws_error("package.unzipped-too-large")
    return size


def _entries(opened: zipfile.ZipFile) -> list[Entry]:
    """What is to be written, with nothing in the way of anything else."""
    entries = [_entry(member) for member in opened.infolist()]
    places: dict[Name, str] = {}
    for entry in entries:
        known = places.get(entry.name)
        # A folder may be named as often as an archiver likes; a file or a link only once.
        if known is not None and not known == entry.kind == "folder":
            raise _refusal()
        places[entry.name] = entry.kind
    folders = {name[:end] for name in places for end in range(1, len(name))}
    if any(places.get(folder, "folder") != "folder" for folder in folders):
        raise _refusal()
    if "file" not in places.values():
        raise aws_error("package.empty")
    return entries


def _entry(member: zipfile.ZipInfo) -> Entry:
    if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
        raise _refusal()
    written = _written_name(member)
    name = tuple(part for part in written.split("/") if part not in ("", "."))
    mode = member.external_attr >> 16 if member.create_system == _UNIX else 0
    kind = _kind(member, mode, folder=written.endswith("/"))
    if written.startswith("/") or ".." in name or "\0" in member.orig_filename:
        raise _refusal()
    if len(name) > DEEPEST or (not name and kind != "folder"):
        raise _refusal()
    return Entry(name, kind, stat.S_IMODE(mode) & 0o777, member)


def _kind(member: zipfile.ZipInfo, mode: int, *, folder: bool) -> str:
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFLNK: "link", stat.S_IFDIR: "folder"}
    kind = "folder" if folder else kinds.get(stat.S_IFMT(mode))
    # Devices, pipes and sockets are none of a package's business; a folder has no content.
    if kind is None or (kind == "folder" and member.file_size):
        raise _refusal()
    return kind


def _written_name(member: zipfile.ZipInfo) -> str:
    """The name as its archiver meant it.

    One that is not marked as UTF-8 is in the code page of the first IBM PC, says the format; on
    today's machines it mostly is UTF-8 all the same.
    """
    if member.flag_bits & _UTF8_NAME:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


# Writing.


def _write(
    opened: zipfile.ZipFile, entries: list[Entry], root: Path, stopped: Callable[[], bool]
) -> None:
    """Folders and files first; links when nothing is written any more that could go through one."""
    for folder in sorted({name for entry in entries for name in _folders(entry)}):
        root.joinpath(*folder).mkdir()
    for entry in entries:
        if entry.kind == "file":
            _write_file(opened, entry, root.joinpath(*entry.name), stopped)
    links = [entry for entry in entries if entry.kind == "link"]
    for entry in links:
        _write_link(opened, entry, root.joinpath(*entry.name))
    for entry in links:
        _check_link(root.joinpath(*entry.name), root)
    for entry in entries:
        if entry.kind == "folder":
            root.joinpath(*entry.name).chmod(_for_all((entry.mode or 0o755) | 0o700))


def _for_all(mode: int) -> int:
    """The mode with everything that its owner may read and run for everybody.

    A function runs as another user than the one who unpacks. Archivers in Python leave others no
    right (0600), which AWS's guide advises against.
    """
    owners = mode & 0o500
    return mode | owners >> 3 | owners >> 6


def _folders(entry: Entry) -> Iterator[Name]:
    last = len(entry.name) + (entry.kind == "folder")
    return (entry.name[:end] for end in range(1, last))


def _write_file(
    opened: zipfile.ZipFile, entry: Entry, target: Path, stopped: Callable[[], bool]
) -> None:
    # Archives made without Unix modes say 0: readable, as the Lambda console makes them.
    mode = _for_all((entry.mode or 0o644) | 0o400)
    with opened.open(entry.member) as source, target.open("xb") as file:
        if _copy(source, file, stopped) != entry.member.file_size:
            raise _refusal()
        os.fchmod(file.fileno(), mode)


def _copy(source: IO[bytes], file: IO[bytes], stopped: Callable[[], bool]) -> int:
    copied = 0
    while data := source.read(CHUNK):
        if stopped():
            raise InterruptedError
        copied += file.write(data)
    return copied


def _write_link(opened: zipfile.ZipFile, entry: Entry, link: Path) -> None:
    if not 0 < entry.member.file_size < LONGEST_TARGET:
        raise _refusal()
    target = os.fsdecode(opened.read(entry.member))
    if target.startswith("/") or "\0" in target:
        raise _refusal()
    link.symlink_to(target)


def _check_link(link: Path, root: Path) -> None:
    """Refuse a link that leads out of the tree, by whatever other links on its way."""
    top = os.path.realpath(root)
    reached = os.path.realpath(link)
    if reached != top and not reached.startswith(top + os.sep):
        raise _refusal()


def _refusal() -> AwsError:
    return aws_error("package.not-a-zip")
