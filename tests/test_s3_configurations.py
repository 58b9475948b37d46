"""Which notification configurations a bucket takes, and whom it asks for leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as some

from lambdalab import Lab
from tests.engine import port_of, refusal, request
from tests.message_stage import BUCKET, Stage
from tests.queueing import queue_arn

UNABLE = "Unable to validate the following destination configurations"


@pytest.fixture
def stage(lab: Lab, make_function: Callable[..., str]) -> Stage:
    return Stage(lab, make_function)


# ---- leave


def test_a_function_is_asked_for_leave_when_a_bucket_is_configured(stage: Stage) -> None:
    # Recorded: test_invalid_lambda_arn
    stage.s3.create_bucket(Bucket="photos")
    with pytest.raises(ClientError) as caught:
        stage.notify(stage.rule())
    error = caught.value.response["Error"]
    assert error == {
        "Code": "InvalidArgument",
        "Message": UNABLE,
        "ArgumentName1": f"{stage.arn}, null",
        "ArgumentValue1": f"Not authorized to invoke function [{stage.arn}]",
    }
    assert "LambdaFunctionConfigurations" not in (
        stage.s3.get_bucket_notification_configuration(Bucket="photos")
    )


@pytest.mark.parametrize(
    "given",
    [
        {"SourceArn": "arn:aws:s3:::other"},
        {"SourceAccount": "111122223333"},
        {"Principal": "sns.amazonaws.com"},
        {"Action": "lambda:GetFunction"},
        {"Qualifier": "live"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_leave_for_something_else_is_none(stage: Stage, given: dict[str, str]) -> None:
    stage.s3.create_bucket(Bucket="photos")
    stage.lam.publish_version(FunctionName=stage.function)
    stage.lam.create_alias(FunctionName=stage.function, Name="live", FunctionVersion="1")
    stage.lam.add_permission(
        **{
            "FunctionName": stage.function, "StatementId": "s", "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com",
        } | given
    )  # fmt: skip
    with pytest.raises(ClientError, match=UNABLE):
        stage.notify(stage.rule())


def test_an_alias_gives_leave_for_itself(stage: Stage) -> None:
    stage.s3.create_bucket(Bucket="photos")
    stage.lam.publish_version(FunctionName=stage.function)
    stage.lam.create_alias(FunctionName=stage.function, Name="live", FunctionVersion="1")
    stage.allow("s3", BUCKET, Qualifier="live")
    stage.notify(stage.rule() | {"LambdaFunctionArn": f"{stage.arn}:live"})
    stage.put("a")
    assert [one["eventName"] for one in stage.records()] == ["ObjectCreated:Put"]


def test_validation_can_be_left_out(stage: Stage) -> None:
    stage.s3.create_bucket(Bucket="photos")
    missing = stage.rule() | {"LambdaFunctionArn": stage.arn.replace("teller", "missing")}
    queue = {"QueueArn": stage.queue("closed"), "Events": ["s3:ObjectRemoved:*"]}
    stage.s3.put_bucket_notification_configuration(
        Bucket="photos", SkipDestinationValidation=True,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [missing], "QueueConfigurations": [queue],
        },
    )  # fmt: skip
    assert stage.in_queue("closed") == [], "no test event"
    stage.put("a")
    stage.settle()
    (refused,) = stage.told("refused")
    assert refused.function == "missing"
    assert refused.detail["service"] == "s3.amazonaws.com"


def test_leave_that_is_taken_away_is_seen_on_the_timeline_and_nowhere_else(stage: Stage) -> None:
    stage.bucket()
    (statement,) = json.loads(stage.lam.get_policy(FunctionName=stage.function)["Policy"])[
        "Statement"
    ]
    stage.lam.remove_permission(FunctionName=stage.function, StatementId=statement["Sid"])
    assert stage.put("a")["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert stage.records() == []
    (refused,) = stage.told("refused")
    assert refused.detail["source"] == BUCKET
    assert "not authorized to perform: lambda:InvokeFunction" in refused.detail["reason"]


def test_a_function_that_is_gone_is_seen_on_the_timeline(stage: Stage) -> None:
    stage.bucket()
    stage.lam.delete_function(FunctionName=stage.function)
    stage.put("a")
    stage.settle()
    (refused,) = stage.told("refused")
    assert "Function not found" in refused.detail["reason"]


def test_a_bucket_of_another_region_is_refused(stage: Stage) -> None:
    elsewhere = stage.lab.client("s3", region_name="eu-west-1")
    elsewhere.create_bucket(
        Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    found = refusal(
        elsewhere.put_bucket_notification_configuration,
        Bucket="far", NotificationConfiguration={"LambdaFunctionConfigurations": [stage.rule()]},
    )  # fmt: skip
    assert found.code == "InvalidArgument"
    assert "service region is not valid" in found.message


# ---- configurations that are refused


OVERLAP = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the "
    "prefixes are overlapping for the same event type."
)
SAME = "Configurations overlap. Configurations on the same bucket cannot share a common event type."


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (({}, {}), SAME),
        (({}, {"Prefix": "a"}), OVERLAP),
        (({"Prefix": "a"}, {"Prefix": "ab"}), OVERLAP),
        (({"Suffix": "jpg"}, {"Suffix": "pg"}), OVERLAP),
        (({"Prefix": "a", "Suffix": ".jpg"}, {"Prefix": "a", "Suffix": ".png"}), None),
        (({"Prefix": "a"}, {"Prefix": "b"}), None),
    ],
)
def test_rules_must_not_overlap(stage: Stage, rules: Any, text: str | None) -> None:
    stage.bucket()
    given = [stage.rule(**one) for one in rules]
    # An event that the other rule covers with its star is the same.
    given[1]["Events"] = ["s3:ObjectCreated:Put"]
    if text is None:
        stage.notify(*given)
        return
    with pytest.raises(ClientError) as caught:
        stage.notify(*given)
    assert caught.value.response["Error"]["Message"] == text
    shown = stage.s3.get_bucket_notification_configuration(Bucket="photos")
    assert len(shown["LambdaFunctionConfigurations"]) == 1, "the refused one has been kept"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (
            # Recorded: test_bucket_notification_with_invalid_filter_rules
            {"Filter": {"Key": {"FilterRules": [{"Name": "INVALID", "Value": "x"}]}}},
            {
                "Code": "InvalidArgument",
                "Message": "filter rule name must be either prefix or suffix",
                "ArgumentName": "FilterRule.Name",
                "ArgumentValue": "INVALID",
            },
        ),
        (
            # Recorded: test_invalid_lambda_arn
            {"LambdaFunctionArn": "invalid-queue"},
            {
                "Code": "InvalidArgument",
                "Message": "The ARN could not be parsed",
                "ArgumentName": "CloudFunction",
                "ArgumentValue": "invalid-queue",
            },
        ),
        ({"Events": ["s3:NoSuch:Event"]}, {"Code": "InvalidArgument"}),
        (
            {"Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "x" * 1025}]}}},
            {"Code": "InvalidArgument"},
        ),
    ],
    ids=["rule", "ARN", "event", "long value"],
)
def test_rules_must_be_well_formed(stage: Stage, change: Any, error: dict[str, str]) -> None:
    stage.bucket()
    with pytest.raises(ClientError) as caught:
        stage.notify(stage.rule() | change)
    found = caught.value.response
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error.items() <= found["Error"].items()


@pytest.mark.parametrize(
    "body",
    [b"", b"<x", b"<A/>", b"<NotificationConfiguration><QueueConfiguration/>",
     b"<NotificationConfiguration><QueueConfiguration><Event>x</Event></QueueConfiguration>"
     b"</NotificationConfiguration>"],
)  # fmt: skip
def test_what_is_no_configuration_is_malformed(stage: Stage, body: bytes) -> None:
    stage.s3.create_bucket(Bucket="photos")
    answer = request(port_of(stage.lab), "PUT", "/photos?notification", body, Authorization=SIGNED)
    assert answer.status == 400
    assert b"<Code>MalformedXML</Code>" in answer.body


SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIALAMBDALABEXAMPLE/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=00"
)


def test_fifo_queues_are_no_targets(stage: Stage) -> None:
    stage.s3.create_bucket(Bucket="photos")
    stage.sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})
    with pytest.raises(ClientError, match=UNABLE):
        stage.notify(
            QueueConfigurations=[
                {"QueueArn": queue_arn("q.fifo"), "Events": ["s3:ObjectCreated:*"]}
            ]
        )


def test_targets_that_are_missing_or_closed_are_all_named(stage: Stage) -> None:
    # Recorded: test_multiple_invalid_sqs_arns
    stage.s3.create_bucket(Bucket="photos")
    closed, topic = stage.queue("closed"), stage.topic()
    rule = {"Events": ["s3:ObjectCreated:Put"]}
    queues = [
        {"QueueArn": arn, "Events": [event]}
        for arn, event in (
            (queue_arn("none"), "s3:ObjectCreated:Put"), (closed, "s3:ObjectCreated:Copy"),
        )
    ]  # fmt: skip
    with pytest.raises(ClientError) as caught:
        stage.notify(
            QueueConfigurations=queues,
            TopicConfigurations=[rule | {"TopicArn": topic, "Events": ["s3:ObjectRemoved:*"]}],
        )
    error = caught.value.response["Error"]
    pairs = {error[f"ArgumentName{n}"]: error[f"ArgumentValue{n}"] for n in (1, 2, 3)}
    denied = "Permissions on the destination {} do not allow S3 to publish notifications from "
    assert pairs == {
        queue_arn("none"): "The destination queue does not exist",
        closed: denied.format("queue") + "this bucket",
        topic: denied.format("topic") + "this bucket",
    }


# ---- stacks


def test_a_stack_gives_a_bucket_its_configuration(stage: Stage) -> None:
    rule = {
        "Event": "s3:ObjectCreated:*",
        "Function": stage.arn,
        "Filter": {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".jpg"}]}},
    }
    template = {
        "Resources": {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketName": "photos",
                    "NotificationConfiguration": {"LambdaConfigurations": [rule]},
                },
            }
        }
    }
    stacks = stage.lab.client("cloudformation")
    stacks.create_stack(StackName="closed", TemplateBody=json.dumps(template))
    (closed,) = stacks.describe_stacks(StackName="closed")["Stacks"]
    assert closed["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stage.s3.list_buckets()["Buckets"] == []
    stage.allow("s3", BUCKET)
    stacks.create_stack(StackName="open", TemplateBody=json.dumps(template))
    stage.put("a.jpg")
    stage.put("a.png")
    assert [one["s3"]["object"]["key"] for one in stage.records()] == ["a.jpg"]


# ---- whatever is given


NAMES = [
    "TopicConfiguration", "QueueConfiguration", "CloudFunctionConfiguration", "Topic", "Queue",
    "CloudFunction", "Event", "Filter", "S3Key", "FilterRule", "Name", "Value", "Id",
    "EventBridgeConfiguration",
]  # fmt: skip
TEXTS = [
    "", " ", "prefix", "suffix", "s3:ObjectCreated:*", "arn:aws:sqs:us-east-1:123456789012:none",
    "arn:aws:lambda:us-east-1:123456789012:function:teller", "&amp;", "é",
]  # fmt: skip
trees = some.recursive(
    some.sampled_from(TEXTS),
    lambda inner: some.lists(some.tuples(some.sampled_from(NAMES), inner), max_size=4),
    max_leaves=12,
)


def written(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    return "".join(f"<{name}>{written(inside)}</{name}>" for name, inside in tree)


def test_whatever_is_given_is_taken_or_refused(stage: Stage) -> None:
    stage.s3.create_bucket(Bucket="photos")

    @settings(max_examples=60, deadline=None, database=None)
    @given(trees)
    def check(tree: Any) -> None:
        body = f"<NotificationConfiguration>{written(tree)}</NotificationConfiguration>".encode()
        answer = request(
            port_of(stage.lab), "PUT", "/photos?notification", body, Authorization=SIGNED
        )
        assert answer.status in (200, 400), (body, answer)

    check()
