"""Small tables: the same rows as accessible HTML and as plain text."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["html_table", "text_table"]

# JupyterLab aligns the cells of outputs to the right, where prose reads badly.
LEFT = 'style="text-align: left"'
Columns = Mapping[str, Sequence[Any]]


def html_table(columns: Columns, caption: str) -> str:
    """Return an HTML table; column headings and the first cell of a row are headers."""
    heads = "".join(f'<th scope="col" {LEFT}>{html.escape(name)}</th>' for name in columns)
    body = "".join(f"<tr>{_html_row(row)}</tr>" for row in _rows(columns))
    return (
        f"<table><caption>{html.escape(caption)}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def text_table(columns: Columns) -> str:
    """Return the same rows in aligned columns, one line each, with the headings above."""
    lines = [list(columns), *([str(cell) for cell in row] for row in _rows(columns))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _rows(columns: Columns) -> list[tuple[Any, ...]]:
    return list(zip(*columns.values(), strict=True))


def _html_row(row: tuple[Any, ...]) -> str:
    first, *rest = (html.escape(str(cell)) for cell in row)
    cells = "".join(f"<td {LEFT}>{cell}</td>" for cell in rest)
    return f'<th scope="row" {LEFT}>{first}</th>{cells}'
