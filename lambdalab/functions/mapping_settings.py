"""The settings of event source mappings: what may be given, and what comes of it."""

from __future__ import annotations

from typing import Any

from lambdalab import facts
from lambdalab.errors import aws_error, validation_error
from lambdalab.functions.filters import is_pattern
from lambdalab.functions.mapping_kinds import SELF_MANAGED_KAFKA, Kind

__all__ = ["check", "check_given", "in_queue_mode", "merged"]

AT_TIMESTAMP = "AT_TIMESTAMP"
# Settings that are given up by giving nothing in them.
_GIVEN_UP_EMPTY = ("ScalingConfig", "ProvisionedPollerConfig", "KMSKeyArn", "MetricsConfig")
_BAD_DESTINATION = "event-config.bad-destination"


def check_given(kind: Kind, given: dict[str, Any]) -> None:
    """Refuse settings that the kind of source does not have."""
    for name in given:
        if name not in kind.takes:
            raise _refused(kind, name)
    if "OnSuccess" in (given.get("DestinationConfig") or {}):
        raise aws_error("mapping.destination-refused")


def _refused(kind: Kind, name: str) -> Exception:
    if name == "DestinationConfig":
        return aws_error("mapping.destination-refused")
    if kind.name == "sqs" and name.startswith("StartingPosition"):
        return aws_error("mapping.position-refused")
    return aws_error("mapping.parameter-refused", parameter=_camel(name))


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]


def merged(kind: Kind, before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The settings after a request, in the form in which the API shows them."""
    settings = {**before, **given}
    if kind.group and kind.group in given:
        settings[kind.group] = {**before.get(kind.group, {}), **given[kind.group]}
    if "DestinationConfig" in settings:
        failure = settings["DestinationConfig"].get("OnFailure") or {}
        destination = failure.get("Destination")
        settings["DestinationConfig"] = {
            "OnFailure": {"Destination": destination} if destination else {}
        }
    if not (settings.get("FilterCriteria") or {}).get("Filters"):
        settings.pop("FilterCriteria", None)
    for name in _GIVEN_UP_EMPTY:
        if not settings.get(name):
            settings.pop(name, None)
    if "ProvisionedPollerConfig" in settings:
        settings["ProvisionedPollerConfig"] = _pollers(kind) | settings["ProvisionedPollerConfig"]
    if in_queue_mode(settings):
        settings.setdefault("MaximumRetryAttempts", 0)
    return settings


def _pollers(kind: Kind) -> dict[str, int]:
    """The pollers of provisioned mode where no number is given."""
    least = facts.quota("mapping.pollers-queue-minimum").value if kind.name == "sqs" else 1
    return {"MinimumPollers": least, "MaximumPollers": facts.quota("mapping.pollers-default").value}


def in_queue_mode(settings: dict[str, Any]) -> bool:
    """Whether a self-managed Kafka cluster is read as a share group, without positions."""
    config = settings.get("SelfManagedKafkaEventSourceConfig") or {}
    return bool(config.get("ConsumptionMode") == "Queue")


def check(kind: Kind, settings: dict[str, Any], now: float) -> None:
    """Refuse settings that AWS refuses together; ``now`` is platform time since the epoch."""
    _check_needed(kind, settings)
    _check_position(kind, settings, now)
    if kind.name == "sqs":
        _check_queue(settings)
    _check_limits(settings)
    _check_filters(settings)
    _check_destination(kind, settings)
    _check_pollers(kind, settings)


def _check_needed(kind: Kind, settings: dict[str, Any]) -> None:
    for name in kind.needs:
        if name != "StartingPosition" and not settings.get(name):
            raise aws_error("mapping.parameter-missing", parameter=_camel(name))
    database = settings.get("DocumentDBEventSourceConfig")
    if database is not None and not database.get("DatabaseName"):
        raise aws_error("mapping.parameter-missing", parameter="databaseName")
    if "StartingPosition" in kind.needs and not in_queue_mode(settings):
        if "StartingPosition" not in settings:
            raise aws_error("mapping.no-starting-position")
    elif "StartingPosition" in settings:
        raise aws_error("mapping.parameter-refused", parameter="startingPosition")


def _check_position(kind: Kind, settings: dict[str, Any], now: float) -> None:
    position = settings.get("StartingPosition")
    time = settings.get("StartingPositionTimestamp")
    if position != AT_TIMESTAMP:
        if time is not None:
            raise aws_error("mapping.timestamp-refused")
        return
    if AT_TIMESTAMP not in kind.positions:
        raise aws_error("mapping.bad-starting-position", arn=settings["EventSourceArn"])
    if time is None:
        raise aws_error("mapping.timestamp-needed")
    if not time >= 0:  # what is no number is no time either
        raise aws_error("mapping.bad-timestamp")
    if time > now:
        raise aws_error("mapping.timestamp-in-future")


def _check_queue(settings: dict[str, Any]) -> None:
    window = settings["MaximumBatchingWindowInSeconds"]
    if window and settings["EventSourceArn"].endswith(".fifo"):
        raise aws_error("mapping.window-refused")
    if settings["BatchSize"] > facts.quota("mapping.batch-without-window").value and not window:
        raise aws_error("mapping.window-needed")


def _check_limits(settings: dict[str, Any]) -> None:
    age = settings.get("MaximumRecordAgeInSeconds", -1)
    if age != -1 and age < facts.quota("mapping.record-age-minimum").value:
        raise aws_error("mapping.bad-record-age")
    if in_queue_mode(settings) and settings["MaximumRetryAttempts"] < 0:
        raise aws_error("mapping.bad-retries")


def _check_filters(settings: dict[str, Any]) -> None:
    filters = (settings.get("FilterCriteria") or {}).get("Filters", [])
    most = facts.quota("mapping.filters").value
    if len(filters) > most:
        bound = facts.message("validation.length-at-most").format(bound=most)
        raise validation_error(
            [f"Value at 'filterCriteria.filters' failed to satisfy constraint: {bound}"]
        )
    if not all(is_pattern(one.get("Pattern", "")) for one in filters):
        raise aws_error("mapping.bad-filter")


def _check_destination(kind: Kind, settings: dict[str, Any]) -> None:
    destination = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination is None:
        return
    if destination.startswith("kafka://"):
        fits = kind.name in ("kafka", SELF_MANAGED_KAFKA.name)
    else:
        service = destination.split(":")[2]
        fits = service in ("sqs", "sns", "s3") and not destination.endswith(".fifo")
    if not fits:
        raise aws_error(_BAD_DESTINATION, arn=destination)


def _check_pollers(kind: Kind, settings: dict[str, Any]) -> None:
    pollers = settings.get("ProvisionedPollerConfig")
    if pollers is None:
        return
    if "ScalingConfig" in settings:
        raise aws_error("mapping.scaling-and-pollers")
    least, most = pollers["MinimumPollers"], pollers["MaximumPollers"]
    bounds = [
        ("minimumPollers", least, "at-least", _pollers(kind)["MinimumPollers"]),
        ("maximumPollers", most, "at-least", least),
    ]
    if kind.name != "sqs":
        largest = facts.quota("mapping.pollers-kafka-maximum").value
        bounds.append(("maximumPollers", most, "at-most", largest))
    broken = [
        f"Value '{value}' at 'provisionedPollerConfig.{name}' failed to satisfy constraint: "
        + facts.message(f"validation.{rule}").format(bound=bound)
        for name, value, rule, bound in bounds
        if (value < bound if rule == "at-least" else value > bound)
    ]
    if broken:
        raise validation_error(broken)
