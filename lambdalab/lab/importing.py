"""What a name of a notebook was imported from, as the line that imports it again."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from lambdalab.lab.errors import PackageError

__all__ = ["import_lines", "imported_from"]


def import_lines(name: str, module: ModuleType, tree: ast.AST, beside: frozenset[str]) -> set[str]:
    """Return the imports that let ``tree`` use ``module`` as ``name``, its submodules with it."""
    own = module.__name__
    _check_travels(own, beside)
    first = f"import {own}" if own == name else f"import {own} as {name}"
    return {first, *(f"import {sub}" for sub in _submodules(name, module, tree))}


def imported_from(name: str, value: Any, home: str, beside: frozenset[str]) -> str | None:
    """``from module import value as name``, or None if ``value`` is not a module's own.

    ``home`` is the module (or notebook) that is being packed: what is its own is not imported.
    """
    source = _origin(value)
    module = sys.modules.get(source)
    if source == home or module is None:
        return None
    own = next((n for n in _own_names(value, name) if getattr(module, n, None) is value), None)
    if own is None:
        return None
    _check_travels(source, beside)
    return f"from {source} import {own}" + ("" if own == name else f" as {name}")


def _own_names(value: Any, name: str) -> list[str]:
    """Return what ``value`` may be called in its module; an object such as UTC knows no name."""
    own = getattr(value, "__name__", None)
    return [own] if isinstance(own, str) else [name]


def _origin(value: Any) -> str:
    """Return the name of the module that made ``value``; that of a method is its object's."""
    owner = type(getattr(value, "__self__", value))
    return str(getattr(value, "__module__", None) or owner.__module__)


def _submodules(name: str, module: ModuleType, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        root, *path = ast.unparse(node).split(".")
        if root == name and all(part.isidentifier() for part in path):
            yield from _loaded_below(module, path)


def _loaded_below(module: ModuleType, path: list[str]) -> Iterator[str]:
    dotted = module.__name__
    for part in path:
        dotted = f"{dotted}.{part}"
        # os.path is no submodule, only a name: it comes with os.
        if getattr(sys.modules.get(dotted), "__name__", None) != dotted:
            return
        yield dotted


def _check_travels(name: str, beside: frozenset[str]) -> None:
    """PackageError if the module is a file of the learner's that is not in the package."""
    top = name.split(".")[0]
    if top in beside or top in sys.stdlib_module_names or _is_installed(sys.modules[top]):
        return
    raise PackageError(
        f"the module {top!r} is code of yours: pack it too, as in lab.zip(handler, '{top}.py')"
    )


def _is_installed(module: ModuleType) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any({"site-packages", "dist-packages"} & set(Path(p).parts) for p in places if p)
