"""What CloudWatch holds of a function: its log group and streams, its metrics by the minute."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import ARRIVE, RUNTIME, Gate, invoke, refusal, wait_until

MakeFunction = Callable[..., str]

SAYS = "def handler(event, context):\n    print(event)\n    return event\n"
FAILS = """
import os, time
def handler(event, context):
    if event == "raise":
        raise ValueError
    if event == "exit":
        os._exit(1)
    if event == "sleep":
        time.sleep(30)
"""


# ---- logs


def test_the_first_invocation_makes_the_log_group_and_a_stream(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    logs, name = lab.client("logs"), make_function(SAYS)
    assert logs.describe_log_groups()["logGroups"] == []
    invoke(lam, name, "hello")
    (group,) = logs.describe_log_groups()["logGroups"]
    assert group["logGroupName"] == f"/aws/lambda/{name}"
    (stream,) = logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]
    day = lab.clock.now().strftime("%Y/%m/%d")
    assert stream["logStreamName"].startswith(f"{day}/[$LATEST]")
    events = logs.get_log_events(
        logGroupName=group["logGroupName"],
        logStreamName=stream["logStreamName"],
        startFromHead=True,
    )["events"]
    assert [e["message"].split(" ")[0] for e in events] == [
        *("INIT_START", "START", "hello\n", "END", "REPORT")
    ]
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    assert abs(times[0] / 1000 - datetime.now(UTC).timestamp()) < 30


def test_events_can_be_searched_at_once_and_by_pattern(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    logs, name = lab.client("logs"), make_function(SAYS)
    for number in range(3):  # each is there as soon as its invocation is over
        invoke(lam, name, f"event-{number}")
        found = logs.filter_log_events(
            logGroupName=f"/aws/lambda/{name}", filterPattern=f'"event-{number}"'
        )["events"]
        assert [event["message"] for event in found] == [f"event-{number}\n"]


def test_what_was_written_before_a_timeout_or_a_crash_is_not_lost(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import os, time\ndef handler(event, context):\n    print('written')\n"
        "    time.sleep(30) if event == 'sleep' else os._exit(1)\n",
        Timeout=1,
    )
    for event in ("exit", "sleep"):
        invoke(lam, name, event)
    found = lab.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{name}", filterPattern="written"
    )["events"]
    assert [event["message"] for event in found] == ["written\n"] * 2


def test_a_log_group_that_was_deleted_is_made_again(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    logs, name = lab.client("logs"), make_function(SAYS)
    invoke(lam, name, "one")
    logs.delete_log_group(logGroupName=f"/aws/lambda/{name}")
    invoke(lam, name, "two")
    found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert "two\n" in [event["message"] for event in found]
    assert "one\n" not in [event["message"] for event in found]


def test_nobody_has_to_ask_for_logs_and_metrics_to_be_written(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    # Through the resource API of tags no log or metric is flushed on the way.
    name = make_function(SAYS)
    invoke(lam, name, "hello")
    insights = lab.client("logs")
    query = insights.start_query(
        logGroupName=f"/aws/lambda/{name}",
        startTime=0,
        endTime=2**31,
        queryString="fields @message",
    )["queryId"]
    wait_until(lambda: insights.get_query_results(queryId=query)["status"] == "Complete")
    assert insights.get_query_results(queryId=query)["results"]


# ---- metrics


def metric(lab: Lab, name: str, statistic: str = "Sum", **dimensions: str) -> list[float]:
    """The values of a metric, minute by minute, over the last day and the next."""
    now = lab.clock.now()
    found = lab.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=12),
        EndTime=now + timedelta(hours=1),
        Period=60,
        Statistics=[statistic],
    )["Datapoints"]
    return [point[statistic] for point in sorted(found, key=lambda point: point["Timestamp"])]


def total(lab: Lab, name: str, **dimensions: str) -> float:
    return sum(metric(lab, name, **dimensions))


def test_invocations_errors_and_durations_are_counted(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(FAILS, Timeout=1)
    answers = [invoke(lam, name, event) for event in ("fine", "raise", "exit", "fine", "sleep")]
    assert total(lab, "Invocations", FunctionName=name) == 5
    assert total(lab, "Errors", FunctionName=name) == 3
    assert total(lab, "Throttles", FunctionName=name) == 0
    assert max(metric(lab, "ConcurrentExecutions", "Maximum", FunctionName=name)) == 1
    logged = [float(answer.log.split("Duration: ")[1].split(" ")[0]) for answer in answers]
    assert total(lab, "Duration", FunctionName=name) == pytest.approx(sum(logged), rel=0.01)
    assert max(metric(lab, "Duration", "Maximum", FunctionName=name)) == pytest.approx(
        max(logged), abs=0.01
    )
    assert sum(metric(lab, "Duration", "SampleCount", FunctionName=name)) == 5


def test_metrics_stand_under_the_function_and_the_whole_account(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    one, two = make_function(SAYS), make_function(SAYS)
    for name in (one, two, two):
        invoke(lam, name, 1)
    assert total(lab, "Invocations", FunctionName=one) == 1
    assert total(lab, "Invocations", FunctionName=two) == 2
    assert total(lab, "Invocations") == 3
    listed = lab.client("cloudwatch").list_metrics(Namespace="AWS/Lambda")["Metrics"]
    assert {m["MetricName"] for m in listed} == {
        *("Invocations", "Errors", "Duration", "Throttles", "ConcurrentExecutions"),
        *("UnreservedConcurrentExecutions", "ClaimedAccountConcurrency"),
    }
    dimensions = {tuple((d["Name"], d["Value"]) for d in m["Dimensions"]) for m in listed}
    assert dimensions == {(), (("FunctionName", one),), (("FunctionName", two),)}


def test_a_qualifier_has_metrics_of_its_own(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(SAYS)
    invoke(lam, name, 1)
    invoke(lam, name, 1, Qualifier="$LATEST")
    assert total(lab, "Invocations", FunctionName=name) == 2
    assert total(lab, "Invocations", FunctionName=name, Resource=f"{name}:$LATEST") == 1


def test_a_refused_request_is_no_invocation(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(SAYS)
    assert refusal(lam.invoke, FunctionName=name, Payload=b"{").status == 400
    assert refusal(lam.invoke, FunctionName="nobody").status == 404
    lam.invoke(FunctionName=name, InvocationType="DryRun")
    assert total(lab, "Invocations") == total(lab, "Errors") == 0


def test_concurrency_is_the_most_that_ran_at_once(
    lab: Lab, lam: Any, make_function: MakeFunction, gate: Gate
) -> None:
    name = make_function(ARRIVE + "def handler(gate, context):\n    arrive(gate)\n", Timeout=30)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(invoke, lam, name, gate.port) for _ in range(3)]
        gate.wait_for(3)
        gate.open()
        assert [answer.result().error for answer in running] == [None] * 3
    assert max(metric(lab, "ConcurrentExecutions", "Maximum", FunctionName=name)) == 3


def test_each_minute_of_the_platforms_time_has_its_own_values(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(SAYS)
    for count in (1, 2, 3):
        for _ in range(count):
            invoke(lam, name, 1)
        lab.clock.advance(minutes=10)
    # The second and third may straddle a minute: then a minute's value is split in two.
    values = metric(lab, "Invocations", FunctionName=name)
    assert sum(values) == 6
    assert len(values) >= 3
    sums = list(itertools.accumulate(values))
    assert {1, 3, 6} <= set(sums)


def test_regions_are_apart(lab: Lab, role: str) -> None:
    europe = lab.client("lambda", region_name="eu-west-1")
    europe.create_function(
        FunctionName="there", Runtime=RUNTIME, Role=role, Handler="app.handler",
        Code={"ZipFile": lab.zip({"app.py": SAYS})},
    )  # fmt: skip
    lab.clock.advance(seconds=1)
    invoke(europe, "there", "hello")
    assert lab.client("logs").describe_log_groups()["logGroups"] == []
    found = lab.client("logs", region_name="eu-west-1").describe_log_groups()["logGroups"]
    assert [group["logGroupName"] for group in found] == ["/aws/lambda/there"]
    assert total(lab, "Invocations") == 0
