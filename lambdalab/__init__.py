"""Lambda Lab: a local AWS Lambda to learn with. ``from lambdalab import start``.

Importing the package loads nothing: what it offers is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambdalab.lab import Lab, start

    __version__: str

__all__ = ["Lab", "__version__", "start"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in __all__:
        from lambdalab import lab

        return getattr(lab, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lambdalab")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
