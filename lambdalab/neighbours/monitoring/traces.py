"""Segments of traces into moto's X-Ray."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["put_segments"]


def put_segments(account: str, region: str, segments: list[dict[str, Any]]) -> None:
    """Store segment documents as PutTraceSegments takes them."""
    from moto.xray.models import xray_backends

    backend = xray_backends[account][region]
    for segment in segments:
        backend.process_segment(json.dumps(segment))
