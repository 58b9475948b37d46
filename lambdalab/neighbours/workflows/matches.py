"""Which errors the wildcards of Retry and Catch stand for.

``States.ALL`` stands for all but what is too large. ``States.TaskFailed`` stands for all but that,
and but the ends of times.
"""

from __future__ import annotations

from typing import Any

__all__ = ["install", "matches"]

_TOO_LARGE = "States.DataLimitExceeded"
_BUT = {
    "States.ALL": {_TOO_LARGE},
    "States.TaskFailed": {_TOO_LARGE, "States.Timeout", "States.HeartbeatTimeout"},
}


def install() -> None:
    """Read ErrorEquals as AWS does."""
    from moto.stepfunctions.parser.asl.component.common.error_name import error_equals_decl

    error_equals_decl.ErrorEqualsDecl._eval_body = _evaluate


def matches(names: list[str], error: str | None) -> bool:
    """Whether one of these names, of an ErrorEquals, stands for an error."""
    return error in names or any(error not in _BUT[name] for name in names if name in _BUT)


def _evaluate(equals: Any, env: Any) -> None:
    error = getattr(env.stack.pop(), "error_name", None)
    env.stack.append(matches([name.error_name for name in equals.error_names], error))
