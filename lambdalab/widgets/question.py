"""Predict first: a question before the picture, and the truth beside the guess."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdalab.widgets.controls import Choice, Slider

__all__ = ["Question"]


@dataclass(frozen=True)
class Question:
    """What a reader is asked before the picture is shown.

    ``truth`` takes the chart and returns the right answer: a number, of ``unit``, or a key of
    ``options``, where there are some. A number is guessed between ``low`` and ``high`` in steps of
    ``step``; a guess within ``tolerance`` of the truth, as a share of it, counts as right.
    """

    text: str
    truth: Callable[[Any], Any]
    unit: str = ""
    low: float = 0
    high: float = 100
    step: float = 1
    options: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 0.1

    @property
    def control(self) -> Slider | Choice:
        """With what the guess is made."""
        if self.options:
            return Choice("guess", "Your guess", next(iter(self.options)), self.options)
        middle = self.low + round((self.high - self.low) / 2 / self.step) * self.step
        return Slider("guess", "Your guess", middle, self.low, self.high, self.step, self.unit)

    def answer(self, guess: Any, chart: Any) -> str:
        """Guess and truth, in a sentence."""
        truth = self.truth(chart)
        if truth != truth:  # not a number: there was nothing to measure
            return f"You guessed {self._told(guess)}, but nothing ran: there is nothing to measure."
        outcome = "Right" if self.near(guess, truth) else "Not quite"
        return f"{outcome}: you guessed {self._told(guess)}, it is {self._told(truth)}."

    def near(self, guess: Any, truth: Any) -> bool:
        """Whether a guess counts as right."""
        if self.options:
            return bool(guess == truth)
        return bool(abs(guess - truth) <= max(self.step / 2, self.tolerance * abs(truth)))

    def _told(self, value: Any) -> str:
        if self.options:
            return self.options[value]
        return f"{value:,.4g} {self.unit}".rstrip()
