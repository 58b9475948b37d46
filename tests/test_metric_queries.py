"""What CloudWatch answers about metrics: periods, dimensions, percentiles, metric math."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.learning.watching import METRICS, metrics_table
from tests.engine import invoke, refusal

MakeFunction = Callable[..., str]

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def cloudwatch(lab: Lab) -> Any:
    """A client; five minutes of two metrics lie in the namespace ``shop``."""
    client = lab.client("cloudwatch")
    for minute, values in enumerate([[1.0], [2.0, 4.0], [], [8.0], [16.0]]):
        at = START + timedelta(minutes=minute, seconds=30)
        for place in ([], [{"Name": "country", "Value": "FI"}]):
            data = [
                {"MetricName": "amount", "Value": value, "Timestamp": at, "Dimensions": place}
                for value in values
            ]
            if data:
                client.put_metric_data(Namespace="shop", MetricData=data)
    return client


def statistics(cloudwatch: Any, **changes: Any) -> list[dict[str, Any]]:
    wanted = {
        "Namespace": "shop",
        "MetricName": "amount",
        "StartTime": START,
        "EndTime": START + timedelta(minutes=5),
        "Period": 60,
        "Statistics": ["Sum"],
    }
    found = cloudwatch.get_metric_statistics(**{**wanted, **changes})["Datapoints"]
    return sorted(found, key=lambda point: point["Timestamp"])


def test_periods_begin_with_the_time_that_is_asked_for(cloudwatch: Any) -> None:
    found = statistics(cloudwatch, Period=120)
    assert [(one["Timestamp"].minute, one["Sum"]) for one in found] == [
        (0, 7.0),
        (2, 8.0),
        (4, 16.0),
    ]
    late = statistics(cloudwatch, Period=120, StartTime=START + timedelta(minutes=1, seconds=20))
    assert [(one["Timestamp"].minute, one["Sum"]) for one in late] == [(1, 6.0), (3, 24.0)]


def test_percentiles_are_told_beside_other_statistics(cloudwatch: Any) -> None:
    shares = ["p0", "p50", "p99.9", "p100"]
    (point,) = statistics(cloudwatch, Period=3600, ExtendedStatistics=shares)
    assert point["ExtendedStatistics"] == {"p0": 1.0, "p50": 4.0, "p99.9": 16.0, "p100": 16.0}
    assert (point["Sum"], point["Unit"]) == (31.0, "None")


def test_percentiles_of_a_duration_are_those_of_its_runs(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function("import time\ndef handler(event, context):\n    time.sleep(event)\n")
    for seconds in (0, 0, 0, 0.3):
        invoke(lam, name, seconds)
    now = lab.clock.now()
    (point,) = lab.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Duration",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["Maximum", "Minimum", "SampleCount"],
        ExtendedStatistics=["p1", "p99"],
    )["Datapoints"]
    assert point["SampleCount"] == 4
    assert point["ExtendedStatistics"] == {"p1": point["Minimum"], "p99": point["Maximum"]}
    assert point["Minimum"] < 300 <= point["Maximum"]


def test_a_set_of_values_has_percentiles_only_where_all_are_the_same(cloudwatch: Any) -> None:
    def put(name: str, least: float, most: float) -> None:
        values = {"SampleCount": 4, "Sum": 2 * (least + most), "Minimum": least, "Maximum": most}
        datum = {"MetricName": name, "StatisticValues": values, "Timestamp": START}
        cloudwatch.put_metric_data(Namespace="shop", MetricData=[datum])

    put("same", 3, 3)
    put("mixed", 1, 5)
    (same,) = statistics(cloudwatch, MetricName="same", ExtendedStatistics=["p90"])
    (mixed,) = statistics(cloudwatch, MetricName="mixed", ExtendedStatistics=["p90"])
    assert same["ExtendedStatistics"] == {"p90": 3.0}
    assert (mixed["Sum"], "ExtendedStatistics" in mixed) == (12.0, False)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"ExtendedStatistics": ["tm90"]}, "InvalidParameterValue"),
    ({"EndTime": START}, "InvalidParameterValue"),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED)
def test_statistics_are_refused(cloudwatch: Any, changes: dict[str, Any], code: str) -> None:
    assert refusal(statistics, cloudwatch=cloudwatch, **changes)[:2] == (400, code)


def query(name: str, stat: str = "Sum", **more: Any) -> dict[str, Any]:
    place = more.pop("place", None)
    metric = {"Namespace": "shop", "MetricName": "amount"}
    if place:
        metric |= {"Dimensions": [{"Name": "country", "Value": place}]}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}, **more}


def data(cloudwatch: Any, *queries: dict[str, Any], **more: Any) -> dict[str, list[float]]:
    found = cloudwatch.get_metric_data(
        MetricDataQueries=list(queries),
        StartTime=START,
        EndTime=START + timedelta(minutes=5),
        ScanBy=more.get("order", "TimestampAscending"),
    )["MetricDataResults"]
    return {one["Id"]: one["Values"] for one in found}


def test_a_query_without_dimensions_leaves_out_what_has_some(cloudwatch: Any) -> None:
    both = data(cloudwatch, query("all"), query("fi", place="FI"), query("se", place="SE"))
    assert both == {"all": [1.0, 6.0, 8.0, 16.0], "fi": [1.0, 6.0, 8.0, 16.0], "se": []}
    newest_first = data(cloudwatch, query("all", "p90"), order="TimestampDescending")
    assert newest_first == {"all": [16.0, 8.0, 4.0, 1.0]}


def test_expressions_are_reckoned_period_by_period(cloudwatch: Any) -> None:
    hidden = query("n", "SampleCount", ReturnData=False)
    mean = {"Id": "mean", "Expression": "sum / n", "Label": "mean amount"}
    filled = {"Id": "filled", "Expression": "FILL(sum, 0)"}
    assert data(cloudwatch, query("sum"), hidden, mean, filled) == {
        "sum": [1.0, 6.0, 8.0, 16.0],
        "mean": [1.0, 3.0, 8.0, 16.0],
        "filled": [1.0, 6.0, 0.0, 8.0, 16.0],
    }


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (query("a", "tm90"), "InvalidParameterValue"),
        ({"Id": "e", "Expression": "SEARCH('a', 'Sum')"}, "ValidationError"),
        ({"Id": "e", "Expression": "missing + 1"}, "ValidationError"),
        ({"Id": "e"}, "ValidationError"),
    ],
)
def test_data_are_refused(cloudwatch: Any, asked: dict[str, Any], code: str) -> None:
    given = {
        "MetricDataQueries": [asked],
        "StartTime": START,
        "EndTime": START + timedelta(hours=1),
    }
    assert refusal(cloudwatch.get_metric_data, **given)[:2] == (400, code)
    given |= {"EndTime": START, "MetricDataQueries": [query("a")]}
    assert refusal(cloudwatch.get_metric_data, **given).code == "ValidationError"


# ---- the table of all metrics


def test_the_table_tells_what_a_function_has(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function("def handler(event, context):\n    return 1 / event\n")
    for number in (1, 0):
        invoke(lam, name, number)
    table = metrics_table(lab, name)
    assert (table.values["Invocations"], table.values["Errors"]) == (2.0, 1.0)
    assert table.values["DeadLetterErrors"] is None
    assert len(table.values) == len(METRICS)
    rows = repr(table).splitlines()
    assert rows[1].split() == ["Invocations", "invocation", *METRICS[0].meaning.split(), "Sum", "2"]
    assert "<caption>" in table._repr_html_()


def test_no_metric_stands_twice() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
