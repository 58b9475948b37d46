"""Step Functions on the lab's clock: waits, retries, task tokens, heartbeats, limits, EXPRESS."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lambdalab import facts
from tests.conftest import StartLab
from tests.engine import refusal, wait_until
from tests.workflow_stage import Flows, flows, invoke, task, waiting

PASS = {"Type": "Pass", "End": True}
DAY = 86400


@pytest.fixture(scope="module")
def stage(start_lab: StartLab) -> Iterator[Flows]:
    with flows(start_lab) as stage:
        yield stage


# ---- waits and retries


def test_a_wait_costs_no_time_but_the_platforms(stage: Flows) -> None:
    states = {"W": {"Type": "Wait", "Seconds": 30 * DAY, "Next": "A"}, "A": invoke("worker")}
    execution = stage.run(states)
    stage.wind(30 * DAY - 1)
    assert stage.status(execution) == "RUNNING"
    stage.wind(1)
    assert stage.status(execution) == "SUCCEEDED"
    assert stage.times(execution, "WaitStateExited") == [30 * DAY]


@pytest.mark.parametrize("how", ["SecondsPath", "TimestampPath", "Timestamp"])
def test_a_wait_ends_when_its_input_says(stage: Flows, how: str) -> None:
    due = stage.lab.clock.now().timestamp() + 100
    stamp = stage.lab.clock.now().fromtimestamp(due, stage.lab.clock.now().tzinfo)
    text = f"{stamp:%Y-%m-%dT%H:%M:%SZ}"
    value = {"SecondsPath": "$.seconds", "TimestampPath": "$.at", "Timestamp": text}[how]
    execution = stage.run(
        {"W": {"Type": "Wait", how: value, "End": True}}, {"seconds": 100, "at": text}
    )
    stage.wind(90)
    assert stage.status(execution) == "RUNNING"
    stage.wind(11)
    assert stage.status(execution) == "SUCCEEDED"


def test_retries_come_at_growing_distances(stage: Flows) -> None:
    retry = {
        "ErrorEquals": ["LookupError"], "IntervalSeconds": 10, "MaxAttempts": 4,
        "BackoffRate": 3, "MaxDelaySeconds": 60,
    }  # fmt: skip
    states = {"A": invoke("worker", Retry=[retry], OutputPath="$.Payload")}
    execution = stage.run(states, {"until": 5, "key": "growing"})
    stage.wind(1000)
    assert stage.output(execution) == 5
    assert stage.times(execution, "TaskScheduled") == [0, 10, 40, 100, 160]


def test_retries_that_are_used_up_leave_the_error_to_a_catcher(stage: Flows) -> None:
    retry = {"ErrorEquals": ["States.ALL"]}
    caught = {"ErrorEquals": ["LookupError"], "ResultPath": "$.error", "Next": "P"}
    states = {"A": task(stage.worker, Retry=[retry], Catch=[caught]), "P": PASS}
    execution = stage.run(states, {"until": 9, "key": "used up"})
    stage.wind(60)
    assert stage.output(execution)["error"]["Error"] == "LookupError"
    attempts = int(facts.quota("workflow.retry-attempts").value)
    times = stage.times(execution, "LambdaFunctionScheduled")
    assert times == [0, 1, 3, 7] and len(times) == attempts + 1


def test_an_error_that_no_retrier_names_is_not_tried_again(stage: Flows) -> None:
    retry = [
        {"ErrorEquals": ["Other"], "MaxAttempts": 5},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 0},
    ]
    execution = stage.run({"A": task(stage.worker, Retry=retry)}, {"fail": "Odd"})
    assert stage.failure(execution)[0] == "Odd"
    assert stage.types(execution).count("LambdaFunctionScheduled") == 1


# ---- task tokens


def test_a_token_lets_the_task_wait_until_somebody_answers(stage: Flows) -> None:
    execution = stage.run({"A": waiting()})
    token = stage.token()
    stage.wind(300 * DAY)
    assert stage.status(execution) == "RUNNING"
    stage.sfn.send_task_success(taskToken=token, output='{"approved": true}')
    stage.wind()
    assert stage.output(execution) == {"approved": True}
    assert "TaskSubmitted" in stage.types(execution)


def test_a_token_may_bring_a_failure(stage: Flows) -> None:
    catch = [{"ErrorEquals": ["Refused"], "Next": "P"}]
    execution = stage.run({"A": waiting(Catch=catch), "P": PASS})
    stage.sfn.send_task_failure(taskToken=stage.token(), error="Refused", cause="too expensive")
    stage.wind()
    assert stage.output(execution) == {"Error": "Refused", "Cause": "too expensive"}


def test_a_token_is_good_once(stage: Flows) -> None:
    stage.run({"A": waiting()})
    token = stage.token()
    stage.sfn.send_task_success(taskToken=token, output="1")
    stage.wind()
    found = refusal(stage.sfn.send_task_success, taskToken=token, output="1")
    assert found.code == "TaskTimedOut"
    found = refusal(stage.sfn.send_task_success, taskToken="nobody's", output="1")
    assert (found.code, found.message) == ("InvalidToken", "Invalid Token: 'Invalid token'")
    found = refusal(stage.sfn.send_task_success, taskToken=token, output="no json")
    assert found.code == "InvalidOutput"


def test_a_task_times_out_though_its_token_is_out(stage: Flows) -> None:
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "P"}]
    execution = stage.run({"A": waiting(TimeoutSeconds=600, Catch=catch), "P": PASS})
    token = stage.token()
    stage.wind(600)
    assert stage.output(execution) == {"Error": "States.Timeout", "Cause": ""}
    assert stage.times(execution, "TaskTimedOut") == [600]
    found = refusal(stage.sfn.send_task_success, taskToken=token, output="1")
    assert found.code == "TaskTimedOut"


def test_a_token_is_good_for_nothing_once_its_task_has_timed_out(stage: Flows) -> None:
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "W"}]
    wait = {"Type": "Wait", "Seconds": 600, "End": True}
    execution = stage.run({"A": waiting(TimeoutSeconds=60, Catch=catch), "W": wait})
    token = stage.token()
    stage.wind(60)
    assert stage.status(execution) == "RUNNING"
    for call in (stage.sfn.send_task_heartbeat, stage.sfn.send_task_failure):
        assert refusal(call, taskToken=token).code == "TaskTimedOut"
    stage.wind(600)
    assert stage.output(execution) == {"Error": "States.Timeout", "Cause": ""}


def test_each_attempt_has_a_token_of_its_own(stage: Flows) -> None:
    retry = [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 5}]
    execution = stage.run({"A": waiting(TimeoutSeconds=60, Retry=retry)})
    first = stage.token()
    stage.wind(65)
    second = stage.token()
    assert first != second
    assert refusal(stage.sfn.send_task_success, taskToken=first, output="1").code == "TaskTimedOut"
    stage.sfn.send_task_success(taskToken=second, output="2")
    stage.wind()
    assert stage.output(execution) == 2


def test_heartbeats_keep_a_task_alive(stage: Flows) -> None:
    execution = stage.run({"A": waiting(HeartbeatSeconds=60, TimeoutSeconds=3600)})
    token = stage.token()
    for _ in range(4):
        stage.wind(50)
        stage.sfn.send_task_heartbeat(taskToken=token)
        stage.wind()
    assert stage.status(execution) == "RUNNING"
    stage.wind(61)
    assert stage.failure(execution)[0] == "States.Timeout"
    assert stage.times(execution, "TaskTimedOut") == [260]


def test_a_function_answers_for_itself_with_the_token(stage: Flows) -> None:
    parameters = {"FunctionName": "answers", "Payload": {"token.$": "$$.Task.Token"}}
    execution = stage.run({"A": waiting(Parameters=parameters)})
    assert stage.output(execution) == {"by": "answers"}


def test_an_activity_hands_its_task_to_a_worker(stage: Flows) -> None:
    activity = stage.sfn.create_activity(name="pack")["activityArn"]
    execution = stage.run({"A": task(activity, HeartbeatSeconds=60)}, {"box": 7})
    taken = stage.sfn.get_activity_task(activityArn=activity, workerName="anna")
    assert json.loads(taken["input"]) == {"box": 7}
    stage.sfn.send_task_success(taskToken=taken["taskToken"], output='"packed"')
    stage.wind()
    assert stage.output(execution) == "packed"
    started = next(one for one in stage.events(execution) if one["type"] == "ActivityStarted")
    assert started["activityStartedEventDetails"] == {"workerName": "anna"}


QUICK = """
from lambdalab.neighbours.workflows import interpreter
interpreter.install()
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint
endpoint = CallbackEndpoint("token")
endpoint.notify("outcome")
print(endpoint.setup_heartbeat_endpoint(heartbeat_seconds=60).clear_and_wait())
"""


def test_a_worker_may_be_done_before_anybody_listens_for_its_heartbeat() -> None:
    command = [sys.executable, "-c", QUICK]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


# ---- ends


@pytest.mark.parametrize("state", ["task", "wait", "map", "retry"])
def test_a_stop_ends_whatever_waits(stage: Flows, state: str) -> None:
    wait = {"Type": "Wait", "Seconds": DAY, "End": True}
    inner = {"StartAt": "W", "States": {"W": wait}}
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 600}]
    states = {
        "task": {"A": waiting()},
        "wait": {"A": wait},
        "map": {"A": {"Type": "Map", "End": True, "Iterator": inner}},
        "retry": {"A": task(stage.worker, Retry=retry)},
    }[state]
    given: Any = [1, 2] if state == "map" else {"fail": "Odd"}
    execution = stage.run(states, given)
    assert stage.status(execution) == "RUNNING"
    stage.sfn.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    told = stage.told(execution)
    assert (told["status"], told["error"], told["cause"]) == ("ABORTED", "Stopped", "by hand")
    last = stage.events(execution)[-1]
    assert last["executionAbortedEventDetails"] == {"error": "Stopped", "cause": "by hand"}
    stage.wind(2 * DAY)
    assert stage.events(execution)[-1] == last


def test_a_machine_has_a_time_of_its_own(stage: Flows) -> None:
    execution = stage.run({"A": waiting()}, TimeoutSeconds=90)
    stage.wind(90)
    assert stage.status(execution) == "TIMED_OUT"
    assert stage.times(execution, "ExecutionTimedOut") == [90]


def test_a_standard_workflow_ends_after_a_year(stage: Flows) -> None:
    longest = facts.quota("workflow.standard-duration").seconds
    execution = stage.run({"A": waiting()})
    stage.wind(longest - 10)
    assert stage.status(execution) == "RUNNING"
    stage.wind(10)
    assert stage.status(execution) == "TIMED_OUT"


def test_what_waits_for_ever_leaves_the_platform_idle(stage: Flows) -> None:
    stage.run({"A": waiting()})
    before = stage.lab.clock.now()
    stage.lab.clock.run_until_idle()
    assert (stage.lab.clock.now() - before).total_seconds() < DAY


# ---- EXPRESS


def test_an_express_workflow_answers_who_waits_for_it(stage: Flows) -> None:
    machine = stage.machine({"A": invoke("worker", OutputPath="$.Payload")}, "EXPRESS")
    told = stage.sfn.start_sync_execution(stateMachineArn=machine, input='{"n": 1}', name="now")
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"got": {"n": 1}})
    assert told["executionArn"].startswith(f"{machine.replace(':stateMachine:', ':express:')}:now:")
    billed = told["billingDetails"]
    assert billed["billedMemoryUsedInMB"] == 64
    taken = (told["stopDate"] - told["startDate"]).total_seconds() * 1000
    assert billed["billedDurationInMilliseconds"] % 100 == 0
    assert taken <= billed["billedDurationInMilliseconds"] <= taken + 100
    told = stage.sfn.start_sync_execution(stateMachineArn=machine, input='{"fail": "Odd"}')
    assert (told["status"], told["error"]) == ("FAILED", "Odd")


def test_an_express_workflow_runs_five_minutes_at_most(stage: Flows) -> None:
    wait = {"Type": "Wait", "Seconds": 3600, "End": True}
    machine = stage.machine({"W": wait}, "EXPRESS")
    told: list[dict[str, Any]] = []

    def ask() -> None:
        told.append(stage.sfn.start_sync_execution(stateMachineArn=machine))

    asking = threading.Thread(target=ask)
    asking.start()
    # Who waits holds nothing: the clock can be wound beside it.
    wait_until(lambda: stage.wind(30) or told)
    asking.join()
    assert told[0]["status"] == "TIMED_OUT"
    taken = (told[0]["stopDate"] - told[0]["startDate"]).total_seconds()
    assert round(taken) == facts.quota("workflow.express-duration").seconds


def test_executions_of_express_workflows_are_not_looked_up(stage: Flows) -> None:
    machine = stage.machine({"A": PASS}, "EXPRESS")
    execution = stage.start(machine)
    calls = [stage.sfn.describe_execution, stage.sfn.stop_execution]
    for call in [*calls, stage.sfn.get_execution_history]:
        found = refusal(call, executionArn=execution)
        assert found.code == "InvalidArn"
        assert found.message == "Invalid Arn: 'Resource type not valid in this context: express'"
    found = refusal(stage.sfn.list_executions, stateMachineArn=machine)
    assert found.code == "StateMachineTypeNotSupported"


def test_what_an_express_workflow_lacks_is_refused(stage: Flows) -> None:
    found = refusal(stage.machine, states={"A": waiting()}, kind="EXPRESS")
    assert found.message.endswith(
        "Express state machine does not support '.waitForTaskToken' service integration  "
        "at /States/A/Resource'"
    )
    standard = stage.machine({"A": PASS})
    found = refusal(stage.sfn.start_sync_execution, stateMachineArn=standard)
    assert found.code == "StateMachineTypeNotSupported"


# ---- emptying


def test_a_reset_ends_what_runs(start_lab: StartLab) -> None:
    with start_lab() as lab:
        stage = Flows(lab)
        stage.run({"A": waiting()})
        stage.run({"W": {"Type": "Wait", "Seconds": 60, "Next": "A"}, "A": invoke("worker")})
        lab.reset()
        assert lab.client("stepfunctions").list_state_machines()["stateMachines"] == []
        lab.clock.advance(minutes=5)
        assert [record.kind for record in lab.timeline] == []
        assert Flows(lab).result({"A": invoke("worker")})["StatusCode"] == 200
