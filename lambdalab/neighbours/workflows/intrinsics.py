"""Intrinsic functions as they are written: escaped characters, null, fractions, and templates.

moto reads them as they stand in the JSON text, so that escapes are doubled, forgets null, breaks at
a number with a point, and fills templates by Python's rules.
Source: https://states-language.net/spec.html#intrinsic-functions
"""

from __future__ import annotations

import json
import re
from typing import Any

from lambdalab import facts

__all__ = ["install"]

# An escaped character is one of these while an expression is parsed.
_ESCAPED = {f"\\{char}": chr(0xE000 + number) for number, char in enumerate("'{}\\")}
_PLAIN = {ord(mark): escape[1] for escape, mark in _ESCAPED.items()}
_ESCAPE = re.compile(r"\\['{}\\]")
_NULL, _NULL_MARK = re.compile(r"\bnull\b"), "\ue010"
_QUOTED = re.compile(r"('[^']*')")


class _Text(str):
    """A text without its escapes; ``template`` still tells them from what is to be filled."""

    template: str


def install() -> None:
    """Let the interpreter read and fill as Step Functions does."""
    from moto.stepfunctions.parser.asl.component.intrinsic.argument import argument
    from moto.stepfunctions.parser.asl.component.intrinsic.function.statesfunction.generic import (
        string_format,
    )
    from moto.stepfunctions.parser.asl.parse import preprocessor
    from moto.stepfunctions.parser.asl.parse.intrinsic import preprocessor as intrinsic

    def literal(value: Any) -> Any:
        return argument.ArgumentLiteral(definition_value=value)

    def read_text(_: Any, ctx: Any) -> Any:
        written = ctx.STRING().getText()[1:-1]
        return literal(None if written == _NULL_MARK else _text(written))

    def read_fraction(_: Any, ctx: Any) -> Any:
        return literal(float(ctx.NUMBER().getText()))

    intrinsic.Preprocessor.visitFunc_arg_string = read_text
    intrinsic.Preprocessor.visitFunc_arg_float = read_fraction
    preprocessor.Preprocessor.visitString_intrinsic_function = _call
    string_format.StringFormat._eval_body = _format


def _text(written: str) -> _Text:
    made = _Text(written.translate(_PLAIN))
    made.template = written
    return made


def _call(_: Any, ctx: Any) -> Any:
    """In place of ``visitString_intrinsic_function``."""
    from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
        StringIntrinsicFunction,
    )
    from moto.stepfunctions.parser.asl.parse.intrinsic.intrinsic_parser import IntrinsicParser

    written = json.loads(ctx.STRINGINTRINSICFUNC().getText(), strict=False)
    marked = _ESCAPE.sub(lambda found: _ESCAPED[found[0]], written)
    parts = _QUOTED.split(marked)
    parts[::2] = [_NULL.sub(f"'{_NULL_MARK}'", part) for part in parts[::2]]
    function, _tree = IntrinsicParser.parse("".join(parts))
    return StringIntrinsicFunction(intrinsic_function_derivation=written, function=function)


def _format(call: Any, env: Any) -> None:
    """In place of ``StringFormat._eval_body``: each pair of braces is filled in its turn."""
    call.argument_list.eval(env=env)
    template, *values = env.stack.pop()
    pieces = getattr(template, "template", str(template)).split("{}")
    if len(pieces) != len(values) + 1:
        raise ValueError(facts.message("workflow.format").format())
    filled = [pieces[0].translate(_PLAIN)]
    for value, piece in zip(values, pieces[1:], strict=True):
        filled += [call._to_str_repr(value), piece.translate(_PLAIN)]
    env.stack.append("".join(filled))
