"""Sums of money and large counts, as one writes them."""

from __future__ import annotations

import math

__all__ = ["counted", "dollars"]

_MILLION = 1_000_000
_SIGNIFICANT = 3


def dollars(amount: float) -> str:
    """US dollars: cents from one dollar on, below that three figures that are not zero."""
    if amount == 0:
        return "$0"
    if amount >= 0.995:
        return f"${amount:,.2f}" if amount < 1000 else f"${amount:,.0f}"
    places = max(2, _SIGNIFICANT - 1 - math.floor(math.log10(amount)))
    return f"${amount:.{places}f}"


def counted(number: float) -> str:
    """A count: ``850,000``, ``1 million``, ``2.5 million``, ``12 billion``."""
    if number < _MILLION:
        return f"{number:,.0f}"
    if number < 1000 * _MILLION:
        return f"{number / _MILLION:.4g} million"
    return f"{number / 1000 / _MILLION:,.4g} billion"
