"""What a learner sees in JupyterLab, seen by a browser."""

from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from lambdalab.learning.notebooks import normalise
from tests.browser.jupyter import Notebook, is_cloud, wait_until
from tests.house import ROOT

pytestmark = pytest.mark.browser

LESSONS = sorted(f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb"))
WELCOME = "notebooks/00-welcome.ipynb"
LAB = "labs/01-your-first-function.ipynb"

PICTURES = ":is(img, svg[role=img])"
WORDS = "picture => (picture.alt ?? picture.getAttribute('aria-label') ?? '').trim()"


def put(notebook: Notebook, name: str, **cells: str) -> None:
    code = [new_code_cell(source, id=cell_id) for cell_id, source in cells.items()]
    plain = normalise(new_notebook(cells=code))
    nbformat.write(plain, notebook.server.root / name)


def solution(cell_id: str) -> Any:
    cells = nbformat.read(ROOT / LAB.replace("labs/", "solutions/"), as_version=4).cells
    return next(cell.source for cell in cells if cell.id == cell_id)


def test_the_page_reports_results_and_errors(notebook: Notebook) -> None:
    put(notebook, "probe.ipynb", good="print(6 * 7)", bad="1 / 0")
    notebook.open("probe.ipynb")
    notebook.run_all()
    assert notebook.text("good") == "42"
    assert notebook.errors() == ["bad: ZeroDivisionError: division by zero"]


@pytest.mark.parametrize("path", LESSONS)
def test_a_lesson_runs_from_top_to_bottom(notebook: Notebook, path: str) -> None:
    notebook.open(path)
    notebook.run_all()
    code = [cell for cell in notebook.cells() if cell["cell_type"] == "code"]
    assert notebook.errors() == []
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert notebook.strangers == []


def test_the_timeline_shows_as_a_table_and_as_a_picture_in_words(notebook: Notebook) -> None:
    notebook.open(WELCOME)
    notebook.run_all()
    notebook.show("timeline-table")
    table = notebook.output("timeline-table").locator("table")
    assert table.is_visible()
    assert "hello" in table.inner_text()
    notebook.show("timeline-picture")
    picture = notebook.output("timeline-picture").locator(PICTURES).first
    assert picture.is_visible()
    assert "env-1" in picture.evaluate(WORDS)


def test_a_lab_says_not_yet_until_the_solution_is_typed(notebook: Notebook) -> None:
    notebook.open(LAB)
    cells = ("task-1-handler", "task-1-create")
    for cell_id in ("open", *cells, "task-1-check"):
        notebook.run_cell(cell_id)
    assert ": not yet, 0 of" in notebook.text("task-1-check")
    for cell_id in cells:
        notebook.type(cell_id, solution(cell_id))
        notebook.run_cell(cell_id)
    notebook.run_cell("task-1-check")
    assert ": done, " in notebook.text("task-1-check")


def test_a_restarted_kernel_leaves_no_cloud_behind_and_can_start_again(notebook: Notebook) -> None:
    put(
        notebook,
        "restart.ipynb",
        start="from lambdalab import start\n\nlab = start()",
        use="lab.client('lambda').list_functions()['Functions']",
    )
    before = set(notebook.server.clouds())
    notebook.open("restart.ipynb")
    notebook.run_all()
    mine = set(notebook.server.clouds()) - before
    assert len(mine) == 1
    notebook.restart()
    wait_until(lambda: not any(map(is_cloud, mine)), "the cloud of the old kernel ends")
    notebook.run_all()
    assert notebook.errors() == []
    assert notebook.text("use") == "[]"
    assert len(set(notebook.server.clouds()) - before) == 1
