"""Tags of functions, and of the other resources that have them.

Whoever keeps another kind of resource tells how its tags are found: a ``TagHolder`` gives the tags
of the resource that an ARN names, to read and to change, or raises AWS's error.
Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from lambdalab import facts
from lambdalab.draws import identifier
from lambdalab.errors import aws_error, not_implemented
from lambdalab.functions.lookup import Caller, Directory

__all__ = ["TagHolder", "TagService", "check_count"]

TagHolder = Callable[[Caller, str], dict[str, str]]


class TagService:
    """The operations on tags.

    ``holders`` has the other kinds of resources by the word that stands for them in their ARNs,
    such as ``event-source-mapping``; a kind that nobody keeps is refused by name.
    """

    def __init__(self, directory: Directory, draw: Random) -> None:
        self._directory = directory
        self._random = draw
        self.holders: dict[str, TagHolder] = {}

    def tag_resource(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """TagResource: new tags, and new values of those that are there."""
        tags = self._tags(caller, given)
        if not given["Tags"]:
            raise aws_error("tags.none-given")
        check_count(tags | given["Tags"])
        tags.update(given["Tags"])
        self._changed(caller, given)
        return {}

    def untag_resource(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """UntagResource; a tag that is not there is no error."""
        tags = self._tags(caller, given)
        for key in given["TagKeys"]:
            tags.pop(key, None)
        self._changed(caller, given)
        return {}

    def list_tags(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListTags."""
        return {"Tags": dict(self._tags(caller, given))}

    def _tags(self, caller: Caller, given: dict[str, Any]) -> dict[str, str]:
        arn = given["Resource"]
        kind = _kind(arn)
        if kind == "function":
            if self._directory.identify(caller, {"FunctionName": arn}).qualifier is not None:
                raise aws_error("tags.qualifier-refused")
            return self._directory.function(caller, {"FunctionName": arn}).tags
        if kind not in self.holders:
            raise not_implemented(f"tags of the kind of resource {kind}")
        return self.holders[kind](caller, arn)

    def _changed(self, caller: Caller, given: dict[str, Any]) -> None:
        """A function whose tags change is a new revision of itself, as recorded."""
        if _kind(given["Resource"]) == "function":
            function = self._directory.function(caller, {"FunctionName": given["Resource"]})
            function.latest.revision_id = identifier(self._random)


def check_count(tags: dict[str, str]) -> None:
    """Refuse more tags than a resource may have."""
    if len(tags) > facts.quota("tags.per-resource").value:
        raise aws_error("tags.too-many")


def _kind(arn: str) -> str:
    return arn.split(":")[5]
