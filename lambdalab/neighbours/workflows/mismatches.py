"""Data that do not fit what a state wants of them, in AWS's words.

moto tells these in Python's words, or takes them for something else: a choice for one that does not
match, a result for one that fits.
Source: answers of AWS in the tests of https://github.com/localstack/localstack and
https://github.com/floci-io/floci, and in public reports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.workflows.failures import failure, runtime

__all__ = ["install"]

_EVALUATE = Callable[[Any, Any], None]
_CONFLICT, _MATCH = "States.ReferencePathConflict", "States.ResultPathMatchFailure"
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\['(?P<quoted>[^']*)'\]|\[(?P<index>\d+)\]")
_SENTENCE = re.compile(r"[A-Z][^<]*", re.DOTALL)
_LAST_INDEX = re.compile(r"(?P<list>.*)\[\d+\]")


def install() -> None:
    """Let the interpreter say what does not fit."""
    from moto.stepfunctions.parser.asl.component.common.assign import assign_template_binding
    from moto.stepfunctions.parser.asl.component.common.path import items_path, result_path
    from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadbinding import (
        payload_binding,
    )
    from moto.stepfunctions.parser.asl.component.common.string import string_expression
    from moto.stepfunctions.parser.asl.component.state.choice import state_choice
    from moto.stepfunctions.parser.asl.component.state.choice.comparison import (
        comparison_variable,
    )
    from moto.stepfunctions.parser.asl.component.state.fail import cause_decl, error_decl

    for kind, change in (
        (state_choice.StateChoice, _choosing),
        (comparison_variable.ComparisonVariable, _comparing),
        (items_path.ItemsPath, _listing),
        (result_path.ResultPath, _placing),
        (string_expression.StringIntrinsicFunction, _calling),
        (error_decl.Error, _texting("Error")),
        (cause_decl.Cause, _texting("Cause")),
    ):
        method = "_eval_state" if kind is state_choice.StateChoice else "_eval_body"
        setattr(kind, method, change(getattr(kind, method)))
    simple = payload_binding.PayloadBindingStringExpressionSimple
    simple._eval_val = _past_the_end(simple._eval_val)
    # What a selector or a variable is made of has its name in the template.
    simple = assign_template_binding.AssignTemplateBindingStringExpressionSimple
    simple._field_name = lambda binding: f"{binding.identifier}.$"
    simple._eval_value = _past_the_end(simple._eval_value)


def _says(message: str, **gaps: Any) -> str:
    return facts.message(f"workflow.{message}").format(**gaps)


def _no_such_path() -> type[Exception]:
    from moto.stepfunctions.parser.asl.utils import json_path

    kind: type[Exception] = json_path.NoSuchJsonPathError
    return kind


def _text(value: Any) -> str:
    from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

    return str(to_json_str(value, separators=(",", ":")))


# ---- choices


def _choosing(evaluate: _EVALUATE) -> _EVALUATE:
    """A choice that matches nothing leads nowhere."""

    def run(state: Any, env: Any) -> None:
        try:
            evaluate(state, env)
        except RuntimeError as error:
            raise runtime(env, _says("no-choice")) from error

    return run


def _comparing(evaluate: _EVALUATE) -> _EVALUATE:
    """What is not there is compared with nothing; only its presence can be asked for."""
    from moto.stepfunctions.parser.asl.component.state.choice.comparison import variable

    def run(comparison: Any, env: Any) -> None:
        if comparison.comparison_function.operator_type.name != "IsPresent":
            comparison.variable.eval(env)
            if isinstance(env.stack.pop(), variable.NoSuchVariable):
                path = comparison.variable.string_sampler.literal_value
                raise runtime(env, _says("no-variable", path=path))
        try:
            evaluate(comparison, env)
        except _no_such_path() as error:
            path = getattr(error, "json_path", "")
            raise runtime(env, _says("no-comparison", path=path)) from None

    return run


# ---- paths


def _steps(path: str) -> Iterator[str | int]:
    """The names and numbers of a reference path."""
    for found in _STEP.finditer(path):
        index = found["index"]
        yield int(index) if index is not None else found["name"] or found["quoted"]


def _listing(evaluate: _EVALUATE) -> _EVALUATE:
    """Items that are not there, or are no list."""

    def run(items: Any, env: Any) -> None:
        path = items.string_sampler.literal_value
        try:
            evaluate(items, env)
        except _no_such_path() as error:
            data = getattr(error, "data", None)
            cause = _says("no-step", step=_missing(path, data), input=_text(data))
            raise failure(env, _CONFLICT, cause) from None
        if not isinstance(env.stack[-1], list):
            raise runtime(env, _says("no-list", path=path))

    return run


def _missing(path: str, data: Any) -> str | int:
    """The first step of a path that leads nowhere."""
    step: str | int = path
    for step in _steps(path):
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            break
    return step


def _placing(evaluate: _EVALUATE) -> _EVALUATE:
    """A result goes into an object, or in place of an item that is there."""

    def run(result: Any, env: Any) -> None:
        path, data = result.result_path_src, env.states.get_input()
        if path not in (None, "$"):
            step = _unfit(path, data)
            if step is not None:
                cause = _says("no-step", step=step, input=_text(data))
                raise failure(env, _MATCH, cause)
        evaluate(result, env)

    return run


def _unfit(path: str, data: Any) -> str | int | None:
    """The step of a path that cannot be made within the data; None where all can."""
    for step in _steps(path):
        if isinstance(step, int):
            if not isinstance(data, list) or step >= len(data):
                return step
            data = data[step]
        elif not isinstance(data, dict):
            return step
        elif step in data:
            data = data[step]
        else:
            return None
    return None


def _past_the_end(evaluate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A number past the end of a list gives null; it is no path that leads nowhere."""

    def run(binding: Any, env: Any) -> Any:
        try:
            return evaluate(binding, env)
        except _no_such_path() as error:
            path, data = getattr(error, "json_path", ""), getattr(error, "data", None)
            found = _LAST_INDEX.fullmatch(path)
            if found is None or not isinstance(_at(found["list"], data), list):
                raise
            return None

    return run


def _at(path: str, data: Any) -> Any:
    for step in _steps(path):
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


# ---- functions and texts


def _calling(evaluate: _EVALUATE) -> _EVALUATE:
    """A function that fails is told of as it is written."""

    def run(call: Any, env: Any) -> None:
        given = env.stack[-1] if env.stack else None
        try:
            evaluate(call, env)
        except Exception as error:
            if hasattr(error, "failure_event"):
                raise
            # What Python says of its own types is nothing that Step Functions would say.
            told = type(error) is ValueError and _SENTENCE.fullmatch(str(error))
            reason = str(error) if told else _says("no-arguments")
            if isinstance(error, _no_such_path()):
                path = getattr(error, "json_path", "")
                reason = _says("no-argument", path=path, input=_text(given))
            function = call.intrinsic_function_derivation
            raise runtime(env, _says("function", function=function, reason=reason)) from None

    return run


def _texting(field: str) -> Callable[[_EVALUATE], _EVALUATE]:
    def change(evaluate: _EVALUATE) -> _EVALUATE:
        def run(part: Any, env: Any) -> None:
            evaluate(part, env)
            if not isinstance(env.stack[-1], str):
                raise runtime(env, _says("no-text", field=field))

        return run

    return change
