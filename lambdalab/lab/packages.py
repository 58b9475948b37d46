"""Deployment packages: a zip whose bytes depend on its content alone.

The same content gives the same bytes on every run, so CodeSha256 tells whether code has changed.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from lambdalab.lab.errors import PackageError
from lambdalab.lab.function_source import function_source

__all__ = ["Source", "make_zip"]

Source: TypeAlias = "Callable[..., Any] | Mapping[str, str | bytes] | str | os.PathLike[str]"

FUNCTION_FILE = "lambda_function.py"
# The earliest date a zip can hold.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_PLAIN, _EXECUTABLE = 0o644, 0o755
# Bytes. Smaller files are stored as they are: what compression makes of them, and with it
# CodeSha256, differs between the versions of zlib on different machines.
_SMALL = 16 * 1024
# What tools leave beside code: never part of it, and different on each run.
_LEFT_OUT = {"__pycache__", ".ipynb_checkpoints", ".git", ".DS_Store"}


def make_zip(sources: tuple[Source, ...]) -> bytes:
    """Return the bytes of a zip of all ``sources``; PackageError says what cannot be packed.

    A function becomes ``lambda_function.py``; a mapping gives the files by name; the path of a file
    packs it under its own name, that of a folder packs what is in it, without the folder's name.
    A file on disk that is executable, or text that begins with ``#!``, is executable in the zip.
    """
    files: dict[str, tuple[bytes, int]] = {}
    for source in sources:
        for name, content, mode in _files(source, _beside(sources)):
            if files.setdefault(name, (content, mode)) != (content, mode):
                raise PackageError(f"{name} is given twice, with different content")
    if not files:
        raise PackageError("there is nothing to pack: give a function, a dict of files, or paths")
    return _written(files)


def _written(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, (content, mode) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _TIMESTAMP)
            entry.compress_type = (
                zipfile.ZIP_DEFLATED if len(content) > _SMALL else zipfile.ZIP_STORED
            )
            entry.create_system = 3  # Unix, wherever it is written: the mode below counts
            entry.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


Entry: TypeAlias = tuple[str, bytes, int]


def _files(source: Source, beside: frozenset[str]) -> Iterator[Entry]:
    if isinstance(source, Mapping):
        yield from _from_mapping(source)
    elif isinstance(source, str | os.PathLike):
        yield from _from_path(Path(source))
    elif callable(source):
        text = function_source(source, beside).encode()
        yield FUNCTION_FILE, text, _PLAIN
    else:
        raise PackageError(
            f"cannot pack {type(source).__name__}: give a function, a dict of files, or paths"
        )


def _beside(sources: tuple[Source, ...]) -> frozenset[str]:
    """Return the modules at the root of the package that sources other than functions bring."""
    names: set[str] = set()
    for source in sources:
        if isinstance(source, Mapping):
            names |= {str(name).split("/")[0] for name in source}
        elif isinstance(source, str | os.PathLike):
            path = Path(source)
            names |= {child.name for child in path.iterdir()} if path.is_dir() else {path.name}
    return frozenset(name.removesuffix(".py") for name in names)


def _from_mapping(source: Mapping[str, str | bytes]) -> Iterator[Entry]:
    for name, content in source.items():
        if not isinstance(content, str | bytes):
            raise PackageError(
                f"the content of {name!r} is text or bytes, not {type(content).__name__}"
            )
        data = content.encode() if isinstance(content, str) else content
        yield _checked(name), data, _EXECUTABLE if data.startswith(b"#!") else _PLAIN


def _checked(name: object) -> str:
    """``name``, if it is a relative path that stays inside the package."""
    text = str(name)
    path = PurePosixPath(text)
    inside = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    if not isinstance(name, str) or not inside or "\\" in text or "\0" in text or text[-1] == "/":
        raise PackageError(f"{name!r} is no name for a file in a package: use 'folder/file.py'")
    return str(path)


def _from_path(path: Path) -> Iterator[Entry]:
    if path.is_dir():
        root = path.resolve()
        yield from _from_folder(root, root, frozenset())
    elif path.exists():
        yield _from_file(path, path.name)
    else:
        raise PackageError(f"there is no file or folder {str(path)!r}")


def _from_folder(folder: Path, root: Path, above: frozenset[Path]) -> Iterator[Entry]:
    """Yield what is in ``folder``; ``above`` are the folders on the way: no link re-enters them."""
    here = above | {folder.resolve()}
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_OUT:
            continue
        name = path.relative_to(root).as_posix()
        target = path.resolve()
        if not target.is_relative_to(root):
            raise PackageError(f"{name} is a link out of the folder: copy the file into it")
        if target in here:
            raise PackageError(f"{name} is a link to a folder that holds it: take it away")
        if path.is_dir():
            yield from _from_folder(path, root, here)
        else:
            yield _from_file(path, name)


def _from_file(path: Path, name: str) -> Entry:
    if not path.is_file():
        raise PackageError(f"{name} is neither a file nor a folder, or a link that leads nowhere")
    executable = path.stat().st_mode & stat.S_IXUSR
    return _checked(name), path.read_bytes(), _EXECUTABLE if executable else _PLAIN
