"""What a lesson says in prose: no figure typed by hand, and cells that can be named."""

import re
from pathlib import Path

import nbformat
import pytest

from tests.house import ROOT

LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LABS = sorted((ROOT / "solutions").glob("*.ipynb"))

# A figure with a unit that AWS sets. Years and versions have none; "two hours" is a word.
FIGURE = re.compile(
    r"\d[\d,.]*\s*-?\s*(%|[KMG]i?B|m?s|seconds?|minutes?|hours?|days?|USD|vCPUs?|requests?|layers?"
    r"|GB-seconds?)(?![\w-])"
)


def prose(path: Path) -> list[tuple[str, str]]:
    """The id and text of each markdown cell, without code and without the times of the course."""
    cells = nbformat.read(path, as_version=4).cells
    texts = [(cell.id, cell.source) for cell in cells if cell.cell_type == "markdown"]
    quiet = re.compile(r"```.*?```|`[^`]*`|\*\*Time:\*\* .*", re.DOTALL)
    return [(name, quiet.sub("", text)) for name, text in texts if name != "title"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_figures_come_from_the_facts_and_are_not_typed(path):
    typed = [(name, match[0]) for name, text in prose(path) if (match := FIGURE.search(text))]
    assert typed == []


@pytest.mark.parametrize("path", LESSONS + LABS, ids=lambda path: path.stem)
def test_cells_have_names_that_say_what_they_are_for(path):
    names = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert [name for name in names if not re.fullmatch(r"[a-z]+[0-9]?(-[a-z0-9]+)*", name)] == []
    # Made by a tool: eight hexadecimal digits.
    assert [name for name in names if re.fullmatch(r"[0-9a-f]{8}", name)] == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_diagram_is_told_in_words(path):
    cells = nbformat.read(path, as_version=4).cells
    drawn = [cell for cell in cells if "```mermaid" in cell.source]
    assert [cell.id for cell in drawn if "in words" not in cell.source.lower()] == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_asks_before_it_shows(path):
    cells = nbformat.read(path, as_version=4).cells
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    asking = [part for part in sections if "**Predict.**" in part]
    assert len(asking) >= 3
    questions = re.findall(r"^\d\. .*\?", text.split("## Check yourself")[1], flags=re.MULTILINE)
    assert 3 <= text.count("<details>") <= 5
    assert len(questions) == text.count("<details>")
