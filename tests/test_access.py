"""Policies are evaluated as IAM does: who, what, on what, under which conditions."""

import pytest

from lambdalab.access.statements import Asking, judge

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:thumbnails"
BUCKET = "arn:aws:s3:::photos"
ALLOW = {
    "Effect": "Allow",
    "Principal": {"Service": "s3.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": FUNCTION,
}
CONTEXT = {"aws:SourceArn": BUCKET, "aws:SourceAccount": "123456789012"}


def asking(principal=("Service", "s3.amazonaws.com"), action="lambda:InvokeFunction", **context):
    given = {name.replace("__", ":"): value for name, value in context.items()} or CONTEXT
    return Asking(frozenset({principal}), action, FUNCTION, given)


def when(operator, key, value):
    return {"Condition": {operator: {key: value}}}


ACCOUNT, OTHER = "123456789012", "210987654321"
BOTH = {"ArnLike": {"AWS:SourceArn": BUCKET}, "StringEquals": {"AWS:SourceAccount": OTHER}}
STATEMENTS = [
    ("as it is", {}, "Allow"),
    ("services", {"Principal": {"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}}, "Allow"),
    ("anybody", {"Principal": "*"}, "Allow"),
    ("any account", {"Principal": {"AWS": "*"}}, "Allow"),
    ("another service", {"Principal": {"Service": "sns.amazonaws.com"}}, None),
    ("an account", {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, None),
    ("all of Lambda", {"Action": "lambda:*"}, "Allow"),
    ("in other letters", {"Action": "Lambda:invokefunction"}, "Allow"),
    ("another action", {"Action": "lambda:InvokeFunctionUrl"}, None),
    ("all but another action", {"Action": None, "NotAction": "lambda:GetFunction"}, "Allow"),
    ("an alias of it", {"Resource": f"{FUNCTION}:live"}, None),
    ("a longer name", {"Resource": f"{FUNCTION}-2"}, None),
    ("all of its versions", {"Resource": f"{FUNCTION}*"}, "Allow"),
    ("the bucket", when("ArnLike", "AWS:SourceArn", BUCKET), "Allow"),
    ("another bucket", when("ArnLike", "AWS:SourceArn", f"{BUCKET}-2"), None),
    ("some buckets", when("ArnLike", "AWS:SourceArn", "arn:aws:s3:::ph*"), "Allow"),
    ("a star does not cross colons", when("ArnLike", "AWS:SourceArn", "arn:*:photos"), None),
    ("account", when("StringEquals", "AWS:SourceAccount", ACCOUNT), "Allow"),
    ("a number as account", when("StringEquals", "AWS:SourceAccount", int(ACCOUNT)), "Allow"),
    ("one of two", when("StringEquals", "AWS:SourceAccount", ["1", ACCOUNT]), "Allow"),
    ("bucket and another account", {"Condition": BOTH}, None),
    ("a key that is not there", when("StringEquals", "aws:PrincipalOrgID", "o-1"), None),
    ("if it is there", when("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1"), "Allow"),
    ("not equal to", when("StringNotEquals", "aws:SourceAccount", "1"), "Allow"),
    ("not like it", when("ArnNotLike", "aws:SourceArn", BUCKET), None),
    ("not there is not equal", when("StringNotEquals", "aws:PrincipalOrgID", "o-1"), "Allow"),
    ("null", when("Null", "aws:PrincipalOrgID", "true"), "Allow"),
    ("not null", when("Null", "aws:SourceArn", "true"), None),
    ("an unknown operator", when("StringRhymes", "aws:SourceAccount", "1"), None),
    ("denied", {"Effect": "Deny"}, "Deny"),
]


@pytest.mark.parametrize(
    ("change", "decision"), [pytest.param(*row[1:], id=row[0]) for row in STATEMENTS]
)
def test_a_statement_speaks_of_a_request_or_not(change, decision):
    statement = {name: value for name, value in {**ALLOW, **change}.items() if value is not None}
    assert judge([statement], asking()) == decision


def test_one_denial_outweighs_what_is_allowed():
    denial = {**ALLOW, "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert judge([ALLOW, denial, ALLOW], asking(aws__SecureTransport="false")) == "Deny"
    assert judge([ALLOW, denial], asking(aws__SecureTransport="true")) == "Allow"


def test_an_empty_policy_says_nothing():
    assert judge([], asking()) is None


@pytest.mark.parametrize(
    ("operator", "wanted", "found", "holds"),
    [
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "11.1.2.3", False),
        ("IpAddress", "not a network", "11.1.2.3", False),
        ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", True),
        ("NumericLessThan", "10", "9.5", True),
        ("NumericLessThan", "10", "many", False),
        ("NumericGreaterThanEquals", 10, "10", True),
        ("StringLike", "a?c*", "abcdef", True),
        ("StringLike", "a?c", "ac", False),
        ("StringEqualsIgnoreCase", "ABC", "abc", True),
        ("Bool", True, "true", True),
    ],
)
def test_operators(operator, wanted, found, holds):
    statement = {**ALLOW, "Condition": {operator: {"lab:key": wanted}}}
    assert (judge([statement], asking(lab__key=found)) == "Allow") is holds
