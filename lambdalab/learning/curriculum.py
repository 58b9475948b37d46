"""What the notebooks teach, statement by statement, and where each is covered.

The statements lie beside this file in ``curriculum.toml``. Which cells cover a statement is said by
the notebooks themselves, in the metadata of a cell: ``{"lambdalab": {"covers": ["<id>", ...]}}``.
``python -m lambdalab.learning.curriculum`` writes the table of all of it, notebooks/CURRICULUM.md.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from lambdalab import facts

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
"""The folder of the notebooks, beside the package."""

PAGE = "CURRICULUM.md"
"""Name of the generated page in that folder."""

_FIGURE = re.compile(r"\{(quota|price|was):([\w.-]+)(?: in (\w+))?\}")


@dataclass(frozen=True)
class Notebook:
    """A notebook of the course, written or still to come; `lab` is the title of its lab."""

    number: str
    slug: str
    title: str
    lab: str | None = None

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.number}-{self.slug}.ipynb"


@dataclass(frozen=True)
class Statement:
    """One thing that is taught: true today, with what older material says if that differs."""

    id: str
    notebook: str
    statement: str
    correction: str | None = None


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook: number of the notebook, id of the cell."""

    notebook: str
    id: str


def notebooks() -> tuple[Notebook, ...]:
    """Return all notebooks of the course, in order."""
    return tuple(Notebook(**row) for row in _data()["notebook"])


def statements() -> tuple[Statement, ...]:
    """Return all statements in the order of the course, with the figures of today filled in."""
    return tuple(
        Statement(**{key: _filled(value) for key, value in row.items()})
        for row in _data()["statement"]
    )


def covers(folder: Path = NOTEBOOKS) -> Iterator[tuple[Cell, str]]:
    """Yield each cell with each id that it says it covers, also with ids that do not exist."""
    for notebook in notebooks():
        path = folder / notebook.file
        if not path.exists():
            continue
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for name in cell["metadata"].get("lambdalab", {}).get("covers", ()):
                yield Cell(notebook.number, cell["id"]), name


def coverage(folder: Path = NOTEBOOKS) -> dict[str, tuple[Cell, ...]]:
    """Return for the id of every statement the cells that cover it, none if no cell does."""
    found: dict[str, list[Cell]] = {statement.id: [] for statement in statements()}
    for cell, name in covers(folder):
        found.setdefault(name, []).append(cell)
    return {statement.id: tuple(found[statement.id]) for statement in statements()}


def uncovered(folder: Path = NOTEBOOKS) -> tuple[Statement, ...]:
    """Return the statements whose own notebook exists but has no cell that covers them."""
    written = {notebook.number for notebook in notebooks() if (folder / notebook.file).exists()}
    cells = coverage(folder)
    return tuple(
        statement
        for statement in statements()
        if statement.notebook in written
        and statement.notebook not in {cell.notebook for cell in cells[statement.id]}
    )


def page(folder: Path = NOTEBOOKS) -> str:
    """Return the text of the page: a table of statements for each notebook."""
    cells = coverage(folder)
    covered = sum(bool(found) for found in cells.values())
    lines = [
        "<!-- Made by python -m lambdalab.learning.curriculum: do not edit. -->",
        "# Curriculum",
        "",
        f"What the course teaches, in {len(cells)} statements, of which {covered} "
        f"{'is' if covered == 1 else 'are'} covered so far. The last column says what older notes "
        "and exam material say, where that differs.",
    ]
    for notebook in notebooks():
        lines += _section(notebook, cells, folder)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page into the folder of the notebooks."""
    NOTEBOOKS.mkdir(exist_ok=True)
    (NOTEBOOKS / PAGE).write_text(page(), encoding="utf-8")


def _section(notebook: Notebook, cells: dict[str, tuple[Cell, ...]], folder: Path) -> list[str]:
    written = (folder / notebook.file).exists()
    name = f"[{notebook.title}]({notebook.file})" if written else notebook.title
    lines = ["", f"## {notebook.number} {name}", ""]
    if notebook.lab:
        lines += [f"Lab: {notebook.lab}.", ""]
    own = [statement for statement in statements() if statement.notebook == notebook.number]
    if not own:
        return lines[:-1]
    lines += ["| Statement | Covered in | Older material |", "|---|---|---|"]
    return lines + [_row(statement, notebook, cells[statement.id]) for statement in own]


def _row(statement: Statement, own: Notebook, cells: tuple[Cell, ...]) -> str:
    files = {notebook.number: notebook.file for notebook in notebooks()}
    numbers = sorted({cell.notebook for cell in cells})
    links = ", ".join(f"[notebook {number}]({files[number]})" for number in numbers)
    where = links or f"notebook {own.number}, to come"
    columns = (statement.statement, where, statement.correction or "")
    return f"| {' | '.join(columns)} |".replace("$", r"\$").replace("  ", " ")


def _filled(text: str) -> str:
    return _FIGURE.sub(_figure, text)


def _figure(gap: re.Match[str]) -> str:
    kind, name, unit = gap.groups()
    fact = facts.price(name) if kind == "price" else facts.quota(name)
    if kind == "was":
        return str(fact.earlier)
    return str(fact.to(unit) if unit else fact)


@cache
def _data() -> dict[str, list[dict[str, Any]]]:
    text = resources.files("lambdalab.learning").joinpath("curriculum.toml").read_text("utf-8")
    return tomllib.loads(text)


if __name__ == "__main__":
    main()
