"""The cell magic ``%%handler NAME``: the cell becomes the file NAME.py of a package."""

from __future__ import annotations

import dis
import keyword
import sys
from collections.abc import Callable
from typing import Any

from lambdalab.lab.errors import PackageError

__all__ = ["register_magics"]

# Data of an earlier run may go; a client, a lab or a function is wanted further on.
_REPLACEABLE = (type(None), bytes, str, int, float, dict, list, tuple, set)

# Files of these names would stand in for what the function's runtime is made of.
_TAKEN = sys.stdlib_module_names | {"awslambdaric", "boto3", "botocore"}


def register_magics() -> None:
    """Give the IPython shell of this process, if there is one, the cell magic."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None:
        shell.register_magic_function(_handler_magic(shell), "cell", "handler")


def _handler_magic(shell: Any) -> Callable[[str, str], None]:
    def handler(line: str, cell: str) -> None:
        """Pack this cell as NAME.py and leave the bytes of the zip in the variable NAME.

        Usage: ``%%handler NAME``. The function's Handler is then "NAME.handler".
        """
        name = _checked(line.strip(), shell.user_ns)
        print(_packed(name, cell, shell.user_ns))  # noqa: T201 - the magic's answer

    return handler


def _packed(name: str, cell: str, variables: dict[str, Any]) -> str:
    from lambdalab.lab.packages import make_zip

    missing = "" if "handler" in _defined(cell, f"{name}.py") else "; it defines no handler yet"
    package = make_zip(({f"{name}.py": cell},))
    variables[name] = package
    return f'{name} is a zip of {len(package)} bytes: {name}.py, Handler="{name}.handler"{missing}'


def _checked(name: str, variables: dict[str, Any]) -> str:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise PackageError(
            f"%%handler wants the name of a module, as in '%%handler hello', not {name!r}"
        )
    if name in _TAKEN:
        raise PackageError(f"{name!r} is a module that the runtime needs itself: take another name")
    if not isinstance(variables.get(name), _REPLACEABLE):
        raise PackageError(
            f"the variable {name!r} holds a {type(variables[name]).__name__}, which would be lost:"
            " take another name"
        )
    return name


def _defined(cell: str, file: str) -> set[str]:
    """Return the names that the cell sets when it is imported; SyntaxError if it cannot be."""
    code = compile(cell, file, "exec", dont_inherit=True)
    return {each.argval for each in dis.get_instructions(code) if each.opname == "STORE_NAME"}
