"""Response streaming: from a runtime to a caller who reads the response as it comes."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.execution.runtimes import choice, node_search
from tests.engine import SIGNED_FOR_LAMBDA, invoke, port_of, refusal, request, wait_until
from tests.test_runtime_api import RUNTIME

MakeFunction = Callable[..., str]

MB = 1024 * 1024
LIMIT = 6_291_556
OWN_PYTHON = choice.own_runtime()

# A runtime in Python that streams what the event says.
STREAMER = (
    RUNTIME
    + '''
import base64, socket, time

def stream(parts, error=None, mode="streaming", finish=True, id=None, **headers):
    """Send parts as chunks; gives the status of the answer, or None."""
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    connection = socket.create_connection((host, int(port)))
    path = f"/2018-06-01/runtime/invocation/{id or runtime.id}/response"
    head = [f"POST {path} HTTP/1.1", "Host: x", f"Lambda-Runtime-Function-Response-Mode: {mode}",
            "Transfer-Encoding: chunked", "Content-Type: text/plain",
            "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    connection.sendall("\\r\\n".join([*head, "", ""]).encode())
    for part in parts:
        connection.sendall(b"%x\\r\\n%b\\r\\n" % (len(part), part))
    if not finish:
        connection.close()
        return None
    end = [b"0"]
    if error:
        body = base64.b64encode(json.dumps(error).encode())
        end += [b"Lambda-Runtime-Function-Error-Type: " + error["errorType"].encode(),
                b"Lambda-Runtime-Function-Error-Body: " + body]
    connection.sendall(b"\\r\\n".join([*end, b"", b""]))
    answer = b""
    while b"\\r\\n\\r\\n" not in answer:
        answer += connection.recv(65536)
    connection.close()
    return int(answer.split()[1])
'''
)


@pytest.fixture
def streamer(make_function: MakeFunction) -> Callable[..., str]:
    """Create a function whose module runs ``loop`` as its runtime."""

    def make(loop: str, **settings: Any) -> str:
        wanted = {"Handler": "own.x", "Runtime": OWN_PYTHON, "MemorySize": 1769, "Timeout": 10}
        return make_function({"own.py": STREAMER + loop}, **(wanted | settings))

    return make


Streamer = Callable[..., str]


class Streamed:
    """What a caller of InvokeWithResponseStream got, and when."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.parts: list[bytes] = []
        self.at: list[float] = []
        self.complete: dict[str, Any] | None = None
        for event in answer["EventStream"]:
            assert self.complete is None, "nothing comes after the end"
            if "PayloadChunk" in event:
                self.parts.append(event["PayloadChunk"]["Payload"])
                self.at.append(time.monotonic())
            else:
                self.complete = event["InvokeComplete"]

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    @property
    def error(self) -> Any:
        assert self.complete is not None
        assert self.complete["ErrorCode"] == "Unhandled"
        return json.loads(self.complete["ErrorDetails"])


def stream(lam: Any, name: str, event: Any = None, **parameters: Any) -> Streamed:
    payload = json.dumps(event or {})
    return Streamed(
        lam.invoke_with_response_stream(FunctionName=name, Payload=payload, **parameters)
    )


# ---- a runtime that streams

EACH = "while True:\n    event = runtime.next()\n    "


def test_parts_come_while_the_function_still_runs(streamer: Streamer, lam: Any) -> None:
    loop = EACH + (
        "def slowly():\n        yield b'one'\n        time.sleep(0.3)\n        yield b'two'\n"
        "    stream(slowly())\n"
    )
    got = stream(lam, streamer(loop))
    assert got.body == b"onetwo"
    assert got.parts[0] == b"one"
    assert got.at[-1] - got.at[0] > 0.2
    assert got.complete == {}


def test_the_answer_s_head_is_that_of_an_event_stream(
    streamer: Streamer, lab: Lab, lam: Any
) -> None:
    name = streamer(EACH + "stream([b'x'])\n")
    answer = lam.invoke_with_response_stream(FunctionName=name)
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert headers["content-type"] == "application/vnd.amazon.eventstream"
    assert headers["transfer-encoding"] == "chunked"
    assert Streamed(answer).body == b"x"


def test_a_streamed_response_is_whole_for_invoke(streamer: Streamer, lam: Any) -> None:
    name = streamer(EACH + "stream([b'[1,', b'2]'])\n")
    answer = invoke(lam, name)
    assert (answer.value, answer.error) == ([1, 2], None)


def test_an_environment_streams_again_and_again(streamer: Streamer, lam: Any) -> None:
    name = streamer("import itertools\n" + EACH + "stream([b'%d' % os.getpid()])\n")
    assert len({stream(lam, name).body for _ in range(3)}) == 1


def test_an_error_in_the_middle_is_told_at_the_end(streamer: Streamer, lam: Any) -> None:
    error = {"errorMessage": "é", "errorType": "Function.Broke", "stackTrace": []}
    name = streamer(EACH + f"stream([b'begun'], {error!r})\n")
    got = stream(lam, name, LogType="Tail")
    assert got.body == b"begun"
    assert got.error == error
    log = base64.b64decode(got.complete["LogResult"]).decode()
    assert "END RequestId" in log
    whole = invoke(lam, name)
    assert (whole.error, whole.value) == ("Unhandled", error)


def test_what_the_runtime_is_told_of_its_stream(streamer: Streamer, lam: Any) -> None:
    loop = EACH + (
        "if event == 'tell':\n        runtime.answer(seen)\n        continue\n"
        "    other = '00000000-0000-4000-8000-000000000000'\n"
        "    seen = [stream([b'forged'], id=other), "
        "stream([b'x'], Lambda_Runtime_Invocation_Id='wrong'), stream([b'true'])]\n"
        "    seen.append(stream([b'again']))\n"
    )
    name = streamer(loop)
    assert stream(lam, name).body == b"true"
    assert invoke(lam, name, "tell").value == [400, 400, 202, 400]


def test_a_mode_that_does_not_exist_fails(streamer: Streamer, lam: Any) -> None:
    loop = EACH + (
        "if event == 'tell':\n        runtime.answer(status)\n        continue\n"
        "    status = stream([b'1'], mode='sometimes')\n"
    )
    name = streamer(loop)
    assert stream(lam, name).error["errorType"] == "Runtime.InvalidResponseModeHeader"
    assert invoke(lam, name, "tell").value == 400


def test_a_mode_is_read_whatever_its_case_and_buffered_is_one(streamer: Streamer, lam: Any) -> None:
    loop = EACH + "stream([b'[\"', event.encode(), b'\"]'], mode=event)\n"
    name = streamer(loop)
    for mode in ("Streaming", "BUFFERED", "buffered"):
        assert stream(lam, name, mode).body == f'["{mode}"]'.encode()


def test_a_stream_that_breaks_off_is_truncated(streamer: Streamer, lam: Any) -> None:
    name = streamer(EACH + "stream([b'begun'], finish=False)\n")
    got = stream(lam, name)
    assert got.body == b"begun"
    assert got.error["errorType"] == "Runtime.TruncatedResponse"


def test_a_timeout_in_the_middle_is_told_at_the_end(streamer: Streamer, lam: Any) -> None:
    loop = EACH + (
        "def never():\n        yield b'begun'\n        time.sleep(60)\n    stream(never())\n"
    )
    got = stream(lam, streamer(loop, Timeout=1))
    assert got.body == b"begun"
    assert got.error["errorType"] == "Sandbox.Timedout"


def test_a_crash_in_the_middle_is_told_at_the_end(streamer: Streamer, lam: Any) -> None:
    loop = EACH + (
        "def dies():\n        yield b'begun'\n        time.sleep(0.1)\n        os._exit(3)\n"
        "    stream(dies())\n"
    )
    got = stream(lam, streamer(loop))
    assert got.body == b"begun"
    assert got.error["errorType"] in ("Runtime.ExitError", "Runtime.TruncatedResponse")


def test_a_caller_that_goes_away_does_not_stop_the_function(
    streamer: Streamer, lab: Lab, lam: Any
) -> None:
    loop = EACH + (
        "def parts():\n        for n in range(20):\n            yield b'x' * 100_000\n"
        "            time.sleep(0.02)\n    stream(parts()); print('to the end')\n"
    )
    name = streamer(loop)
    answer = lam.invoke_with_response_stream(FunctionName=name)
    next(iter(answer["EventStream"]))
    answer["EventStream"].close()
    logs = lab.client("logs")

    def ended() -> bool:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        return any("to the end" in event["message"] for event in events)

    wait_until(ended)


# ---- limits


@pytest.mark.parametrize(("size", "passes"), [(LIMIT, True), (LIMIT + 1, False)])
def test_a_whole_response_has_a_limit_exactly(
    size: int, passes: bool, lam: Any, make_function: MakeFunction
) -> None:
    code = f"def handler(event, context):\n    return 'x' * {size - 2}\n"
    name = make_function(code, MemorySize=1769, Runtime=OWN_PYTHON, Timeout=10)
    answer = invoke(lam, name)
    if passes:
        assert (len(answer.payload), answer.error) == (size, None)
        assert len(stream(lam, name).body) == size
        return
    wanted = {
        "errorMessage": "Response payload size exceeded maximum allowed payload size "
        "(6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    assert (answer.value, answer.error) == (wanted, "Unhandled")
    assert stream(lam, name).error == wanted


def test_a_streamed_response_may_be_larger_but_not_for_invoke(streamer: Streamer, lam: Any) -> None:
    name = streamer(EACH + f"stream([b'x' * 65536] * {8 * MB // 65536})\n")
    got = stream(lam, name)
    assert len(got.body) == 8 * MB
    assert got.complete == {}
    whole = invoke(lam, name)
    assert whole.value["errorType"] == "Function.ResponseSizeTooLarge"
    assert "6291556" in whole.value["errorMessage"]


def test_a_streamed_response_has_a_limit_of_its_own(streamer: Streamer, lam: Any) -> None:
    loop = EACH + (
        "if event == 'tell':\n        runtime.answer(status)\n        continue\n"
        f"    size = {200 * MB} + event['more']\n"
        "    status = stream(b'x' * min(1 << 20, size - at) for at in range(0, size, 1 << 20))\n"
    )
    name = streamer(loop, Timeout=60)
    fits = stream(lam, name, {"more": 0})
    assert len(fits.body) == 200 * MB
    assert fits.complete == {}
    del fits
    more = stream(lam, name, {"more": 1})
    assert len(more.body) == 200 * MB
    assert more.error["errorType"] == "Function.ResponseSizeTooLarge"
    assert invoke(lam, name, "tell").value == 413


# ---- handlers that do not stream


def test_a_handler_that_does_not_stream_answers_in_chunks(
    lam: Any, make_function: MakeFunction
) -> None:
    got = stream(lam, make_function(Runtime=OWN_PYTHON), {"a": "é"}, LogType="Tail")
    assert json.loads(got.body) == {"a": "é"}
    assert got.complete is not None
    assert list(got.complete) == ["LogResult"]
    assert "REPORT RequestId" in base64.b64decode(got.complete["LogResult"]).decode()


def test_errors_of_a_handler_that_does_not_stream(lam: Any, make_function: MakeFunction) -> None:
    code = "def handler(event, context):\n    raise ValueError('no')\n"
    got = stream(lam, make_function(code, Runtime=OWN_PYTHON))
    assert got.body == b""
    assert (got.error["errorType"], got.error["errorMessage"]) == ("ValueError", "no")


def test_a_dry_run_runs_nothing(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    name = make_function(Runtime=OWN_PYTHON)
    answer = lam.invoke_with_response_stream(FunctionName=name, InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert list(answer["EventStream"]) == []
    assert [record for record in lab.timeline if record.kind == "invoke"] == []


def test_refusals_are_those_of_invoke(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    call = lam.invoke_with_response_stream
    assert refusal(call, FunctionName="absent") == refusal(lam.invoke, FunctionName="absent")
    name = make_function(Runtime=OWN_PYTHON)
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    throttled = refusal(call, FunctionName=name)
    assert (throttled.status, throttled.code) == (429, "TooManyRequestsException")
    assert refusal(call, FunctionName=name, Payload=b"{").code == "InvalidRequestContentException"
    path = f"/2021-11-15/functions/{name}/response-streaming-invocations"
    reply = request(
        port_of(lab), "POST", path, b"{}", Authorization=SIGNED_FOR_LAMBDA,
        X_Amz_Invocation_Type="Event",
    )  # fmt: skip
    assert reply.status == 400
    assert "[RequestResponse, DryRun]" in reply.json["message"]


def test_several_callers_get_their_own_streams(streamer: Streamer, lam: Any) -> None:
    loop = EACH + ("stream((b'%d,' % event['n'] for _ in range(50)))\n")
    name = streamer(loop)
    got: dict[int, bytes] = {}

    def call(n: int) -> None:
        got[n] = stream(lam, name, {"n": n}).body

    threads = [threading.Thread(target=call, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {n: b"%d," % n * 50 for n in range(4)}


# ---- Node.js

with_node = pytest.mark.skipif(
    node_search.installed() is None, reason="this machine has no Node.js"
)
NODE = {"Runtime": "nodejs22.x", "Handler": "index.handler", "MemorySize": 1769, "Timeout": 10}


@pytest.fixture
def node_stream(make_function: MakeFunction) -> Iterator[Callable[..., str]]:
    """Create a Node.js function that streams; ``body`` is what its handler does."""

    def make(body: str, head: str = "", **settings: Any) -> str:
        code = (
            f"{head}\nexports.handler = awslambda.streamifyResponse("
            f"async (event, stream, context) => {{ {body} }});"
        )
        return make_function({"index.js": code}, **(NODE | settings))

    yield make


NodeStream = Callable[..., str]


@with_node
@pytest.mark.parametrize("runtime", ["nodejs22.x", "nodejs24.x"])
def test_node_streams_parts_as_they_come(runtime: str, node_stream: NodeStream, lam: Any) -> None:
    name = node_stream(
        "stream.write('one'); await new Promise((r) => setTimeout(r, 300));"
        " stream.write({ two: context.awsRequestId.length }); stream.end('three');",
        Runtime=runtime,
    )
    got = stream(lam, name)
    assert got.body == b'one{"two":36}three'
    assert got.at[-1] - got.at[0] > 0.2
    assert got.complete == {}
    assert stream(lam, name).body == got.body


@with_node
def test_node_pipes_into_its_response(node_stream: NodeStream, lam: Any) -> None:
    head = (
        "const { pipeline } = require('node:stream/promises');"
        "const { Readable } = require('node:stream');"
    )
    name = node_stream(
        "const parts = Array.from({ length: 300 }, () => 'x'.repeat(1e4));"
        " await pipeline(Readable.from(parts), stream);",
        head,
    )
    assert stream(lam, name).body == b"x" * 3_000_000


@with_node
def test_node_sends_the_head_of_an_http_answer_first(node_stream: NodeStream, lam: Any) -> None:
    name = node_stream(
        "const s = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers:"
        " { 'x-a': 'b' } }); s.write('body'); s.end();"
    )
    head, _, body = stream(lam, name).body.partition(b"\0" * 8)
    assert json.loads(head) == {"statusCode": 201, "headers": {"x-a": "b"}}
    assert body == b"body"


@with_node
def test_an_error_of_node_in_the_middle_comes_behind_what_was_sent(
    node_stream: NodeStream, lam: Any
) -> None:
    name = node_stream("stream.write('begun'); throw new RangeError('far');")
    got = stream(lam, name, LogType="Tail")
    assert got.body == b"begun"
    assert (got.error["errorType"], got.error["errorMessage"]) == ("RangeError", "far")
    assert "at /var/task" in got.error["trace"][1] or "/var/task/index.js" in got.error["trace"][1]
    assert "ERROR\tInvoke Error" in base64.b64decode(got.complete["LogResult"]).decode()


@with_node
def test_an_error_of_node_before_anything_is_sent(node_stream: NodeStream, lam: Any) -> None:
    got = stream(lam, node_stream("throw new Error('at once');"))
    assert (got.body, got.error["errorMessage"]) == (b"", "at once")


@with_node
def test_a_streaming_handler_must_be_async(lam: Any, make_function: MakeFunction) -> None:
    code = "exports.handler = awslambda.streamifyResponse((e, s) => { s.end('x') })"
    name = make_function({"index.js": code}, **NODE)
    assert "non-async" in stream(lam, name).error["errorMessage"]


@with_node
def test_what_a_streaming_handler_returns_is_ignored_with_a_warning(
    node_stream: NodeStream, lam: Any
) -> None:
    got = stream(lam, node_stream("stream.end('sent'); return 'lost';"), LogType="Tail")
    assert got.body == b"sent"
    log = base64.b64decode(got.complete["LogResult"]).decode()
    assert "WARN\tStreaming handlers ignore return values." in log
