"""Requests to Step Functions, checked by the service model before anybody acts on them.

moto looks at none of the bounds that the model sets, and breaks where a member is missing. Clients
check their parameters themselves, but not all do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache, wraps
from typing import Any

from botocore import xform_name
from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.responses import StepFunctionResponse

from lambdalab import facts

__all__ = ["install"]

Json = dict[str, Any]

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "boolean": bool,
    "list": list,
    "structure": dict,
}


# Values in the order in which AWS names them, where that is not the model's.
_ORDERS = {
    "ExecutionStatus": (
        "SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING",
    ),
}  # fmt: skip


@cache
def install() -> None:
    """Check every request; operations that nobody answers say so."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("stepfunctions")
    for name in model.operation_names:
        method, shape = xform_name(name), model.operation_model(name).input_shape
        act = getattr(StepFunctionResponse, method, None) or _unanswered(name)
        setattr(StepFunctionResponse, method, _checked(act, shape))


def _unanswered(name: str) -> Callable[[Any], Any]:
    def run(response: Any) -> Any:  # noqa: ARG001
        raise JsonRESTError("NotImplementedException", f"Lambda Lab does not act on {name} yet.")

    return run


def _checked(act: Callable[[Any], Any], shape: Any) -> Callable[[Any], Any]:
    @wraps(act)
    def run(response: Any) -> Any:
        given = _read(response.body)
        violations = list(_violations(given, shape, ""))
        if violations:
            raise JsonRESTError("ValidationException", _joined(violations))
        return act(response)

    return run


def _read(body: Any) -> Json:
    try:
        given = json.loads(body or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise JsonRESTError("SerializationException", "")
    return given


def _joined(violations: list[str]) -> str:
    text = "; ".join(violations)
    if len(violations) == 1:
        return facts.message("validation.one").format(failure=text)
    return facts.message("validation.several").format(count=len(violations), failures=text)


def _violations(value: Json, shape: Any, place: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield facts.message("validation.null").format(path=f"{place}{name}")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _of_member(value[name], member, f"{place}{name}")


def _of_member(value: Any, shape: Any, path: str) -> Iterator[str]:
    wanted = _TYPES.get(shape.type_name)
    odd = isinstance(value, bool) and shape.type_name != "boolean"
    if wanted is not None and (odd or not isinstance(value, wanted)):
        raise JsonRESTError("SerializationException", "")
    if shape.type_name == "structure":
        yield from _violations(value, shape, f"{path}.")
        return
    for constraint, gaps in _broken(value, shape):
        text = facts.message(f"validation.{constraint}").format(**gaps)
        # What is sensitive is not repeated.
        shown = "" if "sensitive" in shape.metadata else f"'{value}' "
        yield f"Value {shown}at '{path}' failed to satisfy constraint: {text}"


def _broken(value: Any, shape: Any) -> Iterator[tuple[str, Json]]:
    """The constraints of the model that a value breaks, by their names in ``facts``."""
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    size: float
    if isinstance(value, str | list):
        size, kind = len(value), "length-at"
    elif isinstance(value, int | float):
        size, kind = value, "at"
    else:
        return
    if least is not None and size < least:
        yield f"{kind}-least", {"bound": least}
    if most is not None and size > most:
        yield f"{kind}-most", {"bound": most}
    if isinstance(value, str) and shape.enum and value not in shape.enum:
        yield "enum", {"values": ", ".join(_ORDERS.get(shape.name, shape.enum))}
