"""Rows whose bodies are made of named shapes, and how one is run on a cloud of its own.

A file has tables ``shapes`` (members by the name of the shape), ``prepare`` (calls that may go
before a row, each of which comes through before the next) and ``row``. What stands in a row the
files say themselves. ``tests.api_rows`` sends, fills in and compares.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from botocore.config import Config

from lambdalab import Lab
from tests.api_rows import Answer, filled, same, send

__all__ = ["ShapedRows", "everything"]


class ShapedRows:
    """The rows of one file."""

    def __init__(self, name: str) -> None:
        text = (Path(__file__).parent / "rows" / f"{name}.toml").read_text("utf-8")
        self._data = tomllib.loads(text)
        self.rows: list[dict[str, Any]] = self._data["row"]

    def play(self, lab: Lab, row: dict[str, Any], known: dict[str, Any]) -> None:
        """Run one row; a refusal must leave everything as it was."""
        assert row.get("source") or self._data["source"]
        lam = lab.client("lambda", config=Config(parameter_validation=False))
        known = dict(known)
        for name in row.get("before", []):
            self._prepare(lab, lam, self._data["prepare"][name], known)
        before = everything(lam)
        answer = send(lam, row["operation"], filled(row["given"], known))
        assert (answer.status, answer.code) == (row["status"], row.get("code", "")), answer
        if "code" in row:
            _check_text(row, known, answer)
        if "code" in row or row.get("changes") is False:
            assert everything(lam) == before, "the call has left something behind"
        if row.get("nothing"):
            assert not answer.body
        elif "code" not in row or "body" in row:
            self._check_body(row, known, answer.body)

    def _prepare(self, lab: Lab, lam: Any, call: dict[str, Any], known: dict[str, Any]) -> None:
        answer = send(lam, call["operation"], filled(call["given"], known))
        assert answer.status < 300, (call, answer)
        for key, member in call.get("keep", {}).items():
            known[key] = answer.body[member]
        lab.clock.advance(seconds=1)

    def _check_body(self, row: dict[str, Any], known: dict[str, Any], body: Any) -> None:
        found, rest = _split(body, row.get("at", ""))
        if "beside" in row:
            assert same(filled(row["beside"], known), rest), rest
        if "body" in row or "shapes" in row:
            wanted = self._wanted(row)
            assert same(filled(wanted, known), found), (filled(wanted, known), found)

    def _wanted(self, row: dict[str, Any]) -> Any:
        """The shapes of a row together, then what is its own."""
        own = row.get("body", {})
        if not isinstance(own, dict):
            return own
        wanted: dict[str, Any] = {}
        for name in row.get("shapes", []):
            wanted |= self._data["shapes"][name]
        return {
            name: item for name, item in (wanted | own).items() if name not in row.get("lacks", [])
        }


def everything(lam: Any) -> list[Any]:
    """All that can be seen of the functions of a Region."""
    functions = lam.list_functions()["Functions"]
    names = [function["FunctionName"] for function in functions]
    seen: list[Any] = [functions]
    for name in names:
        seen.append(lam.get_function(FunctionName=name)["Configuration"])
        seen.append(lam.list_versions_by_function(FunctionName=name)["Versions"])
        seen.append(lam.list_aliases(FunctionName=name)["Aliases"])
    return seen


def _check_text(row: dict[str, Any], known: dict[str, Any], answer: Answer) -> None:
    text = answer.text
    assert text == filled(row.get("text", text), known)
    assert text.startswith(row.get("beginning", ""))
    assert text.endswith(row.get("ending", ""))


def _split(body: Any, path: str) -> tuple[Any, Any]:
    """What stands at a path of names and numbers in a body, and what stands beside its first."""
    if not path:
        return body, {}
    first, *_ = parts = path.split(".")
    rest = {name: value for name, value in body.items() if name != first}
    for part in parts:
        body = body[int(part)] if part.isdigit() else body[part]
    return body, rest
