"""Roles and managed policies: who has which policy takes calls of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from lambdalab.errors import AwsError
from lambdalab.neighbours.stacks.services.service_type import Json, Work
from lambdalab.neighbours.stacks.services.steps import document_of

__all__ = ["attach", "detach", "furnish_role", "new_policy_version", "shortened", "strip_role"]

_HOLDERS = {"Roles": "Role", "Groups": "Group", "Users": "User"}


def new_policy_version(work: Work) -> None:
    """Another document makes another version of a managed policy, and the old one goes."""
    if not work.before or not work.changed("PolicyDocument"):
        return
    policy = {"PolicyArn": work.known["Arn"]}
    document = document_of(work.properties["PolicyDocument"])
    work.act("CreatePolicyVersion", **policy, PolicyDocument=document, SetAsDefault=True)
    for version in work.act("ListPolicyVersions", **policy)["Versions"]:
        if not version["IsDefaultVersion"]:
            work.act("DeletePolicyVersion", **policy, VersionId=version["VersionId"])


def attach(work: Work) -> None:
    """Give a managed policy to whom the template names, and take it from whom it names no more."""
    for name, kind in _HOLDERS.items():
        after, before = work.properties.get(name) or [], work.before.get(name) or []
        for one in after:
            if one not in before:
                _hand(work, "Attach", kind, one)
        for one in before:
            if one not in after:
                _hand(work, "Detach", kind, one)


def detach(work: Work) -> None:
    """A policy that somebody has cannot be deleted."""
    for name, kind in _HOLDERS.items():
        for one in work.properties.get(name) or []:
            with contextlib.suppress(AwsError):
                _hand(work, "Detach", kind, one)


def _hand(work: Work, verb: str, kind: str, name: str) -> None:
    work.act(f"{verb}{kind}Policy", **{f"{kind}Name": name}, PolicyArn=work.known["Arn"])


def shortened(longest: int) -> Callable[[str], str]:
    """Generated names that fit; their random end stays."""

    def form(name: str) -> str:
        start, _, end = name.rpartition("-")
        return f"{start[: longest - len(end) - 1]}-{end}"

    return form


def furnish_role(work: Work) -> None:
    """A role's policies, its trust, its boundary: each has calls of its own."""
    role = {"RoleName": work.known["RoleName"]}
    if work.before:
        _alter_role(work, role)
    after = {one["PolicyName"]: one for one in work.properties.get("Policies") or []}
    for name, described in after.items():
        if described not in (work.before.get("Policies") or []):
            document = document_of(described["PolicyDocument"])
            work.act("PutRolePolicy", **role, PolicyName=name, PolicyDocument=document)
    for one in work.before.get("Policies") or []:
        if one["PolicyName"] not in after:
            work.act("DeleteRolePolicy", **role, PolicyName=one["PolicyName"])
    wanted = work.properties.get("ManagedPolicyArns") or []
    given = work.before.get("ManagedPolicyArns") or []
    for arn in wanted:
        if arn not in given:
            work.act("AttachRolePolicy", **role, PolicyArn=arn)
    for arn in given:
        if arn not in wanted:
            work.act("DetachRolePolicy", **role, PolicyArn=arn)


def _alter_role(work: Work, role: Json) -> None:
    if work.changed("AssumeRolePolicyDocument"):
        document = document_of(work.properties["AssumeRolePolicyDocument"])
        work.act("UpdateAssumeRolePolicy", **role, PolicyDocument=document)
    if work.changed("PermissionsBoundary"):
        boundary = work.properties.get("PermissionsBoundary")
        if boundary:
            work.act("PutRolePermissionsBoundary", **role, PermissionsBoundary=boundary)
        else:
            work.act("DeleteRolePermissionsBoundary", **role)
    if work.changed("Tags"):
        tags = work.properties.get("Tags") or []
        names = {one["Key"] for one in tags}
        gone = [one["Key"] for one in work.before.get("Tags") or [] if one["Key"] not in names]
        if tags:
            work.act("TagRole", **role, Tags=tags)
        if gone:
            work.act("UntagRole", **role, TagKeys=gone)


def strip_role(work: Work) -> None:
    """A role that has policies, or is in an instance profile, cannot be deleted."""
    role = {"RoleName": work.known["RoleName"]}
    for one in work.act("ListAttachedRolePolicies", **role)["AttachedPolicies"]:
        work.act("DetachRolePolicy", **role, PolicyArn=one["PolicyArn"])
    for name in work.act("ListRolePolicies", **role)["PolicyNames"]:
        work.act("DeleteRolePolicy", **role, PolicyName=name)
    for one in work.act("ListInstanceProfilesForRole", **role)["InstanceProfiles"]:
        named = {"InstanceProfileName": one["InstanceProfileName"]}
        work.act("RemoveRoleFromInstanceProfile", **role, **named)
