"""Provisioned concurrency at work: environments made ahead, spill-over, failure, metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lambdalab import Lab
from tests.conftest import StartLab, wait_until_settled
from tests.engine import ARRIVE, RUNTIME, Gate, invoke, refusal, wait_until

TELLS = """
import os
print("initialized")
def handler(event, context):
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""
# Two minutes to the first environment at most, and a little for the rest.
ALLOCATED = 125


@pytest.fixture(scope="module")
def small(start_lab: StartLab) -> Iterator[Lab]:
    """A lab with five environments; its clock is wound."""
    with start_lab(concurrency=5, unreserved_floor=0) as lab:
        yield lab


@pytest.fixture
def lab(small: Lab) -> Lab:
    small.reset()
    return small


class Function:
    """A published function, and what is provisioned for version 1."""

    def __init__(self, lab: Lab, code: str, **settings: Any) -> None:
        self.lab = lab
        self.lam = lab.client("lambda")
        self.lam.create_function(
            FunctionName="f",
            Runtime=RUNTIME,
            Handler="lambda_function.handler",
            Role=lab.role(),
            Code={"ZipFile": lab.zip({"lambda_function.py": code})},
            **settings,
        )
        wait_until_settled(self.lam, "f")
        self.publish()

    def publish(self) -> str:
        return str(self.lam.publish_version(FunctionName="f")["Version"])

    def change(self, code: str) -> str:
        """Publish another version."""
        archive = self.lab.zip({"lambda_function.py": code})
        self.lam.update_function_code(FunctionName="f", ZipFile=archive)
        wait_until_settled(self.lam, "f")
        return self.publish()

    def provision(self, amount: int, qualifier: str = "1", seconds: float = ALLOCATED) -> None:
        self.lam.put_provisioned_concurrency_config(
            FunctionName="f", Qualifier=qualifier, ProvisionedConcurrentExecutions=amount
        )
        self.lab.clock.advance(seconds=seconds)

    def state(self, qualifier: str = "1") -> tuple[str, int]:
        shown = self.lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier=qualifier)
        return shown["Status"], shown["AllocatedProvisionedConcurrentExecutions"]

    def kind(self, qualifier: str = "1") -> str:
        return str(invoke(self.lam, f"f:{qualifier}").value)


def ends(lab: Lab) -> list[str]:
    return [record.detail["reason"] for record in lab.timeline if record.kind == "end"]


def metric(lab: Lab, name: str, statistic: str = "Sum", **dimensions: str) -> list[float]:
    now = lab.clock.now()
    found = lab.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=name,
        StartTime=now.replace(year=now.year - 1),
        EndTime=now.replace(year=now.year + 1),
        Period=60,
        Statistics=[statistic],
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
    )
    points = sorted(found["Datapoints"], key=lambda point: point["Timestamp"])
    return [point[statistic] for point in points]


def test_environments_are_made_ahead_and_nobody_waits_for_them(lab: Lab) -> None:
    function = Function(lab, TELLS)
    function.provision(2)
    assert function.state() == ("READY", 2)
    inits = [record for record in lab.timeline if record.kind == "init"]
    assert len({record.environment for record in inits}) == 2
    given = invoke(function.lam, "f:1")
    assert given.value == "provisioned-concurrency"
    assert "Init Duration" not in given.log
    run = lab.timeline[-1]
    assert (run.kind, run.detail["cold"]) == ("invoke", False)
    assert run.environment in {record.environment for record in inits}
    # Whoever calls $LATEST has nothing of it.
    assert function.kind("$LATEST") == "on-demand"


def test_the_log_tells_of_the_init_that_nobody_waited_for(lab: Lab) -> None:
    function = Function(lab, TELLS)
    function.provision(1)
    invoke(function.lam, "f:1")
    text = "\n".join(lab.tail("f").lines)
    first = text.index("INIT_START")
    assert first < text.index("initialized") < text.index("INIT_REPORT Init Duration: ")
    assert "Phase: init\tStatus: success" in text
    assert text.index("INIT_REPORT") < text.index("START RequestId")


def test_nothing_of_a_request_can_be_used_before_all_of_it_is_there(lab: Lab) -> None:
    function = Function(lab, TELLS)
    function.provision(2, seconds=30)
    assert function.state() == ("IN_PROGRESS", 0)
    assert function.kind() == "on-demand"
    lab.clock.advance(seconds=ALLOCATED)
    assert function.kind() == "provisioned-concurrency"


def test_what_they_cannot_take_spills_over_and_then_is_refused(lab: Lab, gate: Gate) -> None:
    function = Function(lab, TELLS + ARRIVE + """
def handler(gate, context):
    arrive(gate, os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"])
""", Timeout=60)  # fmt: skip
    function.provision(2)
    with ThreadPoolExecutor(5) as callers:
        running = [
            callers.submit(invoke, function.lam, "f:1", gate.port) for _ in range(5)
        ]  # two that are provisioned, three of the account's five
        arrived = gate.wait_for(5)
        refused = refusal(lab.client("lambda", config=ONCE).invoke, FunctionName="f:1")
        gate.open()
        assert [one.result().error for one in running] == [None] * 5
    assert sorted(arrived) == ["on-demand"] * 3 + ["provisioned-concurrency"] * 2
    assert refused == (429, "TooManyRequestsException", "Rate Exceeded.")
    where = {"FunctionName": "f", "Resource": "f:1"}
    assert sum(metric(lab, "ProvisionedConcurrencyInvocations", **where)) == 2
    assert sum(metric(lab, "ProvisionedConcurrencySpilloverInvocations", **where)) == 3
    assert max(metric(lab, "ProvisionedConcurrentExecutions", "Maximum", **where)) == 2
    assert max(metric(lab, "ProvisionedConcurrencyUtilization", "Maximum", **where)) == 1
    assert max(metric(lab, "ConcurrentExecutions", "Maximum", **where)) == 5
    assert max(metric(lab, "ConcurrentExecutions", "Maximum")) == 5
    assert max(metric(lab, "UnreservedConcurrentExecutions", "Maximum")) == 3
    assert max(metric(lab, "ClaimedAccountConcurrency", "Maximum")) == 5
    assert sum(metric(lab, "Throttles", **where)) == 1


def test_a_minute_without_invocations_has_a_utilization_of_nothing(lab: Lab) -> None:
    function = Function(lab, TELLS)
    function.provision(1)
    lab.clock.advance(minutes=3)
    where = {"FunctionName": "f", "Resource": "f:1"}
    found = metric(lab, "ProvisionedConcurrencyUtilization", "Maximum", **where)
    assert len(found) >= 2
    assert set(found) == {0.0}


def test_an_init_that_fails_fails_the_allocation(lab: Lab) -> None:
    function = Function(lab, "1/0\n")
    function.provision(1)
    shown = function.lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
    assert (shown["Status"], shown["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert shown["AvailableProvisionedConcurrentExecutions"] == 0
    assert [record.detail for record in lab.timeline if record.kind == "provisioned"] == [
        {"qualifier": "1", "status": "FAILED", "requested": 1, "ready": 0}
    ]


def test_init_may_take_longer_when_nobody_waits_for_it() -> None:
    from lambdalab.execution.environment import _longest_init
    from lambdalab.execution.spec import ON_DEMAND, PROVISIONED, RuntimeSpec

    def longest(kind: str, timeout: int) -> int:
        spec = RuntimeSpec.__new__(RuntimeSpec)
        object.__setattr__(spec, "initialization", kind)
        object.__setattr__(spec, "timeout", timeout)
        return _longest_init(spec)

    assert longest(ON_DEMAND, 900) == 10
    assert longest(PROVISIONED, 3) == 130
    assert longest(PROVISIONED, 900) == 900


def test_less_ends_what_is_too_much_and_nothing_ends_all(lab: Lab) -> None:
    function = Function(lab, TELLS)
    function.provision(3)
    function.provision(1, seconds=1)
    assert function.state() == ("READY", 1)
    assert len(ends(lab)) == 2
    function.lam.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
    assert len(ends(lab)) == 3
    assert function.kind() == "on-demand"


def test_an_alias_takes_what_it_has_to_its_next_version(lab: Lab) -> None:
    function = Function(lab, TELLS)
    function.lam.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    function.provision(2, "live")
    assert function.kind("live") == "provisioned-concurrency"
    number = function.change(TELLS + "# changed\n")
    function.lam.update_alias(FunctionName="f", Name="live", FunctionVersion=number)
    assert function.state("live") == ("IN_PROGRESS", 0)
    assert len(ends(lab)) == 2
    assert function.kind("live") == "on-demand"
    lab.clock.advance(seconds=ALLOCATED)
    assert function.state("live") == ("READY", 2)
    assert function.kind("live") == "provisioned-concurrency"


def test_what_is_gone_takes_its_environments_with_it(lab: Lab) -> None:
    function = Function(lab, TELLS)
    function.lam.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    function.provision(2, "live")
    function.lam.delete_alias(FunctionName="f", Name="live")
    assert len(ends(lab)) == 2
    function.provision(1)
    function.lam.delete_function(FunctionName="f")
    assert len(ends(lab)) == 3


def test_old_ones_are_replaced_before_anybody_asks(lab: Lab) -> None:
    function = Function(lab, TELLS)
    function.provision(1)
    lab.clock.advance(hours=7)
    assert "its age" in ends(lab)
    before = {record.environment for record in lab.timeline if record.kind == "init"}
    assert len(before) >= 2
    assert function.kind() == "provisioned-concurrency"
    after = {record.environment for record in lab.timeline if record.kind == "init"}
    assert after == before


def test_more_than_the_lab_makes_ahead_are_made_when_they_are_needed(
    start_lab: StartLab, gate: Gate
) -> None:
    from lambdalab.invocation.provisioning import MOST_AHEAD

    with start_lab() as lab:
        function = Function(lab, ARRIVE + "def handler(gate, context): arrive(gate)\n", Timeout=60)
        function.provision(MOST_AHEAD + 2)
        assert function.state() == ("READY", MOST_AHEAD + 2)
        assert len([one for one in lab.timeline if one.kind == "init"]) == MOST_AHEAD
        with ThreadPoolExecutor(MOST_AHEAD + 2) as callers:
            data = json.dumps(gate.port).encode()
            running = [
                callers.submit(function.lam.invoke, FunctionName="f:1", Payload=data)
                for _ in range(MOST_AHEAD + 2)
            ]
            gate.wait_for(MOST_AHEAD + 2, seconds=60)
            gate.open()
            assert {one.result()["StatusCode"] for one in running} == {200}
        runs = [one for one in lab.timeline if one.kind == "invoke"]
        assert {one.detail["cold"] for one in runs} == {False}


def test_a_function_that_is_deleted_while_they_are_made_leaves_none(lab: Lab, gate: Gate) -> None:
    function = Function(lab, ARRIVE + f"arrive({gate.port})\n" + TELLS)
    function.provision(5, seconds=0)
    with ThreadPoolExecutor(1) as other:
        winding = other.submit(lab.clock.advance, seconds=ALLOCATED)
        gate.wait_for(4)  # so many at a time
        function.lam.delete_function(FunctionName="f")
        gate.open()
        winding.result()
    wait_until(lambda: not _supervisors(lab))
    assert len(gate.arrived) == 4


def test_emptying_the_lab_ends_what_is_being_made(lab: Lab) -> None:
    function = Function(lab, "import time\ntime.sleep(5)\n" + TELLS, Timeout=30)
    function.provision(3, seconds=0)
    with ThreadPoolExecutor(1) as other:
        winding = other.submit(lab.clock.advance, seconds=ALLOCATED)
        wait_until(lambda: _supervisors(lab))
        lab.reset()
        winding.result()
    wait_until(lambda: not _supervisors(lab))
    assert list(lab.timeline) == []


def _supervisors(lab: Lab) -> list[int]:
    from tests.engine import supervisors_of

    return supervisors_of(lab)


def _once() -> Any:
    from botocore.config import Config

    return Config(retries={"total_max_attempts": 1})


ONCE = _once()
