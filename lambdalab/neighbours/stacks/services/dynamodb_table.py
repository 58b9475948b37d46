"""The resource types of DynamoDB: tables, and global ones that stand in one Region.

moto's own cannot be changed, and forgets some of the properties.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_DynamoDB.html
"""

from __future__ import annotations

from lambdalab.errors import not_implemented
from lambdalab.neighbours.stacks.services.service_type import Json, ServiceType, Work

__all__ = ["TYPES"]

_GLOBAL = "AWS::DynamoDB::GlobalTable"
_NO_STREAM = {"StreamEnabled": False}
# What one call changes, and what has calls of its own.
_ALTERED = (
    "BillingMode", "DeletionProtectionEnabled", "OnDemandThroughput", "ProvisionedThroughput",
    "SSESpecification", "TableClass",
)  # fmt: skip
_STEPPED = frozenset(
    (
        *_ALTERED, "AttributeDefinitions", "GlobalSecondaryIndexes", "StreamSpecification",
        "PointInTimeRecoverySpecification", "Tags", "TimeToLiveSpecification",
    )
)  # fmt: skip


def _prepared(properties: Json) -> Json:
    """The properties by the API's names."""
    found = dict(properties)
    if found.get("ResourcePolicy"):
        raise not_implemented("the property ResourcePolicy of AWS::DynamoDB::Table")
    stream, secret = found.get("StreamSpecification"), found.get("SSESpecification")
    if stream:
        view = stream.get("StreamViewType", "NEW_AND_OLD_IMAGES")
        found["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    if secret:
        names = {"SSEEnabled": "Enabled"}
        found["SSESpecification"] = {names.get(name, name): one for name, one in secret.items()}
    return found


def _in_one_region(properties: Json) -> Json:
    """A global table that has one replica is a table; moto has none that have more."""
    found = dict(properties)
    replicas = found.pop("Replicas", [])
    if len(replicas) != 1:
        raise not_implemented(f"{_GLOBAL} with {len(replicas)} replicas")
    # What is said of its indexes again is how they differ from those of other replicas.
    own = ("GlobalSecondaryIndexes", "Region")
    replica = {name: one for name, one in replicas[0].items() if name not in own}
    return _prepared(replica | found)


def _alter(work: Work) -> None:
    """Change a table that is there; a stream that is to show other images is a new one."""
    table = {"TableName": work.known["TableName"]}
    if work.before:
        changed = {name: work.properties[name] for name in _ALTERED
                   if work.changed(name) and name in work.properties}  # fmt: skip
        if changed:
            work.act("UpdateTable", **table, **changed)
        if work.changed("StreamSpecification"):
            _set_stream(work, table)
        for update in _indexes(work):
            defined = work.properties.get("AttributeDefinitions", [])
            work.act("UpdateTable", **table, AttributeDefinitions=defined,
                     GlobalSecondaryIndexUpdates=[update])  # fmt: skip
    found = work.act("DescribeTable", **table)["Table"]
    work.known["LatestStreamArn"] = found.get("LatestStreamArn", "")


def _set_stream(work: Work, table: Json) -> None:
    if work.before.get("StreamSpecification"):
        work.act("UpdateTable", **table, StreamSpecification=_NO_STREAM)
    if work.properties.get("StreamSpecification"):
        stream = work.properties["StreamSpecification"]
        work.act("UpdateTable", **table, StreamSpecification=stream)


def _indexes(work: Work) -> list[Json]:
    """What is to be done to the indexes, one after the other: AWS takes one at a time."""
    before, after = (
        {one["IndexName"]: one for one in properties.get("GlobalSecondaryIndexes", [])}
        for properties in (work.before, work.properties)
    )
    other = [name for name in before if before[name] != after.get(name)]
    gone = [{"Delete": {"IndexName": name}} for name in other]
    made = [{"Create": one} for name, one in after.items() if before.get(name) != one]
    return [*gone, *made]


def _backups(work: Work) -> None:
    name = "PointInTimeRecoverySpecification"
    if work.changed(name):
        off = {"PointInTimeRecoveryEnabled": False}
        wanted = work.properties.get(name, off)
        table = work.known["TableName"]
        work.act("UpdateContinuousBackups", TableName=table, **{name: wanted})


def _time_to_live(work: Work) -> None:
    """When items go: DynamoDB refuses to be told what holds already."""
    wanted = work.properties.get("TimeToLiveSpecification") or {}
    before = work.before.get("TimeToLiveSpecification") or {}
    is_on, was_on = (str(one.get("Enabled", "")).lower() == "true" for one in (wanted, before))
    named = (wanted if is_on else before).get("AttributeName")
    if named and is_on != was_on:
        wish = {"Enabled": is_on, "AttributeName": named}
        table = work.known["TableName"]
        work.act("UpdateTimeToLive", TableName=table, TimeToLiveSpecification=wish)


def _tags(work: Work) -> None:
    if not work.before or not work.changed("Tags"):
        return
    arn, after = work.known["TableArn"], work.properties.get("Tags", [])
    kept = {one["Key"] for one in after}
    gone = [one["Key"] for one in work.before.get("Tags", []) if one["Key"] not in kept]
    if gone:
        work.act("UntagResource", ResourceArn=arn, TagKeys=gone)
    if after:
        work.act("TagResource", ResourceArn=arn, Tags=after)


TYPES = {
    kind: ServiceType(
        "dynamodb",
        "CreateTable",
        "DeleteTable",
        key={"TableName": "{TableName}"},
        reference="{TableName}",
        attributes={"Arn": "{TableArn}", "StreamArn": "{LatestStreamArn}"},
        named="TableName",
        stepped=_STEPPED,
        prepare=prepare,
        steps=(_alter, _backups, _time_to_live, _tags),
    )
    for kind, prepare in (("AWS::DynamoDB::Table", _prepared), (_GLOBAL, _in_one_region))
}
