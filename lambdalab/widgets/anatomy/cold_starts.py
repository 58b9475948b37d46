"""What a cold start consists of, as a picture: by published ranges, and as it was measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from lambdalab import facts
from lambdalab.widgets.anatomy.start_measured import Measured
from lambdalab.widgets.anatomy.start_parts import (
    LANGUAGES,
    NOW,
    PARTS,
    UNTOLD,
    Range,
    StartSettings,
    label,
)
from lambdalab.widgets.chart import Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lambdalab.widgets.anatomy.start_measured import Trial

__all__ = ["ColdStart", "cold_start"]

# Below this a remedy counts as no gain, in ms: it is less than measurements scatter.
_NO_GAIN = 5.0
_SHORTEST, _LONG = (facts.quota(f"init.cold-start-{end}") for end in ("shortest", "long"))


class ColdStart(Chart):
    """The parts of a cold start, and what each remedy makes of them.

    ``settings`` is the function. ``published`` maps ``now`` and each remedy's name to its parts,
    as ranges in ms; ``measured`` holds the trials of the same function here, or None.
    """

    caption = "What the caller of a first invocation waits for"

    def __init__(self, settings: StartSettings, measured: Measured | None = None) -> None:
        if not isinstance(measured, Measured | None):
            raise ValueError(f"measured is {measured!r}: it must be what measure_cold_start gave")
        if measured is not None and measured.settings != settings:
            told = ", ".join(_differences(settings, measured.settings))
            raise ValueError(f"measured is of a function with another {told}")
        self.settings = settings
        self.measured = measured
        self.published = {
            name: variant.published() for name, variant in settings.variants().items()
        }

    def waited(self, variant: str = NOW) -> Range:
        """What the caller waits for by the published ranges, in ms."""
        parts = self.published[variant].values()
        return Range(sum(part.low for part in parts), sum(part.high for part in parts))

    def gained(self, variant: str) -> float:
        """By how many ms a remedy shortens the middle of what the caller waits for."""
        return self.waited().middle - self.waited(variant).middle

    @property
    def best(self) -> str:
        """The remedy that shortens it most, or ``now`` where none does."""
        gains = {name: self.gained(name) for name in self.published}
        name = max(gains, key=lambda each: gains[each])
        return name if gains[name] > _NO_GAIN else NOW

    @property
    def largest(self) -> str:
        """The part that takes most of it."""
        parts = self.published[NOW]
        return max(parts, key=lambda part: parts[part].middle)

    @property
    def billed(self) -> Range:
        """What of it is billed, in ms: INIT and the handler, not what comes before."""
        parts = [
            Range(0, part.high) if name == "restore" else part
            for name, part in self.published[NOW].items()
            if name not in UNTOLD
        ]
        return Range(sum(part.low for part in parts), sum(part.high for part in parts))

    @property
    def verdict(self) -> str:
        """Who waits for what, what helps most, and what was seen here."""
        parts = [self._wait_told, self._best_told]
        parts += [self._measured_told] if self.measured is not None else []
        return " ".join(parts)

    def table(self) -> dict[str, list[Any]]:
        """One row for each variant and origin: ms by part, in all, and what it gains."""
        rows = [self._published_row(name) for name in self.published]
        if self.measured is not None:
            rows += [self._measured_row(self.measured, name) for name in self.measured.trials]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def figure(self) -> Figure:
        """Stacked bars, one for each variant; what was measured has a scale of its own."""
        from lambdalab.widgets.anatomy.start_picture import picture

        return picture(self)

    # Words.

    @property
    def _wait_told(self) -> str:
        parts, waited = self.published[NOW], self.waited()
        name = LANGUAGES[self.settings.language].label
        if self.settings.provisioned:
            below = facts.quota("provisioned.response-below")
            return (
                f"With provisioned concurrency the caller waits for the handler only, {waited} ms:"
                f" INIT was over before (AWS: an answer in under {below})."
            )
        share = parts[self.largest].middle / waited.middle
        return (
            f"By published ranges the caller of this {name} function waits {waited} ms;"
            f" the largest part, {share:.0%}, is the {PARTS[self.largest]}."
            f" {self.billed} ms of it are billed."
            f" (AWS says: from under {_SHORTEST} to over {_LONG}.)"
        )

    @property
    def _best_told(self) -> str:
        if self.best == NOW:
            return "None of the remedies makes it shorter."
        others = [name for name in self.published if name not in (NOW, self.best)]
        idle = [label(name) for name in others if abs(self.gained(name)) <= _NO_GAIN]
        best = _first_upper(label(self.best))
        told = f"{best} helps most, by about {self.gained(self.best):,.0f} ms"
        return told + (f"; {_listed(idle)} would change next to nothing." if idle else ".")

    @property
    def _measured_told(self) -> str:
        assert self.measured is not None
        now = self.measured.middle(NOW)
        times = len(self.measured.trials[NOW])
        init = f", {now.init:,.0f} ms of it INIT" if now.init is not None else ""
        told = f"Measured here in Python, the middle of {times}: {now.total:,.0f} ms{init}"
        gains = {name: now.total - self.measured.middle(name).total for name in self.published}
        best = max(gains, key=lambda name: gains[name])
        if gains[best] > _NO_GAIN:
            told += f"; {label(best)} helped most, by {gains[best]:,.0f} ms"
        deployed = self.measured.deployed[NOW]
        return f"{told}. The lab unpacks the code once, at deployment, in {deployed:,.0f} ms."

    # The table.

    def _published_row(self, variant: str) -> dict[str, Any]:
        parts = self.published[variant]
        cells = {_first_upper(PARTS[part]): _cell(parts.get(part)) for part in PARTS}
        gained = "" if variant == NOW else f"{self.gained(variant):,.0f}"
        return {
            "Function": _first_upper(label(variant)), "Times (ms)": "published", **cells,
            "In all": str(self.waited(variant)), "Gained": gained,
        }  # fmt: skip

    def _measured_row(self, measured: Measured, variant: str) -> dict[str, Any]:
        middle = measured.middle(variant)
        cells = {_first_upper(PARTS[part]): _measured_cell(middle, part) for part in PARTS}
        gained = f"{measured.middle(NOW).total - middle.total:,.0f}"
        return {
            "Function": _first_upper(label(variant)), "Times (ms)": "measured here", **cells,
            "In all": f"{middle.total:,.0f} (fastest {measured.fastest(variant).total:,.0f})",
            "Gained": "" if variant == NOW else gained,
        }  # fmt: skip


def cold_start(*, measured: Measured | None = None, **settings: Any) -> ColdStart:
    """Show what a cold start consists of, and what each remedy makes of it.

    ``settings`` are the fields of ``StartSettings``: language, package_mb, layers, init_ms, memory,
    snap_start, provisioned, handler_ms. ``measured`` is what ``measure_cold_start`` gave for them.
    Raises ValueError for what cannot be, in AWS's words where AWS refuses it, and when
    ``measured`` is of another function. Sources: ``facts.quotas()``, start-latency.
    """
    unknown = ", ".join(sorted(set(settings) - {field.name for field in fields(StartSettings)}))
    if unknown:
        known = ", ".join(field.name for field in fields(StartSettings))
        raise ValueError(f"no setting {unknown}: there are {known}")
    return ColdStart(StartSettings(**settings), measured)


def _first_upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _cell(part: Range | None) -> str:
    return "-" if part is None else str(part)


def _measured_cell(middle: Trial, part: str) -> str:
    if part == "download":
        return "at deployment" if middle.init is not None else "-"
    return f"{middle.parts[part]:,.1f}" if part in middle.parts else "-"


def _differences(one: StartSettings, other: StartSettings) -> list[str]:
    names = [field.name for field in fields(StartSettings)]
    return [name for name in names if getattr(one, name) != getattr(other, name)]
