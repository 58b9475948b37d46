"""What is wrong with the definition of a state machine, before it is read as one.

moto finds out when an execution comes to a state that is not there; Step Functions refuses the
definition. Its words and places are kept.
Source: recorded AWS answers in LocalStack's snapshot tests of October 2025 and of July 2024,
https://github.com/localstack/localstack
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = ["Problem", "json_trouble", "problem"]

Json = dict[str, Any]
ReadResource = Callable[[str], Any]

_TYPES = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
_LAST = ("Choice", "Succeed", "Fail")
_SCHEMA = "SCHEMA_VALIDATION_FAILED"
_TARGET = "MISSING_TRANSITION_TARGET"
_DOWNGRADE = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
_WORD = re.compile(r"[A-Za-z_]\w*")
_EXPECTED = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


class Problem(NamedTuple):
    """What is wrong, and where."""

    code: str
    message: str
    location: str = ""

    def __str__(self) -> str:
        """As it stands in the error of CreateStateMachine."""
        where = f" at {self.location}" if self.location else ""
        return f"{self.code}: {self.message}{where}"


def json_trouble(text: str) -> str:
    """Why a text is no JSON, in the words of AWS's parser; empty where it is."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        rest = error.doc[error.pos :]
        word = _WORD.match(rest)
        if word:
            return f"Unrecognized token '{word[0]}': was expecting {_EXPECTED}"
        if rest:
            in_name = "property name" in error.msg
            wanted = "double-quote to start field name" if in_name else f"a valid value {_EXPECTED}"
            found = f"Unexpected character ('{rest[0]}' (code {ord(rest[0])}))"
            return f"{found}: was expecting {wanted}"
        return "Unexpected end-of-input"
    return ""


def problem(definition: str, read_resource: ReadResource, *, express: bool) -> Problem | None:
    """The first thing that is wrong; None where nothing is."""
    if not definition.strip():
        return Problem(_SCHEMA, "Definition must be a valid JSON object")
    trouble = json_trouble(definition)
    if trouble:
        return Problem("INVALID_JSON_DESCRIPTION", trouble)
    read = json.loads(definition)
    if not isinstance(read, dict):
        return Problem(_SCHEMA, "Definition must be a valid JSON object")
    reader = _Reader(read_resource, express, read.get("QueryLanguage"))
    try:
        return next(reader.problems(read, ""), None)
    except (TypeError, AttributeError):
        # A member of another kind than it can be, such as a number in place of a list.
        return Problem(_SCHEMA, "The definition has a member of a wrong type")


class _Reader:
    """Goes through a machine, and through the machines within it."""

    def __init__(self, read_resource: ReadResource, express: bool, language: Any) -> None:
        self._read_resource = read_resource
        self._express = express
        self._language = language

    def problems(self, machine: Json, place: str) -> Iterator[Problem]:
        missing = [name for name in ("States", "StartAt") if name not in machine]
        if missing:
            yield Problem(
                _SCHEMA, f"These fields are required: [{', '.join(missing)}]", place or "/"
            )
            return
        states = machine["States"]
        if not isinstance(states, dict) or not states:
            yield Problem(_SCHEMA, "At least one state is required", f"{place}/States")
            return
        if machine["StartAt"] not in states:
            yield _missing("StartAt", machine["StartAt"], f"{place}/StartAt")
            return
        for name, state in states.items():
            yield from self._state(state, states, f"{place}/States/{name}")
        reached = _reached(states, machine["StartAt"])
        for name in states:
            if name not in reached:
                text = f'State "{name}" is not reachable.'
                yield Problem(_TARGET, text, f"{place}/States/{name}")

    def _state(self, state: Any, states: Json, place: str) -> Iterator[Problem]:
        kind = state.get("Type") if isinstance(state, dict) else None
        if kind not in _TYPES:
            yield Problem(_SCHEMA, f"Value is not one of [{', '.join(_TYPES)}]", f"{place}/Type")
            return
        for field, target in _targets(state):
            if target not in states:
                yield _missing(field.rpartition("/")[2], target, f"{place}/{field}")
        if kind not in _LAST and "Next" not in state and "End" not in state:
            yield Problem(_SCHEMA, "These fields are required: [Next, End]", place)
        if self._language == "JSONata" and state.get("QueryLanguage") == "JSONPath":
            text = (
                "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
            )
            yield Problem(_SCHEMA, text, place)
        if kind == "Task":
            yield from self._resource(state.get("Resource"), f"{place}/Resource")
        for field, machine in _inner(state):
            if isinstance(machine, dict):
                yield from self.problems(machine, f"{place}/{field}")

    def _resource(self, arn: Any, place: str) -> Iterator[Problem]:
        try:
            known = isinstance(arn, str) and self._read_resource(arn) is not None
        except Exception:
            known = False
        if not known:
            yield Problem(_SCHEMA, "Value is not a valid resource ARN", place)
        elif self._express:
            yield from _not_for_express(arn, place)


def _not_for_express(arn: str, place: str) -> Iterator[Problem]:
    subject = "Express state machine does not support"
    if ":activity:" in arn:
        yield Problem(_SCHEMA, f"{subject} Activity ARN", place)
    elif arn.endswith(".waitForTaskToken"):
        # The blank at the end is AWS's.
        yield Problem(_SCHEMA, f"{subject} '.waitForTaskToken' service integration ", place)
    elif arn.endswith((".sync", ".sync:2")):
        yield Problem(_SCHEMA, f"{subject} '.sync' service integration", place)


def _missing(field: str, target: Any, place: str) -> Problem:
    return Problem(_TARGET, f"Missing '{field}' target: {target}", place)


def _targets(state: Json) -> Iterator[tuple[str, Any]]:
    """Where a state may lead, and by which field."""
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for member in ("Choices", "Catch"):
        for number, row in enumerate(state.get(member) or []):
            if isinstance(row, dict) and "Next" in row:
                yield f"{member}[{number}]/Next", row["Next"]


def _inner(state: Json) -> Iterator[tuple[str, Any]]:
    """The machines within a state."""
    for number, branch in enumerate(state.get("Branches") or []):
        yield f"Branches[{number}]", branch
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield field, state[field]


def _reached(states: Json, start: str) -> set[str]:
    reached, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in states:
            continue
        reached.add(name)
        waiting += [target for _, target in _targets(states[name])]
    return reached
