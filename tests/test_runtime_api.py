"""The Runtime API as a runtime of one's own would speak it.

The functions here bring such a runtime: their module asks for events itself, over http.client, and
never comes back to the runtime that loaded it.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import Answer, invoke, outside, refusal, state_of, wait_until

MakeFunction = Callable[..., str]

RUNTIME = '''
import http.client, json, os, sys

class Runtime:
    """One connection to the Runtime API."""

    def __init__(self):
        self.api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(self, method, path, body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.api.request(method, "/2018-06-01/runtime" + path, body, named)
        answer = self.api.getresponse()
        return answer.status, dict(answer.headers), answer.read()

    def next(self):
        _, self.headers, self.event = self.call("GET", "/invocation/next")
        self.id = self.headers["Lambda-Runtime-Aws-Request-Id"]
        return json.loads(self.event)

    def answer(self, value, id=None):
        return self.call("POST", f"/invocation/{id or self.id}/response", json.dumps(value))

    def fail(self, error, id=None, **headers):
        return self.call("POST", f"/invocation/{id or self.id}/error", json.dumps(error), **headers)

def told(answer):
    status, headers, body = answer
    return [status, headers.get("Content-Type"), json.loads(body)]

runtime = Runtime()
'''
OK = [202, "application/json", {"status": "OK"}]


@pytest.fixture
def invoke_own(lam: Any, make_function: MakeFunction) -> Callable[..., Answer]:
    """Invoke a function whose module runs ``loop`` as its runtime."""
    names: dict[str, str] = {}

    def run(loop: str, event: Any = None, **settings: Any) -> Answer:
        if loop not in names:
            names[loop] = make_function({"own.py": RUNTIME + loop}, Handler="own.x", **settings)
        return invoke(lam, names[loop], {} if event is None else event)

    return run


Own = Callable[..., Answer]


def test_a_runtime_takes_events_and_answers_them_one_by_one(invoke_own: Own) -> None:
    loop = (
        "me = os.urandom(8).hex()\n"
        "while True:\n    event = runtime.next()\n    runtime.answer([event, me])\n"
    )
    first, second = invoke_own(loop, {"n": 1}), invoke_own(loop, {"n": 2})
    assert (first.value[0], second.value[0]) == ({"n": 1}, {"n": 2})
    assert first.value[1] == second.value[1]
    assert (first.error, second.error) == (None, None)


def test_an_event_comes_with_the_headers_of_the_guide(invoke_own: Own) -> None:
    loop = "while True:\n    runtime.next()\n    runtime.answer(runtime.headers)\n"
    answer = invoke_own(loop, Timeout=5)
    found = answer.value
    assert found["Lambda-Runtime-Aws-Request-Id"] == answer.request_id
    assert found["Content-Type"] == "application/json"
    arn = found["Lambda-Runtime-Invoked-Function-Arn"]
    assert re.fullmatch(r"arn:aws:lambda:us-east-1:123456789012:function:[\w-]+", arn)
    assert found["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
    left = int(found["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time()
    assert 0 < left <= 5
    assert "Lambda-Runtime-Client-Context" not in found


def test_an_answer_is_accepted_and_taken_as_it_is(invoke_own: Own) -> None:
    loop = (
        "seen = []\nwhile True:\n    runtime.next()\n"
        "    seen.append(told(runtime.answer({'number': len(seen), 'seen': seen})))\n"
    )
    assert invoke_own(loop).payload == b'{"number": 0, "seen": []}'
    assert invoke_own(loop).value == {"number": 1, "seen": [OK]}


def test_an_answer_need_not_be_json(lam: Any, make_function: MakeFunction) -> None:
    loop = (
        "while True:\n    runtime.next()\n"
        "    runtime.call('POST', f'/invocation/{runtime.id}/response', b'\\x00 plain \\xff')\n"
    )
    name = make_function({"own.py": RUNTIME + loop}, Handler="own.x")
    assert lam.invoke(FunctionName=name)["Payload"].read() == b"\x00 plain \xff"


def test_a_wrong_request_id_is_refused_and_the_right_one_still_counts(invoke_own: Own) -> None:
    loop = (
        "seen = []\nwhile True:\n    event = runtime.next()\n"
        "    for id in ('00000000-0000-4000-8000-000000000000', 'x'):\n"
        "        seen.append(told(runtime.answer('forged', id)))\n"
        "        seen.append(told(runtime.fail({'errorMessage': 'forged'}, id)))\n"
        "    runtime.answer(seen)\n"
    )
    answer = invoke_own(loop)
    wanted = {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}
    assert answer.value == [[400, "application/json", wanted]] * 4
    assert answer.error is None


def test_the_request_id_of_an_earlier_invocation_is_a_wrong_one(invoke_own: Own) -> None:
    loop = (
        "before = None\nwhile True:\n    runtime.next()\n"
        "    status = runtime.answer('late', before)[0] if before else None\n"
        "    before = runtime.id\n    runtime.answer(status)\n"
    )
    assert [invoke_own(loop).value for _ in range(3)] == [None, 400, 400]


def test_only_the_first_of_two_answers_counts(invoke_own: Own) -> None:
    loop = (
        "seen = None\nwhile True:\n    runtime.next()\n    runtime.answer(['first', seen])\n"
        "    seen = [runtime.answer('second')[0], runtime.fail({'errorMessage': 'third'})[0]]\n"
    )
    assert invoke_own(loop).value == ["first", None]
    second = invoke_own(loop)
    assert second.value == ["first", [400, 400]]
    assert second.error is None


def test_an_error_of_the_function_is_told_as_the_runtime_words_it(invoke_own: Own) -> None:
    loop = (
        "seen = []\nwhile True:\n    runtime.next()\n"
        "    error = {'errorMessage': 'é', 'errorType': 'Own.Error', 'seen': seen}\n"
        "    kind = 'Function.OwnError'\n"
        "    seen.append(told(runtime.fail(error, Lambda_Runtime_Function_Error_Type=kind)))\n"
    )
    first, second = invoke_own(loop), invoke_own(loop)
    assert first.value == {"errorMessage": "é", "errorType": "Own.Error", "seen": []}
    assert second.value["seen"] == [OK]
    assert (first.error, second.error) == ("Unhandled", "Unhandled")
    report = second.log.splitlines()[-1]
    assert "Status" not in report  # the function's own error is none of the platform's


def test_an_event_without_an_answer_is_given_again(invoke_own: Own) -> None:
    loop = (
        "while True:\n    first = runtime.next()\n    id = runtime.id\n"
        "    again = runtime.next()\n    runtime.answer([first, again, id == runtime.id])\n"
    )
    for number in range(2):
        assert invoke_own(loop, number).value == [number, number, True]


def test_an_answer_too_large_is_refused_and_told_to_the_caller(invoke_own: Own) -> None:
    loop = (
        "status = None\nwhile True:\n    event = runtime.next()\n"
        "    value = 'x' * 6291600 if event == 'large' else status\n"
        "    status = runtime.answer(value)[0]\n"
    )
    large = invoke_own(loop, "large", MemorySize=512)
    assert large.error == "Unhandled"
    assert large.value["errorType"] == "Function.ResponseSizeTooLarge"
    assert invoke_own(loop, "small").value == 413


INIT_ERROR = """
body = json.dumps({"errorMessage": "no configuration", "errorType": "Own.Config", "stackTrace": []})
print(runtime.call("POST", "/init/error", body, Lambda_Runtime_Function_Error_Type="%s")[0])
sys.stdout.flush()
os._exit(%d)
"""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("Runtime.ConfigInvalid", "Runtime.ConfigInvalid"),
        ("Function.NoTable", "Function.NoTable"),
        ("whatever", "Runtime.Unknown"),
        ("", "Runtime.Unknown"),
    ],
)
def test_an_error_of_init_is_told_with_its_type(given: str, told: str, invoke_own: Own) -> None:
    answer = invoke_own(INIT_ERROR % (given, 1))
    assert answer.error == "Unhandled"
    assert answer.value["errorMessage"] == "no configuration"
    lines = answer.log.splitlines()
    assert lines[1] == "202"
    assert lines[2].endswith(f"ms\tPhase: init\tStatus: error\tError Type: {told}")
    assert lines[4].endswith(f"ms\tPhase: invoke\tStatus: error\tError Type: {told}")
    assert lines[-1].endswith(f"Status: error\tError Type: {told}")


def test_an_error_of_init_comes_too_late_when_init_is_over(invoke_own: Own) -> None:
    loop = (
        "while True:\n    runtime.next()\n"
        "    runtime.answer(told(runtime.call('POST', '/init/error', '{}')))\n"
    )
    answer = invoke_own(loop)
    status, _, error = answer.value
    assert (status, error["errorType"]) == (403, "InvalidStateTransition")
    assert answer.error is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/invocation/current"),
        ("POST", "/invocation/{id}/praise"),
        ("GET", "/invocation/{id}/response"),
        ("GET", "/init/error"),
        ("DELETE", "/invocation/next"),
        ("GET", "/../2018-06-02/runtime/invocation/next"),
        ("GET", ""),
    ],
)
def test_an_unknown_path_is_not_found_and_harms_nothing(
    method: str, path: str, invoke_own: Own
) -> None:
    loop = (
        "while True:\n    event = runtime.next()\n"
        "    path = event['path'].replace('{id}', runtime.id)\n"
        "    runtime.answer(runtime.call(event['method'], path, '{}')[0])\n"
    )
    answer = invoke_own(loop, {"method": method, "path": path})
    assert answer.value == 404


def test_a_runtime_may_close_and_connect_again(invoke_own: Own) -> None:
    loop = (
        "while True:\n    runtime = Runtime()\n    event = runtime.next()\n"
        "    runtime.api.close()\n    runtime.answer(event)\n"
    )
    assert [invoke_own(loop, n).value for n in range(3)] == [0, 1, 2]


def test_a_runtime_that_ends_after_its_answer_gives_the_answer_and_no_warm_environment(
    invoke_own: Own, lab: Lab
) -> None:
    loop = (
        "me = os.urandom(8).hex()\nevent = runtime.next()\n"
        "run = runtime.answer([event, me])\nos._exit(0)\n"
    )
    first, second = invoke_own(loop, 1), invoke_own(loop, 2)
    for number, answer in ((1, first), (2, second)):
        assert answer.value[0] == number
    assert first.value[1] != second.value[1]


def test_a_runtime_that_never_asks_for_an_event_fails_in_init(invoke_own: Own, lab: Lab) -> None:
    answer = invoke_own("os._exit(0)\n")
    assert answer.value["errorType"] == "Runtime.ExitError"
    phases = [record.detail["phase"] for record in lab.timeline if record.kind == "init"]
    assert phases == ["init", "invoke"]


def test_each_environment_has_an_address_of_its_own_that_ends_with_it(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    from http.client import HTTPConnection

    name = make_function(
        "import os\ndef handler(event, context):\n"
        "    return [os.getpid(), os.environ['AWS_LAMBDA_RUNTIME_API']]\n"
    )
    inside, address = invoke(lam, name).value
    pid = outside(lab, inside)
    host, _, port = address.partition(":")
    assert host == "127.0.0.1"
    connection = HTTPConnection(host, int(port), timeout=15)
    # Who is not of the environment is dropped, whatever it says.
    with pytest.raises(ConnectionError):
        connection.request("POST", "/2018-06-01/runtime/invocation/x/response", "forged")
        connection.getresponse()
    connection.close()
    wait_until(lambda: state_of(pid) == "T")
    lam.delete_function(FunctionName=name)
    assert refusal(lam.invoke, FunctionName=name).status == 404

    def refused() -> bool:
        try:
            connection.connect()
        except ConnectionRefusedError:
            return True
        connection.close()
        return False

    wait_until(refused)


def test_the_client_of_the_lab_answers_and_asks_in_one_breath() -> None:
    # What the speed of warm invocations stands on.
    from lambdalab.execution import runtime_client

    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = runtime_client._Connection(f"127.0.0.1:{server.getsockname()[1]}", "test")
        peer, _ = server.accept()
        with peer:
            connection.answer("/invocation/1/response", "", b'"value"')
            received = peer.recv(1 << 16)
            assert received.count(b"HTTP/1.1\r\n") == 2
            assert b"GET /2018-06-01/runtime/invocation/next " in received
            event = json.dumps({"a": 1}).encode()
            for status, body in ((b"202 Accepted", b"{}"), (b"200 OK", event)):
                head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nX: y\r\n\r\n" % (status, len(body))
                for part in (head[:7], head[7:], body):
                    peer.sendall(part)
            assert connection.next() == (event, {"Content-Length": str(len(event)), "X": "y"})
        connection._socket.close()


def test_each_attempt_has_an_identifier_that_an_answer_may_echo(invoke_own: Own) -> None:
    loop = (
        "while True:\n    runtime.next()\n"
        "    id = runtime.headers['Lambda-Runtime-Invocation-Id']\n"
        "    told_of = []\n"
        "    for echo in ('wrong', id):\n"
        "        path = f'/invocation/{runtime.id}/response'\n"
        "        given = json.dumps([id, told_of])\n"
        "        answer = runtime.call('POST', path, given, Lambda_Runtime_Invocation_Id=echo)\n"
        "        told_of.append(told(answer))\n"
    )
    first, second = invoke_own(loop, 1).value, invoke_own(loop, 2).value
    assert first[0] != second[0]
    assert re.fullmatch(r"[0-9a-f-]{36}", first[0])
    ((status, _, error),) = first[1]
    assert (status, error["errorType"]) == (400, "InvalidInvocationId")


@pytest.mark.parametrize(("method", "path"), [("GET", "next"), ("POST", "error")])
def test_without_snapstart_there_is_nothing_to_restore(
    method: str, path: str, invoke_own: Own
) -> None:
    loop = (
        "while True:\n    runtime.next()\n"
        f"    runtime.answer(told(runtime.call({method!r}, '/restore/{path}', '{{}}')))\n"
    )
    status, _, error = invoke_own(loop).value
    assert status == 404
    assert "SnapStart is off" in error["errorMessage"]


def test_an_answer_too_large_names_the_limit_to_the_runtime(invoke_own: Own) -> None:
    loop = (
        "seen = None\nwhile True:\n    event = runtime.next()\n"
        "    if event == 'tell':\n        runtime.answer(seen)\n        continue\n"
        "    body = b'x' * event\n"
        "    seen = told(runtime.call('POST', f'/invocation/{runtime.id}/response', body))\n"
    )
    invoke_own(loop, 6_291_557, MemorySize=512)
    wanted = {
        "errorMessage": "Exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "RequestEntityTooLarge",
    }
    assert invoke_own(loop, "tell").value == [413, "application/json", wanted]
