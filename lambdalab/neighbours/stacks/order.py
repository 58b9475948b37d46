"""Which resources of a template need which: those that are needed come first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["circular", "in_order", "needs"]

# A name in Fn::Sub; ${!name} stands for itself.
_SUBSTITUTED = re.compile(r"\$\{([^!}.][^}.]*)")


def in_order(resources: dict[str, Any]) -> list[str]:
    """The logical ids of a template's resources, each after those that it refers to."""
    ordered: dict[str, None] = {}
    entered: set[str] = set()

    def enter(name: str) -> None:
        if name in resources and name not in entered:
            entered.add(name)
            for other in needs(resources[name]):
                enter(other)
            ordered[name] = None

    for name in resources:
        enter(name)
    return list(ordered)


def circular(resources: dict[str, Any]) -> list[str]:
    """The resources that need themselves, by way of others."""
    known = {name: set(needs(one)) & resources.keys() for name, one in resources.items()}
    # Whoever needs nobody, or is needed by nobody, is in no circle; nor is who is left then.
    while True:
        needed = set().union(*known.values()) if known else set()
        rest = {name: others & known.keys() for name, others in known.items()}
        rest = {name: others for name, others in rest.items() if others and name in needed}
        if rest == known:
            return sorted(rest)
        known = rest


def needs(resource: dict[str, Any]) -> Iterator[str]:
    """The names that a resource refers to."""
    named = resource.get("DependsOn", [])
    yield from [named] if isinstance(named, str) else named
    yield from _references(resource.get("Properties"))
    yield from _references(resource.get("UpdatePolicy"))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _direct(key, item)
            yield from _references(item)


def _direct(key: str, item: Any) -> Iterator[str]:
    """What one function of a template refers to."""
    first = item[0] if isinstance(item, list) and item else item
    if not isinstance(first, str):
        return
    if key == "Ref":
        yield first
    elif key == "Fn::GetAtt":
        yield first.partition(".")[0]
    elif key == "Fn::Sub":
        yield from _SUBSTITUTED.findall(first)
