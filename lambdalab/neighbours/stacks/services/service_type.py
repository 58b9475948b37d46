"""What a row of the table of other services' resource types says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

__all__ = ["ServiceType", "Step", "Work"]

Json = dict[str, Any]


class Act(Protocol):
    """Calls an operation of the resource's service, such as ``PutRule``."""

    def __call__(self, operation: str, /, **given: Any) -> Json:
        """Raises AwsError as the service refuses."""


class Work(NamedTuple):
    """What a step works with: how to call, what the resource is known by, what it is to be.

    ``before`` are the properties that it had, none when it is new.
    """

    act: Act
    known: Json
    properties: Json
    before: Json

    def changed(self, name: str) -> bool:
        """Whether a property has another value than before."""
        return bool(self.properties.get(name) != self.before.get(name))


Step = Callable[[Work], None]


@dataclass(frozen=True)
class ServiceType:
    """How resources of one type are made, changed and deleted by calls to their service.

    ``key`` are the members by which calls name a resource, ``reference`` what ``Ref`` gives,
    ``attributes`` what ``Fn::GetAtt`` gives: texts with gaps, filled from what was sent and from
    the answer. ``update`` is sent the key and all it knows; without it a change makes another
    resource, unless only properties of ``stepped`` change: those that the steps look after, which
    come after a creation and after a change. ``undo`` comes before a deletion. ``named`` is the
    property that takes a generated name, in ``name_form``; ``renamed`` is what a call calls a
    property, ``located`` are properties that name an object in S3 which holds another one, and
    ``prepare`` makes one property of others. A type without ``create`` is made by its steps.
    """

    service: str
    create: str = ""
    delete: str = ""
    key: dict[str, str] = field(default_factory=dict)
    reference: str = ""
    update: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    named: str = ""
    name_form: Callable[[str], str] = str
    renamed: dict[str, str] = field(default_factory=dict)
    replaced: frozenset[str] = frozenset()
    stepped: frozenset[str] = frozenset()
    located: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Json], Json] = dict
    steps: tuple[Step, ...] = ()
    undo: tuple[Step, ...] = ()
