"""The delivery streams of moto's Amazon Data Firehose that deliver to S3.

moto writes each request into an object of its own at once: nothing is buffered, no function
transforms it, and data streams are not read. Here records go to the ``Bridge``, and objects are
written when it says so.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.imports import after_load
from lambdalab.neighbours.request_checks import refuse

__all__ = ["Bridge", "Stream", "find", "install", "log", "put_object"]

_CHECKED = frozenset({"CreateDeliveryStream", "PutRecord", "PutRecordBatch", "UpdateDestination"})
_SOURCES = ("DirectPut", "KinesisStreamAsSource")
_DESTINATIONS = re.compile(r"(\w+)Destination(?:Configuration|Update)")


class Stream(NamedTuple):
    """A delivery stream as it is now.

    ``destination`` is its extended S3 destination, or S3's; ``source`` is the ARN of the data
    stream that it reads, if any.
    """

    arn: str
    name: str
    account: str
    region: str
    version: str
    destination: Mapping[str, Any]
    source: str | None


class Bridge(Protocol):
    """Who acts for the streams. All is called in moto's threads."""

    def check(self, destination: Mapping[str, Any]) -> None:
        """A stream with that destination is about to be made; raises AwsError."""

    def created(self, stream: Stream) -> None:
        """A stream was made."""

    def arrived(self, stream: Stream, records: list[bytes]) -> None:
        """Records were put."""


_make: Callable[[], Bridge]


def install(make: Callable[[], Bridge]) -> None:
    """Let a bridge act for moto's delivery streams; the last one counts.

    ``make`` is called whenever it is asked, and always gives the same one.
    """
    global _make
    _make = make
    after_load("moto.firehose.models", _mend)
    after_load("moto.firehose.responses", _mend_responses)


def find(arn: str) -> Stream | None:
    """The delivery stream of that ARN as it is now; None where there is none."""
    from moto.firehose.models import firehose_backends

    region, account, resource = arn.split(":", 5)[3:6]
    found = firehose_backends[account][region].delivery_streams.get(resource.partition("/")[2])
    return None if found is None else _view(found, account, region)


def put_object(
    account: str, bucket: str, key: str, content: bytes, encoding: str | None = None
) -> None:
    """Write an object as Firehose does; raises moto's error where it cannot."""
    from moto.s3.models import s3_backends

    made = s3_backends[account]["aws"].put_object(bucket, key, content)
    told = {"Content-Type": "application/octet-stream"}
    made.set_metadata(told | ({"Content-Encoding": encoding} if encoding else {}))


def log(stream: Stream, failures: Sequence[tuple[str, str]], function: str) -> None:
    """Write what failed, code and text, into the log stream that a destination names, if any."""
    from moto.core.utils import unix_time_millis
    from moto.logs.models import logs_backends

    options = stream.destination.get("CloudWatchLoggingOptions") or {}
    group, name = options.get("LogGroupName"), options.get("LogStreamName")
    backend = logs_backends[stream.account][stream.region]
    if not options.get("Enabled") or name not in getattr(backend.groups.get(group), "streams", ()):
        return
    told = {"deliveryStreamARN": stream.arn, "deliveryStreamVersionId": int(stream.version)}
    told |= {"destination": stream.destination.get("BucketARN"), "processor": function}
    events = [
        {"timestamp": int(unix_time_millis()),
         "message": json.dumps(told | {"errorCode": code, "message": text})}
        for code, text in failures
    ]  # fmt: skip
    backend.put_log_events(group, name, events)


def _mend_responses(module: ModuleType) -> None:
    """Here moto reads the parameters before it comes to an operation, and fails at bad ones."""
    original = module.FirehoseResponse.parse_parameters

    def parse_parameters(self: Any, request: Any) -> None:
        operation = request.headers.get("X-Amz-Target", "").partition(".")[2]
        if operation in _CHECKED and request.content_type.startswith("application/x-amz-json"):
            refuse("firehose", operation, request.data)
            _refuse_absent(json.loads(request.data))
        original(self, request)

    module.FirehoseResponse.parse_parameters = parse_parameters


def _refuse_absent(given: Mapping[str, Any]) -> None:
    """Refuse by name what the lab does not act on; moto takes it, and drops the records."""
    from moto.core.exceptions import JsonRESTError

    destinations = {name: _DESTINATIONS.fullmatch(name) for name in given}
    try:
        kind = given.get("DeliveryStreamType") or _SOURCES[0]
        if kind not in _SOURCES:
            raise not_implemented(f"delivery streams of the type {kind}")
        for name, found in destinations.items():
            if found is not None and found[1] not in ("S3", "ExtendedS3"):
                raise not_implemented(f"delivery streams with {name}")
            if found is not None:
                _make().check(given[name])
    except AwsError as error:
        refused = JsonRESTError(error.code, error.message)
        refused.code = error.status
        raise refused from None


def _mend(module: ModuleType) -> None:
    backend = module.FirehoseBackend
    backend.create_delivery_stream = _creating(backend.create_delivery_stream)
    backend.put_record_batch = _putting(backend.put_record_batch, module)
    backend.put_s3_records = _put_records


def _creating(original: Callable[..., str]) -> Callable[..., str]:
    signature = inspect.signature(original)

    def create_delivery_stream(self: Any, *given: Any, **named: Any) -> str:
        members = signature.bind(self, *given, **named).arguments
        arn = original(self, *given, **named)
        made = self.delivery_streams[members["delivery_stream_name"]]
        _make().created(_view(made, self.account_id, self.region_name))
        return arn

    return create_delivery_stream


def _put_records(
    self: Any,
    delivery_stream_name: str,
    _version_id: str,
    _destination: dict[str, Any],
    records: list[dict[str, bytes]],
) -> list[dict[str, str]]:
    from moto.moto_api._internal import mock_random

    stream = _view(self.delivery_streams[delivery_stream_name], self.account_id, self.region_name)
    _make().arrived(stream, [record["Data"] for record in records])
    return [{"RecordId": str(mock_random.uuid4())} for _ in records]


def _putting(original: Callable[..., Any], module: ModuleType) -> Callable[..., Any]:
    """A stream that reads a data stream takes nothing else."""

    def put_record_batch(self: Any, delivery_stream_name: str, records: Any) -> Any:
        stream = self.delivery_streams.get(delivery_stream_name)
        if stream is not None and stream.source:
            raise module.InvalidArgumentException(aws_error("firehose.not-direct").message)
        return original(self, delivery_stream_name, records)

    return put_record_batch


def _view(stream: Any, account: str, region: str) -> Stream:
    first = stream.destinations[0]
    return Stream(
        stream.delivery_stream_arn,
        stream.delivery_stream_name,
        account,
        region,
        stream.version_id,
        dict(first.get("ExtendedS3") or first.get("S3") or {}),
        (stream.source or {}).get("KinesisStreamARN"),
    )
