"""Archives: whatever anybody packs, nothing is written outside, and a refusal leaves nothing."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import struct
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdalab.errors import AwsError
from lambdalab.functions import archives, merging
from lambdalab.functions.packages import PackageStore

UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
EMPTY = "Uploaded file must be a non-empty zip"
LARGE = "Unzipped size must be smaller than 262144000 bytes"
LINK = (stat.S_IFLNK | 0o777) << 16


class Member:
    """A member as an archiver may write it: with any name, mode, flags and claims."""

    def __init__(self, name: str | bytes, content: bytes = b"x", **settings: Any) -> None:
        self.name = name
        self.content = content
        self.attributes: int = settings.get("attributes", 0o100644 << 16)
        self.method: int = settings.get("method", zipfile.ZIP_DEFLATED)
        self.system: int = settings.get("system", 3)


def encoded(self: zipfile.ZipInfo) -> tuple[bytes, int]:
    """Names as they are given: bytes as bytes, text as UTF-8 with its mark."""
    name: Any = self.filename
    if isinstance(name, bytes):
        return name, self.flag_bits & ~0x800
    return name.encode("utf-8", "surrogatepass"), self.flag_bits | 0x800


@pytest.fixture(autouse=True)
def names_as_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile.ZipInfo, "_encodeFilenameFlags", encoded)


def raw(*members: Member) -> bytes:
    """An archive of members, names twice and all."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for member in members:
            info = zipfile.ZipInfo("placeholder")
            info.filename = info.orig_filename = member.name  # type: ignore[assignment]
            info.external_attr, info.create_system = member.attributes, member.system
            info.compress_type = member.method
            archive.NameToInfo.clear()
            with archive.open(info, "w") as file:
                file.write(member.content)
    return data.getvalue()


def unpacked(archive: bytes, root: Path) -> dict[str, str | bytes | None]:
    """What an archive becomes: content of files, targets of links, None for folders."""
    archives.unpack(archive, root)
    found: dict[str, str | bytes | None] = {}
    for place in sorted(root.rglob("*")):
        name = str(place.relative_to(root))
        if place.is_symlink():
            found[name] = str(place.readlink())
        else:
            found[name] = place.read_bytes() if place.is_file() else None
    return found


def refused(archive: bytes, tmp_path: Path) -> str:
    with pytest.raises(AwsError) as caught:
        archives.unpack(archive, tmp_path / "root")
    assert (caught.value.code, caught.value.status) == ("InvalidParameterValueException", 400)
    return caught.value.message


# ---- names

BAD_NAMES = {
    "up": "../evil.py",
    "up in the middle": "a/../../evil.py",
    "up that stays inside": "a/../b.py",
    "only up": "..",
    "absolute": "/etc/evil",
    "two slashes first": "//etc/evil",
    "no name": "",
    "a dot": ".",
    "too long a name": "n" * 256,
    "too long a path": "/".join(["n" * 200] * 30),
    "a zero byte": "a\0b.py",
    "too deep": "a/" * 1500 + "b",
}


@pytest.mark.parametrize("kind", BAD_NAMES)
def test_names_that_lead_out_or_cannot_be_are_refused(kind: str, tmp_path: Path) -> None:
    archive = raw(Member("good.py"), Member(BAD_NAMES[kind]))
    assert refused(archive, tmp_path) == UNZIP
    assert set(tmp_path.rglob("evil*")) == set()


GOOD_NAMES = {
    "plain": ("a.py", "a.py"),
    "a folder": ("a/b/c.py", "a/b/c.py"),
    "from here": ("./a.py", "a.py"),
    "two slashes": ("a//b.py", "a/b.py"),
    "a backslash": ("a\\b.py", "a\\b.py"),
    "a drive": ("C:\\a.py", "C:\\a.py"),
    "dots": ("..a/...", "..a/..."),
    "spaces": (" a .py ", " a .py "),
    "UTF-8": ("é漢😀.py", "é漢😀.py"),
    "UTF-8 without its mark": ("é漢.py".encode(), "é漢.py"),
    "the code page of the PC": ("é.py".encode("cp437"), "é.py"),
    "as long as may be": ("n" * 255, "n" * 255),
    "a line break": ("a\nb.py", "a\nb.py"),
}


@pytest.mark.parametrize("kind", GOOD_NAMES)
def test_names_become_the_names_of_files(kind: str, tmp_path: Path) -> None:
    name, wanted = GOOD_NAMES[kind]
    found = unpacked(raw(Member(name, b"content")), tmp_path / "root")
    assert {one: value for one, value in found.items() if value is not None} == {wanted: b"content"}


CLASHES = {
    "a file twice": [Member("a"), Member("a")],
    "a file twice in other words": [Member("a/b"), Member("./a//b")],
    "a file and a folder": [Member("a"), Member("a/b")],
    "a folder and a file": [Member("a/b"), Member("a")],
    "a folder named, and a file": [Member("a/", b""), Member("a")],
    "a link and a file": [Member("x"), Member("a", b"x", attributes=LINK), Member("a")],
    "a file under a link": [
        Member("x/y"),
        Member("a", b"x", attributes=LINK),
        Member("a/evil"),
    ],
    "two links": [Member("x"), *[Member("a", b"x", attributes=LINK)] * 2],
}


@pytest.mark.parametrize("kind", CLASHES)
def test_names_twice_are_refused(kind: str, tmp_path: Path) -> None:
    assert refused(raw(*CLASHES[kind]), tmp_path) == UNZIP


def test_a_folder_may_be_named_twice(tmp_path: Path) -> None:
    archive = raw(Member("a/", b""), Member("a/", b""), Member("a/b"), Member("./", b""))
    assert unpacked(archive, tmp_path / "root") == {"a": None, "a/b": b"x"}


# ---- links

INSIDE = {
    "a neighbour": ("link", "real.py"),
    "in a folder": ("deep/link", "../real.py"),
    "a folder": ("link", "deep"),
    "the top": ("link", "."),
    "nothing": ("link", "missing.py"),
    "itself": ("link", "link"),
    "away and back": ("deep/link", "../deep/../real.py"),
}
# Where packages are unpacked: the name of that folder itself leads nowhere.
TREE = "root"
OUTSIDE = {
    "the root": ("link", "/etc/passwd"),
    "up": ("link", ".."),
    "up from a folder": ("deep/link", "../../x"),
    "back by the way of the name": ("deep/link", f"../../{TREE}/real.py"),
    "nowhere": ("link", ""),
    "too far": ("link", "a" * 5000),
    "a zero byte": ("link", "real.py\0"),
}
BASE = [Member("real.py"), Member("deep/file")]


@pytest.mark.parametrize("kind", INSIDE)
def test_a_link_that_stays_inside_is_a_real_link(kind: str, tmp_path: Path) -> None:
    name, target = INSIDE[kind]
    link = Member(name, target.encode(), attributes=LINK)
    assert unpacked(raw(link, *BASE), tmp_path / "root")[name] == target


@pytest.mark.parametrize(
    "kind", [kind for kind in OUTSIDE if kind != "back by the way of the name"]
)
def test_a_link_that_leads_out_is_refused(kind: str, tmp_path: Path) -> None:
    name, target = OUTSIDE[kind]
    link = Member(name, target.encode(), attributes=LINK)
    assert refused(raw(link, *BASE), tmp_path) == UNZIP


def test_links_that_lead_out_together_are_refused(tmp_path: Path) -> None:
    # Each looks harmless by itself: "here/.." is the top, but for what "here" is.
    here = Member("deep/here", b"..", attributes=LINK)
    out = Member("out", b"deep/here/..", attributes=LINK)
    assert refused(raw(here, out, *BASE), tmp_path) == UNZIP


def test_a_link_to_a_program_runs(tmp_path: Path) -> None:
    tool = Member("bin/tool-1.0", b"#!/bin/sh\n", attributes=0o100755 << 16)
    link = Member("bin/tool", b"tool-1.0", attributes=LINK)
    archives.unpack(raw(link, tool), tmp_path / "root")
    assert os.access(tmp_path / "root/bin/tool", os.X_OK)


# ---- what is in it


def test_an_archive_of_nothing_is_refused(tmp_path: Path) -> None:
    assert refused(raw(), tmp_path) == EMPTY


def test_an_archive_of_folders_is_refused(tmp_path: Path) -> None:
    assert refused(raw(Member("a/", b""), Member("a/b/", b"")), tmp_path) == EMPTY


def test_an_archive_of_links_is_refused(tmp_path: Path) -> None:
    assert refused(raw(Member("a", b"b", attributes=LINK)), tmp_path) == EMPTY


def test_an_archive_of_an_empty_file_is_none_of_these(tmp_path: Path) -> None:
    assert unpacked(raw(Member("a", b"")), tmp_path / "root") == {"a": b""}


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_what_is_neither_file_nor_folder_nor_link_is_refused(kind: int, tmp_path: Path) -> None:
    assert (
        refused(raw(Member("a"), Member("b", attributes=(kind | 0o666) << 16)), tmp_path) == UNZIP
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_compression_are_refused(method: int, tmp_path: Path) -> None:
    assert refused(raw(Member("a", method=method)), tmp_path) == UNZIP


def test_a_stored_member_is_fine(tmp_path: Path) -> None:
    archive = raw(Member("a", b"stored", method=zipfile.ZIP_STORED))
    assert unpacked(archive, tmp_path / "root") == {"a": b"stored"}


MODES = [
    (0o100644, 3, 0o644),
    (0o100755, 3, 0o755),
    (0o100600, 3, 0o644),
    (0o100700, 3, 0o755),
    (0o100000, 3, 0o644),
    (0o104755, 3, 0o755),
    (0o100277, 3, 0o677),
    (0, 0, 0o644),
    (0o100777, 0, 0o644),
]


@pytest.mark.parametrize(("mode", "system", "wanted"), MODES)
def test_modes_are_those_of_unix_archives(
    mode: int, system: int, wanted: int, tmp_path: Path
) -> None:
    archives.unpack(raw(Member("a", attributes=mode << 16, system=system)), tmp_path / "root")
    assert stat.S_IMODE((tmp_path / "root/a").stat().st_mode) == wanted


def test_a_folder_can_be_entered_whatever_its_mode(tmp_path: Path) -> None:
    folder = Member("a/", b"", attributes=(stat.S_IFDIR | 0o055) << 16)
    archives.unpack(raw(folder, Member("a/b")), tmp_path / "root")
    assert stat.S_IMODE((tmp_path / "root/a").stat().st_mode) == 0o755


def test_archives_of_the_large_format_are_read(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("a")
        with archive.open(info, "w", force_zip64=True) as file:
            file.write(b"content")
    assert unpacked(data.getvalue(), tmp_path / "root") == {"a": b"content"}


def test_an_archive_after_something_else_is_read(tmp_path: Path) -> None:
    archive = b"#!/usr/bin/env python3\n" + raw(Member("a", b"content"))
    assert unpacked(archive, tmp_path / "root") == {"a": b"content"}


# ---- bombs


def claiming(archive: bytes, size: int) -> bytes:
    """The archive with another unpacked size in its directory."""
    place = archive.rfind(b"PK\x01\x02") + 24
    return archive[:place] + struct.pack("<I", size) + archive[place + 4 :]


def test_the_limit_is_the_first_size_that_is_too_large(tmp_path: Path) -> None:
    archive = raw(Member("a", b"x" * 100))
    assert refused(claiming(archive, 262_144_000), tmp_path) == LARGE
    assert refused(claiming(archive, 262_143_999), tmp_path) == UNZIP
    assert not (tmp_path / "root" / "a").exists() or (tmp_path / "root/a").stat().st_size <= 100


def test_many_members_count_together(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(9):
            archive.writestr(f"{number}", bytes(30_000_000))
    assert len(data.getvalue()) < 2_000_000
    assert refused(data.getvalue(), tmp_path) == LARGE
    assert not (tmp_path / "root").exists()


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    bomb = raw(Member("a", bytes(50_000_000)))
    assert refused(claiming(bomb, 1000), tmp_path) == UNZIP
    written = sum(one.stat().st_size for one in tmp_path.rglob("*") if one.is_file())
    assert written <= 1000


def test_archives_in_archives_stay_packed(tmp_path: Path) -> None:
    inner = raw(Member("zeros", bytes(50_000_000)))
    found = unpacked(raw(Member("inner.zip", inner)), tmp_path / "root")
    assert found == {"inner.zip": inner}


def test_unpacking_stops_when_it_is_told_to(tmp_path: Path) -> None:
    told = threading.Event()
    archive = raw(*[Member(str(number)) for number in range(10)])

    def stopped() -> bool:
        if (tmp_path / "root" / "3").exists():
            told.set()
        return told.is_set()

    with pytest.raises(InterruptedError):
        archives.unpack(archive, tmp_path / "root", stopped)
    assert not (tmp_path / "root" / "4").exists()


# ---- whatever anybody sends

good = st.sampled_from(["a", "b", "c.py", "é", "漢字"])
odd = st.sampled_from(["..", ".", "", "\0", "n" * 256, "a"])
paths = st.lists(good, min_size=1, max_size=3).map("/".join)
names = st.one_of(paths, paths, paths, st.lists(st.one_of(good, odd), max_size=4).map("/".join))
targets = st.lists(st.one_of(good, st.just("..")), max_size=4).map(lambda steps: "/".join(steps))
modes = st.sampled_from([0, 0o100755, 0o100777, 0o040755, 0o010644, 0o060644, 0o140644, 0o107000])
files = st.builds(Member, paths, st.binary(max_size=40))
links = st.builds(
    lambda name, target: Member(name, target.encode(), attributes=LINK), paths, targets
)
oddities = st.builds(
    lambda name, content, mode, method, system: Member(
        name, content, attributes=mode << 16, method=method, system=system
    ),
    names,
    st.binary(max_size=40),
    modes,
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.sampled_from([0, 3]),
)
members = st.one_of(files, files, links, oddities)
ANY = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def store_and_look(archive: bytes, place: Path, look: Callable[[Path], None]) -> bool:
    """Put an archive into a store; whether it was taken. A refused one leaves nothing."""

    async def put() -> bool:
        store = PackageStore(place / "code")
        try:
            package = await store.add(archive)
        except AwsError as error:
            assert error.status in (400, 413), error
            assert list((place / "code").iterdir()) == []
            return False
        else:
            size = sum(one.stat().st_size for one in files_of(package.root))
            links = sum(one.is_symlink() for one in package.root.rglob("*"))
            assert size <= package.unpacked <= size + 4096 * links
            look(package.root)
            store.remove(package)
            return True
        finally:
            store.close()

    return asyncio.run(put())


def files_of(root: Path) -> list[Path]:
    return [one for one in root.rglob("*") if one.is_file() and not one.is_symlink()]


def all_inside(root: Path) -> None:
    """Nothing in a tree leads out of it, and all of it can be read and deleted."""
    top = os.path.realpath(root)
    for place in root.rglob("*"):
        reached = os.path.realpath(place)
        assert reached == top or reached.startswith(top + "/")
        assert place.is_symlink() or os.access(place, os.R_OK)


@ANY
@given(archive=st.lists(members, max_size=6))
def test_nothing_is_ever_written_outside(
    archive: list[Member], tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("place")
    (place / "witness").write_bytes(b"as it was")
    store_and_look(raw(*archive), place, all_inside)
    assert (place / "witness").read_bytes() == b"as it was"
    assert {one.name for one in place.iterdir()} <= {"witness", "code"}


@ANY
@given(data=st.data())
def test_a_spoiled_archive_is_refused_or_unpacked_and_never_worse(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = bytearray(raw(Member("a.py", b"x = 1\n" * 30), Member("b/c.py"), Member("d/", b"")))
    changes = st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255))
    for place, byte in data.draw(st.lists(changes, min_size=1, max_size=4)):
        whole[place] = byte
    end = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    store_and_look(bytes(whole[:end]), tmp_path_factory.mktemp("place"), all_inside)


trees = st.dictionaries(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple),
    st.binary(max_size=5),
    min_size=1,
    max_size=6,
).map(lambda tree: {name: tree[name] for name in tree if not hides(name, tree)})


def hides(name: tuple[str, ...], tree: dict[tuple[str, ...], bytes]) -> bool:
    """Whether a name lies below a file of the same tree."""
    return any(name[:end] in tree for end in range(1, len(name)))


@ANY
@given(layers=st.lists(trees, min_size=1, max_size=4))
def test_merged_layers_are_as_if_unpacked_one_after_the_other(
    layers: list[dict[tuple[str, ...], bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("place")
    roots = []
    expected: dict[tuple[str, ...], bytes] = {}
    for number, layer in enumerate(layers):
        root = place / f"layer-{number}"
        archives.unpack(raw(*[Member("/".join(n), layer[n]) for n in layer]), root)
        roots.append(root)
        expected = {
            name: content
            for name, content in expected.items()
            if not hides(name, layer) and not any(one[: len(name)] == name for one in layer)
        } | layer
    merging.merge(roots, place / "opt")
    found = {
        one.relative_to(place / "opt").parts: one.read_bytes() for one in files_of(place / "opt")
    }
    assert found == expected


def test_links_of_layers_stay_links_and_give_way_to_later_ones(tmp_path: Path) -> None:
    first = raw(Member("lib/x.1", b"1"), Member("lib/x", b"x.1", attributes=LINK), Member("d/e"))
    second = raw(Member("lib/x", b"new"), Member("d", b"lib", attributes=LINK), Member("y"))
    archives.unpack(first, tmp_path / "first")
    archives.unpack(second, tmp_path / "second")
    merging.merge([tmp_path / "first"], tmp_path / "one")
    merging.merge([tmp_path / "first", tmp_path / "second"], tmp_path / "both")
    merging.merge([tmp_path / "second", tmp_path / "first"], tmp_path / "turned")
    assert str((tmp_path / "one/lib/x").readlink()) == "x.1"
    assert (tmp_path / "both/lib/x").read_bytes() == b"new"
    assert (tmp_path / "first/lib/x.1").read_bytes() == b"1"
    assert str((tmp_path / "both/d").readlink()) == "lib"
    assert (tmp_path / "turned/d/e").read_bytes() == b"x"
    assert str((tmp_path / "turned/lib/x").readlink()) == "x.1"


# ---- the store


def test_an_emptied_store_gives_up_what_is_being_unpacked(tmp_path: Path) -> None:
    archive = raw(*[Member(str(number), bytes(1000)) for number in range(300)])

    async def run() -> None:
        store = PackageStore(tmp_path / "code")
        adding = asyncio.create_task(store.add(archive))
        await asyncio.sleep(0)
        store.clear()
        with pytest.raises(AwsError) as caught:
            await adding
        assert caught.value.status == 500
        again = await store.add(archive)
        assert store.find(again.key) is again
        store.close()
        assert [one for one in (tmp_path / "code").iterdir() if one != again.root.parent] == []

    asyncio.run(run())


def test_what_is_unpacked_when_the_store_closes_is_waited_for(tmp_path: Path) -> None:
    archive = raw(*[Member(str(number), bytes(1000)) for number in range(300)])

    async def run() -> None:
        store = PackageStore(tmp_path / "code")
        adding = asyncio.create_task(store.add(archive))
        await asyncio.sleep(0)
        store.close()
        assert list((tmp_path / "code").iterdir()) == []
        with pytest.raises(AwsError):
            await adding

    asyncio.run(run())


def test_a_full_disk_is_no_fault_of_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archives, "_copy", full)

    async def run() -> None:
        store = PackageStore(tmp_path / "code")
        with pytest.raises(AwsError) as caught:
            await store.add(raw(Member("a")))
        assert (caught.value.status, caught.value.code) == (500, "ServiceException")
        assert "No space left on device" in caught.value.message
        assert list((tmp_path / "code").iterdir()) == []
        store.close()

    asyncio.run(run())
