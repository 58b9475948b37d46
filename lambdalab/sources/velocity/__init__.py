"""Apache Velocity's template language, as mapping templates use it.

Source: https://velocity.apache.org/engine/1.7/vtl-reference.html
"""

from __future__ import annotations

from lambdalab.sources.velocity.parser import parsed
from lambdalab.sources.velocity.reader import TemplateError
from lambdalab.sources.velocity.scope import Scope
from lambdalab.sources.velocity.values import JsonList, Tool, text_of

__all__ = [
    "JsonList",
    "Scope",
    "TemplateError",
    "Tool",
    "parsed",
    "render",
    "text_of",
]


# What a template can make of Python's own operations.
_FAILURES = (
    RecursionError, ArithmeticError, LookupError, AttributeError, TypeError, ValueError,
)  # fmt: skip


def render(template: str, scope: Scope) -> str:
    """The text that a template gives; TemplateError where it is none."""
    try:
        return parsed(template).render(scope)
    except _FAILURES as error:
        raise TemplateError(str(error)) from error
