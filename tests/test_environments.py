"""Execution environments: what a function finds there, what it shares, how it is stopped."""

from __future__ import annotations

import json
import math
import os
import re
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from lambdalab import Lab, facts
from tests.engine import (
    ARRIVE,
    RUNTIME,
    Answer,
    Gate,
    everybody,
    gone,
    invoke,
    most,
    outside,
    state_of,
    wait_until,
)

MakeFunction = Callable[..., str]

ROWS = tomllib.loads(
    (Path(__file__).parent / "rows" / "function_errors.toml")
    .read_text("utf-8")
    .replace("<runtime>", RUNTIME)
)["row"]
VERSION = re.escape(RUNTIME.replace("python", "python:"))
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NO_BREAK_SPACE = "\u00a0"
REPORT = re.compile(
    r"REPORT RequestId: (?P<id>[0-9a-f-]{36})\tDuration: (?P<duration>\d+\.\d\d) ms\t"
    r"Billed Duration: (?P<billed>\d+) ms\tMemory Size: (?P<size>\d+) MB\t"
    r"Max Memory Used: (?P<used>\d+) MB\t(?:Init Duration: (?P<init>\d+\.\d\d) ms\t)?(?P<end>.*)\n"
)


def events_of(lab: Lab, name: str) -> list[str]:
    """All log events of a function, in order."""
    logs = lab.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
    return [event["message"] for page in pages for event in page["events"]]


def report_of(text: str) -> dict[str, str | None]:
    found = REPORT.search(text)
    assert found, text
    return found.groupdict()


# ---- what the caller sees of a failure, and what the log says


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_failure_is_told_as_aws_tells_it(
    row: dict[str, Any], lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        {"app.py": row["code"]},
        Handler=row.get("handler", "app.handler"),
        **row.get("settings", {}),
    )
    answer = invoke(lam, name)
    assert answer.error == "Unhandled"
    check_payload(row, answer)
    check_log(row, events_of(lab, name), answer)
    check_timeline(row, lab)


def check_payload(row: dict[str, Any], answer: Answer) -> None:
    like = row.get("like", {})
    wanted = json.loads(json.dumps(row["payload"]).replace("<id>", answer.request_id))
    exact = {key: value for key, value in answer.value.items() if key not in like}
    assert exact == wanted
    if "requestId" in answer.value:  # an error that the runtime client tells
        assert list(answer.value) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    for key, pattern in like.items():
        text = answer.value[key]
        text = text if isinstance(text, str) else json.dumps(text)
        assert re.fullmatch(pattern, text, re.DOTALL), text


def check_log(row: dict[str, Any], events: list[str], answer: Answer) -> None:
    arn = r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}"
    begin = [rf"INIT_START Runtime Version: {VERSION}\.v\d+\tRuntime Version ARN: {arn}\n"]
    own = [pattern + "\n?" for pattern in row["log"]]
    frame = [
        rf"START RequestId: {answer.request_id} Version: \$LATEST\n",
        rf"END RequestId: {answer.request_id}\n",
        REPORT.pattern,
    ]
    if "init" in row:
        failed = [
            *own,
            rf"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: {{phase}}\tStatus: {row['init']}\n",
        ]
        twice = [p.replace("{phase}", phase) for phase in ("init", "invoke") for p in failed]
        patterns = [*begin, *twice, *frame]
    else:
        patterns = [*begin, frame[0], *own, *frame[1:]]
    assert len(events) == len(patterns), events
    for event, pattern in zip(events, patterns, strict=True):
        assert re.fullmatch(pattern, event.replace(NO_BREAK_SPACE, " ")), (pattern, event)
    for event in events:
        if "Traceback" in event:
            indented = event.split("Traceback (most recent call last):")[1]
            assert "\n " not in indented  # AWS indents with no-break spaces
    report = report_of(events[-1])
    assert report["end"] == row["report"]
    assert report["id"] == answer.request_id
    if "used" in row:
        assert report["used"] == str(row["used"])
    assert "".join(events).endswith(answer.log[-100:])


def check_timeline(row: dict[str, Any], lab: Lab) -> None:
    invoked = [record for record in lab.timeline if record.kind == "invoke"]
    assert len(invoked) == 1
    assert invoked[0].detail["status"] != "success"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("def handler(e, c):\n    return 1\n", "success"),
        ("def handler(e, c):\n    raise ValueError\n", "error"),
        ("import time\ndef handler(e, c):\n    time.sleep(9)\n", "timeout"),
        ("import os\ndef handler(e, c):\n    os._exit(1)\n", "crash"),
        ("def handler(e, c):\n    bytearray(400 << 20)\n", "out-of-memory"),
    ],
)
def test_the_timeline_tells_how_an_invocation_ended(
    code: str, status: str, lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    invoke(lam, make_function(code, Timeout=1 if status == "timeout" else 30))
    record = next(record for record in lab.timeline if record.kind == "invoke")
    assert record.detail["status"] == status
    assert record.detail["cold"] is True


def test_after_a_failure_of_the_platform_the_next_invocation_has_a_new_process(
    lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import os, time\nME, SEEN = os.urandom(8).hex(), []\ndef handler(event, context):\n"
        "    SEEN.append(1)\n"
        "    if event.get('do') == 'exit':\n        os._exit(1)\n"
        "    if event.get('do') == 'sleep':\n        time.sleep(30)\n"
        "    if event.get('do') == 'raise':\n        raise ValueError\n"
        "    return [ME, len(SEEN)]\n",
        Timeout=1,
    )
    known, _ = invoke(lam, name, {}).value
    invoke(lam, name, {"do": "raise"})
    assert invoke(lam, name, {}).value == [known, 3]  # an exception leaves the environment as it is
    for do in ("exit", "sleep"):
        assert invoke(lam, name, {"do": do}).error == "Unhandled"
        fresh, seen = invoke(lam, name, {}).value
        assert (fresh != known, seen) == (True, 1)
        known = fresh


# ---- the log of an invocation that succeeds


def test_a_cold_and_a_warm_invocation_are_logged_as_on_aws(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function("print('init')\ndef handler(event, context):\n    print('here')\n")
    ids = [invoke(lam, name).request_id for _ in range(2)]
    events = events_of(lab, name)
    assert [event.split(" ")[0].rstrip("\n") for event in events] == [
        *("INIT_START", "init", "START", "here", "END", "REPORT"),
        *("START", "here", "END", "REPORT"),
    ]
    cold, warm = report_of(events[5]), report_of(events[9])
    assert [cold["id"], warm["id"]] == ids
    assert events[5].endswith("\t\n")
    assert events[9].endswith(" MB\t\n")
    assert cold["init"] is not None
    assert warm["init"] is None
    total = float(cold["duration"] or 0) + float(cold["init"])
    assert int(cold["billed"] or 0) == math.ceil(round(total, 2))
    assert int(warm["billed"] or 0) == math.ceil(float(warm["duration"] or 0))


WRITES = r"""
import logging, os, subprocess, sys
log = logging.getLogger()
def handler(event, context):
    print("one")
    log.warning("two\nsecond line")
    sys.stderr.write("three\n")
    print("four\nfive")
    log.info("not shown: the root logger's level is WARN")
    os.write(1, b"six \xff\n")
    subprocess.run(["echo", "seven"])
    log.error("eight é")
    print("nine", end="")
"""


def test_what_a_function_writes_is_logged_in_order_an_event_a_line(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(WRITES)
    request_id = invoke(lam, name).request_id
    events = events_of(lab, name)[2:-2]
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    patterns = [
        "one\n",
        rf"\[WARNING\]\t{stamp}\t{request_id}\ttwo\nsecond line\n",
        "three\n",
        "four\n",
        "five\n",
        "six \ufffd\n",
        "seven\n",
        rf"\[ERROR\]\t{stamp}\t{request_id}\teight é\n",
        "nine",
    ]
    assert len(events) == len(patterns), events
    for event, pattern in zip(events, patterns, strict=True):
        assert re.fullmatch(pattern, event), event


def test_a_lot_of_output_is_logged_whole_and_before_the_end(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import sys\ndef handler(event, context):\n    for number in range(3000):\n"
        "        print(number, 'x' * 500)\n",
        Timeout=30,
    )
    invoke(lam, name)
    events = events_of(lab, name)
    assert [event.split(" ")[0] for event in events[2:-2]] == [str(n) for n in range(3000)]
    assert all(len(event.strip().split(" ")[1]) == 500 for event in events[2:-2])
    assert events[-2].startswith("END ")


def test_a_traceback_that_is_printed_shows_the_paths_of_aws(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import traceback, json\ndef handler(event, context):\n    try:\n"
        "        json.loads('{')\n    except ValueError:\n        traceback.print_exc()\n"
    )
    invoke(lam, name)
    text = "".join(events_of(lab, name))
    assert 'File "/var/task/lambda_function.py", line 4, in handler' in text
    assert f'File "/var/lang/lib/{RUNTIME}/json/__init__.py"' in text
    assert "lambdalab" not in text


def test_the_environments_of_a_function_have_a_log_stream_each(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import os\ndef handler(event, context):\n    return context.log_stream_name\n"
    )
    first = [invoke(lam, name).value for _ in range(2)]
    lam.update_function_configuration(FunctionName=name, Timeout=9)
    lab.clock.advance(seconds=1)
    second = invoke(lam, name).value
    assert first[0] == first[1] != second
    streams = lab.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{name}")
    assert {stream["logStreamName"] for stream in streams["logStreams"]} == {first[0], second}


# ---- what a function finds

LOOKS = """
import os, sys, socket
def handler(event, context):
    return {
        "environ": dict(os.environ),
        "path": sys.path,
        "directory": os.getcwd(),
        "code": sorted(name for name in os.listdir() if name != "__pycache__"),
        "argv": sys.argv,
        "modules": sorted(sys.modules),
        "files": {name: os.readlink("/proc/self/fd/" + name) for name in os.listdir("/proc/self/fd")
                  if os.path.lexists("/proc/self/fd/" + name)},
        "stdin": sys.stdin.read(),
    }
"""
OWN_TO_THE_LAB = {"AWS_ENDPOINT_URL"}
PLATFORM = {
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT", "LANG", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "PWD", "PYTHONPATH",
    "SHLVL", "TZ", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "_HANDLER",
    "_X_AMZN_TRACE_ID",
}  # fmt: skip


def test_the_variables_are_awss_the_functions_own_and_one_of_the_lab(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    own = {"OWN": "é", "PATH": "/opt/own", "LANG": "C"}
    name = make_function(LOOKS, MemorySize=192, Environment={"Variables": own})
    found = invoke(lam, name).value["environ"]
    assert set(found) == PLATFORM | OWN_TO_THE_LAB | {"OWN"}
    assert set(found) - OWN_TO_THE_LAB - {"OWN"} <= {v.name for v in facts.variables()}
    assert {key: found[key] for key in own} == own  # what is not reserved may be replaced
    wanted = {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "192",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "TZ": ":UTC",
        "_HANDLER": "lambda_function.handler",
        "AWS_ENDPOINT_URL": lab.endpoint_url,
    }
    assert {key: found[key] for key in wanted} == wanted
    assert found["AWS_ACCESS_KEY"] == found["AWS_ACCESS_KEY_ID"]
    assert found["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert found["PWD"] == found["LAMBDA_TASK_ROOT"]


def test_nothing_of_the_host_is_in_the_environment(lam: Any, make_function: MakeFunction) -> None:
    invoke(lam, make_function(LOOKS))  # another environment is there already
    found = invoke(lam, make_function(LOOKS)).value
    root = found["environ"]["LAMBDA_TASK_ROOT"]
    assert found["directory"] == root
    assert found["path"][0] == root
    assert found["argv"] == ["bootstrap.py", "lambda_function.handler"]
    rest = found["path"][1:]
    assert "site-packages" not in "".join(rest)
    assert str(Path(__file__).parents[1]) not in rest
    assert found["stdin"] == ""
    loaded = {module.partition(".")[0] for module in found["modules"]}
    assert not {"lambdalab", "moto", "boto3", "botocore", "pytest", "numpy", "pandas"} & loaded
    kinds = sorted(re.sub(r"\d+", "", target) for target in found["files"].values())
    # Input, three times the log, and the Runtime API: nothing of the lab's or of others' is open.
    assert kinds == ["/dev/null", *["pipe:[]"] * 3, "socket:[]"]


def test_a_function_has_the_packages_of_awss_runtime_and_no_others(
    lam: Any, make_function: MakeFunction
) -> None:
    names = {
        "boto3": True, "botocore": True, "urllib3": True, "dateutil": True, "six": True,
        "jmespath": True, "s3transfer": True, "awslambdaric": True, "simplejson": True,
        "json": True, "sqlite3": True, "asyncio": True,
        "moto": False, "lambdalab": False, "requests": False, "numpy": False, "pytest": False,
        "pip": False, "yaml": False, "httptools": False,
    }  # fmt: skip
    name = make_function(
        "import importlib.util\ndef handler(event, context):\n"
        "    return {name: importlib.util.find_spec(name) is not None for name in event}\n"
    )
    assert invoke(lam, name, dict.fromkeys(names)).value == names


def test_the_time_zone_is_utc_and_the_encoding_utf_8(lam: Any, make_function: MakeFunction) -> None:
    name = make_function(
        "import time, sys, locale\ndef handler(event, context):\n"
        "    return [time.strftime('%Z'), time.timezone, sys.stdout.encoding, "
        "sys.getfilesystemencoding()]\n"
    )
    assert invoke(lam, name).value == ["UTC", 0, "utf-8", "utf-8"]


def test_the_sdk_in_a_function_reaches_the_lab_as_the_execution_role(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import boto3\ndef handler(event, context):\n"
        "    boto3.resource('dynamodb').Table('t').put_item(Item={'id': 'from the function'})\n"
        "    return boto3.client('sts').get_caller_identity()['Arn']\n",
        Timeout=30,
        MemorySize=1769,
    )
    table = lab.resource("dynamodb").create_table(
        TableName="t", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    arn = invoke(lam, name).value
    assert arn == f"arn:aws:sts::123456789012:assumed-role/lambda-role/{name}"
    assert table.scan()["Items"] == [{"id": "from the function"}]


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "socket.getaddrinfo('example.com', 443)",
        "urllib.request.urlopen('http://192.0.2.1/')",
        "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    ],
)
def test_no_request_of_a_function_leaves_the_machine(
    attempt: str, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        f"import socket, urllib.request\ndef handler(event, context):\n    {attempt}\n", Timeout=9
    )
    found = invoke(lam, name).value
    assert found["errorType"] in ("PermissionError", "URLError")
    assert "Lambda Lab: no request leaves this machine" in found["errorMessage"]


def test_results_are_encoded_as_the_runtime_of_the_version_does(
    lam: Any, make_function: MakeFunction
) -> None:
    code = (
        "import decimal\ndef handler(event, context):\n    if event.get('raw'):\n"
        "        return b'\\x00raw\\xff'\n"
        "    return {'text': 'é漢', 'number': decimal.Decimal('1.10'), 'nan': float('nan')}\n"
    )
    young, old = (make_function(code, Runtime=f"python3.{minor}") for minor in (12, 11))
    assert invoke(lam, young).payload == '{"text": "é漢", "number": 1.10, "nan": NaN}'.encode()
    assert invoke(lam, old).payload == rb'{"text": "\u00e9\u6f22", "number": 1.10, "nan": NaN}'
    answer = lam.invoke(FunctionName=young, Payload=b'{"raw": true}')
    assert answer["Payload"].read() == b"\x00raw\xff"


# ---- reuse

WAITS = (
    ARRIVE
    + """
import os
ME, COUNT = os.urandom(8).hex(), 0
def handler(event, context):
    global COUNT
    COUNT += 1
    if "gate" in event:
        arrive(event["gate"])
    return [ME, COUNT]
"""
)


class Hall:
    """Where invocations are held, each at a gate of its own; all are let go in the end."""

    def __init__(self, lam: Any, name: str) -> None:
        self._lam, self._name = lam, name
        self._stack = ExitStack()
        self._pool = self._stack.enter_context(ThreadPoolExecutor())

    def __enter__(self) -> Hall:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def hold(self) -> Callable[[], Any]:
        """Begin an invocation; the call of what is given back lets it go and gives its value."""
        gate = self._stack.enter_context(Gate())
        answer = self._pool.submit(invoke, self._lam, self._name, {"gate": gate.port})
        gate.wait_for(1)

        def let_go() -> Any:
            gate.open()
            return answer.result().value

        return let_go


def test_an_environment_serves_again_with_what_it_kept_and_the_last_used_goes_first(
    lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(WAITS, Timeout=30)
    with Hall(lam, name) as hall:
        first, second, third = (hall.hold() for _ in range(3))
        known = [let_go()[0] for let_go in (second, third, first)]  # in this order they are free
    assert len(set(known)) == 3
    assert [invoke(lam, name, {}).value for _ in range(3)] == [[known[2], n] for n in (2, 3, 4)]
    with Hall(lam, name) as hall:
        busy = hall.hold()
        assert invoke(lam, name, {}).value == [known[1], 2]
        assert busy() == [known[2], 5]
    assert invoke(lam, name, {}).value == [known[2], 6]


def test_functions_and_environments_are_apart(lam: Any, make_function: MakeFunction) -> None:
    one = make_function(WAITS, Environment={"Variables": {"SECRET": "one"}})
    two = make_function(LOOKS)
    known = invoke(lam, one, {}).value[0]
    other = invoke(lam, two).value
    assert "SECRET" not in other["environ"]
    assert other["environ"]["AWS_LAMBDA_RUNTIME_API"]
    assert invoke(lam, one, {}).value == [known, 2]
    files = [{"lambda_function.py": LOOKS, own: ""} for own in ("a.txt", "b.txt")]
    assert [invoke(lam, make_function(code)).value["code"] for code in files] == [
        sorted(code) for code in files
    ]


# ---- freeze


def test_between_invocations_nothing_of_an_environment_runs(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import os, subprocess, threading, time\nTICKS = []\n"
        "CHILD = subprocess.Popen(['sleep', '1000'])\n"
        "def tick():\n    while True:\n        TICKS.append(time.monotonic())\n"
        "        time.sleep(0.002)\n"
        "threading.Thread(target=tick, daemon=True).start()\n"
        "def handler(event, context):\n    return [os.getpid(), CHILD.pid, TICKS[:], "
        "time.monotonic()]\n",
        Timeout=30,
        MemorySize=1769,
    )
    *inside, _, asleep = invoke(lam, name).value
    pid, child = (outside(lab, number) for number in inside)
    wait_until(lambda: state_of(pid) == state_of(child) == "T")
    frozen = time.monotonic()
    wait_until(lambda: time.monotonic() > frozen + 0.1)  # a while in which it would have ticked
    thawed = time.monotonic()
    *_, ticks, awake = invoke(lam, name).value
    assert awake > asleep
    assert [tick for tick in ticks if frozen < tick < thawed] == []
    assert [tick for tick in ticks if tick <= frozen]
    wait_until(lambda: state_of(pid) == "T")


def test_an_environment_is_frozen_after_init_too_and_ended_when_it_is_retired(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function("import os\ndef handler(event, context):\n    return os.getpid()\n")
    pid = outside(lab, invoke(lam, name).value)
    wait_until(lambda: state_of(pid) == "T")
    lam.update_function_configuration(FunctionName=name, MemorySize=256)
    lab.clock.advance(seconds=1)
    wait_until(lambda: gone(pid))  # a stopped process is ended too


# ---- limits


def test_a_timeout_ends_everything_the_function_started(
    lab: Lab, lam: Any, make_function: MakeFunction, gate: Gate
) -> None:
    name = make_function(
        ARRIVE + "import os, subprocess, time\ndef handler(event, context):\n"
        "    child = subprocess.Popen(['sleep', '1000'])\n"
        "    arrive(event, [os.getpid(), child.pid])\n",
        Timeout=1,
    )
    with ThreadPoolExecutor() as pool:
        running = pool.submit(invoke, lam, name, gate.port)
        (inside,) = gate.wait_for(1)
        pids = [outside(lab, number) for number in inside]
        answer = running.result()
    report = report_of(answer.log)
    assert 1000 <= float(report["duration"] or 0) < 3000
    for pid in pids:
        wait_until(lambda pid=pid: gone(pid))
    assert everybody(lab) == []


def test_the_time_left_falls_and_is_never_below_nothing(
    lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import time\ndef handler(event, context):\n"
        "    left = [context.get_remaining_time_in_millis()]\n    time.sleep(0.1)\n"
        "    return left + [context.get_remaining_time_in_millis()]\n",
        Timeout=2,
    )
    for _ in range(2):
        begin, end = invoke(lam, name).value
        assert 2000 >= begin > end >= 0
        assert begin - end >= 100


def test_memory_within_the_limit_is_used_freely_and_reported(
    lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "def handler(event, context):\n    return len(bytearray(event['mb'] << 20))\n", Timeout=30
    )
    before = invoke(lam, name, {"mb": 0})
    answer = invoke(lam, name, {"mb": 70})
    assert answer.value == 70 << 20
    base, used = (int(report_of(log)["used"] or 0) for log in (before.log, answer.log))
    assert 8 <= base <= 60
    assert 70 <= used <= 120


BURNS = """
import time
def handler(event, context):
    used, begin = time.process_time(), time.monotonic()
    while time.monotonic() < begin + event["seconds"]:
        pass
    return (time.process_time() - used) / (time.monotonic() - begin)
"""


def test_a_function_has_the_cpu_that_its_memory_earns(
    lam: Any, make_function: MakeFunction
) -> None:
    # On a busy machine a process may get less than it has earned; it must never get much more.
    small, half, whole = (
        make_function(BURNS, MemorySize=mb, Timeout=30) for mb in (128, 885, 1769)
    )

    def share(name: str) -> float:
        return float(invoke(lam, name, {"seconds": 0.5}).value)

    least = share(small)
    assert least < 2 * 128 / 1769
    assert share(half) < 1.3 * 0.5
    assert most(lambda: share(whole), 2 * least) > 2 * least


def test_the_limits_of_files_and_core_dumps_are_those_of_lambda(
    lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import resource as r\ndef handler(event, context):\n"
        "    return [r.getrlimit(r.RLIMIT_NOFILE), r.getrlimit(r.RLIMIT_CORE)]\n"
    )
    files, core = invoke(lam, name).value
    assert files == [min(1024, os.sysconf("SC_OPEN_MAX"))] * 2
    assert core == [0, 0]
