"""What a benchmark found: a table to read, and ratios that hold their bounds or do not."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

FIGURE = re.compile(r"[\d.]+|nan")


class UnmeasuredError(Exception):
    """Something could not be measured here; the text says what and why, in one line."""


@dataclass(frozen=True)
class Ratio:
    """One bounded figure: a name, what was found, the bound, and on which side of it is good."""

    name: str
    value: float
    bound: float
    at_most: bool = True

    @property
    def held(self) -> bool:
        """Whether the bound held; what was not measured (not a number) did not hold."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound

    @property
    def line(self) -> str:
        """The line that ends a benchmark's output."""
        return f"RATIO {self.name} {self.value:.3f} (bound {self.bound:g})"


@dataclass(frozen=True)
class Table:
    """Columns and rows, printed as Markdown with its columns aligned."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The table, readable in a terminal and on a page."""
        every = [self.columns, *self.rows]
        widths = [max(len(row[i]) for row in every) for i in range(len(self.columns))]
        head, *body = (padded(row, widths) for row in every)
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        return "\n".join([head, rule, *body])


@dataclass(frozen=True)
class Result:
    """One benchmark's outcome: what was measured, how, and against which bounds.

    `busy` is the share of all cores that other work held just before (0 to 1), None if unknown.
    """

    name: str
    how: str
    table: Table
    ratios: tuple[Ratio, ...] = field(default=())
    busy: float | None = None

    @property
    def held(self) -> bool:
        """Whether all bounds held."""
        return all(ratio.held for ratio in self.ratios)

    @property
    def page(self) -> str:
        """The part of a results page that both the terminal and the file show."""
        parts = [f"## {self.name}", self.how, self.table.text, verdicts(self.ratios).text]
        if self.busy is not None:
            parts.insert(2, f"Before it began, other work kept {self.busy:.0%} of the cores busy.")
        return "\n\n".join(parts)

    @property
    def text(self) -> str:
        """What the terminal shows: the page, then the ratios, one a line."""
        return "\n".join([self.page, "", *(ratio.line for ratio in self.ratios)])


def verdicts(ratios: Iterable[Ratio]) -> Table:
    """Set out the ratios with the side on which each is bounded."""
    rows = tuple(
        (
            ratio.name,
            f"{ratio.value:.3f}",
            f"at {'most' if ratio.at_most else 'least'} {ratio.bound:g}",
            "yes" if ratio.held else "NO",
        )
        for ratio in ratios
    )
    return Table(("ratio", "value", "bound", "held"), rows)


def padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Lay out one row: words from the left, figures from the right."""
    laid = [
        cell.rjust(width) if FIGURE.fullmatch(cell) else cell.ljust(width)
        for cell, width in zip(cells, widths, strict=True)
    ]
    return "| " + " | ".join(laid) + " |"


def milliseconds(value: float) -> str:
    """Print seconds as milliseconds."""
    return f"{value * 1000:.2f}"
