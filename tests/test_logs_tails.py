"""The end of a log for the caller, long lines, and what is no text."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.execution.log_tail import LogTail
from lambdalab.execution.output import LONGEST_EVENT, LogEvents
from lambdalab.execution.paths import Paths

MakeFunction = Callable[..., str]

WRITES = """
import os
def handler(event, context):
    data = eval(event)
    while data:  # one call writes less where the platform holds the process up meanwhile
        data = data[os.write(1, data):]
"""
MB = 1 << 20


def tail_of(lam: Any, name: str, event: Any) -> bytes:
    """The tail as bytes: it may begin within a character."""
    answer = lam.invoke(FunctionName=name, LogType="Tail", Payload=json.dumps(event).encode())
    assert "FunctionError" not in answer
    return base64.b64decode(answer["LogResult"])


def lines_of(lab: Lab, name: str) -> list[str]:
    found = lab.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    system = ("INIT_START", "START", "END", "REPORT")
    return [event["message"] for event in found if not event["message"].startswith(system)]


@pytest.fixture
def events() -> LogEvents:
    return LogEvents(Paths(Path("/somewhere/code"), Path("/somewhere/runtime"), "python3.13"))


def fed(events: LogEvents, data: bytes, step: int) -> list[str]:
    """What comes of data that is read in pieces."""
    pieces = (data[at : at + step] for at in range(0, len(data), step))
    return [event for piece in pieces for event in events.feed(piece)]


# ---- tails


def test_a_short_log_is_all_of_the_tail(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = make_function(WRITES)
    tail = tail_of(lam, name, 'b"short\\n"').decode()
    kinds = [line.split(" ")[0] for line in tail.splitlines()]
    assert kinds == ["INIT_START", "START", "short", "END", "REPORT"]
    kinds = [line.split(" ")[0] for line in tail_of(lam, name, 'b"2\\n"').decode().splitlines()]
    assert kinds == ["START", "2", "END", "REPORT"]


@pytest.mark.parametrize("size", [4096, 10_000, 3 * MB])
def test_a_tail_is_the_last_4096_bytes(
    lab: Lab, lam: Any, make_function: MakeFunction, size: int
) -> None:
    name = make_function(WRITES, MemorySize=512)
    tail = tail_of(lam, name, f'b"x" * {size} + b"\\n"')
    assert len(tail) == 4096
    assert tail.startswith(b"x" * 3000)
    assert b"\nREPORT RequestId: " in tail


def test_a_tail_is_cut_wherever_its_bytes_end_even_within_a_character(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(WRITES)
    logs = lab.client("logs")
    for odd in range(8):
        tail = tail_of(lam, name, f'"😀".encode() * 3000 + b"x" * {odd} + b"\\n"')
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        written = "".join(event["message"] for event in found).encode()
        assert tail == written[-4096:]


def test_a_tail_keeps_little_more_than_it_shows() -> None:
    tail = LogTail()
    for number in range(100_000):
        tail.add([f"{number}\n"])
    tail.add(["y" * MB])
    lines = tail.take()
    assert sum(map(len, lines)) <= 16 * 4096
    assert lines[-1].endswith("y" * 4096)
    assert tail.take() == []


def test_a_tail_keeps_all_lines_that_it_can_show() -> None:
    tail = LogTail()
    lines = [f"line {number}\n" for number in range(50_000)]
    for at in range(0, len(lines), 7):
        tail.add(lines[at : at + 7])
    kept = "".join(tail.take())
    assert "".join(lines).endswith(kept)
    assert len(kept) >= 4096


# ---- long lines


def test_a_line_that_is_too_long_becomes_several_events(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(WRITES, MemorySize=512)
    tail_of(lam, name, 'b"a" * 2_500_000 + b"\\nnext\\n"')
    *parts, following = lines_of(lab, name)
    assert [len(part) for part in parts] == [
        LONGEST_EVENT,
        LONGEST_EVENT,
        2_500_001 - 2 * LONGEST_EVENT,
    ]
    assert set("".join(parts)) == {"a", "\n"}
    assert following == "next\n"


def test_a_long_line_is_cut_between_characters(events: LogEvents) -> None:
    text = "€" * MB + "\n"
    data = text.encode()
    found = fed(events, data, 65_536)
    assert "".join(found) == text
    assert all(LONGEST_EVENT - 4 < len(event.encode()) <= LONGEST_EVENT for event in found[:-1])


def test_a_record_of_logging_is_cut_too(events: LogEvents) -> None:
    text = "€" * MB
    size = len(text.encode())
    frame = b"\xa5\x5a\x00\x0f" + size.to_bytes(4, "big") + bytes(8) + text.encode()
    data = b"before\n" + frame + b"after\n"
    found = fed(events, data, 9999)
    assert (found[0], found[-1]) == ("before\n", "after\n")
    assert "".join(found[1:-1]) == text
    assert all(len(event.encode()) <= LONGEST_EVENT for event in found)


def test_what_waits_for_its_end_is_no_more_than_one_event(events: LogEvents) -> None:
    head = b"\xa5\x5a\x00\x0f\xff\xff\xff\xff" + bytes(8)
    for begin in (b"", head):
        events.feed(begin)
        for _ in range(100):
            events.feed(b"z" * 65_536)
            assert len(events._rest) <= LONGEST_EVENT
        events.finish()


# ---- what is no text

BYTES = {
    "no UTF-8": (b"a\xff\xfeb\n", ["a\ufffd\ufffdb\n"]),
    "a NUL": (b"a\x00b\n", ["a\x00b\n"]),
    "a return without a line feed": (b"a\rb\rc\n", ["a\rb\rc\n"]),
    "a return and a line feed": (b"a\r\nb\r\n", ["a\r\n", "b\r\n"]),
    "other breaks": ("a\x0bb\u2028c\x85d\n".encode(), ["a\x0bb\u2028c\x85d\n"]),
    "empty lines": (b"\n\na\n", ["\n", "\n", "a\n"]),
    "no end": (b"a\nb", ["a\n", "b"]),
    "half a character": ("a€".encode()[:-1], ["a\ufffd"]),
    "an empty record": (b"\xa5\x5a\x00\x0f" + bytes(12) + b"a\n", ["a\n"]),
    "half a record": (b"\xa5\x5a\x00\x0f\x00\x00\x00\x09" + bytes(8) + b"half", ["half"]),
    "two of a record's bytes": (b"a\xa5\x5ab\n", ["a\ufffdZb\n"]),
}


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize("case", BYTES)
def test_bytes_become_events(events: LogEvents, case: str, step: int) -> None:
    data, expected = BYTES[case]
    found = fed(events, data, step)
    assert found + events.finish() == expected


def test_binary_output_reaches_the_log(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = make_function(WRITES)
    tail_of(lam, name, "bytes(range(256)) + b'\\n'")
    first, second = lines_of(lab, name)
    assert first == "".join(map(chr, range(10))) + "\n"
    assert second == "".join(map(chr, range(11, 128))) + "\ufffd" * 128 + "\n"


# ---- very much


def resident(pid: int) -> float:
    """What a process has in memory, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / MB


@pytest.mark.parametrize(
    "write", ["(b'q' * 99 + b'\\n') * 10_000", "b'q' * 1_000_000"], ids=["lines", "no line break"]
)
def test_100_mb_of_logs_do_not_stay_in_the_clouds_memory(
    lab: Lab, lam: Any, make_function: MakeFunction, write: str
) -> None:
    name = make_function(
        f"import os\ndef handler(event, context):\n    data = {write}\n"
        "    for _ in range(event):\n        view = memoryview(data)\n"
        "        while view:\n            view = view[os.write(1, view):]\n",
        Timeout=120,
        MemorySize=2048,
    )
    tail_of(lam, name, 1)
    pid = lab._process.pid
    before = resident(pid)
    assert len(tail_of(lam, name, 100)) == 4096
    assert resident(pid) - before < 150
    assert lab.tail(name).lines[-1].startswith("REPORT")
