"""Rotation of moto's secrets: what RotateSecret stores and checks, and versions while it goes on.

moto calls all steps within RotateSecret, takes any rotation for done, and has no schedule. Here
RotateSecret prepares a version and answers; somebody else leads the rotation, step by step.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from math import ceil
from typing import Any, Protocol

from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours import secret_values

__all__ = ["Rotation", "Rotations", "install"]

Json = dict[str, Any]
Call = Callable[..., Any]

_PENDING, _CURRENT = "AWSPENDING", "AWSCURRENT"
_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_DAY = 86400


class Rotations(Protocol):
    """Who leads rotations."""

    def check(self, function_arn: str, secret_arn: str, account: str) -> None:
        """Raise AwsError unless Secrets Manager may call the function for the secret."""

    def check_rules(self, rules: Json) -> None:
        """Raise AwsError unless Secrets Manager takes such rules."""

    def next_date(self, expression: str, now: float) -> float | None:
        """When a schedule is due next; raises ValueError where it is none."""

    def begin(self, rotation: Rotation) -> None:
        """Lead a rotation, which has its first step now; from any thread."""

    def plan(self, secret: Any) -> None:
        """A secret has another date for its next rotation, or none; from any thread."""


@dataclass(frozen=True)
class Rotation:
    """One rotation of a secret to the version that has a token as its id."""

    secret: Any
    token: str
    steps: tuple[str, ...] = _STEPS

    def succeeded(self, now: float, rotations: Rotations) -> None:
        """All steps have been taken."""
        if self.steps != _STEPS:
            self.secret.versions.pop(self.token, None)
            return
        self.secret.last_rotation_date = int(now)
        _count_days(self.secret, now, rotations)

    @property
    def wanted(self) -> bool:
        """Whether the secret is still there, and to be rotated in this way."""
        return not self.secret.is_deleted() and self.token in self.secret.versions


@cache
def install(rotations: Rotations) -> None:
    """Let secrets be rotated in this way."""
    from moto.secretsmanager import models

    secret_values.install()
    backend = models.SecretsManagerBackend
    backend.rotate_secret = _rotate(rotations)
    backend.cancel_rotate_secret = _cancel(backend.cancel_rotate_secret, rotations)
    backend.update_secret_version_stage = _move(backend.update_secret_version_stage)
    models.FakeSecret.to_dict = _told(models.FakeSecret.to_dict)


def _rotate(rotations: Rotations) -> Call:
    def run(
        backend: Any,
        secret_id: str,
        client_request_token: str | None = None,
        rotation_lambda_arn: str | None = None,
        rotation_rules: Json | None = None,
        rotate_immediately: bool = True,
    ) -> Any:
        secret = _found(backend, secret_id)
        arn = rotation_lambda_arn or secret.rotation_lambda_arn
        if not arn:
            raise _as_moto(aws_error("secret.no-function"))
        rules = rotation_rules or {}
        _check(rules, rotations)
        _refuse_unready(secret, rotations, arn)
        secret.rotation_requested = secret.rotation_enabled = True
        secret.rotation_lambda_arn = arn
        _keep(secret, rules, rotations)
        token = client_request_token or _new_token()
        rotation = prepare(secret, token, test_only=not rotate_immediately)
        rotations.begin(rotation)
        return secret.to_short_dict(version_id=token)

    return run


def _found(backend: Any, secret_id: str) -> Any:
    from moto.secretsmanager import exceptions, models

    if not backend._is_valid_identifier(secret_id):
        raise exceptions.SecretNotFoundException
    secret = backend.secrets[secret_id]
    if isinstance(secret, models.ReplicaSecret):
        raise exceptions.OperationNotPermittedOnReplica
    if secret.is_deleted():
        raise _as_moto(aws_error("secret.deleted"))
    return secret


def _check(rules: Json, rotations: Rotations) -> None:
    try:
        rotations.check_rules(rules)
        if rules.get("ScheduleExpression"):
            rotations.next_date(rules["ScheduleExpression"], _now())
    except AwsError as error:
        raise _as_moto(error) from None
    except ValueError:
        raise _as_moto(aws_error("secret.schedule")) from None


def _refuse_unready(secret: Any, rotations: Rotations, arn: str) -> None:
    try:
        rotations.check(arn, secret.arn, secret.account_id)
    except AwsError as error:
        raise _as_moto(error) from None
    stages = [version["version_stages"] for version in secret.versions.values()]
    if any(_PENDING in one and _CURRENT not in one for one in stages):
        raise _as_moto(aws_error("secret.in-progress"))


def _keep(secret: Any, rules: Json, rotations: Rotations) -> None:
    if rules:
        secret.auto_rotate_after_days = rules.get("AutomaticallyAfterDays") or 0
        secret.rotation_rules = rules
        secret.schedule_days = None
    plan_next(secret, rotations)


def plan_next(secret: Any, rotations: Rotations) -> None:
    """Set when a secret is rotated next, counted from now."""
    now = _now()
    rules = getattr(secret, "rotation_rules", {})
    due: float | None = None
    if rules.get("ScheduleExpression"):
        due = rotations.next_date(rules["ScheduleExpression"], now)
    elif secret.auto_rotate_after_days:
        due = now + secret.auto_rotate_after_days * _DAY
    secret.next_rotation_date = None if due is None else int(due)
    rotations.plan(secret)


def _count_days(secret: Any, now: float, rotations: Rotations) -> None:
    """In how many days a schedule comes round, which AWS counts after each rotation."""
    expression = getattr(secret, "rotation_rules", {}).get("ScheduleExpression")
    if not expression:
        return
    first = rotations.next_date(expression, now)
    second = rotations.next_date(expression, first) if first else None
    if first and second:
        secret.schedule_days = max(1, ceil((second - first) / _DAY))


def prepare(secret: Any, token: str, *, test_only: bool = False) -> Rotation:
    """Make the version that a rotation is about to fill; one that is only a test has a value."""
    secret.remove_version_stages_from_old_versions([_PENDING])
    version: Json = {
        "createdate": int(_now()),
        "version_id": token,
        "version_stages": [_PENDING],
    }
    if test_only:
        current = secret.versions.get(secret.default_version_id) or {}
        names = ("secret_string", "secret_binary")
        version |= {name: current[name] for name in names if name in current}
    secret.versions[token] = version
    return Rotation(secret, token, ("testSecret",) if test_only else _STEPS)


def next_rotation(secret: Any) -> Rotation:
    """The rotation that a schedule begins, or takes up again where one has not come to its end."""
    for token, version in secret.versions.items():
        stages = version["version_stages"]
        if _PENDING in stages and _CURRENT not in stages:
            return Rotation(secret, token)
    return prepare(secret, _new_token())


def _now() -> float:
    """Platform time, as moto has it."""
    from moto.core.utils import unix_time

    return float(unix_time())


def _new_token() -> str:
    from moto.moto_api._internal import mock_random

    return str(mock_random.uuid4())


def _cancel(cancel: Call, rotations: Rotations) -> Call:
    @wraps(cancel)
    def run(backend: Any, secret_id: str) -> Any:
        known = backend.secrets.get(secret_id)
        if known and not known.is_deleted() and not getattr(known, "rotation_lambda_arn", True):
            raise _as_moto(aws_error("secret.not-rotated"))
        answer = cancel(backend, secret_id)
        secret = backend.secrets[secret_id]
        secret.next_rotation_date = None
        rotations.plan(secret)
        return answer

    return run


def _move(move: Call) -> Call:
    """Moto does not look for the current version anew when its label has moved."""

    @wraps(move)
    def run(backend: Any, *given: Any, **options: Any) -> Any:
        answer = move(backend, *given, **options)
        names = ("secret_id", "version_stage", "remove_from_version_id", "move_to_version_id")
        wanted = {**dict(zip(names, given, strict=False)), **options}
        if wanted["version_stage"] == _CURRENT and wanted.get("move_to_version_id"):
            secret = backend.secrets[wanted["secret_id"]]
            secret.set_default_version_id(wanted["move_to_version_id"])
        return answer

    return run


def _told(tell: Call) -> Call:
    """As moto's own, with the rules as they were given."""

    @wraps(tell)
    def run(secret: Any) -> Json:
        told: Json = tell(secret)
        rules = getattr(secret, "rotation_rules", None)
        if "RotationRules" in told and rules:
            days = getattr(secret, "schedule_days", None)
            told["RotationRules"] = rules | ({"AutomaticallyAfterDays": days} if days else {})
        return told

    return run


def _as_moto(error: AwsError) -> Exception:
    from moto.core.exceptions import JsonRESTError

    raised: Exception = JsonRESTError(error.code, error.message)
    return raised
