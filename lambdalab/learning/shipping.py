"""Helpers of the lesson on deployment: stacks from SAM templates, aliases, tests, a debugger."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from lambdalab.lab.figures import ShownFigure, figure_html

__all__ = [
    "alias",
    "call",
    "deploy_stack",
    "make_bucket",
    "physical",
    "run_tests",
    "tests_pass",
    "traffic",
    "under_pdb",
]

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
# What differs from run to run in what pytest tells.
_TIME = re.compile(r" in \d+\.\d+s")
# A test that loops for ever is wrong as well, in seconds.
_PATIENCE = 60
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PROMPT = "(Pdb) "


def make_bucket(lab: Any, name: str = "code") -> None:
    """Make a bucket for packages; harmless when it is there."""
    s3 = lab.client("s3")
    if name not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=name)


def deploy_stack(lab: Any, name: str, template: str) -> str:
    """Create a stack from a template, or update it; gives its status.

    An update without a change gives the status that the stack has, an empty template no stack.
    """
    if not template.strip():
        return "no template yet"
    client = lab.client("cloudformation")
    names = [stack["StackName"] for stack in client.describe_stacks()["Stacks"]]
    act = client.update_stack if name in names else client.create_stack
    try:
        act(StackName=name, TemplateBody=template, Capabilities=_CAPABILITIES)
    except client.exceptions.ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
    status: str = client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    return status


def call(lab: Any, name: str, event: Any) -> Any:
    """What a function answers, or why it cannot be called."""
    lam = lab.client("lambda")
    try:
        answer = lam.invoke(FunctionName=name, Payload=json.dumps(event))
    except lam.exceptions.ResourceNotFoundException:
        return "there is no such function"
    return json.load(answer["Payload"])


def physical(lab: Any, stack: str, logical: str) -> str:
    """What a resource of a stack is really called."""
    found = lab.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId=logical
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def alias(lab: Any, function: str, name: str = "live") -> dict[str, float]:
    """The versions behind an alias, and their shares of its invocations; none without it."""
    lam = lab.client("lambda")
    try:
        found = lam.get_alias(FunctionName=function, Name=name)
    except lam.exceptions.ResourceNotFoundException:
        return {}
    more = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return {found["FunctionVersion"]: round(1 - sum(more.values()), 2), **more}


def traffic(lab: Any, caption: str, after: int = 0) -> ShownFigure:
    """Draw the share of the version that a deployment ships, by the timeline.

    ``after`` leaves out the first records, those of earlier deployments.
    """
    from matplotlib.figure import Figure

    records = [one for one in lab.timeline if one.kind == "shift" and "weight" in one.detail]
    records = records[after:]
    begin, new = records[0].time, records[0].detail["version"]
    minutes = [round((one.time - begin) / 60, 1) for one in records]
    weights = [(one.detail["version"] == new, one.detail["weight"]) for one in records]
    shares = [round(100 * (weight if ours else 1 - weight)) for ours, weight in weights]
    figure = Figure(figsize=(7, 2.6))
    axes = figure.subplots()
    last = max(minutes[-1] + 1, 2)
    axes.step([-1, *minutes, last], [0, *shares, shares[-1]], where="post", color="#0072b2")
    axes.set(
        xlabel="minutes", ylabel=f"share of version {new} in %", ylim=(-5, 105), xlim=(-1, last)
    )
    told = "; ".join(
        f"at minute {minute:g} version {new} has {share} %"
        for minute, share in zip(minutes, shares, strict=True)
    )
    table = {"Minute": minutes, "Version": [new] * len(records), "Share in %": shares}
    return figure_html(figure, f"A line in steps: {told}.", caption, table)


def run_tests(package: bytes, tests: str) -> None:
    """Unpack a package, put ``tests`` beside it as test_it.py, run pytest and print what it tells.

    The tests run in this machine's Python, not in the lab: they call the handler as a function.
    """
    print(_TIME.sub("", _tested(package, tests)[1]).strip())  # noqa: T201


def tests_pass(package: bytes, tests: str) -> bool:
    """Whether there are tests, and every one of them passes with that package."""
    return bool(tests.strip()) and _tested(package, tests)[0] == 0


def under_pdb(package: bytes, module: str, event: Any, *commands: str) -> None:
    """Call a handler that has a ``breakpoint()``, type commands into the debugger, print the talk.

    Where it stands is left out: Python 3.13 stops a line earlier than those before it.
    """
    call = (
        f"import json, {module}; print({module}.handler(json.loads({json.dumps(event)!r}), None))"
    )
    with tempfile.TemporaryDirectory() as folder:
        _unpack(package, folder)
        _, told = _output(["-c", call], folder, "\n".join([*commands, ""]))
    _, *answers = told.split(_PROMPT)
    for command, answer in zip(commands, answers, strict=False):
        print(f"{_PROMPT}{command}")  # noqa: T201
        print(answer.strip())  # noqa: T201


def _tested(package: bytes, tests: str) -> tuple[int, str]:
    """What pytest says by its exit status, and in words."""
    with tempfile.TemporaryDirectory() as folder:
        _unpack(package, folder)
        Path(folder, "test_it.py").write_text(tests, encoding="utf-8")
        options = ["-q", "--tb=line", "--color=no", "-p", "no:cacheprovider"]
        return _output(["-m", "pytest", *options, "test_it.py"], folder)


def _unpack(package: bytes, folder: str) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(package)
        ZipFile(file).extractall(folder)


def _output(arguments: list[str], folder: str, typed: str = "") -> tuple[int, str]:
    """How a Python of its own ends in that folder, and what it prints, without colours."""
    plain = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": folder,
        "COLUMNS": "100",
        # What is installed beside pytest would take it a second to load, and is not asked for.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    environment = os.environ | plain
    try:
        run = subprocess.run(
            [sys.executable, *arguments], cwd=folder, input=typed, capture_output=True,
            text=True, check=False, env=environment, timeout=_PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 1, f"nothing came back within {_PATIENCE} seconds"
    kept = [line for line in (run.stdout + run.stderr).splitlines() if not _is_place(line)]
    return run.returncode, _COLOUR.sub("", "\n".join(kept)).replace(f"{folder}/", "")


def _is_place(line: str) -> bool:
    """Whether a line of the debugger's tells where it stands."""
    return line.startswith(("> ", "-> "))
