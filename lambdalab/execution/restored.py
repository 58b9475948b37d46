"""SnapStart: environments that come back from the snapshot of their version.

The lab keeps no memory of processes. It makes the state that a snapshot holds anew, by an INIT that
nobody sees, with the hooks that run before a snapshot; the runtime goes on from there as after a
restore, and runs the hooks for that. (A copy made by ``fork`` would have to stay where the first
process is: in its room, with its /tmp and its PID namespace.)
Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks.html
"""

from __future__ import annotations

from lambdalab import facts
from lambdalab.clock import stopwatch
from lambdalab.execution.environment import Environment
from lambdalab.execution.spec import Outcome

__all__ = ["RestoredEnvironment"]

LONGEST_RESTORE = int(facts.quota("init.restore-maximum").value)
REBUILT = facts.message("lab.snapshot-rebuilt").text


class RestoredEnvironment(Environment):
    """An environment of a version with SnapStart.

    ``initialize`` is the INIT of which the snapshot is taken.
    """

    async def begin(self, request_id: str, phase: str = "init") -> Outcome | None:
        """RESTORE: None when the function is ready, else what went wrong."""
        self.journal.muted = True
        failure = await self.initialize(request_id, phase)
        self.journal.muted = False
        return failure or await self._restore()

    async def _restore(self) -> Outcome | None:
        self.journal.restore_start()
        started, delay = self._clock.now(), await self._delay.wait(self.spec)
        began = stopwatch()
        failure = await self._run_phase(LONGEST_RESTORE, LONGEST_RESTORE, self._go_on())
        self.restore_duration = delay + stopwatch() - began
        self.journal.restore_report(self.restore_duration, failure)
        detail = {"status": "success" if failure is None else failure.status, "note": REBUILT}
        self._tell("restore", self, started, self.restore_duration, detail)
        if failure is not None:
            await self._reset(failure)
        return failure

    async def _go_on(self) -> None:
        assert self._life is not None
        assert self._pace is not None
        self._pace.run(self._life.pid)
        self._life.restore()
