"""Queries: a chain of commands, each of which makes rows of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cmp_to_key
from typing import NamedTuple

from lambdalab import facts
from lambdalab.insights.expressions import Expression, condition, expression, regex
from lambdalab.insights.records import Event, Row, row_of
from lambdalab.insights.stats import stats
from lambdalab.insights.tokens import QueryError, Token, Words
from lambdalab.insights.values import order, shown, text, true

__all__ = ["Answer", "Query", "read"]

MOST_ROWS = facts.quota("logs.query-results").value
USUAL_ROWS = facts.quota("logs.query-results-default").value
# What is shown where nothing else is asked for.
_USUAL = ("@timestamp", "@message")


class _State:
    """What the commands before have made: rows, and the names of what is shown."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.fields: list[str] = []
        self.shown: list[str] | None = None
        self.limit: int | None = None
        self.aggregated = False


Stage = Callable[[_State], None]


class Answer(NamedTuple):
    """Rows as (field, value) pairs, and how many events matched."""

    rows: list[list[tuple[str, str]]]
    matched: int


class Query:
    """A query that can be run; see ``read``."""

    def __init__(self, stages: list[Stage], limit: int | None = None) -> None:
        self._stages = stages
        self._limit = limit

    def run(self, events: Iterable[Event]) -> Answer:
        """Run over events, of which those with the newest times are shown first."""
        rows = [row_of(event) for event in events]
        state = _State(sorted(rows, key=lambda row: -float(row["@timestamp"])))
        matched = len(rows)
        for stage in self._stages:
            stage(state)
            if not state.aggregated:
                matched = len(state.rows)
        own, asked = state.limit, self._limit
        limit = min(own or asked or USUAL_ROWS, asked or MOST_ROWS)
        names = state.shown or state.fields or list(_USUAL)
        return Answer([_shown(row, names, state) for row in state.rows[:limit]], matched)


def read(text: str, limit: int | None = None) -> Query:
    """Read a query; ``limit`` bounds its rows besides its own. Raises QueryError."""
    words = Words(text)
    stages = []
    while words.next.kind != "end":
        stages.append(_command(words))
        if words.next.kind != "end":
            words.expect("|")
            if words.next.kind == "end":
                words.refuse()
    return Query(stages, limit)


def _shown(row: Row, names: list[str], state: _State) -> list[tuple[str, str]]:
    pairs = [(name, shown(row[name])) for name in names if row.get(name) is not None]
    return pairs if state.aggregated else [*pairs, ("@ptr", row["@ptr"])]


def _command(words: Words) -> Stage:
    name = words.next.text.lower()
    if name in _FOREIGN:
        told = facts.message("insights.not-in-the-lab").format(command=name)
        raise QueryError(told, words.next.place)
    make = _COMMANDS.get(name)
    if make is None:
        words.refuse()
    words.take()
    return make(words)


_FOREIGN = frozenset(
    {"anomaly", "diff", "filterindex", "join", "lookup", "pattern", "source", "unmask", "unnest"}
)


def _aliased(words: Words) -> tuple[str, Expression]:
    begin = words.next.place
    value = condition(words)
    name = words.since(begin).strip("`")
    if words.accept("as"):
        name = words.of_kind("name", "string").value
    return name, value


def _listed(words: Words) -> list[tuple[str, Expression]]:
    found = [_aliased(words)]
    while words.accept(","):
        found.append(_aliased(words))
    return found


def _fields(words: Words) -> Stage:
    listed = _listed(words)

    def act(state: _State) -> None:
        for row in state.rows:
            row.update({name: value(row) for name, value in listed})
        state.fields += [name for name, _ in listed if name not in state.fields]

    return act


def _display(words: Words) -> Stage:
    listed = _listed(words)

    def act(state: _State) -> None:
        for row in state.rows:
            row.update({name: value(row) for name, value in listed})
        state.shown = [name for name, _ in listed]

    return act


def _filter(words: Words) -> Stage:
    test = condition(words)

    def act(state: _State) -> None:
        state.rows = [row for row in state.rows if true(test(row))]

    return act


def _stats(words: Words) -> Stage:
    make = stats(words)

    def act(state: _State) -> None:
        state.rows, state.fields = make(state.rows)
        state.shown, state.aggregated = None, True

    return act


def _sort(words: Words) -> Stage:
    keys: list[tuple[Expression, int]] = []
    while not keys or words.accept(","):
        value = expression(words)
        descending = words.accept("asc", "desc") == "desc"
        keys.append((value, -1 if descending else 1))

    def compare_rows(one: Row, other: Row) -> int:
        for value, sign in keys:
            left, right = order(value(one)), order(value(other))
            if left != right:
                return sign if left > right else -sign
        return 0

    def act(state: _State) -> None:
        state.rows.sort(key=cmp_to_key(compare_rows))

    return act


def _limit(words: Words) -> Stage:
    token = words.of_kind("number")
    if not token.text.isdigit() or not 1 <= int(token.text) <= MOST_ROWS:
        raise QueryError(facts.message("insights.limit").format(most=MOST_ROWS), token.place)
    most = int(token.text)

    def act(state: _State) -> None:
        state.limit = min(state.limit or most, most)

    return act


def _dedup(words: Words) -> Stage:
    names = [words.of_kind("name").value]
    while words.accept(","):
        names.append(words.of_kind("name").value)

    def act(state: _State) -> None:
        seen = {tuple(text(row.get(name)) for name in names): row for row in reversed(state.rows)}
        kept = {id(row) for row in seen.values()}
        state.rows = [row for row in state.rows if id(row) in kept]

    return act


def _parse(words: Words) -> Stage:
    field = "@message"
    if words.next.kind == "name":
        field = words.take().value
    pattern = regex(words) if words.next.kind == "regex" else _glob(words.of_kind("string"))
    names = []
    if words.accept("as"):
        names.append(words.of_kind("name").value)
        while words.accept(","):
            names.append(words.of_kind("name").value)
    if not names:
        names = list(pattern.groupindex)
    if len(names) != pattern.groups:
        words.refuse()

    def act(state: _State) -> None:
        for row in state.rows:
            found = pattern.search(text(row.get(field)))
            row.update(zip(names, found.groups() if found else [], strict=False))
        state.fields += [name for name in names if name not in state.fields]

    return act


def _glob(token: Token) -> re.Pattern[str]:
    """A pattern in which each ``*`` stands for a part that is to be found."""
    parts = [re.escape(part) for part in token.value.split("*")]
    ends_open = len(parts) > 1 and not parts[-1]
    return re.compile("(.*?)".join(parts) + ("$" if ends_open else ""), re.DOTALL)


_COMMANDS: dict[str, Callable[[Words], Stage]] = {
    "fields": _fields,
    "display": _display,
    "filter": _filter,
    "stats": _stats,
    "sort": _sort,
    "limit": _limit,
    "head": _limit,
    "dedup": _dedup,
    "parse": _parse,
}
