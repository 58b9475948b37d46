"""moto's S3, mended where it tells of objects and takes notification configurations.

moto tells of objects before they have their metadata, of tags that were put with an object, of
a part of an upload as of a put, and not at all of delete markers, of versions that are deleted, or
of keys that were not there, which get no delete marker either. It asks no target of a notification
for its leave.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.sax.saxutils import escape

from lambdalab.errors import AwsError
from lambdalab.imports import after_load
from lambdalab.neighbours.asking import asked
from lambdalab.neighbours.buckets import s3_events, s3_tags
from lambdalab.neighbours.buckets.s3_configurations import (
    Rule,
    check_overlaps,
    read,
    refused,
    rules_of,
)
from lambdalab.neighbours.buckets.s3_events import Gathering, gathering, tell

__all__ = ["install"]

_END = "</NotificationConfiguration>"
_SKIP = "x-amz-skip-destination-validation"


def install() -> None:
    """Mend moto's S3, as far as it is loaded and when it will be."""
    after_load("moto.s3.models", _mend_models)
    after_load("moto.s3.responses", _mend_responses)
    after_load("moto.s3.responses", s3_tags.mend)


# ---- moto's models


def _mend_models(models: ModuleType) -> None:
    models.notifications.send_event = _send_event
    models.notifications.send_test_event = lambda *_, **__: None
    backend: Any = models.S3Backend
    backend.delete_object = _telling_deletion(backend.delete_object)
    backend._set_delete_marker = _marking(backend._set_delete_marker, models.FakeDeleteMarker)
    backend.put_bucket_notification_configuration = _checking(
        backend.put_bucket_notification_configuration
    )


def _send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:  # noqa: ARG001
    """As moto calls it; deletions are told of by ``_telling_deletion``."""
    name = str(getattr(event_name, "value", event_name)).removeprefix("s3:")
    if key is not None and not name.startswith("ObjectRemoved"):
        tell(bucket, name, key)


def _telling_deletion(delete: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(delete)
    def told(
        backend: Any,
        bucket_name: str,
        key_name: str,
        version_id: str | None = None,
        bypass: bool = False,
    ) -> Any:
        found = delete(backend, bucket_name, key_name, version_id=version_id, bypass=bypass)
        bucket = backend.get_bucket(bucket_name)
        if version_id not in (None, "null"):
            tell(bucket, "ObjectRemoved:Delete", key_name, version_id)
        elif not bucket.is_versioned:
            tell(bucket, "ObjectRemoved:Delete", key_name)
        elif found[0]:
            marker = found[1]["version-id"]
            tell(bucket, "ObjectRemoved:DeleteMarkerCreated", key_name, marker)
        return found

    return told


def _marking(mark: Callable[..., Any], marker: Any) -> Callable[..., Any]:
    """A delete marker stands also where there has been no object, as in AWS's buckets.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
    """

    @wraps(mark)
    def marked(backend: Any, bucket_name: str, key_name: str) -> Any:
        keys = backend.get_bucket(bucket_name).keys
        if key_name in keys:
            return mark(backend, bucket_name, key_name)
        keys[key_name] = made = marker(SimpleNamespace(name=key_name))
        return made

    return marked


def _checking(put: Callable[..., None]) -> Callable[..., None]:
    """A configuration is taken where its rules do not overlap and its targets can be reached."""

    @wraps(put)
    def checked(backend: Any, bucket_name: str, notification_config: dict[str, Any]) -> None:
        bucket = backend.get_bucket(bucket_name)
        before = bucket.notification_configuration
        try:
            put(backend, bucket_name, notification_config)
            rules = list(rules_of(bucket.notification_configuration)) if notification_config else []
            check_overlaps(rules)
            if not _unchecked():
                _check_targets(bucket, rules)
        except Exception:
            bucket.notification_configuration = before
            raise
        if not _unchecked():
            s3_events.configured(bucket, rules)

    return checked


def _unchecked() -> bool:
    """Whether a request asks to leave out the validation, and the test events with it."""
    request = asked()
    return request is not None and request.headers.get(_SKIP, "").lower() == "true"


def _check_targets(bucket: Any, rules: list[Rule]) -> None:
    objections = s3_events.objections(bucket, rules)
    if objections:
        refusal, arguments = refused("access.bucket-notification"), {}
        for number, (rule, objection) in enumerate(objections, 1):
            # AWS shows the role of a function's configuration, which has been none for years.
            name = f"{rule.arn}, null" if rule.kind == "CloudFunction" else rule.arn
            arguments[f"ArgumentName{number}"] = name
            arguments[f"ArgumentValue{number}"] = objection
        refusal.members = arguments
        raise refusal


# ---- moto's answers


def _mend_responses(responses: ModuleType) -> None:
    kind: Any = responses.S3Response
    kind._notification_config_from_body = lambda response: read(response.body)
    kind.get_bucket_notification = _showing_bridge(kind.get_bucket_notification)
    for name in ("bucket_response", "key_response"):
        setattr(kind, name, _gathering_events(getattr(kind, name)))


def _showing_bridge(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @wraps(get)
    def shown(response: Any) -> Any:
        answer = get(response)
        found = response.backend.get_bucket_notification_configuration(response.bucket_name)
        if found is None or found.event_bridge is None:
            return answer
        status, headers, body = answer
        text = body.decode() if isinstance(body, bytes) else body
        # A configuration without rules is an element that has been closed at once.
        opened = text.replace(" />", "/>").removesuffix("/>")
        head = opened.removesuffix(_END) if opened.endswith(_END) else f"{opened}>"
        return status, headers, f"{head}<EventBridgeConfiguration/>{_END}"

    return shown


def _gathering_events(respond: Callable[..., Any]) -> Callable[..., Any]:
    """An answer, after which its events are told of; a request that was refused has none."""

    @wraps(respond)
    def gathered(response: Any, *given: Any, **named: Any) -> Any:
        with gathering() as found:
            try:
                status, headers, body = respond(response, *given, **named)
            except AwsError as refusal:
                status, headers, body = refusal.status, {}, _xml(refusal, found)
            found.refused = int(status) >= 400
        return status, found.ids | dict(headers), body

    return gathered


def _xml(refusal: AwsError, gathered: Gathering) -> str:
    told = {
        "Code": refusal.code,
        "Message": refusal.message,
        **(refusal.members or {}),
        "RequestId": gathered.request_id,
        "HostId": gathered.host_id,
    }
    inside = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in told.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'
