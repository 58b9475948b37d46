"""What happens in a timeline, moment by moment, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from lambdalab.lab.lanes import STARTS
from lambdalab.timeline import Record
from lambdalab.widgets.theatre.lifelines import STATES, Lifeline, State, counted, rounded

__all__ = ["Happening", "happenings"]

# More than these at one moment nobody reads.
_MOST = 3
# What else a timeline tells than what its lanes show; in braces what stands in a record's detail.
_OTHERS = {
    "accepted": "an event for {function} is queued",
    "deleted": "{records} messages leave their queue ({reason})",
    "delivered": "a destination takes the {what}",
    "dropped": "{function} never gets it: {condition}",
    "function": "{function} is {change}",
    "poll": "a poller reads {records} records for {function}",
    "provisioned": "{ready} of {requested} provisioned environments are ready",
    "push": "{service} calls {function}",
    "refused": "{service} may not call {function}: {reason}",
    "reset": "{environment} loses its processes: {reason}",
    "retry": "{function} will be tried again in {delay} s ({reason})",
    "returned": "{records} messages will come back ({reason})",
    "scaled": "provisioned concurrency goes from {from} to {to}",
    "shift": "alias {alias} moves its traffic: {weight}",
    "split": "a batch of {records} records is split",
    "trouble": "a mapping cannot work: {reason}",
    "undelivered": "a destination does not take the {what}: {error}",
}


class Happening(NamedTuple):
    """A moment at which something happens: seconds since the replay began, and what."""

    time: float
    text: str


class _Missing(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "?"


def happenings(
    lines: Sequence[Lifeline], records: Iterable[Record], begin: float
) -> list[Happening]:
    """All moments at which something happens, in order of time.

    Of records that no lane shows, those are told that lie between the lanes' beginning and end.
    """
    told = sorted([*_changes(lines), *_others(lines, records, begin)], key=itemgetter(0))
    counts: Counter[str] = Counter()
    found = []
    for time, group in groupby(told, key=itemgetter(0)):
        together = list(group)
        counts.subtract([one.before for one in together])
        counts.update([one.after for one in together])
        found.append(Happening(time, f"{_list(together)}. Now {counted(counts)}."))
    return found


class _Told(NamedTuple):
    """Something that happens to ``who``, empty where ``what`` says it all.

    The state ``before`` gives way to the one ``after``; both are empty where none changes.
    """

    time: float
    who: str
    what: str
    before: str = ""
    after: str = ""


def _changes(lines: Sequence[Lifeline]) -> Iterator[_Told]:
    names = Counter(line.environment for line in lines)
    for line in lines:
        who = line.environment if names[line.environment] == 1 else line.name
        before = ""
        for state in line.states:
            if line.refused:
                what = f"a request for {state.function} is refused: {state.note}"
                yield _Told(state.since, "", what)
            else:
                what = _change(state, before)
                yield _Told(state.since, who, what, before, state.state)
            before = state.state


def _change(state: State, before: str) -> str:
    note = f" ({state.note})" if state.note else ""
    after = f", straight after {before}" if before in _STARTS and state.invocations else ""
    return f"{state.state}{note}{after}"


_STARTS = {STATES[kind] for kind in STARTS}


def _others(lines: Sequence[Lifeline], records: Iterable[Record], begin: float) -> Iterator[_Told]:
    last = max((line.states[-1].since for line in lines), default=0.0)
    for record in records:
        time = rounded(record.time - begin)
        if record.kind in _OTHERS and 0 <= time <= last:
            names = {"function": record.function, "environment": record.environment}
            what = _OTHERS[record.kind].format_map(_Missing(names | record.detail))
            yield _Told(time, "", what)


def _list(together: list[_Told]) -> str:
    """What happens together: the first few things, each once, and to whom."""
    whom: dict[str, list[str]] = {}
    for one in together:
        whom.setdefault(one.what, []).append(one.who)
    parts = [_part(what, who) for what, who in whom.items()]
    more = sum(len(who) for who in list(whom.values())[_MOST:])
    return "; ".join(parts[:_MOST] + ([f"and {more} more"] if more else []))


def _part(what: str, who: list[str]) -> str:
    if not who[0]:
        return what if len(who) == 1 else f"{what} ({len(who)} times)"
    more = f" and {len(who) - _MOST} more" if len(who) > _MOST else ""
    return f"{', '.join(who[:_MOST])}{more}: {what}"
