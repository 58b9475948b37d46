"""Buckets of stacks: each part of their configuration has a call of its own.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

from collections.abc import Callable

from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.stacks.services.service_type import Json, Work

__all__ = ["PROPERTIES", "configure", "make"]

# The members of a template, and of a request: the list, and what names the target in it.
_NOTIFIED = {
    "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
    "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
    "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
}


def make(work: Work) -> None:
    """Make the bucket, if it is not there."""
    if "Bucket" in work.known:
        return
    name = str(work.properties.get("BucketName") or work.known["_name"])
    try:
        work.act("HeadBucket", Bucket=name)
    except AwsError:
        region = work.known["_region"]
        where = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        work.act("CreateBucket", Bucket=name, **(where if region != "us-east-1" else {}))
        work.known["Bucket"] = name
        return
    raise aws_error("stack.exists", type="AWS::S3::Bucket", identifier=name)


def configure(work: Work) -> None:
    """Put what is another than before; what is left out is taken away."""
    for name, (operation, member, shape, gone) in _PARTS.items():
        if not work.changed(name):
            continue
        bucket = {"Bucket": work.known["Bucket"]}
        given = work.properties.get(name)
        if given is not None:
            work.act(operation, **bucket, **{member: shape(given)})
        elif gone.startswith("Delete"):
            work.act(gone, **bucket)
        else:
            work.act(operation, **bucket, **{member: {"Status": gone} if gone else {}})


def _as_is(given: Json) -> Json:
    return given


def _notified(given: Json) -> Json:
    found: Json = {
        wanted: [_notice(one, target, arn) for one in given[name]]
        for name, (wanted, target, arn) in _NOTIFIED.items()
        if given.get(name)
    }
    bridge = given.get("EventBridgeConfiguration")
    if bridge is not None and str(bridge.get("EventBridgeEnabled", "true")).lower() == "true":
        found["EventBridgeConfiguration"] = {}
    return found


def _notice(given: Json, target: str, arn: str) -> Json:
    rules = ((given.get("Filter") or {}).get("S3Key") or {}).get("Rules") or []
    named = [{"Name": one["Name"].lower(), "Value": one["Value"]} for one in rules]
    found = {arn: given[target], "Events": [given["Event"]]}
    return found | ({"Filter": {"Key": {"FilterRules": named}}} if named else {})


def _encrypted(given: Json) -> Json:
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = given.get("ServerSideEncryptionConfiguration", [])
    return {"Rules": [{names.get(name, name): one[name] for name in one} for one in rules]}


def _crossed(given: Json) -> Json:
    names = {"Id": "ID", "MaxAge": "MaxAgeSeconds", "ExposedHeaders": "ExposeHeaders"}
    rules = given.get("CorsRules", [])
    return {"CORSRules": [{names.get(name, name): one[name] for name in one} for one in rules]}


def _tagged(given: list[Json]) -> Json:
    return {"TagSet": given}


Shape = Callable[..., Json]

# Of each part: how it is put, under which member, in which shape, and how it is taken away: by a
# call, as a status, or as nothing.
_PARTS: dict[str, tuple[str, str, Shape, str]] = {
    "Tags": ("PutBucketTagging", "Tagging", _tagged, "DeleteBucketTagging"),
    "VersioningConfiguration": (
        "PutBucketVersioning", "VersioningConfiguration", _as_is, "Suspended",
    ),
    "BucketEncryption": (
        "PutBucketEncryption", "ServerSideEncryptionConfiguration", _encrypted,
        "DeleteBucketEncryption",
    ),
    "CorsConfiguration": ("PutBucketCors", "CORSConfiguration", _crossed, "DeleteBucketCors"),
    "OwnershipControls": (
        "PutBucketOwnershipControls", "OwnershipControls", _as_is,
        "DeleteBucketOwnershipControls",
    ),
    "PublicAccessBlockConfiguration": (
        "PutPublicAccessBlock", "PublicAccessBlockConfiguration", _as_is,
        "DeletePublicAccessBlock",
    ),
    "NotificationConfiguration": (
        "PutBucketNotificationConfiguration", "NotificationConfiguration", _notified, "",
    ),
}  # fmt: skip

PROPERTIES = frozenset(_PARTS) | {"BucketName"}
