"""One resource of a stack: where it stands, how operations name it, what a template sees of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lambdalab.functions.lookup import Caller
from lambdalab.functions.stack_type import ResourceType
from lambdalab.functions.stack_types import TYPES

__all__ = ["Made", "Place"]


@dataclass(frozen=True)
class Place:
    """Where a resource stands: whose it is, in which stack, and under which logical id."""

    account: str
    region: str
    stack_id: str
    logical_id: str
    stack_tags: dict[str, str]

    @property
    def caller(self) -> Caller:
        """For whom operations are called."""
        return Caller(self.account, self.region)

    @property
    def tags(self) -> dict[str, str]:
        """The tags that CloudFormation gives to what it makes: its own, and those of the stack."""
        return self.stack_tags | {
            "aws:cloudformation:logical-id": self.logical_id,
            "aws:cloudformation:stack-id": self.stack_id,
            "aws:cloudformation:stack-name": self.stack_id.split("/")[1],
        }


@dataclass(frozen=True)
class Made:
    """A resource, of the type and with the properties that the template gives it.

    ``known`` holds the members that were sent to make it and those of the answer.
    """

    type: str
    place: Place
    properties: dict[str, Any]
    known: dict[str, Any]

    @property
    def row(self) -> ResourceType:
        """What the table says of its type."""
        return TYPES[self.type]

    @property
    def key(self) -> dict[str, str]:
        """The members by which operations name it."""
        return {name: text for name, gap in self.row.key.items() if (text := self._filled(gap))}

    @property
    def target(self) -> dict[str, str]:
        """The members by which operations name the function, version or alias that it is."""
        names = {"FunctionName": "FunctionName", "Qualifier": "Qualifier", "Name": "Qualifier"}
        return {names[name]: text for name, text in self.key.items()}

    @property
    def reference(self) -> str:
        """What ``Ref`` gives."""
        return self._filled(self.row.reference)

    @property
    def tagged(self) -> str:
        """The ARN that carries its tags; empty for a type without tags."""
        return self._filled(self.row.tagged)

    def attribute(self, name: str) -> str:
        """What ``Fn::GetAtt`` gives; raises KeyError for one that the type does not have."""
        return self._filled(self.row.attributes[name])

    def _filled(self, text: str) -> str:
        """A text of the table with what is known in its gaps; empty where something is not."""
        try:
            return text.format_map(self.known)
        except KeyError:
            return ""
