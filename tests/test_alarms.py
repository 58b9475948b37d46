"""Alarms: what their data points earn, metric math, alarms of alarms, and actions on the clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config

from lambdalab import Lab
from lambdalab.neighbours.monitoring.alarm_rules import Point, Rule, judge
from lambdalab.neighbours.monitoring.composite_alarms import RuleError, holds, named
from lambdalab.neighbours.monitoring.metric_math import MathError, evaluate
from tests.conftest import StartLab, wait_until_settled
from tests.engine import RUNTIME, refusal

# The tables of AWS's guide on missing data: five periods, the oldest first, X beyond the threshold,
# 0 not, - missing; then the state for each treatment. None: the alarm keeps its state.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
# What stands behind the tables there is what the guide says of transitions that come too early.
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
ALL = ("ALARM",) * 4
NONE = ("OK",) * 4
EXAMPLES = [
    (3, "0 - X - X", NONE),
    (3, "0 - - - -", NONE),
    (3, "- - - - -", ("INSUFFICIENT_DATA", None, "ALARM", "OK")),
    (3, "0 X X - X", ALL),
    (3, "- - X - -", ("ALARM", None, "ALARM", "OK")),
    (2, "0 - X - X", ALL),
    (2, "0 0 X 0 X", ALL),
    (2, "0 - X - -", ("OK", "OK", "ALARM", "OK")),
    (2, "- - - - 0", ("OK", "OK", "ALARM", "OK")),
    (2, "- - - X -", ("ALARM", None, "ALARM", "OK")),
    (3, "- - - - 0", NONE),
    (3, "- - - - X", (None, None, "ALARM", "OK")),
    (3, "- - - X -", (None, None, "ALARM", "OK")),
    (3, "- - - X 0", NONE),
    (3, "- - X - 0", NONE),
]


@pytest.mark.parametrize(("needed", "shown", "states"), EXAMPLES)
def test_missing_data_is_treated_as_the_alarm_says(
    needed: int, shown: str, states: tuple[str | None, ...]
) -> None:
    values = {"X": 5.0, "0": 0.0, "-": None}
    points = [Point(60.0 * n, values[sign]) for n, sign in enumerate(shown.split())][::-1]
    for treatment, state in zip(TREATMENTS, states, strict=True):
        rule = Rule("GreaterThanThreshold", 1.0, 3, needed, treatment)
        verdict = judge(rule, points)
        assert (verdict and verdict.state) == state, treatment


# What AWS says for one (in brackets: of the last) to three periods: treatment, whether the alarm
# says how many are needed of how many, its data points, the oldest first, and the words.
# https://github.com/localstack/localstack/blob/main/tests/aws/services/cloudwatch/test_cloudwatch.snapshot.json
# and messages of alarms that their owners have published.
REASONS: list[tuple[str, tuple[int, int] | int, list[float | None], str]] = [
    ("missing", 1, [3.0],
     "Threshold Crossed: 1 datapoint [3.0 (18/11/26 11:05:00)] was greater than or equal to the "
     "threshold (2.0)."),
    ("missing", (1, 1), [3.0],
     "Threshold Crossed: 1 out of the last 1 datapoints [3.0 (18/11/26 11:05:00)] was greater than "
     "or equal to the threshold (2.0) (minimum 1 datapoint for OK -> ALARM transition)."),
    ("missing", (2, 2), [3.0, 4.5],
     "Threshold Crossed: 2 out of the last 2 datapoints [4.5 (18/11/26 11:06:00), 3.0 (18/11/26 "
     "11:05:00)] were greater than or equal to the threshold (2.0) (minimum 2 datapoints for OK -> "
     "ALARM transition)."),
    ("missing", (1, 1), [1.5],
     "Threshold Crossed: 1 out of the last 1 datapoints [1.5 (18/11/26 11:05:00)] was not greater "
     "than or equal to the threshold (2.0) (minimum 1 datapoint for ALARM -> OK transition)."),
    ("missing", 2, [None, 0.0],
     "Threshold Crossed: 1 datapoint [0.0 (18/11/26 11:06:00)] was not greater than or equal to "
     "the threshold (2.0)."),
    ("breaching", 2, [None, None],
     "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were "
     "treated as [Breaching]."),
    ("notBreaching", 1, [None],
     "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
     "treated as [NonBreaching]."),
    ("breaching", 2, [0.0, None],
     "Threshold Crossed: 1 datapoint [0.0 (18/11/26 11:05:00)] was not greater than or equal to "
     "the threshold (2.0) and 1 missing datapoint was treated as [Breaching]."),
    ("notBreaching", (1, 3), [None, None, 613.0],
     "Threshold Crossed: 1 out of the last 3 datapoints [613.0 (18/11/26 11:07:00)] was greater "
     "than or equal to the threshold (2.0) and 2 missing datapoints were treated as [NonBreaching] "
     "(minimum 1 datapoint for OK -> ALARM transition)."),
    ("breaching", (2, 3), [None, None, 0.0],
     "Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were "
     "treated as [Breaching]."),
    ("missing", 1, [None], "Insufficient Data: 1 datapoint was unknown."),
    ("missing", 3, [None] * 3, "Insufficient Data: 3 datapoints were unknown."),
]  # fmt: skip


@pytest.mark.parametrize(("missing", "wanted", "values", "words"), REASONS)
def test_the_reason_has_the_words_of_aws(
    missing: str, wanted: tuple[int, int] | int, values: list[float | None], words: str
) -> None:
    needed, periods = wanted if isinstance(wanted, tuple) else (wanted, wanted)
    of_last = isinstance(wanted, tuple)
    rule = Rule("GreaterThanOrEqualToThreshold", 2.0, periods, needed, missing, of_last)
    points = [Point(1_794_999_900.0 + 60 * at, value) for at, value in enumerate(values)]
    verdict = judge(rule, points[::-1])
    assert verdict is not None
    assert verdict.reason == words


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
    'ALARM(a) AND NOT OK("b c")': False,
    "ALARM(a) AND NOT OK(b c)": None,
    "NOT ALARM(a) OR INSUFFICIENT_DATA(d)": True,
    "ALARM(none) OR (TRUE AND ALARM(a))": True,
    "ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:e) OR FALSE": False,
    "OK(a) OR FALSE": False,
    'AT_LEAST(2, ALARM, (a, a, "b c"))': True,
    'AT_LEAST(67%, ALARM, (a, a, "b c"))': False,
    'NOT AT_LEAST(1, NOT ALARM, (a, "b c"))': False,
    "ALARM(a": None,
    "ALARM(a) ALARM(a)": None,
    "AND": None,
    "": None,
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_alarms_holds(rule: str) -> None:
    assert holds(rule, STATES) is RULES[rule]


OPERAND = "must be: '(', 'NOT', AT_LEAST, TRUE or FALSE, ALARM, OK, or INSUFFICIENT_DATA"
COUNT = "must be: NUMBER, PERCENTAGE NUMBER"
MORE = "must be: <EOF>, 'AND', 'OR'"
# As AWS answered: testdata/aws/cloudwatch/alarm_composites.json of radkawar/stackd.
BAD_RULES = {
    "true": f"Unsupported token 'true' at char 0, {OPERAND}",
    "not TRUE": f"Unsupported token 'not' at char 0, {OPERAND}",
    "!TRUE": f"Unsupported token '!TRUE' at char 0, {OPERAND}",
    "alarm(a)": f"Unsupported token 'alarm' at char 0, {OPERAND}",
    "UNKNOWN(a)": f"Unsupported token 'UNKNOWN' at char 0, {OPERAND}",
    "TRUE and FALSE": f"Unsupported token 'and' at char 5, {MORE}",
    "TRUE && FALSE": f"Unsupported token '&&' at char 5, {MORE}",
    "TRUE FALSE": "Unsupported token 'FALSE' at char 5, must be: <EOF>",
    "TRUE junk": "Unsupported token 'junk' at char 5, must be: <EOF>",
    "ALARM(an alarm with spaces)": "Unsupported token 'alarm' at char 9, must be: ')'",
    "AT_LEAST(-1, ALARM, (a,b))": f"Unsupported token '-1' at char 9, {COUNT}",
    "AT_LEAST(50.5%, ALARM, (a,b))": f"Unsupported token '50.5%' at char 9, {COUNT}",
    "AT_LEAST(1, BOGUS, (a,b))": (
        "Unsupported token 'BOGUS' at char 12, must be: 'NOT', ALARM, OK, or INSUFFICIENT_DATA"
    ),
    "AT_LEAST(3, ALARM, (a,b))": (
        "AT_LEAST absolute threshold must be between 1 and number of alarms (2)"
    ),
    "AT_LEAST(0%, ALARM, (a,b))": "AT_LEAST percentage threshold must be between 1 and 100",
}


@pytest.mark.parametrize("rule", BAD_RULES)
def test_what_is_no_rule_is_refused_with_its_place(rule: str) -> None:
    with pytest.raises(RuleError) as refused:
        named(rule)
    assert str(refused.value) == f"Error in AlarmRule [{BAD_RULES[rule]}]"


# ---- on the clock

FAILS = "def handler(event, context):\n    if event:\n        raise ValueError(event)\n"
HEARS = "import json\ndef handler(event, context):\n    print('heard', json.dumps(event))\n"


def settings_of(changes: dict[str, Any]) -> dict[str, Any]:
    """An alarm of the worker's errors, with changes; None leaves a setting out."""
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
    } | changes
    return {name: value for name, value in given.items() if value is not None}


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
        self.cloudwatch.put_metric_alarm(AlarmName=name, **settings_of(settings))

    def arn(self, name: str) -> str:
        return f"arn:aws:cloudwatch:us-east-1:{self.account}:alarm:{name}"

    def run(self, *, fails: int = 0, succeeds: int = 0) -> None:
        self.to_a_minute(40)
        for number in range(fails + succeeds):
            self.lam.invoke(FunctionName="worker", Payload=json.dumps(number < fails))

    def state(self, name: str = "errors") -> str:
        return str(self.told(name)["StateValue"])

    def told(self, name: str = "errors") -> dict[str, Any]:
        found = self.cloudwatch.describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        (alarm,) = [*found["MetricAlarms"], *found["CompositeAlarms"]]
        return dict(alarm)

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
    told = stage.told("rate")
    assert told["StateValue"] == "ALARM"
    assert "statistic" not in json.loads(told["StateReasonData"])


def test_an_alarm_of_alarms_follows_them(stage: Stage) -> None:
    stage.alarm()
    stage.alarm("duration", MetricName="Duration", Statistic="Maximum", Threshold=0)
    rule = "ALARM(errors) AND ALARM(duration)"
    stage.cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule=rule)
    assert stage.told("both")["StateReason"] == (
        f"{stage.arn('both')} was created and its alarm rule evaluates to OK"
    )
    stage.run(succeeds=1)
    stage.wind()
    assert [stage.state(name) for name in ("errors", "duration", "both")] == ["OK", "ALARM", "OK"]
    stage.run(fails=1)
    stage.wind()
    both, last = stage.told("both"), stage.told("errors")
    assert both["StateValue"] == "ALARM"
    when = f"{last['StateUpdatedTimestamp']:%A %d %B, %Y %H:%M:%S} UTC"
    assert both["StateReason"] == f"{stage.arn('errors')} transitioned to ALARM at {when}"
    (cause,) = json.loads(both["StateReasonData"])["triggeringAlarms"]
    assert (cause["arn"], cause["state"]["value"]) == (stage.arn("errors"), "ALARM")


def test_an_alarm_of_alarms_hears_at_once(stage: Stage) -> None:
    stage.alarm()
    stage.cloudwatch.put_composite_alarm(AlarmName="any", AlarmRule='ALARM("errors") OR FALSE')
    stage.cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a drill")
    assert stage.state("any") == "ALARM"
    found = stage.cloudwatch.describe_alarms()
    assert [len(found[kind]) for kind in ("MetricAlarms", "CompositeAlarms")] == [1, 0]


def test_long_periods_move_on_with_every_minute(stage: Stage) -> None:
    # At the end of minute 6 an alarm of five minutes is judged by minutes 2 to 6.
    stage.alarm(Period=300, EvaluationPeriods=1, Threshold=2)
    stage.run(fails=1)
    stage.wind()
    assert stage.state() == "OK"
    stage.run(fails=1)
    stage.wind()
    assert stage.state() == "ALARM"
    stage.wind(4)
    assert stage.state() == "OK"


def test_short_periods_are_judged_within_the_minute(stage: Stage) -> None:
    settings = {"Dimensions": [], "Namespace": "Shop", "MetricName": "queue"}
    stage.alarm(Period=10, **settings)
    datum = {"MetricName": "queue", "Value": 5, "StorageResolution": 1}
    stage.cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum])
    stage.lab.clock.advance(seconds=12)
    assert stage.state() == "ALARM"
    # It stays so for as long as the value is in reach of the judgement.
    stage.lab.clock.advance(seconds=30)
    assert stage.state() == "OK"


def test_only_values_of_its_unit_count_for_an_alarm(stage: Stage) -> None:
    settings = {"Dimensions": [], "Namespace": "Shop", "MetricName": "size"}
    stage.alarm(Unit="Kilobytes", **settings)
    for unit, value in (("Bytes", 5000), ("Kilobytes", 0)):
        datum = {"MetricName": "size", "Value": value, "Unit": unit}
        stage.cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum])
    stage.wind()
    told = stage.told()
    assert told["StateValue"] == "OK"
    assert json.loads(told["StateReasonData"])["recentDatapoints"] == [0.0]


def test_a_percentile_of_few_values_may_be_ignored(stage: Stage) -> None:
    for name, choice in (("taken", "evaluate"), ("left", "ignore")):
        stage.alarm(
            name, MetricName="Duration", ExtendedStatistic="p90", Threshold=0,
            EvaluateLowSampleCountPercentile=choice, Statistic=None,
        )  # fmt: skip
    stage.run(succeeds=1)
    stage.wind()
    assert [stage.state(name) for name in ("taken", "left")] == ["ALARM", "INSUFFICIENT_DATA"]


def test_an_alarm_tells_what_its_state_is_founded_on(stage: Stage) -> None:
    stage.alarm(Unit="Count", EvaluationPeriods=2, DatapointsToAlarm=1)
    fresh = stage.told()
    assert fresh["StateReason"] == "Unchecked: Initial alarm creation"
    assert not {"StateReasonData", "Metrics"} & set(fresh)
    assert "StateTransitionedTimestamp" in fresh
    stage.run(fails=2, succeeds=1)
    stage.wind()
    data = json.loads(stage.told()["StateReasonData"])
    (point,) = data["evaluatedDatapoints"]
    assert point == {"timestamp": data["startDate"], "sampleCount": 3.0, "value": 2.0}
    assert data["recentDatapoints"] == [2.0]
    assert list(data) == [
        "version", "queryDate", "startDate", "unit", "statistic", "period", "recentDatapoints",
        "threshold", "evaluatedDatapoints",
    ]  # fmt: skip


# Of an alarm that is otherwise good: what makes it bad, the code, and words of the refusal.
BAD_ALARMS: list[tuple[dict[str, Any], str, str]] = [
    ({"Period": 45}, "ValidationError", "Period must be"),
    ({"EvaluationPeriods": 1441}, "ValidationError",
     "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <="),
    ({"EvaluationPeriods": 8, "Period": 86400}, "ValidationError",
     "(EvaluationPeriods * Period must be <= 604800) for alarms using period >= 3600"),
    ({"EvaluateLowSampleCountPercentile": "ignore"}, "ValidationError",
     "Option evaluateLowSampleCountPercentile can not be applied with statistic Sum."),
    ({"EvaluationPeriods": 0}, "ValidationError", "greater than or equal to 1"),
    ({"DatapointsToAlarm": 2}, "ValidationError",
     "DatapointsToAlarm must be less than or equal to EvaluationPeriods"),
    ({"TreatMissingData": "good"}, "ValidationError", "TreatMissingData"),
    ({"ComparisonOperator": "Is"}, "ValidationError", "at 'comparisonOperator' failed"),
    ({"Statistic": "Mode"}, "ValidationError", "at 'statistic' failed"),
    ({"ExtendedStatistic": "p9"}, "InvalidParameterCombination", ""),
    ({"Statistic": None}, "InvalidParameterCombination", ""),
    ({"MetricName": None}, "ValidationError", "MetricName"),
    ({"Threshold": None}, "ValidationError", "Threshold"),
    ({"AlarmActions": ["listener"]}, "ValidationError", "Invalid arn syntax: listener"),
    ({"Statistic": None, "ExtendedStatistic": "tm90"}, "NotImplementedException", "tm90"),
    ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "NotImplementedException", "Upper"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "words"), BAD_ALARMS)
def test_an_alarm_of_no_good_is_refused(
    own_lab: Lab, changes: dict[str, Any], code: str, words: str
) -> None:
    client = own_lab.client("cloudwatch", config=Config(parameter_validation=False))
    said = refusal(client.put_metric_alarm, AlarmName="bad", **settings_of(changes))
    assert said.code == code
    assert words in said.message
    assert client.describe_alarms(AlarmNames=["bad"])["MetricAlarms"] == []


def test_an_alarm_of_alarms_that_do_not_exist_is_refused(own_lab: Lab) -> None:
    client = own_lab.client("cloudwatch")
    here = f"arn:aws:cloudwatch:{own_lab.region}:{own_lab.account}:alarm"
    for rule, words in {
        "ALARM(gone) OR OK(lost)": (
            f"Could not save the composite alarm as alarms [{here}:gone, {here}:lost] in the alarm "
            "rule do not exist"
        ),
        f"ALARM({here.replace(own_lab.account, '1' * 12)}:x)": (
            "A composite alarm cannot have a child relation with alarms from another AWS account"
        ),
        f"ALARM({here.replace(own_lab.region, 'xx-west-9')}:x)": (
            "Error in AlarmRule [Wrong ARN region, it was xx-west-9 but "
            f"{own_lab.region} was expected instead]"
        ),
        "ALARM(c)": (
            "A composite alarm cannot have a child relation with itself via its AlarmRule, as it "
            "would introduce a circular dependency"
        ),
    }.items():
        said = refusal(client.put_composite_alarm, AlarmName="c", AlarmRule=rule)
        assert (said.code, said.message) == ("ValidationError", words)
    said = refusal(client.put_composite_alarm, AlarmName="c", AlarmRule=" TRUE")
    assert said.message == "AlarmRule must not contain leading or trailing whitespace or be null"


def test_an_alarm_that_others_depend_on_stays(own_lab: Lab) -> None:
    """As AWS answered: testdata/aws/cloudwatch/alarm_composites.json of radkawar/stackd."""
    client = own_lab.client("cloudwatch")
    for name in ("a", "b"):
        client.put_metric_alarm(
            AlarmName=name, Namespace="n", MetricName="m", Statistic="Sum", Period=60,
            EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="ignore",
        )  # fmt: skip
    client.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="first")
    client.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="second")
    (alarm,) = client.describe_alarms(AlarmNames=["a"])["MetricAlarms"]
    assert alarm["StateReason"] == "first"

    def told(rule: str) -> tuple[str, str]:
        client.put_composite_alarm(AlarmName="both", AlarmRule=rule)
        listed = client.describe_alarms(AlarmNames=["both"], AlarmTypes=["CompositeAlarm"])
        (found,) = listed["CompositeAlarms"]
        return found["StateValue"], found["StateReason"].partition(" ")[2]

    assert told('AT_LEAST(2, ALARM, ("a","a","b"))') == (
        "ALARM", "was created and its alarm rule evaluates to ALARM",
    )  # fmt: skip
    assert told('AT_LEAST(67%, ALARM, ("a","a","b"))') == (
        "OK", "was updated and its new alarm rule evaluates to OK",
    )  # fmt: skip
    assert told("AT_LEAST(50%, NOT ALARM, (a,b))")[0] == "ALARM"
    said = refusal(client.delete_alarms, AlarmNames=["a", "both"])
    assert said.message == "Cannot delete a as there are composite alarm(s) depending on it."
    client.delete_alarms(AlarmNames=["both"])
    client.delete_alarms(AlarmNames=["a", "b"])


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
    assert by_topic["Trigger"] == {
        "MetricName": "Errors", "Namespace": "AWS/Lambda", "StatisticType": "Statistic",
        "Statistic": "SUM", "Unit": None, "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
        "Dimensions": [{"value": "worker", "name": "FunctionName"}],
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching", "EvaluateLowSampleCountPercentile": "",
    }  # fmt: skip
    assert by_bus["detail-type"] == "CloudWatch Alarm State Change"
    assert by_bus["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    data = by_itself["alarmData"]
    assert data["state"] | {"timestamp": "", "reasonData": ""} == {
        "value": "ALARM", "reason": stage.told()["StateReason"], "timestamp": "", "reasonData": "",
    }  # fmt: skip
    assert data["previousState"]["reason"] == "Unchecked: Initial alarm creation"
    assert set(data["previousState"]) == {"value", "reason", "timestamp"}
    assert "description" not in data["configuration"]
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
