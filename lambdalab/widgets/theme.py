"""Inks that follow the page: matplotlib draws the light ones, and the page may change them.

Each ink becomes a CSS variable whose fallback is the light value; ``panel.css`` has the dark ones.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "GROUND", "INK", "drawn"]

# Text and axes; the ground behind texts that stand on a picture.
INK = "#1f2328"
GROUND = "#fefefe"
# After Okabe and Ito, which people with colour-blindness can tell apart. Whoever uses them adds a
# hatch, a marker or a line style of its own.
COLOURS = {
    "blue": "#0072b2",
    "sky": "#56b4e9",
    "orange": "#e69f00",
    "red": "#d55e00",
    "green": "#009e73",
    "purple": "#cc79a7",
    "grey": "#8c8c8c",
    "pale": "#ececec",
}
_INKS = {INK: "ink", GROUND: "ground"} | {value: name for name, value in COLOURS.items()}
_ANY_INK = re.compile("|".join(_INKS))
_SETTINGS: dict[str, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.size": 10,
    "hatch.color": INK,
    "hatch.linewidth": 0.6,
    "legend.edgecolor": "none",
    "legend.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "lambdalab",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
# Left out, so that the same picture is the same text whenever and by whatever version it is drawn.
_UNSAID = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def drawn(figure: Callable[[], Figure], alt: str) -> str:
    """Draw and return an SVG element with a label, as wide as its place allows."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    made = io.StringIO()
    with mpl.rc_context(_SETTINGS):
        # Not by savefig, which draws everything twice.
        FigureCanvasSVG(figure()).print_svg(made, metadata=_UNSAID)
    text = made.getvalue()
    return _labelled(_ANY_INK.sub(_variable, _without_idle_names(text[text.index("<svg") :])), alt)


def _variable(ink: re.Match[str]) -> str:
    return f"var(--lambdalab-{_INKS[ink[0]]}, {ink[0]})"


def _without_idle_names(svg: str) -> str:
    """Drop the names that nothing in the picture refers to: a page may hold the picture twice."""
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    return re.sub(r' id="([^"]+)"', lambda name: name[0] if name[1] in used else "", svg)


def _labelled(svg: str, alt: str) -> str:
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt)}" ', 1)
