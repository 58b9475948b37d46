"""What S3 tells of an object: a record for functions, queues and topics, a detail for EventBridge.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
and https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote_plus

from lambdalab.neighbours.buckets.s3_events import ObjectEvent

__all__ = ["PRINCIPAL", "detail", "detail_type", "record"]

PRINCIPAL = "s3.amazonaws.com"
_ADDRESS = "127.0.0.1"
# The content of these events is of a later version than that of all others.
_LATER = ("ObjectTagging:", "ObjectAcl:", "LifecycleTransition", "LifecycleExpiration:")
# These change no object's content, and so have no place among those that do.
_WITHOUT_PLACE = ("ObjectTagging:", "ObjectAcl:")
# What EventBridge calls an event, and what it says was done.
_BRIDGED: dict[str, tuple[str, dict[str, str]]] = {
    "ObjectCreated:Put": ("Object Created", {"reason": "PutObject"}),
    "ObjectCreated:Post": ("Object Created", {"reason": "POST Object"}),
    "ObjectCreated:Copy": ("Object Created", {"reason": "CopyObject"}),
    "ObjectCreated:CompleteMultipartUpload": (
        "Object Created",
        {"reason": "CompleteMultipartUpload"},
    ),
    "ObjectRemoved:Delete": (
        "Object Deleted",
        {"reason": "DeleteObject", "deletion-type": "Permanently Deleted"},
    ),
    "ObjectRemoved:DeleteMarkerCreated": (
        "Object Deleted",
        {"reason": "DeleteObject", "deletion-type": "Delete Marker Created"},
    ),
    "ObjectRestore:Post": ("Object Restore Initiated", {}),
    "ObjectRestore:Completed": ("Object Restore Completed", {}),
    "ObjectTagging:Put": ("Object Tags Added", {}),
    "ObjectTagging:Delete": ("Object Tags Deleted", {}),
    "ObjectAcl:Put": ("Object ACL Updated", {}),
}


def record(event: ObjectEvent, rule_id: str, sequencer: str, stamp: str) -> dict[str, Any]:
    """The record of an event: ``sequencer`` tells its place, ``stamp`` when it was (ISO 8601)."""
    bucket, placed = event.bucket, not event.name.startswith(_WITHOUT_PLACE)
    told = {
        "key": quote_plus(event.key, safe="/"),
        "size": event.size,
        "eTag": event.etag,
        "versionId": event.version,
        "sequencer": sequencer if placed else None,
    }
    found = {
        "eventVersion": "2.3" if event.name.startswith(_LATER) else "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": stamp,
        "eventName": event.name,
        "userIdentity": {"principalId": event.call.principal},
        "requestParameters": {"sourceIPAddress": _ADDRESS},
        "responseElements": {
            "x-amz-request-id": event.call.request_id,
            "x-amz-id-2": event.call.host_id,
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule_id,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": _owner(bucket.account)},
                "arn": bucket.arn,
            },
            "object": _given(told),
        },
    }
    return found | _brought_back(event)


def detail_type(event: ObjectEvent) -> str | None:
    """What EventBridge calls an event; None for those that it is not told of."""
    return _BRIDGED[event.name][0] if event.name in _BRIDGED else None


def detail(event: ObjectEvent, sequencer: str) -> dict[str, Any]:
    """The detail of an event for EventBridge."""
    placed = event.restored is None and not event.name.startswith(_WITHOUT_PLACE)
    told = {
        "key": event.key,
        "size": event.size,
        "etag": event.etag,
        "version-id": event.version,
        "sequencer": sequencer if placed else None,
    }
    found = {
        "version": "0",
        "bucket": {"name": event.bucket.name},
        "object": _given(told),
        "request-id": event.call.request_id,
        "requester": event.bucket.account,
        "source-ip-address": _ADDRESS,
        **_BRIDGED[event.name][1],
    }
    if event.restored is not None:
        found["source-storage-class"] = event.restored.storage_class
        if event.restored.until is not None:  # S3 itself has done it
            found |= {"requester": PRINCIPAL, "restore-expiry-time": event.restored.until}
            del found["source-ip-address"]
    return found


def _brought_back(event: ObjectEvent) -> dict[str, Any]:
    """What is different in a record where S3 itself has brought back an archived object."""
    if event.restored is None or event.restored.until is None:
        return {}
    told = {
        "lifecycleRestorationExpiryTime": event.restored.until,
        "lifecycleRestoreStorageClass": event.restored.storage_class,
    }
    return {
        "userIdentity": {"principalId": f"AmazonCustomer:{_owner(event.bucket.account)}"},
        "glacierEventData": {"restoreEventData": told},
    }


def _given(members: dict[str, Any]) -> dict[str, Any]:
    """Without the members that an event of its kind does not have."""
    return {name: value for name, value in members.items() if value is not None}


def _owner(account: str) -> str:
    """The id by which S3 names the account that owns a bucket."""
    drawn = hashlib.blake2b(account.encode(), digest_size=7).hexdigest().upper()
    return f"A{drawn[:13]}"
