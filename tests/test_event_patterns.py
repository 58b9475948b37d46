"""EventBridge patterns, by TestEventPattern: AWS's answers on record, its guide and its library."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import refusal

# https://github.com/localstack/localstack, tests/aws/services/events, recorded 2024-12.
RECORDED = "recorded"
GUIDE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"
RULER = "https://github.com/aws/event-ruler"

AROUND = {
    "id": "1",
    "source": "test-source",
    "detail-type": "test-detail-type",
    "account": "123456789012",
    "region": "us-east-2",
    "time": "2022-07-13T13:48:01Z",
}

# Pattern, members of the event, whether it matches, where that stands.
ROWS: list[tuple[Any, Any, bool, str]] = [
    ({"source": ["test-source"]}, {}, True, RECORDED),
    ({"Source": ["test-source"]}, {}, False, RECORDED),
    ({"number": [300]}, '{"number": 300.0}', True, RECORDED),
    ({"number": [300]}, '{"number": 3.0e2}', True, RECORDED),
    ({"number": [{"numeric": [">", 100]}]}, '{"number": 101.0}', True, RECORDED),
    ({"number": [{"numeric": [">", 100]}]}, {"number": "101"}, False, RECORDED),
    ({"number": [{"numeric": ["=", 5]}]}, {"number": None}, False, RECORDED),
    ({"n": [{"numeric": [">", 0, "<", 5]}]}, {"n": 5}, False, RECORDED),
    ({"detail": {"state.status": ["on"]}}, {"detail": {"state": {"status": "on"}}}, True, RECORDED),
    ({"detail": {"state": {"status": ["on"]}}}, {"detail": {"state.status": "on"}}, True, RECORDED),
    ({"detail": {"state": {"status": ["on"]}}},
     {"detail": {"state.status": {"status": "on"}}}, False, RECORDED),
    ({"detail": {"state.status": {"status": ["on"]}}},
     {"detail": {"state": {"status": "on"}}}, False, RECORDED),
    ({"detail": {"key": ["v"]}}, {"detail": '{"key": "v"}'}, False, RECORDED),
    ({"resources": [None]}, {"resources": []}, False, RECORDED),
    ({"resources": [{"exists": True}]}, {"resources": []}, False, RECORDED),
    ({"resources": [{"exists": False}]}, {"resources": []}, True, RECORDED),
    ({"key": [{"exists": True}]}, {"key": {"S": "x"}}, False, RECORDED),
    ({"a": {"id": [{"exists": True}]}}, {"a": [{"x": 1}, {"id": "y"}]}, True, RECORDED),
    ({"a": {"b": [{"exists": False}, {"anything-but": ["x"]}]}}, {"a": {"c": 1}}, True, RECORDED),
    ({"s": [{"anything-but": "on"}]}, {"s": None}, True, RECORDED),
    ({"s": [{"anything-but": "on"}]}, {}, False, RECORDED),
    ({"s": [{"anything-but": 123}]}, {"s": 123.0}, False, RECORDED),
    ({"s": [{"anything-but": [100, 200]}]}, {"s": 300}, True, RECORDED),
    ({"s": [{"anything-but": {"prefix": "init"}}]}, {"s": 12}, True, RECORDED),
    ({"s": [{"anything-but": {"prefix": ["init", "error"]}}]}, {"s": "error.1"}, False, RECORDED),
    ({"s": [{"anything-but": {"suffix": [".txt", ".db"]}}]}, {"s": "a.png"}, True, RECORDED),
    ({"s": [{"anything-but": {"suffix": [".txt", ".db"]}}]}, {"s": "a.db"}, False, RECORDED),
    ({"s": [{"anything-but": {"equals-ignore-case": ["ON", "no"]}}]}, {"s": "oN"}, False, RECORDED),
    ({"s": [{"anything-but": {"wildcard": "*/dir/*"}}]}, {"s": "a/dir/b"}, False, RECORDED),
    ({"s": [{"anything-but": {"wildcard": ["*/bin/*", "*/dir/*"]}}]}, {"s": "a/b"}, True, RECORDED),
    ({"s": [{"anything-but": {"wildcard": ""}}]}, {"s": "a"}, True, RECORDED),
    ({"s": [{"anything-but": {"wildcard": "*/dir/*"}}]}, {"s": 123}, True, RECORDED),
    ({"s": [{"equals-ignore-case": ""}]}, {"s": ""}, True, RECORDED),
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.0.255"}, True, RECORDED),
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "10.0.1.0"}, False, RECORDED),
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": 10}, False, RECORDED),
    ({"ip": [{"cidr": "10.0.0.0/24"}]}, {"ip": "nowhere"}, False, GUIDE),
    ({"ip": [{"cidr": "2001:db8::/64"}]}, {"ip": "2001:db8::ffff"}, True, RECORDED),
    ({"s": [{"wildcard": "arn:*:bus/*"}]}, {"s": "arn:aws:bus/main"}, True, RECORDED),
    ({"s": [{"wildcard": "dir/*.png"}]}, {"s": "dir/a/b.png"}, True, GUIDE),
    ({"s": [{"wildcard": "dir/*.png"}]}, {"s": "dir.png"}, False, GUIDE),
    ({"s": [{"wildcard": "a*a"}]}, {"s": "a"}, False, GUIDE),
    ({"s": [{"wildcard": "a*b*c"}]}, {"s": "aXbYc"}, True, GUIDE),
    ({"s": [{"wildcard": "a*b*c"}]}, {"s": "aXcYb"}, False, GUIDE),
    ({"s": [{"wildcard": "a\\*b"}]}, {"s": "a*b"}, True, GUIDE),
    ({"s": [{"wildcard": "a\\*b"}]}, {"s": "aXb"}, False, GUIDE),
    ({"s": [{"wildcard": "a.b"}]}, {"s": "aXb"}, False, GUIDE),
    ({"s": [{"wildcard": "*"}]}, {"s": ""}, True, GUIDE),
    ({"$or": [{"a": ["x"]}, {"b": [{"numeric": ["<", 3]}]}]}, {"b": 2}, True, GUIDE),
    ({"$or": [{"a": ["x"]}, {"b": [{"numeric": ["<", 3]}]}]}, {"a": "y", "b": 3}, False, GUIDE),
    ({"a": {"b": ["x"], "c": ["y"]}}, {"a": [{"b": "x"}, {"c": "y"}]}, False, GUIDE),
    ({"source": [{"prefix": ""}]}, {}, True, RECORDED),
    ({"s": [{"anything-but": {"suffix": [".txt"]}}]}, {}, False, RECORDED),
    ({"s": [{"anything-but": {"equals-ignore-case": ["a", "b"]}}]}, {"s": None}, True, RECORDED),
    ({"s": [{"exists": True}, {"prefix": "no"}]}, {"s": "x"}, True, RECORDED),
    # Fields of one object of an array, however deep; what must not exist, in the object that fits
    # or, where none was looked for before, in none at all.
    ({"a": {"b": ["1"], "t": {"c": ["2"], "d": ["3"]}}},
     {"a": [{"b": "1", "t": [{"c": "2"}, {"d": "3"}]}]}, False, RULER),
    ({"a": {"b": ["1"], "t": {"c": ["2"], "d": ["3"]}}},
     {"a": [{"b": "0"}, {"b": "1", "t": [{"c": "2"}, {"c": "2", "d": "3"}]}]}, True, RULER),
    ({"a": {"b": [{"exists": False}]}}, {"a": [{"b": 1}, {"c": 1}]}, False, RULER),
    ({"a": {"b": [{"exists": False}]}}, {"a": [{"c": 1}, {"c": 2}]}, True, RULER),
    ({"a": {"b": ["x"], "c": [{"exists": False}]}}, {"a": [{"b": "x"}, {"c": 1}]}, True, RULER),
    ({"a": {"c": ["x"], "b": [{"exists": False}]}}, {"a": [{"c": "x"}, {"b": 1}]}, False, RULER),
    ({"a": {"b": [{"exists": False}]}}, {"a": {"b": {"c": 1}}}, True, RULER),
    # Names with dots, in patterns and in events.
    ({"a.b.c": ["x"], "a.b.d": ["y"]}, {"a": {"b": {"c": "z", "d": "y"}}}, False, RULER),
    ({"a": {"b": {"c": ["x"], "d": ["y"]}}}, {"a.b.c": "x", "a.b.d": "y"}, True, RULER),
    ({"a": {"b": ["x"]}}, {"a.b": "w", "a": {"b": "x"}}, True, RULER),
    ({"a": {"b": ["x"]}, "a.b": ["y"]}, {"a": {"b": "x"}}, False, RULER),
    # Numbers that are too large are compared by their text.
    ({"n": [{"numeric": [">", 100]}]}, {"n": 1733418659000}, False, RULER),
    ({"n": [{"numeric": ["<=", 5e9]}]}, {"n": 5000000000}, True, RULER),
    ({"n": [1733418659000]}, {"n": 1733418659000}, True, RULER),
    ({"n": [1733418659000]}, '{"n": 1.733418659e12}', False, RULER),
    ({"n": [{"anything-but": 100}]}, {"n": 1733418659000}, True, RULER),
    ({"s": [{"exactly": "x"}]}, {"s": "x"}, True, RULER),
    ({"$or": [{"a": ["x"], "$or": [{"b": [1]}, {"c": [2]}]}, {"d": ["y"]}], "e": ["z"]},
     {"a": "x", "c": 2, "e": "z"}, True, RULER),
    ({"$or": [{"a": ["x"], "$or": [{"b": [1]}, {"c": [2]}]}, {"d": ["y"]}], "e": ["z"]},
     {"a": "x", "c": 1, "e": "z"}, False, RULER),
    ({"$or": {"a": ["x"]}}, {"$or": {"a": "x"}}, True, RULER),
]  # fmt: skip

INVALID = "Event pattern is not valid. Reason: "
# Pattern, and what AWS says of it; it may add where in the text.
REFUSED: list[tuple[Any, str]] = [
    ({"int": 42}, '"int" must be an object or an array'),
    ({"string": "my-value"}, '"string" must be an object or an array'),
    ({"resources": []}, "Empty arrays are not allowed"),
    ({"my_key": [{"EXISTS": True}]}, "Unrecognized match type EXISTS"),
    ({"n": [{"numeric": [">", 0, ">", 0]}]}, "Bad numeric range operator: >"),
    ({"n": [{"numeric": [">", 0, "<"]}]}, "Value of < must be numeric"),
    # AWS counts the quotation mark.
    ({"s": [{"wildcard": "a:**:b"}]}, "Consecutive wildcard characters at pos 3"),
    ({"s": [{"wildcard": "a\\b"}]}, "Invalid escape character at pos 2"),
    ({"s": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}, "Rule is too complex - try using fewer "
     "wildcard characters or fewer repeating character sequences after a wildcard character"),
    ({"s": [{"wildcard": 123}]}, "wildcard match pattern must be a string"),
    ({"s": [{"prefix": 123}]}, "prefix match pattern must be a string"),
    ({"s": [{"suffix": [".png"]}]}, "suffix match pattern must be a string"),
    ({"s": [{"equals-ignore-case": ["x"]}]}, "equals-ignore-case match pattern must be a string"),
    ({"s": [{"cidr": "10.0.0.0"}]}, "Malformed CIDR, one '/' required"),
    ({"s": [{"cidr": "10.0.0.0/xx"}]}, "Malformed CIDR, mask bits must be an integer"),
    ({"s": [{"cidr": "xx.11.xx/8"}]}, "Nonstandard IP address: xx.11.xx"),
    ({"s": [{"cidr": ["bad-type"]}]}, "prefix match pattern must be a string"),
    ({"s": [{"anything-but": {"prefix": 123}}]}, "prefix/suffix match pattern must be a string"),
    ({"s": [{"anything-but": {"suffix": [123, ".txt"]}}]},
     "prefix/suffix match pattern must be a string"),
    ({"s": [{"anything-but": {"equals-ignore-case": 123}}]},
     "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."),
    ({"s": [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}]},
     "Value of anything-but must be an array or single string/number value."),
    (["not", "a", "dict"], "Filter is not an object"),
    ({"s": [{"anything-but": None}]},
     "Value of anything-but must be an array or single string/number value."),
    ({"s": [{"anything-but": ["on", None]}]},
     "Inside anything but list, start|null|boolean is not supported."),
    ({"s": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed"),
    # From here on as AWS's library has it.
    ({"s": [{}]}, "Match expression name not found"),
    ({"s": [{"prefix": "a", "suffix": "b"}]}, "Only one key allowed in match expression"),
    ({"s": [{"prefix": {"regex": "a"}}]}, "Unsupported prefix pattern: regex"),
    ({"s": [{"suffix": {}}]}, "Suffix expression name not found"),
    ({"s": [{"prefix": {"equals-ignore-case": 5}}]},
     "equals-ignore-case match pattern must be a string"),
    ({"s": [{"exactly": 5}]}, "exact match pattern must be a string"),
    ({"s": [{"anything-but": {}}]}, "Anything-But expression name not found"),
    ({"s": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}, "Unsupported anything-but pattern: cidr"),
    ({"s": [{"anything-but": []}]},
     "Inside anything but list, either all values are number or string, mixed type is not "
     "supported"),
    ({"s": [{"cidr": "10.0.0.1/32"}]}, "IPv4 mask bits must be < 32"),
    ({"s": [{"cidr": "2001:db8::/128"}]}, "IPv6 mask bits must be < 128"),
    ({"s": [{"cidr": "10.0.0.1/-1"}]}, "Malformed CIDR, mask bits must not be negative"),
    ({"s": [{"cidr": "300.0.0.1/8"}]}, "Invalid IP address: 300.0.0.1"),
    ({"n": [{"numeric": []}]}, "Invalid member in numeric match: ]"),
    ({"n": [{"numeric": [5]}]}, "Invalid member in numeric match: 5"),
    ({"n": [{"numeric": ["=", "5"]}]}, "Value of equals must be numeric"),
    ({"n": [{"numeric": ["<", 5, ">", 2]}]}, "Too many elements in numeric expression"),
    ({"n": [{"numeric": [">", 5, 6]}]}, "Bad value in numeric range: 6"),
    ({"n": [{"numeric": [">=", 5, "<", 3]}]}, "Bottom must be less than top"),
    ({"n": [{"numeric": [">", 0, "<", 1, "<"]}]}, "Too many terms in numeric range expression"),
    ({"n": [{"numeric": [">", 5e10]}]}, "Value must be between -5.0E9 and 5.0E9, inclusive"),
    ({"$or": [{"a": [1]}]}, "Unrecognized match type a"),
    ({f"k{number}": {"$or": [{"a": [1]}, {"b": [1]}]} for number in range(20)},
     "Rule is too complex - try using fewer OR combinations"),
]  # fmt: skip


def ask(lab: Lab, pattern: Any, event: Any) -> bool:
    members = json.loads(event) if isinstance(event, str) else event
    text = json.dumps(AROUND | members)
    if isinstance(event, str):  # as it is written
        text = json.dumps(AROUND)[:-1] + ", " + event[1:]
    answer = lab.client("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=text)
    return bool(answer["Result"])


def test_every_row(shared_lab: Lab) -> None:
    wrong = [row for row in ROWS if ask(shared_lab, row[0], row[1]) is not row[2]]
    assert wrong == []


@pytest.mark.parametrize(("pattern", "reason"), REFUSED)
def test_what_is_no_pattern_is_refused_and_nothing_is_stored(
    shared_lab: Lab, pattern: Any, reason: str
) -> None:
    events = shared_lab.client("events")
    said = refusal(events.put_rule, Name="refused", EventPattern=json.dumps(pattern))
    assert said == (400, "InvalidEventPatternException", INVALID + reason)
    assert events.list_rules(NamePrefix="refused")["Rules"] == []
    said = refusal(
        events.test_event_pattern, EventPattern=json.dumps(pattern), Event=json.dumps(AROUND)
    )
    assert said.message == INVALID + reason


@pytest.mark.parametrize("text", ["this is no JSON", "{'bad': 'quotation'}", '{"a": [NaN]}'])
def test_a_pattern_that_is_no_json_is_refused(shared_lab: Lab, text: str) -> None:
    said = refusal(shared_lab.client("events").put_rule, Name="refused", EventPattern=text)
    assert said[:2] == (400, "InvalidEventPatternException")
    assert said.message.startswith(INVALID)


@pytest.mark.parametrize(
    "text",
    [
        "plain string", '"text"', '["plain string"]', "[" * 20_000, '{"a": 1e99999999999}',
        '{"testEvent": "value"}',
        *(json.dumps({key: AROUND[key] for key in AROUND if key != name}) for name in AROUND),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(shared_lab: Lab, text: str) -> None:
    events = shared_lab.client("events")
    said = refusal(events.test_event_pattern, EventPattern='{"a": [1]}', Event=text)
    assert said == (400, "ValidationException", "Parameter Event is not valid.")
