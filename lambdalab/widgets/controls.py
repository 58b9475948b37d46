"""What a reader can move: each control has a name, a label that is read aloud, and a value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lambdalab.widgets.money import counted

__all__ = ["Action", "Choice", "Control", "Slider", "Switch"]


class Control(Protocol):
    """Something that can be moved."""

    @property
    def name(self) -> str:
        """What the value is called in Python."""
        ...

    @property
    def value(self) -> Any:
        """Where it stands at first."""
        ...

    def clean(self, value: Any) -> Any:
        """The value as Python uses it; ValueError for one that the control does not have."""
        ...

    def described(self) -> dict[str, Any]:
        """What the page needs to draw it."""
        ...


@dataclass(frozen=True)
class Slider:
    """A number: from ``low`` to ``high`` in equal ``step``s, or one of the ``stops``.

    ``unit`` is read after the number. A value between two steps goes to the nearer one.
    """

    name: str
    label: str
    value: float
    low: float = 0
    high: float = 100
    step: float = 1
    unit: str = ""
    stops: Sequence[float] = ()

    def clean(self, value: Any) -> float:
        """Return one of the numbers that the slider has."""
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise ValueError(f"{self.name} is {value!r}: it must be a number")
        places = self.places
        if not places[0] <= value <= places[-1]:
            raise ValueError(f"{self.name} is {value}: it must lie in {places[0]} to {places[-1]}")
        return min(places, key=lambda place: abs(place - value))

    @property
    def places(self) -> list[float]:
        """All numbers that it can stand at."""
        if self.stops:
            return list(self.stops)
        count = round((self.high - self.low) / self.step) + 1
        whole = all(float(each).is_integer() for each in (self.low, self.step))
        return [
            self.low + self.step * place if whole else round(self.low + self.step * place, 9)
            for place in range(count)
        ]

    def described(self) -> dict[str, Any]:
        """Places and their texts."""
        texts = [f"{place:,g}" if place < 1e6 else counted(place) for place in self.places]
        return {
            "kind": "slider", "name": self.name, "label": self.label, "places": self.places,
            "texts": [f"{text} {self.unit}".rstrip() for text in texts],
        }  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """One of several: ``options`` maps each value (a text) to what the reader sees."""

    name: str
    label: str
    value: str
    options: Mapping[str, str] = field(default_factory=dict)

    def clean(self, value: Any) -> str:
        """Return the value."""
        if not isinstance(value, str) or value not in self.options:
            names = ", ".join(self.options)
            raise ValueError(f"{self.name} is {value!r}: it must be one of {names}")
        return value

    def described(self) -> dict[str, Any]:
        """Values and their texts."""
        options = [list(option) for option in self.options.items()]
        return {"kind": "choice", "name": self.name, "label": self.label, "options": options}


@dataclass(frozen=True)
class Switch:
    """On or off."""

    name: str
    label: str
    value: bool = False

    def clean(self, value: Any) -> bool:
        """Return the value."""
        if not isinstance(value, bool):
            raise ValueError(f"{self.name} is {value!r}: it must be True or False")
        return value

    def described(self) -> dict[str, Any]:
        """Name and label."""
        return {"kind": "switch", "name": self.name, "label": self.label}


@dataclass(frozen=True)
class Action:
    """A button that starts something which may take a while."""

    name: str
    label: str
    value: None = None

    def clean(self, value: Any) -> None:
        """Refuse: a button has no value."""
        if value is not None:
            raise ValueError(f"{self.name} is a button: it takes no value")

    def described(self) -> dict[str, Any]:
        """Name and label."""
        return {"kind": "action", "name": self.name, "label": self.label}
