"""Notifications of Amazon S3: what happens to objects, brought to functions, queues and topics.

A function is called asynchronously, with one record. S3 asks for its leave twice: when a bucket is
configured, and for every event; whoever is refused then is on the timeline.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from functools import partial

from lambdalab import facts
from lambdalab.access.conditions import listed
from lambdalab.access.statements import Asking, judge
from lambdalab.clock import LabClock
from lambdalab.errors import AwsError
from lambdalab.neighbours.asking import trace
from lambdalab.neighbours.buckets import s3_events
from lambdalab.neighbours.buckets.s3_configurations import Rule
from lambdalab.neighbours.buckets.s3_events import Bucket, Call, ObjectEvent
from lambdalab.neighbours.events import eventbridge
from lambdalab.neighbours.messages import sns, sqs
from lambdalab.sources.buckets import s3_records
from lambdalab.sources.buckets.s3_records import PRINCIPAL
from lambdalab.sources.patience import later
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["BucketNotifications"]

_SUBJECT = "Amazon S3 Notification"
# Whom else a bucket may notify: the action that it needs, and where its policy stands.
_POLICIES = {
    "Queue": ("queue", "sqs:SendMessage", sqs.policy_of),
    "Topic": ("topic", "sns:Publish", sns.policy_of),
}


class BucketNotifications:
    """Brings the events of all buckets to where they are wanted; to be made in the event loop."""

    def __init__(self, pushes: Pushes, clock: LabClock) -> None:
        self._pushes = pushes
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._sequencer = 0
        self._counting = threading.Lock()
        s3_events.hear(self)

    # What moto's S3 tells, in its threads.

    def happened(self, event: ObjectEvent, rules: list[Rule], *, bridge: bool) -> None:
        """Send an event to the targets of its rules, and to EventBridge."""
        sequencer = self._next_sequencer()
        for rule in rules:
            told = s3_records.record(event, rule.id, sequencer, self._stamp())
            self._carry(event.bucket, rule, _compact({"Records": [told]}))
        if bridge:
            self._bridge(event, sequencer)

    def configured(self, bucket: Bucket, rules: list[Rule], call: Call) -> None:
        """Queues and topics get a test event; functions are only asked whether they may be called.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
        """
        told = {
            "Service": "Amazon S3",
            "Event": "s3:TestEvent",
            "Time": self._stamp(),
            "Bucket": bucket.name,
            "RequestId": call.request_id,
            "HostId": call.host_id,
        }
        for rule in {rule.arn: rule for rule in rules if rule.kind != "CloudFunction"}.values():
            self._carry(bucket, rule, _compact(told))

    def objection(self, bucket: Bucket, rule: Rule) -> str | None:
        """Why a rule's target cannot be notified, as S3 says it."""
        if rule.kind == "CloudFunction":

            async def ask() -> bool:
                return self._pushes.may(rule.arn, _sender(bucket))

            allowed = asyncio.run_coroutine_threadsafe(ask(), self._loop).result()
            return None if allowed else _says("function-denied", arn=rule.arn)
        what, action, policy_of = _POLICIES[rule.kind]
        if rule.arn.endswith(".fifo"):
            return _says("fifo")
        statements = policy_of(rule.arn)
        if statements is None:
            return _says(f"{what}-missing")
        asking = Asking(
            frozenset({("Service", PRINCIPAL)}), action, rule.arn, _sender(bucket).context
        )
        allowed = judge(listed(statements), asking) == "Allow"
        return None if allowed else _says(f"{what}-denied")

    # The steps.

    def _carry(self, bucket: Bucket, rule: Rule, text: str) -> None:
        """Bring a text to its target; what cannot be delivered is lost, as on AWS."""
        if rule.kind == "CloudFunction":
            push = partial(self._push, rule.arn, text.encode(), _sender(bucket), trace())
            if threading.get_ident() == self._thread:
                push()
                return
            with contextlib.suppress(RuntimeError):  # the cloud has ended
                self._loop.call_soon_threadsafe(push)
            return
        # No failure of a target is the caller's: it has put its object.
        with contextlib.suppress(Exception):
            if rule.kind == "Queue":
                sqs.send(rule.arn, text, {}, trace())
            else:
                sns.publish(rule.arn, text, {}, subject=_SUBJECT)

    def _push(self, arn: str, payload: bytes, sender: Sender, header: str | None) -> None:
        try:
            self._pushes.send(arn, payload, sender, trace=header)
        except AwsError as refusal:
            # Refusals are told on the timeline.
            later(self._clock, refusal, lambda: self._push(arn, payload, sender, header))

    @staticmethod
    def _bridge(event: ObjectEvent, sequencer: str) -> None:
        name = s3_records.detail_type(event)
        if name is None:
            return
        bucket, detail = event.bucket, _compact(s3_records.detail(event, sequencer))
        bus = f"arn:aws:events:{bucket.region}:{bucket.account}:event-bus/default"
        with contextlib.suppress(Exception):  # as in _carry
            eventbridge.put_event(bus, "aws.s3", name, [bucket.arn], detail)

    def _stamp(self) -> str:
        return self._clock.utc().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _next_sequencer(self) -> str:
        """A number that grows from event to event, also where the clock stands."""
        with self._counting:
            self._sequencer = max(self._sequencer + 1, int(self._clock.now() * 1e6))
            return f"00{self._sequencer:016X}"


def _sender(bucket: Bucket) -> Sender:
    return Sender(PRINCIPAL, arn=bucket.arn, account=bucket.account)


def _says(name: str, /, **fields: str) -> str:
    return facts.message(f"bucket-notification.{name}").format(**fields)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
