"""The whole state of moto: looked up, and emptied."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from lambdalab.imports import after_load

__all__ = ["install", "reset"]


def install() -> None:
    """Let backends that are there be found at once.

    moto asks for its one lock, and looks through all its services, at every look-up: a tenth of
    what an object takes on its way to a function.
    """
    after_load("moto.core.base_backend", _mend)


def _mend(module: ModuleType) -> None:
    kind = module.BackendDict
    look_up = kind.__getitem__

    def found(self: dict[str, Any], account: str) -> Any:
        known = self.get(account)
        return look_up(self, account) if known is None else known

    kind.__getitem__ = found


def reset(seed: int) -> None:
    """Empty every backend that has been used, and start moto's random identifiers anew.

    moto's own reset builds each used backend again, which takes seconds where one reads data files.
    Here a backend is dropped, and made again when it is asked for; only those that hold files or
    threads are told to let go of them.
    """
    if "moto.core.base_backend" not in sys.modules:
        return
    from moto.core.base_backend import BackendDict, BaseBackend, backend_lock
    from moto.core.model_instances import reset_model_data
    from moto.moto_api._internal import mock_random

    with backend_lock:
        for used in BackendDict._instances:
            for _, _, backend in used.iter_backends():
                if type(backend).reset is not BaseBackend.reset:
                    backend.reset()
            used.clear()
        BackendDict._instances.clear()
    reset_model_data()
    mock_random.seed(seed)
