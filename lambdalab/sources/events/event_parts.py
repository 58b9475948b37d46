"""EventBridge, its schedules and its Scheduler, subscriptions of CloudWatch Logs, and Firehose."""

from __future__ import annotations

import asyncio

from lambdalab.clock import LabClock
from lambdalab.draws import Draws
from lambdalab.invocation.service import InvocationService
from lambdalab.sources.delivery_streams.firehose import Firehose
from lambdalab.sources.events.event_deliveries import Deliveries
from lambdalab.sources.events.eventbridge import EventBridge
from lambdalab.sources.events.scheduler import Scheduler
from lambdalab.sources.events.schedules import ScheduleRules
from lambdalab.sources.logs.logs_subscriptions import LogsSubscriptions
from lambdalab.sources.pushed import Pushes
from lambdalab.timeline import Timeline

__all__ = ["EventParts"]


class EventParts:
    """These services of one cloud, whose event loop is ``loop``."""

    def __init__(
        self,
        pushes: Pushes,
        functions: InvocationService,
        *,
        clock: LabClock,
        timeline: Timeline,
        draws: Draws,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._deliveries = Deliveries(clock, timeline, draws.stream("event deliveries"), loop)
        self.rules = EventBridge(pushes, self._deliveries, lambda arn: self._alarms.changed(arn))
        self._alarms = ScheduleRules(
            clock, self._deliveries, draws.stream("scheduled events"), self.rules.send, loop
        )
        self.scheduler = Scheduler(pushes, self._deliveries, clock, draws.stream("schedules"), loop)
        self.logs = LogsSubscriptions(
            pushes,
            self._deliveries,
            lambda arn: functions.locate(arn).version.deployed.log_group,
            loop,
        )
        self.firehose = Firehose(pushes, clock, timeline, draws.stream("firehose"), loop)

    def clear(self) -> None:
        """Send nothing more, and forget what waits."""
        for part in (self._alarms, self.scheduler, self.logs, self.firehose, self._deliveries):
            part.clear()

    async def drained(self) -> None:
        """Wait until nothing is being delivered."""
        await self._deliveries.drained()
        await self.firehose.drained()
