"""Executions of state machines: begun, found, stopped, and told of as Step Functions does."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

from moto.moto_api._internal import mock_random
from moto.stepfunctions.exceptions import ExecutionAlreadyExists, InvalidExecutionInput
from moto.stepfunctions.parser.api import (
    ExecutionDoesNotExist,
    ExecutionStatus,
    InvalidArn,
    StateMachineTypeNotSupported,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import Execution, SyncExecution

from lambdalab import facts
from lambdalab.neighbours.workflows import notices, queries
from lambdalab.neighbours.workflows.activities import Activities
from lambdalab.neighbours.workflows.definitions import json_trouble
from lambdalab.neighbours.workflows.moments import now
from lambdalab.neighbours.workflows.waiting import Event, count_in

__all__ = [
    "EXPRESS",
    "all_of",
    "begin",
    "by_arn",
    "checked_input",
    "described",
    "find",
    "halt",
    "machine_described",
    "redrive_refusal",
    "refuse",
    "revised",
    "run",
    "standard",
    "sync_described",
]

EXPRESS = "EXPRESS"
_OVER = "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"
_REDRIVABLE = "FAILED", "TIMED_OUT", "ABORTED"

Json = dict[str, Any]


def begin(backend: Any, machine: Any, given: Json, *, sync: bool = False) -> Any:
    """Start an execution of a machine or of a version of it, and give it.

    With ``sync`` it has ended when this returns.
    """
    text = checked_input(given)
    name = given.get("name") or str(mock_random.uuid4())
    backend._validate_name(name)
    source = getattr(machine, "source_arn", machine.arn)
    home = next(one for one in backend.state_machines if one.arn == source)
    arn = _arn(home, name)
    earlier = next((one for one in home.executions if one.exec_arn == arn), None)
    if earlier is not None:
        return _again(earlier, text)
    made = (SyncExecution if sync else Execution)(
        name=name,
        sm_type=machine.type,
        role_arn=machine.roleArn,
        exec_arn=arn,
        account_id=backend.account_id,
        region_name=backend.region_name,
        state_machine=_as_it_is(machine),
        start_date=now(),
        cloud_watch_logging_session=notices.log_of(machine, arn),
        activity_store=Activities(backend),
        input_data=text,
        trace_header=given.get("traceHeader"),
    )
    made.state_machine_arn = source
    made.asked = machine.arn
    made.ended = Event()
    _keep_trace(made)
    made.over = lambda: _over(made)
    home.executions.append(made)
    if machine.type != EXPRESS:
        made.exec_status = ExecutionStatus.RUNNING
        notices.tell(made, described(made))
    run(made)
    return made


def run(execution: Any) -> None:
    """Start an execution; one that somebody waits for runs in this thread, and holds the clock."""
    held = count_in()
    try:
        execution.start()
    finally:
        held.release()


def _over(execution: Any) -> None:
    """An execution has ended."""
    execution.ended.set()
    if execution.sm_type != EXPRESS:
        notices.tell(execution, described(execution))


def find(backend: Any, arn: str) -> Any:
    """The execution with an ARN; raises AWS's errors."""
    parts = arn.split(":")
    if len(parts) < 8 or parts[2] != "states" or parts[5] not in ("execution", "express"):
        raise InvalidArn(f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    found = next((one for one in all_of(backend) if one.exec_arn == arn), None)
    if found is None:
        raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{arn}'")
    return found


def by_arn(arn: str) -> Any:
    """The same, wherever it is."""
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    region, account = arn.split(":")[3:5]
    return find(stepfunctions_parser_backends[account][region], arn)


def standard(backend: Any, arn: str) -> Any:
    """The same, for calls that know no executions of EXPRESS workflows."""
    if ":express:" in arn:
        raise InvalidArn("Invalid Arn: 'Resource type not valid in this context: express'")
    return find(backend, arn)


def all_of(backend: Any) -> Iterator[Any]:
    """Every execution of an account in a Region."""
    for machine in list(backend.state_machines):
        yield from list(machine.executions)


def halt(execution: Any, error: str | None, cause: str | None) -> Any:
    """Stop an execution, and wait until it has ended; gives when it did."""
    execution.stop(stop_date=now(), error=error, cause=cause)
    execution.ended.wait()
    if execution.exec_status == "ABORTED":
        execution.error, execution.cause = error, cause
    return execution.stop_date


def described(execution: Any) -> Json:
    """What DescribeExecution tells."""
    status = str(execution.status)
    told: Json = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": status,
        "startDate": execution.start_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "redriveCount": getattr(execution, "redrives", 0),
        "redriveStatus": "REDRIVABLE",
    }
    if told["redriveCount"]:
        told["redriveDate"] = execution.redrive_date
    refused = redrive_refusal(execution)
    if refused:
        told |= {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": refused}
    if execution.trace_header:
        told["traceHeader"] = execution.trace_header
    if execution.asked != execution.state_machine_arn:
        told["stateMachineVersionArn"] = execution.asked
    return told | _outcome(execution, status)


def machine_described(execution: Any) -> Json:
    """What DescribeStateMachineForExecution tells: the machine as it was at the beginning."""
    machine = execution.state_machine
    told = {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "definition": machine.definition,
        "roleArn": machine.roleArn,
        "updateDate": machine.update_date,
        "loggingConfiguration": machine.loggingConfiguration,
        "tracingConfiguration": machine.tracingConfiguration,
        "encryptionConfiguration": machine.encryptionConfiguration,
    }
    return told | revised(machine)


def revised(machine: Any) -> Json:
    """What is told of a machine that was changed, or that reads variables."""
    told = {
        "revisionId": getattr(machine, "revision_id", None),
        "variableReferences": queries.variables(machine.definition),
    }
    return {name: value for name, value in told.items() if value}


def redrive_refusal(execution: Any) -> str:
    """Why an execution cannot go on; empty where it can."""
    status = str(execution.status)
    if status not in _REDRIVABLE:
        return facts.message("workflow.not-redrivable").format(status=status)
    period = facts.quota("workflow.redrive-period").seconds
    if (now() - _aware(execution.stop_date)).total_seconds() > period:
        return facts.message("workflow.redrive-late").text
    return ""


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def sync_described(execution: Any) -> Json:
    """What StartSyncExecution tells: as DescribeExecution, and what it costs."""
    told = described(execution)
    status = told["status"] if told["status"] in ("SUCCEEDED", "TIMED_OUT") else "FAILED"
    left_out = ("redriveCount", "redriveStatus", "redriveStatusReason", "stateMachineVersionArn")
    step = int(facts.quota("workflow.express-billing-step").value)
    taken = (execution.stop_date - execution.start_date).total_seconds() * 1000
    billed = max(step, -(-int(taken) // step) * step)
    memory = int(facts.quota("workflow.express-billing-memory").value)
    return {name: value for name, value in told.items() if name not in left_out} | {
        "status": status,
        "billingDetails": {
            "billedMemoryUsedInMB": memory,
            "billedDurationInMilliseconds": billed,
        },
    }


def _outcome(execution: Any, status: str) -> Json:
    found: Json = {}
    if status in _OVER:
        found["stopDate"] = execution.stop_date
    if status == "SUCCEEDED":
        found["output"] = to_json_str(execution.output, separators=(",", ":"))
        found["outputDetails"] = {"included": True}
    found |= {
        name: value
        for name in ("error", "cause")
        if (value := getattr(execution, name)) is not None
    }
    return found


def checked_input(given: Json) -> str:
    """The input of an execution; refuses what is no JSON."""
    text: str = given.get("input", "{}")
    trouble = json_trouble(text) if text.strip() else "Invalid execution input."
    if trouble:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{trouble}'")
    return text


def _arn(machine: Any, name: str) -> str:
    kind = "express" if machine.type == EXPRESS else "execution"
    arn = machine.arn.replace(":stateMachine:", f":{kind}:") + f":{name}"
    return f"{arn}:{mock_random.uuid4()}" if machine.type == EXPRESS else arn


def _again(earlier: Any, text: str) -> Any:
    """The same call again means the same execution, as long as that one runs."""
    if str(earlier.status) == "RUNNING" and json.loads(text) == earlier.input_data:
        return earlier
    raise ExecutionAlreadyExists(f"Execution Already Exists: '{earlier.exec_arn}'")


def _as_it_is(machine: Any) -> Any:
    """The machine as it is now: a later update does not change what runs."""
    snapshot = copy.copy(machine)
    snapshot.sm_type, snapshot.executions = machine.type, []
    snapshot.role_arn = machine.roleArn
    return snapshot


def _keep_trace(execution: Any) -> None:
    """Let tasks find the trace that the execution was started with."""
    details = execution._get_start_aws_execution_details()
    details.trace = execution.trace_header
    execution._get_start_aws_execution_details = lambda: details


def refuse() -> NoReturn:
    """For calls that know only the other type of workflow."""
    raise StateMachineTypeNotSupported(
        "This operation is not supported by this type of state machine"
    )
