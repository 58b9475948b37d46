"""Filter patterns of CloudWatch Logs, through FilterLogEvents and on their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.sources.logs.log_patterns import PatternError, pattern
from tests.engine import refusal

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
LINE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
EVENT = {
    "eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["v", "w"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": None,
    "cluster.name": "c", "latency": 12.5, "ok": True, "status": "404",
    "user": {"id": 1, "email": "John.Stiles@example.com"}, "coordinates": [[0, 1, 2], [4, 5, 6]],
}  # fmt: skip

# Pattern, message, whether it matches.
ROWS: list[tuple[str, Any, bool]] = [
    ("", "anything", True),
    ("ERROR", "[ERROR 400] BAD REQUEST", True),
    ("ERROR", "[error 400]", False),
    ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
    ("ERROR ARGUMENTS", "[ERROR 401] UNAUTHORIZED", False),
    ("?ERROR ?ARGUMENTS", "INVALID ARGUMENTS", True),
    ("?ERROR ?ARGUMENTS", "fine", False),
    ("ERROR ?ARGUMENTS", "[ERROR 400]", True),
    ("ERROR -ARGUMENTS", "[ERROR 401] UNAUTHORIZED", True),
    ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
    ('"INTERNAL SERVER ERROR"', "500 INTERNAL SERVER ERROR", True),
    ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR SERVER", False),
    ('-"not this"', "but this", True),
    (r'"say \"hi\""', 'say "hi"', True),
    (r"%AUTHORIZED$%", "IS AUTHORIZED", True),
    (r"%^[0-9]+ms%", "took 12ms", False),
    ('{ $.eventType = "UpdateTrail" }', EVENT, True),
    ('{$.eventType="Update*"}', EVENT, True),
    ("{ $.eventType = UpdateTrail }", EVENT, True),
    ('{ $.eventType != "UpdateTrail" }', EVENT, False),
    ('{ $.missing != "x" }', EVENT, False),
    ("{ $.sourceIPAddress != 123.123.* }", EVENT, True),
    ('{ $.arrayKey[0] = "v" }', EVENT, True),
    ('{ $.arrayKey[2] = "v" }', EVENT, False),
    ("{ $.objectList[1].id = 2 }", EVENT, True),
    ("{ $.latency > 12 && $.latency <= 12.5 }", EVENT, True),
    ("{ $.latency < 1.25e1 }", EVENT, False),
    ("{ $.status = 404 }", EVENT, True),
    ("{ $.SomeObject IS NULL }", EVENT, True),
    ("{ $.ok IS TRUE }", EVENT, True),
    ("{ $.ok IS FALSE }", EVENT, False),
    ("{ $.SomeOtherObject NOT EXISTS }", EVENT, True),
    ("{ $.eventType NOT EXISTS }", EVENT, False),
    ('{ $.["cluster.name"] = "c" }', EVENT, True),
    ("{ ($.latency > 99) || ($.ok IS TRUE && $.latency > 1) }", EVENT, True),
    ("{ $.latency > 99 || $.ok IS TRUE && $.latency > 99 }", EVENT, False),
    (r"{ $.eventType = %^Up.*l$% }", EVENT, True),
    ('{ $.eventType = "UpdateTrail" }', "no JSON", False),
    ('{ $.eventType = "UpdateTrail" }', "[1]", False),
    ("[ip, user, name, time, request, status, bytes]", LINE, True),
    ("[ip, user, name, time, request, status]", LINE, True),
    ("[ip, user, name = frank, ...]", LINE, True),
    ("[..., status = 4*, bytes > 1000]", LINE, True),
    ("[..., status = 4* && status != 404, bytes]", LINE, False),
    ("[ip = %127.0.0.[1-9]%, ...]", LINE, True),
    ("[..., request = *.html*, status, bytes]", LINE, True),
    ("[level = ERROR || level = %WARN%, ...]", "WARNING low on space", True),
    ("[level = ERROR || level = %WARN%, ...]", "INFO all is well", False),
    ("[]", LINE, True),
    ('ERROR - "Exiting"', "Exiting with ERRORCODE: -1", False),
    ('" "', "any thing", True),
    ("{ $.arrayKey != 1 }", EVENT, False),
    ("{ $.user != 1 }", EVENT, False),
    ("{ $.coordinates[1][2] = 6 }", EVENT, True),
    ('{ $.arrayKey[*] = "w" }', EVENT, True),
    ('{ $.*.email = "John*" }', EVENT, True),
    ("{ $.user.id = 1e0 && $.latency > +12 }", EVENT, True),
    ("{ $.latency = * }", EVENT, True),
    ("[..., request=*.html*, status_code=4*,]", LINE, True),
    ("[w1=ERROR, w2]", "ERROR message", True),
    ("[w1=ERROR, w2]", "ERROR WARN message", True),
    ("[w1!=ERROR && w1!=WARN, w2, w3]", "ERROR WARN message", False),
]  # fmt: skip


def test_every_row() -> None:
    wrong = [
        row
        for row in ROWS
        if pattern(row[0]).matches(row[1] if isinstance(row[1], str) else json.dumps(row[1]))
        is not row[2]
    ]
    assert wrong == []


def test_fields_by_their_names() -> None:
    found = pattern("[ip, user, name, time, request, status, bytes]").fields(LINE)
    assert found == {
        "ip": "127.0.0.1", "user": "-", "name": "frank", "time": "10/Oct/2000:13:25:15 -0700",
        "request": "GET /index.html HTTP/1.0", "status": "404", "bytes": "1534",
    }  # fmt: skip
    assert pattern("ERROR").fields("ERROR") == {}


def test_fields_without_a_name_are_called_by_their_place() -> None:
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html
    found = pattern("[..., request=*.html*, status_code=4*,]").fields(LINE)
    assert found == {
        "1": "127.0.0.1", "2": "-", "3": "frank", "4": "10/Oct/2000:13:25:15 -0700",
        "request": "GET /index.html HTTP/1.0", "status_code": "404", "7": "1534",
    }  # fmt: skip
    assert list(pattern("[]").fields(LINE) or ()) == list("1234567")


REFUSED = [
    "ERROR:", "{ $.a }", "{ a = 1 }", "{ $.a = }", "{ $.a > x }", "{ ($.a = 1 }", "{ $.a = 1 ) }",
    "{ $.a IS BLUE }", "{ }", "{ $ = 1 }", "[a =]", "[..., b, ...]", "%[%", '"open', "[a = %(%]",
    "{ $.a = 1 && }", "{ $.a[x] = 1 }", "{ $.a = 1", "[a", "%(a|b)%", "%something!%", "%ä%",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_pattern_is_refused(shared_lab: Lab, text: str) -> None:
    logs = shared_lab.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix="/group")["logGroups"]:
        logs.create_log_group(logGroupName="/group")
        logs.create_log_stream(logGroupName="/group", logStreamName="s")
    said = refusal(logs.filter_log_events, logGroupName="/group", filterPattern=text)
    assert said[:2] == (400, "InvalidParameterException")
    assert "metric" not in said.message
    said = refusal(
        logs.put_subscription_filter, logGroupName="/group", filterName="f", filterPattern=text,
        destinationArn=f"arn:aws:lambda:us-east-1:{shared_lab.account}:function:fn",
    )  # fmt: skip
    assert said[:2] == (400, "InvalidParameterException")


WORDS = {
    "{ $.a = 1": "If a filter pattern starts with '{' it must end with '}'",
    "{ $.a = }": "Invalid metric filter pattern",
    "not:this": "Invalid character(s) in term ':'",
}


@pytest.mark.parametrize("text", WORDS)
def test_a_refusal_has_the_words_of_aws(text: str) -> None:
    with pytest.raises(PatternError) as refused:
        pattern(text)
    assert str(refused.value) == WORDS[text]


def test_filter_log_events_asks_the_same_patterns(lab: Lab) -> None:
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="/group")
    logs.create_log_stream(logGroupName="/group", logStreamName="s")
    now = int(lab.clock.now().timestamp() * 1000)
    messages = [json.dumps(EVENT), LINE, "[ERROR 400] BAD REQUEST"]
    logs.put_log_events(
        logGroupName="/group", logStreamName="s",
        logEvents=[{"timestamp": now, "message": message} for message in messages],
    )  # fmt: skip
    for text, expected in (
        ("{ $.latency > 12 }", messages[:1]),
        ("[..., status = 404, bytes]", messages[1:2]),
        ("?ERROR ?frank", messages[1:]),
        ("", messages),
    ):
        found = logs.filter_log_events(logGroupName="/group", filterPattern=text)["events"]
        assert [one["message"] for one in found] == expected
