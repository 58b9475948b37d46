"""Buckets of stacks: each part of their configuration has a call of its own.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.stacks.services.lifecycles import lifecycle
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
    if work.changed("AccessControl"):
        canned = _canned(work.properties.get("AccessControl", "Private"))
        work.act("PutBucketAcl", Bucket=work.known["Bucket"], ACL=canned)
    for name, (operation, member, shape, gone) in _PARTS.items():
        if not work.changed(name):
            continue
        bucket = {"Bucket": work.known["Bucket"]}
        given = work.properties.get(name)
        if given is not None:
            work.act(operation, **bucket, **{member: shape(given)})
        elif isinstance(gone, str):
            work.act(gone, **bucket)
        else:
            work.act(operation, **bucket, **{member: gone})


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


_CANNED = frozenset(
    (
        "AuthenticatedRead", "AwsExecRead", "BucketOwnerFullControl", "BucketOwnerRead",
        "LogDeliveryWrite", "Private", "PublicRead", "PublicReadWrite",
    )
)  # fmt: skip


def _canned(given: object) -> str:
    """A canned list of permissions by its name in a call: ``PublicRead`` is ``public-read``."""
    if str(given) not in _CANNED:
        raise aws_error("stack.canned", value=given)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", str(given)).lower()


def _accelerated(given: Json) -> Json:
    return {"Status": given.get("AccelerationStatus")}


def _logged(given: Json) -> Json:
    if "DestinationBucketName" not in given:
        raise not_implemented("LoggingConfiguration of AWS::S3::Bucket without another bucket")
    prefix = given.get("LogFilePrefix", "")
    return {
        "LoggingEnabled": {"TargetBucket": given["DestinationBucketName"], "TargetPrefix": prefix}
    }


def _site(given: Json) -> Json:
    found: Json = {}
    if "IndexDocument" in given:
        found["IndexDocument"] = {"Suffix": given["IndexDocument"]}
    if "ErrorDocument" in given:
        found["ErrorDocument"] = {"Key": given["ErrorDocument"]}
    if "RedirectAllRequestsTo" in given:
        found["RedirectAllRequestsTo"] = given["RedirectAllRequestsTo"]
    rules = [_redirect(one) for one in given.get("RoutingRules", [])]
    return found | ({"RoutingRules": rules} if rules else {})


def _redirect(given: Json) -> Json:
    names = {"RedirectRule": "Redirect", "RoutingRuleCondition": "Condition"}
    return {names[name]: one for name, one in given.items()}


Shape = Callable[..., Any]

# Of each part: how it is put, under which member, in which shape, and how it is taken away: by a
# call, or as what it is of itself.
_PARTS: dict[str, tuple[str, str, Shape, str | Json]] = {
    "Tags": ("PutBucketTagging", "Tagging", _tagged, "DeleteBucketTagging"),
    "VersioningConfiguration": (
        "PutBucketVersioning", "VersioningConfiguration", _as_is, {"Status": "Suspended"},
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
        "PutBucketNotificationConfiguration", "NotificationConfiguration", _notified, {},
    ),
    "AccelerateConfiguration": (
        "PutBucketAccelerateConfiguration", "AccelerateConfiguration", _accelerated,
        {"Status": "Suspended"},
    ),
    "LifecycleConfiguration": (
        "PutBucketLifecycleConfiguration", "LifecycleConfiguration", lifecycle,
        "DeleteBucketLifecycle",
    ),
    "LoggingConfiguration": ("PutBucketLogging", "BucketLoggingStatus", _logged, {}),
    "WebsiteConfiguration": (
        "PutBucketWebsite", "WebsiteConfiguration", _site, "DeleteBucketWebsite",
    ),

}  # fmt: skip

PROPERTIES = frozenset(_PARTS) | {"AccessControl", "BucketName"}
