"""Filter policies of subscriptions: which messages pass, and which policies are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lambdalab import Lab
from lambdalab.sources.topics import sns_filters, sns_policies
from tests.engine import refusal
from tests.message_stage import Stage, attributes

SCOPES = ("MessageAttributes", "MessageBody")

# Policy, attributes of a message, whether it passes. Source of the first lines: recorded answers
# of AWS in LocalStack's test_sns_filter_policy.snapshot.json of May 2024; of the others, the pages
# of https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
RANGE = {"attr1": [{"numeric": [">", 0, "<=", 100]}]}
STORE = {"store": ("Number", "99"), "def": ("Number", "99")}
SPORTS = ("String.Array", '["rugby", "tennis"]')
BY_ATTRIBUTES: list[tuple[Any, dict[str, tuple[str, Any]], bool]] = [
    (RANGE, {"attr1": ("Number", "99")}, True),
    (RANGE, {"attr1": ("Number", "111")}, False),
    (RANGE, {}, False),
    ({"attr1": [None, {"anything-but": "whatever"}]}, {}, False),
    ({"store": [{"exists": True}]}, STORE, True),
    ({"store": [{"exists": True}]}, {"attr1": ("Number", "111")}, False),
    ({"store": [{"exists": False}]}, STORE, False),
    ({"store": [{"exists": False}]}, {"def": ("Number", "99")}, True),
    # By the documentation: there must be an attribute.
    ({"store": [{"exists": False}]}, {}, False),
    ({"store": ["value1"]}, {"store": ("String.Array", '["value1", "value2"]')}, True),
    ({"store": ["value1"]}, {"store": ("String", "value1")}, True),
    ({"store": ["value1"]}, {"store": ("String.Array", '["value3"]')}, False),
    ({"a": ["x"], "b": ["y"]}, {"a": ("String", "x")}, False),
    ({"a": ["x"], "b": ["y"]}, {"a": ("String", "x"), "b": ("String", "y")}, True),
    ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": ("String", "y")}, True),
    ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"b": ("String", "x")}, False),
    ({"a": [301.5]}, {"a": ("Number", "3.015e2")}, True),
    ({"a": ["100"]}, {"a": ("Number", "100")}, False),
    ({"a": [100]}, {"a": ("String", "100")}, False),
    ({"a": [True]}, {"a": ("String.Array", "[1, true]")}, True),
    ({"a": [1]}, {"a": ("String.Array", "[true]")}, False),
    ({"a": [{"anything-but": ["rugby"]}]}, {"a": ("String", "baseball")}, True),
    ({"a": [{"anything-but": ["rugby"]}]}, {"a": ("String", "rugby")}, False),
    # By the newer documentation: none of an array's members may be listed.
    ({"a": [{"anything-but": ["rugby"]}]}, {"a": SPORTS}, False),
    ({"a": [{"anything-but": ["golf"]}]}, {"a": SPORTS}, True),
    ({"$or": [{"a": [{"anything-but": ["rugby"]}]}, {"b": ["x"]}]}, {"a": SPORTS}, False),
    ({"a": [{"anything-but": [100, 500]}]}, {"a": ("Number", "101")}, True),
    ({"a": [{"anything-but": [100, 500]}]}, {"a": ("Number", "100.0")}, False),
    ({"a": [{"anything-but": {"prefix": "order-"}}]}, {"a": ("String", "data-entry")}, True),
    ({"a": [{"anything-but": {"prefix": "order-"}}]}, {"a": ("String", "order-1")}, False),
    ({"a": [{"equals-ignore-case": "Tennis"}]}, {"a": ("String", "TENNIS")}, True),
    ({"a": [{"prefix": "bas"}]}, {"a": ("String", "baseball")}, True),
    ({"a": [{"suffix": "ball"}]}, {"a": ("String", "baseball")}, True),
    ({"a": [{"suffix": "ball"}]}, {"a": ("Number", "1")}, False),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": ("String", "10.0.0.255")}, True),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": ("String", "10.1.1.0")}, False),
    ({"a": [{"cidr": "10.0.0.0/24"}]}, {"a": ("String", "no address")}, False),
    ({"a": [{"numeric": ["=", 1]}]}, {"a": ("String", "1")}, False),
    ({"a.b": ["x"]}, {"a.b": ("String", "x")}, True),
    ({"a": [{"exists": True}]}, {"a": ("Binary", b"x")}, False),
]

CREATED = {"eventName": "ObjectCreated:Put", "s3": {"object": {"key": "auto-insurance.xml"}}}
NESTED = {
    "Records": {
        "s3": {"object": {"key": [{"prefix": "auto-"}]}},
        "eventName": [{"prefix": "ObjectCreated:"}],
    }
}
DEEP = {"object.nested.test": ["string.value"]}
EITHER = {
    "$or": [{"metricName": ["CPU", "ReadLatency"]}, {"namespace": ["AWS/EC2"]}],
    "detail": {"scope": ["Service"], "$or": [{"source": ["aws.cloudwatch"]}, {"type": ["Alarm"]}]},
}
# Policy, body of a message, whether it passes; source as above, recorded unless it says otherwise.
BY_BODY: list[tuple[Any, Any, bool]] = [
    (NESTED, {"Records": [CREATED]}, True),
    (NESTED, {"Records": [CREATED | {"eventName": "ObjectRemoved:Delete"}]}, False),
    (NESTED, {"Records": [CREATED | {"s3": {"object": {"key": "home-insurance.xml"}}}]}, False),
    (NESTED, {"Records": [CREATED | {"s3": {"object": [[{"key": "auto-insurance.xml"}]]}}]}, True),
    ({"headers": {"route-to": ["queue1"]}}, {"headers": {"route-to": ["queue1", "q2"]}}, True),
    ({"headers": {"route-to": ["queue1"]}}, {"headers": {"route-to": ["queue2"]}}, False),
    (DEEP, {"object": {"nested": {"test": "string.value"}}}, True),
    (DEEP, {"object.nested.test": "string.value"}, True),
    (DEEP, {"object.nested": {"test": "string.value"}}, True),
    (DEEP, {"object": {"nested.test": "string.value"}}, True),
    (DEEP, {"object": {"nested": {"test": "string.notvalue"}}}, False),
    (
        EITHER,
        {"metricName": "CPU", "detail": {"scope": "Service", "source": "aws.cloudwatch"}},
        True,
    ),
    (EITHER, {"namespace": "AWS/EC2", "detail": {"scope": "Service", "type": "Alarm"}}, True),
    (EITHER, {"metricName": "CPU", "detail": {"scope": "Service"}}, False),
    (EITHER, {"metricName": "CPU", "detail": {"scope": "Service", "type": "CPU"}}, False),
    (EITHER, {"metricName": "CPU", "scope": "Service"}, False),
    ({"a": [1]}, {"a": 1.0}, True),
    ({"a": ["1"]}, {"a": 1}, False),
    ({"a": [None]}, {"a": None}, True),
    ({"a": [{"exists": False}]}, {"b": 1}, True),
    # By the documentation: a value that is neither null nor empty.
    ({"a": [{"exists": True}]}, {"a": 0}, True),
    ({"a": [{"exists": True}]}, {"a": None}, False),
    ({"a": [{"exists": True}]}, {"a": ""}, False),
    ({"a": [{"anything-but": ["x"]}]}, {"a": ["x", "y"]}, True),
    ({"a": ["x"]}, ["x"], False),
    ({"a": ["x"]}, "no object", False),
]


@pytest.fixture
def stage(lab: Lab, make_function: Callable[..., str]) -> Stage:
    return Stage(lab, make_function)


@pytest.mark.parametrize(("policy", "attributes_", "passes"), BY_ATTRIBUTES, ids=str)
def test_attributes(policy: Any, attributes_: dict[str, tuple[str, Any]], passes: bool) -> None:
    typed = {name: {"Type": kind, "Value": value} for name, (kind, value) in attributes_.items()}
    assert sns_filters.wants(policy, SCOPES[0], typed, "{}") is passes
    assert sns_policies.objection(json.dumps(policy), SCOPES[0]) is None


@pytest.mark.parametrize(("policy", "body", "passes"), BY_BODY, ids=str)
def test_bodies(policy: Any, body: Any, passes: bool) -> None:
    assert sns_filters.wants(policy, SCOPES[1], {}, json.dumps(body)) is passes
    assert sns_policies.objection(json.dumps(policy), SCOPES[1]) is None


def test_a_body_that_is_no_json_passes_no_policy() -> None:
    assert not sns_filters.wants({"a": [{"exists": False}]}, SCOPES[1], {}, "no JSON")


def test_a_topic_filters_for_functions_and_queues(stage: Stage) -> None:
    topic = stage.topic()
    stage.allow("sns", topic)
    policy = {"FilterPolicy": json.dumps({"kind": ["good"]})}
    subscription = stage.subscribe(topic, **policy)
    stage.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=stage.queue("q"), Attributes=policy
    )
    stage.publish(topic, "1", MessageAttributes=attributes(kind=("String", "good")))
    stage.publish(topic, "2", MessageAttributes=attributes(kind=("String", "bad")))
    assert [one["Sns"]["Message"] for one in stage.records()] == ["1"]
    assert [one["Message"] for one in stage.in_queue("q")] == ["1"]
    change = stage.sns.set_subscription_attributes
    change(SubscriptionArn=subscription, AttributeName="FilterPolicy", AttributeValue="")
    change(
        SubscriptionArn=subscription, AttributeName="FilterPolicyScope",
        AttributeValue="MessageBody",
    )  # fmt: skip
    shown = stage.sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    # Recorded: test_set_subscription_filter_policy_scope
    assert not {"FilterPolicy", "FilterPolicyScope"} & shown.keys()
    change(
        SubscriptionArn=subscription, AttributeName="FilterPolicy",
        AttributeValue='{"a": {"b": [3]}}',
    )  # fmt: skip
    stage.publish(topic, '{"a": {"b": 3}}')
    stage.publish(topic, '{"a": {"b": 4}}')
    assert [one["Sns"]["Message"] for one in stage.records()] == ["1", '{"a": {"b": 3}}']


# ---- policies that are refused; recorded but for those with a remark


REFUSED: list[tuple[Any, str]] = [
    ({"key": [["value"]]}, "Match value must be String, number, true, false, or null"),
    ({"key": [{"wrong-operator": True}]}, "Unrecognized match type wrong-operator"),
    ({"key": [{"suffix": "v", "prefix": "w"}]}, "Only one key allowed in match expression"),
    ({"key": [{"suffix": 100}]}, "suffix match pattern must be a string"),
    ({"key": [{"suffix": None}]}, "suffix match pattern must be a string"),
    ({"key": [{"suffix": []}]}, "suffix match pattern must be a string"),
    ({"key": {"suffix": "value"}}, '"suffix" must be an object or an array'),
    ({"key": {"no-operator": "value"}}, '"no-operator" must be an object or an array'),
    ({"key_a": "value_one"}, '"key_a" must be an object or an array'),
    ({"key": [{"numeric": []}]}, "Invalid member in numeric match: ]"),
    ({"key": [{"numeric": ["operator"]}]}, "Unrecognized numeric range operator: operator"),
    ({"key": [{"numeric": [1, "<="]}]}, "Invalid member in numeric match: 1"),
    ({"key": [{"numeric": ["=", "000"]}]}, "Value of equals must be numeric"),
    ({"key": [{"numeric": [">="]}]}, "Value of >= must be numeric"),
    ({"key": [{"numeric": ["<", 100, ">", 10]}]}, "Too many elements in numeric expression"),
    ({"key": [{"numeric": [">=", 1, ">", 2]}]}, "Bad numeric range operator: >"),
    ({"key": [{"numeric": [">", 3, "<", 1]}]}, "Bottom must be less than top"),
    ({"key": [{"numeric": [">", 20, "<="]}]}, "Value of <= must be numeric"),
    ({"key": [{"numeric": [">", 20, 30]}]}, "Bad value in numeric range: 30"),
    ({"key": [{"numeric": [">", 20, "test"]}]}, "Bad numeric range operator: test"),
    ({"key": [{"numeric": [">", "20", "<", "30"]}]}, "Value of > must be numeric"),
    ({"key": [{"numeric": [">", 20, "<", "30"]}]}, "Value of < must be numeric"),
    (
        {"key": [{"numeric": [">", 20, "<", 30, "<", 50]}]},
        "Too many terms in numeric range expression",
    ),
    # Of AWS's event-ruler.
    ({"key": [{}]}, "Match expression name not found"),
    ({"key": {"a": {}}}, "Empty objects are not allowed"),
    ({"key": [{"exists": None}]}, "exists match pattern must be either true or false."),
    ({"key": [{"exists": "no"}]}, "exists match pattern must be either true or false."),
    ({"key": [{"anything-but": {"wrong": None}}]}, "Unsupported anything-but pattern: wrong"),
    ({"key": [{"anything-but": {"suffix": "t"}}]}, "Unsupported anything-but pattern: suffix"),
    ({"key": [{"anything-but": {"prefix": False}}]}, "prefix match pattern must be a string"),
    ({"key": [f"value{n}" for n in range(151)]}, "Filter policy is too complex"),
    ({"a": [str(n) for n in range(100)], "b": ["x", "y"]}, "Filter policy is too complex"),
    (
        {
            "source": list("abcd"),
            "$or": [
                {"metricName": list("abcdef")},
                {"type": list("abcd"), "$or": [{"id": [1, 2, 3, 4]}, {"space": [1, 2, 3, 4]}]},
            ],
        },
        "Filter policy is too complex",
    ),
    ({str(n): ["x"] for n in range(6)}, "Filter policy can not have more than 5 keys"),
]


@pytest.mark.parametrize(("policy", "text"), REFUSED, ids=lambda one: str(one)[:40])
def test_policies_that_are_refused(policy: Any, text: str) -> None:
    for scope in SCOPES:
        assert sns_policies.objection(json.dumps(policy), scope) == f"FilterPolicy: {text}"


def test_a_policy_is_refused_in_the_words_of_the_operation(stage: Stage) -> None:
    topic = stage.topic()
    subscription = stage.subscribe(topic)
    text = "FilterPolicy: Unrecognized match type x"
    policy = json.dumps({"key": [{"x": 1}]})
    made = refusal(
        stage.sns.subscribe, TopicArn=topic, Protocol="sms", Endpoint="+123123123",
        Attributes={"FilterPolicy": policy},
    )  # fmt: skip
    assert made == (400, "InvalidParameter", f"Invalid parameter: Attributes Reason: {text}")
    changed = refusal(
        stage.sns.set_subscription_attributes, SubscriptionArn=subscription,
        AttributeName="FilterPolicy", AttributeValue=policy,
    )  # fmt: skip
    assert changed == (400, "InvalidParameter", f"Invalid parameter: {text}")
    nested = refusal(
        stage.sns.set_subscription_attributes, SubscriptionArn=subscription,
        AttributeName="FilterPolicy", AttributeValue='{"a": {"b": ["c"]}}',
    )  # fmt: skip
    assert nested.message == (
        "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter "
        "policy"
    )


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner, max_size=4)
    | some.dictionaries(
        some.sampled_from(
            ["a", "$or", "a.b", "exists", "numeric", "anything-but", "prefix", "cidr", "suffix"]
        ),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(deadline=None, database=None)
@given(json_values, json_values, some.sampled_from(SCOPES))
def test_whatever_is_given_is_judged(policy: Any, body: Any, scope: str) -> None:
    """A policy is taken or refused with a reason; one that is taken judges any message."""
    text = json.dumps(policy)
    reason = sns_policies.objection(text, scope)
    assert reason is None or reason.strip()
    if reason is None:
        message = json.dumps(body)
        typed = {"a": {"Type": "String.Array", "Value": message}}
        assert sns_filters.wants(json.loads(text), scope, typed, message) in (True, False)
