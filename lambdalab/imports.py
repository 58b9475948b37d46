"""Modules that are changed once they have been loaded, whoever loads them and whenever."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

__all__ = ["AfterLoad", "after_load"]


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
        spec = self._behind(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._mend)
        return spec

    def _behind(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> importlib.machinery.ModuleSpec | None:
        """What the finders after this one find: they may have something to change as well."""
        finders: list[Any] = list(sys.meta_path)
        for finder in finders[finders.index(self) + 1 if self in finders else 0 :]:
            find = getattr(finder, "find_spec", None)
            spec = None if find is None else find(fullname, path, target)
            if spec is not None:
                found: importlib.machinery.ModuleSpec = spec
                return found
        return None


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


_mends: dict[str, list[Callable[[ModuleType], None]]] = {}


def after_load(name: str, mend: Callable[[ModuleType], None]) -> None:
    """Hand a module to ``mend`` once it is loaded, or now if it is; once for each ``mend``."""
    mends = _mends.setdefault(name, [])
    if mend in mends:
        return
    mends.append(mend)
    if name in sys.modules:
        mend(sys.modules[name])
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def _mend_all(module: ModuleType) -> None:
    for mend in _mends[module.__name__]:
        mend(module)


_finder = AfterLoad(_mends.__contains__, _mend_all)
