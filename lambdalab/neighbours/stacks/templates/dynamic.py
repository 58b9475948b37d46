"""Dynamic references: values that a template names, and that stand in other services.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

from __future__ import annotations

import json
import re

from lambdalab.errors import AwsError, aws_error

__all__ = ["resolve"]

_REFERENCE = re.compile(r"\{\{resolve:([a-z-]+):([^{}]+)\}\}")
# Behind the id of a secret: SecretString:key:stage:version.
_SECRET = re.compile(
    r"(?P<id>arn:[^:]+:secretsmanager:[^:]+:\d+:secret:[^:]+|[^:]+)"
    r"(?::SecretString(?::(?P<key>[^:]*)(?::(?P<stage>[^:]*)(?::(?P<version>[^:]*))?)?)?)?"
)


def resolve(text: str, account: str, region: str) -> str:
    """A text with the values in it that it refers to; raises AwsError where there is none."""
    if "{{resolve:" not in text:
        return text
    return _REFERENCE.sub(lambda found: _value(found, account, region), text)


def _value(found: re.Match[str], account: str, region: str) -> str:
    service, name = found[1], found[2]
    if service in ("ssm", "ssm-secure"):
        return _parameter(found[0], name, account, region)
    if service == "secretsmanager":
        return _secret(found[0], name, account, region)
    raise _refusal(found[0], f"there is no service {service}")


def _refusal(reference: str, reason: str) -> AwsError:
    return aws_error("template.reference", reference=reference, reason=reason)


def _parameter(reference: str, name: str, account: str, region: str) -> str:
    from moto.ssm.models import ssm_backends

    found = ssm_backends[account][region].get_parameter(name)
    if found is None:
        raise _refusal(reference, "there is no such parameter")
    text: str = found.value
    return text


def _secret(reference: str, name: str, account: str, region: str) -> str:
    from moto.secretsmanager.exceptions import SecretsManagerClientError
    from moto.secretsmanager.models import secretsmanager_backends

    asked = _SECRET.fullmatch(name)
    if asked is None:
        raise _refusal(reference, "it is not written as references to secrets are")
    try:
        found = secretsmanager_backends[account][region].get_secret_value(
            asked["id"], asked["version"] or "", asked["stage"] or ""
        )
        text = found["SecretString"]
        return str(json.loads(text)[asked["key"]]) if asked["key"] else str(text)
    except (SecretsManagerClientError, KeyError, ValueError, TypeError) as error:
        raise _refusal(reference, "there is no such secret, or it has no such key") from error
