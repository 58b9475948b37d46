"""The order of a queue: who may be received next, who is hidden, and until when.

One rule serves standard and FIFO queues: messages of one group leave in their order, and none of
them may be received while another one of the group is in flight. In a standard queue every message
is a group of its own. Times are whole milliseconds, as the caller's clock shows them. No operation
looks at all messages.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

__all__ = ["Line", "Verdict"]

# Heaps keep what has left until it comes up; beyond this and twice what is there they are swept.
_SLACK = 64


class Verdict(Enum):
    """What is to become of a message that is offered."""

    TAKE = 1
    DROP = 2
    STOP = 3


class _State(Enum):
    FREE = 1
    DELAYED = 2
    IN_FLIGHT = 3


class _Entry:
    """One message in line; ``due`` is when it can be received while it is hidden."""

    __slots__ = ("due", "group", "key", "message", "number", "state")

    def __init__(self, key: str, group: _Group, number: int, message: Any) -> None:
        self.key = key
        self.group = group
        self.number = number
        self.message = message
        self.due = 0
        self.state = _State.FREE


class _Group:
    """The messages of one group: how many there are, how many in flight, and those that are free.

    ``free`` may still name messages that are free no more.
    """

    __slots__ = ("free", "in_flight", "name", "size")

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        self.in_flight = 0
        self.free: list[tuple[int, str]] = []


class Line:
    """The messages of one queue."""

    def __init__(self) -> None:
        self.delayed = 0
        self.in_flight = 0
        self._entries: dict[str, _Entry] = {}
        self._groups: dict[str, _Group] = {}
        self._ready: list[tuple[int, str]] = []
        self._hidden: list[tuple[int, int, str]] = []
        self._numbers = itertools.count()

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    @property
    def free(self) -> int:
        """How many messages are neither delayed nor in flight."""
        return len(self._entries) - self.delayed - self.in_flight

    def messages(self) -> Iterator[Any]:
        """All messages, oldest first."""
        return (entry.message for entry in list(self._entries.values()))

    def get(self, key: str) -> Any | None:
        """The message of that key, or None."""
        entry = self._entries.get(key)
        return None if entry is None else entry.message

    def add(self, key: str, group: str, message: Any, due: int = 0) -> None:
        """Put a message at the end; with ``due`` it is delayed until then."""
        known = self._groups.get(group)
        if known is None:
            known = self._groups[group] = _Group(group)
        known.size += 1
        entry = self._entries[key] = _Entry(key, known, next(self._numbers), message)
        if due:
            entry.state = _State.DELAYED
            self.delayed += 1
            self._hide(entry, due)
        else:
            self._release(entry)

    def receive(self, now: int, due: int, judge: Callable[[Any], Verdict]) -> None:
        """Offer messages in their order; those taken are in flight until ``due``.

        From one group follow as many as can be had. Where ``due`` is not after ``now``, whatever is
        taken can be received again afterwards.
        """
        self.mature(now)
        taken: list[_Entry] = []
        going = True
        while going and self._ready:
            group = self._groups.get(heapq.heappop(self._ready)[1])
            if group is not None and not group.in_flight:
                going = self._offer_group(group, judge, taken)
        for entry in taken:
            if due > now:
                self._hide(entry, due)
            else:
                self._change_state(entry, _State.FREE)
                self._release(entry)

    def change(self, key: str, now: int, due: int) -> None:
        """Let a message be in flight until ``due``, or free where that is not after ``now``."""
        entry = self._entries[key]
        if due > now:
            self._change_state(entry, _State.IN_FLIGHT)
            self._hide(entry, due)
        elif entry.state is not _State.FREE:
            self._change_state(entry, _State.FREE)
            self._release(entry)

    def remove(self, key: str) -> Any | None:
        """Take a message out; gives it, or None where it is not in line."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._change_state(entry, _State.FREE)
        self._leave(entry)
        return entry.message

    def mature(self, now: int) -> None:
        """Whatever was hidden until now can be received."""
        while self._hidden and self._hidden[0][0] <= now:
            due, _, key = heapq.heappop(self._hidden)
            entry = self._entries.get(key)
            if entry is not None and entry.state is not _State.FREE and entry.due == due:
                self._change_state(entry, _State.FREE)
                self._release(entry)

    def next_due(self) -> int | None:
        """When the next hidden message can be received; None where none is hidden."""
        while self._hidden:
            due, _, key = self._hidden[0]
            entry = self._entries.get(key)
            if entry is not None and entry.state is not _State.FREE and entry.due == due:
                return due
            heapq.heappop(self._hidden)
        return None

    # The steps.

    def _offer_group(
        self, group: _Group, judge: Callable[[Any], Verdict], taken: list[_Entry]
    ) -> bool:
        """Offer what a group has; gives whether to go on with the next one."""
        while group.free:
            _, key = group.free[0]
            entry = self._entries.get(key)
            if entry is not None and entry.state is _State.FREE:
                verdict = judge(entry.message)
                if verdict is Verdict.STOP:
                    self._make_ready(group)
                    return False
                if verdict is Verdict.DROP:
                    self._leave(entry)
                else:
                    self._change_state(entry, _State.IN_FLIGHT)
                    taken.append(entry)
            if group.free:
                heapq.heappop(group.free)
        return True

    def _change_state(self, entry: _Entry, state: _State) -> None:
        """Count a change; only what is in flight holds its group up."""
        for known, step in ((entry.state, -1), (state, +1)):
            if known is _State.DELAYED:
                self.delayed += step
            elif known is _State.IN_FLIGHT:
                self.in_flight += step
                entry.group.in_flight += step
        entry.state = state

    def _release(self, entry: _Entry) -> None:
        heapq.heappush(entry.group.free, (entry.number, entry.key))
        self._make_ready(entry.group)

    def _make_ready(self, group: _Group) -> None:
        if group.free and not group.in_flight:
            heapq.heappush(self._ready, (group.free[0][0], group.name))

    def _leave(self, entry: _Entry) -> None:
        """Forget a message, and its group with the last one; the others may be free now."""
        del self._entries[entry.key]
        entry.group.size -= 1
        if entry.group.size:
            self._make_ready(entry.group)
        else:
            del self._groups[entry.group.name]

    def _hide(self, entry: _Entry, due: int) -> None:
        entry.due = due
        heapq.heappush(self._hidden, (due, entry.number, entry.key))
        if len(self._hidden) > 2 * (self.delayed + self.in_flight) + _SLACK:
            hidden = (one for one in self._entries.values() if one.state is not _State.FREE)
            self._hidden = [(one.due, one.number, one.key) for one in hidden]
            heapq.heapify(self._hidden)
