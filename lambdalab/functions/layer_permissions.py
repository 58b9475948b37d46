"""Permissions of layer versions: which other accounts may use them.

Source: https://docs.aws.amazon.com/lambda/latest/dg/permissions-layer-cross-account.html
"""

from __future__ import annotations

from typing import Any

from lambdalab.errors import aws_error
from lambdalab.functions.layer_versions import check_number
from lambdalab.functions.layers import LayerRegistry, LayerVersion, identify
from lambdalab.functions.lookup import Caller
from lambdalab.functions.policies import check_revision, statement, written_principal

__all__ = ["LayerPermissionService"]


class LayerPermissionService:
    """The operations on the policies of layer versions."""

    def __init__(self, layers: LayerRegistry) -> None:
        self._layers = layers

    def add_layer_version_permission(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """AddLayerVersionPermission."""
        version = self._version(caller, given, "lambda:AddLayerVersionPermission")
        policy = version.policy
        check_revision(given.get("RevisionId"), policy.revision_id, "revision.layer-mismatch")
        new = statement(
            given["StatementId"],
            given["Action"],
            written_principal(given["Principal"]),
            version.arn,
            _condition(given),
        )
        policy.add(new)
        return {"Statement": policy.text_of(new), "RevisionId": policy.revision_id}

    def remove_layer_version_permission(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """RemoveLayerVersionPermission."""
        version = self._version(caller, given, "lambda:RemoveLayerVersionPermission")
        policy = version.policy
        if policy:
            check_revision(given.get("RevisionId"), policy.revision_id, "revision.layer-mismatch")
        policy.remove(given["StatementId"])
        return {}

    def get_layer_version_policy(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetLayerVersionPolicy."""
        policy = self._version(caller, given, "lambda:GetLayerVersionPolicy").policy
        if not policy:
            raise aws_error("policy.none-to-remove")
        return {"Policy": policy.text(), "RevisionId": policy.revision_id}

    def _version(self, caller: Caller, given: dict[str, Any], action: str) -> LayerVersion:
        check_number(given)
        wanted = identify(caller, given["LayerName"], action)
        version = self._layers.version(wanted, given["VersionNumber"])
        if version is None:
            arn = f"{wanted.arn}:{given['VersionNumber']}"
            raise aws_error("layers.permission-missing", arn=arn)
        return version


def _condition(given: dict[str, Any]) -> dict[str, Any] | None:
    organization = given.get("OrganizationId")
    return {"StringEquals": {"aws:PrincipalOrgID": organization}} if organization else None
