"""Modules that are changed once they have been loaded, whoever loads them and whenever."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

__all__ = ["AfterLoad"]


class AfterLoad(importlib.abc.MetaPathFinder):
    """Finds modules as Python does; those that are ``wanted`` by name are handed to ``mend``.

    To be put in front of ``sys.meta_path``.
    """

    def __init__(self, wanted: Callable[[str], bool], mend: Callable[[ModuleType], None]) -> None:
        self._wanted = wanted
        self._mend = mend

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """As of every finder; None for modules that are not wanted."""
        if not self._wanted(fullname):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._mend)
        return spec


class _Loader(importlib.abc.Loader):
    """A module's own loader, and what is to be done after it."""

    def __init__(self, loader: Any, mend: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._mend = mend

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._mend(module)
