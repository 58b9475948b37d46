"""Functions that invoke themselves in a circle, found by the Lineage in the trace header.

Each function that an event has passed through leaves an entry there: how often it has run in the
chain. AWS tells neither the form of an entry nor the exact number of rounds that it allows.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from zlib import crc32

from lambdalab import facts
from lambdalab.functions.records import Function

__all__ = ["followed", "looping"]

ROUNDS = facts.quota("recursion.rounds").value
_LINEAGE = re.compile(r"Lineage=([^;]*)")
_ENTRY = re.compile(r"1:([0-9a-f]{8}):(\d{1,9})")
# The oldest are forgotten: a header must not grow without end.
_MOST_ENTRIES = 32


def followed(trace: str, function: Function, *, fresh: bool) -> tuple[str, int]:
    """The trace header with this run of the function in its Lineage, and its earlier runs.

    ``fresh`` says that the caller gave no Lineage: what stands in the header is nobody's yet.
    """
    mark = _mark(function.arn)
    if fresh:  # the usual case, and on the way of every invocation: the Lineage stands at the end
        return f"{trace.partition(';Lineage=')[0]};Lineage=1:{mark}:0", 0
    found = _LINEAGE.search(trace)
    entries = {} if found is None else dict(_ENTRY.findall(found[1]))
    earlier = int(entries.pop(mark, -1)) + 1
    kept = [f"1:{one}:{count}" for one, count in entries.items()][1 - _MOST_ENTRIES :]
    lineage = "|".join([*kept, f"1:{mark}:{earlier}"])
    return _LINEAGE.sub(f"Lineage={lineage}", trace), earlier


@lru_cache(maxsize=256)
def _mark(arn: str) -> str:
    return f"{crc32(arn.encode()):08x}"


def looping(function: Function, earlier: int) -> bool:
    """Whether a run that has had so many before it in its chain is stopped."""
    return function.recursive_loop == "Terminate" and earlier >= ROUNDS
