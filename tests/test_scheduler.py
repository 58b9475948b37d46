"""EventBridge Scheduler: rates, crons in time zones, single times, windows, ends, dead letters."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lambdalab import Lab
from tests.engine import refusal
from tests.event_stage import Stage, stage

__all__ = ["stage"]

OFF = {"Mode": "OFF"}


@pytest.fixture
def taken(stage: Stage) -> str:
    """A role that Scheduler may take."""
    return stage.role("scheduler.amazonaws.com")


def create(stage: Stage, role: str, expression: str, **given: Any) -> str:
    """A schedule for the function; ``target`` adds to its target."""
    target = {"Arn": stage.arn, "RoleArn": role, "Input": '"tick"'} | given.pop("target", {})
    target = {name: value for name, value in target.items() if value is not None}
    made = stage.lab.client("scheduler").create_schedule(
        Name=given.pop("Name", "s"), ScheduleExpression=expression,
        FlexibleTimeWindow=given.pop("window", OFF), Target=target, **given,
    )  # fmt: skip
    return str(made["ScheduleArn"])


def times(stage: Stage) -> list[datetime]:
    """When the function was called."""
    stage.lab.clock.run_until_idle()
    return [
        datetime.fromtimestamp(one.time, UTC) for one in stage.lab.timeline if one.kind == "push"
    ]


def names(stage: Stage) -> list[str]:
    return [one["Name"] for one in stage.lab.client("scheduler").list_schedules()["Schedules"]]


def at(moment: datetime) -> str:
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def test_a_rate_begins_at_once_and_goes_on(stage: Stage, taken: str) -> None:
    create(stage, taken, "rate(10 minutes)")
    assert stage.events() == ["tick"]
    stage.lab.clock.advance(minutes=31)
    assert stage.events() == ["tick"] * 3
    assert [one["how"] for one in stage.told("push")] == ["asynchronous"] * 4


def test_no_resource_policy_is_needed_but_the_role_must_be_there(stage: Stage, taken: str) -> None:
    create(stage, taken, "rate(1 hour)", target={"DeadLetterConfig": {"Arn": stage.queue("dead")}})
    assert stage.events() == ["tick"]
    stage.lab.client("iam").delete_role(RoleName="for-scheduler.amazonaws.com")
    stage.lab.clock.advance(minutes=61)
    assert stage.events() == []
    (letter,) = stage.messages("dead")
    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    assert letter["body"] == {
        "FunctionName": stage.arn, "InvocationType": "Event", "Payload": '"tick"',
    }  # fmt: skip
    told = letter["attributes"]
    assert told["SCHEDULE_ARN"].endswith(":schedule/default/s")
    assert told["TARGET_ARN"] == "arn:aws:scheduler:::aws-sdk:lambda:invoke"
    assert told["RETRY_ATTEMPTS"] == "0"
    assert re.fullmatch("[0-9a-f]{16}", told["EXECUTION_ID"])


def test_the_event_where_nothing_else_is_asked_for(stage: Stage, taken: str) -> None:
    arn = create(stage, taken, "rate(1 hour)", target={"Input": None})
    (event,) = stage.events()
    assert (event["source"], event["detail-type"], event["detail"], event["resources"]) == (
        "aws.scheduler", "Scheduled Event", "{}", [arn],
    )  # fmt: skip


def test_context_attributes_in_the_input(stage: Stage, taken: str) -> None:
    text = """{"arn": "<aws.scheduler.schedule-arn>", "at": "<aws.scheduler.scheduled-time>",
        "try": "<aws.scheduler.attempt-number>"}"""
    hour = stage.far_hour()
    arn = create(stage, taken, f"cron(0 {hour} * * ? *)", target={"Input": text})
    stage.lab.clock.advance(days=1)
    (event,) = stage.events()
    assert (event["arn"], event["try"], event["at"][11:]) == (arn, "1", f"{hour:02}:00:00Z")


def test_a_cron_in_a_time_zone(stage: Stage, taken: str) -> None:
    zone, hour = ZoneInfo("Asia/Kolkata"), stage.far_hour("Asia/Kolkata")
    create(
        stage, taken, f"cron(30 {hour} * * ? *)", ScheduleExpressionTimezone="Asia/Kolkata"
    )  # fmt: skip
    stage.lab.clock.advance(days=2)
    assert [f"{one.astimezone(zone):%H:%M}" for one in times(stage)] == [f"{hour:02}:30"] * 2


def test_a_single_time_and_the_end_of_its_schedule(stage: Stage, taken: str) -> None:
    due = stage.lab.clock.now() + timedelta(hours=2)
    create(stage, taken, at(due), Name="kept")
    create(stage, taken, at(due), Name="deleted", ActionAfterCompletion="DELETE")
    # It is waited for: it comes once, and that is something to wait for.
    assert stage.events() == ["tick"] * 2
    assert all(abs(one - due) < timedelta(minutes=1) for one in times(stage))
    assert names(stage) == ["kept"]
    stage.lab.clock.advance(days=2)
    assert stage.events() == []


def test_a_single_time_that_is_past_never_comes(stage: Stage, taken: str) -> None:
    create(stage, taken, at(stage.lab.clock.now() - timedelta(hours=1)))
    stage.lab.clock.advance(days=1)
    assert stage.events() == []


def test_a_single_time_is_meant_in_the_time_zone(stage: Stage, taken: str) -> None:
    zone = ZoneInfo("America/New_York")
    due = stage.lab.clock.now() + timedelta(hours=3)
    create(stage, taken, at(due.astimezone(zone)), ScheduleExpressionTimezone="America/New_York")
    (called,) = times(stage)
    assert abs(called - due) < timedelta(minutes=1)


def test_start_and_end(stage: Stage, taken: str) -> None:
    now = stage.lab.clock.now()
    create(
        stage, taken, "rate(1 hour)", ActionAfterCompletion="DELETE",
        StartDate=now + timedelta(minutes=30), EndDate=now + timedelta(hours=3),
    )  # fmt: skip
    stage.lab.clock.advance(hours=10)
    # Dates are to the second; a call may be a little late.
    late = timedelta(seconds=2)
    minutes = [(one - now + late) // timedelta(minutes=1) for one in times(stage)]
    assert minutes == [30, 90, 150]
    assert names(stage) == []


def test_a_flexible_window(stage: Stage, taken: str) -> None:
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60}
    create(stage, taken, "cron(0 0 * * ? *)", window=window)
    stage.lab.clock.advance(days=10)
    called = times(stage)
    assert len(called) in (9, 10)
    since = [timedelta(hours=one.hour, minutes=one.minute) for one in called]
    assert max(since) <= timedelta(minutes=61)
    assert len({one.minute for one in called}) > 1


def test_disabled_enabled_updated_deleted(stage: Stage, taken: str) -> None:
    scheduler = stage.lab.client("scheduler")
    create(stage, taken, "rate(1 hour)", State="DISABLED")
    stage.lab.clock.advance(hours=2)
    assert stage.events() == []
    given = {
        "Name": "s", "FlexibleTimeWindow": OFF,
        "Target": {"Arn": stage.arn, "RoleArn": taken, "Input": '"new"'},
    }  # fmt: skip
    scheduler.update_schedule(ScheduleExpression="rate(30 minutes)", State="ENABLED", **given)
    assert stage.events() == []
    stage.lab.clock.advance(minutes=91)
    assert stage.events() == ["new"] * 3
    # A change does not begin the rate again.
    scheduler.update_schedule(ScheduleExpression="rate(1 hour)", **given)
    assert stage.events() == []
    stage.lab.clock.advance(minutes=60)
    assert stage.events() == ["new"]
    scheduler.update_schedule(
        ScheduleExpression="cron(0 0 1 1 ? *)", ActionAfterCompletion="DELETE", **given
    )
    shown = scheduler.get_schedule(Name="s")
    assert (shown["State"], shown["ActionAfterCompletion"]) == ("ENABLED", "DELETE")
    stage.lab.clock.advance(hours=5)
    assert stage.events() == []
    scheduler.delete_schedule(Name="s")
    stage.lab.clock.advance(days=400)
    assert stage.events() == []


def test_a_group_goes_with_its_schedules(stage: Stage, taken: str) -> None:
    scheduler = stage.lab.client("scheduler")
    scheduler.create_schedule_group(Name="g")
    arn = create(stage, taken, "rate(1 hour)", GroupName="g")
    assert arn.endswith(":schedule/g/s")
    assert stage.events() == ["tick"]
    scheduler.delete_schedule_group(Name="g")
    stage.lab.clock.advance(hours=3)
    assert stage.events() == []


def test_the_operation_invoke_as_a_target(stage: Stage, taken: str) -> None:
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:lambda:invoke",
        "Input": json.dumps(
            {"FunctionName": "fn", "InvocationType": "Event", "Payload": '{"by": "schedule"}'}
        ),
    }
    create(stage, taken, "rate(1 hour)", target=target)
    assert stage.events() == [{"by": "schedule"}]


def test_other_operations_as_targets(stage: Stage, taken: str) -> None:
    queue = stage.lab.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    topic = stage.lab.client("sns").create_topic(Name="t")["TopicArn"]
    stage.lab.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=stage.queue("behind"),
        Attributes={"RawMessageDelivery": "true"},
    )  # fmt: skip
    for operation, request in {
        "sqs:sendMessage": {"QueueUrl": queue, "MessageBody": "1"},
        "sns:publish": {"TopicArn": topic, "Message": "2"},
        "sqs:sendMessageBatch": {},
        "sfn:startExecution": {},
    }.items():
        target = {"Arn": f"arn:aws:scheduler:::aws-sdk:{operation}", "Input": json.dumps(request)}
        name = operation.replace(":", "-")
        create(stage, taken, "rate(1 hour)", target=target, Name=name)
    stage.lab.clock.run_until_idle()
    assert [one["body"] for one in stage.messages("q")] == [1]
    assert [one["body"] for one in stage.messages("behind")] == [2]
    # What is not there, and what is no request, is told.
    assert {one["condition"] for one in stage.told("dropped")} == {
        "NotImplementedException", "ValidationException",
    }  # fmt: skip


def test_a_queue_as_a_target(stage: Stage, taken: str) -> None:
    create(stage, taken, "rate(1 hour)", target={"Arn": stage.queue("q")})
    stage.lab.clock.run_until_idle()
    assert [one["body"] for one in stage.messages("q")] == ["tick"]


def test_a_target_that_is_gone_or_unknown_is_told(stage: Stage, taken: str) -> None:
    gone = f"arn:aws:sqs:us-east-1:{stage.lab.account}:gone"
    target = {"Arn": gone, "DeadLetterConfig": {"Arn": stage.queue("dead")}}
    create(stage, taken, "rate(1 hour)", target=target, Name="gone")
    create(
        stage, taken, "rate(1 hour)", Name="odd",
        target={"Arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances"},
    )  # fmt: skip
    stage.lab.clock.run_until_idle()
    conditions = {one["condition"] for one in stage.told("dropped")}
    assert conditions == {"ResourceNotFoundException", "NotImplementedException"}
    (letter,) = stage.messages("dead")
    # The target's own words, and the operation that was called.
    assert letter["attributes"]["ERROR_CODE"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert letter["attributes"]["TARGET_ARN"] == "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"
    url = f"https://sqs.us-east-1.amazonaws.com/{stage.lab.account}/gone"
    assert letter["body"] == {"MessageBody": '"tick"', "QueueUrl": url}


# https://github.com/localstack/localstack, tests/aws/services/scheduler, recorded 2025-01.
REFUSED = [
    "cron(0 1 * * * *)", "cron(7 20 * * NOT *)", "cron(INVALID)", "cron(0 dummy ? * MON-FRI *)",
    "cron(71 8 1 * ? *)", "cron()", "rate(10 seconds)", "rate(10 years)", "rate()", "rate(10)",
    "rate(10 minutess)", "rate(foo minutes)", "rate(-10 minutes)", "rate( 10 minutes )",
    " rate(10 minutes)", "at(2021-12-31T23:59:59Z)", "at(2021-12-31)", "at(2021-13-31T00:00:00)",
]  # fmt: skip


def test_what_is_no_expression_is_refused(stage: Stage, taken: str) -> None:
    for text in REFUSED:
        said = refusal(lambda text=text: create(stage, taken, text))
        wanted = f"Invalid Schedule Expression {text}."
        assert said == (400, "ValidationException", wanted)
    assert names(stage) == []


BAD: list[tuple[dict[str, Any], tuple[int, str], str]] = [
    ({"ScheduleExpressionTimezone": "Mars/Base"}, (400, "ValidationException"), "Mars/Base"),
    ({"ScheduleExpressionTimezone": "../../etc/passwd"}, (400, "ValidationException"), "passwd"),
    ({"window": {"Mode": "FLEXIBLE"}}, (400, "ValidationException"), "MaximumWindowInMinutes"),
    ({"window": {"Mode": "OFF", "MaximumWindowInMinutes": 5}}, (400, "ValidationException"),
     "MaximumWindowInMinutes"),
    ({"StartDate": datetime(2028, 1, 2, tzinfo=UTC), "EndDate": datetime(2028, 1, 1, tzinfo=UTC)},
     (400, "ValidationException"), "EndDate"),
    ({"GroupName": "nowhere"}, (404, "ResourceNotFoundException"),
     "Schedule group nowhere does not exist."),
    ({"target": {"RoleArn": "arn:aws:iam::123456789012:role/nobody"}},
     (400, "ValidationException"),
     "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."),
]  # fmt: skip


@pytest.mark.parametrize(("given", "code", "text"), BAD)
def test_what_cannot_be_scheduled_is_refused(
    stage: Stage, taken: str, given: dict[str, Any], code: tuple[int, str], text: str
) -> None:
    said = refusal(lambda: create(stage, taken, "rate(1 hour)", **given))
    assert said[:2] == code
    assert text in said.message
    assert names(stage) == []
    assert stage.events() == []


def test_groups_and_names_are_unique(lab: Lab, stage: Stage, taken: str) -> None:
    scheduler = lab.client("scheduler")
    scheduler.create_schedule_group(Name="g")
    said = refusal(scheduler.create_schedule_group, Name="g")
    assert said[:2] == (409, "ConflictException")
    create(stage, taken, "rate(1 hour)")
    said = refusal(lambda: create(stage, taken, "rate(2 hours)"))
    assert said.code == "ConflictException"
    assert refusal(scheduler.delete_schedule_group, Name="none")[:2] == (
        404, "ResourceNotFoundException",
    )  # fmt: skip
