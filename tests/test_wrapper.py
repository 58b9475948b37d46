"""Wrapper scripts: AWS_LAMBDA_EXEC_WRAPPER starts the runtime."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.execution.runtimes import choice, node_search, pythons
from tests.engine import invoke

MakeFunction = Callable[..., str]

# As the developer guide has it: options go in front of the last word.
PYTHON_WRAPPER = """#!/bin/bash
echo "wrapping ${@: -1}"
export SET_BY_WRAPPER=1 OWN="changed $OWN"
args=("$@")
args=("${args[@]:0:$#-1}" "-X" "dev" "${args[@]: -1}")
exec "${args[@]}"
"""
PYTHON = """
import os, sys
def handler(event, context):
    return [sys.flags.dev_mode, os.environ.get("SET_BY_WRAPPER"), os.environ.get("OWN"),
            sys.version_info[:2], sorted(name for name in os.environ if "LAMBDALAB" in name)]
"""
OWN_RUNTIME = choice.own_runtime()
OWN_VERSION = [int(part) for part in OWN_RUNTIME.removeprefix("python").split(".")]

OTHERS = [
    name for name in (f"python3.{minor}" for minor in range(9, 16))
    if name != OWN_RUNTIME and pythons.find(name) is not None
]  # fmt: skip


def wrapped(name: str = "/var/task/wrapper", **variables: str) -> dict[str, Any]:
    return {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": name, **variables}}


def test_a_wrapper_gives_python_options_and_variables(
    lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        {"lambda_function.py": PYTHON, "wrapper": PYTHON_WRAPPER},
        Runtime=OWN_RUNTIME,
        Environment=wrapped(OWN="é"),
        MemorySize=1769,
    )
    answer = invoke(lam, name)
    assert answer.value == [True, "1", "changed é", OWN_VERSION, []]
    assert any(line.startswith("wrapping /var/runtime/") for line in answer.log.splitlines())


def test_without_a_wrapper_python_is_as_always(lam: Any, make_function: MakeFunction) -> None:
    name = make_function({"lambda_function.py": PYTHON}, Runtime=OWN_RUNTIME)
    assert invoke(lam, name).value == [False, None, None, OWN_VERSION, []]


def test_errors_of_a_wrapped_function_read_as_always(lam: Any, make_function: MakeFunction) -> None:
    code = "def handler(event, context):\n    raise ValueError('no')\n"
    files = {"lambda_function.py": code, "wrapper": PYTHON_WRAPPER}
    plain = make_function({"lambda_function.py": code}, Runtime=OWN_RUNTIME)
    name = make_function(files, Runtime=OWN_RUNTIME, Environment=wrapped(), MemorySize=1769)
    answers = [invoke(lam, name).value for name in (plain, name)]
    for answer in answers:
        answer.pop("requestId")
    assert answers[0] == answers[1]


@pytest.mark.skipif(not OTHERS, reason="this machine has no other version of Python")
def test_a_wrapper_starts_another_version_of_python(lam: Any, make_function: MakeFunction) -> None:
    files = {"lambda_function.py": PYTHON, "wrapper": PYTHON_WRAPPER}
    name = make_function(files, Runtime=OTHERS[-1], Environment=wrapped(), MemorySize=1769)
    version = [int(part) for part in OTHERS[-1].removeprefix("python").split(".")]
    assert invoke(lam, name).value[:4:3] == [True, version]


@pytest.mark.skipif(node_search.installed() is None, reason="this machine has no Node.js")
def test_a_wrapper_of_a_layer_starts_node(lab: Lab, lam: Any, make_function: MakeFunction) -> None:
    script = '#!/bin/bash\nnode=$1; shift\nexec "$node" --no-warnings "$@"\n'
    layer = lam.publish_layer_version(
        LayerName="wrapper", Content={"ZipFile": lab.zip({"bin/wrap": script})}
    )["LayerVersionArn"]
    name = make_function(
        {"index.js": "exports.handler = async () => process.execArgv;"},
        Runtime="nodejs22.x",
        Handler="index.handler",
        Layers=[layer],
        Environment=wrapped("/opt/bin/wrap"),
        MemorySize=1769,
    )
    assert "--no-warnings" in invoke(lam, name).value


@pytest.mark.skipif(node_search.installed() is None, reason="this machine has no Node.js")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("new Promise(() => { setTimeout(() => { throw new Error('alone') }) })", 129),
        ("Promise.all([Promise.reject(new Error('a')).finally(), new Promise(() => {})])", None),
        (
            "new Promise(() => { Promise.reject(new Error('lost')); setTimeout(() => {}, 9e4) })",
            128,
        ),
    ],
)
def test_a_wrapper_sees_with_which_status_node_ends(
    body: str, status: int | None, lam: Any, make_function: MakeFunction
) -> None:
    files = {
        "index.js": f"exports.handler = () => {body};",
        "wrapper": '#!/bin/bash\n"$@"\necho "status $?"\nexit 1\n',
    }
    name = make_function(
        files,
        Runtime="nodejs22.x",
        Handler="index.handler",
        Environment=wrapped(),
        MemorySize=1769,
        Timeout=10,
    )
    log = invoke(lam, name).log.splitlines()
    assert [line for line in log if line.startswith("status")] == (
        [f"status {status}"] if status else []
    )


@pytest.mark.parametrize(
    ("files", "status", "line"),
    [
        ({}, 127, "/var/task/wrapper: does not exist"),
        ({"wrapper": b"\x00"}, 126, "/var/task/wrapper: is not an executable"),
    ],
)
def test_a_wrapper_that_cannot_run_fails_in_init(
    files: dict[str, bytes], status: int, line: str, lam: Any, make_function: MakeFunction
) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in {"lambda_function.py": PYTHON, **files}.items():
            archive.writestr(name, content)
    name = make_function(
        "", Runtime=OWN_RUNTIME, Environment=wrapped(), Code={"ZipFile": made.getvalue()}
    )
    answer = invoke(lam, name)
    assert answer.value["errorType"] == "Runtime.ExitError"
    assert answer.value["errorMessage"].endswith(f"exit status {status}")
    assert line in answer.log.splitlines()


def test_a_wrapper_that_ends_instead_of_starting_the_runtime_is_told(
    lam: Any, make_function: MakeFunction
) -> None:
    files = {"lambda_function.py": PYTHON, "wrapper": "#!/bin/bash\nexit 5\n"}
    name = make_function(files, Runtime=OWN_RUNTIME, Environment=wrapped())
    assert invoke(lam, name).value["errorMessage"].endswith("exit status 5")


def test_os_only_runtimes_have_no_wrapper(lam: Any, make_function: MakeFunction) -> None:
    files = {"bootstrap": "#!/bin/sh\nexit 4\n", "wrapper": "#!/bin/sh\nexit 5\n"}
    name = make_function(files, Runtime="provided.al2023", Environment=wrapped())
    assert invoke(lam, name).value["errorMessage"].endswith("exit status 4")
