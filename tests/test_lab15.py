"""Lab 15: the tests that are handed over to task 4 are judged by what they find."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.learning import lab15_looks as looks
from lambdalab.learning.checks import open_lab
from lambdalab.learning.shipping import run_tests, under_pdb
from tests import lab15_rows


@pytest.mark.parametrize(("tests", "unmet"), lab15_rows.HANDED)
def test_tests_are_judged_by_what_they_find(
    tests: str, unmet: set[int], lab: Lab, tmp_path: Path
) -> None:
    report: Any = open_lab("15", lab, folder=tmp_path).check(4, tests=tests)
    found = {place for place, one in enumerate(report.findings, 1) if not one.met}
    # Tests that cannot be read, or fail always, fail with wrong handlers too.
    assert found == unmet, report


def test_what_pytest_tells_is_the_same_on_each_run(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    package = lab.zip({"postage.py": looks.postage(free=">")})
    for _ in range(2):
        run_tests(package, lab15_rows.COST + lab15_rows.KINDS + lab15_rows.LIMITS)
    told = capsys.readouterr().out
    assert told[: len(told) // 2] == told[len(told) // 2 :]
    assert "1 failed, 3 passed" in told
    assert "\x1b" not in told
    assert str(Path(sys.prefix)) not in told


def test_the_debugger_answers_what_is_typed(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    source = "def handler(event, context):\n    n = event['n']\n    breakpoint()\n    return n\n"
    under_pdb(lab.zip({"app.py": source}), "app", {"n": 7}, "p n + 1", "c")
    assert capsys.readouterr().out.splitlines() == ["(Pdb) p n + 1", "8", "(Pdb) c", "7"]
