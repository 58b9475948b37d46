"""Where events go that are through: to the dead-letter queue, and their records to a destination.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.draws import identifier
from lambdalab.errors import AwsError
from lambdalab.invocation.queued import QueuedEvent
from lambdalab.invocation.record import dead_letter, detail_type, invocation_record, object_key
from lambdalab.invocation.reports import QueueReports
from lambdalab.neighbours.asking import carrying
from lambdalab.neighbours.buckets import s3
from lambdalab.neighbours.events import eventbridge
from lambdalab.neighbours.messages import sns, sqs

__all__ = ["Delivery"]

_LARGEST_FOR_TOPIC = facts.quota("asynchronous.record-to-topic").bytes
# Sends a record to a function: its ARN, the record, the trace of the event.
SendOn = Callable[[str, bytes, str], object]


class Delivery:
    """Brings events and records to where a function's settings say."""

    def __init__(
        self, send: SendOn, *, clock: LabClock, reports: QueueReports, random: Random
    ) -> None:
        self._send = send
        self._clock = clock
        self._reports = reports
        self._random = random

    async def go_on(self, event: QueuedEvent, condition: str) -> None:
        """Deliver what belongs somewhere; what cannot be delivered is counted and written down."""
        if condition != "Success":
            await self._dead_letter(event)
        side = "OnSuccess" if condition == "Success" else "OnFailure"
        arn = event.config.get("DestinationConfig", {}).get(side, {}).get("Destination")
        if arn:
            await self._carry(event, "record", arn, lambda: self._record(event, condition, arn))

    async def _dead_letter(self, event: QueuedEvent) -> None:
        # A function has one dead-letter queue, whichever version was meant.
        settings = event.function.latest.deployed.settings
        arn = settings.get("DeadLetterConfig", {}).get("TargetArn")
        if arn:
            attributes = dead_letter(event)
            text, trace = event.invocation.event.decode(), event.invocation.trace_id
            await self._carry(
                event, "dead letter", arn, lambda: _message(arn, text, attributes, trace)
            )

    async def _carry(
        self, event: QueuedEvent, what: str, arn: str, act: Callable[[], None]
    ) -> None:
        """Do it, in a thread where moto is asked; nothing that goes wrong there stops the queue."""
        try:
            if arn.split(":")[2] == "lambda":
                act()
            else:
                # Contexts go along into the thread: whatever hears of it there goes on.
                with carrying(event.invocation.trace_id):
                    await asyncio.to_thread(act)
        except Exception as error:
            self._reports.undelivered(event, what, arn, _words(error))
        else:
            self._reports.delivered(event, what, arn)

    def _record(self, event: QueuedEvent, condition: str, arn: str) -> None:
        now = self._clock.now()
        record = invocation_record(event, condition, now)
        text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
        service = arn.split(":")[2]
        if service == "lambda":
            self._send(arn, text.encode(), event.invocation.trace_id)
        elif service == "events":
            resources = [arn, record["requestContext"]["functionArn"]]
            eventbridge.put_event(arn, "lambda", detail_type(condition), resources, text)
        elif service == "s3":
            identity, key = event.function.id, object_key(event, now, identifier(self._random))
            s3.put_object(identity.account, arn.split(":::")[-1], key, text.encode())
        else:
            if service == "sns" and len(text.encode()) > _LARGEST_FOR_TOPIC:
                text = _shortened(record)
            _message(arn, text, {}, event.invocation.trace_id)


def _shortened(record: dict[str, Any]) -> str:
    """The record of a failure without what was asked and answered: too long for a topic."""
    if record["requestContext"]["condition"] == "Success":
        raise ValueError("Invalid parameter: Message too long")
    return json.dumps(
        {name: value for name, value in record.items() if not name.endswith("Payload")},
        separators=(",", ":"),
    )


def _message(arn: str, text: str, attributes: dict[str, tuple[str, str]], trace: str) -> None:
    if arn.split(":")[2] == "sns":
        sns.publish(arn, text, attributes)
    else:
        sqs.send(arn, text, attributes, trace)


def _words(error: Exception) -> str:
    """What went wrong, as moto or Lambda says it."""
    if isinstance(error, AwsError):
        return error.message
    return str(getattr(error, "message", None) or error) or type(error).__name__
