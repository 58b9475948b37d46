"""Chance, the same on every run: what the lab draws at random comes from its seed.

Each use draws from a stream of its own, so that asking once more for one thing changes no other:
the identifier of an invocation does not depend on how often a waiter has polled before it.
"""

from __future__ import annotations

from random import Random

__all__ = ["Draws", "identifier"]

# The bits of a UUID that tell its version and variant, and what they say in version 4.
_FIXED = 0xF000 << 64 | 0xC000 << 48
_VERSION_4 = 0x4000 << 64 | 0x8000 << 48


class Draws:
    """Streams of random numbers by name."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._streams: dict[str, Random] = {}

    def stream(self, name: str) -> Random:
        """The stream of that name, always the same object."""
        return self._streams.setdefault(name, Random(f"{self._seed}/{name}"))  # noqa: S311

    def restart(self) -> None:
        """Every stream begins anew."""
        for name, stream in self._streams.items():
            stream.seed(f"{self._seed}/{name}")


def identifier(random: Random) -> str:
    """An identifier in the form of a UUID of version 4.

    Written here and not by ``uuid``, which takes twice the time: each invocation draws several.
    """
    text = f"{random.getrandbits(128) & ~_FIXED | _VERSION_4:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
