"""The rules of the house hold, and each of them sees what breaks it."""

import ast
from pathlib import Path

import pytest

from tests import house

# Modules that may ask the machine for the time, each with its reason.
MAY_ASK_THE_TIME = {
    "clock.py": "the platform's clock starts from the machine's",
    "learning/progress.py": "a learner's record is dated by the learner's day, not the lab's",
}

SOURCES = list(house.sources())


def test_every_room_has_a_floor() -> None:
    assert {house.room_of(path) for path, _ in SOURCES} <= set(house.FLOOR_OF)


def test_no_room_imports_from_a_floor_above_its_own() -> None:
    assert [line for path, tree in SOURCES for line in house.wrong_imports(path, tree)] == []


def test_only_the_clock_asks_the_machine_for_the_time() -> None:
    bound = [(path, tree) for path, tree in SOURCES if path.as_posix() not in MAY_ASK_THE_TIME]
    assert [line for path, tree in bound for line in house.wall_clock_uses(path, tree)] == []


def test_only_neighbours_know_moto() -> None:
    bound = [(path, tree) for path, tree in SOURCES if house.room_of(path) != "neighbours"]
    assert [line for path, tree in bound for line in house.imports_of(path, tree, "moto")] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("clock.py", "from lambdalab.endpoint import server"),
        ("clock.py", "from lambdalab import start"),
        ("clock.py", "from . import lab"),
        ("execution/pool.py", "from ..functions import records"),
        ("functions/store.py", "import lambdalab.invocation"),
        ("timeline.py", "from lambdalab import wire"),
        ("cli.py", "def f():\n    from lambdalab.execution.pool import Pool"),
        ("learning/checks.py", "from lambdalab.neighbours import iam\nimport lambdalab.invocation"),
    ],
)
def test_an_import_that_leads_up_is_seen(path: str, source: str) -> None:
    assert len(house.wrong_imports(Path(path), ast.parse(source))) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("endpoint/server.py", "from . import routes\nfrom ..clock import LabClock"),
        ("invocation/queue.py", "from lambdalab.functions.records import Function"),
        (
            "widgets/scaling.py",
            "from lambdalab.simulator import rules\nfrom lambdalab import start",
        ),
        ("cli.py", "from lambdalab.lab import start\nimport lambdalab.facts"),
    ],
)
def test_an_import_that_leads_down_is_free(path: str, source: str) -> None:
    assert house.wrong_imports(Path(path), ast.parse(source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.sleep(1)",
        "import time as t\nnow = t.time",
        "from time import time_ns\ntime_ns()",
        "from datetime import UTC, datetime\ndatetime.now(UTC)",
        "import datetime\ndatetime.datetime.utcnow()",
        "from datetime import date as day\nday.today()",
    ],
)
def test_asking_the_machine_for_the_time_is_seen(source: str) -> None:
    assert len(house.wall_clock_uses(Path("x.py"), ast.parse(source))) == 1


@pytest.mark.parametrize("source", ["import moto.server", "from moto.core import x", "import moto"])
def test_an_import_of_moto_is_seen(source: str) -> None:
    assert len(house.imports_of(Path("x.py"), ast.parse(source), "moto")) == 1


def test_measuring_time_is_free() -> None:
    tree = ast.parse("import time\ntime.monotonic()\nclock.time()\nclock.sleep(1)")
    assert house.wall_clock_uses(Path("x.py"), tree) == []
