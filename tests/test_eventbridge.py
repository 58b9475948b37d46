"""EventBridge rules that call functions: what arrives, who may, what becomes of what does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config

from lambdalab import Lab
from tests.conftest import MakeFunction, StartLab
from tests.engine import refusal, wait_until
from tests.event_stage import Stage, stage

__all__ = ["stage"]

PATTERN = {"source": ["shop"], "detail": {"total": [{"numeric": [">=", 10]}]}}
ORDER = {"total": 12, "who": {"name": 'Ann "A"', "tags": ["x", 1]}}


def make_rule(stage: Stage, name: str = "orders", allow: bool = True, **target: Any) -> str:
    """A rule for large orders that has the function as its target, which lets it."""
    events = stage.lab.client("events")
    arn = str(events.put_rule(Name=name, EventPattern=json.dumps(PATTERN))["RuleArn"])
    answer = events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": stage.arn} | target])
    assert answer["FailedEntryCount"] == 0
    if allow:
        stage.allow("events.amazonaws.com", arn)
    return arn


def put(stage: Stage, detail: Any = ORDER, **more: Any) -> str:
    text = detail if isinstance(detail, str) else json.dumps(detail)
    entry = {"Source": "shop", "DetailType": "order", "Detail": text} | more
    answer = stage.lab.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer
    return str(answer["Entries"][0]["EventId"])


def test_an_event_that_matches_arrives_as_aws_sends_it(stage: Stage) -> None:
    arn = make_rule(stage)
    moment = datetime(2026, 11, 20, 12, 0, 5, tzinfo=UTC)
    event_id = put(stage, Time=moment, Resources=["arn:aws:s3:::shop"])
    put(stage, {"total": 9})
    put(stage, Source="shop2")
    (event,) = stage.events()
    assert list(event.items()) == [
        ("version", "0"), ("id", event_id), ("detail-type", "order"), ("source", "shop"),
        ("account", stage.lab.account), ("time", "2026-11-20T12:00:05Z"),
        ("region", stage.lab.region), ("resources", ["arn:aws:s3:::shop"]), ("detail", ORDER),
    ]  # fmt: skip
    assert stage.told("push") == [
        {"service": "events.amazonaws.com", "source": arn, "how": "asynchronous"}
    ]


INPUTS: list[tuple[dict[str, Any], Any]] = [
    ({"Input": '{"constant": [1, 2.0]}'}, {"constant": [1, 2.0]}),
    ({"InputPath": "$.detail.who"}, ORDER["who"]),
    ({"InputPath": "$.detail.who.tags[1]"}, 1),
    ({"InputPath": "$.detail-type"}, "order"),
    ({"InputTransformer": {
        "InputPathsMap": {"type": "$.detail-type", "name": "$.detail.who.name", "no": "$.nothing"},
        "InputTemplate": '"a <type> by <name>, <no>."'}},
     'a order by Ann "A", .'),
    ({"InputTransformer": {
        "InputPathsMap": {"total": "$.detail.total", "who": "$.detail.who", "no": "$.nothing"},
        "InputTemplate": '{"t": <total>, "w": <who>, "n": "<no>", "text": "<total> of <who>"}'}},
     {"t": 12, "w": ORDER["who"], "n": "",
      # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
      "text": "12 of {name:Ann A,tags:[x,1]}"}),
    ({"InputTransformer": {
        "InputTemplate": '{"rule": "<aws.events.rule-name>", "arn": <aws.events.rule-arn>}'}},
     {"rule": "orders", "arn": "arn:aws:events:us-east-1:123456789012:rule/orders"}),
]  # fmt: skip


@pytest.mark.parametrize(("target", "expected"), INPUTS)
def test_the_input_of_a_target(stage: Stage, target: dict[str, Any], expected: Any) -> None:
    make_rule(stage, **target)
    put(stage)
    assert stage.events() == [expected]


def test_the_variables_that_every_template_has(stage: Stage) -> None:
    template = """{"event": <aws.events.event>, "json": <aws.events.event.json>,
        "when": <aws.events.event.ingestion-time>}"""
    make_rule(stage, InputTransformer={"InputTemplate": template})
    event_id = put(stage)
    (got,) = stage.events()
    assert got["json"]["id"] == got["event"]["id"] == event_id
    assert got["json"]["detail"] == ORDER
    assert set(got["event"]) == {
        "id", "account", "detailType", "time", "source", "region", "resources", "version",
    }  # fmt: skip
    assert datetime.fromisoformat(got["when"]).tzinfo is not None


BAD_TARGETS: list[tuple[dict[str, Any], str]] = [
    ({"Input": "1", "InputPath": "$.a"},
     "Only one of Input, InputPath, or InputTransformer must be provided for target 1."),
    ({"InputTransformer": {"InputPathsMap": {"a": "$.a"}, "InputTemplate": '"<b>"'}},
     "InputTemplate for target 1 contains invalid placeholder b."),
    ({"Input": "no JSON"}, "JSON syntax error in input for target 1"),
    ({"InputPath": "detail"}, "Path detail is not valid for target 1."),
    ({"RetryPolicy": {"MaximumRetryAttempts": 186}},
     "1 validation error detected: Value '186' at "
     "'targets.1.member.retryPolicy.maximumRetryAttempts' failed to satisfy constraint: "
     "Member must have value less than or equal to 185"),
    ({"RetryPolicy": {"MaximumEventAgeInSeconds": 59}},
     "1 validation error detected: Value '59' at "
     "'targets.1.member.retryPolicy.maximumEventAgeInSeconds' failed to satisfy constraint: "
     "Member must have value greater than or equal to 60"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "text"), BAD_TARGETS)
def test_a_target_that_cannot_be_served_is_refused(
    shared_lab: Lab, target: dict[str, Any], text: str
) -> None:
    events = shared_lab.client("events", config=Config(parameter_validation=False))
    events.put_rule(Name="r", EventPattern=json.dumps(PATTERN))
    function = f"arn:aws:lambda:us-east-1:{shared_lab.account}:function:fn"
    said = refusal(events.put_targets, Rule="r", Targets=[{"Id": "1", "Arn": function} | target])
    assert said == (400, "ValidationException", text)
    assert events.list_targets_by_rule(Rule="r")["Targets"] == []


def test_a_rule_has_five_targets_at_most(shared_lab: Lab) -> None:
    events = shared_lab.client("events")
    events.put_rule(Name="many", EventPattern=json.dumps(PATTERN))
    arn = f"arn:aws:sqs:us-east-1:{shared_lab.account}:q"
    targets = [{"Id": str(number), "Arn": arn} for number in range(6)]
    events.put_targets(Rule="many", Targets=targets[:5])
    events.put_targets(Rule="many", Targets=targets[:5])  # the same ones again
    said = refusal(events.put_targets, Rule="many", Targets=targets[5:])
    assert said.code == "LimitExceededException"


def test_without_permission_the_event_is_a_dead_letter(stage: Stage) -> None:
    arn = make_rule(stage, allow=False, DeadLetterConfig={"Arn": stage.queue("dead")})
    put(stage)
    assert stage.events() == []
    (letter,) = stage.messages("dead")
    assert letter["body"]["detail"] == ORDER
    message = letter["attributes"].pop("ERROR_MESSAGE")
    assert "is not authorized to perform: lambda:InvokeFunction" in message
    assert letter["attributes"] == {
        "RULE_ARN": arn, "TARGET_ARN": stage.arn, "ERROR_CODE": "NO_PERMISSIONS",
        "RETRY_ATTEMPTS": "0",
    }  # fmt: skip
    (refused,) = stage.told("refused")
    assert (refused["source"], refused["reason"]) == (arn, message)


def test_a_permission_for_another_rule_or_account_does_not_count(stage: Stage) -> None:
    arn = make_rule(stage, allow=False)
    stage.allow("events.amazonaws.com", arn + "-other")
    put(stage)
    assert stage.events() == []
    stage.allow("events.amazonaws.com", arn, SourceAccount="999999999999")
    put(stage)
    assert stage.events() == []
    assert len(stage.told("refused")) == 2


def test_a_function_that_is_gone_makes_a_dead_letter_at_once(stage: Stage) -> None:
    make_rule(stage, DeadLetterConfig={"Arn": stage.queue("dead")})
    stage.lam.delete_function(FunctionName="fn")
    put(stage)
    (letter,) = stage.messages("dead")
    assert letter["attributes"]["ERROR_CODE"] == "NO_RESOURCE"


def test_a_dead_letter_queue_that_is_gone_is_told(stage: Stage) -> None:
    gone = f"arn:aws:sqs:us-east-1:{stage.lab.account}:gone"
    make_rule(stage, allow=False, DeadLetterConfig={"Arn": gone})
    put(stage)
    (told,) = stage.told("undelivered")
    assert (told["what"], told["to"]) == ("dead letter", gone)


@pytest.fixture(scope="module")
def slow_lab(start_lab: StartLab) -> Any:
    """A lab whose clock nearly stands: what is Pending stays so until the clock is wound."""
    with start_lab(speed=0.001) as lab:
        yield lab


@pytest.mark.parametrize("attempts", [0, 3])
def test_what_may_work_later_is_tried_again(slow_lab: Lab, attempts: int) -> None:
    """A function that is not yet Active refuses with a conflict, which is no reason to give up."""
    slow_lab.reset()
    lam, events, sqs = (slow_lab.client(name) for name in ("lambda", "events", "sqs"))
    sqs.create_queue(QueueName="dead")
    url = sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    code = {"ZipFile": slow_lab.zip({"a.py": "def b(event, context): return 1"})}
    made = lam.create_function(
        FunctionName="fn", Runtime="python3.13", Handler="a.b", Role=slow_lab.role(), Code=code
    )
    rule = events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')["RuleArn"]
    lam.add_permission(
        FunctionName="fn", StatementId="s", Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com", SourceArn=rule,
    )  # fmt: skip
    target = {
        "Id": "1", "Arn": made["FunctionArn"], "RetryPolicy": {"MaximumRetryAttempts": attempts},
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:{slow_lab.account}:dead"},
    }  # fmt: skip
    events.put_targets(Rule="r", Targets=[target])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "t", "Detail": "{}"}])
    assert lam.get_function(FunctionName="fn")["Configuration"]["State"] == "Pending"
    slow_lab.clock.run_until_idle()
    kinds = [one.kind for one in slow_lab.timeline if one.kind in ("retry", "accepted", "dropped")]
    letters = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
    if attempts:
        assert kinds == ["retry", "accepted"]
        assert letters == []
    else:
        assert kinds == ["dropped"]
        told = letters[0]["MessageAttributes"]
        assert told["EXHAUSTED_RETRY_CONDITION"]["StringValue"] == "MaximumRetryAttempts"


def test_a_destination_of_lambda_that_is_no_bus_is_told(stage: Stage) -> None:
    events = stage.lab.client("events")
    bus = events.create_event_bus(Name="short")["EventBusArn"]
    stage.lam.put_function_event_invoke_config(
        FunctionName="fn", DestinationConfig={"OnSuccess": {"Destination": bus}}
    )
    events.delete_event_bus(Name="short")
    stage.lam.invoke(FunctionName="fn", InvocationType="Event", Payload=b"1")
    assert stage.events() == [1]
    (told,) = stage.told("undelivered")
    assert told["to"] == bus


def test_a_disabled_rule_and_a_rule_of_another_bus_hear_nothing(stage: Stage) -> None:
    events = stage.lab.client("events")
    make_rule(stage)
    events.disable_rule(Name="orders")
    put(stage)
    assert stage.events() == []
    events.enable_rule(Name="orders")
    events.create_event_bus(Name="other")
    put(stage, EventBusName="other")
    assert stage.events() == []
    put(stage)
    assert len(stage.events()) == 1


def test_a_rule_of_a_bus_of_ones_own(stage: Stage) -> None:
    events = stage.lab.client("events")
    bus = events.create_event_bus(Name="mine")["EventBusArn"]
    arn = events.put_rule(Name="r", EventBusName="mine", EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="r", EventBusName="mine", Targets=[{"Id": "1", "Arn": stage.arn}])
    assert arn["RuleArn"].endswith(":rule/mine/r")
    stage.allow("events.amazonaws.com", arn["RuleArn"])
    put(stage, EventBusName="mine")
    put(stage, EventBusName=bus)
    put(stage)
    assert len(stage.events()) == 2


def test_targets_that_are_no_functions_get_the_same(stage: Stage) -> None:
    events = stage.lab.client("events")
    make_rule(stage)
    queue = stage.queue("target")
    topic = stage.lab.client("sns").create_topic(Name="t")["TopicArn"]
    stage.lab.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=stage.queue("behind"),
        Attributes={"RawMessageDelivery": "true"},
    )  # fmt: skip
    events.put_targets(
        Rule="orders",
        Targets=[
            {"Id": "q", "Arn": queue, "InputPath": "$.detail.total"},
            {"Id": "t", "Arn": topic, "InputPath": "$.detail"},
        ],
    )
    put(stage)
    assert [one["detail"] for one in stage.events()] == [ORDER]
    assert [one["body"] for one in stage.messages("target")] == [12]
    assert [one["body"] for one in stage.messages("behind")] == [ORDER]


def test_the_partition_key_of_a_stream_is_a_part_of_the_event(stage: Stage) -> None:
    kinesis = stage.lab.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    arn = f"arn:aws:kinesis:us-east-1:{stage.lab.account}:stream/s"
    path = {"PartitionKeyPath": "$.detail.who.name"}
    make_rule(stage, Arn=arn, KinesisParameters=path, InputPath="$.detail.total")
    put(stage)
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert (record["PartitionKey"], record["Data"]) == ('Ann "A"', b"12")


def test_workflows_and_log_groups_as_targets(stage: Stage) -> None:
    events, states, logs = (stage.lab.client(name) for name in ("events", "stepfunctions", "logs"))
    make_rule(stage)
    machine = states.create_state_machine(
        name="m", roleArn=stage.role("states.amazonaws.com"),
        definition='{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}',
    )["stateMachineArn"]  # fmt: skip
    logs.create_log_group(logGroupName="/events/all")
    group = f"arn:aws:logs:us-east-1:{stage.lab.account}:log-group:/events/all"
    targets = [{"Id": "m", "Arn": machine, "InputPath": "$.detail"}, {"Id": "l", "Arn": group}]
    events.put_targets(Rule="orders", Targets=targets)
    event_id = put(stage)
    assert len(stage.events()) == 1
    (started,) = states.list_executions(stateMachineArn=machine)["executions"]
    shown = states.describe_execution(executionArn=started["executionArn"])
    assert json.loads(shown["input"]) == ORDER
    (line,) = logs.filter_log_events(logGroupName="/events/all")["events"]
    assert json.loads(line["message"])["id"] == event_id


def test_a_target_that_is_gone_is_a_dead_letter(stage: Stage) -> None:
    dead, gone = stage.queue("dead"), f"arn:aws:sqs:us-east-1:{stage.lab.account}:gone"
    make_rule(stage, Arn=gone, DeadLetterConfig={"Arn": dead})
    put(stage)
    (letter,) = stage.messages("dead")
    assert letter["attributes"]["ERROR_CODE"] == "NO_RESOURCE"
    assert letter["attributes"]["TARGET_ARN"] == gone


def test_buses_in_a_ring_come_to_an_end(stage: Stage) -> None:
    events = stage.lab.client("events")
    make_rule(stage)
    bus = events.describe_event_bus()["Arn"]
    events.put_targets(Rule="orders", Targets=[{"Id": "round", "Arn": bus}])
    put(stage)
    assert 2 <= len(stage.events()) <= 20
    assert any(one["condition"] == "NotImplementedException" for one in stage.told("dropped"))


def test_the_trace_of_whoever_puts_events_goes_on(stage: Stage) -> None:
    make_rule(stage)
    root = "Root=1-5759e988-bd862e3fe1be46a994272793"
    put(stage, TraceHeader=f"{root};Parent=53995c3f42cd8ad8;Sampled=1")
    stage.lab.clock.run_until_idle()
    (told,) = stage.gate.arrived
    assert told["trace"].startswith(root)


ROUNDS = """
import json, boto3

def handler(event, context):
    number = event["detail"]["n"]
    if number < 20:
        entry = {"Source": "round", "DetailType": "t", "Detail": json.dumps({"n": number + 1})}
        boto3.client("events").put_events(Entries=[entry])
"""


def test_a_loop_through_events_is_not_stopped(stage: Stage, make_function: MakeFunction) -> None:
    """Lambda stops those through queues, topics and buckets after 16 rounds.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    make_function(ROUNDS, FunctionName="round", Timeout=30)
    events = stage.lab.client("events")
    rule = events.put_rule(Name="round", EventPattern='{"source": ["round"]}')["RuleArn"]
    arn = stage.arn.replace(":fn", ":round")
    events.put_targets(Rule="round", Targets=[{"Id": "1", "Arn": arn}])
    stage.lam.add_permission(
        FunctionName="round", StatementId="s", Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com", SourceArn=rule,
    )  # fmt: skip
    put(stage, {"n": 1}, Source="round")
    stage.lab.clock.run_until_idle()
    assert sum(one.kind == "invoke" for one in stage.lab.timeline) == 20
    assert stage.told("dropped") == []


ENTRIES: list[tuple[dict[str, Any], str, str]] = [
    ({"DetailType": "t", "Detail": "{}"}, "InvalidArgument",
     "Parameter Source is not valid. Reason: Source is a required argument."),
    ({"Source": "s", "DetailType": "t"}, "InvalidArgument",
     "Parameter Detail is not valid. Reason: Detail is a required argument."),
    ({"Source": "s", "DetailType": "t", "Detail": "{"}, "MalformedDetail", "Detail is malformed."),
    ({"Source": "s", "DetailType": "t", "Detail": "[1]"}, "MalformedDetail",
     "Detail is malformed."),
    ({"Source": "aws.s3", "DetailType": "t", "Detail": "{}"}, "NotAuthorizedForSourceException",
     "Not authorized for the source."),
]  # fmt: skip


def test_entries_are_answered_one_by_one(shared_lab: Lab) -> None:
    events = shared_lab.client("events")
    good = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    answer = events.put_events(Entries=[*(row[0] for row in ENTRIES), good])
    assert answer["FailedEntryCount"] == len(ENTRIES)
    *refused, taken = answer["Entries"]
    assert refused == [{"ErrorCode": code, "ErrorMessage": text} for _, code, text in ENTRIES]
    assert list(taken) == ["EventId"]
    # A bus that does not exist takes everything, and nothing comes of it.
    answer = events.put_events(Entries=[good | {"EventBusName": "nowhere"}])
    assert (answer["FailedEntryCount"], list(answer["Entries"][0])) == (0, ["EventId"])


def test_eleven_entries_are_too_many(shared_lab: Lab) -> None:
    entry = {"Source": "s", "DetailType": "t", "Detail": "{}"}
    said = refusal(shared_lab.client("events").put_events, Entries=[entry] * 11)
    one = (
        "PutEventsRequestEntry(time=null, source=s, resources=null, detailType=t, detail={}, "
        "eventBusName=null, traceHeader=null, kmsKeyIdentifier=null, internalMetadata=null)"
    )
    assert said == (400, "ValidationException",
                    f"1 validation error detected: Value '[{', '.join([one] * 11)}]' at 'entries' "
                    "failed to satisfy constraint: Member must have length less than or equal "
                    "to 10")  # fmt: skip


def test_more_than_a_request_may_hold(shared_lab: Lab) -> None:
    detail = json.dumps({"text": "x" * 600_000})
    entries = [{"Source": "s", "DetailType": "t", "Detail": detail}] * 2
    said = refusal(shared_lab.client("events").put_events, Entries=entries)
    assert said.message == "Total size of the entries in the request is over the limit."


def test_an_archive_keeps_and_replays(stage: Stage) -> None:
    events = stage.lab.client("events")
    make_rule(stage)
    bus = events.describe_event_bus()["Arn"]
    archive = events.create_archive(ArchiveName="all", EventSourceArn=bus)["ArchiveArn"]
    put(stage)
    assert len(stage.events()) == 1
    assert events.describe_archive(ArchiveName="all")["EventCount"] == 1
    now = stage.lab.clock.now()
    events.start_replay(
        ReplayName="again", EventSourceArn=archive, Destination={"Arn": bus},
        EventStartTime=now.replace(year=now.year - 1), EventEndTime=now,
    )  # fmt: skip
    replayed = wait_until(stage.events)
    assert [(one["detail"], one["replay-name"]) for one in replayed] == [(ORDER, "again")]


def test_a_replay_is_of_a_time_and_for_some_rules(stage: Stage) -> None:
    events = stage.lab.client("events")
    make_rule(stage)
    wanted = make_rule(stage, "wanted", InputPath="$.detail.day")
    bus = events.describe_event_bus()["Arn"]
    pattern = json.dumps({"source": ["nowhere"]})
    archive = events.create_archive(ArchiveName="a", EventSourceArn=bus, EventPattern=pattern)
    put(stage, {"total": 10, "day": 0})
    # What comes from now on is kept.
    events.update_archive(ArchiveName="a", EventPattern=json.dumps(PATTERN))
    for day in range(1, 4):
        put(stage, {"total": 10, "day": day}, Time=datetime(2026, 3, day, tzinfo=UTC))
    assert events.describe_archive(ArchiveName="a")["EventCount"] == 3
    stage.events()
    events.start_replay(
        ReplayName="r", EventSourceArn=archive["ArchiveArn"],
        Destination={"Arn": bus, "FilterArns": [wanted]},
        EventStartTime=datetime(2026, 3, 2, tzinfo=UTC),
        EventEndTime=datetime(2026, 3, 2, 12, tzinfo=UTC),
    )  # fmt: skip
    assert stage.events() == [2]
    shown = events.describe_replay(ReplayName="r")
    assert shown["EventLastReplayedTime"] == datetime(2026, 3, 2, tzinfo=UTC)
    assert shown["State"] == "COMPLETED"


def test_a_target_of_another_kind_is_told_by_its_name(stage: Stage) -> None:
    arn = f"arn:aws:events:us-east-1:{stage.lab.account}:api-destination/a/1"
    make_rule(stage, Arn=arn)
    put(stage)
    (told,) = stage.told("dropped")
    assert told["condition"] == "NotImplementedException"
    assert arn in told["reason"]


def test_a_failing_handler_is_tried_again_by_lambda(stage: Stage) -> None:
    make_rule(stage, InputTransformer={"InputTemplate": '"fail"'},
              DeadLetterConfig={"Arn": stage.queue("dead")})  # fmt: skip
    put(stage)
    assert stage.events() == ["fail"] * 3
    # For EventBridge the event was delivered.
    assert stage.messages("dead") == []
