"""Application Auto Scaling of provisioned concurrency, on the lab's clock."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from lambdalab import Lab
from tests.conftest import StartLab, wait_until_settled
from tests.engine import ARRIVE, RUNTIME, Gate, invoke, refusal

WHERE = {
    "ServiceNamespace": "lambda",
    "ResourceId": "function:f:live",
    "ScalableDimension": "lambda:function:ProvisionedConcurrency",
}
PREDEFINED = {
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"
    }
}

ACTION = {
    "ScheduledActionName": "morning",
    "Schedule": "cron(45 7 * * ? *)",
    "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 2},
}
POLICY = {
    "PolicyName": "utilization",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 0.7, **PREDEFINED},
}
INVALID, GONE = "ValidationException", "ObjectNotFoundException"
UNSUPPORTED = "Unsupported service namespace, resource type or scalable dimension"
BOUNDS = {"MinCapacity": 1, "MaxCapacity": 4}


def _policy(**settings: Any) -> dict[str, Any]:
    return POLICY | {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 0.7, **settings}}


def _metric(kind: str) -> dict[str, Any]:
    return {"PredefinedMetricSpecification": {"PredefinedMetricType": kind}}


# What AWS refuses, before there is a target and after: operation, request, code, text.
REFUSED: dict[bool, list[tuple[str, dict[str, Any], str, str]]] = {
    False: [
        ("put_scaling_policy", POLICY, GONE, "No scalable target registered for service namespace"),
        ("put_scheduled_action", ACTION, GONE, "No scalable target registered for service namesp"),
        ("deregister_scalable_target", {}, GONE, "No scalable target found for service namespace"),
        (
            "register_scalable_target",
            {"MinCapacity": 1},
            INVALID,
            "MinCapacity and MaxCapacity are",
        ),
        *(
            ("register_scalable_target", {"ResourceId": name, **BOUNDS}, INVALID, UNSUPPORTED)
            for name in ("function:f:$LATEST", "function:f", "f:live", "function:f:live:1")
        ),
    ],
    True: [
        (
            "register_scalable_target",
            {"MinCapacity": 5},
            INVALID,
            "Maximum capacity cannot be less",
        ),
        (
            "register_scalable_target",
            {"MinCapacity": -1},
            INVALID,
            "Capacity cannot be less than 0",
        ),
        ("put_scaling_policy", _policy(), INVALID, "Specify either a predefined or a customized"),
        (
            "put_scaling_policy",
            _policy(**_metric("ECSServiceAverageCPUUtilization")),
            INVALID,
            "The metric type ECSServiceAverageCPUUtilization is not supported",
        ),
        (
            "put_scaling_policy",
            {name: POLICY[name] for name in ("PolicyName", "PolicyType")},
            INVALID,
            "TargetTrackingScalingPolicyConfiguration is required",
        ),
        (
            "put_scheduled_action",
            ACTION | {"Schedule": "whenever"},
            INVALID,
            "Invalid schedule expression. Details: ",
        ),
        (
            "put_scheduled_action",
            ACTION | {"Timezone": "Mars/Base"},
            INVALID,
            "Invalid schedule expression. Details: ",
        ),
        (
            "put_scheduled_action",
            ACTION | {"ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}},
            INVALID,
            "Maximum capacity cannot be less than minimum capacity",
        ),
        (
            "put_scheduled_action",
            ACTION | {"ScalableTargetAction": {}},
            INVALID,
            "Schedule and ScalableTargetAction are required",
        ),
        ("delete_scaling_policy", {"PolicyName": "p"}, GONE, "No scaling policy found for service"),
        (
            "delete_scheduled_action",
            {"ScheduledActionName": "a"},
            GONE,
            "No scheduled action found for service namespace: lambda",
        ),
    ],
}


@pytest.fixture(scope="module")
def wound(start_lab: StartLab) -> Iterator[Lab]:
    with start_lab() as lab:
        yield lab


@pytest.fixture
def lab(wound: Lab) -> Lab:
    wound.reset()
    return wound


class Stage:
    """A function with an alias whose provisioned concurrency is scaled."""

    def __init__(self, lab: Lab, gate: Gate) -> None:
        self.lab, self.gate = lab, gate
        self.lam = lab.client("lambda")
        self.scaling = lab.client("application-autoscaling")
        code = ARRIVE + "def handler(gate, context):\n    arrive(gate) if gate else None\n"
        self.lam.create_function(
            FunctionName="f",
            Runtime=RUNTIME,
            Handler="lambda_function.handler",
            Role=lab.role(),
            Timeout=60,
            Code={"ZipFile": lab.zip({"lambda_function.py": code})},
        )
        wait_until_settled(self.lam, "f")
        self.lam.publish_version(FunctionName="f")
        self.lam.create_alias(FunctionName="f", Name="live", FunctionVersion="1")

    def register(self, least: int, most: int, **more: Any) -> None:
        self.scaling.register_scalable_target(**WHERE, MinCapacity=least, MaxCapacity=most, **more)

    def track(self, target: float, **settings: Any) -> list[str]:
        """Follow the utilization; gives the names of the alarms."""
        put = self.scaling.put_scaling_policy(
            **WHERE,
            PolicyName="utilization",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": target, **(PREDEFINED | settings)
            },
        )  # fmt: skip
        return [alarm["AlarmName"] for alarm in put["Alarms"]]

    def provision(self, amount: int) -> None:
        self.lam.put_provisioned_concurrency_config(
            FunctionName="f", Qualifier="live", ProvisionedConcurrentExecutions=amount
        )
        self.lab.clock.advance(seconds=125)

    def busy(self, count: int) -> None:
        """So many invocations at a time, all of them in one minute."""
        with ThreadPoolExecutor(count) as callers:
            seen = len(self.gate.arrived)
            running = [
                callers.submit(invoke, self.lam, "f:live", self.gate.port) for _ in range(count)
            ]
            self.gate.wait_for(seen + count)
            self.gate.open()
            for one in running:
                one.result()
        self.gate._open.clear()

    @property
    def wanted(self) -> int:
        found = self.lam.list_provisioned_concurrency_configs(FunctionName="f")
        configs = found["ProvisionedConcurrencyConfigs"]
        return configs[0]["RequestedProvisionedConcurrentExecutions"] if configs else 0

    @property
    def scaled(self) -> list[tuple[int, int]]:
        records = [record.detail for record in self.lab.timeline if record.kind == "scaled"]
        return [(detail["from"], detail["to"]) for detail in records]

    def minute(self, count: int = 1) -> None:
        self.lab.clock.advance(minutes=count)

    def to_a_minute(self, second: int = 2) -> None:
        """Wind to the beginning of a minute, so that what follows is all in one."""
        now = self.lab.clock.now()
        self.lab.clock.advance(seconds=60 + second - (now.second + now.microsecond / 1e6))

    def to_minute(self, minute: int) -> None:
        """Wind until the clock shows that minute of an hour."""
        now = self.lab.clock.now()
        self.lab.clock.advance(seconds=(minute * 60 - now.minute * 60 - now.second) % 3600 + 5)

    def suspend(self, suspended: bool) -> None:
        """Let scheduled actions rest, or go on."""
        self.register(
            0,
            10,
            SuspendedState={
                "DynamicScalingInSuspended": False,
                "DynamicScalingOutSuspended": False,
                "ScheduledScalingSuspended": suspended,
            },
        )


@pytest.fixture
def stage(lab: Lab, gate: Gate) -> Stage:
    """At a certain second: what is counted in minutes does not depend on when it is tested."""
    stage = Stage(lab, gate)
    stage.to_a_minute(20)
    return stage


def test_three_busy_minutes_scale_out(stage: Stage) -> None:
    stage.register(1, 10)
    high, low = stage.track(0.5)
    assert "AlarmHigh" in high
    assert "AlarmLow" in low
    stage.provision(2)
    stage.to_a_minute()
    for number in range(3):
        assert stage.scaled == [], number
        stage.busy(2)
        stage.minute()
    # Of two, one then two were busy: three quarters on average, where one half is wanted.
    assert stage.scaled == [(2, 3)]
    alarms = stage.lab.client("cloudwatch").describe_alarms(AlarmNames=[high, low])
    states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms["MetricAlarms"]}
    assert states == {high: "ALARM", low: "OK"}
    stage.lab.clock.advance(seconds=125)
    assert stage.lam.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live")[
        "AvailableProvisionedConcurrentExecutions"
    ] == 3  # fmt: skip


def test_no_more_than_the_most(stage: Stage) -> None:
    stage.register(1, 2)
    stage.track(0.1)
    stage.provision(2)
    stage.to_a_minute()
    for _ in range(4):
        stage.busy(1)
        stage.minute()
    assert stage.scaled == []


def test_fifteen_quiet_minutes_scale_in_step_by_step_to_the_least(stage: Stage) -> None:
    stage.register(1, 10)
    stage.track(0.7)
    stage.provision(8)
    stage.minute(14)
    assert stage.scaled == []
    stage.minute(12)
    assert stage.scaled == [(8, 4), (4, 2), (2, 1)]


def test_scaling_in_can_be_turned_off(stage: Stage) -> None:
    stage.register(1, 10)
    stage.track(0.7, DisableScaleIn=True)
    stage.provision(4)
    stage.minute(30)
    assert stage.scaled == []


def test_after_scaling_in_it_rests_for_as_long_as_was_wished(stage: Stage) -> None:
    stage.register(1, 10)
    stage.track(0.7, ScaleInCooldown=600)
    stage.provision(8)
    stage.minute(18)
    assert stage.scaled == [(8, 4)]
    stage.minute(6)
    assert stage.scaled == [(8, 4)]
    stage.minute(6)
    assert stage.scaled == [(8, 4), (4, 2)]


def test_what_is_suspended_does_not_scale(stage: Stage) -> None:
    stage.register(
        1,
        10,
        SuspendedState={
            "DynamicScalingInSuspended": True,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
    )
    stage.track(0.7)
    stage.provision(4)
    stage.minute(30)
    assert stage.scaled == []


def test_the_least_is_provisioned_where_there_was_nothing(stage: Stage) -> None:
    stage.register(3, 10)
    stage.minute(2)
    assert stage.wanted == 0  # nothing says when
    stage.track(0.7)
    stage.minute(2)
    assert (stage.wanted, stage.scaled) == (3, [(0, 3)])


def test_a_metric_of_ones_own_choice(stage: Stage) -> None:
    stage.register(1, 10)
    stage.scaling.put_scaling_policy(
        **WHERE,
        PolicyName="peaks",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 0.8,
            "CustomizedMetricSpecification": {
                "Namespace": "AWS/Lambda",
                "MetricName": "ProvisionedConcurrencyUtilization",
                "Statistic": "Maximum",
                "Dimensions": [
                    {"Name": "FunctionName", "Value": "f"},
                    {"Name": "Resource", "Value": "f:live"},
                ],
            },
        },
    )
    stage.provision(2)
    stage.to_a_minute()
    for _ in range(3):
        stage.busy(2)
        stage.minute()
    assert stage.scaled == [(2, 3)]


@pytest.mark.parametrize(
    ("schedule", "minutes"),
    [("cron(30 * * * ? *)", 61), ("rate(2 hours)", 121), ("at", 31)],
)
def test_schedules_change_the_bounds_and_what_is_outside_of_them(
    stage: Stage, schedule: str, minutes: int
) -> None:
    stage.register(0, 10)
    if schedule == "at":
        due = stage.lab.clock.now() + timedelta(minutes=30)
        schedule = f"at({due:%Y-%m-%dT%H:%M:%S})"
    stage.scaling.put_scheduled_action(
        **WHERE,
        ScheduledActionName="morning",
        Schedule=schedule,
        ScalableTargetAction={"MinCapacity": 4, "MaxCapacity": 8},
    )
    stage.minute(minutes)
    assert (stage.wanted, stage.scaled) == (4, [(0, 4)])
    (target,) = stage.scaling.describe_scalable_targets(ServiceNamespace="lambda")[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (4, 8)


def test_a_schedule_to_nothing_takes_all_away(stage: Stage) -> None:
    stage.provision(2)
    stage.register(0, 10)
    stage.scaling.put_scheduled_action(
        **WHERE,
        ScheduledActionName="night",
        Schedule="cron(0 * * * ? *)",
        ScalableTargetAction={"MinCapacity": 0, "MaxCapacity": 0},
    )
    stage.minute(61)
    assert (stage.wanted, stage.scaled) == (0, [(2, 0)])


def test_bounds_that_exclude_each_other_when_an_action_is_due_change_nothing(stage: Stage) -> None:
    stage.register(0, 0)
    stage.scaling.put_scheduled_action(
        **WHERE,
        ScheduledActionName="morning",
        Schedule="rate(10 minutes)",
        ScalableTargetAction={"MinCapacity": 3},
    )
    stage.minute(12)
    (told, *_) = [record.detail for record in stage.lab.timeline if record.kind == "scaled"]
    assert told["error"] == "Maximum capacity cannot be less than minimum capacity"
    (target,) = stage.scaling.describe_scalable_targets(ServiceNamespace="lambda")[
        "ScalableTargets"
    ]
    assert (target["MinCapacity"], target["MaxCapacity"], stage.wanted) == (0, 0, 0)


def test_what_falls_due_while_it_is_suspended_is_left_out(stage: Stage) -> None:
    stage.register(0, 10)
    stage.to_minute(20)
    stage.scaling.put_scheduled_action(
        **WHERE,
        ScheduledActionName="hourly",
        Schedule="cron(30 * * * ? *)",
        ScalableTargetAction={"MinCapacity": 2, "MaxCapacity": 2},
    )
    stage.minute(2)
    stage.suspend(True)
    stage.minute(20)
    stage.suspend(False)
    stage.minute(20)
    assert (stage.wanted, stage.scaled) == (0, [])
    stage.minute(45)
    assert (stage.wanted, stage.scaled) == (2, [(0, 2)])


def test_an_action_that_is_put_again_keeps_to_its_new_schedule(stage: Stage) -> None:
    stage.register(0, 10)
    stage.to_minute(5)
    for schedule in ("cron(30 * * * ? *)", "cron(10 * * * ? *)"):
        stage.scaling.put_scheduled_action(
            **WHERE,
            ScheduledActionName="hourly",
            Schedule=schedule,
            ScalableTargetAction={"MinCapacity": 2, "MaxCapacity": 2},
        )
        stage.minute(2)
    stage.minute(5)
    assert (stage.wanted, stage.scaled) == (2, [(0, 2)])


def test_what_cannot_be_had_is_told(stage: Stage) -> None:
    stage.lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    stage.register(2, 10)
    stage.track(0.7)
    stage.minute(2)
    (first, *_) = [record for record in stage.lab.timeline if record.kind == "scaled"]
    assert first.detail["error"].startswith("Requested Provisioned Concurrency should not be")
    assert stage.wanted == 0


def test_a_function_that_is_gone_does_no_harm(stage: Stage) -> None:
    stage.register(1, 10)
    stage.track(0.7)
    stage.lam.delete_function(FunctionName="f")
    stage.minute(3)
    assert stage.lam.list_functions()["Functions"] == []


def test_a_target_that_is_registered_no_more_is_left_alone(stage: Stage) -> None:
    stage.register(1, 10)
    stage.track(0.7)
    stage.provision(4)
    stage.scaling.deregister_scalable_target(**WHERE)
    stage.minute(30)
    assert (stage.wanted, stage.scaled) == (4, [])


def test_what_hangs_on_a_target_goes_with_it(stage: Stage) -> None:
    stage.register(1, 10)
    alarms = stage.track(0.7)
    stage.scaling.put_scheduled_action(**WHERE, **ACTION)
    stage.scaling.deregister_scalable_target(**WHERE)
    policies = stage.scaling.describe_scaling_policies(ServiceNamespace="lambda")
    actions = stage.scaling.describe_scheduled_actions(ServiceNamespace="lambda")
    left = stage.lab.client("cloudwatch").describe_alarms(AlarmNames=alarms)
    assert (policies["ScalingPolicies"], actions["ScheduledActions"]) == ([], [])
    assert left["MetricAlarms"] == []


@pytest.mark.parametrize("registered", [False, True])
def test_what_is_refused_changes_nothing(stage: Stage, registered: bool) -> None:
    if registered:
        stage.register(1, 4)
    for operation, given, code, text in REFUSED[registered]:
        refused = refusal(getattr(stage.scaling, operation), **{**WHERE, **given})
        assert (refused.status, refused.code) == (400, code), text
        assert refused.message.startswith(text)
    describe = stage.scaling
    targets = describe.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"]
    assert [(one["MinCapacity"], one["MaxCapacity"]) for one in targets] == [(1, 4)] * registered
    assert describe.describe_scaling_policies(ServiceNamespace="lambda")["ScalingPolicies"] == []
    assert describe.describe_scheduled_actions(ServiceNamespace="lambda")["ScheduledActions"] == []


def test_lambda_has_no_step_scaling(stage: Stage) -> None:
    stage.register(1, 10)
    refused = refusal(
        stage.scaling.put_scaling_policy,
        **WHERE,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
        },
    )
    assert (refused.status, refused.code) == (400, "ValidationException")
    listed = stage.scaling.describe_scaling_policies(ServiceNamespace="lambda")
    assert listed["ScalingPolicies"] == []
