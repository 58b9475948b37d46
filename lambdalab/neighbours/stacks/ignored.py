"""Properties of templates that moto's resources take and forget.

moto names each property that it acts on in the class of the resource type; what is not named there
would pass in silence.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

from lambdalab.neighbours.stacks import completions
from lambdalab.neighbours.stacks.templates import types

__all__ = ["ignored"]

# Types whose class takes all properties as they come; tags do nothing but name things.
_WHOLE = ("AWS::EFS::MountTarget", "AWS::Route53::RecordSet")
_HARMLESS = frozenset(("Tags", "HostedZoneTags", "HealthCheckTags"))
_WORD = re.compile(r"""["'](\w+)["']""")


@cache
def ignored(kind: str, made: type[Any]) -> frozenset[str]:
    """The properties of a type that the class by which moto makes it never names."""
    if kind in _WHOLE:
        return frozenset()
    named = set(_WORD.findall(inspect.getsource(made)))
    return types.properties(kind) - named - _HARMLESS - completions.completed(kind)
