"""Labs are made from solutions; a solution passes its checks and an untouched lab does not."""

import copy
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lambdalab.learning import labs, notebooks
from lambdalab.learning.labs import MarkerError, cleared, make_lab
from tests.house import ROOT

NAMES = [path.name for path in sorted((ROOT / "solutions").glob("*.ipynb"))]
CODE = "# YOUR CODE HERE\nraise NotImplementedError()"


def read(folder: str, name: str) -> NotebookNode:
    return nbformat.read(ROOT / folder / name, as_version=4)


def marked(source: str, kind: str = "code", **said: bool) -> NotebookNode:
    new = {"code": new_code_cell, "markdown": new_markdown_cell}[kind]
    flags = {"solution": True, "grade": False, "locked": False, "task": False} | said
    return new(source, metadata={"nbgrader": {"schema_version": 3, "grade_id": "x", **flags}})


# ---- the transform


CLEARED = [
    ("a\n### BEGIN SOLUTION\nb\n### END SOLUTION\nc", "code", f"a\n{CODE}\nc"),
    (
        "def f():\n    ### BEGIN SOLUTION\n    x\n    ### END SOLUTION\n",
        "code",
        "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()\n",
    ),
    (
        "# BEGIN SOLUTION\n1\n# END SOLUTION\nm\n# BEGIN SOLUTION\n2\n# END SOLUTION",
        "code",
        f"{CODE}\nm\n{CODE}",
    ),
    ("BEGIN SOLUTION\nx\nEND SOLUTION", "markdown", "YOUR ANSWER HERE"),
    ("no markers", "code", "no markers"),
]


@pytest.mark.parametrize(("source", "kind", "expected"), CLEARED)
def test_the_stub_stands_for_what_is_between_the_markers(source, kind, expected):
    assert cleared(source, kind) == expected


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("### BEGIN SOLUTION\nx", "no END SOLUTION"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "inside a solution"),
    ],
)
def test_markers_that_cannot_be_followed_are_refused(source, reason):
    with pytest.raises(MarkerError, match=reason):
        cleared(source, "code")


def test_a_solution_in_a_cell_that_does_not_say_so_is_refused():
    source = "### BEGIN SOLUTION\nx\n### END SOLUTION"
    with pytest.raises(MarkerError, match="cell one: a solution in a cell"):
        make_lab(new_notebook(cells=[new_code_cell(source, id="one")]))


def test_a_solution_without_markers_is_cleared_as_a_whole():
    cells = [marked("secret = 42"), marked("because", "markdown")]
    assert [cell.source for cell in make_lab(new_notebook(cells=cells)).cells] == [
        CODE,
        "YOUR ANSWER HERE",
    ]


def test_a_lab_keeps_no_outputs_and_locks_its_checks():
    check = marked("check(1)", solution=False, grade=True, locked=True)
    check.outputs, check.execution_count = [new_output("stream", text="done")], 3
    made = make_lab(new_notebook(cells=[check, marked("x")])).cells
    assert (made[0].outputs, made[0].execution_count) == ([], None)
    assert (made[0].metadata.deletable, made[0].metadata.editable) == (False, False)
    assert made[1].metadata.deletable is False
    assert "editable" not in made[1].metadata


def test_the_solution_itself_stays_as_it_was():
    solution = new_notebook(cells=[marked("### BEGIN SOLUTION\nx\n### END SOLUTION")])
    before = copy.deepcopy(solution)
    make_lab(solution)
    assert solution == before


def test_a_wrong_marker_is_told_in_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "solutions").mkdir()
    wrong = new_notebook(cells=[marked("### BEGIN SOLUTION")])
    nbformat.write(wrong, tmp_path / "solutions" / "01-x.ipynb")
    monkeypatch.chdir(tmp_path)
    assert labs.main() == 1
    assert capsys.readouterr().err.endswith("no END SOLUTION\n")


@pytest.mark.parametrize("name", NAMES)
def test_nbgrader_would_make_the_same_lab(name):
    pytest.importorskip("nbgrader")
    from nbgrader.nbgraderformat import MetadataValidator
    from nbgrader.preprocessors import ClearOutput, ClearSolutions, LockCells

    theirs = notebooks.normalise(read("solutions", name))
    MetadataValidator().validate_nb(theirs)
    for step in (LockCells, ClearSolutions, ClearOutput):
        theirs, _ = step().preprocess(theirs, {})
    assert notebooks.text(theirs) == notebooks.text(make_lab(read("solutions", name)))


# ---- what is committed


def test_every_lab_has_a_solution_and_the_other_way_round():
    assert NAMES == [path.name for path in sorted((ROOT / "labs").glob("*.ipynb"))] != []


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_lab_is_what_its_solution_makes(name):
    made = notebooks.text(make_lab(read("solutions", name)))
    assert (ROOT / "labs" / name).read_text(encoding="utf-8") == made, "run make notebooks"
    assert "SOLUTION" not in made


def run(path: Path, home: Path, *, allow_errors: bool) -> NotebookNode:
    """Run a notebook in a kernel of its own, with a progress file of its own."""
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=60,
        kernel_name="python3",
        allow_errors=allow_errors,
        shutdown_kernel="immediate",
        extra_arguments=["--log-level=ERROR"],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAMBDALAB_HOME", str(home))
        return client.execute(cwd=str(path.parent))


def results(notebook: NotebookNode) -> dict[str, str]:
    """What each check cell shows, as plain text."""
    return {
        cell.id: "\n".join(out["data"]["text/plain"] for out in cell.outputs if "data" in out)
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_passes_every_check(name, tmp_path):
    shown = results(run(ROOT / "solutions" / name, tmp_path, allow_errors=False))
    assert len(shown) >= 4
    assert {cell: text for cell, text in shown.items() if ": done, " not in text} == {}


@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_lab_fails_every_check_with_a_table(name, tmp_path):
    ran = run(ROOT / "labs" / name, tmp_path, allow_errors=True)
    for cell, text in results(ran).items():
        assert ": not yet, " in text, cell
        assert "✗ not met: " in text
        assert all(word in text for word in ("start:", "wanted:", "found:", "tasks.hint("))
    failed = {
        cell.id: output.ename
        for cell in ran.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    }
    solutions = {cell.id for cell in ran.cells if cell.metadata.get("nbgrader", {}).get("solution")}
    assert failed.keys() <= solutions
    assert set(failed.values()) <= {"NotImplementedError"}
