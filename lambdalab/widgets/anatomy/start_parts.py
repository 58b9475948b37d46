"""What a cold start consists of, by published ranges, and what shortens it.

The ranges stand in ``lambdalab.facts`` (start-latency) with their sources. They are orders of
magnitude: AWS itself says only from under 100 ms to over 1 second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from lambdalab import facts

__all__ = ["LANGUAGES", "LAYER_MB", "NOW", "PARTS", "REMEDIES", "Range", "StartSettings", "label"]

# In the order in which they follow each other; what each is called.
PARTS = {
    "download": "download",
    "start": "start of the environment",
    "runtime": "runtime init",
    "function": "function init",
    "restore": "restore",
    "handler": "handler",
}
# Before INIT: the caller waits for it, REPORT does not tell of it, nobody pays for it.
UNTOLD = ("download", "start")
INIT = ("runtime", "function")
NOW = "now"
# The widget's own: how much there is in each layer, in MB, and in a package that is small.
LAYER_MB = 5
SMALL_MB = 1
ONE_VCPU: int = facts.quota("memory.per-vcpu").value


def _ms(quota: str) -> float:
    return float(facts.quota(quota).to("ms").value)


class Range(NamedTuple):
    """From the shortest time to the longest, in ms."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """Half way between the two."""
        return (self.low + self.high) / 2

    def __str__(self) -> str:
        """In words."""
        low, high = (f"{each:,.0f}" for each in self)
        return low if low == high else f"{low} to {high}"


class Language(NamedTuple):
    """What a function is written in: its name, its published range, a runtime of it."""

    label: str
    latency: str
    runtime: str


LANGUAGES = {
    "python": Language("Python", "scripted", "python3.13"),
    "nodejs": Language("Node.js", "scripted", "nodejs24.x"),
    "os-only": Language("Go or Rust", "os-only", "provided.al2023"),
    "dotnet": Language(".NET", "dotnet", "dotnet10"),
    "java": Language("Java", "java", "java25"),
}


@dataclass(frozen=True, kw_only=True)
class StartSettings:
    """A function, as far as its cold start goes.

    Attributes:
        language: what it is written in, a key of ``LANGUAGES``.
        package_mb: its zip, in MB, from 1 to what can be uploaded.
        layers: how many layers of ``LAYER_MB`` each it uses.
        init_ms: what its code outside the handler takes on one vCPU, in ms, up to what INIT may.
        memory: its memory size, in MB.
        snap_start: whether its environments come back from a snapshot.
        provisioned: whether its environments are made ahead.
        handler_ms: what its handler takes on one vCPU, in ms.

    Raises ValueError for what cannot be, in AWS's words where AWS refuses it.

    """

    language: str = "python"
    package_mb: float = 10
    layers: int = 2
    init_ms: float = 400
    memory: int = 512
    snap_start: bool = False
    provisioned: bool = False
    handler_ms: float = 20

    def __post_init__(self) -> None:
        """Check them."""
        if self.language not in LANGUAGES:
            names = ", ".join(LANGUAGES)
            raise ValueError(f"language is {self.language!r}: it must be one of {names}")
        for name, (low, high) in _BOUNDS.items():
            _check(name, getattr(self, name), low, high)
        for name in _WHOLE:
            object.__setattr__(self, name, int(getattr(self, name)))
        for name in _SWITCHES:
            if not isinstance(value := getattr(self, name), bool):
                raise ValueError(f"{name} is {value!r}: it must be True or False")
        if self.snap_start and not self.can_snap_start:
            runtime = LANGUAGES[self.language].runtime
            raise ValueError(facts.message("function.snapstart-runtime").format(runtime=runtime))
        if self.snap_start and self.provisioned:
            raise ValueError(facts.message("concurrency.provisioned-snapstart").text)

    @property
    def can_snap_start(self) -> bool:
        """Whether SnapStart is there for its runtime."""
        return facts.runtime(LANGUAGES[self.language].runtime).snapstart

    @property
    def downloaded_mb(self) -> float:
        """Package and layers together, in MB."""
        return self.package_mb + LAYER_MB * self.layers

    def published(self) -> dict[str, Range]:
        """Return what the caller of a first invocation waits for, by part.

        The handler has its share of a vCPU; INIT is taken to have a whole one, as people who
        measured say (AWS does not).
        """
        # What takes longer than a function may is cut off there.
        handler = min(self.handler_ms / min(1.0, self.memory / ONE_VCPU), _ms("timeout.maximum"))
        after = {"handler": Range(handler, handler)}
        if self.provisioned:
            return after
        if self.snap_start:
            return {"restore": _latency("restore")} | after
        most = self.downloaded_mb * _ms("start-latency.download-per-mb")
        return {
            "download": Range(0.0, most),
            "start": _latency("place"),
            "runtime": _latency(LANGUAGES[self.language].latency),
            "function": Range(self.init_ms, self.init_ms),
        } | after

    def variants(self) -> dict[str, StartSettings]:
        """Return it as it is (``NOW``), and with each remedy that would change something."""
        changed = {NOW: self}
        for name, remedy in REMEDIES.items():
            if name == "snap_start" and not self.can_snap_start:
                continue
            other = replace(self, **remedy.change(self))
            if other != self:
                changed[name] = other
        return changed


class Remedy(NamedTuple):
    """Something that may shorten a cold start: its name, and what it changes."""

    label: str
    change: Callable[[StartSettings], Mapping[str, Any]]


REMEDIES = {
    "package": Remedy("a small package", lambda _: {"package_mb": SMALL_MB}),
    "layers": Remedy("no layers", lambda _: {"layers": 0}),
    "init": Remedy("half the init code", lambda now: {"init_ms": now.init_ms / 2}),
    "memory": Remedy("memory for one vCPU", lambda now: {"memory": max(now.memory, ONE_VCPU)}),
    "snap_start": Remedy("SnapStart", lambda _: {"snap_start": True, "provisioned": False}),
    "provisioned": Remedy(
        "provisioned concurrency", lambda _: {"snap_start": False, "provisioned": True}
    ),
}


def label(variant: str) -> str:
    """What a variant is called in words."""
    return "as it is" if variant == NOW else REMEDIES[variant].label


_BOUNDS = {
    "package_mb": (SMALL_MB, facts.quota("package.zip-upload").value),
    "layers": (0, facts.quota("layers.per-function").value),
    "init_ms": (0, _ms("init.maximum")),
    "memory": (facts.quota("memory.minimum").value, facts.quota("memory.maximum").value),
    "handler_ms": (0, _ms("timeout.maximum")),
}
_WHOLE = ("layers", "memory")
_SWITCHES = ("snap_start", "provisioned")


def _check(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}: it must be a number")
    if name in _WHOLE and value != int(value):
        raise ValueError(f"{name} is {value!r}: it must be a whole number")
    if not low <= value <= high:
        raise ValueError(f"{name} is {value:g}: it must lie in {low:,g} to {high:,g}")


def _latency(kind: str) -> Range:
    return Range(*(_ms(f"start-latency.{kind}-{end}") for end in ("shortest", "longest")))
