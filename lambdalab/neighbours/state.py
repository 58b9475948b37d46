"""The whole state of moto, emptied."""

from __future__ import annotations

import sys

__all__ = ["reset"]


def reset(seed: int) -> None:
    """Empty every backend that has been used, and start moto's random identifiers anew."""
    if "moto.core.base_backend" not in sys.modules:
        return
    from moto.core.base_backend import BackendDict
    from moto.core.model_instances import reset_model_data
    from moto.moto_api._internal import mock_random

    BackendDict.reset()
    reset_model_data()
    mock_random.seed(seed)
