"""CloudWatch alarms on the lab's clock: judged once a minute, with what they do.

Where an alarm's periods are shorter than a minute, all are judged more often. An alarm's actions
are topics and functions; every change also goes to the default event bus. A function is called
asynchronously, and must let CloudWatch call it by its resource policy.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock, Scheduled
from lambdalab.errors import AwsError
from lambdalab.neighbours.monitoring import alarm_history, alarm_messages, alarms
from lambdalab.neighbours.monitoring.alarm_metrics import SHORT_STEP
from lambdalab.neighbours.monitoring.alarms import Change
from lambdalab.sources.pushed import Pushes, Sender
from lambdalab.timeline import Record, Timeline

__all__ = ["Alarms"]

PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"
MINUTE = 60
# A minute's values are whole a little after its end.
LATE = 1.0
_ACTIONS = {
    "ALARM": "alarm_actions",
    "OK": "ok_actions",
    "INSUFFICIENT_DATA": "insufficient_data_actions",
}


class Alarms:
    """The alarms of one cloud; rests for as long as there is none. To be made in the event loop.

    ``flush`` writes down the metrics that wait.
    """

    def __init__(
        self, pushes: Pushes, flush: Callable[[], None], *, clock: LabClock, timeline: Timeline
    ) -> None:
        self._pushes = pushes
        self._flush = flush
        self._clock = clock
        self._timeline = timeline
        self._loop = asyncio.get_running_loop()
        self._awake = False
        self._next: Scheduled | None = None
        alarms.install(self._changed, self._short)

    def wake(self) -> None:
        """Somebody calls CloudWatch: there may be alarms from now on."""
        if not self._awake:
            self._awake = True
            self._arm()

    def clear(self) -> None:
        """Forget everything; the clock has forgotten what was waiting."""
        self._awake = False

    def active(self, account: str, region: str, names: list[str]) -> list[str]:
        """Those of the alarms that are in ALARM; raises AwsError for one that does not exist."""
        self._flush()
        return alarms.active(account, region, names, self._clock.now())

    def _arm(self) -> None:
        step = SHORT_STEP if alarms.any_short() else MINUTE
        delay = step - self._clock.now() % step + LATE
        self._next = self._clock.call_later(delay, self._look, background=True)

    def _short(self) -> None:
        """An alarm of short periods was put; in any thread."""
        self._loop.call_soon_threadsafe(self._hurry)

    def _hurry(self) -> None:
        """There is an alarm now that cannot wait for the end of the minute."""
        if self._next is not None and self._awake:
            self._next.cancel()
            self._arm()

    def _look(self) -> None:
        if not alarms.any_known():
            self._awake = False
            return
        self._flush()
        alarms.judge_all(self._clock.now())
        self._arm()

    # What follows a change of state.

    def _changed(self, change: Change) -> None:
        """An alarm has another state; in any thread."""
        self._loop.call_soon_threadsafe(self._follow, change, self._clock.now())

    def _follow(self, change: Change, now: float) -> None:
        detail = {"from": change.old, "to": change.new, "reason": change.alarm.state_reason}
        self._timeline.add(Record(now, "alarm", _function_of(change.alarm), detail=detail))
        held = self._clock.hold()
        done = self._loop.run_in_executor(None, self._act, change, now)
        done.add_done_callback(lambda _: held.release())

    def _act(self, change: Change, now: float) -> None:
        """Blocks: in a thread of its own, for functions are called in the event loop."""
        alarm_messages.put_on_bus(change)
        if not change.alarm.actions_enabled:
            return
        for action in getattr(change.alarm, _ACTIONS[change.new]) or []:
            alarm_history.done(change.alarm, action, self._tried(change, action, now))

    def _tried(self, change: Change, action: str, now: float) -> str | None:
        """Do one action; gives why it could not be done."""
        service = action.split(":")[2] if action.count(":") > 4 else action
        try:
            if service == "sns":
                alarm_messages.publish(change, action, now)
            elif service == "lambda":
                sender = Sender(PRINCIPAL, change.alarm.alarm_arn, change.account)
                payload = alarm_messages.to_function(change, now)
                self._pushes.send_from_thread(action, payload, sender)
            else:
                return facts.message("alarm.no-action").format(service=service)
        except AwsError as error:
            return error.message
        except Exception as error:  # moto's own, of which there are many
            return str(getattr(error, "message", error))
        return None


def _function_of(alarm: Any) -> str:
    """The function that an alarm is about; the alarm's name where it is about none."""
    dimensions = {one.name: one.value for one in alarm.dimensions}
    return str(dimensions.get("FunctionName", alarm.name))
