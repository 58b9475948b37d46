"""A drawing as a notebook should show it: text for those who cannot see it, data beside it."""

from __future__ import annotations

import base64
import html
import io
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lambdalab.lab.tables import html_table, text_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ShownFigure", "figure_html"]

_DPI = 110


class ShownFigure:
    """A drawing with its description, caption and data; displays itself in a notebook.

    ``png`` the bytes of the picture, ``alt`` what it shows, ``caption`` the line below it,
    ``table`` its data as columns.
    """

    def __init__(
        self, png: bytes, alt: str, caption: str, table: Mapping[str, Sequence[Any]]
    ) -> None:
        self.png = png
        self.alt = alt
        self.caption = caption
        self.table = table

    def _repr_html_(self) -> str:
        source = base64.b64encode(self.png).decode()
        return (
            f'<figure style="margin:0"><img style="max-width:100%" alt="{html.escape(self.alt)}"'
            f' src="data:image/png;base64,{source}">'
            f"<figcaption>{html.escape(self.caption)}</figcaption>"
            f"<details><summary>The data as a table</summary>"
            f"{html_table(self.table, self.caption)}</details></figure>"
        )

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.alt}\n{text_table(self.table)}"


def figure_html(
    figure: Figure, alt: str, caption: str, table: Mapping[str, Sequence[Any]]
) -> ShownFigure:
    """Show a matplotlib ``figure`` with alternative text, a caption and a table of its data.

    ``alt`` says in words what the picture tells; ``table`` maps headings to columns of equal
    length. Leave the result as the last line of a cell. ValueError if ``alt`` or ``caption`` is
    empty: a figure without them is not shown.
    """
    if not alt.strip() or not caption.strip():
        raise ValueError("a figure needs alternative text and a caption")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, bbox_inches="tight", metadata={"Software": None})
    _forget(figure)
    return ShownFigure(buffer.getvalue(), alt, caption, table)


def _forget(figure: Figure) -> None:
    # A figure made with pyplot would be shown a second time, without its text.
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)
