"""The kinds of event sources: which settings each takes, and what holds where none is given.

Sources: https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html for what a
kind takes; recorded answers of AWS for the members that it shows and their defaults.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from lambdalab import facts

__all__ = ["SELF_MANAGED_KAFKA", "Kind", "kind_of"]

_EVERY = frozenset(
    {"BatchSize", "MaximumBatchingWindowInSeconds", "FilterCriteria", "KMSKeyArn", "MetricsConfig"}
)
_RETRIES = frozenset(
    {
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "FunctionResponseTypes",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
    }
)
_POSITION = frozenset({"StartingPosition", "StartingPositionTimestamp"})
_KAFKA = frozenset(
    {"Topics", "SourceAccessConfigurations", "LoggingConfig", "ProvisionedPollerConfig"}
)
_STREAM_DEFAULTS: dict[str, Any] = {
    "MaximumBatchingWindowInSeconds": 0,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
    "TumblingWindowInSeconds": 0,
}


@dataclass(frozen=True)
class Kind:
    """A kind of event source.

    ``takes`` are the settings that it has, ``needs`` those that must be given, ``positions`` the
    starting positions. ``reason`` is what AWS calls a change that a user asked for.
    ``tells_result`` says whether AWS shows the result of the last processing; ``group`` is the
    setting in which a consumer group is named, which gets a name of its own where none is given.
    """

    name: str
    takes: frozenset[str]
    batch: str = "mapping.batch-other"
    needs: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    reason: str = "USER_INITIATED"
    tells_result: bool = True
    group: str | None = None
    others: dict[str, Any] = field(default_factory=dict, hash=False)

    def defaults(self) -> dict[str, Any]:
        """The settings that hold where none is given, afresh."""
        return {"BatchSize": facts.quota(self.batch).value, **copy.deepcopy(self.others)}


_BEGINNING_OR_END = ("TRIM_HORIZON", "LATEST")
_ANY_POSITION = (*_BEGINNING_OR_END, "AT_TIMESTAMP")

_SQS = Kind(
    "sqs",
    _EVERY | {"FunctionResponseTypes", "ScalingConfig", "ProvisionedPollerConfig"},
    batch="mapping.batch-queue",
    tells_result=False,
    others={"MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []},
)
_STREAMS = tuple(
    Kind(
        name,
        _EVERY | _RETRIES | _POSITION | {"ParallelizationFactor", "TumblingWindowInSeconds"},
        needs=("StartingPosition",),
        positions=positions,
        reason="User action",
        others=_STREAM_DEFAULTS,
    )
    for name, positions in (("kinesis", _ANY_POSITION), ("dynamodb", _BEGINNING_OR_END))
)
_MANAGED_KAFKA = Kind(
    "kafka",
    _EVERY | _RETRIES | _POSITION | _KAFKA | {"AmazonManagedKafkaEventSourceConfig"},
    needs=("Topics", "StartingPosition"),
    positions=_ANY_POSITION,
    group="AmazonManagedKafkaEventSourceConfig",
)
_MQ = Kind(
    "mq",
    _EVERY | {"Queues", "SourceAccessConfigurations"},
    needs=("Queues", "SourceAccessConfigurations"),
)
# A cluster of Amazon DocumentDB has an ARN of the service rds.
_DOCUMENT_DB = Kind(
    "rds",
    (_EVERY | _POSITION | {"SourceAccessConfigurations", "DocumentDBEventSourceConfig"})
    - {"FilterCriteria"},
    needs=("DocumentDBEventSourceConfig", "SourceAccessConfigurations", "StartingPosition"),
    positions=_ANY_POSITION,
)
_KINDS = {one.name: one for one in (_SQS, *_STREAMS, _MANAGED_KAFKA, _MQ, _DOCUMENT_DB)}

SELF_MANAGED_KAFKA = Kind(
    "self-managed",
    _EVERY
    | _RETRIES
    | _POSITION
    | _KAFKA
    | {"SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"},
    needs=("SourceAccessConfigurations", "Topics", "StartingPosition"),
    positions=_ANY_POSITION,
    group="SelfManagedKafkaEventSourceConfig",
)


def kind_of(arn: str) -> Kind | None:
    """The kind of the event source of that ARN, or None where Lambda reads from none such."""
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    wanted = {"kinesis": "stream/", "dynamodb": "table/", "rds": "cluster:"}.get(service, "")
    if not resource.startswith(wanted) or (service == "dynamodb" and "/stream/" not in resource):
        return None
    return _KINDS.get(service)
