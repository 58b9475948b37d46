"""Python functions of other versions than the lab's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.execution.runtimes import choice, pythons
from tests.engine import invoke

MakeFunction = Callable[..., str]

OWN = choice.own_runtime()
NAMES = [f"python3.{minor}" for minor in range(8, 16)]
FOUND = [name for name in NAMES if name != OWN and pythons.find(name) is not None]
ABSENT = [name for name in NAMES if name != OWN and name not in FOUND]
ROOMY = {"MemorySize": 1769, "Timeout": 10}

VERSION = """
import os, sys
def handler(event, context):
    print("in", event)
    return ["python%d.%d" % sys.version_info[:2], os.environ["AWS_EXECUTION_ENV"],
            context.function_name, os.environ["_X_AMZN_TRACE_ID"][:7], event]
"""


@pytest.mark.parametrize("runtime", FOUND)
def test_a_function_runs_on_the_interpreter_of_its_version(
    runtime: str, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(VERSION, Runtime=runtime, **ROOMY)
    answer = invoke(lam, name, {"a": "é"})
    wanted = [runtime, f"AWS_Lambda_{runtime}", name, "Root=1-", {"a": "é"}]
    assert answer.value == wanted
    assert answer.error is None
    assert "in {'a': 'é'}" in answer.log.splitlines()


@pytest.fixture
def other() -> str:
    """Another version than the lab's, the one that comes last."""
    if not FOUND:
        pytest.skip("this machine has no other version of Python")
    return FOUND[-1]


def test_another_interpreter_keeps_its_environment(
    other: str, lam: Any, make_function: MakeFunction
) -> None:
    code = (
        "import os\nn = 0\ndef handler(event, context):\n"
        "    global n\n    n += 1\n    return [n, os.getpid()]\n"
    )
    name = make_function(code, Runtime=other, **ROOMY)
    first, second = invoke(lam, name).value, invoke(lam, name).value
    assert (first[0], second[0]) == (1, 2)
    assert first[1] == second[1]


def test_errors_read_as_on_the_lab_s_own_version(
    other: str, lam: Any, make_function: MakeFunction
) -> None:
    code = "import json\ndef handler(event, context):\n    return json.loads('{')\n"
    answer = invoke(lam, make_function(code, Runtime=other, **ROOMY))
    assert answer.value["errorType"] == "JSONDecodeError"
    trace = "".join(answer.value["stackTrace"])
    assert 'File "/var/task/lambda_function.py", line 3, in handler' in trace
    assert f'File "/var/lang/lib/{other}/json/__init__.py"' in trace


def test_only_the_runtime_s_packages_can_be_imported(
    other: str, lam: Any, make_function: MakeFunction
) -> None:
    code = """
def handler(event, context):
    seen = []
    for name in ("boto3", "lambdalab", "moto", "pytest", "httptools"):
        try:
            __import__(name)
            seen.append(name)
        except ImportError:
            pass
    return seen
"""
    name = make_function(code, Runtime=other, **ROOMY | {"Timeout": 30})
    assert invoke(lam, name).value == ["boto3"]


def test_layers_and_log_levels_reach_another_interpreter(
    other: str, lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    layer = lam.publish_layer_version(
        LayerName="words", Content={"ZipFile": lab.zip({"python/words.py": "hello = 'hi'\n"})}
    )["LayerVersionArn"]
    code = (
        "import logging, words\ndef handler(event, context):\n"
        "    logging.warning('two\\nlines')\n    return words.hello\n"
    )
    name = make_function(code, Runtime=other, Layers=[layer], **ROOMY)
    assert invoke(lam, name).value == "hi"
    events = lab.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert any("two\nlines" in event["message"] for event in events)


def test_nothing_leaves_this_machine_from_another_interpreter(
    other: str, lam: Any, make_function: MakeFunction
) -> None:
    code = (
        "import socket\ndef handler(event, context):\n"
        "    socket.create_connection(('192.0.2.1', 80), timeout=2)\n"
    )
    answer = invoke(lam, make_function(code, Runtime=other, **ROOMY))
    assert "no request leaves this machine" in answer.value["errorMessage"]


@pytest.mark.parametrize("runtime", ABSENT[-1:])
def test_a_version_that_is_absent_runs_on_the_lab_s_own_with_a_note(
    runtime: str, lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(VERSION, Runtime=runtime)
    answer = invoke(lam, name)
    assert answer.value[:2] == [OWN, f"AWS_Lambda_{runtime}"]
    assert "machine" not in answer.log  # AWS would not write it into the log
    (record,) = [record for record in lab.timeline if record.kind == "init"]
    assert record.detail["note"] == (
        f"Lambda Lab has no {runtime} here: the function runs on {OWN}."
    )


def test_the_lab_s_own_version_has_no_note(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    assert invoke(lam, make_function(VERSION, Runtime=OWN)).value[0] == OWN
    (record,) = [record for record in lab.timeline if record.kind == "init"]
    assert "note" not in record.detail


# ---- how an interpreter is found


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine without any Python but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for variable in ("PYENV_ROOT", "ASDF_DATA_DIR", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    pythons.find.cache_clear()
    yield tmp_path
    pythons.find.cache_clear()


def fake(path: Path, version: str) -> str:
    """A program that answers as a Python of that version does."""
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' {version} {path} /lib/of/it /prefix\n")
    path.chmod(0o755)
    return str(path)


def test_an_interpreter_is_found_on_path(machine: Path) -> None:
    made = fake(machine / "bin" / "python3.10", "python3.10")
    assert pythons.find("python3.10") == (made, "/lib/of/it", "/prefix")
    assert pythons.find("python3.12") is None


@pytest.mark.parametrize(
    "place",
    [
        "PYENV_ROOT/versions/3.10.4/bin/python",
        "ASDF_DATA_DIR/installs/python/3.10.4/bin/python",
        "UV_PYTHON_INSTALL_DIR/cpython-3.10.4-linux-x86_64-gnu/bin/python3",
    ],
)
def test_an_interpreter_is_found_where_version_managers_keep_it(place: str, machine: Path) -> None:
    found = pythons.find("python3.10")
    assert found is None
    pythons.find.cache_clear()
    made = fake(machine / place, "python3.10")
    found = pythons.find("python3.10")
    assert found is not None
    assert found.executable == made


def test_a_name_that_is_another_version_or_does_not_run_is_passed_over(machine: Path) -> None:
    fake(machine / "bin" / "python3.10", "python3.9")
    broken = machine / "PYENV_ROOT/versions/3.10.9/bin/python"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    assert pythons.find("python3.10") is None


@pytest.mark.skipif(not FOUND, reason="this machine has no other version of Python")
def test_what_is_found_is_of_the_version_that_was_asked_for() -> None:
    for runtime in FOUND:
        found = pythons.find(runtime)
        assert found is not None
        ask = "import sys; print('python%d.%d' % sys.version_info[:2])"
        answer = subprocess.run([found.executable, "-c", ask], capture_output=True, text=True)
        assert answer.stdout.strip() == runtime
        assert os.access(found.executable, os.X_OK)
