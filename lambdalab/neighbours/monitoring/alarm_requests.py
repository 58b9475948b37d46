"""What is asked of moto's alarms, checked first: moto stores every alarm, and judges none.

A composite alarm is shown where such alarms are asked for, an alarm of no good is refused, and so
is by its name what the lab cannot judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NoReturn

from lambdalab import facts
from lambdalab.neighbours.monitoring.alarm_rules import COMPARISONS
from lambdalab.neighbours.monitoring.composite_alarms import RuleError, named
from lambdalab.neighbours.monitoring.metric_math import MathError, evaluate
from lambdalab.neighbours.monitoring.metric_series import is_statistic
from lambdalab.neighbours.request_checks import violations

__all__ = ["mend"]

_Members = Mapping[str, Any]

_SHORT_PERIODS = (10, 20, 30)
_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86400, 604800
_TREATMENTS = ("breaching", "notBreaching", "ignore", "missing")
_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
# Members that change when an alarm goes off, and that nothing here acts on.
_NOT_HERE = {
    "PutMetricAlarm": (
        "ThresholdMetricId",
        "EvaluationWindow",
        "EvaluationCriteria",
        "EvaluationInterval",
    ),
    "PutCompositeAlarm": ("ActionsSuppressor",),
}
_BOTH = {"PutMetricAlarm": "put_metric_alarm", "PutCompositeAlarm": "put_composite_alarm"}
_MORE = {"PutMetricData": "put_metric_data", "DeleteAlarms": "delete_alarms"}


def mend(handler: Any) -> None:
    """Let a class of moto's check requests first."""
    for operation, method in (_BOTH | _MORE).items():
        setattr(handler, method, _checking(getattr(handler, method), operation))
    handler.describe_alarms = _by_type(handler.describe_alarms)


def _checking(original: Callable[..., Any], operation: str) -> Callable[..., Any]:
    @wraps(original)
    def act(self: Any) -> Any:
        given = self._get_params()
        found = violations("cloudwatch", operation, given)
        if found:
            kind = "one" if len(found) == 1 else "several"
            words = facts.message(f"validation.{kind}")
            more = {"failure": found[0]} if kind == "one" else _several(found)
            _raise("ValidationError", words.format(**more))
        for name in _NOT_HERE.get(operation, ()):
            if given.get(name) is not None:
                _refuse("alarm.not-in-the-lab", what=name)
        _CHECKS[operation](self, given)
        return original(self)

    return act


def _several(found: list[str]) -> dict[str, object]:
    return {"count": len(found), "failures": "; ".join(found)}


def _check_metric_alarm(_: Any, given: _Members) -> None:
    if given["ComparisonOperator"] not in COMPARISONS:
        _refuse("alarm.not-in-the-lab", what=given["ComparisonOperator"])
    if given.get("Threshold") is None:
        _refuse("alarm.missing", name="Threshold")
    if int(given.get("DatapointsToAlarm") or 1) > int(given["EvaluationPeriods"]):
        _refuse("alarm.too-many-points")
    treatment = given.get("TreatMissingData") or "missing"
    if treatment not in _TREATMENTS:
        _refuse("alarm.treatment", value=treatment)
    if given.get("Metrics"):
        _check_queries(given["Metrics"])
    else:
        _check_one_metric(given)
    _check_actions(given)


def _check_one_metric(given: _Members) -> None:
    for name in ("MetricName", "Namespace", "Period"):
        if given.get(name) is None:
            _refuse("alarm.missing", name=name)
    if bool(given.get("Statistic")) == bool(given.get("ExtendedStatistic")):
        _refuse("alarm.two-statistics")
    _check_statistic(given.get("Statistic") or given["ExtendedStatistic"])
    if given.get("Statistic") and given.get("EvaluateLowSampleCountPercentile"):
        _refuse("alarm.low-samples", name=given["Statistic"])
    period = int(given["Period"])
    _check_period(period)
    window = period * int(given["EvaluationPeriods"])
    if period < _HOUR and window > _DAY:
        _refuse("alarm.day", bound=f"<= {_DAY}")
    if window > _WEEK:
        _refuse("alarm.week", bound=f"<= {_WEEK}", **{"from": f">= {_HOUR}"})


def _check_queries(queries: list[_Members]) -> None:
    """Every expression must be one that the lab can reckon."""
    known: dict[str, list[float | None]] = {}
    for one in queries:
        if one.get("MetricStat"):
            _check_statistic(one["MetricStat"]["Stat"])
            _check_period(int(one["MetricStat"]["Period"]))
            known[one["Id"]] = [1.0]
    for one in queries:
        if one.get("Expression"):
            try:
                known[one["Id"]] = evaluate(one["Expression"], known, 1)
            except MathError as error:
                _refuse("metric.expression", name=one["Id"], reason=error)


def _check_statistic(name: str) -> None:
    if not is_statistic(name):
        _refuse("alarm.not-in-the-lab", what=f"the statistic {name}")


def _check_period(period: int) -> None:
    if period not in _SHORT_PERIODS and (period % _MINUTE or not period):
        _refuse("alarm.period")


def _check_actions(given: _Members) -> None:
    for arn in (one for name in _ACTIONS for one in given.get(name) or []):
        if not arn.startswith("arn:"):
            _refuse("alarm.action", arn=arn)


def _check_composite_alarm(self: Any, given: _Members) -> None:
    rule = given["AlarmRule"]
    if rule != rule.strip():
        _refuse("alarm.rule-blank")
    try:
        names = named(rule)
    except RuleError as error:
        _raise("ValidationError", str(error))
    backend = self.cloudwatch_backend
    here = f"arn:aws:cloudwatch:{backend.region_name}:{backend.account_id}:alarm:"
    arns = [name if name.startswith("arn:") else here + name for name in names]
    for arn in arns:
        region, account = (arn.split(":") + [""] * 5)[3:5]
        if region != backend.region_name:
            _refuse("alarm.rule-region", found=region, expected=backend.region_name)
        if account != backend.account_id:
            _refuse("alarm.rule-account")
    if here + given["AlarmName"] in arns:
        _refuse("alarm.rule-itself")
    known = {one.alarm_arn for one in backend.alarms.values()}
    unknown = [arn for arn in arns if arn not in known]
    if unknown:
        _refuse("alarm.rule-unknown", names=", ".join(unknown))
    _check_actions(given)


def _check_deletion(self: Any, given: _Members) -> None:
    alarms = self.cloudwatch_backend.alarms
    for name in given["AlarmNames"]:
        called = {name, getattr(alarms.get(name), "alarm_arn", name)}
        rules = (one.rule for one in alarms.values() if one.rule is not None)
        if any(called & set(named(rule)) for rule in rules):
            _refuse("alarm.depended-on", name=name)


def _check_data(_: Any, given: _Members) -> None:
    kinds = ("Value", "Values", "StatisticValues")
    for datum in given["MetricData"]:
        if all(datum.get(kind) is None for kind in kinds):
            _refuse("metric.no-value")


_CHECKS: dict[str, Callable[[Any, _Members], None]] = {
    "PutMetricAlarm": _check_metric_alarm,
    "PutCompositeAlarm": _check_composite_alarm,
    "PutMetricData": _check_data,
    "DeleteAlarms": _check_deletion,
}


def _by_type(original: Callable[..., Any]) -> Callable[..., Any]:
    """Composite alarms are told of only where they are asked for."""
    kinds = {"MetricAlarm": "MetricAlarms", "CompositeAlarm": "CompositeAlarms"}

    @wraps(original)
    def describe_alarms(self: Any) -> Any:
        from moto.core.responses import ActionResult

        found = original(self).result
        wanted = [kinds[one] for one in self._get_param("AlarmTypes") or ["MetricAlarm"]]
        return ActionResult({kind: found[kind] if kind in wanted else [] for kind in found})

    return describe_alarms


def _refuse(name: str, /, **fields: object) -> NoReturn:
    message = facts.message(name)
    _raise(message.code or "", message.format(**fields))


def _raise(code: str, text: str) -> NoReturn:
    from moto.cloudwatch.exceptions import CloudWatchException

    raise CloudWatchException(code, text)
