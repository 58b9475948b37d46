"""Filter criteria: what matches what, by AWS's examples and by a second, naive reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.functions.filters import is_pattern
from lambdalab.sources.filters import Filters, data, read

LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html"
SQS = "https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html"
BRIDGE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"
ARRAYS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html"


def matches(pattern: Any, event: Any) -> bool:
    """Whether an event, as JSON text or as a value, passes one filter."""
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    assert is_pattern(text)
    record = read(event if isinstance(event, str) else json.dumps(event))
    return Filters({"Filters": [{"Pattern": text}]}).match(record)


# Pattern, event, whether it matches, where that stands.
ROWS: list[tuple[Any, Any, bool, str]] = [
    ({"a": [None]}, {"a": None}, True, LAMBDA),
    ({"a": [None]}, {"a": ""}, False, LAMBDA),
    ({"a": [None]}, {}, False, LAMBDA),
    ({"a": [""]}, {"a": ""}, True, LAMBDA),
    ({"a": [""]}, {"a": None}, False, LAMBDA),
    ({"a": ["x"]}, {"a": "x"}, True, LAMBDA),
    ({"a": ["x"]}, {"a": "X"}, False, LAMBDA),
    ({"a": ["x", "y"]}, {"a": "y"}, True, LAMBDA),
    ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "y"}, True, LAMBDA),
    ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "z"}, False, LAMBDA),
    ({"a": [{"equals-ignore-case": "Tokyo"}]}, {"a": "tOKYO"}, True, LAMBDA),
    ({"a": [{"equals-ignore-case": "Tokyo"}]}, {"a": "Tokyos"}, False, LAMBDA),
    ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "z"}, True, LAMBDA),
    ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "y"}, False, LAMBDA),
    ({"a": [{"anything-but": "x"}]}, {"a": "x"}, False, BRIDGE),
    ({"a": [{"anything-but": "x"}]}, {}, False, BRIDGE),
    ({"a": [{"anything-but": [1]}]}, {"a": "1"}, True, BRIDGE),
    ({"a": [{"anything-but": {"prefix": "in"}}]}, {"a": "init"}, False, BRIDGE),
    ({"a": [{"anything-but": {"suffix": ".txt"}}]}, {"a": "a.png"}, True, BRIDGE),
    ({"a": [{"anything-but": {"equals-ignore-case": "x"}}]}, {"a": "X"}, False, BRIDGE),
    ({"a": [{"numeric": ["=", 100]}]}, {"a": 100}, True, LAMBDA),
    ({"a": [{"numeric": ["=", 100]}]}, '{"a": 1.0e2}', True, BRIDGE),
    ({"a": [{"numeric": ["=", 100]}]}, {"a": "100"}, False, BRIDGE),
    ({"a": [{"numeric": [">", 10, "<=", 20]}]}, {"a": 20}, True, LAMBDA),
    ({"a": [{"numeric": [">", 10, "<=", 20]}]}, {"a": 10}, False, LAMBDA),
    ({"a": [{"numeric": [">=", 1]}]}, {"a": True}, False, BRIDGE),
    ({"a": [{"exists": True}]}, {"a": None}, True, LAMBDA),
    ({"a": [{"exists": True}]}, {"b": 1}, False, LAMBDA),
    ({"a": [{"exists": False}]}, {"b": 1}, True, LAMBDA),
    ({"a": [{"exists": False}]}, {"a": 1}, False, LAMBDA),
    ({"a": [{"exists": True}]}, {"a": {"b": 1}}, False, BRIDGE),
    ({"a": {"b": [{"exists": False}]}}, {"c": 1}, True, BRIDGE),
    ({"a": ["x", {"exists": False}]}, {}, True, BRIDGE),
    ({"a": [{"prefix": "us-"}]}, {"a": "us-east-1"}, True, LAMBDA),
    ({"a": [{"prefix": "us-"}]}, {"a": "eu-us-"}, False, LAMBDA),
    ({"a": [{"prefix": {"equals-ignore-case": "US-"}}]}, {"a": "us-east-1"}, True, BRIDGE),
    ({"a": [{"suffix": ".png"}]}, {"a": "x.png"}, True, LAMBDA),
    ({"a": [{"suffix": {"equals-ignore-case": ".PNG"}}]}, {"a": "x.png"}, True, BRIDGE),
    ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": "y"}, True, LAMBDA),
    ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "y", "b": "x"}, False, LAMBDA),
    ({"c": [1], "$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "x"}, False, BRIDGE),
    ({"a": {"$or": [{"b": [1]}, {"c": [2]}]}}, {"a": {"c": 2}}, True, BRIDGE),
    # Numbers as they are written.
    ({"a": [300]}, '{"a": 300}', True, LAMBDA),
    ({"a": [300]}, '{"a": 300.0}', False, LAMBDA),
    ({"a": [300]}, '{"a": 3.0e2}', False, LAMBDA),
    ('{"a": [300.0]}', '{"a": 300.0}', True, LAMBDA),
    ({"a": [300]}, {"a": "300"}, False, BRIDGE),
    ({"a": [True]}, {"a": True}, True, BRIDGE),
    ({"a": [True]}, {"a": 1}, False, BRIDGE),
    # Arrays: one value is enough, and the fields of one pattern belong to one element.
    ({"a": ["x"]}, {"a": ["y", "x"]}, True, ARRAYS),
    ({"a": ["x"]}, {"a": [["x"]]}, True, ARRAYS),
    ({"a": ["x"]}, {"a": []}, False, ARRAYS),
    ({"a": [{"exists": True}]}, {"a": []}, False, ARRAYS),
    ({"a": [{"anything-but": "x"}]}, {"a": ["x", "y"]}, True, ARRAYS),
    ({"a": {"b": [1], "c": [2]}}, {"a": [{"b": 1, "c": 2}]}, True, ARRAYS),
    ({"a": {"b": [1], "c": [2]}}, {"a": [{"b": 1}, {"c": 2}]}, False, ARRAYS),
    ({"a": {"b": [1]}}, {"a": "text"}, False, ARRAYS),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "event", "expected", "source"), ROWS)
def test_row(pattern: Any, event: Any, expected: bool, source: str) -> None:
    assert matches(pattern, event) is expected, source


# The table of formats: body, pattern, whether the message passes.
BODIES: list[tuple[str, Any, bool]] = [
    ("plain", {"body": ["plain"]}, True),
    ("plain", {"body": ["other"]}, False),
    ("plain", {"body": [{"prefix": "pl"}]}, True),
    ("plain", {"messageId": ["m"]}, True),
    ("plain", {"body": {"a": [1]}}, False),
    ("plain", {"body": {"a": [{"exists": False}]}}, False),
    ('{"a": 1}', {"body": {"a": [1]}}, True),
    ('{"a": 2}', {"body": {"a": [1]}}, False),
    ('{"a": 1}', {"body": ['{"a": 1}']}, False),
    ('{"a": 1}', {"messageId": ["m"]}, True),
    ('{"a": 1}', {"messageId": ["n"], "body": {"a": [1]}}, False),
    ('{"a": 1', {"body": {"a": [1]}}, False),
    ('[{"a": 1}]', {"body": {"a": [1]}}, True),
    ("300", {"body": ["300"]}, True),
    ('{"a": 1}', {"$or": [{"body": ["x"]}, {"body": {"a": [1]}}]}, True),
]


@pytest.mark.parametrize(("body", "pattern", "expected"), BODIES)
def test_the_format_of_a_body_and_that_of_its_pattern(
    body: str, pattern: Any, expected: bool
) -> None:
    filters = Filters({"Filters": [{"Pattern": json.dumps(pattern)}]})
    assert filters.match({"messageId": "m", "body": data(body)}) is expected, SQS


def test_one_filter_of_several_is_enough_and_none_lets_all_pass() -> None:
    several = Filters({"Filters": [{"Pattern": '{"a": [1]}'}, {"Pattern": '{"b": [2]}'}]})
    assert [several.match(read(text)) for text in ('{"a": 1}', '{"b": 2}', '{"a": 2}')] == [
        True, True, False,
    ]  # fmt: skip
    assert several
    for empty in (None, {}, {"Filters": []}):
        assert not Filters(empty)
        assert Filters(empty).match({"a": "x"})


@pytest.mark.parametrize("body", ["NaN", "[" * 100_000, '{"a": Infinity}', "\ud800", ""])
def test_a_body_that_is_no_json_is_text(body: str) -> None:
    assert data(body).json is None


# ---- against a naive reading: the event as a list of paths and leaves


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "A", "ab", "ba", "1"])
)
NAMES = st.sampled_from("pq")
EVENTS = st.dictionaries(
    NAMES, st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner), max_leaves=6)
)
TEXTS = st.sampled_from(["", "a", "A", "b", "ab"])
AFFIXES = st.one_of(TEXTS, TEXTS.map(lambda text: {"equals-ignore-case": text}))
NUMBERS = st.integers(-2, 2)
OPERATORS = st.one_of(
    st.booleans().map(lambda wanted: {"exists": wanted}),
    TEXTS.map(lambda text: {"equals-ignore-case": text}),
    AFFIXES.map(lambda affix: {"prefix": affix}),
    AFFIXES.map(lambda affix: {"suffix": affix}),
    st.lists(st.one_of(TEXTS, NUMBERS), min_size=1).map(lambda listed: {"anything-but": listed}),
    st.sampled_from(["prefix", "suffix", "equals-ignore-case"]).flatmap(
        lambda name: TEXTS.map(lambda text: {"anything-but": {name: text}})
    ),
    st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS).map(
        lambda pair: {"numeric": list(pair)}
    ),
    st.tuples(NUMBERS, NUMBERS).map(lambda pair: {"numeric": [">=", pair[0], "<", pair[1]]}),
)
RULES = st.lists(st.one_of(VALUES, OPERATORS), min_size=1, max_size=3)
PATTERNS = st.recursive(
    st.dictionaries(NAMES, RULES, min_size=1),
    lambda inner: st.one_of(
        st.dictionaries(NAMES, st.one_of(RULES, inner), min_size=1),
        st.lists(inner, min_size=2, max_size=3).map(lambda choices: {"$or": choices}),
    ),
    max_leaves=4,
)


def paths(event: dict[str, Any], before: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every leaf of an event by its path."""
    found: dict[tuple[str, ...], Any] = {}
    for name, value in event.items():
        if isinstance(value, dict):
            found |= paths(value, (*before, name))
        else:
            found[*before, name] = value
    return found


def alternatives(
    pattern: dict[str, Any], before: tuple[str, ...] = ()
) -> list[list[tuple[tuple[str, ...], list[Any]]]]:
    """A pattern without ``$or``: lists of (path, rules) of which one list must hold."""
    found: list[list[tuple[tuple[str, ...], list[Any]]]] = [[]]
    for name, value in pattern.items():
        if name == "$or":
            here = [one for choice in value for one in alternatives(choice, before)]
        elif isinstance(value, dict):
            here = alternatives(value, (*before, name))
        else:
            here = [[((*before, name), value)]]
        found = [one + other for one in found for other in here]
    return found


def holds(rule: Any, leaf: Any, there: bool) -> bool:
    if rule == {"exists": False} or not there:
        return rule == {"exists": False} and not there
    if not isinstance(rule, dict):
        return json.dumps(rule) == json.dumps(leaf)
    ((name, operand),) = rule.items()
    if name == "exists":
        return True
    if name == "anything-but":
        if isinstance(operand, dict):
            return not holds(operand, leaf, there)
        return json.dumps(leaf) not in map(json.dumps, operand)
    if name == "numeric":
        return type(leaf) is int and compares(leaf, operand)
    return isinstance(leaf, str) and reads(name, operand, leaf)


def compares(leaf: int, operand: list[Any]) -> bool:
    """Write the comparison down, and let Python read it."""
    pairs = zip(operand[::2], operand[1::2], strict=True)
    signs = ((sign if sign != "=" else "==", bound) for sign, bound in pairs)
    return all(eval(f"{leaf} {sign} {bound}") for sign, bound in signs)


def reads(name: str, operand: Any, leaf: str) -> bool:
    if isinstance(operand, dict):
        leaf, operand = leaf.upper(), operand["equals-ignore-case"].upper()
    if name == "equals-ignore-case":
        return leaf.upper() == str(operand).upper()
    size = len(operand)
    return bool((leaf[:size] if name == "prefix" else leaf[::-1][:size][::-1]) == operand)


@given(PATTERNS, EVENTS)
def test_a_naive_reading_finds_the_same(pattern: dict[str, Any], event: dict[str, Any]) -> None:
    leaves = paths(event)
    expected = any(
        all(
            any(holds(rule, leaves.get(path), path in leaves) for rule in rules)
            for path, rules in conditions
        )
        for conditions in alternatives(pattern)
    )
    assert matches(pattern, event) is expected
