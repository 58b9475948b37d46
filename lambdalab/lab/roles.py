"""An execution role in one line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

__all__ = ["make_role"]


def make_role(iam: Any, name: str, policies: Sequence[str], service: str) -> str:
    """Return the ARN of role ``name``, made if it is not there; it gets the ``policies``.

    ``service`` is who may take it, such as ``lambda.amazonaws.com``.
    """
    allowed = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [allowed]}
    try:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        role = iam.get_role(RoleName=name)
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return str(role["Role"]["Arn"])
