"""Function URLs and streamed responses, in both invoke modes.

The rows are answers of AWS, recorded in 2026: https://github.com/radkawar/stackd, folder
testdata/aws/lambda. A runtime in Python streams, for Node.js need not be here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import StartLab
from tests.engine import wait_until
from tests.test_streaming import OWN_PYTHON, STREAMER
from tests.web_stage import Site

PRELUDE = "application/vnd.awslambda.http-integration-response"
OCTETS = "application/octet-stream"
# Does what the header X-Plan says: streams parts, gives a plain value, or fails.
RUNTIME = (
    STREAMER.replace('"Content-Type: text/plain"', 'f"Content-Type: {kind}"').replace(
        'mode="streaming"', 'mode="streaming", kind="text/plain"'
    )
    + """
def timed(parts, pause):
    for part in parts:
        yield part.encode()
        time.sleep(pause)

while True:
    event = runtime.next()
    plan = json.loads(event["headers"]["x-plan"])
    if "value" in plan:
        runtime.answer(plan["value"])
    elif "fail" in plan:
        runtime.fail({"errorMessage": plan["fail"], "errorType": "Error"})
    else:
        parts = timed(plan.pop("parts"), plan.pop("pause", 0))
        stream(parts, **plan)
"""
)


class Theatre(Site):
    """One runtime behind two URLs: one that streams, one that waits for the whole."""

    def __init__(self, lab: Any) -> None:
        self.lab, self.lam = lab, lab.client("lambda")
        own = {"Runtime": OWN_PYTHON, "Handler": "own.x", "MemorySize": 1769}
        self.urls: dict[str, str] = {}
        for mode in ("RESPONSE_STREAM", "BUFFERED"):
            name = mode.lower()
            self.make(name, {"own.py": RUNTIME}, **own)
            self.permit(name)
            self.urls[mode] = self.give_url(name, InvokeMode=mode)

    def play(self, mode: str, method: str = "GET", *, stream: bool = False, **plan: Any) -> Any:
        headers = {"X-Plan": json.dumps(plan)}
        return self.lab.http.request(method, self.urls[mode], headers=headers, stream=stream)


@pytest.fixture(scope="module")
def theatre(start_lab: StartLab) -> Iterator[Theatre]:
    with start_lab() as lab:
        yield Theatre(lab)


def prelude(**members: Any) -> str:
    return json.dumps(members) + "\0" * 8


BEGUN = prelude(statusCode=418, headers={"X-A": "b", "Content-Type": "text/html"}, cookies=["c=d"])
# The plan; what it gives where the URL streams, and where it does not: status, type, body.
ROWS: list[tuple[dict[str, Any], tuple[Any, ...], tuple[Any, ...]]] = [
    ({"parts": ["one", "two"]}, (200, "text/plain", b"onetwo"), (200, OCTETS, b"onetwo")),
    (
        {"parts": [BEGUN, "tea"], "kind": PRELUDE},
        (418, "text/html", b"tea"),
        (418, "text/html", b""),
    ),
    (
        {"parts": [BEGUN[:9], BEGUN[9:] + "te", "a"], "kind": PRELUDE},
        (418, "text/html", b"tea"),
        (418, "text/html", b""),
    ),
    (
        {"parts": [prelude(headers={}), "x"], "kind": PRELUDE},
        (200, OCTETS, b"x"),
        (200, "application/json", b""),
    ),
    ({"parts": []}, (200, OCTETS, b""), (200, "application/json", b"")),
    (
        {"parts": ["half"], "error": {"errorType": "Error", "errorMessage": "x"}},
        (200, "text/plain", b"half"),
        (200, OCTETS, b"half"),
    ),
    (
        {"value": {"statusCode": 201, "body": "b"}},
        (201, "application/json", b'{"statusCode": 201, "body": "b"}'),
        (201, "application/json", b"b"),
    ),
    ({"value": "text"}, (200, "application/json", b'"text"'), (200, "application/json", b"text")),
    (
        {"fail": "no"},
        (200, "application/json", b'{"errorMessage": "no", "errorType": "Error"}'),
        (502, "application/json", b"Internal Server Error"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["RESPONSE_STREAM", "BUFFERED"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: json.dumps(row[0])[:40])
def test_what_becomes_of_a_response(theatre: Theatre, mode: str, row: Any) -> None:
    plan, streamed, buffered = row
    reply = theatre.play(mode, **plan)
    got = reply.status_code, reply.headers["content-type"], reply.content
    assert got == (streamed if mode == "RESPONSE_STREAM" else buffered)


def test_a_prelude_gives_headers_and_cookies(theatre: Theatre) -> None:
    reply = theatre.play("RESPONSE_STREAM", parts=[BEGUN, "x"], kind=PRELUDE)
    assert (reply.headers["x-a"], reply.headers["set-cookie"]) == ("b", "c=d")
    assert reply.headers["transfer-encoding"] == "chunked"


def test_a_prelude_without_sense_is_a_bad_gateway(theatre: Theatre) -> None:
    reply = theatre.play("RESPONSE_STREAM", parts=["{]" + "\0" * 8, "x"], kind=PRELUDE)
    assert (reply.status_code, reply.text) == (502, "Internal Server Error")


def test_parts_come_while_the_function_still_runs(theatre: Theatre) -> None:
    reply = theatre.play(
        "RESPONSE_STREAM", stream=True, parts=[BEGUN, "one", "two"], pause=0.3, kind=PRELUDE
    )
    came = [(part, time.monotonic()) for part in reply.iter_content(None)]
    assert [part for part, _ in came] == [b"one", b"two"]
    assert came[1][1] - came[0][1] > 0.2


def test_head_has_no_body(theatre: Theatre) -> None:
    reply = theatre.play("RESPONSE_STREAM", "HEAD", parts=["one"])
    assert (reply.status_code, reply.content) == (200, b"")
    assert theatre.play("RESPONSE_STREAM", parts=["next"]).content == b"next"


def test_a_client_that_leaves_does_not_stop_the_function(theatre: Theatre) -> None:
    before = len(list(theatre.lab.timeline))
    reply = theatre.play("RESPONSE_STREAM", stream=True, parts=["one", "two", "three"], pause=0.2)
    next(reply.iter_content(None))
    reply.close()

    def invoked() -> list[Any]:
        return [one for one in list(theatre.lab.timeline)[before:] if one.kind == "invoke"]

    (record,) = wait_until(invoked)
    assert record.detail["status"] == "success"
    assert record.duration > 0.5
