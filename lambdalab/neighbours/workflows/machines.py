"""State machines: checked when they are made or changed, and found by any of their ARNs."""

from __future__ import annotations

import copy
import re
from functools import wraps
from typing import Any

from moto.moto_api._internal import mock_random
from moto.stepfunctions import responses
from moto.stepfunctions.exceptions import StateMachineDoesNotExist
from moto.stepfunctions.parser.api import (
    InvalidArn,
    InvalidDefinition,
    InvalidLoggingConfiguration,
    ServiceException,
    StateMachineAlreadyExists,
)
from moto.stepfunctions.parser.asl.static_analyser.static_analyser import StaticAnalyser
from moto.stepfunctions.parser.asl.static_analyser.test_state.test_state_analyser import (
    TestStateStaticAnalyser,
)
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from lambdalab import facts
from lambdalab.errors import AwsError
from lambdalab.neighbours.workflows import definitions, lookups, resources, trials
from lambdalab.neighbours.workflows.definitions import Problem
from lambdalab.neighbours.workflows.executions import (
    EXPRESS,
    begin,
    revised,
)
from lambdalab.neighbours.workflows.tasks import Functions

__all__ = ["check_arn", "install", "problems", "runnable", "test_state"]

Json = dict[str, Any]

# What moto's parser stumbles over, and how it shows its own objects.
_TOKEN = re.compile(r"ASLParserException line \d+:\d+, at (?P<token>.*?), ", re.DOTALL)
_INSIDES = re.compile(r"[,:]? (?:with state|for StateWait|from|got|in props|of type)?:? ?'?[\[(<]")
# Up to the name: arn:partition:states:region:account:kind:name.
_ARN_PARTS = 7


class _Denied(ServiceException):  # type: ignore[misc]
    """The role cannot be assumed."""

    TYPE = "AccessDeniedException"


def install(functions: Functions) -> None:
    """Check what state machines are made of, and the roles that they call with."""
    kind = StepFunctionsParserBackend
    kind.create_state_machine = _creation(kind.create_state_machine, functions)
    kind.start_execution = _start
    kind.update_state_machine = _change(kind.update_state_machine, functions)
    kind._validate_machine_arn = lambda _, machine_arn: check_arn(machine_arn, "stateMachine")
    lookups.install(check_arn)
    for name in ("describe_state_machine", "update_state_machine"):
        kind = responses.StepFunctionResponse
        setattr(kind, name, _with_revision(getattr(kind, name)))


def runnable(backend: Any, arn: str) -> Any:
    """The state machine, or the version of one, that an ARN names, by an alias or directly."""
    name = arn.rpartition(":")[2]
    if arn.count(":") == 7 and not name.isdigit():
        alias = backend.describe_state_machine_alias(arn)
        rows = alias.routing_configuration
        weights = [row["weight"] for row in rows]
        (row,) = mock_random.choices(rows, weights) if len(rows) > 1 else rows
        arn = row["stateMachineVersionArn"]
    check_arn(arn, "stateMachine")
    found = backend.describe_state_machine(arn)
    if found is None:
        raise StateMachineDoesNotExist(f"State Machine Does Not Exist: '{arn}'")
    return found


def check_arn(arn: str, *kinds: str) -> None:
    """Refuse an ARN that names none of these kinds of things."""
    parts = arn.split(":")
    if parts[0] != "arn" or len(parts) < _ARN_PARTS or parts[2] != "states":
        raise InvalidArn(f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    if parts[5] not in kinds:
        raise InvalidArn(f"Invalid Arn: 'Resource type not valid in this context: {parts[5]}'")


def problems(definition: str, kind: str = "STANDARD") -> list[Problem]:
    """What is wrong with a definition."""
    found = definitions.problems(definition, resources.read, express=kind == EXPRESS)
    said = None if found else _said_by(StaticAnalyser(), definition)
    return [said] if said else found


def test_state(backend: Any, given: Json) -> Json:
    """What TestState tells: one state, run by itself."""
    definition = given["definition"]
    trouble = definitions.json_trouble(definition)
    wrong = Problem("INVALID_JSON_DESCRIPTION", trouble) if trouble else None
    wrong = wrong or _said_by(TestStateStaticAnalyser(), definition)
    if wrong:
        raise InvalidDefinition(f"Invalid State Machine Definition: '{wrong}'")
    return trials.try_state(backend, given)


def _start(
    backend: Any,
    state_machine_arn: str,
    name: str | None = None,
    execution_input: str | None = None,
    trace_header: str | None = None,
) -> Any:
    """As moto calls it itself, for rules of EventBridge."""
    given = {"name": name, "input": execution_input or "{}", "traceHeader": trace_header}
    return begin(backend, runnable(backend, state_machine_arn), given)


def _creation(create: Any, functions: Functions) -> Any:
    @wraps(create)
    def run(backend: Any, *given: Any, **options: Any) -> Any:
        names = ("name", "definition", "roleArn", "tags")
        wanted = {**dict(zip(names, given, strict=False)), **options}
        kind = wanted.get("sm_type") or "STANDARD"
        _check(functions, wanted["definition"], kind, wanted["roleArn"])
        wanted["loggingConfiguration"] = _logging(wanted.get("loggingConfiguration"))
        same = next((one for one in backend.state_machines if one.name == wanted["name"]), None)
        if same is not None and (same.definition, same.type) != (wanted["definition"], kind):
            raise StateMachineAlreadyExists(f"State Machine Already Exists: '{same.arn}'")
        return create(backend, **wanted)

    return run


def _change(change: Any, functions: Functions) -> Any:
    @wraps(change)
    def run(backend: Any, arn: str, *given: Any, **options: Any) -> Any:
        names = ("definition", "role_arn")
        wanted = {**dict(zip(names, given, strict=False)), **options}
        machine = backend.describe_state_machine(arn)
        _check(functions, wanted.get("definition"), machine.type, wanted.get("role_arn"))
        before, number = _settings(machine), machine.latest_version_number
        changed = change(backend, arn, **wanted)
        if _settings(machine) != before:
            machine.revision_id = str(mock_random.uuid4())
        if machine.latest_version_number != number:
            machine.latest_version.of_revision = machine.revision_id
        return changed

    return run


def _settings(machine: Any) -> tuple[Any, ...]:
    """What a revision stands for."""
    return (
        machine.definition,
        machine.roleArn,
        copy.deepcopy(machine.loggingConfiguration),
        copy.deepcopy(machine.tracingConfiguration),
    )


def _check(functions: Functions, definition: str | None, kind: str, role: str | None) -> None:
    wrong = problems(definition, kind) if definition is not None else []
    if wrong:
        told = ", ".join(str(one) for one in wrong)
        raise InvalidDefinition(f"Invalid State Machine Definition: '{told}'")
    if role:
        try:
            functions.check_role(role)
        except AwsError as error:
            raise _Denied(error.message) from None


def _logging(given: Json | None) -> Json:
    """The settings of the log; refuses a level without a place."""
    config = {"level": "OFF", "includeExecutionData": False, **(given or {})}
    if config["level"] != "OFF" and len(config.get("destinations") or []) != 1:
        raise InvalidLoggingConfiguration(
            "Invalid Logging Configuration: Must specify exactly one Log Destination."
        )
    return config


def _said_by(analyser: Any, definition: str) -> Problem | None:
    """What moto's analyser finds wrong, in its own words."""
    try:
        analyser.analyse(definition)
    except Exception as error:
        said = [one for one in error.args if isinstance(one, str)]
        return Problem("SCHEMA_VALIDATION_FAILED", _readable(said[0] if said else str(error)))
    return None


def _readable(said: str) -> str:
    """The same without what only Python's readers understand."""
    token = _TOKEN.search(said)
    if token is not None:
        return facts.message("workflow.no-place").format(token=token["token"])
    return _INSIDES.split(said, maxsplit=1)[0]


def _with_revision(act: Any) -> Any:
    """As moto's own; and the revision of a machine that was changed."""

    @wraps(act)
    def run(response: Any) -> Any:
        result = act(response)
        arn = response._get_param("stateMachineArn")
        told = revised(response.stepfunction_backend.describe_state_machine(arn))
        if "updateDate" in result._result:
            told.pop("variableReferences", None)
        result._result |= told
        return result

    return run
