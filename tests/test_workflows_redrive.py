"""RedriveExecution: what succeeded stays, what failed goes on with the same input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import StartLab
from tests.engine import refusal
from tests.workflow_stage import WORKER, Flows, flows, invoke, task, waiting

# Fails while its switch says so, and counts how often it was asked, by what it got.
SWITCHED = """
switch = {"fails": True}
counts = {}
def handler(event, context):
    if "switch" in event:
        switch["fails"] = event["switch"]
        return counts
    key = str(event.get("key"))
    counts[key] = counts.get(key, 0) + 1
    if switch["fails"] and event.get("may_fail"):
        raise ValueError("not now")
    return {"key": event.get("key"), "count": counts[key]}
"""


@pytest.fixture(scope="module")
def made(start_lab: StartLab) -> Iterator[Flows]:
    with flows(start_lab) as stage:
        stage.function("switched", SWITCHED)
        stage.function("steady", WORKER)
        stage.function("before", WORKER)
        yield stage


@pytest.fixture
def stage(made: Flows) -> Flows:
    switch(made, fails=True)
    return made


def switch(stage: Flows, *, fails: bool) -> dict[str, int]:
    """Let the function fail or not; gives how often it was asked for each key."""
    payload = json.dumps({"switch": fails}).encode()
    answer = stage.lam.invoke(FunctionName="switched", Payload=payload)
    counts: dict[str, int] = json.loads(answer["Payload"].read())
    return counts


def call(key: Any, **members: Any) -> dict[str, Any]:
    """A task of the function, which may fail; its output is what the function returns."""
    parameters = {"FunctionName": "switched", "Payload": {"may_fail": True, **key}}
    settings = {"Parameters": parameters, "OutputPath": "$.Payload"} | members
    return task("arn:aws:states:::lambda:invoke", **settings)


def redrive(stage: Flows, execution: str, **given: Any) -> dict[str, Any]:
    answer: dict[str, Any] = stage.sfn.redrive_execution(executionArn=execution, **given)
    stage.wind()
    return answer


def test_an_execution_goes_on_from_the_task_that_failed(stage: Flows) -> None:
    states = {
        "First": {"Type": "Pass", "Result": {"id": "a"}, "ResultPath": "$.first", "Next": "Second"},
        "Second": call({"key.$": "$.first.id"}, Next="Last", ResultPath="$.second", OutputPath="$"),
        "Last": {"Type": "Pass", "End": True},
    }
    execution = stage.run(states, {"given": 1})
    assert stage.failure(execution)[0] == "ValueError"
    told = stage.told(execution)
    assert (told["redriveCount"], told["redriveStatus"]) == (0, "REDRIVABLE")
    switch(stage, fails=False)
    redriven = redrive(stage, execution)["redriveDate"]
    output = stage.output(execution)
    assert (output["given"], output["first"]) == (1, {"id": "a"})
    assert output["second"]["Payload"] == {"key": "a", "count": 2}
    told = stage.told(execution)
    assert (told["redriveCount"], told["redriveDate"]) == (1, redriven)
    assert told["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    assert "error" not in told
    assert stage.types(execution) == [
        "ExecutionStarted", "PassStateEntered", "PassStateExited", "TaskStateEntered",
        "TaskScheduled", "TaskStarted", "TaskFailed", "ExecutionFailed", "ExecutionRedriven",
        "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited", "PassStateEntered",
        "PassStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    events = stage.events(execution)
    assert [event["id"] for event in events] == list(range(1, 17))
    assert events[8]["executionRedrivenEventDetails"] == {"redriveCount": 1}


def test_an_execution_may_fail_again_and_be_redriven_again(stage: Flows) -> None:
    execution = stage.run({"Only": call({"key": "again"})})
    redrive(stage, execution)
    assert stage.failure(execution)[0] == "ValueError"
    switch(stage, fails=False)
    redrive(stage, execution)
    assert stage.output(execution) == {"key": "again", "count": 3}
    assert stage.told(execution)["redriveCount"] == 2
    filtered = stage.sfn.list_executions(
        stateMachineArn=stage.told(execution)["stateMachineArn"], redriveFilter="REDRIVEN"
    )["executions"]
    assert [(one["redriveCount"], one["status"]) for one in filtered] == [(2, "SUCCEEDED")]


def branch(first: str, *more: str) -> dict[str, Any]:
    """A branch that calls these functions one after the other."""
    names = [first, *more]
    states = {}
    for name, after in zip(names, [*more, None], strict=True):
        way = {"Next": after} if after else {}
        payload = {"may_fail": True, "key": name}
        parameters = {"FunctionName": name, "Payload": payload}
        states[name] = invoke(name, Parameters=parameters, OutputPath="$.Payload", **way)
    return {"StartAt": first, "States": states}


def runs(stage: Flows, since: int, *names: str) -> list[int]:
    """How often each function has run since the timeline had so many records."""
    seen = [one.function for one in list(stage.lab.timeline)[since:] if one.kind == "invoke"]
    return [seen.count(name) for name in names]


def mark(stage: Flows) -> int:
    """How many records the timeline has."""
    return len(list(stage.lab.timeline))


def late(first: str, *more: str) -> dict[str, Any]:
    """The same, some time after the other branches have come to their ends."""
    made = branch(first, *more)
    made["States"]["Wait"] = {"Type": "Wait", "Seconds": 5, "Next": first}
    return made | {"StartAt": "Wait"}


def test_only_the_branches_that_failed_run_again(stage: Flows) -> None:
    branches = [branch("steady"), late("before", "switched")]
    both = {"Type": "Parallel", "End": True, "Branches": branches}
    since = mark(stage)
    execution = stage.run({"Both": both})
    stage.wind(10)
    assert stage.failure(execution)[0] == "ValueError"
    assert runs(stage, since, "steady", "before", "switched") == [1, 1, 1]
    switch(stage, fails=False)
    since = mark(stage)
    redrive(stage, execution)
    steady, switched = stage.output(execution)
    assert (steady["got"]["key"], switched["key"]) == ("steady", "switched")
    assert runs(stage, since, "steady", "before", "switched") == [0, 0, 1]


def test_only_the_iterations_that_failed_run_again(stage: Flows) -> None:
    processor = {"StartAt": "One", "States": {"One": call({"key.$": "$.n", "may_fail.$": "$.bad"})}}
    each = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": processor, "End": True}
    items = [{"n": f"item {n}", "bad": n == 2} for n in range(4)]
    execution = stage.run({"Each": each}, items)
    assert stage.failure(execution)[0] == "ValueError"
    switch(stage, fails=False)
    redrive(stage, execution)
    assert [one["count"] for one in stage.output(execution)] == [1, 1, 2, 1]
    assert [one["key"] for one in stage.output(execution)] == [f"item {n}" for n in range(4)]
    assert stage.types(execution).count("MapIterationSucceeded") == 4


def test_a_retry_runs_every_branch_again(stage: Flows) -> None:
    both = {
        "Type": "Parallel", "End": True, "Branches": [branch("steady"), late("switched")],
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}],
    }  # fmt: skip
    since = mark(stage)
    execution = stage.run({"Both": both})
    stage.wind(20)
    assert stage.failure(execution)[0] == "ValueError"
    assert runs(stage, since, "steady", "switched") == [2, 2]


def test_variables_are_there_again(stage: Flows) -> None:
    states = {
        "Set": {"Type": "Pass", "Assign": {"kept": "value"}, "Next": "Call"},
        "Call": call({"key": "variables"}, Next="Tell"),
        "Tell": {"Type": "Pass", "Parameters": {"kept.$": "$kept"}, "End": True},
    }
    execution = stage.run(states)
    switch(stage, fails=False)
    redrive(stage, execution)
    assert stage.output(execution) == {"kept": "value"}


def test_what_was_stopped_or_timed_out_goes_on(stage: Flows) -> None:
    stopped = stage.run({"Wait": waiting()})
    stage.sfn.stop_execution(executionArn=stopped)
    late = stage.run({"Wait": waiting()}, TimeoutSeconds=30)
    stage.wind(31)
    assert (stage.status(stopped), stage.status(late)) == ("ABORTED", "TIMED_OUT")
    for execution in (stopped, late):
        redrive(stage, execution)
        assert stage.status(execution) == "RUNNING"
        stage.sfn.send_task_success(taskToken=stage.token(), output='{"answer": 1}')
        stage.wind()
        assert stage.output(execution) == {"answer": 1}


def test_a_machine_that_was_changed_goes_on_as_it_was(stage: Flows) -> None:
    machine = stage.machine({"Only": call({"key": "changed"}, Next="End"),
                             "End": {"Type": "Pass", "Result": "old", "End": True}})  # fmt: skip
    execution = stage.start(machine)
    definition = {"StartAt": "New", "States": {"New": {"Type": "Pass", "End": True}}}
    stage.sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(definition))
    switch(stage, fails=False)
    redrive(stage, execution)
    assert stage.output(execution) == "old"


def test_the_same_token_is_the_same_redrive(stage: Flows) -> None:
    execution = stage.run({"Only": call({"key": "token"})})
    first = redrive(stage, execution, clientToken="t")
    stage.wind(5)
    assert redrive(stage, execution, clientToken="t")["redriveDate"] == first["redriveDate"]
    assert stage.told(execution)["redriveCount"] == 1


def test_what_cannot_be_redriven(stage: Flows) -> None:
    done = stage.run({"P": {"Type": "Pass", "End": True}})
    told = refusal(stage.sfn.redrive_execution, executionArn=done)
    text = "Execution is SUCCEEDED and cannot be redriven"
    assert told == (400, "ExecutionNotRedrivable", text)
    running = stage.run({"Wait": waiting()})
    told = refusal(stage.sfn.redrive_execution, executionArn=running)
    assert told.message == "Execution is RUNNING and cannot be redriven"
    stage.sfn.stop_execution(executionArn=running)
    missing = refusal(stage.sfn.redrive_execution, executionArn=f"{done}x")
    assert missing.code == "ExecutionDoesNotExist"
    failed = stage.run({"Fail": {"Type": "Fail"}})
    stage.lab.clock.advance(days=15)
    assert stage.told(failed)["redriveStatus"] == "NOT_REDRIVABLE"
    told = refusal(stage.sfn.redrive_execution, executionArn=failed)
    assert told.code == "ExecutionNotRedrivable"


def test_a_rule_hears_of_each_beginning(stage: Flows) -> None:
    sqs = stage.lab.client("sqs")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    events = stage.lab.client("events")
    events.put_rule(Name="states", EventPattern='{"source": ["aws.states"]}')
    arn = f"arn:aws:sqs:{stage.lab.region}:{stage.lab.account}:heard"
    events.put_targets(Rule="states", Targets=[{"Id": "1", "Arn": arn}])
    execution = stage.run({"Only": invoke("worker", Parameters={
        "FunctionName": "worker", "Payload": {"fail": "Often"}})})  # fmt: skip
    redrive(stage, execution)
    events.remove_targets(Rule="states", Ids=["1"])
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    details = [json.loads(one["Body"])["detail"] for one in got]
    told = [(one["status"], one["redriveCount"]) for one in details]
    assert told == [("RUNNING", 0), ("FAILED", 0), ("RUNNING", 1), ("FAILED", 1)]
