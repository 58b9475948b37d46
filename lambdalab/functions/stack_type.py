"""What a row of the table of resource types says: how resources of a type are made and known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Companion", "ResourceType", "Update"]


@dataclass(frozen=True)
class Update:
    """An operation that changes a resource in place.

    ``whole``: it is sent all that it takes as soon as one of it changes, instead of the changes.
    """

    operation: str
    whole: bool = False


@dataclass(frozen=True)
class Companion:
    """A property that has operations of its own.

    Where it goes away, ``remove`` is called, or ``put`` with ``default`` if there is none. What is
    put is the property under its own name, or its members where it is a structure. ``in_create``:
    the operation that creates the resource takes it too.
    """

    put: str
    remove: str = ""
    default: Any = None
    in_create: bool = False


@dataclass(frozen=True)
class ResourceType:
    """How resources of one type are made, known, changed and deleted.

    ``key`` says by which members operations name a resource, ``reference`` what ``Ref`` gives and
    ``attributes`` what ``Fn::GetAtt`` gives: texts with gaps, filled from what was sent and from
    the answer; a member of the key whose gap stays empty is left out. ``named`` is the member that
    takes a generated name if the template gives none, with its greatest length. ``cleared`` is what
    a property is set to when it goes away. ``known_by`` is an operation that finds what is there
    already, for types whose ``create`` would overwrite it. ``settles`` says what has to come to
    rest after each operation, ``tagged`` which ARN carries the tags.
    """

    create: str
    delete: str
    properties: frozenset[str]
    required: tuple[str, ...]
    key: dict[str, str]
    reference: str
    updates: tuple[Update, ...] = ()
    replaced: frozenset[str] = frozenset()
    attributes: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    cleared: dict[str, Any] = field(default_factory=dict)
    companions: dict[str, Companion] = field(default_factory=dict)
    named: tuple[str, int] | None = None
    custom_named: str = ""
    known_by: str = ""
    settles: str = ""
    tagged: str = ""
