"""What a learner has finished is kept: through crashes, edits, broken files and two notebooks."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.learning import progress
from lambdalab.learning.progress import DONE, NOT_VALID, Progress

RECORD_FOR_EVER = """
import sys
from pathlib import Path
from lambdalab.learning.progress import Progress
record = Progress(Path(sys.argv[1]))
for task in range(int(sys.argv[3])):
    record.record(sys.argv[2], str(task))
    print(task, flush=True)
"""


@pytest.fixture
def kept(tmp_path: Path) -> Progress:
    return Progress(tmp_path / "kept")


def entries(kept: Progress) -> dict:
    return json.loads((kept.folder / "progress.json").read_text())


def store(kept: Progress, content: object) -> None:
    (kept.folder / "progress.json").write_text(json.dumps(content))


def recorder(folder: Path, lab: str, count: int) -> subprocess.Popen:
    command = [sys.executable, "-c", RECORD_FOR_EVER, str(folder), lab, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_nothing_is_kept_until_a_task_is_done(kept):
    assert kept.states("01") == {}
    assert not kept.folder.exists()


def test_what_is_done_is_found_again_by_another_notebook(kept):
    kept.record("01", "1")
    kept.record("02", "1")
    assert Progress(kept.folder).states("01") == {"1": DONE}


def test_the_first_time_stays(kept):
    kept.record("01", "1")
    before = entries(kept)
    kept.record("01", "1")
    assert entries(kept) == before


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_nobody_else_reads_key_or_progress(kept):
    kept.record("01", "1")
    modes = {path.name: path.stat().st_mode & 0o777 for path in kept.folder.iterdir()}
    assert modes["progress.key"] == modes["progress.json"] == 0o600
    (kept.folder / "progress.key").chmod(0o644)
    kept.states("01")
    assert (kept.folder / "progress.key").stat().st_mode & 0o777 == 0o600


EDITS = {
    "the time": lambda entry: entry | {"done": "2020-01-01T00:00:00+00:00"},
    "a member more": lambda entry: entry | {"points": 100},
    "no seal": lambda entry: {"done": entry["done"]},
    "a seal made up": lambda entry: entry | {"seal": "0" * 64},
    "a seal that is no text": lambda entry: entry | {"seal": [1]},
    "a seal with an odd character": lambda entry: entry | {"seal": "é\ud800"},
    "no object": lambda _: "done",
    "null": lambda _: None,
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_entry_is_not_valid_and_can_be_earned_again(kept, edit):
    kept.record("01", "1")
    kept.record("01", "2")
    content = entries(kept)
    content["01"]["1"] = edit(content["01"]["1"])
    store(kept, content)
    assert kept.states("01") == {"1": NOT_VALID, "2": DONE}
    kept.record("01", "1")
    assert kept.states("01") == {"1": DONE, "2": DONE}


def test_an_entry_cannot_be_moved_to_another_task_or_lab_or_learner(kept, tmp_path):
    kept.record("01", "1")
    earned = entries(kept)["01"]["1"]
    store(kept, {"01": {"1": earned, "2": earned}, "02": {"1": earned}})
    assert kept.states("01") == {"1": DONE, "2": NOT_VALID}
    assert kept.states("02") == {"1": NOT_VALID}
    other = Progress(tmp_path / "other")
    other.record("01", "5")
    store(other, {"01": {"1": earned}})
    assert other.states("01") == {"1": NOT_VALID}


BROKEN = [b"", b"{", b'{"01": {"1"', b"[]", b"null", b"\xff\xfe", b"[" * 100_000]


@pytest.mark.parametrize("content", BROKEN, ids=lambda content: repr(content[:12]))
def test_a_broken_file_is_set_aside_and_not_lost(kept, content):
    kept.record("01", "1")
    (kept.folder / "progress.json").write_bytes(content)
    assert kept.states("01") == {}
    aside = list(kept.folder.glob("progress.set-aside-*.json"))
    assert [path.read_bytes() for path in aside] == [content]
    kept.record("01", "1")
    assert kept.states("01") == {"1": DONE}


def test_what_is_sound_in_a_broken_file_still_counts(kept):
    kept.record("01", "1")
    store(kept, entries(kept) | {"02": "all of it"})
    assert kept.states("01") == {"1": DONE}
    assert kept.states("02") == {}
    aside = list(kept.folder.glob("progress.set-aside-*.json"))
    assert json.loads(aside[0].read_text())["02"] == "all of it"


@pytest.mark.parametrize("content", [None, b"", b"short", b"x" * 33])
def test_without_its_key_nothing_is_valid_until_earned_again(kept, content):
    kept.record("01", "1")
    key = kept.folder / "progress.key"
    key.unlink() if content is None else key.write_bytes(content)
    assert kept.states("01") == {"1": NOT_VALID}
    kept.record("01", "1")
    assert kept.states("01") == {"1": DONE}


def test_notebooks_that_write_at_once_lose_nothing(kept):
    writers = [recorder(kept.folder, f"0{n}", 15) for n in range(4)]
    for writer in writers:
        writer.communicate(timeout=60)
    assert [writer.returncode for writer in writers] == [0] * 4
    states = [kept.states(f"0{n}") for n in range(4)]
    assert states == [{str(task): DONE for task in range(15)}] * 4


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX signal")
def test_a_crash_in_the_middle_of_writing_leaves_what_was_done(kept):
    for attempt in range(4):
        writer = recorder(kept.folder, f"0{attempt}", 100_000)
        for _ in range(5 + attempt):
            seen = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        states = kept.states(f"0{attempt}")
        assert set(states.values()) == {DONE}
        assert len(states) > seen
    kept.record("09", "1")  # and the lock is free
    assert not list(kept.folder.glob("*set-aside*"))


@given(content=st.binary(max_size=200))
def test_no_content_whatever_raises(tmp_path_factory, content):
    kept = Progress(tmp_path_factory.mktemp("any"))
    (kept.folder / "progress.json").write_bytes(content)
    assert DONE not in kept.states("01").values()
    kept.record("01", "1")
    assert kept.states("01")["1"] == DONE


PLACES = [
    ("linux", {"LAMBDALAB_HOME": "/elsewhere/mine"}, "/elsewhere/mine"),
    ("linux", {"XDG_DATA_HOME": "/data"}, "/data/lambdalab"),
    ("linux", {"LAMBDALAB_HOME": "", "XDG_DATA_HOME": ""}, "~/.local/share/lambdalab"),
    ("darwin", {}, "~/Library/Application Support/lambdalab"),
    ("win32", {"LOCALAPPDATA": "/local"}, "/local/lambdalab"),
]


@pytest.mark.parametrize(("platform", "variables", "place"), PLACES)
def test_the_folder_is_where_the_platform_keeps_data(monkeypatch, platform, variables, place):
    for name in ("LAMBDALAB_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(progress.sys, "platform", platform)
    assert progress.home() == Path(place).expanduser()
