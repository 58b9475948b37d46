"""State machines: checked when they are made or changed, and found by any of their ARNs."""

from __future__ import annotations

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
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import Resource
from moto.stepfunctions.parser.asl.static_analyser.static_analyser import StaticAnalyser
from moto.stepfunctions.parser.asl.static_analyser.test_state.test_state_analyser import (
    TestStateStaticAnalyser,
)
from moto.stepfunctions.parser.backend.test_state.execution import TestStateExecution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from lambdalab.errors import AwsError
from lambdalab.neighbours.workflows import definitions
from lambdalab.neighbours.workflows.activities import Activities
from lambdalab.neighbours.workflows.definitions import Problem
from lambdalab.neighbours.workflows.executions import (
    EXPRESS,
    begin,
    checked_input,
    now,
    run,
)
from lambdalab.neighbours.workflows.tasks import Functions
from lambdalab.neighbours.workflows.waiting import Event

__all__ = ["install", "problem", "runnable", "test_state"]

Json = dict[str, Any]


class _Denied(ServiceException):  # type: ignore[misc]
    """The role cannot be assumed."""

    TYPE = "AccessDeniedException"


def install(functions: Functions) -> None:
    """Check what state machines are made of, and the roles that they call with."""
    kind = StepFunctionsParserBackend
    kind.create_state_machine = _creation(kind.create_state_machine, functions)
    kind.start_execution = _start
    kind.update_state_machine = _change(kind.update_state_machine, functions)
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
    if ":stateMachine:" not in arn:
        raise InvalidArn(f"Invalid Arn: '{arn}'")
    found = backend.describe_state_machine(arn)
    if found is None:
        raise StateMachineDoesNotExist(f"State Machine Does Not Exist: '{arn}'")
    return found


def problem(definition: str, kind: str = "STANDARD") -> Problem | None:
    """What is wrong with a definition; None where nothing is."""
    read = Resource.from_resource_arn
    found = definitions.problem(definition, read, express=kind == EXPRESS)
    return found or _said_by(StaticAnalyser(), definition)


def test_state(backend: Any, given: Json) -> Json:
    """What TestState tells: one state, run by itself."""
    definition = given["definition"]
    trouble = definitions.json_trouble(definition)
    wrong = Problem("INVALID_JSON_DESCRIPTION", trouble) if trouble else None
    wrong = wrong or _said_by(TestStateStaticAnalyser(), definition)
    if wrong:
        raise InvalidDefinition(f"Invalid State Machine Definition: '{wrong}'")
    text = checked_input(given)
    execution = TestStateExecution(
        name="TestState",
        role_arn=given.get("roleArn"),
        exec_arn=_test_arn(backend),
        account_id=backend.account_id,
        region_name=backend.region_name,
        state_machine=_Tested(definition),
        start_date=now(),
        activity_store=Activities(backend),
        input_data=text,
    )
    execution.ended = Event()
    execution.over = execution.ended.set
    run(execution)
    told: Json = execution.to_test_state_output(given.get("inspectionLevel") or "INFO")
    return told


class _Tested:
    """The machine of a state that is tested."""

    def __init__(self, definition: str) -> None:
        self.arn = self.name = "TestState"
        self.definition = definition
        self.sm_type = "STANDARD"


def _test_arn(backend: Any) -> str:
    place = f"{backend.region_name}:{backend.account_id}"
    return f"arn:aws:states:{place}:execution:TestState:{mock_random.uuid4()}"


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
        machine.revision_id = str(mock_random.uuid4())
        return change(backend, arn, **wanted)

    return run


def _check(functions: Functions, definition: str | None, kind: str, role: str | None) -> None:
    wrong = problem(definition, kind) if definition is not None else None
    if wrong:
        raise InvalidDefinition(f"Invalid State Machine Definition: '{wrong}'")
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
        return Problem("SCHEMA_VALIDATION_FAILED", said[0] if said else str(error))
    return None


def _with_revision(act: Any) -> Any:
    """As moto's own; but a machine that was changed has a revision, and tells it."""

    @wraps(act)
    def run(response: Any) -> Any:
        result = act(response)
        arn = response._get_param("stateMachineArn")
        machine = response.stepfunction_backend.describe_state_machine(arn)
        revision = getattr(machine, "revision_id", None)
        if revision is not None:
            result._result["revisionId"] = revision
        return result

    return run
