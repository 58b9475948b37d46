"""JSONata in state machines, evaluated by the package ``jsonata-python``.

moto composes expressions and leaves their evaluation to a Java machine that it has not. Here they
are evaluated with Step Functions' own functions, in the platform's time, and what goes wrong is an
error that a state can catch.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.workflows import fields
from lambdalab.neighbours.workflows.failures import query_failure

__all__ = ["install"]

_PACKAGE = "moto.stepfunctions.parser."
# Those of Step Functions that are not written in JSONata here.
_OWN = ("$hash", "$parse", "$uuid")
_ALGORITHMS = {
    "MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512",
}  # fmt: skip
_ROW = re.compile(r"\[\d+\]")
# What some fields of a state must be.
_WANTED = {
    "Choices/Condition": "boolean",
    "Seconds": "number",
    "TimeoutSeconds": "number",
    "HeartbeatSeconds": "number",
    "MaxConcurrency": "number",
    "ToleratedFailureCount": "number",
    "ToleratedFailurePercentage": "number",
}
_TYPES = "null", "number", "string", "boolean", "array", "object"
# What one expression may take: real milliseconds, and how deep it may call itself.
_LONGEST, _DEEPEST = 10_000, 300


class _WrongError(Exception):
    """An expression cannot be evaluated."""


def install() -> None:
    """Let the interpreter evaluate expressions."""
    from moto.stepfunctions.parser.asl.component.common.string import string_expression
    from moto.stepfunctions.parser.asl.component.intrinsic import jsonata as functions
    from moto.stepfunctions.parser.asl.jsonata import jsonata

    for name in _OWN:
        functions._DECLARATION_BY_VARIABLE_REFERENCE.pop(name, None)
    # What they stand for within a path is JSONata's to say; alone they stand for nothing.
    jsonata._ILLEGAL_VARIABLE_REFERENCES.clear()
    stand_ins = {
        "eval_jsonata_expression": _evaluate,
        "encode_jsonata_variable_declarations": _declared,
        "validate_jsonata_expression_output": _checked,
    }
    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGE):
            for attribute in stand_ins.keys() & vars(module).keys():
                setattr(module, attribute, stand_ins[attribute])
    for kind in (string_expression.StringJSONata, string_expression.StringVariableSample):
        kind._eval_body = _failing(kind._eval_body)
    fields.install()


def _declared(bindings: Mapping[str, Any]) -> str:
    """Variables and their values; moto forgets that a text may hold a quote."""
    from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

    return "".join(f"{name}:={to_json_str(value)};" for name, value in bindings.items())


def _evaluate(expression: str) -> Any:
    """The value of an expression; raises _WrongError where it has none because it is wrong."""
    jsonata: Any = importlib.import_module("jsonata")
    try:
        made = jsonata.Jsonata(expression)
        for name, act in _functions().items():
            made.register_lambda(name, act)
        frame = made.create_frame(made.environment)
        frame.set_runtime_bounds(_LONGEST, _DEEPEST)
        value = made.evaluate(None, frame)
        json.dumps(value)
    except jsonata.jexception.JException as error:
        raise _WrongError(f"{error.error}: {error}") from None
    except TypeError:
        raise _WrongError("It returned an unsupported result type.") from None
    except (ArithmeticError, LookupError, ValueError, RecursionError) as error:
        raise _WrongError(str(error)) from None
    return value


def _functions() -> dict[str, Callable[..., Any]]:
    """Step Functions' own functions, and those of JSONata that ask for the time or for chance."""
    from moto.core.utils import unix_time_millis
    from moto.moto_api._internal import mock_random

    functions: Any = importlib.import_module("jsonata.functions").Functions

    def now(picture: str | None = None, zone: str | None = None) -> Any:
        return functions.datetime_from_millis(int(unix_time_millis()), picture, zone)

    return {
        "now": now,
        "millis": lambda: int(unix_time_millis()),
        "uuid": lambda: str(mock_random.uuid4()),
        "random": _random,
        "hash": _hash,
        "parse": _parse,
        "eval": _not_there,
    }


def _random(seed: int | None = None) -> float:
    from moto.moto_api._internal import mock_random

    draw = mock_random if seed is None else type(mock_random)(seed)
    return float(draw.random())


def _hash(value: Any, algorithm: Any = "SHA-256") -> str:
    if algorithm not in _ALGORITHMS:
        raise _WrongError(f"$hash knows {', '.join(_ALGORITHMS)}, not {algorithm}")
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return hashlib.new(_ALGORITHMS[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _parse(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise _WrongError(f"$parse: {error}") from None


def _not_there(*_: Any) -> Any:
    raise _WrongError("$eval is not supported; $parse reads JSON")


def _failing(evaluate: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """An expression that is wrong fails its state, and the history tells why."""

    def run(part: Any, env: Any) -> None:
        try:
            evaluate(part, env)
        except _WrongError as error:
            gaps = {"expression": part.expression, "field": fields.field(), "reason": error}
            raise _failure(env, facts.message("workflow.expression").format(**gaps)) from None

    return run


def _checked(env: Any, expression: str, rich: str, value: Any) -> None:
    """In place of ``validate_jsonata_expression_output``: what is not there, or is no JSON."""
    gaps = {"expression": expression, "field": fields.field()}
    if value is None and not _evaluate(f"$exists({rich})"):
        raise _failure(env, facts.message("workflow.undefined").format(**gaps))
    if isinstance(value, str) and _evaluate(f"$type({rich})") not in _TYPES:
        raise _failure(env, facts.message("workflow.result-type").format(**gaps))
    wanted = _WANTED.get(_ROW.sub("", gaps["field"]))
    found = _type(value)
    if wanted is not None and found != wanted:
        shown = json.dumps(value, separators=(",", ":"))
        message = facts.message("workflow.unexpected-type")
        raise _failure(env, message.format(**gaps, wanted=wanted, found=found, value=shown))


def _type(value: Any) -> str:
    found: str = _evaluate(f"$type({json.dumps(value)})")
    return found


def _failure(env: Any, cause: str) -> Exception:
    return query_failure(env, cause, fields.field())
