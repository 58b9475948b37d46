"""Where the records of asynchronous invocations may go.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from typing import Any

from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.arns import resolve
from lambdalab.functions.records import Function, Registry

__all__ = ["check_destinations", "shown_destinations"]

# The services to which records go; a bucket takes those of failures alone.
_SERVICES = {"OnSuccess": {"sqs", "sns", "lambda", "events"}}
_SERVICES["OnFailure"] = _SERVICES["OnSuccess"] | {"s3"}
_BAD = "event-config.bad-destination"


def shown_destinations(config: dict[str, Any]) -> dict[str, Any]:
    """A DestinationConfig as AWS shows it: both sides, empty where nothing is named."""
    return {side: _side(config, side) for side in ("OnSuccess", "OnFailure")}


def _side(config: dict[str, Any], side: str) -> dict[str, str]:
    destination = (config.get(side) or {}).get("Destination")
    return {"Destination": destination} if destination else {}


def check_destinations(registry: Registry, function: Function, config: dict[str, Any]) -> None:
    """Refuse a destination that cannot be one for a function."""
    for side, services in _SERVICES.items():
        arn = _side(config, side).get("Destination")
        if arn is None:
            continue
        if not arn.startswith("arn:") or arn.split(":")[2] not in services:
            raise _refused(config)
        if arn.split(":")[2] == "lambda":
            _check_function(registry, function, arn)
        elif arn.endswith(".fifo"):
            raise aws_error(_BAD, arn=arn)


def _check_function(registry: Registry, function: Function, arn: str) -> None:
    try:
        wanted = resolve(arn, function.id.account, function.id.region)
    except AwsError:
        raise aws_error(_BAD, arn=arn) from None
    found = registry.get(wanted)
    if found is function:
        raise aws_error("event-config.own-destination")
    if found is None or found.version(wanted.qualifier) is None:
        raise aws_error(_BAD, arn=arn)


def _refused(config: dict[str, Any]) -> AwsError:
    """The refusal of a whole config, printed as AWS prints it."""
    printed = {}
    for side in ("OnSuccess", "OnFailure"):
        destination = _side(config, side).get("Destination")
        printed[side] = f"{side}(destination={destination})" if destination else "null"
    return aws_error(
        "event-config.bad-destination-config",
        on_success=printed["OnSuccess"],
        on_failure=printed["OnFailure"],
    )
