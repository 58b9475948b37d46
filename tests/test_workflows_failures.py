"""Step Functions: what fails, how it is told of, and what goes on beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import StartLab
from tests.workflow_stage import INVOKE, Flows, flows, invoke, task

PASS = {"Type": "Pass", "End": True}
ALL: dict[str, Any] = {
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "P"}],
    "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}],
}
PLACE = "An error occurred while executing the state '{}' (entered at the event id #{}). "


@pytest.fixture(scope="module")
def stage(start_lab: StartLab) -> Iterator[Flows]:
    with flows(start_lab) as made:
        yield made


def passing(**members: Any) -> dict[str, Any]:
    return {"A": {**PASS, **members}}


def choosing(*rules: dict[str, Any], **members: Any) -> dict[str, Any]:
    rows = [{"Next": "P", **rule} for rule in rules]
    return {"A": {"Type": "Choice", "Choices": rows, **members}, "P": PASS}


def mapping(state: dict[str, Any], **members: Any) -> dict[str, Any]:
    inner = {"StartAt": "I", "States": {"I": state}}
    return {"A": {"Type": "Map", "ItemProcessor": inner, "End": True, **members}}


def branching(*branches: dict[str, Any], **members: Any) -> dict[str, Any]:
    rows = [{"StartAt": next(iter(states)), "States": states} for states in branches]
    return {"A": {"Type": "Parallel", "Branches": rows, "End": True, **members}}


def chain(stage: Flows, execution: str) -> list[tuple[str, int]]:
    """What has happened, and after what."""
    return [(event["type"], event["previousEventId"]) for event in stage.events(execution)]


# ---- errors of the runtime

NOT_FOUND = "The JSONPath '$.x' specified for the field '{}' could not be found in the input '{}'"
MISSING = {"m.$": "$.x"}
RUNTIME: list[tuple[dict[str, Any], Any, str, list[str]]] = [
    (passing(Parameters=MISSING), {}, PLACE.format("A", 2) + NOT_FOUND.format("m.$", "{}"), []),
    (
        {"A": invoke("worker", Parameters={"FunctionName": "worker", "Payload.$": "$.x"}, **ALL),
         "P": PASS},
        {}, PLACE.format("A", 2) + NOT_FOUND.format("Payload.$", "{}"), [],
    ),
    (
        branching({"B": {**PASS, "Parameters": MISSING}}, **ALL) | {"P": PASS}, {"n": 1},
        PLACE.format("B", 4) + NOT_FOUND.format("m.$", '{"n":1}'),
        ["ParallelStateStarted", "PassStateEntered"],
    ),
    (
        mapping({**PASS, "Parameters": MISSING}, MaxConcurrency=1, **ALL) | {"P": PASS}, [5, 6],
        PLACE.format("I", 5) + NOT_FOUND.format("m.$", "5"),
        ["MapStateStarted", "MapIterationStarted", "PassStateEntered"],
    ),
    (
        mapping(PASS, ItemSelector=MISSING), [5], PLACE.format("A", 2)
        + NOT_FOUND.format("m.$", "[5]"), ["MapStateStarted"],
    ),
    (
        passing(Parameters={"m.$": "States.Format('{}', States.Format('{}', $.x))"}), {},
        PLACE.format("A", 2) + "The function 'States.Format('{}', States.Format('{}', $.x))' had "
        "the following error: The JsonPath argument for the field '$.x' could not be found in the "
        "input '{}'", [],
    ),
    (
        choosing({"Variable": "$.x", "NumericEquals": 1}, Default="P"), {}, PLACE.format("A", 2)
        + "Invalid path '$.x': The choice state's condition path references an invalid value.", [],
    ),
    (
        choosing({"Variable": "$.n", "NumericEquals": 1}), {"n": 2}, PLACE.format("A", 2)
        + "Failed to transition out of the state. The state does not point to a next state.", [],
    ),
    (
        {"A": task(INVOKE, Parameters={"FunctionName": "worker", "TaskToken": 1})}, {},
        PLACE.format("A", 2) + 'The field "TaskToken" is not supported by Step Functions', [],
    ),
    (
        {"A": task(INVOKE, Parameters={"Payload": 1})}, {},
        PLACE.format("A", 2) + 'The field "FunctionName" is required but was missing', [],
    ),
    (
        mapping(PASS, ItemsPath="$.n"), {"n": 1},
        PLACE.format("A", 2) + 'Reference path "$.n" must point to array.', [],
    ),
    ({"A": {"Type": "Fail", "ErrorPath": "$.n"}}, {"n": 1},
     PLACE.format("A", 2) + "The value of Error must be a string.", []),
]  # fmt: skip


@pytest.mark.parametrize(("states", "given", "cause", "between"), RUNTIME)
def test_an_error_of_the_runtime_ends_the_execution_at_once(
    stage: Flows, states: dict[str, Any], given: Any, cause: str, between: list[str]
) -> None:
    execution = stage.start(stage.machine(states), given)
    stage.wind(5)
    assert stage.failure(execution) == ("States.Runtime", cause)
    events = chain(stage, execution)
    assert [kind for kind, _ in events[2:-1]] == between
    assert events[-1] == ("ExecutionFailed", len(events) - 1)


MISFITS: list[tuple[dict[str, Any], Any, str, str]] = [
    (mapping(PASS, ItemsPath="$.a.x"), {"a": {}}, "States.ReferencePathConflict",
     'Unable to apply step "x" to input {"a":{}}'),
    (passing(ResultPath="$.x"), "text", "States.ResultPathMatchFailure",
     'Unable to apply step "x" to input "text"'),
    (passing(ResultPath="$.n.x"), {"n": 1}, "States.ResultPathMatchFailure",
     'Unable to apply step "x" to input {"n":1}'),
    (passing(ResultPath="$[9]"), [1], "States.ResultPathMatchFailure",
     'Unable to apply step "9" to input [1]'),
]  # fmt: skip


@pytest.mark.parametrize(("states", "given", "error", "cause"), MISFITS)
def test_a_path_that_does_not_fit_names_its_step(
    stage: Flows, states: dict[str, Any], given: Any, error: str, cause: str
) -> None:
    assert stage.failure(stage.start(stage.machine(states), given)) == (error, cause)


def test_a_number_past_the_end_of_a_list_gives_null(stage: Flows) -> None:
    assert stage.result(passing(Parameters={"m.$": "$.l[5]"}), {"l": [1]}) == {"m": None}


# ---- what is cut


def test_a_branch_that_fails_cuts_the_others_in_their_states(stage: Flows) -> None:
    long = {"L": {"Type": "Wait", "Seconds": 500, "End": True}}
    states = branching(long, {"T": task(stage.worker)}, {"P": PASS})
    execution = stage.run(states, {"fail": "Odd"})
    stage.wind(600)
    tail = chain(stage, execution)
    number = next(n for n, event in enumerate(tail, 1) if event[0] == "LambdaFunctionFailed")
    assert tail[number:] == [
        ("WaitStateAborted", number), ("TaskStateAborted", number),
        ("ParallelStateFailed", number), ("ExecutionFailed", number + 3),
    ]  # fmt: skip


def test_an_iteration_that_fails_cuts_the_others_in_their_states(stage: Flows) -> None:
    wait = {"Type": "Wait", "SecondsPath": "$.wait", "Next": "T"}
    inner = {"StartAt": "L", "States": {"L": wait, "T": task(stage.worker)}}
    states = {"A": {"Type": "Map", "Iterator": inner, "End": True}}
    given = [{"wait": 0}, {"wait": 500}, {"wait": 60, "fail": "Odd"}]
    execution = stage.run(states, given)
    stage.wind(600)
    tail = chain(stage, execution)
    number = next(n for n, event in enumerate(tail, 1) if event[0] == "LambdaFunctionFailed")
    assert tail[number:] == [
        ("MapIterationAborted", number), ("WaitStateAborted", number),
        ("MapIterationFailed", number), ("TaskStateAborted", number),
        ("MapStateFailed", number), ("ExecutionFailed", number + 5),
    ]  # fmt: skip
    told = stage.events(execution)[number]
    assert told["mapIterationAbortedEventDetails"] == {"name": "A", "index": 1}


def test_a_machine_whose_time_is_over_is_told_of_by_one_event(stage: Flows) -> None:
    states = branching({"L": {"Type": "Wait", "Seconds": 500, "End": True}})
    execution = stage.run(states, TimeoutSeconds=5)
    stage.wind(600)
    assert [kind for kind, _ in chain(stage, execution)][-2:] == [
        "WaitStateEntered", "ExecutionTimedOut",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["Parallel", "Map"])
def test_errors_of_step_functions_keep_their_names(stage: Flows, kind: str) -> None:
    work = task(stage.worker)
    catch = [{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "P"}]
    states = (
        branching({"T": work}, Catch=catch)
        if kind == "Parallel"
        else mapping(work, Catch=catch, ItemsPath="$.l")
    )
    told = stage.result(states | {"P": PASS}, {"big": 300_000, "l": [{"big": 300_000}]})
    assert told["Error"] == "States.DataLimitExceeded"


def test_a_machine_that_waits_for_another_takes_it_down_with_it(stage: Flows) -> None:
    inner = stage.machine({"W": {"Type": "Wait", "Seconds": 500, "End": True}})
    resource = "arn:aws:states:::states:startExecution.sync:2"
    execution = stage.run({"A": task(resource, Parameters={"StateMachineArn": inner})})
    stage.sfn.stop_execution(executionArn=execution)
    stage.wind()
    (child,) = stage.sfn.list_executions(stateMachineArn=inner)["executions"]
    told = stage.told(child["executionArn"])
    assert (told["status"], told["cause"]) == (
        "ABORTED",
        f"The Task state in AWS Step Functions execution [{execution}] which was managing this "
        "resource was aborted",
    )


# ---- what is tolerated

TOLERANCES: list[tuple[dict[str, Any], bool]] = [
    ({"ToleratedFailureCount": 1}, True), ({"ToleratedFailureCount": 2}, True),
    ({"ToleratedFailurePercentage": 50}, True), ({"ToleratedFailurePercentage": 49.5}, False),
    ({"ToleratedFailureCount": 2, "ToleratedFailurePercentage": 10}, False),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
@pytest.mark.parametrize(("said", "goes_on"), TOLERANCES)
def test_a_map_bears_as_many_failures_as_it_says(
    stage: Flows, mode: str, said: dict[str, Any], goes_on: bool
) -> None:
    config = {"Mode": mode} | ({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})
    inner = {"ProcessorConfig": config, "StartAt": "I", "States": {"I": task(stage.worker)}}
    states = {"A": {"Type": "Map", "ItemProcessor": inner, "End": True, **said}}
    execution = stage.run(states, [{"n": 1}, {"fail": "Odd"}])
    if goes_on:
        assert stage.output(execution) == [{"got": {"n": 1}}, None]
    else:
        error = "States.ExceedToleratedFailureThreshold"
        cause = "The specified tolerated failure threshold was exceeded"
        assert stage.failure(execution) == (error, cause)


def test_a_distributed_map_bears_no_failure_unless_it_says_so(stage: Flows) -> None:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    inner = {"ProcessorConfig": config, "StartAt": "I", "States": {"I": task(stage.worker)}}
    execution = stage.run(
        {"A": {"Type": "Map", "ItemProcessor": inner, "End": True}}, [{"fail": "X"}]
    )
    assert [kind for kind, _ in chain(stage, execution)][3:] == [
        "MapRunStarted", "MapRunFailed", "MapStateFailed", "ExecutionFailed",
    ]  # fmt: skip


# ---- choices and functions

VALUES = {
    "t": "2016-03-14T01:59:00Z", "t1": "2016-03-14T02:59:00+01:00", "t2": "2016-03-14T01:59:00.5Z",
    "star": "a*b", "text": "a?b", "null": None, "no": "soon",
}  # fmt: skip
COMPARED: list[tuple[dict[str, Any], bool]] = [
    ({"Variable": "$.t", "TimestampEqualsPath": "$.t1"}, True),
    ({"Variable": "$.t2", "TimestampGreaterThan": "2016-03-14T01:59:00Z"}, True),
    ({"Variable": "$.t", "TimestampLessThanPath": "$.no"}, False),
    ({"Variable": "$.t1", "IsTimestamp": True}, True),
    ({"Variable": "$.no", "IsTimestamp": True}, False),
    ({"Variable": "$.star", "StringMatches": "a\\*b"}, True),
    ({"Variable": "$.text", "StringMatches": "a\\*b"}, False),
    ({"Variable": "$.text", "StringMatches": "a?*"}, True),
    ({"Variable": "$.star", "StringMatches": "a?b"}, False),
    ({"Variable": "$.nothing", "IsPresent": False}, True),
    ({"Variable": "$.null", "IsPresent": True}, True),
    ({"And": [{"Variable": "$.x", "IsPresent": True}, {"Variable": "$.x", "IsNull": True}]}, False),
]


@pytest.mark.parametrize(("rule", "wanted"), COMPARED)
def test_a_rule_compares_as_the_states_language_says(
    stage: Flows, rule: dict[str, Any], wanted: bool
) -> None:
    states = choosing(rule, Default="N") | {"N": {**PASS, "Result": "no"}}
    assert (stage.result(states, VALUES) != "no") == wanted


CALLED: list[tuple[str, Any]] = [
    ("States.Array(1, 'a', null, true, 1.5)", [1, "a", None, True, 1.5]),
    (r"States.Format('\{{}\} it\'s {} \\', $.o, null)", "{{x=1}} it's null \\"),
    (r"States.StringSplit('it\'s, this', ',')", ["it's", " this"]),
    ("States.Format($.template, 1)", "{0} is 1"),
    ("States.MathAdd(1.5, 1)", 3),
]


@pytest.mark.parametrize(("call", "wanted"), CALLED)
def test_a_function_reads_what_is_written(stage: Flows, call: str, wanted: Any) -> None:
    given = {"o": {"x": 1}, "template": "{0} is {}"}
    assert stage.result(passing(Parameters={"v.$": call}), given) == {"v": wanted}


@pytest.mark.parametrize(
    "call", ["States.Format('{}')", "States.ArrayLength($.o)", "States.StringSplit($.o, ',')"]
)
def test_a_function_that_fails_is_told_of_as_it_is_written(stage: Flows, call: str) -> None:
    error, cause = stage.failure(stage.run(passing(Parameters={"v.$": call}), {"o": {}}))
    assert error == "States.Runtime"
    assert f"The function '{call}' had the following error: " in cause
    assert "object" not in cause


def test_the_context_object_tells_times_in_milliseconds(stage: Flows) -> None:
    told = stage.result(passing(Parameters={"all.$": "$$"}), {"n": 1})["all"]
    times = told["Execution"]["StartTime"], told["State"]["EnteredTime"]
    assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{3}Z", time) for time in times)
    assert told["Execution"]["Input"] == {"n": 1}
