"""What was measured of cold starts: the trials, and how their figures are read."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from lambdalab.widgets.anatomy.start_parts import PARTS, StartSettings

__all__ = ["Answer", "Measured", "Trial", "report_of", "trial_of"]


class Trial(NamedTuple):
    """One first invocation, or the middle of several; times in ms.

    ``parts`` is what it waited for, as in ``PARTS``; ``init``, ``restore``, ``duration`` and
    ``billed`` are what REPORT says (None where it says nothing of it); ``ahead`` is an INIT that
    was over before it came. ``rebuilt`` is what the lab took to make a snapshot anew, which is no
    part of it. ``cpu`` is what INIT worked on a CPU, whoever else had it meanwhile. ``memory`` is
    the memory size in MB.
    """

    parts: Mapping[str, float]
    init: float | None
    restore: float | None
    duration: float
    billed: float
    ahead: float | None
    rebuilt: float
    cpu: float
    memory: float

    @property
    def total(self) -> float:
        """What the caller waited."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Measured:
    """The trials of one function, as it is and with each remedy.

    ``deployed`` is how many ms the lab took, once, to take package and layers in and unpack them,
    which AWS does for new environments.
    """

    settings: StartSettings
    trials: Mapping[str, Sequence[Trial]]
    deployed: Mapping[str, float]

    def middle(self, variant: str) -> Trial:
        """The median of each figure: it bears a machine that is busy now and then."""
        trials = self.trials[variant]
        parts = [part for part in PARTS if part in trials[0].parts]
        figures = {name: _median([getattr(trial, name) for trial in trials]) for name in _FIGURES}
        middle = {part: median(trial.parts[part] for trial in trials) for part in parts}
        return Trial(parts=middle, **figures)

    def fastest(self, variant: str) -> Trial:
        """The trial that took least."""
        return min(self.trials[variant], key=lambda trial: trial.total)


_FIGURES = [name for name in Trial._fields if name != "parts"]


def _median(values: Sequence[float | None]) -> Any:
    known = [value for value in values if value is not None]
    return median(known) if known else None


class Answer(NamedTuple):
    """What an invocation gave: ms that the caller waited, the result, the figures of REPORT."""

    waited: float
    told: dict[str, float]
    report: dict[str, float]


def report_of(tail: str) -> dict[str, float]:
    """Return the times (ms) and sizes (MB) of the REPORT line in the tail of a log."""
    lines = base64.b64decode(tail).decode().splitlines()
    line = next(line for line in lines if line.startswith("REPORT"))
    parts = [part.split(": ", 1) for part in line.strip().split("\t")]
    measured = [part for part in parts if part[1].endswith((" ms", " MB"))]
    return {name: float(value.split()[0]) for name, value in measured}


def trial_of(settings: StartSettings, cold: Answer, warm: Answer, ahead: float | None) -> Trial:
    """Return what a cold invocation took; the warm one after it tells how long the way is."""
    duration = cold.report["Duration"]
    init, restore = cold.report.get("Init Duration"), cold.report.get("Restore Duration")
    # What a warm invocation waits for beside its handler is the way to the lab and back.
    way = warm.waited - warm.report["Duration"]
    before = max(cold.waited - way - duration - (init or 0.0) - (restore or 0.0), 0.0)
    parts = {"handler": duration}
    if init is not None:
        function = min(cold.told["function"], init)
        runtime = min(cold.told["runtime"], init - function)
        rest = before + init - function - runtime
        parts = {"start": rest, "runtime": runtime, "function": function, "handler": duration}
    elif restore is not None:
        parts = {"restore": restore, "handler": duration}
    return Trial(
        parts=parts,
        init=init,
        restore=restore,
        duration=duration,
        billed=cold.report["Billed Duration"],
        ahead=ahead,
        rebuilt=before if settings.snap_start else 0.0,
        cpu=cold.told["cpu"],
        memory=cold.report["Memory Size"],
    )
