"""What executions tell others: log events, and events on the default bus.

moto's own log session fails at its first event, and nothing goes to EventBridge.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html and
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from typing import Any

from moto.core.utils import unix_time_millis
from moto.logs.models import logs_backends
from moto.moto_api._internal import mock_random
from moto.stepfunctions.parser.asl.eval.event.logging import (
    CloudWatchLoggingConfiguration,
    is_logging_enabled_for,
)

from lambdalab.neighbours.events import eventbridge

__all__ = ["Log", "log_of", "tell"]

Json = dict[str, Any]

_DETAIL_TYPE = "Step Functions Execution Status Change"


def log_of(machine: Any, execution_arn: str) -> Log | None:
    """Where an execution of a state machine is logged; None where it is not."""
    config = {"includeExecutionData": False, **(machine.loggingConfiguration or {})}
    found = CloudWatchLoggingConfiguration.from_logging_configuration(machine.arn, config)
    return None if found is None else Log(found, execution_arn, machine.name)


class Log:
    """The log of one execution, in the place of moto's session."""

    def __init__(self, configuration: Any, execution_arn: str, machine: str) -> None:
        self.configuration = configuration
        self.execution_arn = execution_arn
        self._backend = logs_backends[configuration.log_account_id][configuration.log_region]
        self.redrives = 0
        self._group = configuration.log_group_name
        self._stream = f"states/{machine}/{mock_random.get_random_hex(8)}"

    def log_level_filter(self, history_event_type: Any) -> bool:
        """Whether events of a type are logged at this level."""
        return bool(is_logging_enabled_for(self.configuration.log_level, history_event_type))

    def publish_history_log(self, history_log: Any) -> None:
        """Write one event; a log group that is gone takes none."""
        told = {**history_log, "redrive_count": str(self.redrives)}
        told["type"] = str(getattr(told["type"], "value", told["type"]))
        told["event_timestamp"] = str(_milliseconds(told["event_timestamp"]))
        event = {"timestamp": int(unix_time_millis()), "message": json.dumps(told)}
        with contextlib.suppress(Exception):
            if self._stream not in self._backend.groups[self._group].streams:
                self._backend.create_log_stream(self._group, self._stream)
            self._backend.put_log_events(self._group, self._stream, [event])


def _milliseconds(when: str | datetime) -> int:
    moment = when if isinstance(when, datetime) else datetime.fromisoformat(when)
    return round(moment.timestamp() * 1000)


def tell(execution: Any, shown: Json) -> None:
    """Put what DescribeExecution shows on the default bus: an execution has begun or ended."""
    place = f"{execution.region_name}:{execution.account_id}"
    detail: Json = dict.fromkeys(_MEMBERS) | {
        key: one for key, one in shown.items() if key in _MEMBERS
    }
    for name in ("startDate", "stopDate", "redriveDate"):
        if detail[name] is not None:
            detail[name] = _milliseconds(detail[name])
    with contextlib.suppress(LookupError):
        eventbridge.put_event(
            f"arn:aws:events:{place}:event-bus/default",
            "aws.states",
            _DETAIL_TYPE,
            [execution.exec_arn],
            json.dumps(detail),
        )


_MEMBERS = (
    "executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate", "input",
    "output", "inputDetails", "outputDetails", "stateMachineVersionArn", "stateMachineAliasArn",
    "redriveCount", "redriveDate", "redriveStatus", "redriveStatusReason", "error", "cause",
)  # fmt: skip
