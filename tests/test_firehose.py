"""Amazon Data Firehose: buffers, a function that transforms, what ends up in S3 and where."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from lambdalab import Lab
from tests.conftest import MakeFunction
from tests.engine import refusal
from tests.event_stage import Stage, stage

__all__ = ["stage"]

# Does what a record says; all else is written in capitals, with a line break.
TRANSFORM = """
import base64, json, os, socket

def tell(event):
    with socket.create_connection(("127.0.0.1", int(os.environ["GATE"]))) as connection:
        connection.sendall(json.dumps({"event": event}).encode() + b"\\n")
        connection.recv(1)

def handler(event, context):
    tell(event)
    texts = [base64.b64decode(one["data"]).decode() for one in event["records"]]
    if "boom" in texts:
        raise ValueError("as asked")
    if "nonsense" in texts:
        return "nonsense"
    if "no records" in texts:
        return {"record": []}
    answers = []
    for record, text in zip(event["records"], texts):
        answer = {"recordId": record["recordId"], "result": "Ok",
                  "data": base64.b64encode(text.upper().encode() + b"\\n").decode()}
        if text in ("Dropped", "ProcessingFailed", "Odd"):
            answer["result"] = text
        if text == "undecodable":
            answer["data"] = "%%%"
        if text == "no data":
            del answer["data"]
        if text != "missing":
            answers.append(answer)
        if text == "double":
            answers.append(answer)
    return {"records": answers}
"""


class Hose(Stage):
    """A stage with a bucket ``out``, a function that transforms, a role that is taken."""

    taken: str

    def make(self, name: str = "hose", lambda_: dict[str, str] | None = None, **given: Any) -> None:
        """A stream into the bucket; ``lambda_`` gives parameters of its function."""
        destination = {
            "RoleARN": self.taken, "BucketARN": "arn:aws:s3:::out",
            "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
        }  # fmt: skip
        if lambda_ is not None:
            parameters = {"LambdaArn": self.arn, "BufferIntervalInSeconds": "10"} | lambda_
            destination["ProcessingConfiguration"] = {
                "Enabled": True,
                "Processors": [{
                    "Type": "Lambda",
                    "Parameters": [
                        {"ParameterName": key, "ParameterValue": value}
                        for key, value in parameters.items()
                    ],
                }],
            }  # fmt: skip
        self.lab.client("firehose").create_delivery_stream(
            DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination | given
        )

    def put(self, *texts: str, name: str = "hose") -> None:
        answer = self.lab.client("firehose").put_record_batch(
            DeliveryStreamName=name, Records=[{"Data": text.encode()} for text in texts]
        )
        assert (answer["FailedPutCount"], len(answer["RequestResponses"])) == (0, len(texts))

    def objects(self, bucket: str = "out") -> dict[str, bytes]:
        """What the bucket holds."""
        s3 = self.lab.client("s3")
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def failed(self) -> list[tuple[str, str, int]]:
        """The records that failed: code, data, attempts."""
        return [
            (line["errorCode"], b64decode(line["rawData"]).decode(), line["attemptsMade"])
            for key, content in self.objects().items() if "processing-failed/" in key
            for line in map(json.loads, content.decode().splitlines())
        ]  # fmt: skip


@pytest.fixture
def hose(stage: Stage, make_function: MakeFunction) -> Iterator[Hose]:
    found = Hose.__new__(Hose)
    found.__dict__.update(stage.__dict__)
    found.lab.client("s3").create_bucket(Bucket="out")
    code = found.lab.zip({"lambda_function.py": TRANSFORM})
    found.lam.update_function_code(FunctionName="fn", ZipFile=code)
    found.lab.clock.advance(seconds=1)
    found.taken = found.role("firehose.amazonaws.com")
    yield found


def test_records_are_gathered_until_their_time_is_over(hose: Hose) -> None:
    hose.make()
    hose.put("one", "two")
    hose.lab.clock.advance(seconds=30)
    hose.put("three")
    hose.lab.clock.advance(seconds=28)
    assert hose.objects() == {}
    hose.lab.clock.advance(seconds=4)
    ((key, content),) = hose.objects().items()
    assert content == b"onetwothree"
    stamp = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
    assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d/\d\d/hose-1-{stamp}-[0-9a-f-]{{36}}", key)


def test_a_full_buffer_does_not_wait(hose: Hose) -> None:
    hose.make()
    hose.put("x" * 600_000, "y" * 600_000)
    hose.lab.clock.advance(seconds=1)
    ((_, content),) = hose.objects().items()
    assert len(content) == 1_200_000


def test_the_function_gets_a_batch_and_its_answers_count(hose: Hose) -> None:
    hose.make(lambda_={})
    hose.put("one", "Dropped", "two")
    hose.lab.clock.advance(seconds=9)
    assert hose.gate.arrived == []
    hose.lab.clock.advance(seconds=2)
    (told,) = hose.gate.arrived
    event = told["event"]
    assert set(event) == {"invocationId", "deliveryStreamArn", "region", "records"}
    assert event["deliveryStreamArn"].endswith(":deliverystream/hose")
    assert event["region"] == hose.lab.region
    first = event["records"][0]
    assert set(first) == {"recordId", "approximateArrivalTimestamp", "data"}
    assert b64decode(first["data"]) == b"one"
    assert len({one["recordId"] for one in event["records"]}) == 3
    now = hose.lab.clock.now().timestamp() * 1000
    assert 0 < now - first["approximateArrivalTimestamp"] < 60_000
    assert hose.objects() == {}
    hose.lab.clock.run_until_idle()
    ((_, content),) = hose.objects().items()
    assert content == b"ONE\nTWO\n"
    assert [one["how"] for one in hose.told("push")] == ["synchronous"]


def test_a_batch_that_is_large_enough_does_not_wait(hose: Hose) -> None:
    hose.make(lambda_={"BufferSizeInMBs": "0.2", "BufferIntervalInSeconds": "900"})
    hose.put("x" * 150_000, "y" * 150_000)
    hose.lab.clock.advance(seconds=1)
    assert len(hose.gate.arrived) == 1


def test_records_that_fail_are_written_apart(hose: Hose) -> None:
    hose.make(lambda_={})
    hose.put("good", "ProcessingFailed", "missing", "double", "no data")
    hose.lab.clock.run_until_idle()
    assert hose.failed() == [
        ("Lambda.ProcessingFailedStatus", "ProcessingFailed", 1),
        ("Lambda.MissingRecordId", "missing", 1),
        ("Lambda.DuplicatedRecordId", "double", 1),
        ("Lambda.InvalidReturnFormat", "no data", 1),
    ]
    assert b"GOOD\n" in hose.objects().values()
    (line, *_) = (content for key, content in hose.objects().items() if "processing-fail" in key)
    assert list(json.loads(line.splitlines()[0])) == [
        "rawData", "errorCode", "errorMessage", "attemptsMade", "arrivalTimestamp",
        "attemptEndingTimestamp", "lambdaARN",
    ]  # fmt: skip


@pytest.mark.parametrize("bad", ["Odd", "undecodable"])
def test_a_record_in_no_form_fails_the_batch(hose: Hose, bad: str) -> None:
    hose.make(lambda_={})
    hose.put("good", bad)
    hose.lab.clock.run_until_idle()
    assert hose.failed() == [("Lambda.FunctionError", text, 1) for text in ("good", bad)]
    assert len(hose.objects()) == 1


@pytest.mark.parametrize(("retries", "attempts"), [(None, 4), ("0", 1), ("1", 2)])
def test_a_function_that_fails_is_tried_again(
    hose: Hose, retries: str | None, attempts: int
) -> None:
    hose.make(lambda_={} if retries is None else {"NumberOfRetries": retries})
    hose.put("boom", "bystander")
    hose.lab.clock.run_until_idle()
    assert len(hose.gate.arrived) == attempts
    assert hose.failed() == [
        ("Lambda.FunctionError", "boom", attempts), ("Lambda.FunctionError", "bystander", attempts),
    ]  # fmt: skip


def test_an_answer_that_is_none_fails_the_batch(hose: Hose) -> None:
    hose.make(lambda_={})
    hose.put("nonsense")
    hose.lab.clock.run_until_idle()
    hose.put("no records")
    hose.lab.clock.run_until_idle()
    assert hose.failed() == [
        ("Lambda.JsonProcessingException", "nonsense", 1),
        ("Lambda.MissingRecordId", "no records", 1),
    ]


def test_a_function_or_a_role_that_is_gone(hose: Hose) -> None:
    hose.make(lambda_={"NumberOfRetries": "0"})
    hose.lab.client("iam").delete_role(RoleName="for-firehose.amazonaws.com")
    hose.put("one")
    hose.lab.clock.run_until_idle()
    hose.role("firehose.amazonaws.com")
    hose.lam.delete_function(FunctionName="fn")
    hose.put("two")
    hose.lab.clock.run_until_idle()
    assert hose.failed() == [
        ("Lambda.AssumeRoleAccessDenied", "one", 1), ("Lambda.ResourceNotFound", "two", 1),
    ]  # fmt: skip


def test_prefixes_and_packing(hose: Hose) -> None:
    hose.make(
        lambda_={}, CompressionFormat="GZIP",
        Prefix="good/year=!{timestamp:yyyy}/!{timestamp:MM-dd'T'HH}/!{firehose:random-string}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/!{timestamp:yyyy}/",
    )  # fmt: skip
    hose.put("one", "ProcessingFailed")
    hose.lab.clock.run_until_idle()
    bad, good = sorted(hose.objects().items())
    year = hose.lab.clock.now().year
    assert re.match(rf"bad/processing-failed/{year}/hose-1-", bad[0])
    assert re.match(rf"good/year={year}/\d\d-\d\dT\d\d/[a-z0-9]{{11}}/hose-1-.*\.gz$", good[0])
    assert gzip.decompress(good[1]) == b"ONE\n"
    assert json.loads(bad[1])["lambdaARN"] == hose.arn


def test_a_plain_prefix_stands_before_the_date_as_it_is(hose: Hose) -> None:
    hose.make(Prefix="plain-", CompressionFormat="ZIP", FileExtension=".archive")
    hose.put("one")
    hose.lab.clock.run_until_idle()
    ((key, content),) = hose.objects().items()
    assert re.match(r"plain-\d{4}/\d\d/\d\d/\d\d/hose-1-.*\.archive$", key)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert [archive.read(name) for name in archive.namelist()] == [b"one"]


def test_what_came_is_kept_beside_what_was_made_of_it(hose: Hose) -> None:
    hose.lab.client("s3").create_bucket(Bucket="raw")
    hose.make(
        lambda_={}, S3BackupMode="Enabled",
        S3BackupConfiguration={
            "RoleARN": hose.taken, "BucketARN": "arn:aws:s3:::raw",
            "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 1},
        },
    )  # fmt: skip
    hose.put("one", "Dropped")
    hose.lab.clock.run_until_idle()
    assert list(hose.objects("raw").values()) == [b"oneDropped"]
    assert list(hose.objects().values()) == [b"ONE\n"]


def test_a_bucket_that_is_not_there_is_told_and_tried_again(hose: Hose) -> None:
    hose.make(BucketARN="arn:aws:s3:::later")
    hose.put("one")
    hose.lab.clock.advance(minutes=2)
    assert [(one["what"], one["to"]) for one in hose.told("undelivered")] == [("records", "later")]
    hose.lab.client("s3").create_bucket(Bucket="later")
    hose.lab.clock.advance(minutes=5)
    assert list(hose.objects("later").values()) == [b"one"]


def test_a_role_that_firehose_may_not_take_is_refused(hose: Hose, role: str) -> None:
    said = refusal(lambda: hose.make(lambda_={"RoleArn": role}))
    assert said == (
        400, "InvalidArgumentException",
        f"Firehose is unable to assume role {role}. Please check the role provided.",
    )  # fmt: skip
    assert hose.lab.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []


def test_a_reset_forgets_what_was_gathered(hose: Hose) -> None:
    hose.make(lambda_={})
    hose.put("one")
    lab: Lab = hose.lab
    lab.reset()
    lab.client("s3").create_bucket(Bucket="out")
    lab.clock.advance(minutes=10)
    assert hose.objects() == {}
    assert [one.kind for one in lab.timeline] == []


def test_a_stream_as_the_target_of_a_rule(hose: Hose) -> None:
    events = hose.lab.client("events")
    hose.make()
    events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    stream = f"arn:aws:firehose:{hose.lab.region}:{hose.lab.account}:deliverystream/hose"
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": stream, "InputPath": "$.detail"}])
    events.put_events(Entries=[{"Source": "shop", "DetailType": "t", "Detail": '{"n": 1}'}])
    hose.lab.clock.run_until_idle()
    assert list(hose.objects().values()) == [b'{"n":1}']


def test_a_data_stream_as_the_source(hose: Hose) -> None:
    kinesis, firehose = hose.lab.client("kinesis"), hose.lab.client("firehose")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    source = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]
    kinesis.put_record(StreamName="s", Data=b"too early", PartitionKey="k")
    parameters = {"LambdaArn": hose.arn, "BufferIntervalInSeconds": "10"}
    listed = [{"ParameterName": key, "ParameterValue": parameters[key]} for key in parameters]
    firehose.create_delivery_stream(
        DeliveryStreamName="hose", DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": source["StreamARN"], "RoleARN": hose.taken,
        },
        ExtendedS3DestinationConfiguration={
            "RoleARN": hose.taken, "BucketARN": "arn:aws:s3:::out",
            "ProcessingConfiguration": {
                "Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": listed}],
            },
        },
    )  # fmt: skip
    put = kinesis.put_record(StreamName="s", Data=b"one", PartitionKey="k")
    kinesis.split_shard(
        StreamName="s", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    kinesis.put_record(StreamName="s", Data=b"two", PartitionKey="k")
    hose.lab.clock.run_until_idle()
    (told,) = hose.gate.arrived
    assert told["event"]["sourceKinesisStreamArn"] == source["StreamARN"]
    first, second = told["event"]["records"]
    assert first["kinesisRecordMetadata"]["sequenceNumber"] == put["SequenceNumber"]
    assert second["kinesisRecordMetadata"]["shardId"] != put["ShardId"]
    assert list(hose.objects().values()) == [b"ONE\nTWO\n"]
    said = refusal(firehose.put_record, DeliveryStreamName="hose", Record={"Data": b"x"})
    assert said == (
        400, "InvalidArgumentException",
        "This operation is not permitted on KinesisStreamAsSource delivery stream type.",
    )  # fmt: skip
