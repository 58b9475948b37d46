"""All metrics that Lambda writes into CloudWatch, with what a function's are in the lab.

Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html and
https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from lambdalab.lab.tables import html_table, text_table

__all__ = ["METRICS", "Metric", "MetricsTable", "metrics_table"]

_HOURS = 6
_PERIOD = 86_400


class Metric(NamedTuple):
    """A metric of the namespace AWS/Lambda: the statistic that tells most, and what it counts."""

    name: str
    group: str
    statistic: str
    meaning: str


_RUN, _TIME, _AT_ONCE = "invocation", "performance", "concurrency"
_ASYNC, _MAPPING, _URL = "asynchronous", "event source mapping", "function URL"
METRICS = (
    Metric("Invocations", _RUN, "Sum", "runs of your code, failed ones too"),
    Metric("Errors", _RUN, "Sum", "runs that ended in a function error, timeouts too"),
    Metric("Throttles", _RUN, "Sum", "requests that were refused; neither invocations nor errors"),
    Metric("DeadLetterErrors", _RUN, "Sum", "events that a dead-letter queue did not take"),
    Metric("DestinationDeliveryFailures", _RUN, "Sum", "records that a destination did not take"),
    Metric("OversizedRecordCount", _RUN, "Sum", "change events that are too large for an event"),
    Metric("RecursiveInvocationsDropped", _RUN, "Sum", "runs that were stopped in a circle"),
    Metric("SignatureValidationErrors", _RUN, "Sum", "deployments that failed a signature check"),
    Metric("ProvisionedConcurrencyInvocations", _RUN, "Sum", "runs on provisioned environments"),
    Metric("ProvisionedConcurrencySpilloverInvocations", _RUN, "Sum", "runs beyond those"),
    Metric("Duration", _TIME, "Average", "milliseconds in the handler; percentiles too"),
    Metric(
        "PostRuntimeExtensionsDuration", _TIME, "Average", "milliseconds of extensions after it"
    ),
    Metric("IteratorAge", _TIME, "Maximum", "milliseconds between a stream's record and its batch"),
    Metric("OffsetLag", _TIME, "Maximum", "records of Kafka that wait"),
    Metric("ConcurrentExecutions", _AT_ONCE, "Maximum", "events in work at once"),
    Metric("UnreservedConcurrentExecutions", _AT_ONCE, "Maximum", "those of unreserved functions"),
    Metric("ProvisionedConcurrentExecutions", _AT_ONCE, "Maximum", "those on provisioned ones"),
    Metric(
        "ProvisionedConcurrencyUtilization", _AT_ONCE, "Maximum", "busy share of provisioned ones"
    ),
    Metric(
        "ClaimedAccountConcurrency", _AT_ONCE, "Maximum", "unreserved, reserved and provisioned"
    ),
    Metric("AsyncEventsReceived", _ASYNC, "Sum", "events that the queue has taken"),
    Metric("AsyncEventAge", _ASYNC, "Maximum", "milliseconds in the queue until an attempt"),
    Metric("AsyncEventsDropped", _ASYNC, "Sum", "events that were given up"),
    Metric("PolledEventCount", _MAPPING, "Sum", "events read"),
    Metric("FilteredOutEventCount", _MAPPING, "Sum", "events that a filter left out"),
    Metric("InvokedEventCount", _MAPPING, "Sum", "events that the function got"),
    Metric("FailedInvokeEventCount", _MAPPING, "Sum", "events of runs that failed"),
    Metric("DroppedEventCount", _MAPPING, "Sum", "events that were given up"),
    Metric(
        "OnFailureDestinationDeliveredEventCount", _MAPPING, "Sum", "events sent to a destination"
    ),
    Metric("DeletedEventCount", _MAPPING, "Sum", "messages that were deleted from their queue"),
    Metric("UrlRequestCount", _URL, "Sum", "requests"),
    Metric("Url4xxCount", _URL, "Sum", "answers that blame the caller"),
    Metric("Url5xxCount", _URL, "Sum", "answers that blame the function"),
    Metric("UrlRequestLatency", _URL, "Average", "milliseconds until the answer"),
)


class MetricsTable:
    """Rows as text and as HTML; ``values`` maps the names of metrics to what was found, or None."""

    def __init__(self, function: str, values: dict[str, float | None]) -> None:
        self.values = values
        self._caption = f"Metrics of {function} in the last hours"
        self._columns = {
            "Metric": [metric.name for metric in METRICS],
            "Of": [metric.group for metric in METRICS],
            "Counts": [metric.meaning for metric in METRICS],
            "Statistic": [metric.statistic for metric in METRICS],
            function: [_shown(values[metric.name]) for metric in METRICS],
        }

    def _repr_html_(self) -> str:
        return html_table(self._columns, self._caption)

    def __repr__(self) -> str:
        return text_table(self._columns)


def metrics_table(lab: Any, function: str) -> MetricsTable:
    """All metrics, and what those of a function were in the last hours.

    Those that stand for the whole account have no value for a function, nor have those of event
    source mappings, whose dimension is the mapping.
    """
    cloudwatch = lab.client("cloudwatch")
    return MetricsTable(
        function, {metric.name: _value(cloudwatch, lab, metric, function) for metric in METRICS}
    )


def _value(cloudwatch: Any, lab: Any, metric: Metric, function: str) -> float | None:
    now = lab.clock.now()
    found = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric.name,
        Dimensions=[{"Name": "FunctionName", "Value": function}],
        StartTime=now - timedelta(hours=_HOURS),
        EndTime=now + timedelta(minutes=1),
        Period=_PERIOD,
        Statistics=[metric.statistic],
    )["Datapoints"]
    return float(found[0][metric.statistic]) if found else None


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,.6g}"
