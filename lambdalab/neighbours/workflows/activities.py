"""Activities of Step Functions: tasks that wait for workers who ask for them."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from moto.stepfunctions.parser.backend.activity import Activity

from lambdalab.neighbours.workflows.waiting import Event

__all__ = ["Activities"]


class Activities(MutableMapping[str, Any]):
    """The activities of an account in a Region, as the interpreter keeps them: with their tasks."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._tasks: dict[str, Any] = backend.__dict__.setdefault("tasks_of_activities", {})

    def __getitem__(self, arn: str) -> Any:
        activity = self._backend.activities[arn]
        if arn not in self._tasks:
            self._tasks[arn] = _Tasks(arn, activity.name)
        return self._tasks[arn]

    def __setitem__(self, arn: str, value: Any) -> None:
        self._tasks[arn] = value

    def __delitem__(self, arn: str) -> None:
        del self._tasks[arn]

    def __iter__(self) -> Iterator[str]:
        return iter(self._backend.activities)

    def __len__(self) -> int:
        return len(self._backend.activities)

    def __deepcopy__(self, _: Any) -> Activities:
        return self


class _Tasks(Activity):  # type: ignore[misc]
    """The tasks of an activity, for which workers wait."""

    def __init__(self, arn: str, name: str) -> None:
        super().__init__(arn=arn, name=name)
        self.more = Event()

    def add_task(self, task: Any) -> None:
        """One more; whoever waits hears of it."""
        super().add_task(task)
        self.more.set()
