"""The operations of Step Functions that moto lacks, or answers otherwise than AWS.

moto starts no synchronous execution, tests no state, hands out no activity task, keeps EXPRESS
workflows like STANDARD ones, and drops what callers say beside the first parameters.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions import responses
from moto.stepfunctions.exceptions import AWSError, ValidationException
from moto.stepfunctions.parser import api as parser_api
from moto.stepfunctions.parser.api import InvalidOutput, InvalidToken, TaskTimedOut
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    ActivityCallbackEndpoint,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from lambdalab import facts
from lambdalab.neighbours.workflows import executions, machines, redrives, requests, versions
from lambdalab.neighbours.workflows.activities import Activities
from lambdalab.neighbours.workflows.definitions import json_trouble
from lambdalab.neighbours.workflows.tasks import Functions
from lambdalab.neighbours.workflows.waiting import wait_for

__all__ = ["install"]

Json = dict[str, Any]
_MOST_DIAGNOSTICS = 100
_DATA = ("input", "output", "inputDetails", "outputDetails")


@cache
def install(functions: Functions) -> None:
    """Let the lab answer these operations."""
    responses.get_backend = lambda account, region: stepfunctions_parser_backends[account][region]
    _name_errors()
    for name, act in _OPERATIONS.items():
        setattr(responses.StepFunctionResponse, name, _operation(act))
    machines.install(functions)
    requests.install()


def _name_errors() -> None:
    """The interpreter's errors have a code, but not where moto looks for it."""
    for kind in list(vars(parser_api).values()):
        if isinstance(kind, type) and issubclass(kind, AWSError) and "code" in vars(kind):
            setattr(kind, "TYPE", vars(kind)["code"])  # noqa: B010 - the name is moto's


def _operation(act: Any) -> Any:
    def run(response: Any) -> Any:
        told = act(response.stepfunction_backend, json.loads(response.body or "{}"))
        return EmptyResult() if told is None else ActionResult(told)

    return run


# ---- executions


def _start_execution(backend: Any, given: Json) -> Json:
    machine = machines.runnable(backend, given["stateMachineArn"])
    made = executions.begin(backend, machine, given)
    return {"executionArn": made.exec_arn, "startDate": made.start_date}


def _start_sync_execution(backend: Any, given: Json) -> Json:
    machine = machines.runnable(backend, given["stateMachineArn"])
    if machine.type != executions.EXPRESS:
        executions.refuse()
    return executions.sync_described(executions.begin(backend, machine, given, sync=True))


def _describe_execution(backend: Any, given: Json) -> Json:
    return executions.described(executions.standard(backend, given["executionArn"]))


def _describe_state_machine_for_execution(backend: Any, given: Json) -> Json:
    return executions.machine_described(executions.standard(backend, given["executionArn"]))


def _stop_execution(backend: Any, given: Json) -> Json:
    execution = executions.standard(backend, given["executionArn"])
    return {"stopDate": executions.halt(execution, given.get("error"), given.get("cause"))}


def _redrive_execution(backend: Any, given: Json) -> Json:
    execution = executions.standard(backend, given["executionArn"])
    return redrives.redrive(execution, given.get("clientToken"))


def _list_executions(backend: Any, given: Json) -> Json:
    arn = given.get("stateMachineArn")
    if arn is None:
        text = "Must provide a StateMachine ARN or MapRun ARN"
        raise ValidationException(f"1 validation error detected: {text}")
    machine = machines.runnable(backend, arn)
    if machine.type == executions.EXPRESS:
        executions.refuse()
    wanted = given.get("statusFilter")
    found = [
        one
        for one in executions.all_of(backend)
        if arn in (one.state_machine_arn, one.asked) and wanted in (None, str(one.status))
    ]
    if given.get("redriveFilter"):
        redriven = given["redriveFilter"] == "REDRIVEN"
        found = [one for one in found if bool(getattr(one, "redrives", 0)) == redriven]
    found.sort(key=lambda one: one.start_date, reverse=True)
    return _page([_listed(one) for one in found], given, "executions")


def _listed(execution: Any) -> Json:
    names = ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate")
    told = executions.described(execution)
    more = ("redriveCount", "redriveDate")
    return {name: told[name] for name in (*names, *more) if name in told}


def _get_execution_history(backend: Any, given: Json) -> Json:
    execution = executions.standard(backend, given["executionArn"])
    events = execution.to_history_output()["events"]
    if given.get("reverseOrder"):
        events.reverse()
    if given.get("includeExecutionData") is False:
        events = [_without_data(event) for event in events]
    return _page(events, given, "events")


def _without_data(event: Json) -> Json:
    return {
        name: {key: one for key, one in value.items() if key not in _DATA}
        if isinstance(value, dict)
        else value
        for name, value in event.items()
    }


def _page(rows: list[Any], given: Json, member: str) -> Json:
    size = given.get("maxResults") or 1000 if member == "events" else given.get("maxResults") or 100
    token = given.get("nextToken")
    try:
        begin = int(base64.b64decode(token)) if token else 0
    except ValueError:
        raise InvalidToken from None
    told: Json = {member: rows[begin : begin + size]}
    if begin + size < len(rows):
        told["nextToken"] = base64.b64encode(str(begin + size).encode()).decode()
    return told


# ---- task tokens


def _send_task_success(backend: Any, given: Json) -> Json:
    token, output = given["taskToken"], given["output"]
    trouble = json_trouble(output)
    if trouble:
        raise InvalidOutput(f"Invalid Output: '{trouble}'")
    return _notify(backend, token, CallbackOutcomeSuccess(callback_id=token, output=output))


def _send_task_failure(backend: Any, given: Json) -> Json:
    token = given["taskToken"]
    outcome = CallbackOutcomeFailure(
        callback_id=token, error=given.get("error"), cause=given.get("cause")
    )
    return _notify(backend, token, outcome)


def _notify(backend: Any, token: str, outcome: Any) -> Json:
    endpoint = _endpoint(backend, token)
    if endpoint.get_outcome() is None:
        endpoint.notify(outcome=outcome)
    return {}


def _send_task_heartbeat(backend: Any, given: Json) -> Json:
    _endpoint(backend, given["taskToken"]).notify_heartbeat()
    return {}


def _endpoint(backend: Any, token: str) -> Any:
    """Where the task of a token waits; refuses what waits no more."""
    for execution in executions.all_of(backend):
        endpoint = execution.exec_worker.env.callback_pool_manager.get(token)
        if endpoint is None:
            continue
        if str(execution.status) != "RUNNING" or getattr(endpoint, "over", False):
            raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
        return endpoint
    raise InvalidToken


def _get_activity_task(backend: Any, given: Json) -> Json:
    backend.describe_activity(given["activityArn"])
    tasks = Activities(backend)[given["activityArn"]]
    limit = facts.quota("workflow.activity-poll").seconds
    while True:
        tasks.more.clear()
        try:
            task = tasks.get_task()
        except IndexError:
            if wait_for([tasks.more], limit, background=True) is None:
                return {"taskToken": None, "input": None}
            continue
        if _begun(backend, task.task_token, given.get("workerName")):
            return {"taskToken": task.task_token, "input": task.task_input}


def _begun(backend: Any, token: str, worker: str | None) -> bool:
    """Tell the execution that its task has a worker; False where it waits no more."""
    try:
        endpoint = _endpoint(backend, token)
    except (InvalidToken, TaskTimedOut):
        return False
    assert isinstance(endpoint, ActivityCallbackEndpoint)
    endpoint.notify_activity_task_start(worker_name=worker)
    return True


# ---- definitions


def _test_state(backend: Any, given: Json) -> Json:
    return machines.test_state(backend, given)


def _validate_state_machine_definition(backend: Any, given: Json) -> Json:  # noqa: ARG001
    rows = []
    for problem in machines.problems(given["definition"], given.get("type") or "STANDARD"):
        row = {"severity": "ERROR", "code": problem.code, "message": problem.message}
        rows.append(row | ({"location": problem.location} if problem.location else {}))
    most = given.get("maxResults") or _MOST_DIAGNOSTICS
    return {
        "result": "FAIL" if rows else "OK",
        "diagnostics": rows[:most],
        "truncated": len(rows) > most,
    }


# ---- versions


def _list_state_machine_versions(backend: Any, given: Json) -> Json:
    return _page(versions.listed(backend, given), given, "stateMachineVersions")


_OPERATIONS = {
    "start_execution": _start_execution,
    "start_sync_execution": _start_sync_execution,
    "describe_execution": _describe_execution,
    "describe_state_machine_for_execution": _describe_state_machine_for_execution,
    "stop_execution": _stop_execution,
    "redrive_execution": _redrive_execution,
    "list_executions": _list_executions,
    "get_execution_history": _get_execution_history,
    "send_task_success": _send_task_success,
    "send_task_failure": _send_task_failure,
    "send_task_heartbeat": _send_task_heartbeat,
    "get_activity_task": _get_activity_task,
    "test_state": _test_state,
    "validate_state_machine_definition": _validate_state_machine_definition,
    "list_state_machine_versions": _list_state_machine_versions,
    "publish_state_machine_version": versions.publish,
    "delete_state_machine_version": versions.delete,
}
