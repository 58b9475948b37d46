"""How changes of HTTP APIs are refused."""

from __future__ import annotations

from typing import Any

from lambdalab import facts

__all__ = ["Given", "changed", "refused"]

# What an operation of moto's is given, by the names of its parameters.
Given = dict[str, Any]


def refused(name: str, **fields: object) -> Exception:
    """A refusal as moto raises it; its text, code and status stand in the facts."""
    from moto.core.exceptions import JsonRESTError

    message = facts.message(f"http-api-control.{name}")
    error: Exception = JsonRESTError(
        message.code or "BadRequestException", message.format(**fields)
    )
    error.code = message.status or 400  # type: ignore[attr-defined]
    return error


def changed(found: Any, given: Given) -> Given:
    """What is there, with what an update gives in its place."""
    return {**vars(found)} | {name: value for name, value in given.items() if value is not None}
