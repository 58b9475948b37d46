"""The command ``stats``: figures of many rows, for each group of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.insights.aggregates import AGGREGATES, Aggregate, percentile
from lambdalab.insights.expressions import Expression, expression
from lambdalab.insights.records import Row
from lambdalab.insights.tokens import QueryError, Words
from lambdalab.insights.values import as_number, text

__all__ = ["stats"]

_PERCENTILES = ("pct", "percentile")


class _Figure(NamedTuple):
    """What is told of a group of rows; the second argument has the figures before it."""

    name: str
    value: Callable[[Sequence[Row], Row], Any]


class _Group(NamedTuple):
    name: str
    value: Expression


def stats(words: Words) -> Callable[[list[Row]], tuple[list[Row], list[str]]]:
    """Read what follows ``stats``; gives what makes rows and the names of their fields of rows."""
    figures = [_figure(words)]
    while words.accept(","):
        figures.append(_figure(words, behind_others=True))
    groups: list[_Group] = []
    if words.accept("by"):
        groups.append(_group(words))
        while words.accept(","):
            groups.append(_group(words))

    def make(rows: list[Row]) -> tuple[list[Row], list[str]]:
        found: dict[tuple[str, ...], list[Row]] = {}
        keys: dict[tuple[str, ...], list[Any]] = {}
        for row in rows:
            values = [group.value(row) for group in groups]
            key = tuple(text(value) for value in values)
            keys.setdefault(key, values)
            found.setdefault(key, []).append(row)
        if not groups and not rows:
            found[()], keys[()] = [], []
        names = [group.name for group in groups]
        made = []
        for key, members in found.items():
            row = dict(zip(names, keys[key], strict=True))
            for figure in figures:
                row[figure.name] = figure.value(members, row)
            made.append(row)
        return made, [*names, *(figure.name for figure in figures)]

    return make


def _group(words: Words) -> _Group:
    begin = words.next.place
    value = expression(words)
    name = words.since(begin)
    return _Group(words.of_kind("name", "string").value if words.accept("as") else name, value)


def _figure(words: Words, *, behind_others: bool = False) -> _Figure:
    """Aggregates, joined by arithmetic, such as ``sum(@billedDuration) / 1000 as seconds``.

    One ``behind_others`` may be made of those alone, by their names.
    """
    begin = words.next.place
    aggregates: list[tuple[str, Callable[[Sequence[Row]], Any]]] = []

    def special() -> Expression | None:
        made = _aggregate(words)
        if made is None:
            return None
        place = f"\0{len(aggregates)}"
        aggregates.append((place, made))
        return lambda row: row.get(place)

    words.special = special
    whole = expression(words)
    words.special = None
    if not aggregates and not behind_others:
        words.refuse()
    name = words.since(begin)
    if words.accept("as"):
        name = words.of_kind("name", "string").value
    return _Figure(
        name, lambda rows, before: whole(before | {place: act(rows) for place, act in aggregates})
    )


def _aggregate(words: Words) -> Callable[[Sequence[Row]], Any] | None:
    """An aggregate function, if one comes next."""
    name = words.next.text.lower()
    known = name in AGGREGATES or name in _PERCENTILES
    if not known or words.after.text != "(":
        return None
    words.take()
    words.expect("(")
    if name == "count" and (words.accept("*") or words.next.text == ")"):
        words.expect(")")
        return len
    special, words.special = words.special, None
    value = expression(words)
    act = _chosen(words, name)
    words.expect(")")
    words.special = special

    def of(rows: Sequence[Row]) -> Any:
        pairs = [(float(row.get("@timestamp") or 0), value(row)) for row in rows]
        return act([(moment, found) for moment, found in pairs if found is not None])

    return of


def _chosen(words: Words, name: str) -> Aggregate:
    if name not in _PERCENTILES:
        return AGGREGATES[name]
    words.expect(",")
    token = words.of_kind("number")
    share = as_number(token.text) or 0.0
    if not 0 <= share <= 100:
        raise QueryError(
            facts.message("insights.percentile").format(percentile=token.text), token.place
        )
    return percentile(share)
