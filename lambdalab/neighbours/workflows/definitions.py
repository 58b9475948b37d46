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

from lambdalab import facts
from lambdalab.neighbours.workflows.structure import JSON_PATH, misfits, misfits_of_machine

__all__ = ["Problem", "json_trouble", "problems"]

Json = dict[str, Any]
ReadResource = Callable[[str], Any]

_TYPES = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
_LAST = ("Choice", "Succeed", "Fail")
_SCHEMA = "SCHEMA_VALIDATION_FAILED"
_TARGET = "MISSING_TRANSITION_TARGET"
_DOWNGRADE = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
_LONGEST_NAME = 80
# How much of a text AWS's parser shows.
_SHOWN = 500
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
        # What says itself where it is says so once.
        return f"{self.code}: {self.message.removesuffix(where)}{where}"


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


def _place(text: str) -> str:
    """Where a text ceases to be JSON, as AWS's parser tells it: behind what it could not read."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        word = _WORD.match(error.doc, error.pos)
        column = error.colno + (len(word[0]) if word else 0)
        return f'[Source: (String)"{text[:_SHOWN]}"; line: {error.lineno}, column: {column}]'
    return ""


def problems(definition: str, read_resource: ReadResource, *, express: bool) -> list[Problem]:
    """What is wrong: where the states themselves are, nothing is told of the ways between them."""
    if not definition.strip():
        return [Problem(_SCHEMA, "Definition must be a valid JSON object")]
    trouble = json_trouble(definition)
    if trouble:
        place = _place(definition)
        return [Problem("INVALID_JSON_DESCRIPTION", f"{trouble}\n at {place}", place)]
    read = json.loads(definition)
    if not isinstance(read, dict):
        return [Problem(_SCHEMA, "Definition must be a valid JSON object")]
    reader = _Reader(read_resource, express, read.get("QueryLanguage"))
    found: list[Problem] = []
    try:
        found.extend(reader.problems(read, ""))
    except (TypeError, AttributeError):
        # A member of another kind than it can be, such as a number in place of a list.
        text = "The definition has a member of a wrong type"
        found = found or [Problem(_SCHEMA, text)]
    return [one for one in found if one.code == _SCHEMA] or found


class _Reader:
    """Goes through a machine, and through the machines within it."""

    def __init__(self, read_resource: ReadResource, express: bool, language: Any) -> None:
        self._read_resource = read_resource
        self._express = express
        self._language = language
        self._names: set[str] = set()

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
        for text, where in misfits_of_machine(machine, place):
            yield Problem(_SCHEMA, text, where)
        if machine["StartAt"] not in states:
            yield _missing("StartAt", machine["StartAt"], f"{place}/StartAt")
            return
        for name, state in states.items():
            if len(name) > _LONGEST_NAME:
                text = f"The name of a state has at most {_LONGEST_NAME} characters"
                yield Problem(_SCHEMA, text, f"{place}/States/{name}")
            if name in self._names:
                text = facts.message("workflow.duplicate").format(state=name)
                yield Problem("DUPLICATE_STATE_NAME", text, f"{place}/States/{name}")
            self._names.add(name)
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
        if self._language == "JSONata" and state.get("QueryLanguage") == JSON_PATH:
            yield Problem(_SCHEMA, _DOWNGRADE, place)
        language = state.get("QueryLanguage") or self._language or JSON_PATH
        for text, where in misfits(state, language, place):
            yield Problem(_SCHEMA, text, where)
        if kind == "Task" and "Resource" in state:
            yield from self._resource(state.get("Resource"), f"{place}/Resource")
        for field, machine in _inner(state):
            if isinstance(machine, dict):
                yield from self.problems(machine, f"{place}/{field}")

    def _resource(self, arn: Any, place: str) -> Iterator[Problem]:
        try:
            known = isinstance(arn, str) and self._read_resource(arn) is not None
        except ValueError as error:
            yield Problem(_SCHEMA, str(error), place)
            return
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
