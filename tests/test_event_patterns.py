"""EventBridge patterns, by TestEventPattern: AWS's recorded answers, its guide's examples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import refusal

# https://github.com/localstack/localstack, tests/aws/services/events, recorded 2024-12.
RECORDED = "recorded"
GUIDE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"

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
    ({"s": [{"wildcard": "a:**:b"}]}, "Consecutive wildcard characters at pos 2"),
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
    "text", ["plain string", '"text"', "[]", "[" * 20_000, '{"a": 1e99999999999}']
)
def test_an_event_that_is_no_object_is_refused(shared_lab: Lab, text: str) -> None:
    events = shared_lab.client("events")
    said = refusal(events.test_event_pattern, EventPattern='{"a": [1]}', Event=text)
    assert said == (400, "ValidationException", "Parameter Event is not valid.")
