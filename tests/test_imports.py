"""Modules that are changed once they have been loaded."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lambdalab.imports import AfterLoad, after_load


@pytest.fixture
def module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The name of a module that is not loaded, another one for each test."""
    name = f"loaded_in_{request.node.name}"
    (tmp_path / f"{name}.py").write_text("value = [1]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield name
    sys.modules.pop(name, None)


def appending(number: int, module: ModuleType) -> None:
    module.value.append(number)


def test_several_have_something_to_change(module: str) -> None:
    for number in (2, 3):
        finder = AfterLoad(module.__eq__, lambda loaded, number=number: appending(number, loaded))
        sys.meta_path.insert(0, finder)
    mends = [lambda loaded: appending(4, loaded), lambda loaded: appending(5, loaded)]
    for mend in (*mends, *mends):
        after_load(module, mend)
    value = importlib.import_module(module).value
    # Each once; the ones that were there first come first.
    assert sorted(value) == [1, 2, 3, 4, 5]
    assert value.index(2) < value.index(3)
    assert value.index(4) < value.index(5)


def test_a_module_that_is_loaded_already_is_changed_at_once(module: str) -> None:
    loaded = importlib.import_module(module)
    after_load(module, lambda found: appending(6, found))
    assert 6 in loaded.value
