"""Buckets of CloudFormation stacks get the notification configuration of their template.

moto's leave it out; a function with an event of S3 in a template would never be called.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-notificationconfiguration.html
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

__all__ = ["install"]

# The members of a template, and of a request: the list, and what names the target in it.
_LISTS = {
    "LambdaConfigurations": ("CloudFunctionConfiguration", "Function", "CloudFunction"),
    "QueueConfigurations": ("QueueConfiguration", "Queue", "Queue"),
    "TopicConfigurations": ("TopicConfiguration", "Topic", "Topic"),
}


def install(models: ModuleType) -> None:
    """Let moto's buckets in stacks be configured."""
    bucket: Any = models.FakeBucket
    create, update = (
        getattr(bucket, f"{name}_from_cloudformation_json") for name in ("create", "update")
    )

    def created(
        _: type[Any],
        /,
        resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
        **ids: Any,
    ) -> Any:
        made = create(resource_name, cloudformation_json, account_id, region_name, **ids)
        try:
            _configure(models, made, cloudformation_json)
        except Exception:
            _backend(models, made).delete_bucket(made.name)
            raise
        return made

    def updated(
        _: type[Any],
        /,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        made = update(
            original_resource, new_resource_name, cloudformation_json, account_id, region_name
        )
        _configure(models, made, cloudformation_json)
        return made

    bucket.create_from_cloudformation_json = classmethod(created)
    bucket.update_from_cloudformation_json = classmethod(updated)


def _configure(models: ModuleType, bucket: Any, described: dict[str, Any]) -> None:
    given = (described.get("Properties") or {}).get("NotificationConfiguration")
    if given or bucket.notification_configuration is not None:
        _backend(models, bucket).put_bucket_notification_configuration(
            bucket.name, _configuration(given or {})
        )


def _backend(models: ModuleType, bucket: Any) -> Any:
    return models.s3_backends[bucket.account_id][bucket.partition]


def _configuration(given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        wanted: [_rule(one, target, kind) for one in given[name]]
        for name, (wanted, target, kind) in _LISTS.items()
        if given.get(name)
    }
    bridge = given.get("EventBridgeConfiguration")
    if bridge is not None and str(bridge.get("EventBridgeEnabled", "true")).lower() == "true":
        found["EventBridgeConfiguration"] = {}
    return found


def _rule(given: dict[str, Any], target: str, kind: str) -> dict[str, Any]:
    rules = ((given.get("Filter") or {}).get("S3Key") or {}).get("Rules") or []
    named = [{"Name": one["Name"].capitalize(), "Value": one["Value"]} for one in rules]
    found = {kind: given[target], "Event": [given["Event"]]}
    return found | ({"Filter": {"S3Key": {"FilterRule": named}}} if named else {})
