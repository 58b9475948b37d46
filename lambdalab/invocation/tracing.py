"""The trace of an invocation: the caller's, or a new one.

Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html
"""

from __future__ import annotations

import re
from random import Random

__all__ = ["trace_header"]

_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_PARENT = re.compile(r"[0-9a-f]{16}")


def trace_header(given: str | None, now: float, random: Random) -> str:
    """The value of X-Amzn-Trace-Id that a function sees.

    Root, parent and sampling are the caller's where they are well formed; a Lineage, by which
    Lambda finds functions that call each other in a circle, is added where there is none. ``now``
    is platform time in seconds.
    """
    parts = dict(part.strip().partition("=")[::2] for part in (given or "").split(";"))
    root, parent = parts.get("Root", ""), parts.get("Parent", "")
    draw = random.getrandbits
    if not _ROOT.fullmatch(root):
        root, parent, parts = f"1-{int(now):08x}-{draw(96):024x}", "", {}
    if not _PARENT.fullmatch(parent):
        parent = f"{draw(64):016x}"
    sampled = "1" if parts.get("Sampled") == "1" else "0"
    lineage = parts.get("Lineage") or f"1:{draw(32):08x}:0"
    return f"Root={root};Parent={parent};Sampled={sampled};Lineage={lineage}"
