"""Which fields a state may have, by its type and its query language, and which it must have.

Source: https://states-language.net/spec.html and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["JSON_PATH", "misfits", "misfits_of_machine"]

Json = dict[str, Any]

JSON_PATH = "JSONPath"
_PLACE = "InputPath OutputPath"
_ALL = "Type Comment QueryLanguage"
_STEP = f"{_ALL} Next End Assign"
_WORK = "Parameters ResultSelector ResultPath"
_HANDLE = "Retry Catch"
_TOLERANCE = (
    "ToleratedFailurePercentage ToleratedFailurePercentagePath "
    "ToleratedFailureCount ToleratedFailureCountPath"
)
_FIELDS = {
    "Task": f"{_STEP} {_PLACE} {_WORK} {_HANDLE} Resource Arguments Output Credentials "
    "TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds HeartbeatSecondsPath",
    "Pass": f"{_STEP} {_PLACE} Parameters ResultPath Result Output",
    "Choice": f"{_ALL} {_PLACE} Choices Default Assign Output",
    "Wait": f"{_STEP} {_PLACE} Seconds SecondsPath Timestamp TimestampPath Output",
    "Succeed": f"{_ALL} {_PLACE} Output",
    "Fail": f"{_ALL} Error ErrorPath Cause CausePath",
    "Parallel": f"{_STEP} {_PLACE} {_WORK} {_HANDLE} Branches Arguments Output",
    "Map": f"{_STEP} {_PLACE} {_WORK} {_HANDLE} {_TOLERANCE} ItemProcessor Iterator Items "
    "ItemsPath ItemSelector ItemReader ItemBatcher ResultWriter MaxConcurrency MaxConcurrencyPath "
    "Label Arguments Output",
}
_MACHINE = frozenset(("Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"))
_INNER = _MACHINE | {"ProcessorConfig"}
# Fields of one query language only.
_PATHS = frozenset(
    f"{_PLACE} {_WORK} ItemsPath SecondsPath TimestampPath ErrorPath CausePath MaxConcurrencyPath "
    "TimeoutSecondsPath HeartbeatSecondsPath ToleratedFailurePercentagePath "
    "ToleratedFailureCountPath Result".split()
)
_EXPRESSIONS = frozenset(("Arguments", "Output", "Items"))
_KNOWN = {kind: frozenset(fields.split()) for kind, fields in _FIELDS.items()}
# Of each row one field must be there, or just one.
_REQUIRED = {
    "Task": (("Resource",),),
    "Choice": (("Choices",),),
    "Parallel": (("Branches",),),
}
_ONE_OF = {
    "Wait": (("Seconds", "SecondsPath", "Timestamp", "TimestampPath"),),
    "Map": (("ItemProcessor", "Iterator"),),
}
_NOT_BOTH = (
    ("Next", "End"),
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
)
_ROWS = {"Retry": ("ErrorEquals",), "Catch": ("ErrorEquals", "Next"), "Choices": ("Next",)}
_FUNCTIONS = (
    "Array", "ArrayPartition", "ArrayContains", "ArrayRange", "ArrayGetItem", "ArrayLength",
    "ArrayUnique", "Base64Encode", "Base64Decode", "Hash", "JsonMerge", "StringToJson",
    "JsonToString", "MathRandom", "MathAdd", "StringSplit", "UUID", "Format",
)  # fmt: skip
_CALL = re.compile(rf"States\.({'|'.join(_FUNCTIONS)})\(.*\)\s*", re.DOTALL)
_REFERENCE = re.compile(r"\$(\.[^.*@?\[\]()\s,:]+|\['[^']+'\]|\[\d+\])*")
_LONGEST = 99_999_999
_RANGES = {
    "TimeoutSeconds": (1, _LONGEST),
    "HeartbeatSeconds": (1, _LONGEST),
    "Seconds": (0, _LONGEST),
    "MaxConcurrency": (0, None),
}
# What in a template is a path, and what is left as it is.
_TEMPLATES = "Parameters", "ResultSelector", "ItemSelector", "Assign"


def misfits(state: Json, language: str, place: str) -> Iterator[tuple[str, str]]:
    """What a state has too much or too little of: messages and places."""
    kind = state["Type"]
    other = _EXPRESSIONS if language == JSON_PATH else _PATHS
    for name in state:
        if name not in _KNOWN[kind]:
            yield f"Field '{name}' is not supported", place
        elif name in other:
            text = f"Field '{name}' is not supported when QueryLanguage is '{language}'"
            yield text, f"{place}/{name}"
    yield from _missing(state, kind, place)
    for names in _NOT_BOTH + _ONE_OF.get(kind, ()):
        if sum(name in state for name in names) > 1:
            yield f"Only one of these fields is allowed: [{', '.join(names)}]", place
    yield from _in_rows(state, place)
    yield from _out_of_range(state, place)
    path = state.get("ResultPath")
    if isinstance(path, str) and not _REFERENCE.fullmatch(path):
        yield "Value is not a Reference Path", f"{place}/ResultPath"
    if language == JSON_PATH:
        for name in _TEMPLATES:
            yield from _in_template(state.get(name), f"{place}/{name}")


def misfits_of_machine(machine: Json, place: str) -> Iterator[tuple[str, str]]:
    """The same of a whole machine, or of one within a state."""
    for name in machine:
        if name not in (_INNER if place else _MACHINE):
            yield f"Field '{name}' is not supported", place or "/"


def _missing(state: Json, kind: str, place: str) -> Iterator[tuple[str, str]]:
    for names in _REQUIRED.get(kind, ()) + _ONE_OF.get(kind, ()):
        if not any(name in state for name in names):
            yield f"These fields are required: [{', '.join(names)}]", place


def _out_of_range(state: Json, place: str) -> Iterator[tuple[str, str]]:
    for name, (least, most) in _RANGES.items():
        value = state.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        if value < least:
            yield f"Value must be at least {least}", f"{place}/{name}"
        elif most is not None and value > most:
            yield f"Value must be at most {most}", f"{place}/{name}"


def _in_rows(state: Json, place: str) -> Iterator[tuple[str, str]]:
    for member, names in _ROWS.items():
        rows = state.get(member)
        for number, row in enumerate(rows if isinstance(rows, list) else ()):
            lacking = [name for name in names if isinstance(row, dict) and name not in row]
            if lacking:
                text = f"These fields are required: [{', '.join(lacking)}]"
                yield text, f"{place}/{member}[{number}]"


def _in_template(part: Any, place: str) -> Iterator[tuple[str, str]]:
    """Values that a template takes for paths, and that are none."""
    if isinstance(part, list):
        for number, one in enumerate(part):
            yield from _in_template(one, f"{place}[{number}]")
    if not isinstance(part, dict):
        return
    for name, value in part.items():
        if not name.endswith(".$"):
            yield from _in_template(value, f"{place}/{name}")
        elif not (isinstance(value, str) and (value.startswith("$") or _CALL.fullmatch(value))):
            wanted = "must be a valid JSONPath or a valid intrinsic function call"
            yield f"The value for the field '{name}' {wanted}", place
