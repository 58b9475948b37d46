"""Right and wrong answers to lab 07: data for tests/test_checks.py."""

import json
from collections.abc import Callable
from typing import Any

from lambdalab.learning import lab07_looks as looks
from lambdalab.learning.deploy import wait_until_settled
from tests.check_rows import Row

FUNCTIONS = ("report", "importer")
START = {"concurrency": looks.ACCOUNT, "unreserved_floor": looks.FLOOR}

world = looks.make_world
Act = Callable[[Any], None]

# ---- task 1


def reserve(**amounts: int) -> Act:
    def act(lab: Any) -> None:
        for name, amount in amounts.items():
            lab.client("lambda").put_function_concurrency(
                FunctionName=name, ReservedConcurrentExecutions=amount
            )

    return act


def by_provisioning(lab: Any) -> None:
    """All that checkout reserves is provisioned, for an alias: $LATEST gets nothing of it."""
    reserve(checkout=4, report=0)(lab)
    lam = lab.client("lambda")
    version = lam.publish_version(FunctionName="checkout")["Version"]
    lam.put_provisioned_concurrency_config(
        FunctionName="checkout", Qualifier=version, ProvisionedConcurrentExecutions=4
    )
    lab.clock.advance(minutes=5)


def reserved_by_a_stack(lab: Any) -> None:
    """The report is a function that a template has made, with nothing reserved for it."""
    lam = lab.client("lambda")
    lam.delete_function(FunctionName="report")
    code = "def handler(event, context): pass"
    properties = {
        "FunctionName": "report",
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": lab.role(),
        "Code": {"ZipFile": code},
        "ReservedConcurrentExecutions": 0,
    }
    report = {"Type": "AWS::Lambda::Function", "Properties": properties}
    stacks = lab.client("cloudformation")
    stacks.create_stack(StackName="off", TemplateBody=json.dumps({"Resources": {"R": report}}))
    lab.clock.advance(seconds=10)
    wait_until_settled(lam, "report")
    reserve(checkout=4)(lab)


# ---- task 2


def provision(amount: int, *qualifiers: str, function: str = "prices", reserved: int = 0) -> Act:
    def act(lab: Any) -> None:
        if reserved:
            reserve(**{function: reserved})(lab)
        for qualifier in qualifiers:
            lab.client("lambda").put_provisioned_concurrency_config(
                FunctionName=function,
                Qualifier=qualifier,
                ProvisionedConcurrentExecutions=amount,
            )

    return act


# ---- task 3

MORNING, NOON_OVER = "cron(45 10 * * ? *)", "cron(0 14 * * ? *)"


def scheduled(*actions: tuple[str, int], qualifier: str = "live") -> Act:
    """Scheduled actions: each sets least and most at its time."""

    def act(lab: Any) -> None:
        scaling = lab.client("application-autoscaling")
        target = {
            "ServiceNamespace": "lambda",
            "ResourceId": f"function:lunch:{qualifier}",
            "ScalableDimension": "lambda:function:ProvisionedConcurrency",
        }
        scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=3)
        for number, (schedule, amount) in enumerate(actions):
            scaling.put_scheduled_action(
                **target,
                ScheduledActionName=f"action-{number}",
                Schedule=schedule,
                ScalableTargetAction={"MinCapacity": amount, "MaxCapacity": amount},
            )

    return act


# ---- task 4


def mapped(at_once: int | None = None, reserved: int | None = None, size: int = 0) -> Act:
    def act(lab: Any) -> None:
        settings: dict[str, Any] = {"BatchSize": size} if size else {}
        if at_once:
            settings["ScalingConfig"] = {"MaximumConcurrency": at_once}
        if settings:
            lab.client("lambda").update_event_source_mapping(
                UUID=looks.queue_mapping(lab), **settings
            )
        if reserved:
            reserve(importer=reserved)(lab)
        lab.clock.advance(seconds=5)

    return act


ROWS = [
    Row(1, "four reserved, none for reports", set(), done=reserve(checkout=4, report=0)),
    Row(1, "nothing reserved for a report from a template", set(), done=reserved_by_a_stack),
    Row(1, "nothing for reports only", {1, 2}, done=reserve(report=0)),
    Row(1, "all that can be reserved", {1}, done=reserve(checkout=12, report=0)),
    Row(1, "one report may run", {3}, done=reserve(checkout=4, report=1)),
    Row(1, "newsletters held down instead", {1, 4}, done=reserve(newsletter=3, report=0)),
    Row(1, "provisioned for a version", {1, 2}, done=by_provisioning),
    Row(2, "for the alias", set(), done=provision(3, "live")),
    Row(2, "for the version of the alias", set(), done=provision(3, "2")),
    Row(2, "for an older version", {1, 2}, done=provision(3, "1")),
    Row(2, "for both versions", {3}, done=provision(3, "1", "2")),
    Row(2, "two", {1, 2, 3}, done=provision(2, "live")),
    Row(2, "four", {2, 3}, done=provision(4, "live")),
    Row(2, "with as many reserved", {2}, done=provision(3, "live", reserved=3)),
    Row(2, "reserved in place of provisioned", {1, 2, 3}, done=reserve(prices=3)),
    Row(3, "opens and closes", set(), done=scheduled((MORNING, 3), (NOON_OVER, 0))),
    Row(
        3,
        "for the version",
        set(),
        done=scheduled((MORNING, 3), (NOON_OVER, 0), qualifier="1"),
    ),
    Row(
        3, "on the stroke of eleven", {1}, done=scheduled(("cron(0 11 * * ? *)", 3), (NOON_OVER, 0))
    ),
    Row(3, "from midnight on", {4}, done=scheduled(("cron(0 0 * * ? *)", 3), (NOON_OVER, 0))),
    Row(3, "opens and never closes", {2, 3, 4}, done=scheduled((MORNING, 3))),
    Row(3, "always", {2, 3, 4}, done=provision(3, "live", function="lunch")),
    Row(
        3,
        "at night",
        {1, 3, 5},
        done=scheduled(("cron(45 22 * * ? *)", 3), ("cron(0 2 * * ? *)", 0)),
    ),
    Row(3, "two", {1, 5}, done=scheduled((MORNING, 2), (NOON_OVER, 0))),
    Row(4, "two batches at a time", set(), done=mapped(2)),
    Row(4, "two, and room for others", set(), done=mapped(2, reserved=6)),
    Row(4, "several in a batch", set(), done=mapped(2, size=5)),
    Row(4, "two reserved", {3, 4}, done=mapped(reserved=2)),
    Row(4, "two and two", {4}, done=mapped(2, reserved=2)),
    Row(4, "five at a time", {2}, done=mapped(5)),
    Row(4, "as it was given", {2}, done=mapped()),
]
