"""A function of a notebook, as the text of a module that stands on its own.

What the function uses comes along: modules as imports, other functions by their source, constants
as literals. Anything else has a life that does not travel; the error names it.
"""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, TypeAlias

from lambdalab.lab.errors import PackageError
from lambdalab.lab.importing import import_lines, imported_from
from lambdalab.lab.literals import literal

__all__ = ["function_source"]

_ANNOTATIONS = annotations.compiler_flag  # of the import above
_LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}
# Every module has these of its own.
_OF_MODULES = {"__name__", "__file__", "__doc__", "__spec__", "__package__", "__loader__"}
_OF_NOTEBOOKS = {"display", "get_ipython"}
_BUILTIN = set(dir(builtins)) - _OF_NOTEBOOKS
_CELL = "pack a whole cell with %%handler"

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def function_source(function: Callable[..., Any], beside: frozenset[str] = frozenset()) -> str:
    """Return the text of a module with ``function`` and all that it uses.

    ``beside`` names the modules that lie in the same package. Raises PackageError if the function,
    or something it uses, cannot be written down.
    """
    if not isinstance(function, FunctionType):
        raise PackageError(f"cannot pack {function!r}: only what was written with def has a source")
    try:
        module = _Module(function.__module__, beside)
        module.add(function)
        text = module.text()
        compile(text, "lambda_function.py", "exec")
    except SyntaxError as error:  # such as nonlocal, whose variable stays behind
        raise PackageError(
            f"{function.__name__} cannot stand on its own ({error.msg}): {_CELL}"
        ) from None
    return text


class _Module:
    """The module that is being written: imports, constants, then functions, needed ones first."""

    def __init__(self, home: str, beside: frozenset[str]) -> None:
        self._home = home
        self._beside = beside
        self._meanings: dict[str, Any] = {}
        self._future: set[str] = set()
        self._imports: set[str] = set()
        self._constants: list[str] = []
        self._functions: list[str] = []
        self._aliases: list[str] = []

    def add(self, function: FunctionType) -> None:
        """Write ``function`` down, after all that it uses."""
        source, tree = _read(function)
        if self._known(tree.name, function):
            return
        if function.__code__.co_flags & _ANNOTATIONS:
            self._future.add("from __future__ import annotations")
        for name, value in sorted(_used(function, tree).items()):
            if isinstance(value, ModuleType):
                self._known(name, value)
                self._imports |= import_lines(name, value, tree, self._beside)
            else:
                self._add_value(name, value, function.__name__)
        self._functions.append(source)

    def text(self) -> str:
        """Return the text of the module."""
        head = [*sorted(self._future), *sorted(self._imports), *sorted(self._constants)]
        parts = ["\n".join(head), *self._functions, "\n".join(self._aliases)]
        return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"

    def _known(self, name: str, value: Any) -> bool:
        known = name in self._meanings
        if self._meanings.setdefault(name, value) is not value:
            raise PackageError(f"{name!r} means two things in what is packed: rename one")
        return known

    def _add_value(self, name: str, value: Any, user: str) -> None:
        line = imported_from(name, value, self._home, self._beside)
        if line is None and isinstance(value, FunctionType):
            self._add_helper(name, value)
        elif self._known(name, value):
            return
        elif line is not None:
            self._imports.add(line)
        else:
            self._constants.append(f"{name} = {_constant(name, value, user)}")

    def _add_helper(self, name: str, function: FunctionType) -> None:
        self.add(function)
        own = function.__code__.co_name
        if name != own and not self._known(name, function):
            self._aliases.append(f"{name} = {own}")


def _constant(name: str, value: Any, user: str) -> str:
    try:
        return literal(value)
    except TypeError:
        kind = type(value).__name__
        raise PackageError(
            f"{user} uses {name!r} ({kind}), which cannot be packed: create it inside {user}, or"
            f" {_CELL}"
        ) from None


def _read(function: FunctionType) -> tuple[str, Definition]:
    """Return the source of ``function``, dedented, and its tree."""
    name = function.__code__.co_name
    if name == "<lambda>":
        raise PackageError("a lambda expression cannot be packed: write the function with def")
    try:
        source = _dedented(inspect.getsource(function))
        tree = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        tree = None
    if not isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        raise PackageError(f"the source of {name} cannot be found: {_CELL}, or a file")
    if tree.decorator_list:
        decorator = ast.unparse(tree.decorator_list[0])
        raise PackageError(
            f"{tree.name} is decorated with @{decorator}, which cannot be packed: take it away, or"
            f" {_CELL}"
        )
    return source, tree


def _dedented(source: str) -> str:
    """Return ``source`` without the indentation of its first line; text in strings is kept."""
    indent = source[: len(source) - len(source.lstrip(" \t"))]
    if not indent:
        return source
    kept: set[int] = set()
    for node in ast.walk(ast.parse(f"if True:\n{source}")):
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno:
            # The line added above shifts all numbers by one, and enumerate() starts at 0.
            kept.update(range(node.lineno - 1, node.end_lineno - 1))
    lines = source.splitlines(keepends=True)
    return "".join(
        line if number in kept else line.removeprefix(indent) for number, line in enumerate(lines)
    )


def _used(function: FunctionType, tree: Definition) -> dict[str, Any]:
    """Return what ``tree``, run as a module, would look up outside of itself."""
    module = ast.Module([tree], [])
    flags = function.__code__.co_flags & _ANNOTATIONS
    code = compile(module, "lambda_function.py", "exec", flags, dont_inherit=True)
    scope = ChainMap(_variables_around(function), function.__globals__)
    made_by_itself = set(_names(code, {"STORE_GLOBAL"})) - scope.keys()
    names = set(_names(code, _LOADS)) - _OF_MODULES - made_by_itself
    return {name: scope[name] for name in names if not _is_builtin(name, scope, function)}


def _variables_around(function: FunctionType) -> dict[str, Any]:
    """Return the variables of the functions around ``function`` that it uses."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if cell != CellType()}


def _is_builtin(name: str, scope: Mapping[str, Any], function: FunctionType) -> bool:
    """Whether Python itself brings ``name``; PackageError if nothing in a function would."""
    # IPython puts its own open, exit and quit in their place.
    of_notebooks = name in scope and _is_of_ipython(scope[name])
    if name in scope and not of_notebooks:
        return False
    if name in _BUILTIN:
        return True
    only = of_notebooks or name in _OF_NOTEBOOKS
    why = "exists only in notebooks" if only else "is not defined"
    raise PackageError(f"{function.__name__} uses {name!r}, which {why}")


def _is_of_ipython(value: Any) -> bool:
    if isinstance(value, FunctionType):
        return "IPython" in Path(value.__code__.co_filename).parts
    return str(getattr(value, "__module__", "")).startswith("IPython")


def _names(code: CodeType, operations: set[str]) -> Iterator[str]:
    """Yield the names ``code`` uses so as globals; those a class body sets are its own."""
    instructions = list(dis.get_instructions(code))
    own = {each.argval for each in instructions if each.opname == "STORE_NAME"}
    for each in instructions:
        if each.opname in operations and each.argval not in own:
            yield each.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant, operations)
