"""Rows of data that say what the API answers: read, sent, and compared with what came back.

A file of rows has a ``source``, a table ``prepare`` of named calls, and a list ``row``. A row has
``operation`` and ``given``, the names of the calls that go before it in ``before``, and what is
expected: ``status``; for a refusal ``code`` and ``text``; ``body``, the whole JSON body. In a body,
``"*"`` is any value and ``"@null"`` is null; an object stands for a string that holds it as JSON
too. A call under ``prepare`` may ``keep`` values of its answer by name; ``@name`` stands for one
(inside a longer text ``@{name}``), and ``@a*65`` for 65 letters a.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

__all__ = ["Answer", "Rows", "filled", "same", "send"]


class Answer(NamedTuple):
    """What came back: ``code`` is empty unless it is a refusal."""

    status: int
    code: str
    body: Any

    @property
    def text(self) -> str:
        return str(self.body.get("message", self.body.get("Message")))


class Rows:
    """The rows of one file."""

    def __init__(self, name: str) -> None:
        path = Path(__file__).parent / "rows" / f"{name}.toml"
        self._data = tomllib.loads(path.read_text("utf-8"))
        self.source: str = self._data["source"]
        self.rows: list[dict[str, Any]] = self._data["row"]

    def prepare(self, lam: Any, row: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        """Make the calls that go before a row; gives what is known and what they keep."""
        kept = dict(known)
        for name in row.get("before", []):
            call = self._data["prepare"][name]
            answer = send(lam, call["operation"], filled(call.get("given", {}), kept))
            assert answer.status < 300, (name, answer)
            for key, path in call.get("keep", {}).items():
                value = answer.body
                for part in path.split("."):
                    value = value[part]
                kept[key] = value
        return kept


def send(lam: Any, operation: str, given: dict[str, Any]) -> Answer:
    """One call, past the checks of boto3; the body is read as it came over the wire."""
    bodies: list[bytes] = []

    def see(http_response: Any, **_: Any) -> None:
        bodies.append(http_response.content)

    lam.meta.events.register("after-call.lambda", see, unique_id="api-rows")
    try:
        response, code = getattr(lam, operation)(**given), ""
    except ClientError as error:
        response, code = error.response, error.response["Error"]["Code"]
    finally:
        lam.meta.events.unregister("after-call.lambda", unique_id="api-rows")
    body = json.loads(bodies[-1]) if bodies[-1] else None
    return Answer(response["ResponseMetadata"]["HTTPStatusCode"], code, body)


def filled(value: Any, kept: dict[str, Any]) -> Any:
    """Put kept values and long texts where they are asked for."""
    if isinstance(value, dict):
        return {filled(key, kept): filled(item, kept) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, kept) for item in value]
    if not isinstance(value, str):
        return value
    if times := re.fullmatch(r"@(.)\*(\d+)", value):
        return times[1] * int(times[2])
    whole = value.removeprefix("@")
    if value.startswith("@") and whole in kept:
        return kept[whole]
    return re.sub(r"@\{(\w+)\}", lambda found: str(kept[found[1]]), value)


def same(wanted: Any, found: Any) -> bool:
    """Whether a body is as a row says."""
    if wanted == "*":
        return True
    if wanted == "@null":
        return found is None
    if isinstance(wanted, dict | list) and isinstance(found, str):
        found = json.loads(found)
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(
            same(item, found[name]) for name, item in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(same, wanted, found))
    return bool(wanted == found and type(wanted) is type(found))
