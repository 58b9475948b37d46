"""Aliases: names for versions, with a share of the invocations for a second one.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from lambdalab.draws import identifier
from lambdalab.errors import aws_error
from lambdalab.functions.arns import LATEST
from lambdalab.functions.capacity import PROVISIONED
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.paging import page
from lambdalab.functions.records import Alias, Function, Version

__all__ = ["AliasService"]


class AliasService:
    """The operations on aliases.

    ``on_change`` hears of a function, an alias of it that was changed or deleted, and the version
    that it named before.
    """

    def __init__(self, directory: Directory, draw: Random) -> None:
        self.on_change: list[Callable[[Function, str, str | None], None]] = []
        self._directory = directory
        self._random = draw

    def create_alias(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """CreateAlias."""
        function = self._function(caller, given)
        name = given["Name"]
        weights = _weights(given)
        _check_target(function, given["FunctionVersion"], weights)
        if name in function.aliases:
            raise aws_error("alias.exists", arn=function.qualified_arn(name))
        description = given.get("Description", "")
        alias = Alias(
            name, given["FunctionVersion"], description, identifier(self._random), weights
        )
        function.aliases[name] = alias
        return _shown(function, alias)

    def get_alias(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetAlias."""
        function = self._directory.function(caller, given)
        return _shown(function, _find(function, given["Name"], "alias.missing"))

    def update_alias(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateAlias: only what is given changes."""
        function = self._directory.function(caller, given)
        alias = _find(function, given["Name"], "alias.missing-on-update")
        if given.get("RevisionId") and given["RevisionId"] != alias.revision_id:
            raise aws_error("revision.mismatch")
        version = given.get("FunctionVersion") or alias.version
        weights = _weights(given) if given.get("RoutingConfig") is not None else alias.weights
        _check_target(function, version, weights)
        if alias.name in function.attachments(PROVISIONED):
            _check_provisionable(function, version)
        before, alias.version, alias.weights = alias.version, version, weights
        alias.description = given.get("Description", alias.description)
        alias.revision_id = identifier(self._random)
        self._changed(function, alias.name, before)
        return _shown(function, alias)

    def delete_alias(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteAlias; one that does not exist is no error."""
        function = self._directory.function(caller, given)
        alias = function.aliases.pop(given["Name"], None)
        if alias is not None:
            function.detach(alias.name)
            self._changed(function, alias.name, alias.version)
        return {}

    def list_aliases(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListAliases, of one version where one is given."""
        function = self._directory.function(caller, given)
        wanted = given.get("FunctionVersion")
        aliases = [
            alias
            for _, alias in sorted(function.aliases.items())
            if wanted in (None, alias.version, *alias.weights)
        ]
        rows, more = page(given, aliases, lambda alias: alias.name)
        return {**more, "Aliases": [_shown(function, alias) for alias in rows]}

    def _changed(self, function: Function, name: str, before: str | None) -> None:
        for listener in self.on_change:
            listener(function, name, before)

    def _function(self, caller: Caller, given: dict[str, Any]) -> Function:
        """The function; where there is none, AWS names the version that was asked for too."""
        wanted = self._directory.identify(caller, given)
        function = self._directory.registry.get(wanted)
        if function is None:
            raise aws_error("function.missing", arn=f"{wanted.arn}:{given['FunctionVersion']}")
        return function


def _find(function: Function, name: str, missing: str) -> Alias:
    alias = function.aliases.get(name)
    if alias is None:
        raise aws_error(missing, arn=function.qualified_arn(name))
    return alias


def _weights(given: dict[str, Any]) -> dict[str, float]:
    return dict((given.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {})


def _check_target(function: Function, version: str, weights: dict[str, float]) -> None:
    """Refuse a version that is not there, and routing that AWS does not do."""
    if len(weights) > 1:
        raise aws_error("alias.two-additional-versions")
    if version in weights:
        raise aws_error("alias.routing-to-itself", version=version)
    if weights and LATEST in (version, *weights):
        refusal = aws_error("alias.routing-on-latest")
        # AWS answers without a Type here, as recorded.
        refusal.members = {"message": refusal.message}
        raise refusal
    for number in (version, *weights):
        if number != LATEST and number not in function.versions:
            raise aws_error("function.missing", arn=function.qualified_arn(number))
    for number in weights:
        _check_alike(function.versions[version], function.versions[number])


def _check_provisionable(function: Function, version: str) -> None:
    """What is provisioned for an alias goes with it to a version that can have it."""
    if version == LATEST:
        raise aws_error("concurrency.provisioned-on-latest")
    if function.versions[version].configuration.snapshot:
        raise aws_error("concurrency.provisioned-snapstart")


def _check_alike(version: Version, other: Version) -> None:
    """Two versions share an alias only with the same role, and the same dead-letter queue."""
    one, two = version.configuration.settings, other.configuration.settings
    if one["Role"] != two["Role"]:
        raise aws_error("alias.roles-differ")
    if one.get("DeadLetterConfig") != two.get("DeadLetterConfig"):
        raise aws_error("alias.dead-letters-differ")


def _shown(function: Function, alias: Alias) -> dict[str, Any]:
    members: dict[str, Any] = {
        "AliasArn": function.qualified_arn(alias.name),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        members["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return members
