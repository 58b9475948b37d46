"""Amazon Data Firehose: how objects are packed, what stands between records, what is refused."""

from __future__ import annotations

import asyncio
import json
import struct
from random import Random
from typing import Any

import cramjam
import pytest

from lambdalab.clock import LabClock
from lambdalab.errors import AwsError
from lambdalab.neighbours.streams.firehose import Stream
from lambdalab.sources.delivery_streams import firehose as source
from lambdalab.sources.delivery_streams.firehose_objects import packed
from lambdalab.timeline import Timeline
from tests.engine import refusal
from tests.event_stage import stage
from tests.test_firehose import Hose, hose

__all__ = ["hose", "stage"]

DELIMITER = {"Type": "AppendDelimiterToRecord", "Parameters": []}
S3 = {"RoleARN": "arn:aws:iam::123456789012:role/r", "BucketARN": "arn:aws:s3:::out"}


def unpacked_by_hadoop(content: bytes) -> bytes:
    """What Hadoop's codec reads: blocks, each behind its length and that of its packed form."""
    found, at = [], 0
    while at < len(content):
        length, size = struct.unpack_from(">II", content, at)
        block = bytes(cramjam.snappy.decompress_raw(content[at + 8 : at + 8 + size]))
        assert len(block) == length
        found.append(block)
        at += 8 + size
    return b"".join(found)


def unpacked_by_java(content: bytes) -> bytes:
    """What snappy-java's streams read: a start, and blocks behind the length of each."""
    assert content[:16] == b"\x82SNAPPY\x00" + struct.pack(">II", 1, 1)
    found, at = [], 16
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        found.append(bytes(cramjam.snappy.decompress_raw(content[at + 4 : at + 4 + size])))
        at += 4 + size
    return b"".join(found)


UNPACKED = {
    "Snappy": unpacked_by_java,
    "HADOOP_SNAPPY": unpacked_by_hadoop,
}


@pytest.mark.parametrize(
    ("form", "encoding"), [("Snappy", "snappy-java"), ("HADOOP_SNAPPY", "hadoop-snappy")]
)
def test_objects_packed_with_snappy(hose: Hose, form: str, encoding: str) -> None:
    hose.make(CompressionFormat=form)
    hose.put(*["a line of text that repeats"] * 200)
    hose.lab.clock.run_until_idle()
    ((key, content),) = hose.objects().items()
    assert key.endswith(".snappy")
    head = hose.lab.client("s3").head_object(Bucket="out", Key=key)
    assert head["ContentEncoding"] == encoding
    assert head["ContentType"] == "application/octet-stream"
    assert UNPACKED[form](content) == b"a line of text that repeats" * 200
    assert len(content) < 1000


@pytest.mark.parametrize("size", [0, 1, 2**18, 2**18 + 1, 3 * 2**18 + 7])
@pytest.mark.parametrize("form", UNPACKED)
def test_every_size_comes_out_as_it_went_in(form: str, size: int) -> None:
    content = Random(size).randbytes(size)
    assert UNPACKED[form](packed(content, form)) == content


def configured(hose: Hose, *processors: dict[str, Any]) -> dict[str, Any]:
    return {"ProcessingConfiguration": {"Enabled": True, "Processors": list(processors)}}


def function(hose: Hose, **parameters: str) -> dict[str, Any]:
    given = {"LambdaArn": hose.arn, "BufferIntervalInSeconds": "10"} | parameters
    listed = [{"ParameterName": key, "ParameterValue": given[key]} for key in given]
    return {"Type": "Lambda", "Parameters": listed}


@pytest.mark.parametrize("delimiter", [None, "\\n", "--"])
def test_a_delimiter_between_records(hose: Hose, delimiter: str | None) -> None:
    given: dict[str, Any] = {"Type": "AppendDelimiterToRecord"}
    if delimiter is not None:
        given["Parameters"] = [{"ParameterName": "Delimiter", "ParameterValue": delimiter}]
    hose.make(**configured(hose, given))
    hose.put("one", "two")
    hose.lab.clock.run_until_idle()
    assert list(hose.objects().values()) == [b"one\ntwo"]


def test_a_delimiter_between_what_a_function_returns(hose: Hose) -> None:
    hose.make(**configured(hose, function(hose), DELIMITER))
    hose.put("one", "Dropped", "two")
    hose.lab.clock.run_until_idle()
    assert list(hose.objects().values()) == [b"ONE\n\nTWO\n"]


@pytest.mark.parametrize(
    ("processor", "words"),
    [
        ({"Type": "MetadataExtraction"}, "the processor MetadataExtraction"),
        ({"Type": "Decompression"}, "the processor Decompression"),
        ({"Type": "Lambda"}, "needs the parameter LambdaArn"),
        ({"BufferSizeInMBs": "3.5"}, "BufferSizeInMBs must be between 0.2 and 3.0"),
        ({"BufferIntervalInSeconds": "901"}, "must be between 0.0 and 900.0"),
        ({"NumberOfRetries": "301"}, "must be between 0.0 and 300.0"),
        ({"NumberOfRetries": "many"}, "is not a number"),
    ],
)
def test_processors_that_are_refused(hose: Hose, processor: dict[str, str], words: str) -> None:
    given = processor if "Type" in processor else function(hose, **processor)
    told = refusal(lambda: hose.make(**configured(hose, given)))
    assert words in told.message
    assert hose.lab.client("firehose").list_delivery_streams()["DeliveryStreamNames"] == []


def test_one_function_and_no_more_than_five_processors(hose: Hose) -> None:
    told = refusal(lambda: hose.make(**configured(hose, function(hose), function(hose))))
    assert told.message == "Cannot have more than 1 Lambda processor"
    for count in (0, 6):
        told = refusal(hose.make, **configured(hose, *[DELIMITER] * count))
        assert told.message.startswith("A maximum of 5 and a minimum of 1 processor")


@pytest.mark.parametrize("name", ["DynamicPartitioning", "DataFormatConversion"])
def test_what_the_lab_does_not_do_to_records_it_names(hose: Hose, name: str) -> None:
    told = refusal(lambda: hose.make(**{f"{name}Configuration": {"Enabled": True}}))
    assert (told.status, told.code) == (501, "NotImplementedException")
    assert f"{name}Configuration" in told.message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"HttpEndpointDestinationConfiguration": {
                "EndpointConfiguration": {"Url": "https://example.com"}, "S3Configuration": S3,
            }},
            "HttpEndpointDestinationConfiguration",
        ),
        (
            {"DeliveryStreamType": "MSKAsSource", "ExtendedS3DestinationConfiguration": S3},
            "type MSKAsSource",
        ),
    ],
)  # fmt: skip
def test_streams_that_go_elsewhere_are_refused_by_name(
    hose: Hose, settings: dict[str, Any], words: str
) -> None:
    told = refusal(
        hose.lab.client("firehose").create_delivery_stream, DeliveryStreamName="x", **settings
    )
    assert (told.status, told.code) == (501, "NotImplementedException")
    assert words in told.message


def test_an_update_is_looked_at_as_well(hose: Hose) -> None:
    firehose = hose.lab.client("firehose")
    hose.make()

    def update(version: str, **given: Any) -> None:
        firehose.update_destination(
            DeliveryStreamName="hose", DestinationId="destinationId-000000000001",
            CurrentDeliveryStreamVersionId=version, ExtendedS3DestinationUpdate=given,
        )  # fmt: skip

    told = refusal(lambda: update("1", **configured(hose, {"Type": "MetadataExtraction"})))
    assert told.code == "NotImplementedException"
    hose.put("before")
    update("1", CompressionFormat="Snappy", **configured(hose, DELIMITER))
    hose.put("after")
    hose.lab.clock.run_until_idle()
    old, new = sorted(hose.objects().items(), key=lambda one: one[0].endswith(".snappy"))
    assert (old[1], UNPACKED["Snappy"](new[1])) == (b"before", b"after")


def test_an_answer_larger_than_lambda_sends_fails_the_batch(hose: Hose) -> None:
    code = {"lambda_function.py": "def handler(event, context):\n    return 'x' * 6_400_000\n"}
    hose.lam.update_function_code(FunctionName="fn", ZipFile=hose.lab.zip(code))
    hose.lab.clock.advance(seconds=1)
    hose.make(lambda_={"NumberOfRetries": "0"})
    hose.put("one")
    hose.lab.clock.run_until_idle()
    assert hose.failed() == [("Lambda.FunctionError", "one", 1)]


def test_what_fails_is_logged_where_the_stream_says(hose: Hose) -> None:
    logs = hose.lab.client("logs")
    logs.create_log_group(logGroupName="/hose")
    logs.create_log_stream(logGroupName="/hose", logStreamName="S3Delivery")
    options = {"Enabled": True, "LogGroupName": "/hose", "LogStreamName": "S3Delivery"}
    hose.make(lambda_={}, CloudWatchLoggingOptions=options)
    hose.put("ProcessingFailed", "nonsense")
    hose.lab.clock.run_until_idle()
    (event,) = logs.get_log_events(logGroupName="/hose", logStreamName="S3Delivery")["events"]
    line = json.loads(event["message"])
    assert (line["errorCode"], line["processor"]) == ("Lambda.JsonProcessingException", hose.arn)
    assert line["deliveryStreamARN"].endswith("deliverystream/hose")


class Slow:
    """A function that never answers, in place of all."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def check_role(self, *_: str) -> None:
        """Any role will do."""

    async def call(self, _arn: str, event: bytes, _sender: object) -> None:
        self.asked.append(event)
        await asyncio.Event().wait()


def test_nobody_waits_longer_than_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert source._LONGEST == 300
    monkeypatch.setattr(source, "_LONGEST", 0.01)
    waits: list[float] = []
    within = source.within

    def waiting(call: Any, seconds: float) -> Any:
        waits.append(seconds)
        return within(call, seconds)

    monkeypatch.setattr(source, "within", waiting)
    written: list[bytes] = []
    monkeypatch.setattr(source.neighbour, "put_object", lambda *given: written.append(given[3]))
    monkeypatch.setattr(source.neighbour, "log", lambda *_: None)

    async def run() -> None:
        clock, slow = LabClock(1.0), Slow()
        streams = source.Firehose(
            slow,
            clock,
            Timeline(),
            Random(1),
            asyncio.get_running_loop(),  # type: ignore[arg-type]
        )
        destination = {"BucketARN": "arn:aws:s3:::out"} | {
            "ProcessingConfiguration": {"Enabled": True, "Processors": [
                {"Type": "Lambda", "Parameters": [
                    {"ParameterName": "LambdaArn", "ParameterValue": "f"},
                    {"ParameterName": "NumberOfRetries", "ParameterValue": "0"},
                ]},
            ]},
        }  # fmt: skip
        stream = Stream("arn", "s", "1", "us-east-1", "1", destination, None)
        streams.arrived(stream, [b"x" * 2_000_000])
        while not slow.asked:
            await asyncio.sleep(0)
        await streams.drained()
        await clock.run_until_idle(3600)

    asyncio.run(asyncio.wait_for(run(), 60))
    assert waits == [0.01]
    (line,) = (json.loads(one) for one in written)
    assert (line["errorCode"], line["attemptsMade"]) == ("Lambda.FunctionTimedOut", 1)


def test_an_error_of_the_checks_is_one_of_aws() -> None:
    with pytest.raises(AwsError) as caught:
        source.check({"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "x"}]}})
    assert caught.value.status == 501
