"""Schedule rules, and the expressions of all schedules: when they are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lambdalab import Lab
from lambdalab.sources.events.schedule_expressions import parse
from tests.engine import refusal
from tests.event_stage import Stage, stage

__all__ = ["stage"]

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
# Expression, after when, the next three times.
CRONS = [
    ("cron(0 10 * * ? *)", "2026-11-20 10:00", ["11-21 10:00", "11-22 10:00", "11-23 10:00"]),
    ("cron(15 12 * * ? *)", "2026-11-20 12:14", ["11-20 12:15", "11-21 12:15", "11-22 12:15"]),
    ("cron(0 18 ? * MON-FRI *)", "2026-11-20 18:00", ["11-23 18:00", "11-24 18:00", "11-25 18:00"]),
    ("cron(0 8 1 * ? *)", "2026-11-20 00:00", ["12-01 08:00", "01-01 08:00", "02-01 08:00"]),
    ("cron(0/15 * * * ? *)", "2026-11-20 10:01", ["11-20 10:15", "11-20 10:30", "11-20 10:45"]),
    ("cron(0/10 * ? * MON-FRI *)", "2026-11-20 23:49",
     ["11-20 23:50", "11-23 00:00", "11-23 00:10"]),
    ("cron(0/30 20-23 ? * MON-FRI *)", "2026-11-20 23:30",
     ["11-23 20:00", "11-23 20:30", "11-23 21:00"]),
    ("cron(0 0 L * ? *)", "2026-11-20 00:00", ["11-30 00:00", "12-31 00:00", "01-31 00:00"]),
    ("cron(0 0 L 2 ? *)", "2026-11-20 00:00", ["02-28 00:00", "02-29 00:00", "02-28 00:00"]),
    ("cron(0 0 LW * ? *)", "2026-11-20 00:00", ["11-30 00:00", "12-31 00:00", "01-29 00:00"]),
    ("cron(0 0 15W * ? *)", "2026-11-01 00:00", ["11-16 00:00", "12-15 00:00", "01-15 00:00"]),
    ("cron(0 0 1W * ? *)", "2026-07-20 00:00", ["08-03 00:00", "09-01 00:00", "10-01 00:00"]),
    ("cron(0 0 31 * ? *)", "2026-11-20 00:00", ["12-31 00:00", "01-31 00:00", "03-31 00:00"]),
    ("cron(0 0 ? * 6L *)", "2026-11-20 00:00", ["11-27 00:00", "12-25 00:00", "01-29 00:00"]),
    ("cron(0 0 ? * 3#2 *)", "2026-11-20 00:00", ["12-08 00:00", "01-12 00:00", "02-09 00:00"]),
    ("cron(0 0 ? * L *)", "2026-11-20 00:00", ["11-21 00:00", "11-28 00:00", "12-05 00:00"]),
    ("cron(0 0 ? * FRI-SUN *)", "2026-11-20 00:00", ["11-21 00:00", "11-22 00:00", "11-27 00:00"]),
    ("cron(0 0 ? JAN,jul 1 *)", "2026-11-20 00:00", ["01-03 00:00", "01-10 00:00", "01-17 00:00"]),
    ("cron(5 4 3 2 ? 2030)", "2026-11-20 00:00", ["02-03 04:05"]),
    ("cron(0 0 1 1 ? 2020)", "2026-11-20 00:00", []),
    ("cron(0 0 29 2 ? 2028-2040/4)", "2026-11-20 00:00",
     ["02-29 00:00", "02-29 00:00", "02-29 00:00"]),
]  # fmt: skip


def times(expression: str, after: datetime, count: int, zone: str = "UTC") -> list[datetime]:
    """The next times of an expression, in its time zone."""
    place = ZoneInfo(zone)
    read, moment = parse(expression, place), after.timestamp()
    found: list[datetime] = []
    while len(found) < count and (due := read.after(moment, after.timestamp())) is not None:
        moment = due
        found.append(datetime.fromtimestamp(due, place))
    return found


@pytest.mark.parametrize(("expression", "after", "expected"), CRONS)
def test_when_a_cron_is_due(expression: str, after: str, expected: list[str]) -> None:
    start = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert [f"{one:%m-%d %H:%M}" for one in times(expression, start, 3)] == expected


def test_clocks_that_go_forward_leave_a_time_out_and_back_do_not_repeat_it() -> None:
    """Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""
    spring = datetime(2027, 3, 27, tzinfo=UTC)
    found = times("cron(30 2 * * ? *)", spring, 3, "Europe/Berlin")
    assert [f"{one:%m-%d %H:%M %Z}" for one in found] == [
        "03-27 02:30 CET", "03-29 02:30 CEST", "03-30 02:30 CEST",
    ]  # fmt: skip
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    found = times("cron(30 2 * * ? *)", autumn, 2, "Europe/Berlin")
    assert [f"{one:%m-%d %H:%M %Z}" for one in found] == ["10-25 02:30 CEST", "10-26 02:30 CET"]
    # A day of a rate has 24 hours, whatever the clocks do.
    (first, second) = times("rate(1 day)", spring, 2, "Europe/Berlin")
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(hours=24)


# https://github.com/localstack/localstack, tests/aws/services/events, recorded 2024 and 2025.
NOT_FOR_RULES = [
    "rate(10 seconds)", "rate(10 years)", "rate(1 minutes)", "rate(1 hours)", "rate(1 days)",
    "rate(10 minute)", "rate(10 hour)", "rate(10 day)", "rate()", "rate(10)", "rate(10 minutess)",
    "rate(foo minutes)", "rate(0 minutes)", "rate(-10 minutes)", "rate(10 MINUTES)",
    "rate( 10 minutes )", " rate(10 minutes)", "cron(0 1 * * * *)", "cron(7 20 * * NOT *)",
    "cron(INVALID)", "cron(0 dummy ? * MON-FRI *)", "cron(71 8 1 * ? *)", "cron()",
    "at(2027-01-01T00:00:00)", "cron(0 0 ? * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 1 13 ? *)",
    "cron(0 24 1 * ? *)", "cron(*/0 * * * ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 40W * ? *)",
    "cron(0 0 1,2W * ? *)", "cron(0 0 ? * 2#6 *)", "cron(0 0 1 * ? 1969)", "cron(0 0 ? * #1 *)",
    "cron(0 0 W * ? *)", "cron(0-70 0 1 * ? *)", "cron(² 0 1 * ? *)",
]  # fmt: skip


def test_what_is_no_schedule_is_refused(shared_lab: Lab) -> None:
    events = shared_lab.client("events")
    for text in NOT_FOR_RULES:
        said = refusal(events.put_rule, Name="refused", ScheduleExpression=text)
        assert said == (400, "ValidationException", "Parameter ScheduleExpression is not valid.")
    assert events.list_rules()["Rules"] == []


def test_schedules_are_for_the_default_bus(shared_lab: Lab) -> None:
    events = shared_lab.client("events")
    events.create_event_bus(Name="mine")
    said = refusal(
        events.put_rule, Name="r", EventBusName="mine", ScheduleExpression="rate(1 minute)"
    )
    text = "ScheduleExpression is supported only on the default event bus."
    assert said == (400, "ValidationException", text)


def schedule(stage: Stage, expression: str, name: str = "tick") -> str:
    events = stage.lab.client("events")
    arn = str(events.put_rule(Name=name, ScheduleExpression=expression)["RuleArn"])
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": stage.arn}])
    stage.allow("events.amazonaws.com", arn)
    return arn


def test_a_rate_on_the_clock(stage: Stage) -> None:
    before = stage.lab.clock.now()
    arn = schedule(stage, "rate(5 minutes)")
    began = stage.lab.clock.now()
    stage.lab.clock.advance(minutes=4)
    assert stage.events() == []
    stage.lab.clock.advance(minutes=12)
    events = stage.events()
    assert len(events) == 3
    first = events[0]
    time = datetime.fromisoformat(first.pop("time"))
    # To the second, and counted from when the rule was stored.
    assert before.replace(microsecond=0) <= time - timedelta(minutes=5) <= began
    assert first == {
        "version": "0", "id": first["id"], "detail-type": "Scheduled Event",
        "source": "aws.events", "account": stage.lab.account, "region": stage.lab.region,
        "resources": [arn], "detail": {},
    }  # fmt: skip
    assert len({first["id"], *(one["id"] for one in events)}) == 3


def test_a_cron_on_the_clock(stage: Stage) -> None:
    hour = stage.far_hour()
    schedule(stage, f"cron(0 {hour} * * ? *)")
    stage.lab.clock.advance(days=3)
    assert [one["time"][11:] for one in stage.events()] == [f"{hour:02}:00:00Z"] * 3


def test_a_rule_that_is_disabled_changed_or_deleted_stops(stage: Stage) -> None:
    events = stage.lab.client("events")
    schedule(stage, "rate(1 hour)")
    stage.lab.clock.advance(minutes=90)
    assert len(stage.events()) == 1
    events.disable_rule(Name="tick")
    stage.lab.clock.advance(hours=3)
    assert stage.events() == []
    events.enable_rule(Name="tick")
    # The rate counts from there.
    stage.lab.clock.advance(minutes=50)
    assert stage.events() == []
    stage.lab.clock.advance(minutes=12)
    assert len(stage.events()) == 1
    events.put_rule(Name="tick", ScheduleExpression="rate(10 minutes)")
    stage.lab.clock.advance(minutes=31)
    assert len(stage.events()) == 3
    events.remove_targets(Rule="tick", Ids=["1"])
    events.delete_rule(Name="tick")
    stage.lab.clock.advance(hours=3)
    assert stage.events() == []


def test_a_reset_ends_all_schedules(stage: Stage) -> None:
    schedule(stage, "rate(1 minute)")
    stage.lab.reset()
    stage.lab.clock.advance(hours=1)
    assert list(stage.lab.timeline) == []


def test_a_schedule_does_not_keep_the_cloud_from_being_idle(stage: Stage) -> None:
    schedule(stage, "rate(1 hour)")
    before = stage.lab.clock.now()
    stage.lab.clock.run_until_idle()
    assert stage.lab.clock.now() - before < timedelta(minutes=30)
