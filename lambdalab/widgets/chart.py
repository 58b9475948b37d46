"""What a widget shows, as data: a sentence, a table, a picture."""

from __future__ import annotations

import base64
import html
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lambdalab.lab.tables import html_table, text_table
from lambdalab.widgets.theme import drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Chart"]


class Chart(ABC):
    """One picture with its words and its data; displays itself in a notebook.

    ``caption`` names it. ``verdict`` says in a sentence or two what it tells, with figures.
    """

    caption: str

    @property
    @abstractmethod
    def verdict(self) -> str:
        """What the picture tells."""

    @abstractmethod
    def table(self) -> Mapping[str, Sequence[Any]]:
        """The data of the picture: headings and columns of equal length, some 60 rows at most."""

    @abstractmethod
    def figure(self) -> Figure:
        """Draw it, in the inks of ``lambdalab.widgets.theme``."""

    @property
    def alt(self) -> str:
        """The picture in words, for those who do not see it."""
        return f"{self.caption}. {self.verdict}"

    @cached_property
    def svg(self) -> str:
        """The picture as SVG, which takes its colours from the page that it stands in."""
        return drawn(self.figure, self.alt)

    @cached_property
    def table_html(self) -> str:
        """The data as an HTML table."""
        return html_table(self.table(), self.caption)

    def _repr_html_(self) -> str:
        # As an image it sees no colours of the page: it keeps the light ones, on a light ground.
        source = base64.b64encode(self.svg.encode()).decode()
        return (
            f'<figure class="mathjax_ignore" style="margin:0">'
            f'<img style="max-width:100%;background:#fff" '
            f'alt="{html.escape(self.alt)}" src="data:image/svg+xml;base64,{source}">'
            f"<figcaption>{html.escape(self.caption)}. {html.escape(self.verdict)}</figcaption>"
            f"<details><summary>The data as a table</summary>{self.table_html}</details></figure>"
        )

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.verdict}\n{text_table(self.table())}"
