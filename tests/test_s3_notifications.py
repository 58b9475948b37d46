"""What a bucket tells functions, queues, topics and buses, and whom it asks for leave."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import S3Event
from boto3.s3.transfer import TransferConfig

from lambdalab import Lab
from tests.engine import port_of, refusal, request
from tests.message_stage import BUCKET, Stage
from tests.queueing import ACCOUNT, REGION, queue_arn

ALL = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", "s3:ObjectAcl:Put")
TAGS = [{"Key": "a", "Value": "b"}]


@pytest.fixture
def stage(lab: Lab, make_function: Callable[..., str]) -> Stage:
    return Stage(lab, make_function)


def names(stage: Stage) -> list[tuple[str, str]]:
    return sorted((one["eventName"], one["s3"]["object"]["key"]) for one in stage.records())


# ---- the record


def test_the_record_of_a_put_is_that_of_aws(stage: Stage) -> None:
    # Recorded: LocalStack's snapshot of July 2023,
    # tests/aws/services/s3/test_s3_notifications_lambda.snapshot.json
    stage.bucket()
    made = stage.put("a.txt", b"hello world")
    (record,) = stage.records()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("eventTime"))
    assert re.fullmatch(r"AWS:AIDA[A-Z0-9]{17}", record["userIdentity"].pop("principalId"))
    rule = record["s3"].pop("configurationId")
    assert re.fullmatch(
        r"A[A-Z0-9]{13}", record["s3"]["bucket"].pop("ownerIdentity")["principalId"]
    )
    assert re.fullmatch(r"[0-9A-F]{18}", record["s3"]["object"].pop("sequencer"))
    headers = made["ResponseMetadata"]["HTTPHeaders"]
    assert record == {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": headers["x-amz-request-id"],
            "x-amz-id-2": headers["x-amz-id-2"],
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": "photos", "arn": BUCKET},
            "object": {"key": "a.txt", "size": 11, "eTag": made["ETag"].strip('"')},
        },
    }
    (configured,) = stage.s3.get_bucket_notification_configuration(Bucket="photos")[
        "LambdaFunctionConfigurations"
    ]
    assert configured["Id"] == rule


def test_powertools_reads_the_event(stage: Stage) -> None:
    stage.bucket()
    stage.put("my photo.jpg")
    event = S3Event({"Records": stage.records()})
    assert (event.bucket_name, event.object_key) == ("photos", "my photo.jpg")
    assert event.record.s3.get_object.size == 7
    assert event.record.user_identity.principal_id.startswith("AWS:AIDA")
    assert event.record.response_elements["x-amz-request-id"]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        # Recorded: test_s3_notifications_sqs.snapshot.json, test_key_encoding and others.
        ("a@b", "a%40b"),
        ("testupload/dir1/testfile.txt", "testupload/dir1/testfile.txt"),
        ("my photo (1)+ü.jpg", "my+photo+%281%29%2B%C3%BC.jpg"),
    ],
)
@pytest.mark.parametrize("more", [{}, {"Tagging": "a=b"}], ids=["plain", "through moto"])
def test_keys_are_told_url_encoded(stage: Stage, key: str, told: str, more: Any) -> None:
    stage.bucket()
    stage.put(key, **more)
    assert names(stage) == [("ObjectCreated:Put", told)]


def test_one_event_for_each_thing_that_is_done(stage: Stage) -> None:
    stage.bucket(*ALL)
    s3 = stage.s3
    stage.put("put", Tagging="a=b", Metadata={"a": "b"}, ACL="private")
    s3.copy_object(Bucket="photos", Key="copy", CopySource="photos/put")
    s3.copy_object(
        Bucket="photos", Key="tagged", CopySource="photos/put",
        TaggingDirective="REPLACE", Tagging="c=d",
    )  # fmt: skip
    s3.upload_fileobj(
        io.BytesIO(b"1" * 6000), "photos", "parts",
        Config=TransferConfig(multipart_threshold=5000, multipart_chunksize=1000),
    )  # fmt: skip
    s3.put_object_tagging(Bucket="photos", Key="put", Tagging={"TagSet": TAGS})
    s3.delete_object_tagging(Bucket="photos", Key="put")
    s3.put_object_acl(Bucket="photos", Key="put", ACL="public-read")
    s3.delete_object(Bucket="photos", Key="copy")
    # Recorded: test_delete_objects tells of keys that were not there.
    s3.delete_objects(Bucket="photos", Delete={"Objects": [{"Key": "tagged"}, {"Key": "none"}]})
    assert names(stage) == [
        ("ObjectAcl:Put", "put"),
        ("ObjectCreated:CompleteMultipartUpload", "parts"),
        ("ObjectCreated:Copy", "copy"),
        ("ObjectCreated:Copy", "tagged"),
        ("ObjectCreated:Put", "put"),
        ("ObjectRemoved:Delete", "copy"),
        ("ObjectRemoved:Delete", "none"),
        ("ObjectRemoved:Delete", "tagged"),
        ("ObjectTagging:Delete", "put"),
        ("ObjectTagging:Put", "put"),
    ]
    # Recorded: what an object in an event has differs by the event.
    shapes = {
        one["eventName"]: (one["eventVersion"], sorted(one["s3"]["object"]))
        for one in stage.records()
    }
    assert shapes["ObjectRemoved:Delete"] == ("2.1", ["key", "sequencer"])
    assert shapes["ObjectTagging:Put"] == ("2.3", ["eTag", "key"])
    assert shapes["ObjectAcl:Put"] == ("2.3", ["eTag", "key"])
    whole = ("2.1", ["eTag", "key", "sequencer", "size"])
    assert shapes["ObjectCreated:CompleteMultipartUpload"] == whole


def test_versions_and_delete_markers_are_told(stage: Stage) -> None:
    stage.bucket(*ALL)
    stage.s3.put_bucket_versioning(Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
    version = stage.put("a")["VersionId"]
    marker = stage.s3.delete_object(Bucket="photos", Key="a")["VersionId"]
    stage.s3.delete_object(Bucket="photos", Key="a", VersionId=marker)
    stage.s3.delete_object(Bucket="photos", Key="a", VersionId=version)
    # Of an object that was never there, too: it gets a delete marker.
    absent = stage.s3.delete_object(Bucket="photos", Key="b")
    assert absent["DeleteMarker"] is True
    records = sorted(stage.records(), key=lambda one: one["s3"]["object"]["sequencer"])
    # AWS's documentation of events for EventBridge has the same ETag, that of nothing.
    assert records[1]["s3"]["object"]["eTag"] == "d41d8cd98f00b204e9800998ecf8427e"
    assert [(one["eventName"], one["s3"]["object"]["versionId"]) for one in records] == [
        ("ObjectCreated:Put", version),
        ("ObjectRemoved:DeleteMarkerCreated", marker),
        ("ObjectRemoved:Delete", marker),
        ("ObjectRemoved:Delete", version),
        ("ObjectRemoved:DeleteMarkerCreated", absent["VersionId"]),
    ]
    (marker,) = stage.s3.list_object_versions(Bucket="photos")["DeleteMarkers"]
    assert (marker["Key"], marker["VersionId"]) == ("b", absent["VersionId"])


def test_presigned_uploads_are_puts_and_posts(stage: Stage) -> None:
    # Recorded: test_create_object_by_presigned_request_via_dynamodb
    stage.bucket()
    url = stage.s3.generate_presigned_url("put_object", {"Bucket": "photos", "Key": "put"})
    put = urllib.request.Request(url, data=b"content", method="PUT")
    with urllib.request.urlopen(put, timeout=30) as answer:
        assert answer.status == 200
    form = stage.s3.generate_presigned_post("photos", "posted")["fields"]
    parts = [(f'name="{name}"', value) for name, value in form.items()]
    parts.append(('name="file"; filename="f"', "content"))
    body = "".join(
        f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n" for head, value in parts
    )
    posted = request(
        port_of(stage.lab), "POST", "/photos", f"{body}--b--\r\n".encode(),
        Content_Type="multipart/form-data; boundary=b",
    )  # fmt: skip
    assert posted.status == 204
    assert names(stage) == [("ObjectCreated:Post", "posted"), ("ObjectCreated:Put", "put")]
    assert len({one["userIdentity"]["principalId"] for one in stage.records()}) == 1


def test_an_archived_object_that_comes_back_is_told(stage: Stage) -> None:
    # Recorded: test_restore_object
    stage.bucket("s3:ObjectRestore:*")
    stage.notify(stage.rule("s3:ObjectRestore:*"), EventBridgeConfiguration={})
    listen(stage)
    stage.put("a", StorageClass="GLACIER")
    stage.s3.restore_object(Bucket="photos", Key="a", RestoreRequest={"Days": 2})
    until = stage.lab.clock.now() + timedelta(days=2)
    for _ in range(2):  # moto goes on with a restore when it is looked at
        stage.s3.head_object(Bucket="photos", Key="a")
    asked, done = sorted(stage.records(), key=lambda one: one["s3"]["object"]["sequencer"])
    assert (asked["eventName"], done["eventName"]) == (
        "ObjectRestore:Post", "ObjectRestore:Completed",
    )  # fmt: skip
    assert "glacierEventData" not in asked
    owner = done["s3"]["bucket"]["ownerIdentity"]["principalId"]
    assert done["userIdentity"] == {"principalId": f"AmazonCustomer:{owner}"}
    told = done["glacierEventData"]["restoreEventData"]
    assert told["lifecycleRestoreStorageClass"] == "GLACIER"
    expiry = datetime.fromisoformat(told["lifecycleRestorationExpiryTime"])
    assert abs(expiry - until) < timedelta(minutes=1)
    details = {one["detail-type"]: one["detail"] for one in stage.in_queue("bus")}
    asked, done = (details[f"Object Restore {what}"] for what in ("Initiated", "Completed"))
    assert asked["object"].keys() == done["object"].keys() == {"key", "size", "etag"}
    assert asked["source-storage-class"] == done["source-storage-class"] == "GLACIER"
    assert done.keys() - asked.keys() == {"restore-expiry-time"}
    assert asked.keys() - done.keys() == {"source-ip-address"}


def test_a_function_of_a_role_is_named_by_its_session(
    stage: Stage, make_function: Callable[..., str]
) -> None:
    stage.bucket()
    writer = make_function(
        "import boto3\ndef handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket='photos', Key='k', Body=b'x')\n",
        FunctionName="writer", Timeout=30,
    )  # fmt: skip
    assert "FunctionError" not in stage.lam.invoke(FunctionName=writer)
    (record,) = stage.records()
    assert re.fullmatch(r"AWS:AROA\w+:writer", record["userIdentity"]["principalId"])


def test_an_object_is_complete_when_its_event_comes(
    stage: Stage, make_function: Callable[..., str]
) -> None:
    # moto tells of an object before it has its metadata.
    reader = make_function(
        "import boto3\ndef handler(event, context):\n"
        "    found = boto3.client('s3').head_object(Bucket='photos', Key='k')\n"
        "    print('FOUND', found['Metadata'], found['ContentType'])\n",
        FunctionName="reader", Timeout=30,
    )  # fmt: skip
    stage.bucket()
    stage.lam.add_permission(
        FunctionName=reader, StatementId="s3", Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )  # fmt: skip
    stage.notify(stage.rule() | {"LambdaFunctionArn": stage.arn.replace("teller", reader)})
    stage.put("k", Metadata={"a": "b"}, ContentType="text/x", Tagging="c=d")
    stage.settle()
    found = stage.lab.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{reader}", filterPattern="FOUND"
    )["events"]
    assert [one["message"].strip() for one in found] == ["FOUND {'a': 'b'} text/x"]


def test_many_writers_lose_nothing(stage: Stage) -> None:
    stage.bucket()
    clients = [stage.lab.client("s3") for _ in range(4)]

    def write(number: int) -> None:
        more = {"Tagging": "a=b"} if number % 2 else {}  # the short way and the long one
        clients[number % 4].put_object(Bucket="photos", Key=f"{number:02}", Body=b"x", **more)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(40)))
    assert names(stage) == [("ObjectCreated:Put", f"{number:02}") for number in range(40)]
    sequencers = [one["s3"]["object"]["sequencer"] for one in stage.records()]
    assert len(set(sequencers)) == 40


# ---- filters


def test_prefix_and_suffix_choose(stage: Stage) -> None:
    stage.bucket("s3:ObjectCreated:Put", Prefix="in/", suffix=".jpg")
    for key in ("in/a.jpg", "in/a.png", "out/a.jpg", "xin/a.jpg", "in/.jpg"):
        stage.put(key)
    stage.s3.copy_object(Bucket="photos", Key="in/copy.jpg", CopySource="photos/in/a.jpg")
    assert names(stage) == [("ObjectCreated:Put", "in/.jpg"), ("ObjectCreated:Put", "in/a.jpg")]
    # Recorded: test_filter_rules_case_insensitive
    (shown,) = stage.s3.get_bucket_notification_configuration(Bucket="photos")[
        "LambdaFunctionConfigurations"
    ]
    assert shown["Filter"]["Key"]["FilterRules"] == [
        {"Name": "Prefix", "Value": "in/"},
        {"Name": "Suffix", "Value": ".jpg"},
    ]


def test_rules_that_do_not_overlap_each_tell(stage: Stage) -> None:
    stage.bucket()
    stage.notify(
        stage.rule(Prefix="a/") | {"Id": "first"},
        stage.rule(Prefix="b/") | {"Id": "second"},
        stage.rule("s3:ObjectRemoved:Delete") | {"Id": "third"},
    )
    for key in ("a/1", "b/1", "c/1"):
        stage.put(key)
    stage.s3.delete_object(Bucket="photos", Key="a/1")
    found = {(one["s3"]["configurationId"], one["s3"]["object"]["key"]) for one in stage.records()}
    assert found == {("first", "a/1"), ("second", "b/1"), ("third", "a/1")}


def test_a_configuration_that_is_taken_away_tells_no_more(stage: Stage) -> None:
    stage.bucket()
    stage.s3.put_bucket_notification_configuration(Bucket="photos", NotificationConfiguration={})
    stage.put("a")
    assert stage.records() == []


# ---- queues, topics and buses


def leave(action: str, resource: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnLike": {"aws:SourceArn": BUCKET}},
    }


def test_queues_get_a_test_event_and_then_records(stage: Stage) -> None:
    stage.s3.create_bucket(Bucket="photos")
    queue = stage.queue("q", leave("sqs:SendMessage", queue_arn("q")))
    stage.notify(QueueConfigurations=[{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}])
    stage.put("a b")
    test, event = stage.in_queue("q")
    assert test.keys() == {"Service", "Event", "Time", "Bucket", "RequestId", "HostId"}
    assert (test["Service"], test["Event"], test["Bucket"]) == (
        "Amazon S3",
        "s3:TestEvent",
        "photos",
    )
    assert event["Records"][0]["s3"]["object"]["key"] == "a+b"


def test_topics_get_the_event_as_a_message(stage: Stage) -> None:
    # Recorded: test_s3_notifications_sns.snapshot.json
    stage.s3.create_bucket(Bucket="photos")
    topic = stage.topic()
    policy = {"Statement": [leave("sns:Publish", topic)]}
    stage.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
    )
    stage.allow("sns", topic)
    stage.subscribe(topic)
    stage.notify(TopicConfigurations=[{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}])
    stage.put("a")
    test, told = sorted(stage.records(), key=lambda one: len(one["Sns"]["Message"]))
    assert json.loads(test["Sns"]["Message"])["Event"] == "s3:TestEvent"
    assert told["Sns"]["Subject"] == "Amazon S3 Notification"
    assert json.loads(told["Sns"]["Message"])["Records"][0]["eventName"] == "ObjectCreated:Put"


def listen(stage: Stage) -> None:
    """Let a queue hear what S3 tells the bus."""
    queue = stage.queue(
        "bus", {**leave("sqs:SendMessage", queue_arn("bus")), "Principal": "*", "Condition": {}}
    )
    events = stage.lab.client("events")
    events.put_rule(Name="r", EventPattern='{"source": ["aws.s3"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "q", "Arn": queue}])


def test_a_bucket_can_tell_the_bus(stage: Stage) -> None:
    # Recorded: test_s3_notifications_eventbridge.snapshot.json
    stage.s3.create_bucket(Bucket="photos")
    stage.notify(EventBridgeConfiguration={})
    shown = stage.s3.get_bucket_notification_configuration(Bucket="photos")
    assert shown["EventBridgeConfiguration"] == {}
    listen(stage)
    stage.put("a b", b"1234", Tagging="a=b")
    stage.s3.delete_object(Bucket="photos", Key="a b")
    created, deleted = sorted(stage.in_queue("bus"), key=lambda one: str(one["detail-type"]))
    assert created["detail-type"] == "Object Created"
    assert created["resources"] == [BUCKET]
    detail = created["detail"]
    assert detail.pop("request-id")
    assert detail["object"].pop("sequencer")
    assert detail == {
        "version": "0",
        "bucket": {"name": "photos"},
        "object": {"key": "a b", "size": 4, "etag": "81dc9bdb52d04dc20036dbd8313ed055"},
        "requester": ACCOUNT,
        "source-ip-address": "127.0.0.1",
        "reason": "PutObject",
    }
    assert deleted["detail"]["deletion-type"] == "Permanently Deleted"
    assert deleted["detail"]["object"].keys() == {"key", "sequencer"}


# ---- resets


def test_a_reset_forgets_configurations(stage: Stage, lab: Lab) -> None:
    stage.bucket()
    lab.reset()
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="photos")
    s3.put_object(Bucket="photos", Key="a", Body=b"")
    lab.clock.advance(seconds=0)
    assert [one.kind for one in lab.timeline if one.kind in ("push", "refused")] == []


# ---- the short way


@pytest.mark.parametrize("more", [{}, {"StorageClass": "STANDARD"}], ids=["short", "long"])
def test_both_ways_keep_an_object_alike(stage: Stage, more: Any) -> None:
    stage.s3.create_bucket(Bucket="photos")
    stage.put("a b/ü", b"old", Tagging="a=b")
    stage.put("a b/ü", b"hello", Metadata={"Some_key": "x  y"}, ContentType="text/x", **more)
    found = stage.s3.get_object(Bucket="photos", Key="a b/ü", ChecksumMode="ENABLED")
    assert found["Body"].read() == b"hello"
    assert found["ContentType"] == "text/x"
    assert found["Metadata"] == {"some_key": "x  y"}
    assert found["ChecksumCRC32"] == "NhCmhg=="
    assert "TagCount" not in found
    assert refusal(stage.s3.put_object, Bucket="none", Key="k", Body=b"").code == "NoSuchBucket"
