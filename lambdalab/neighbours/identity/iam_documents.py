"""Inline policies without a version in moto's IAM: AWS takes them for version 2008-10-17.

Managed policies alone must be of version 2012-10-17; moto asks that of all. The policy templates of
SAM name no version.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

__all__ = ["install"]

_PUT = ("role", "group", "user")


def install() -> None:
    """Let users, groups and roles have policies without a version."""
    from moto.iam.models import IAMBackend

    for holder in _PUT:
        name = f"put_{holder}_policy"
        setattr(IAMBackend, name, _inline(getattr(IAMBackend, name), f"get_{holder}"))


def _inline(put: Callable[..., Any], find: str) -> Callable[..., Any]:
    def run(backend: Any, name: str, policy_name: str, policy_json: str) -> Any:
        checked = _versioned(policy_json)
        done = put(backend, name, policy_name, checked)
        if checked != policy_json:
            getattr(backend, find)(name).policies[policy_name] = policy_json
        return done

    return run


def _versioned(text: str) -> str:
    """A policy with a version, if it is one that has none."""
    try:
        policy = json.loads(text)
    except ValueError:
        return text
    if not isinstance(policy, dict) or "Version" in policy:
        return text
    return json.dumps({"Version": "2012-10-17", **policy})
