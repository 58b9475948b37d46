"""Execution roles in moto's IAM, and the policies that AWS itself brings."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any
from urllib.parse import unquote

from lambdalab.errors import AwsError, aws_error

__all__ = ["check_assumable", "check_trusted", "install", "may_exist"]

LAMBDA = "lambda.amazonaws.com"


def install(account: str) -> None:
    """Let keys that nobody has issued belong to ``account``, and give accounts AWS's policies.

    moto has a default account of its own, and AWS's managed policies only on request. Reading the
    1,500 policies takes longer than emptying a cloud may: they are read once, and each emptied
    account gets copies, which keep apart what changes (the count of attachments). moto makes a
    backend for each partition of AWS when it looks for a key: only one of them is used.
    """
    from moto.iam import models

    models.DEFAULT_ACCOUNT_ID = account
    models.IAMBackend._init_aws_policies = _aws_policies


@cache
def _prototypes(account: str, region: str) -> list[Any]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data
    from moto.iam.models import AWSManagedPolicy

    policies = json.loads(aws_managed_policies_data)
    return [
        AWSManagedPolicy.from_data(name, account, region, data) for name, data in policies.items()
    ]


def _aws_policies(backend: Any) -> list[Any]:
    if backend.region_name != "aws":
        return []
    return [copy.copy(policy) for policy in _prototypes(backend.account_id, backend.region_name)]


def check_assumable(account: str, role_arn: str) -> None:
    """Raise AWS's error unless the role exists and its trust policy lets Lambda assume it."""
    if role_arn.split(":")[4] != account:
        raise AwsError(
            "AccessDeniedException",
            "Cross-account pass role is not allowed.",
            403,
            {"Message": "Cross-account pass role is not allowed."},
        )
    if not _trusts(role_arn, LAMBDA):
        raise aws_error("role.not-assumable")


def check_trusted(role_arn: str, service: str) -> None:
    """Raise an error unless the role exists and its trust policy lets a service assume it."""
    if not _trusts(role_arn, service):
        raise aws_error("role.not-trusting", role=role_arn, service=service)


def may_exist(account: str, arn: str | None) -> bool:
    """Whether a policy may name a principal: a user or role of the account must be there.

    AWS refuses one that is not. The users and roles of other accounts are nobody's to look up, and
    whoever is not of IAM (None, a session of STS, an account's root) passes.
    """
    from moto.iam.models import iam_backends

    kind = (arn or "").partition(f":iam::{account}:")[2].partition("/")[0]
    if kind not in ("user", "role"):
        return True
    backend = iam_backends[account]["aws"]
    known = backend.users if kind == "user" else backend.roles
    return any(one.arn == arn for one in list(known.values()))


def _trusts(role_arn: str, service: str) -> bool:
    """Whether there is such a role, and its trust policy lets the service assume it."""
    from moto.iam.exceptions import NotFoundException
    from moto.iam.models import iam_backends

    parts = role_arn.split(":")
    try:
        role = iam_backends[parts[4]]["aws"].get_role_by_arn(role_arn)
    except (NotFoundException, LookupError):
        return False
    # moto keeps the document as it came: from query-protocol clients still percent-encoded.
    text = role.assume_role_policy_document or "{}"
    policy = json.loads(text if text.lstrip().startswith("{") else unquote(text))
    return any(_lets_assume(one, service) for one in _listed(policy.get("Statement")))


def _lets_assume(statement: dict[str, Any], service: str) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service") if isinstance(principal, dict) else principal
    actions = {"sts:AssumeRole", "sts:*", "*"}
    return (
        statement.get("Effect") == "Allow"
        and bool({service, "*"} & set(_listed(services)))
        and bool(actions & set(_listed(statement.get("Action"))))
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
