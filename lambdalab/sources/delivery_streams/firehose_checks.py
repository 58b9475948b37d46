"""What a delivery stream's destination may be asked to do.

Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambdalab.errors import aws_error, not_implemented
from lambdalab.sources.delivery_streams.firehose_transform import parameters_of

__all__ = ["check"]

# The bounds of what is given as text: of a function's parameters by their names.
_BOUNDS = {
    "BufferSizeInMBs": (0.2, 3.0),
    "BufferIntervalInSeconds": (0.0, 900.0),
    "NumberOfRetries": (0.0, 300.0),
}
_PROCESSOR_COUNT = range(1, 6)
_PROCESSORS = ("Lambda", "AppendDelimiterToRecord")
# What is done to records in place of, or beside, what a function does; the lab does none of it.
_ABSENT = ("DataFormatConversionConfiguration", "DynamicPartitioningConfiguration")


def check(destination: Mapping[str, Any]) -> None:
    """Raise AwsError for settings that AWS refuses, or that the lab does not act on."""
    for name in _ABSENT:
        if (destination.get(name) or {}).get("Enabled"):
            raise not_implemented(f"{name} of a delivery stream")
    configuration = destination.get("ProcessingConfiguration") or {}
    if not configuration.get("Enabled"):
        return
    processors = configuration.get("Processors") or []
    if len(processors) not in _PROCESSOR_COUNT:
        raise aws_error("firehose.processors")
    if [one.get("Type") for one in processors].count("Lambda") > 1:
        raise aws_error("firehose.two-functions")
    for processor in processors:
        kind = processor.get("Type")
        if kind not in _PROCESSORS:
            raise not_implemented(f"the processor {kind} of a delivery stream")
        if kind == "Lambda":
            _check_function(parameters_of(processor))


def _check_function(given: Mapping[str, str]) -> None:
    if not given.get("LambdaArn"):
        raise aws_error("firehose.no-function")
    for name, (least, most) in _BOUNDS.items():
        text = given.get(name)
        if text is None:
            continue
        try:
            fits = least <= float(text) <= most
        except ValueError:
            raise aws_error("firehose.parameter") from None
        if not fits:
            raise aws_error("firehose.parameter-bounds", name=name, least=least, most=most)
