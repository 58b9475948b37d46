"""What a delivery stream's function gets, and what its answer means for each record.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html, and what AWS did
when it was asked: docs/firehose.md of https://github.com/radkawar/stackd, FirehoseLambdaTransformer
of https://github.com/floci-io/floci
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.neighbours.streams.firehose import Stream
from lambdalab.sources.events.event_inputs import text_of

__all__ = [
    "Failure",
    "Record",
    "Results",
    "Transformation",
    "delimiter_of",
    "event_of",
    "failed_document",
    "parameters_of",
]

_SIZE = facts.quota("firehose.lambda-buffer-size").bytes
_INTERVAL = facts.quota("firehose.lambda-buffer-interval").seconds
_RETRIES = facts.quota("firehose.lambda-retries").value
_RESULTS = ("Ok", "Dropped", "ProcessingFailed")


class Record(NamedTuple):
    """A record in a stream; ``arrived`` is in platform milliseconds.

    ``more`` is what is known of it in the data stream that it comes from, if any.
    """

    id: str
    data: bytes
    arrived: int
    more: dict[str, Any] | None = None


class Failure(NamedTuple):
    """Why a record could not be transformed: Firehose's code, and its words."""

    code: str
    text: str

    @staticmethod
    def of(code: str, words: str = "") -> Failure:
        """The failure of that code, in words that are another one's, if any are named."""
        return Failure(f"Lambda.{code}", facts.message(f"firehose.{_name(words or code)}").text)


@dataclass(frozen=True)
class Transformation:
    """How a stream's function is called: bytes and seconds that are buffered, retries."""

    function: str
    role: str
    size: int
    interval: float
    retries: int

    @staticmethod
    def of(destination: Mapping[str, Any]) -> Transformation | None:
        """As a destination says it; None where no function transforms its records."""
        configuration = destination.get("ProcessingConfiguration") or {}
        if not configuration.get("Enabled"):
            return None
        for processor in configuration.get("Processors") or []:
            if processor.get("Type") == "Lambda":
                return _transformation(parameters_of(processor), destination)
        return None


def delimiter_of(destination: Mapping[str, Any]) -> bytes:
    """What stands between the records of an object: nothing, unless a processor adds it.

    AWS drops the parameters of that processor: it is always a line feed.
    """
    configuration = destination.get("ProcessingConfiguration") or {}
    processors = configuration.get("Processors") or [] if configuration.get("Enabled") else []
    delimits = any(one.get("Type") == "AppendDelimiterToRecord" for one in processors)
    return b"\n" if delimits else b""


class Results(NamedTuple):
    """What an answer means: data that goes on, and records that failed, with the reason."""

    data: list[bytes]
    failed: list[tuple[Record, Failure]]

    @staticmethod
    def of(payload: bytes, records: list[Record]) -> Results:
        """Read the answer of a function; one bad record fails its whole batch."""
        try:
            answer = json.loads(payload)
            listed = answer.get("records")
        except (ValueError, AttributeError, RecursionError):
            wrong = Failure.of("JsonProcessingException")
            return Results([], [(record, wrong) for record in records])
        try:
            answers = [_Answer.of(one) for one in listed] if isinstance(listed, list) else []
        except (binascii.Error, ValueError, TypeError, AttributeError):
            wrong = Failure.of("FunctionError", words="InvalidFormat")
            return Results([], [(record, wrong) for record in records])
        count = Counter(one.id for one in answers)
        found = {one.id: one for one in answers}
        data, failed = [], []
        for record in records:
            meant = _meaning(found.get(record.id), count[record.id])
            if isinstance(meant, Failure):
                failed.append((record, meant))
            elif meant is not None:
                data.append(meant)
        return Results(data, failed)


class _Answer(NamedTuple):
    """What a function says of one record."""

    id: str | None
    result: str
    data: bytes | None

    @staticmethod
    def of(given: Mapping[str, Any]) -> _Answer:
        """Read it; raises an error where it has not the form that Firehose asks for."""
        result, data = given.get("result"), given.get("data")
        if result not in _RESULTS:
            raise ValueError(result)
        return _Answer(
            given.get("recordId"), result, None if data is None else b64decode(data, validate=True)
        )


def event_of(stream: Stream, invocation: str, records: list[Record]) -> bytes:
    """The event that a function gets for a batch."""
    return text_of(
        {
            "invocationId": invocation,
            **({"sourceKinesisStreamArn": stream.source} if stream.source else {}),
            "deliveryStreamArn": stream.arn,
            "region": stream.region,
            "records": [
                {
                    "recordId": record.id,
                    "approximateArrivalTimestamp": record.arrived,
                    "data": b64encode(record.data).decode(),
                    **({"kinesisRecordMetadata": record.more} if record.more else {}),
                }
                for record in records
            ],
        }
    ).encode()


def failed_document(
    record: Record, failure: Failure, function: str, attempts: int, ended: float
) -> bytes:
    """The line that stands under processing-failed for a record; ``ended`` in platform seconds."""
    return (
        text_of(
            {
                "rawData": b64encode(record.data).decode(),
                "errorCode": failure.code,
                "errorMessage": failure.text,
                "attemptsMade": attempts,
                "arrivalTimestamp": record.arrived,
                "attemptEndingTimestamp": int(ended * 1000),
                "lambdaARN": function,
            }
        ).encode()
        + b"\n"
    )


def _meaning(answer: _Answer | None, count: int) -> bytes | Failure | None:
    """The data that goes on, None for a record that was dropped, or why it failed."""
    if answer is None:
        return Failure.of("MissingRecordId")
    if count > 1:
        return Failure.of("DuplicatedRecordId")
    if answer.result == "Dropped":
        return None
    if answer.result == "ProcessingFailed":
        return Failure.of("ProcessingFailedStatus")
    return Failure.of("InvalidReturnFormat") if answer.data is None else answer.data


def _transformation(given: Mapping[str, str], destination: Mapping[str, Any]) -> Transformation:
    return Transformation(
        given.get("LambdaArn", ""),
        given.get("RoleArn") or destination.get("RoleARN") or "",
        int(float(given.get("BufferSizeInMBs", 0)) * 2**20) or _SIZE,
        float(given.get("BufferIntervalInSeconds", _INTERVAL)),
        int(given.get("NumberOfRetries", _RETRIES)),
    )


def parameters_of(processor: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a processor by their names."""
    listed = processor.get("Parameters") or []
    return {one["ParameterName"]: one["ParameterValue"] for one in listed}


def _name(code: str) -> str:
    """The name of a message: MissingRecordId is missing-record-id."""
    return "".join(f"-{one.lower()}" if one.isupper() else one for one in code).lstrip("-")
