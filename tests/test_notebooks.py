"""Every notebook obeys the rules, every rule sees a breach, and a run stores what it should."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lambdalab.learning import notebooks
from tests import notebook_rules as rules
from tests.house import ROOT


def stored(folder: str) -> list[Any]:
    return [
        pytest.param(p, id=f"{folder}/{p.name}") for p in sorted((ROOT / folder).glob("*.ipynb"))
    ]


def broken(path: Path, bound: tuple[rules.Rule, ...]) -> list[str]:
    notebook = nbformat.read(path, as_version=4)
    return [f"{rule.__name__}: {line}" for rule in bound for line in rule(notebook, path)]


@pytest.mark.parametrize("path", stored("notebooks") + stored("labs") + stored("solutions"))
def test_it_is_stored_in_normal_form(path: Path) -> None:
    assert notebooks.check(path) is None


@pytest.mark.parametrize("path", stored("notebooks"))
def test_a_notebook_obeys_the_rules(path: Path) -> None:
    assert broken(path, rules.NOTEBOOKS) == []


@pytest.mark.parametrize("path", stored("labs") + stored("solutions"))
def test_a_lab_and_its_solution_obey_the_rules(path: Path) -> None:
    assert broken(path, rules.LABS_AND_SOLUTIONS) == []


# ---- the rules see what breaks them


def prose(*sources: str) -> NotebookNode:
    return new_notebook(cells=[new_markdown_cell(source) for source in sources])


def code(
    source: str, *outputs: NotebookNode, tag: str = "", count: int | None = None
) -> NotebookNode:
    metadata = {"tags": [tag]} if tag else {}
    cell = new_code_cell(source, outputs=list(outputs), metadata=metadata, execution_count=count)
    return new_notebook(cells=[cell])


def drawn(kind: str, data: str = "x") -> NotebookNode:
    return new_output("display_data", data={kind: data, "text/plain": "x"})


FAILED = new_output("error", ename="ValueError", evalue="no", traceback=["File /x", "..."])

BREACHES = [
    (rules.no_stored_errors, code("x", FAILED)),
    (rules.ran_from_top_to_bottom, code("x", count=7)),
    (rules.ran_from_top_to_bottom, code("x")),
    (rules.never_ran, code("x", count=1)),
    (rules.never_ran, code("x", drawn("text/html"))),
    (rules.short_cells, code("x\n" * (rules.LONGEST_CELL + 1))),
    (rules.known_tags, code("x", tag="nbval-skip")),
    (rules.uncompared_cells_assert, code("asserted = 1", tag="nbval-ignore-output")),
    (rules.pictures_have_words, prose("![](x.png)")),
    (rules.pictures_have_words, prose("<img src='x.png'>")),
    (rules.pictures_have_words, code("x", drawn("text/html", '<img alt="" src="data:,">'))),
    (rules.pictures_have_words, code("x", drawn("text/html", '<svg width="3"></svg>'))),
    (rules.no_bare_bitmaps, code("x", drawn("image/png"))),
    (rules.nothing_is_fetched, prose("![badge](https://example.com/x.svg)")),
    (rules.nothing_is_fetched, code("x", drawn("text/html", "<script src='//example.com/x.js'>"))),
    (rules.links_lead_somewhere, prose("[here](nowhere.ipynb)")),
    (rules.headings_step_down, prose("# One", "### Three")),
    (rules.headings_step_down, prose("# One", "## Two", "# Another title")),
    (rules.imports_what_is_installed, code("import pandas as pd")),
    (rules.imports_what_is_installed, code("%%handler x\nfrom numpy.linalg import norm")),
]


@pytest.mark.parametrize(("rule", "notebook"), BREACHES)
def test_a_rule_sees_a_breach(rule: rules.Rule, notebook: NotebookNode, tmp_path: Path) -> None:
    assert len(list(rule(notebook, tmp_path / "x.ipynb"))) == 1


def test_every_missing_part_is_named() -> None:
    missing = list(rules.has_its_parts(prose("Untitled"), Path("x.ipynb")))
    assert len(missing) == 1 + len(rules.PARTS)


KEPT = [
    (rules.no_stored_errors, code("x", FAILED, tag="raises-exception")),
    (rules.ran_from_top_to_bottom, code("x", count=1)),
    (rules.uncompared_cells_assert, code("x = 1\nassert x", tag="nbval-ignore-output")),
    (rules.pictures_have_words, prose('<img src="x" alt="A queue">', "![A queue](x.png)")),
    (rules.pictures_have_words, code("x", drawn("text/html", '<svg role="img" aria-label="A">'))),
    (rules.no_bare_bitmaps, code("x", drawn("text/html", "<p>"))),
    (rules.nothing_is_fetched, prose("[a source](https://example.com/page)")),
    (rules.headings_step_down, prose("# One", "## Two", "```\n#### not one\n```", "## Three")),
    (rules.imports_what_is_installed, code("import json, boto3\nfrom lambdalab import start")),
    (rules.has_its_parts, prose("# Title", *rules.PARTS)),
]


@pytest.mark.parametrize(("rule", "notebook"), KEPT)
def test_a_rule_lets_good_cells_pass(
    rule: rules.Rule, notebook: NotebookNode, tmp_path: Path
) -> None:
    assert list(rule(notebook, tmp_path / "x.ipynb")) == []


# ---- a run


@pytest.fixture
def written(tmp_path: Path) -> Path:
    cells = [
        new_markdown_cell("# Title\n", id="title"),
        new_code_cell("print('a')\nprint('b')\n6 * 7", id="sum", metadata={"scrolled": True}),
        new_code_cell("import ipywidgets\nipywidgets.IntSlider(value=3)", id="slider"),
        new_code_cell("1 / 0", id="error", metadata={"tags": ["raises-exception"]}),
    ]
    path = tmp_path / "x.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata={"widgets": {}}), path)
    return path


def test_a_run_keeps_outputs_ids_and_tags_and_nothing_of_the_run(written: Path) -> None:
    assert notebooks.run(written) is None
    _, total, slider, error = (notebook := nbformat.read(written, as_version=4)).cells
    assert [cell.id for cell in notebook.cells] == ["title", "sum", "slider", "error"]
    assert [output.get("text") for output in total.outputs] == ["a\nb\n", None]
    assert total.metadata == {}
    assert slider.outputs[0].data == {"text/plain": "IntSlider(value=3)"}
    assert error.metadata == {"tags": ["raises-exception"]}
    assert error.outputs[0].traceback == ["ZeroDivisionError: division by zero"]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_a_second_run_gives_the_same_bytes(written: Path) -> None:
    notebooks.run(written)
    first = written.read_bytes()
    notebooks.run(written)
    assert written.read_bytes() == first


def test_check_sees_what_is_not_in_normal_form(written: Path) -> None:
    assert notebooks.main(["check", str(written)]) == 1
    written.write_text(notebooks.text(notebooks.normalise(nbformat.read(written, as_version=4))))
    assert notebooks.main(["check", str(written)]) == 0


def test_a_notebook_that_fails_is_named_and_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.ipynb"
    nbformat.write(code("raise ValueError('no such thing')"), path)
    before = path.read_bytes()
    assert notebooks.main(["run", str(path)]) == 1
    assert path.read_bytes() == before
    assert "ValueError: no such thing" in capsys.readouterr().err


def test_cells_without_an_id_get_the_same_id_each_time() -> None:
    bare = new_notebook(cells=[new_markdown_cell("a"), new_code_cell("b")])
    for cell in bare.cells:
        del cell["id"]
    assert [cell.id for cell in notebooks.normalise(bare).cells] == ["cell-0", "cell-1"]
