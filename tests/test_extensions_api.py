"""The Extensions API on the wire: what is answered, what is held, and which states there are."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lambdalab import facts
from lambdalab.clock import stopwatch
from lambdalab.execution.extension import Failure
from lambdalab.execution.extension_processes import extension_files
from lambdalab.execution.variables import environment_variables, extension_variables
from tests.engine import Reply, gone, send, wait_until
from tests.extension_stage import IDENTIFIER, INVOCATION, Stage, put, spec

DATA = tomllib.loads((Path(__file__).parent / "rows" / "extensions_api.toml").read_text("utf-8"))
ERROR_TYPE = "Lambda-Extension-Function-Error-Type"
OK = {"status": "OK"}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as made:
        yield made


def refusal_of(reply: Reply) -> tuple[int, str, str]:
    assert reply.headers["content-type"] == "application/json"
    assert list(reply.json) == ["errorMessage", "errorType"]
    return reply.status, reply.json["errorType"], reply.json["errorMessage"]


# ---- registration


@pytest.mark.parametrize("row", DATA["row"], ids=[row["name"] for row in DATA["row"]])
def test_a_bad_request_is_refused_and_changes_nothing(row: dict[str, Any], stage: Stage) -> None:
    stage.launched("one", "two")
    two = stage.registered("two", "INVOKE")
    before = stage.lines(), list(stage.told)
    method, path = row["call"].split()
    headers = {k: v.replace("@two", two) for k, v in row.get("headers", {}).items()}
    for _ in range(2):
        reply = stage.call(method, path, row.get("body", "").encode(), **headers)
        status, kind, text = refusal_of(reply)
        assert (status, kind) == (403, row["type"])
        assert text == row.get("text", text)
    assert (stage.lines(), stage.told) == before


def test_a_registration_tells_which_function_it_is(stage: Stage) -> None:
    stage.launched("watch.py")
    reply = stage.register("watch.py", "INVOKE", "SHUTDOWN")
    assert reply.status == 200
    assert reply.json == {
        "functionName": "watched",
        "functionVersion": "$LATEST",
        "handler": "app.handler",
    }
    identifier = reply.headers[IDENTIFIER.lower()]
    assert str(UUID(identifier)) == identifier


@pytest.mark.parametrize(
    ("feature", "told"), [("accountId", True), ("x, accountId,", True), ("accountid", False)]
)
def test_the_account_is_told_to_those_who_ask(feature: str, told: bool, stage: Stage) -> None:
    stage.launched("one")
    reply = stage.register("one", **{"Lambda-Extension-Accept-Feature": feature})
    assert reply.json.get("accountId") == ("123456789012" if told else None)


@pytest.mark.parametrize("body", [b"{}", b"null", b'{"Events":null,"other":1}', b'{"events":[]}'])
def test_events_may_be_left_out(body: bytes, stage: Stage) -> None:
    stage.launched("one")
    reply = stage.call("POST", "register", body, **{"Lambda-Extension-Name": "one"})
    assert reply.status == 200
    assert stage.lines() == ["EXTENSION\tName: one\tState: Registered\tEvents: []\n"]


def test_an_external_extension_is_called_as_its_file_is_in_any_script(stage: Stage) -> None:
    stage.launched("größe")
    wire = "größe".encode().decode("latin-1")
    body = b'{"events":["INVOKE"]}'
    head = f"Lambda-Extension-Name: {wire}\r\nContent-Length: {len(body)}\r\nConnection: close"
    data = f"POST /2020-01-01/extension/register HTTP/1.1\r\n{head}\r\n\r\n".encode("latin-1")
    (reply,) = send(stage.port, data + body)
    assert reply.status == 200
    assert stage.state("größe") == "Registered"


def test_the_runtime_may_start_once_every_external_extension_has_registered(stage: Stage) -> None:
    stage.launched("one", "two")
    stage.registered("two", "INVOKE")
    stage.registered("inside", "INVOKE")
    assert stage.told == []
    stage.registered("one")
    assert stage.told == ["registered"]


def test_an_extension_that_is_quick_does_not_start_the_runtime_before_the_others_are_launched(
    stage: Stage,
) -> None:
    stage.do(lambda: stage.api.expect(2))
    stage.do(lambda: stage.api.launching("one"))
    stage.wait("one", stage.registered("one", "INVOKE"))
    assert stage.told == []
    assert not stage.ready()


def test_internal_extensions_register_until_the_runtime_has_asked_for_an_event(
    stage: Stage,
) -> None:
    stage.registered("inside", "INVOKE")
    taken = refusal_of(stage.register("inside", "INVOKE"))
    name_taken = "Extension with this name already registered"
    assert taken == (403, "Extension.InvalidExtensionState", name_taken)
    stage.do(stage.api.close_registration)
    closed = refusal_of(stage.register("late", "INVOKE"))
    text = "Extension registration closed already"
    assert closed == (403, "Extension.RegistrationClosed", text)


def test_ten_extensions_may_register(stage: Stage) -> None:
    most = facts.quota("function.extensions").value
    stage.launched(*(f"outside-{number}" for number in range(4)))
    for number in range(4, most):
        stage.registered(f"inside-{number}", "INVOKE")
    refused = refusal_of(stage.register("inside-more", "INVOKE"))
    assert refused == (403, "Extension.TooManyExtensions", "Extension limit (10) reached")
    stage.registered("outside-3", "INVOKE")  # it has its place since it was launched


def test_what_is_no_resource_is_not_found(stage: Stage) -> None:
    for method, path in (("GET", "register"), ("POST", "event/next"), ("GET", ""), ("PUT", "x")):
        assert refusal_of(stage.call(method, path))[:2] == (404, "InvalidPath")


# ---- events


def test_an_invocation_is_told_to_those_who_registered_for_it(stage: Stage) -> None:
    stage.launched("one", "two")
    one = stage.wait("one", stage.registered("one", "INVOKE"))
    two = stage.wait("two", stage.registered("two", "SHUTDOWN"))
    inside = stage.wait("inside", stage.registered("inside", "INVOKE"))
    stage.invoke()
    for asked in (one, inside):
        reply = asked.result(15)
        assert reply.status == 200
        assert reply.json == {
            "eventType": "INVOKE",
            "deadlineMs": 1_700_000_000_000,
            "requestId": INVOCATION.request_id,
            "invokedFunctionArn": INVOCATION.arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": INVOCATION.trace_id},
        }
        assert UUID(reply.headers["lambda-extension-event-identifier"])
    assert not two.done()
    assert stage.state("two") == "Ready"


def test_a_phase_ends_when_every_extension_has_asked_for_the_next_event(stage: Stage) -> None:
    stage.launched("one", "two")
    one, two = stage.registered("one", "INVOKE"), stage.registered("two", "INVOKE")
    assert not stage.ready()
    first = stage.wait("one", one)
    assert not stage.ready()
    stage.wait("two", two)
    assert stage.ready()
    stage.invoke()
    assert not stage.ready()
    first.result(15)
    stage.wait("one", one)
    assert not stage.ready()
    stage.wait("two", two)
    assert stage.ready()
    assert stage.told == ["registered", "ready", "ready"]


def test_who_waits_already_may_not_ask_again(stage: Stage) -> None:
    stage.launched("one")
    identifier = stage.registered("one", "INVOKE")
    asked = stage.wait("one", identifier)
    status, kind, text = refusal_of(stage.next(identifier).result(15))
    assert (status, kind) == (403, "Extension.InvalidExtensionState")
    assert text.startswith(
        f"State transition from Ready to Ready failed for extension {identifier}"
    )
    stage.invoke()
    assert asked.result(15).json["eventType"] == "INVOKE"


def test_shutdown_is_told_to_external_extensions_that_registered_for_it(stage: Stage) -> None:
    stage.launched("one", "two")
    one = stage.wait("one", stage.registered("one", "SHUTDOWN"))
    two = stage.wait("two", stage.registered("two", "INVOKE"))
    told = stage.do(lambda: stage.api.shutdown("spindown", 1_700_000_002_000))
    assert told == {"one"}
    assert one.result(15).json == {
        "eventType": "SHUTDOWN",
        "shutdownReason": "spindown",
        "deadlineMs": 1_700_000_002_000,
    }
    assert not two.done()


def test_a_busy_extension_hears_of_the_shutdown_when_it_asks_next(stage: Stage) -> None:
    stage.launched("one")
    identifier = stage.registered("one", "INVOKE", "SHUTDOWN")
    asked = stage.wait("one", identifier)
    stage.invoke()
    assert asked.result(15).json["eventType"] == "INVOKE"
    assert stage.do(lambda: stage.api.shutdown("timeout", 5)) == {"one"}
    assert stage.next(identifier).result(15).json["shutdownReason"] == "timeout"


@pytest.mark.parametrize(("status", "state"), [(0, "Exited"), (1, "ShutdownFailed")])
def test_an_end_after_the_shutdown_is_no_failure(status: int, state: str, stage: Stage) -> None:
    stage.launched("one")
    stage.wait("one", stage.registered("one", "SHUTDOWN"))
    stage.do(lambda: stage.api.shutdown("spindown", 5))
    stage.do(lambda: stage.api.exited("one", status))
    assert stage.failure is None
    assert stage.state("one") == state


# ---- errors


@pytest.mark.parametrize(
    ("kind", "at_init", "state"), [("init", True, "InitError"), ("exit", False, "ExitError")]
)
def test_an_error_that_an_extension_tells_is_what_its_end_is_called(
    kind: str, at_init: bool, state: str, stage: Stage
) -> None:
    stage.launched("one")
    identifier = stage.registered("one", "INVOKE")
    if not at_init:
        stage.wait("one", identifier)
        stage.invoke()
    for error_type in ("Fatal.ConnectFailed", "Fatal.Later"):
        headers = {IDENTIFIER: identifier, ERROR_TYPE: error_type}
        reply = stage.call("POST", f"{kind}/error", b"{", **headers)
        assert (reply.status, reply.json) == (202, OK)
    events = "Events: [INVOKE]\tError Type: Fatal.ConnectFailed\n"
    assert stage.lines() == [f"EXTENSION\tName: one\tState: {state}\t{events}"]
    assert stage.do(stage.api.told_error) == f"Extension.{state}"
    assert refusal_of(stage.next(identifier).result(15))[1] == "Extension.InvalidExtensionState"
    assert stage.failure is None
    stage.do(lambda: stage.api.exited("one", 1))
    assert stage.failure == Failure("one", f"Extension.{state}", "exit status 1")


def test_an_extension_that_tells_an_error_while_it_waits_gets_its_wait_refused(
    stage: Stage,
) -> None:
    stage.launched("one")
    identifier = stage.registered("one", "INVOKE")
    asked = stage.wait("one", identifier)
    headers = {IDENTIFIER: identifier, ERROR_TYPE: "Fatal.X"}
    assert stage.call("POST", "exit/error", **headers).status == 202
    assert refusal_of(asked.result(15))[1] == "Extension.InvalidExtensionState"


def test_an_error_of_init_comes_too_late_once_the_extension_is_ready(stage: Stage) -> None:
    stage.launched("one")
    identifier = stage.registered("one", "INVOKE")
    stage.wait("one", identifier)
    headers = {IDENTIFIER: identifier, ERROR_TYPE: "Fatal.X"}
    status, kind, text = refusal_of(stage.call("POST", "init/error", **headers))
    assert (status, kind) == (403, "Extension.InvalidExtensionState")
    assert text.startswith("State transition from Ready to InitError failed")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0, "exit code 0"),
        (255, "exit status 255"),
        (-9, "signal: killed"),
        (-15, "signal: terminated"),
    ],
)
def test_an_extension_that_ends_by_itself_has_crashed(
    status: int, reason: str, stage: Stage
) -> None:
    stage.launched("one", "two")
    stage.do(lambda: stage.api.exited("one", status))
    stage.do(lambda: stage.api.exited("two", 1))  # what follows a failure is none of its own
    assert stage.told == [Failure("one", "Extension.Crash", reason)]
    outcome = stage.failure.outcome("some-id")
    payload = (
        f'{{"errorType":"Extension.Crash","errorMessage":"RequestId: some-id Error: {reason}"}}'
    )
    assert outcome.payload.decode() == payload
    assert (outcome.status, outcome.error_type) == ("crash", "Extension.Crash")
    assert stage.lines()[0] == "EXTENSION\tName: one\tState: Started\tEvents: []\n"


def test_the_events_of_the_telemetry_say_the_same_as_the_lines(stage: Stage) -> None:
    stage.launched("one")
    stage.wait("one", stage.registered("one", "SHUTDOWN", "INVOKE", "INVOKE"))
    stage.registered("inside")
    told = stage.do(lambda: stage.api.extensions.told(5.0))
    assert {event.type for event in told} == {"platform.extension"}
    assert [event.record for event in told] == [
        {"name": "one", "state": "Ready", "events": ["SHUTDOWN", "INVOKE"]},
        {"name": "inside", "state": "Registered", "events": []},
    ]
    assert stage.lines() == [
        "EXTENSION\tName: one\tState: Ready\tEvents: [SHUTDOWN, INVOKE]\n",
        "EXTENSION\tName: inside\tState: Registered\tEvents: []\n",
    ]


@pytest.mark.parametrize(
    ("outside", "inside", "allowance"),
    [(0, 0, (0, 0)), (0, 1, (0.5, 0.5)), (1, 0, (2.0, 0.3)), (2, 1, (2.0, 0.5))],
)
def test_what_shutdown_may_take_depends_on_the_extensions(
    outside: int, inside: int, allowance: tuple[float, float], stage: Stage
) -> None:
    stage.launched(*(f"outside-{number}" for number in range(outside)))
    for number in range(inside):
        stage.registered(f"inside-{number}")
    assert stage.do(lambda: tuple(stage.api.extensions.allowance)) == allowance


# ---- any order of calls


class AnyOrder(RuleBasedStateMachine):
    """Three extensions call as they like, over HTTP; a model says what each call must give."""

    NAMES = ("one", "two", "inside")
    STATES: dict[tuple[str, str], str] = {  # noqa: RUF012 - never changed
        ("register", "Started"): "Registered",
        ("next", "Registered"): "Ready",
        ("next", "Running"): "Ready",
        ("init/error", "Registered"): "InitError",
        ("init/error", "InitError"): "InitError",
        **{("exit/error", state): "ExitError" for state in ("Registered", "Ready", "Running")},
        ("exit/error", "ExitError"): "ExitError",
    }

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage().__enter__()
        self.stage.launched("one", "two")
        self.states = dict.fromkeys(self.NAMES, "Started")
        self.events: dict[str, tuple[str, ...]] = {}
        self.identifiers: dict[str, str] = {}
        self.asked: dict[str, Future[Reply]] = {}

    def teardown(self) -> None:
        self.stage.__exit__(None, None, None)

    def _step(self, call: str, name: str) -> bool:
        state = self.STATES.get((call, self.states[name]))
        self.states[name] = state or self.states[name]
        return state is not None

    names = st.sampled_from(NAMES)

    @rule(name=names, events=st.sampled_from([(), ("INVOKE",), ("SHUTDOWN", "INVOKE")]))
    def register(self, name: str, events: tuple[str, ...]) -> None:
        if name == "inside":
            events = tuple(event for event in events if event != "SHUTDOWN")
        expected = 200 if self._step("register", name) else 403
        reply = self.stage.register(name, *events)
        assert reply.status == expected
        if expected == 200:
            self.identifiers[name], self.events[name] = reply.headers[IDENTIFIER.lower()], events

    @precondition(lambda self: self.identifiers)
    @rule(data=st.data())
    def next(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.identifiers)))
        if self._step("next", name):
            self.asked[name] = self.stage.wait(name, self.identifiers[name])
        else:
            assert self.stage.next(self.identifiers[name]).result(15).status == 403

    @precondition(lambda self: self.identifiers)
    @rule(data=st.data(), call=st.sampled_from(["init/error", "exit/error"]))
    def error(self, data: st.DataObject, call: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.identifiers)))
        expected = 202 if self._step(call, name) else 403
        headers = {IDENTIFIER: self.identifiers[name], ERROR_TYPE: "Fatal.X"}
        assert self.stage.call("POST", call, **headers).status == expected
        if expected == 202 and name in self.asked:
            assert self.asked.pop(name).result(15).status == 403

    @rule()
    def invoke(self) -> None:
        self.stage.invoke()
        for name in self.NAMES:
            if self.states[name] == "Ready" and "INVOKE" in self.events[name]:
                self.states[name] = "Running"
                assert self.asked.pop(name).result(15).json["eventType"] == "INVOKE"

    @rule(body=st.binary(max_size=40), name=st.sampled_from(["one", "new"]))
    def garbage(self, body: bytes, name: str) -> None:
        try:
            json.loads(body)
        except ValueError:
            reply = self.stage.call("POST", "register", body, **{"Lambda-Extension-Name": name})
            assert refusal_of(reply)[:2] == (403, "InvalidRequestFormat")

    @invariant()
    def the_states_are_those_of_the_model(self) -> None:
        shown = {name: self.stage.state(name) or "Started" for name in self.NAMES}
        assert shown == self.states
        there = [name for name in self.NAMES if name != "inside" or name in self.identifiers]
        assert self.stage.ready() == all(self.states[name] == "Ready" for name in there)
        assert not any(asked.done() for asked in self.asked.values())


AnyOrder.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestAnyOrder = AnyOrder.TestCase


# ---- files and variables


def test_every_file_is_an_extension_in_the_order_of_the_names(tmp_path: Path) -> None:
    put(tmp_path, "b", "Z", "a.py", "ä")
    put(tmp_path, "not-executable", mode=0o644)
    (tmp_path / "extensions" / "folder").mkdir()
    (tmp_path / "extensions" / "link").symlink_to("folder")
    names = [path.name for path in extension_files(tmp_path)]
    assert names == ["Z", "a.py", "b", "link", "not-executable", "ä"]


def test_without_the_directory_there_are_no_extensions(tmp_path: Path) -> None:
    assert extension_files(None) == extension_files(tmp_path) == []
    (tmp_path / "extensions").write_text("a file")
    assert extension_files(tmp_path) == []


def test_extensions_do_not_see_the_runtimes_own_variables() -> None:
    function = environment_variables(spec(), "127.0.0.1:9001", "stream")
    seen = extension_variables(function)
    assert function.keys() - seen.keys() == {
        *("AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR"),
        *("LAMBDA_TASK_ROOT", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "_HANDLER"),
    }
    assert seen["OWN"] == "value"
    assert seen["AWS_LAMBDA_RUNTIME_API"] == "127.0.0.1:9001"
    assert seen["AWS_ACCESS_KEY_ID"] == "key"


# ---- processes


@pytest.fixture
def opt(tmp_path: Path) -> Path:
    return tmp_path / "opt"


@pytest.fixture
def running(tmp_path: Path, opt: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "output") as made:
        yield made


def launch(running: Stage, opt: Path) -> None:
    running.run(running.processes.launch(opt, str(opt)))


def output_of(tmp_path: Path) -> str:
    return (tmp_path / "output").read_text()


def shutdown(running: Stage, seconds: float = 10) -> float:
    began = stopwatch()
    running.run(running.processes.shutdown("spindown", seconds, 1_700_000_002_000))
    return stopwatch() - began


def test_extensions_run_from_init_to_shutdown(running: Stage, opt: Path, tmp_path: Path) -> None:
    put(opt, "logging")
    put(opt, "shell", source="shell.sh")
    launch(running, opt)
    wait_until(running.ready)
    assert running.lines() == [
        f"EXTENSION\tName: {name}\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n"
        for name in ("logging", "shell")
    ]
    running.invoke()
    wait_until(running.ready)
    shutdown(running)
    lines = output_of(tmp_path).splitlines()
    shell = [line for line in lines if line.startswith("shell")]
    assert shell == ["shell: INVOKE", "shell: SHUTDOWN"]
    told = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("logging")]
    assert told[0]["accountId"] == "123456789012"
    assert [event["eventType"] for event in told[1:]] == ["INVOKE", "SHUTDOWN"]
    assert running.failure is None
    assert {running.state(name) for name in ("logging", "shell")} == {"Exited"}


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("crash-at-start", ("Extension.Crash", "exit status 3")),
        ("crash-at-init", ("Extension.Crash", "exit status 4")),
        ("leaves-quietly", ("Extension.Crash", "exit code 0")),
        ("init-error", ("Extension.InitError", "exit code 0")),
    ],
)
def test_an_extension_that_fails_in_init(
    name: str, failure: tuple[str, str], running: Stage, opt: Path
) -> None:
    put(opt, name, "logging")
    launch(running, opt)
    assert wait_until(lambda: running.failure) == Failure(name, *failure)


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("crash-at-invoke", ("Extension.Crash", "exit status 5")),
        ("killed-at-invoke", ("Extension.Crash", "signal: killed")),
        ("exit-error", ("Extension.ExitError", "exit status 6")),
    ],
)
def test_an_extension_that_fails_in_an_invocation(
    name: str, failure: tuple[str, str], running: Stage, opt: Path
) -> None:
    put(opt, name)
    launch(running, opt)
    wait_until(running.ready)
    assert running.failure is None
    running.invoke()
    assert wait_until(lambda: running.failure) == Failure(name, *failure)


@pytest.mark.parametrize(
    ("mode", "content", "reason", "kind"),
    [
        (0o644, "#!/bin/bash\n", "permission denied", "PermissionDenied"),
        (0o755, "\x00nothing that runs", "exec format error", "UnknownError"),
        (0o755, "#!/no/such/interpreter\n", "no such file or directory", "UnknownError"),
    ],
)
def test_a_file_that_cannot_be_run_is_a_launch_error(
    mode: int, content: str, reason: str, kind: str, running: Stage, opt: Path
) -> None:
    put(opt, "deaf", "logging")
    bad = opt / "extensions" / "file"
    bad.write_text(content)
    bad.chmod(mode)
    launch(running, opt)
    told = f"fork/exec /opt/extensions/file: {reason}"
    assert running.failure == Failure("file", "Extension.LaunchError", told)
    line = f"EXTENSION\tName: file\tState: LaunchError\tEvents: []\tError Type: {kind}\n"
    assert len(running.lines()) == 2  # the one that comes after it was not tried
    assert running.lines()[1] == line


def test_the_eleventh_extension_is_not_launched(running: Stage, opt: Path) -> None:
    put(opt, *(f"n{number:02}" for number in range(11)), source="shell.sh")
    launch(running, opt)
    failure = Failure("n10", "Extension.LaunchError", "ErrTooManyExtensions")
    assert running.failure == failure
    line = "EXTENSION\tName: n10\tState: LaunchError\tEvents: []\tError Type: TooManyExtensions\n"
    assert running.lines()[-1] == line


def test_who_hangs_at_shutdown_is_killed_when_its_time_is_over(running: Stage, opt: Path) -> None:
    put(opt, "hanging", "deaf")
    launch(running, opt)
    wait_until(running.ready)
    pids = [process.pid for process in running.processes._running.values()]
    assert len(pids) == 2
    took = shutdown(running, 0.4)
    assert 0.4 <= took < 5
    assert all(gone(pid) for pid in pids)
    assert running.state("hanging") == "ShutdownFailed"
    assert running.failure is None


def test_who_did_not_register_for_shutdown_is_killed_at_once(running: Stage, opt: Path) -> None:
    put(opt, "deaf")
    launch(running, opt)
    wait_until(running.ready)
    (process,) = running.processes._running.values()
    assert shutdown(running, 60) < 30
    assert process.returncode == -9
    assert gone(process.pid)


def test_a_shutdown_waits_for_extensions_to_end_by_themselves(running: Stage, opt: Path) -> None:
    put(opt, "goodbye-only")
    launch(running, opt)
    wait_until(running.ready)
    shutdown(running)
    assert running.state("goodbye-only") == "Exited"
