"""The curriculum: what is taught, that each notebook teaches its part, and the page about it."""

import json
import re

from lambdalab import facts
from lambdalab.learning import curriculum
from lambdalab.learning.curriculum import Cell

STATEMENTS = curriculum.statements()
NUMBERS = [f"{number:02}" for number in range(17)]
RAW = {row["id"]: row for row in curriculum._data()["statement"]}


def notebook(path, **cells):
    """Write a notebook whose cells cover what is given by cell id."""
    written = [
        {"cell_type": "markdown", "id": cell, "metadata": metadata, "source": ""}
        for cell, metadata in cells.items()
    ]
    path.write_text(json.dumps({"cells": written}), encoding="utf-8")


def covering(*names):
    return {"lambdalab": {"covers": list(names)}}


def test_the_course_has_seventeen_notebooks():
    notebooks = curriculum.notebooks()
    assert [notebook.number for notebook in notebooks] == NUMBERS
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", notebook.slug) for notebook in notebooks)
    # Every lesson has a lab; the welcome and the exam room have none.
    without = [notebook.number for notebook in notebooks if notebook.lab is None]
    assert without == ["00", "16"]


def test_every_notebook_on_disk_is_one_of_the_course():
    known = {notebook.file for notebook in curriculum.notebooks()}
    assert {path.name for path in curriculum.NOTEBOOKS.glob("*.ipynb")} <= known


def test_ids_and_statements_are_unique():
    assert len({statement.id for statement in STATEMENTS}) == len(STATEMENTS)
    assert len({statement.statement.casefold() for statement in STATEMENTS}) == len(STATEMENTS)


def test_every_statement_is_one_plain_sentence():
    for statement in STATEMENTS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", statement.id)
        assert statement.notebook in NUMBERS, statement
        assert len(statement.statement) <= 180, statement
        for text in filter(None, (statement.statement, statement.correction)):
            assert re.fullmatch(r"[A-Z].*[^.]\.", text), statement
            assert not re.search(r"[.!?:]\s|[{}|]", text), statement


# What may hold a digit: names that begin with a letter, such as S3 and arm64.
NAMES = re.compile(r"\b[A-Za-z][\w.]*")
PLACEHOLDER = re.compile(r"\{(quota|price|was):([\w.-]+)[^}]*\}")
QUANTITY = re.compile(r"\d\s*(%|[KMG]B|ms|seconds?|minutes?|hours?|days?|USD|requests?)(?!\w)")


def test_figures_are_not_typed_by_hand():
    for row in RAW.values():
        told = NAMES.sub("", PLACEHOLDER.sub("", row["statement"].replace("status 202", "")))
        assert not re.search(r"\d", told), row
        assert not QUANTITY.search(row.get("correction", "")), row


def test_statements_rest_on_verified_figures():
    for row in RAW.values():
        for kind, name in PLACEHOLDER.findall(row["statement"]):
            assert getattr(facts, kind)(name).verified, row


def test_figures_are_filled_in():
    told = {statement.id: statement for statement in STATEMENTS}
    assert "128 MB to 10,240 MB in steps of 1 MB" in told["memory-range"].statement
    assert "3,008 MB in steps of 64 MB" in told["memory-range"].correction
    assert "15 minutes" in told["lambda-limited-by-time"].statement
    assert "0.20 USD per million requests" in told["price-per-request"].statement


def test_every_part_of_the_course_is_spoken_for():
    taught = {statement.notebook for statement in STATEMENTS}
    assert taught == set(NUMBERS) - {"16"}
    assert 150 <= len(STATEMENTS) <= 220


def test_written_notebooks_cover_their_statements():
    missing = [statement.id for statement in curriculum.uncovered()]
    assert missing == []


def test_notebooks_cover_only_statements_that_exist():
    known = {statement.id for statement in STATEMENTS}
    strange = [(cell, name) for cell, name in curriculum.covers() if name not in known]
    assert strange == []


def test_the_page_agrees_with_the_data():
    page = (curriculum.NOTEBOOKS / curriculum.PAGE).read_text(encoding="utf-8")
    assert page == curriculum.page(), "run python -m lambdalab.learning.curriculum"


def test_coverage_is_read_from_the_cells(tmp_path):
    notebook(
        tmp_path / "01-how-lambda-works.ipynb",
        intro=covering("event-driven", "pay-for-use"),
        plain={},
        more=covering("event-driven"),
    )
    notebook(tmp_path / "13-watching-and-paying.ipynb", price=covering("pay-for-use"))
    found = curriculum.coverage(tmp_path)
    assert found["event-driven"] == (Cell("01", "intro"), Cell("01", "more"))
    assert found["pay-for-use"] == (Cell("01", "intro"), Cell("13", "price"))
    assert found["free-tier"] == ()
    assert found.keys() == {statement.id for statement in STATEMENTS}


def test_a_written_notebook_owes_its_own_statements(tmp_path):
    assert curriculum.uncovered(tmp_path) == ()
    notebook(tmp_path / "14-step-functions.ipynb", one=covering("free-tier"))
    missing = [statement.id for statement in curriculum.uncovered(tmp_path)]
    assert missing == ["step-functions-orchestrates"]
    notebook(tmp_path / "14-step-functions.ipynb", one=covering("step-functions-orchestrates"))
    assert curriculum.uncovered(tmp_path) == ()


def test_another_notebook_does_not_pay_the_debt(tmp_path):
    notebook(tmp_path / "14-step-functions.ipynb", one={})
    notebook(tmp_path / "16-exam-room.ipynb", one=covering("step-functions-orchestrates"))
    missing = [statement.id for statement in curriculum.uncovered(tmp_path)]
    assert missing == ["step-functions-orchestrates"]


def test_ids_that_do_not_exist_are_found(tmp_path):
    notebook(tmp_path / "02-execution-environment.ipynb", one=covering("no-such-thing"))
    assert list(curriculum.covers(tmp_path)) == [(Cell("02", "one"), "no-such-thing")]
    assert "no-such-thing" not in curriculum.coverage(tmp_path)


def test_the_page_links_to_what_is_written(tmp_path):
    notebook(tmp_path / "14-step-functions.ipynb", one=covering("step-functions-orchestrates"))
    page = curriculum.page(tmp_path)
    assert "## 14 [Orchestration with Step Functions](14-step-functions.ipynb)" in page
    assert "| [notebook 14](14-step-functions.ipynb) |" in page
    assert "| notebook 13, to come |" in page
    assert page.count("[notebook 14]") == 1
    assert "of which 1 are" not in page
    assert "of which 1 is covered" in page


def test_the_page_is_made_of_whole_tables(tmp_path):
    rows = [line for line in curriculum.page(tmp_path).splitlines() if line.startswith("|")]
    assert all(row.count("|") == 4 for row in rows)
    assert len(rows) == len(STATEMENTS) + 2 * len(set(NUMBERS) - {"16"})
