"""The trace of an invocation: the caller's, or a new one.

Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html
"""

from __future__ import annotations

import re
from random import Random

from lambdalab import facts

__all__ = ["Sampler", "parts_of", "trace_header"]

_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_PARENT = re.compile(r"[0-9a-f]{16}")


def trace_header(given: str | None, now: float, random: Random) -> str:
    """The value of X-Amzn-Trace-Id that a function sees.

    Root, parent and sampling are the caller's where they are well formed; a Lineage, by which
    Lambda finds functions that call each other in a circle, is added where there is none. ``now``
    is platform time in seconds.
    """
    parts = parts_of(given or "")
    root, parent = parts.get("Root", ""), parts.get("Parent", "")
    draw = random.getrandbits
    if not _ROOT.fullmatch(root):
        root, parent, parts = f"1-{int(now):08x}-{draw(96):024x}", "", {}
    if not _PARENT.fullmatch(parent):
        parent = f"{draw(64):016x}"
    sampled = "1" if parts.get("Sampled") == "1" else "0"
    lineage = parts.get("Lineage") or f"1:{draw(32):08x}:0"
    return f"Root={root};Parent={parent};Sampled={sampled};Lineage={lineage}"


def parts_of(header: str) -> dict[str, str]:
    """The members of a tracing header, such as Root and Parent."""
    return dict(part.strip().partition("=")[::2] for part in header.split(";"))


class Sampler:
    """Which requests of traced functions are sampled: the first of a second, and some of the rest.

    Lambda's rule is fixed; a caller that has decided already is followed.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._seconds: dict[str, int] = {}

    def sampled(self, header: str, given: str | None, function: str, now: float) -> tuple[str, str]:
        """The header of a sampled request, with a parent of its own, and the caller's parent.

        ``given`` is what the caller sent. The header stays as it is where nothing is sampled, and
        the parent is then empty; it is also empty where the caller named none.
        """
        asked = parts_of(given or "")
        wanted = asked["Sampled"] == "1" if "Sampled" in asked else self._draw(function, now)
        if not wanted:
            return header, ""
        parts = parts_of(header)
        upstream = asked.get("Parent", "") if asked.get("Root") == parts["Root"] else ""
        parts |= {"Parent": f"{self._random.getrandbits(64):016x}", "Sampled": "1"}
        return ";".join(f"{name}={value}" for name, value in parts.items()), upstream

    def clear(self) -> None:
        """Forget which functions have run in this second."""
        self._seconds.clear()

    def _draw(self, function: str, now: float) -> bool:
        fresh = self._seconds.get(function) != int(now)
        self._seconds[function] = int(now)
        return fresh or self._random.random() < _SHARE


_SHARE = facts.quota("tracing.share").value / 100
