"""What a function's answer says about a batch of stream records.

With ReportBatchItemFailures the lowest sequence number that the answer names is where the batch is
taken up again. An answer that breaks the rules fails the batch as a whole.
Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from lambdalab.execution.spec import Outcome

__all__ = ["Verdict", "judge"]

_NO_ANSWER = object()


class Verdict(NamedTuple):
    """How many records of the batch are done, whether all are, and the state of the window."""

    done: int
    succeeded: bool
    state: Any = None


def judge(outcome: Outcome, sequences: list[str], *, reports: bool, windowed: bool) -> Verdict:
    """Judge an answer; ``reports`` stands for ReportBatchItemFailures, ``windowed`` for a window.

    In a window every answer must hold a state, or the batch has failed.
    """
    if outcome.failed:
        return Verdict(0, False)
    answer = _read(outcome.payload)
    if windowed and not (isinstance(answer, dict) and "state" in answer):
        return Verdict(0, False)
    state = answer.get("state") or {} if windowed else None
    done = _done(answer, sequences) if reports else len(sequences)
    return Verdict(done, done == len(sequences), state)


def _read(payload: bytes) -> Any:
    if not payload.strip():
        return None
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return _NO_ANSWER


def _done(answer: Any, sequences: list[str]) -> int:
    """How many records come before the first one that failed."""
    if not answer:
        return len(sequences)
    named = answer.get("batchItemFailures") if isinstance(answer, dict) else _NO_ANSWER
    if not named:
        return len(sequences)
    if not isinstance(named, list):
        return 0
    # An identifier that is none fails the batch from its beginning.
    places = {sequence: place for place, sequence in enumerate(sequences)}
    return min(
        places.get(str(one.get("itemIdentifier")), 0) if isinstance(one, dict) else 0
        for one in named
    )
