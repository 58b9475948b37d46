"""One attempt to bring a batch of stream records through the function, and what follows from it.

A function error costs a retry and waits longer each time; a split costs none; a throttle costs
none. What is too old, or has used up its retries, goes to the destination for failures.
Source: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdalab import facts
from lambdalab.errors import AwsError
from lambdalab.execution.spec import Outcome
from lambdalab.functions.lookup import Located
from lambdalab.sources.streams.stream_answers import Verdict, judge
from lambdalab.sources.streams.stream_batch import Batch
from lambdalab.sources.streams.stream_failures import EXHAUSTED, TOO_OLD

if TYPE_CHECKING:
    from lambdalab.sources.streams.stream_lane import Lane
    from lambdalab.sources.streams.stream_shard import ShardReader

__all__ = ["Attempt"]

_FIRST_WAIT = facts.quota("mapping.stream-first-wait").seconds
_LONGEST_WAIT = facts.quota("mapping.stream-longest-wait").seconds
_MOST_DOUBLINGS = 30
# Behind the moment at which a record is too old, in seconds.
_SOON = 0.001


class Attempt:
    """The first batch of a lane, tried once."""

    def __init__(self, reader: ShardReader, lane: Lane, batch: Batch) -> None:
        self._reader = reader
        self._lane = lane
        self._batch = batch
        self._clock = reader.platform.clock
        self._poller = reader.poller

    async def make(self) -> None:
        """Try the batch; afterwards the lane holds what is left to do."""
        await self._give_up_the_old()
        batch = self._batch
        if not batch.items and not batch.ends_window:
            self._lane.batches.popleft()
            return
        self._frame()
        batch.request_id = self._reader.platform.identifier()
        try:
            target, outcome = await self._call()
        except AwsError as refusal:
            self._refused(refusal)
            return
        batch.attempts += 1
        batch.refusals = 0
        windowed = self._lane.window is not None and batch.ends_window != "final"
        verdict = judge(
            outcome,
            batch.sequences,
            reports=bool(self._reader.setting("FunctionResponseTypes")),
            windowed=windowed and not batch.ends_window,
        )
        batch.response = {
            "statusCode": 200,
            "executedVersion": target.version.deployed.version,
            "functionError": "Unhandled" if outcome.failed else None,
        }
        if verdict.succeeded:
            self._succeeded(verdict)
        else:
            await self._failed(verdict)

    async def _call(self) -> tuple[Located, Outcome]:
        functions = self._reader.platform.functions
        target = functions.locate(self._reader.mapping.function_arn)
        self._poller.told_attempt(self._reader.shard.shard_id, self._batch)
        outcome = await functions.call(
            target, self._batch.event.encode(), request_id=self._batch.request_id
        )
        return target, outcome

    def _frame(self) -> None:
        """What a tumbling window adds to the event."""
        window, ends = self._lane.window, self._batch.ends_window
        if window is not None:
            self._batch.extra = window.members(
                self._reader.shard.shard_id,
                self._reader.source.shown_arn,
                final=ends == "final",
                early=ends == "early",
            )

    # What follows.

    def _refused(self, refusal: AwsError) -> None:
        """The function did not run: throttled, not ready, or gone. That is no attempt."""
        self._poller.failed(len(self._batch.items))
        self._wait(self._batch.refusals, refusal.code)
        self._batch.refusals += 1

    def _succeeded(self, verdict: Verdict) -> None:
        self._poller.result("ok")
        lane = self._lane
        lane.batches.popleft()
        if lane.window is None:
            return
        if self._batch.ends_window == "final":
            lane.window = None
        elif self._batch.ends_window == "early":
            lane.window.state = {}
        else:
            self._keep(verdict)

    def _keep(self, verdict: Verdict) -> None:
        """Keep the state of the window, unless it has grown too large: that ends it early."""
        window = self._lane.window
        if window is not None:
            window.state = verdict.state
            if window.too_large:
                self._lane.batches.appendleft(Batch([], ends_window="early"))

    async def _failed(self, verdict: Verdict) -> None:
        lane, batch = self._lane, self._batch
        self._poller.failed(len(batch.items) - verdict.done)
        if verdict.done:
            # What comes before the checkpoint is through, with the state that it has left.
            del batch.items[: verdict.done]
            if lane.window is not None:
                lane.window.state = verdict.state
        if batch.ends_window:
            # The aggregate is not given up: the lane stands until it is through.
            self._retry()
        elif self._reader.setting("BisectBatchOnFunctionError") and (
            verdict.done or len(batch.items) > 1
        ):
            self._split(batch, at_checkpoint=bool(verdict.done))
        elif 0 <= self._reader.setting("MaximumRetryAttempts") <= batch.retries:
            lane.batches.popleft()
            await self._poller.give_up(self._reader.shard.shard_id, batch, EXHAUSTED)
        else:
            self._retry()

    def _split(self, batch: Batch, *, at_checkpoint: bool) -> None:
        """Two batches for one; where the answer named a checkpoint, that was the split."""
        self._poller.told_split(self._reader.shard.shard_id, batch)
        if at_checkpoint:
            return
        self._lane.batches.popleft()
        self._lane.batches.extendleft(reversed(batch.halves()))

    def _retry(self) -> None:
        self._wait(self._batch.retries, "function error")
        self._batch.retries += 1

    def _wait(self, times: int, reason: str) -> None:
        delay = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(times, _MOST_DOUBLINGS))
        items = self._batch.items
        if items:
            expires = items[0].record.arrived + self._reader.lifetime()
            delay = max(0.0, min(delay, expires + _SOON - self._clock.now()))
        self._lane.delay(delay)
        self._poller.told_retry(self._reader.shard.shard_id, self._batch, delay, reason)

    async def _give_up_the_old(self) -> None:
        """Records that are too old are not tried any more; they are the oldest of the batch."""
        batch = self._batch
        oldest = self._clock.now() - self._reader.lifetime()
        count = sum(item.record.arrived <= oldest for item in batch.items)
        if count:
            old = batch.first(count)
            del batch.items[:count]
            old.request_id = old.request_id or self._reader.platform.identifier()
            await self._poller.give_up(self._reader.shard.shard_id, old, TOO_OLD)
