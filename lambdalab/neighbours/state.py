"""The whole state of moto, emptied."""

from __future__ import annotations

import sys

__all__ = ["reset"]


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
