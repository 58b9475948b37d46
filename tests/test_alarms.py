"""Alarms: what their data points earn, metric math, alarms of alarms, and actions on the clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.neighbours.monitoring.alarm_rules import Point, Rule, judge
from lambdalab.neighbours.monitoring.composite_alarms import holds
from lambdalab.neighbours.monitoring.metric_math import MathError, evaluate
from tests.conftest import StartLab, wait_until_settled
from tests.engine import RUNTIME

# Missing data by the rules of AWS's guide, whose own table of examples was not at hand: five
# periods, the oldest first, X beyond the threshold, 0 not, - missing; then the state for each
# treatment. None: the alarm keeps its state.
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
ALL = ("ALARM",) * 4
NONE = ("OK",) * 4
EXAMPLES = [
    (3, "0 - X - X", NONE),
    (3, "- - - - 0", NONE),
    (3, "- - - - -", ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
    (3, "0 X X - X", ALL),
    (3, "- - X - -", ("ALARM", None, "ALARM", "OK")),
    (2, "0 - X - X", ALL),
    (2, "0 0 X 0 X", ALL),
    (2, "0 - X - -", ("OK", "OK", "ALARM", "OK")),
    (2, "- - - - 0", ("OK", "OK", "ALARM", "OK")),
    (2, "- - - X -", ("ALARM", None, "ALARM", "OK")),
]


@pytest.mark.parametrize(("needed", "shown", "states"), EXAMPLES)
def test_missing_data_is_treated_as_the_alarm_says(
    needed: int, shown: str, states: tuple[str | None, ...]
) -> None:
    values = {"X": 5.0, "0": 0.0, "-": None}
    points = [Point(60.0 * n, values[sign]) for n, sign in enumerate(shown.split())][::-1]
    for treatment, state in zip(TREATMENTS, states, strict=True):
        rule = Rule("GreaterThanThreshold", 1.0, 3, needed, treatment)
        verdict = judge(rule, points, "OK")
        assert (verdict and verdict.state) == state, treatment


def test_the_reason_names_the_data_points() -> None:
    rule = Rule("GreaterThanOrEqualToThreshold", 2.0, 1, 1, "missing")
    points = [
        Point(1_795_000_020.0, 3.0),
        Point(1_794_999_960.0, None),
        Point(1_794_999_900.0, 0.0),
    ]
    verdict = judge(rule, points, "OK")
    assert verdict is not None
    assert verdict.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [3.0 (18/11/26 11:07:00)] was greater "
        "than or equal to the threshold (2.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )


SERIES = {"e": [1.0, 2.0, None], "i": [4.0, 0.0, 2.0]}
MATH: list[tuple[str, list[float | None]]] = [
    ("e", [1.0, 2.0, None]),
    ("100 * e / i", [25.0, None, None]),
    ("e + i - 1", [4.0, 1.0, None]),
    ("-e ^ 2", [-1.0, -4.0, None]),
    ("FILL(e, 0) / 2", [0.5, 1.0, 0.0]),
    ("FILL(e, REPEAT)", [1.0, 2.0, 2.0]),
    ("SUM(METRICS())", [5.0, 2.0, 2.0]),
    ("MAX([e, i])", [4.0, 2.0, 2.0]),
    ("AVG(i)", [2.0, 2.0, 2.0]),
    ("IF(i > 1, e, 9)", [1.0, 9.0, None]),
    ("7", [7.0, 7.0, 7.0]),
]


@pytest.mark.parametrize(("expression", "values"), MATH)
def test_metric_math_is(expression: str, values: list[float | None]) -> None:
    assert evaluate(expression, SERIES, 3) == values


@pytest.mark.parametrize(
    "expression",
    ["", "x", "e +", "ANOMALY_DETECTION_BAND(e)", "__import__('os')", "e.real", "1" * 2000],
)
def test_what_is_no_metric_math_is_refused(expression: str) -> None:
    with pytest.raises(MathError):
        evaluate(expression, SERIES, 3)


STATES = {"a": "ALARM", "b c": "OK", "d": "INSUFFICIENT_DATA"}
RULES = {
    "ALARM(a)": True,
    'ALARM("a") AND OK("b c")': True,
    "ALARM(a) AND NOT OK(b c)": False,
    "NOT ALARM(a) OR INSUFFICIENT_DATA(d)": True,
    "ALARM(none) OR (TRUE AND ALARM(a))": True,
    "OK(a) OR FALSE": False,
    "ALARM(a": None,
    "ALARM(a) ALARM(a)": None,
    "AND": None,
    "": None,
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_alarms_holds(rule: str) -> None:
    assert holds(rule, STATES) is RULES[rule]


# ---- on the clock

FAILS = "def handler(event, context):\n    if event:\n        raise ValueError(event)\n"
HEARS = "import json\ndef handler(event, context):\n    print('heard', json.dumps(event))\n"


class Stage:
    """A lab of its own, with a function ``worker`` that fails and ``listener`` that hears."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.lam, self.cloudwatch = lab.client("lambda"), lab.client("cloudwatch")
        self.account = lab.account
        for name, code in (("worker", FAILS), ("listener", HEARS)):
            self.lam.create_function(
                FunctionName=name,
                Runtime=RUNTIME,
                Handler="app.handler",
                Role=lab.role(),
                Code={"ZipFile": lab.zip({"app.py": code})},
            )
            wait_until_settled(self.lam, name)
        self.listener = f"arn:aws:lambda:us-east-1:{lab.account}:function:listener"

        self.to_a_minute(20)

    def to_a_minute(self, gone: int) -> None:
        """What belongs together shall be in one minute: wait for the next where much is gone."""
        now = self.lab.clock.now().second
        if now > gone:
            self.lab.clock.advance(seconds=61 - now)

    def alarm(self, name: str = "errors", **settings: Any) -> None:
        """An alarm of the worker's errors: one in a minute is too many."""
        given = {
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": "worker"}],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        }
        self.cloudwatch.put_metric_alarm(AlarmName=name, **{**given, **settings})

    def run(self, *, fails: int = 0, succeeds: int = 0) -> None:
        self.to_a_minute(40)
        for number in range(fails + succeeds):
            self.lam.invoke(FunctionName="worker", Payload=json.dumps(number < fails))

    def state(self, name: str = "errors") -> str:
        found = self.cloudwatch.describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        (alarm,) = [*found["MetricAlarms"], *found["CompositeAlarms"]]
        return str(alarm["StateValue"])

    def wind(self, minutes: float = 1) -> None:
        """To the end of a minute, and past the look at it."""
        self.lab.clock.advance(minutes=minutes, seconds=2)

    def allow(self, principal: str) -> None:
        self.lam.add_permission(
            FunctionName="listener",
            StatementId=principal.partition(".")[0],
            Action="lambda:InvokeFunction",
            Principal=principal,
        )

    def heard(self) -> list[Any]:
        self.lab.clock.run_until_idle()
        lines = self.lab.tail("listener", 1000).lines
        return [json.loads(line[6:]) for line in lines if line.startswith("heard ")]


@pytest.fixture(scope="module")
def own_lab(start_lab: StartLab) -> Iterator[Lab]:
    """A lab whose clock is wound."""
    with start_lab() as lab:
        yield lab


@pytest.fixture
def stage(own_lab: Lab) -> Stage:
    own_lab.reset()
    return Stage(own_lab)


def test_an_alarm_goes_on_and_off_with_its_metric(stage: Stage) -> None:
    stage.alarm()
    assert stage.state() == "INSUFFICIENT_DATA"
    stage.run(fails=1, succeeds=2)
    stage.wind()
    assert stage.state() == "ALARM"
    stage.wind(5)
    assert stage.state() == "OK"
    told = stage.lab.timeline.of("worker").kind("alarm")
    assert [(one.detail["from"], one.detail["to"]) for one in told] == [
        ("INSUFFICIENT_DATA", "ALARM"),
        ("ALARM", "OK"),
    ]


def test_two_of_three_minutes_may_be_wanted(stage: Stage) -> None:
    stage.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    stage.run(fails=1)
    stage.wind()
    assert stage.state() == "OK"
    stage.run(fails=1)
    stage.wind()
    assert stage.state() == "ALARM"


def test_an_alarm_that_is_put_again_keeps_its_state(stage: Stage) -> None:
    stage.alarm()
    stage.run(fails=1)
    stage.wind()
    stage.alarm(Threshold=50)
    assert stage.state() == "ALARM"
    stage.wind(5)
    assert stage.state() == "OK"
    history = stage.cloudwatch.describe_alarm_history(
        AlarmName="errors", HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in history] == [
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        "Alarm updated from ALARM to OK",
    ]


def test_a_rate_of_errors_is_judged_by_metric_math(stage: Stage) -> None:
    def query(name: str, metric: str) -> dict[str, Any]:
        place = [{"Name": "FunctionName", "Value": "worker"}]
        of = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": place}
        stat = {"Metric": of, "Period": 60, "Stat": "Sum"}
        return {"Id": name, "MetricStat": stat, "ReturnData": False}

    rate = {"Id": "rate", "Expression": "100 * errors / runs", "ReturnData": True}
    stage.cloudwatch.put_metric_alarm(
        AlarmName="rate",
        Metrics=[query("errors", "Errors"), query("runs", "Invocations"), rate],
        EvaluationPeriods=1,
        Threshold=40,
        ComparisonOperator="GreaterThanThreshold",
    )
    stage.run(fails=1, succeeds=2)
    stage.wind()
    assert stage.state("rate") == "OK"
    stage.run(fails=2, succeeds=1)
    stage.wind()
    assert stage.state("rate") == "ALARM"


def test_an_alarm_of_alarms_follows_them(stage: Stage) -> None:
    stage.alarm()
    stage.alarm("duration", MetricName="Duration", Statistic="Maximum", Threshold=0)
    rule = "ALARM(errors) AND ALARM(duration)"
    stage.cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule=rule)
    stage.run(succeeds=1)
    stage.wind()
    assert [stage.state(name) for name in ("errors", "duration", "both")] == ["OK", "ALARM", "OK"]
    stage.run(fails=1)
    stage.wind()
    assert stage.state("both") == "ALARM"


def test_a_topic_a_function_and_the_bus_hear_of_it(stage: Stage) -> None:
    sns, events = stage.lab.client("sns"), stage.lab.client("events")
    topic = sns.create_topic(Name="oncall")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=stage.listener)
    pattern = {"source": ["aws.cloudwatch"], "detail": {"state": {"value": ["ALARM"]}}}
    events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="alarms", Targets=[{"Id": "1", "Arn": stage.listener}])
    for service in ("sns", "events", "lambda.alarms.cloudwatch"):
        stage.allow(f"{service}.amazonaws.com")
    stage.alarm(AlarmActions=[topic, stage.listener], OKActions=[topic])
    stage.run(fails=1)
    stage.wind()
    heard = stage.heard()
    by_topic = next(
        json.loads(one["Records"][0]["Sns"]["Message"]) for one in heard if "Records" in one
    )
    by_bus = next(one for one in heard if "detail" in one)
    by_itself = next(one for one in heard if "alarmData" in one)
    assert len(heard) == 3
    assert (by_topic["NewStateValue"], by_topic["OldStateValue"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert by_topic["Trigger"]["MetricName"] == "Errors"
    assert by_bus["detail-type"] == "CloudWatch Alarm State Change"
    assert by_bus["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert by_itself["alarmData"]["state"]["value"] == "ALARM"
    stage.wind(5)
    (back,) = stage.heard()[3:]
    assert json.loads(back["Records"][0]["Sns"]["Message"])["NewStateValue"] == "OK"


def test_a_function_that_does_not_let_cloudwatch_call_it_is_not_called(stage: Stage) -> None:
    stage.alarm(AlarmActions=[stage.listener, "arn:aws:automate:us-east-1:ec2:stop"])
    stage.run(fails=1)
    stage.wind()
    assert stage.heard() == []
    (refused,) = stage.lab.timeline.of("listener").kind("refused")
    assert "lambda.alarms.cloudwatch.amazonaws.com" in refused.detail["reason"]
    items = stage.cloudwatch.describe_alarm_history(HistoryItemType="Action")["AlarmHistoryItems"]
    assert all(item["HistorySummary"].startswith("Failed to execute action") for item in items)
    assert len(items) == 2


def test_actions_can_be_switched_off(stage: Stage) -> None:
    stage.allow("lambda.alarms.cloudwatch.amazonaws.com")
    stage.alarm(AlarmActions=[stage.listener], ActionsEnabled=False)
    stage.run(fails=1)
    stage.wind()
    assert (stage.state(), stage.heard()) == ("ALARM", [])


def test_a_state_that_is_set_by_hand_does_the_actions_too(stage: Stage) -> None:
    stage.allow("lambda.alarms.cloudwatch.amazonaws.com")
    stage.alarm(AlarmActions=[stage.listener])
    stage.cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a drill")
    (event,) = stage.heard()
    assert event["alarmData"]["state"]["reason"] == "a drill"


def test_no_alarm_survives_a_reset(stage: Stage) -> None:
    stage.alarm()
    stage.lab.reset()
    stage.lab.clock.advance(minutes=2)
    assert stage.lab.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


@pytest.mark.parametrize("treatment", ["missing", "breaching"])
def test_alarms_of_dynamodb_ignore_missing_data_whatever_they_say(
    stage: Stage, treatment: str
) -> None:
    settings = {"Dimensions": [], "MetricName": "ThrottledRequests", "TreatMissingData": treatment}
    stage.alarm("table", Namespace="AWS/DynamoDB", **settings)
    stage.alarm("other", Namespace="Shop", **settings)
    stage.cloudwatch.set_alarm_state(AlarmName="table", StateValue="OK", StateReason="test")
    stage.cloudwatch.set_alarm_state(AlarmName="other", StateValue="OK", StateReason="test")
    stage.wind(5)
    assert stage.state("table") == "OK"
    assert stage.state("other") != "OK"
