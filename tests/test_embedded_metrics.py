"""The embedded metric format: log events that become metrics of CloudWatch."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab import Lab
from lambdalab.neighbours.monitoring.embedded_metrics import Datum, read
from tests.engine import invoke

MakeFunction = Callable[..., str]

TIME = 1_795_000_000_000


def event(**changes: Any) -> dict[str, Any]:
    """Two orders of one customer; ``changes`` replace members, or leave them out with None."""
    directive = {
        "Namespace": "shop",
        "Dimensions": [["who"], []],
        "Metrics": [{"Name": "orders", "Unit": "Count"}],
    }
    aws = {"Timestamp": TIME, "CloudWatchMetrics": [directive]}
    whole = {"_aws": aws, "who": "Ada", "orders": 2, "note": "not a metric"} | changes
    return {name: value for name, value in whole.items() if value is not None}


def directive(**changes: Any) -> dict[str, Any]:
    """The member _aws with another directive."""
    first = event()["_aws"]["CloudWatchMetrics"][0]
    return {"Timestamp": TIME, "CloudWatchMetrics": [first | changes]}


def test_each_set_of_dimensions_is_a_metric() -> None:
    assert read(json.dumps(event())) == [
        Datum("shop", "orders", "Count", (("who", "Ada"),), TIME, (2.0,)),
        Datum("shop", "orders", "Count", (), TIME, (2.0,)),
    ]


def test_a_metric_may_have_several_values_and_no_unit() -> None:
    aws = directive(Metrics=[{"Name": "orders"}], Dimensions=[[]])
    (datum,) = read(json.dumps(event(_aws=aws, orders=[1, 2.5])))
    assert (datum.unit, datum.values) == ("None", (1.0, 2.5))


NOTHING = {
    "plain text": "two orders of Ada",
    "no JSON": '{"_aws": ',
    "a list": '["_aws"]',
    "no directive": json.dumps({"_aws": {"Timestamp": TIME}}),
    "a target that is missing": json.dumps(event(orders=None)),
    "a target that is no number": json.dumps(event(orders="two")),
    "a target that is true": json.dumps(event(orders=True)),
    "a dimension that is missing": json.dumps(event(who=None)),
    "a dimension that is an object": json.dumps(event(who={})),
    "too many metrics": json.dumps(
        event(_aws=directive(Metrics=[{"Name": f"m{n}"} for n in range(101)]))
    ),
    "too many dimensions": json.dumps(
        event(_aws=directive(Dimensions=[[f"d{n}" for n in range(31)]]))
    ),
    "too many values": json.dumps(event(orders=[1] * 101)),
    "no time": json.dumps(event(_aws={"CloudWatchMetrics": []})),
}


@pytest.mark.parametrize("what", NOTHING)
def test_an_event_that_is_not_as_specified_carries_nothing(what: str) -> None:
    assert read(NOTHING[what]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["_aws", "CloudWatchMetrics", "Metrics", "Name"]), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_document_is_read(document: Any) -> None:
    assert read(json.dumps({"_aws": document})) == []


CODE = """
import json
def handler(event, context):
    print(json.dumps(event))
"""


def statistics(lab: Lab, metric: str, **dimensions: str) -> dict[str, Any] | None:
    now = lab.clock.now()
    found = lab.client("cloudwatch").get_metric_statistics(
        Namespace="shop",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    return found[0] if found else None


def test_a_function_makes_metrics_by_printing(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(CODE)
    stamp = int(lab.clock.now().timestamp() * 1000)
    for orders in (1, 4):
        invoke(lam, name, event(_aws=directive() | {"Timestamp": stamp}, orders=orders))
    found = statistics(lab, "orders", who="Ada")
    assert found is not None
    assert (found["Sum"], found["SampleCount"], found["Unit"]) == (5.0, 2.0, "Count")
    assert statistics(lab, "orders", who="Grace") is None
    assert statistics(lab, "note") is None


def test_so_does_whoever_puts_log_events(lab: Lab) -> None:
    logs, stamp = lab.client("logs"), int(lab.clock.now().timestamp() * 1000)
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    line = json.dumps(event(_aws=directive() | {"Timestamp": stamp}))
    logs.put_log_events(
        logGroupName="g", logStreamName="s", logEvents=[{"timestamp": stamp, "message": line}]
    )
    found = statistics(lab, "orders")
    assert found is not None
    assert found["Sum"] == 2.0
