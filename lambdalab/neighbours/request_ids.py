"""Ids of requests that moto answers, in AWS's form.

moto gives each answer an id of 52 letters and digits. AWS's are UUIDs, but for S3, which has ids of
its own under other names (``x-amz-request-id``).
"""

from __future__ import annotations

import hashlib
from types import ModuleType
from typing import Any
from uuid import UUID

from lambdalab.imports import after_load

__all__ = ["NAME", "install"]

NAME = "x-amzn-requestid"


def install() -> None:
    """Complete moto's module as soon as it is loaded."""
    after_load("moto.core.responses", _mend)


def _mend(module: ModuleType) -> None:
    draw = module.gen_amzn_requestid_long

    def request_id(headers: dict[str, Any] | None = None) -> str:
        # Made of moto's own, so that whatever moto draws next stays what it was.
        digest = hashlib.sha256(draw().encode()).digest()
        made = str(UUID(bytes=digest[:16], version=4))
        if headers is not None:
            headers[NAME] = made
        return made

    vars(module)["gen_amzn_requestid_long"] = request_id
