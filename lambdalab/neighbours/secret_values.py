"""What moto says of secrets and their versions, where AWS says otherwise.

moto answers 404 where AWS answers 400, lists versions that no label holds, and knows neither when
a version was made nor when it was read.
Sources: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html,
answers of AWS recorded in tests of LocalStack
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from lambdalab import facts

__all__ = ["install", "refused"]

Json = dict[str, Any]
Call = Callable[..., Any]

_CURRENT = "AWSCURRENT"
_DAY = 86400
_PAGE = 100
_DEFAULT_KEY = "DefaultEncryptionKey"


def install() -> None:
    """Mend moto, once."""
    from moto.secretsmanager import exceptions, models, responses

    for error in (
        exceptions.ResourceNotFoundException,
        exceptions.SecretNotFoundException,
        exceptions.SecretHasNoValueException,
        exceptions.SecretStageVersionMismatchException,
    ):
        error.__init__ = _bad_request(error.__init__)
    backend = models.SecretsManagerBackend
    backend.get_secret_value = _read(backend.get_secret_value)
    backend.create_secret = _unless_deleted(backend.create_secret, "secret.name-deleted")
    for name in ("put_secret_value", "update_secret"):
        setattr(backend, name, _unless_deleted(getattr(backend, name), "secret.marked"))
    backend.update_secret_version_stage = _explicit(backend.update_secret_version_stage)
    models.FakeSecret.to_dict = _told(models.FakeSecret.to_dict)
    responses.SecretsManagerResponse.list_secret_version_ids = _versions


def refused(name: str, **values: Any) -> Exception:
    """A refusal of AWS's, as an error of moto's."""
    from moto.core.exceptions import JsonRESTError

    message = facts.message(name)
    raised: Exception = JsonRESTError(message.code or "", message.format(**values))
    return raised


def _bad_request(original: Call) -> Call:
    @wraps(original)
    def make(self: Any, *given: Any, **named: Any) -> None:
        original(self, *given, **named)
        self.code = 400

    return make


def _read(original: Call) -> Call:
    """A version by its id or its label; when it was read is kept by the day, as AWS does."""

    @wraps(original)
    def get(backend: Any, secret_id: str, version_id: Any = None, version_stage: Any = None) -> Any:
        from moto.secretsmanager import exceptions

        secret = backend.secrets.get(secret_id)
        if secret is None:
            raise exceptions.SecretNotFoundException
        if secret.is_deleted():
            raise refused("secret.marked")
        label = version_stage or _CURRENT
        if not version_id and not _holder(secret, label):
            raise exceptions.SecretHasNoValueException(label)
        answer = original(backend, secret_id, version_id, version_stage)
        day = int(_now()) // _DAY * _DAY
        secret.versions[answer["VersionId"]]["accessed"] = day
        getattr(secret, "source", secret).accessed = day
        return answer | {"VersionStages": sorted(answer["VersionStages"])}

    return get


def _holder(secret: Any, label: str) -> str | None:
    holders = (
        one for one, version in secret.versions.items() if label in version["version_stages"]
    )
    return next(holders, None)


def _unless_deleted(original: Call, refusal: str) -> Call:
    @wraps(original)
    def act(backend: Any, *given: Any, **named: Any) -> Any:
        name = given[0] if given else named.get("secret_id", named.get("name"))
        secret = backend.secrets.get(name)
        if secret is not None and secret.is_deleted():
            raise refused(refusal)
        return original(backend, *given, **named)

    return act


def _explicit(original: Call) -> Call:
    """Whoever moves a label says which version it is taken from; moto minds only AWSCURRENT."""

    @wraps(original)
    def move(
        backend: Any,
        secret_id: str,
        version_stage: str,
        remove_from_version_id: str | None,
        move_to_version_id: str | None,
    ) -> Any:
        secret = backend.secrets.get(secret_id)
        holder = _holder(secret, version_stage) if secret else None
        if holder and holder != move_to_version_id and not remove_from_version_id:
            raise refused("secret.label-attached", label=version_stage, version=holder)
        return original(
            backend, secret_id, version_stage, remove_from_version_id, move_to_version_id
        )

    return move


def _told(tell: Call) -> Call:
    """Only versions that a label holds, and when one was read last."""

    @wraps(tell)
    def run(secret: Any) -> Json:
        told: Json = tell(secret)
        told["LastAccessedDate"] = getattr(secret, "accessed", None)
        for name in ("VersionIdsToStages", "SecretVersionsToStages"):
            if name in told:
                told[name] = {one: sorted(labels) for one, labels in told[name].items() if labels}
        return told

    return run


def _versions(handler: Any) -> str:
    """ListSecretVersionIds."""
    from moto.secretsmanager import exceptions

    secret = handler.backend.secrets.get(handler._get_param("SecretId"))
    if secret is None:
        raise exceptions.SecretNotFoundException
    everything = handler._get_bool_param("IncludeDeprecated", False)
    shown = [
        _version(secret, one)
        for one in secret.versions.values()
        if everything or one["version_stages"]
    ]
    start = int(handler._get_param("NextToken") or 0)
    end = start + (handler._get_int_param("MaxResults") or _PAGE)
    told: Json = {"ARN": secret.arn, "Name": secret.name, "Versions": shown[start:end]}
    if end < len(shown):
        told["NextToken"] = str(end)
    return json.dumps(told)


def _version(secret: Any, version: Json) -> Json:
    told: Json = {"VersionId": version["version_id"], "CreatedDate": version["createdate"]}
    if version["version_stages"]:
        told["VersionStages"] = sorted(version["version_stages"])
    if "accessed" in version:
        told["LastAccessedDate"] = version["accessed"]
    key = getattr(getattr(secret, "source", secret), "kms_key_id", None)
    told["KmsKeyIds"] = [key or _DEFAULT_KEY]
    return told


def _now() -> float:
    """Platform time, as moto has it."""
    from moto.core.utils import unix_time

    return float(unix_time())
