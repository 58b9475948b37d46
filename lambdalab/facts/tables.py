"""The data files of the package, read once and only when asked for."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from typing import Any, TypeVar

T = TypeVar("T")


class UnknownFactError(KeyError):
    """No fact has that name; the message names the nearest ones."""

    def __str__(self) -> str:
        """Return the message without the quotes that KeyError puts around it."""
        return str(self.args[0])


def table(file: str, kind: Callable[..., T]) -> dict[str, T]:
    """Return the rows of one file as objects of one kind, by name, in the order of the file."""
    return {name: kind(name=name, **row) for name, row in _load(file).items()}


def find(file: str, kind: Callable[..., T], name: str) -> T:
    """Return one row by name; UnknownFactError if there is none."""
    rows = _load(file)
    if name not in rows:
        raise UnknownFactError(_unknown(file.removesuffix("s.toml"), name, list(rows)))
    return kind(name=name, **rows[name])


@cache
def _load(file: str) -> dict[str, dict[str, Any]]:
    text = resources.files("lambdalab.facts").joinpath(file).read_text(encoding="utf-8")
    return dict(_rows(tomllib.loads(text), (), {}))


def _rows(
    node: dict[str, Any], path: tuple[str, ...], above: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows are the tables without tables in them; they inherit the plain keys above them."""
    below = {key: value for key, value in node.items() if isinstance(value, dict)}
    row = above | {key: value for key, value in node.items() if key not in below}
    if not below:
        yield ".".join(path), row
    for key, value in below.items():
        yield from _rows(value, (*path, key), row)


def _unknown(what: str, name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, cutoff=0.4)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    return f"there is no {what} named {name!r}{hint}"
