"""Which field of a state is being evaluated: what the cause of a failed expression names.

A field is told of as a path from its state, such as ``Output/total`` or ``Choices[0]/Condition``.
Source: answers of AWS in the tests of https://github.com/floci-io/floci
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

__all__ = ["field", "install"]

_PACKAGE = "moto.stepfunctions.parser.asl.component."
_MAP = "state.exec.state_map."
# The parts of a state that hold expressions: module, class, name of the field.
_FIELDS = (
    ("common.outputdecl", "Output", "Output"),
    ("common.parargs", "Parargs", "Arguments"),
    ("common.assign.assign_decl", "AssignDecl", "Assign"),
    ("common.timeouts.timeout", "Timeout", "TimeoutSeconds"),
    ("common.timeouts.heartbeat", "Heartbeat", "HeartbeatSeconds"),
    (f"{_MAP}items.items", "ItemsArray", "Items"),
    (f"{_MAP}items.items", "ItemsJSONata", "Items"),
    (f"{_MAP}item_selector", "ItemSelector", "ItemSelector"),
    (f"{_MAP}max_concurrency", "MaxConcurrencyDecl", "MaxConcurrency"),
    (f"{_MAP}tolerated_failure", "ToleratedFailureCountDecl", "ToleratedFailureCount"),
    (f"{_MAP}tolerated_failure", "ToleratedFailurePercentageDecl", "ToleratedFailurePercentage"),
    ("state.wait.wait_function.seconds", "SecondsJSONata", "Seconds"),
    ("state.wait.wait_function.timestamp", "Timestamp", "Timestamp"),
    ("state.choice.comparison.comparison", "ConditionStringJSONata", "Condition"),
    ("state.fail.error_decl", "Error", "Error"),
    ("state.fail.cause_decl", "Cause", "Cause"),
)
# Those that are one of several: where they stand in lists, and the lists' names.
_ROWS = (
    ("state.choice.choices_decl", "ChoicesDecl", "rules", "Choices"),
    ("common.catch.catch_decl", "CatchDecl", "catchers", "Catch"),
    ("common.jsonata.jsonata_template_value_array", "JSONataTemplateValueArray", "values", ""),
    ("common.assign.assign_template_value_array", "AssignTemplateValueArray", "values", ""),
)
_BINDINGS = (
    ("common.jsonata.jsonata_template_binding", "JSONataTemplateBinding"),
    ("common.assign.assign_template_binding", "AssignTemplateBinding"),
)
_here = threading.local()


def field() -> str:
    """The field that this thread evaluates; empty where that is none."""
    return "".join(_steps()).removeprefix("/")


def install() -> None:
    """Let the parts of a state say where they are."""
    for module, kind, name in _FIELDS:
        _wrap(module, kind, partial(_named, name))
    for module, kind in _BINDINGS:
        _wrap(module, kind, lambda part: f"/{part.identifier}")
    for module, kind, rows, name in _ROWS:
        owner = _class(module, kind)
        owner.__init__ = _numbering(owner.__init__, rows, name)
    component = _class("eval_component", "EvalComponent")
    component.eval = _in_row(component.eval)


def _named(name: str, _part: Any) -> str:
    return f"/{name}"


def _class(module: str, kind: str) -> Any:
    return getattr(importlib.import_module(_PACKAGE + module), kind)


def _steps() -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(_here, "steps", ())
    return found


@contextmanager
def _within(step: str) -> Iterator[None]:
    before = _steps()
    _here.steps = (*before, step)
    try:
        yield
    finally:
        _here.steps = before


def _wrap(module: str, kind: str, step: Callable[[Any], str]) -> None:
    owner = _class(module, kind)
    evaluate = owner._eval_body

    def run(part: Any, env: Any) -> None:
        with _within(step(part)):
            evaluate(part, env)

    owner._eval_body = run


def _numbering(make: Callable[..., None], rows: str, name: str) -> Callable[..., None]:
    """Let each row know its number when the list is made."""

    def run(owner: Any, *given: Any, **options: Any) -> None:
        make(owner, *given, **options)
        for number, row in enumerate(getattr(owner, rows)):
            row.lambdalab_row = f"/{name}[{number}]" if name else f"[{number}]"

    return run


def _in_row(evaluate: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def run(part: Any, env: Any) -> None:
        row = getattr(part, "lambdalab_row", None)
        if row is None:
            evaluate(part, env)
            return
        with _within(row):
            evaluate(part, env)

    return run
