"""The lab that tests share: one cloud for each module of tests, emptied before each test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine import RUNTIME, Gate

if TYPE_CHECKING:
    from lambdalab import Lab

MakeFunction = Callable[..., str]
StartLab = Callable[..., "Lab"]

ECHO = "def handler(event, context):\n    return event\n"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-rooms", dest="rooms", action="store_false",
        help="start labs as on machines without namespaces: the real directories stand in",
    )  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of rooms need rooms: without them they are left out, and are seen to be."""
    of_rooms = [item for item in items if item.get_closest_marker("rooms")]
    if of_rooms and not config.getoption("rooms"):
        config.hook.pytest_deselected(items=of_rooms)
        items[:] = [item for item in items if item not in of_rooms]
    elif of_rooms and (reason := no_rooms()):
        for item in of_rooms:
            item.add_marker(pytest.mark.skip(reason=f"no rooms: {reason}"))


@cache
def no_rooms() -> str:
    """Why this machine has no rooms, as ``lambdalab doctor`` says it; empty where it has them."""
    from lambdalab import doctor

    state, found = doctor._namespaces()
    return "" if state == doctor.OK else found


@pytest.fixture(scope="session")
def start_lab(pytestconfig: pytest.Config) -> StartLab:
    """Start a lab beside the shared one, with rooms or without as the tests are run."""
    from lambdalab import start  # tests without a lab need not load it

    return partial(start, export=False, rooms=pytestconfig.getoption("rooms"))


@pytest.fixture(scope="module")
def shared_lab(start_lab: StartLab) -> Iterator[Lab]:
    """One module's lab. A clock that a test winds stays wound: no other module shall see that."""
    with start_lab() as lab:
        yield lab


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Where handlers report and wait."""
    with Gate() as gate:
        yield gate


@pytest.fixture
def lab(shared_lab: Lab) -> Lab:
    """An empty lab; this process's AWS variables are not those of the lab."""
    shared_lab.reset()
    return shared_lab


@pytest.fixture
def lam(lab: Lab) -> Any:
    """A boto3 Lambda client of the lab."""
    return lab.client("lambda")


@pytest.fixture
def role(lab: Lab) -> str:
    """The ARN of a role that Lambda may assume and that may write logs."""
    return lab.role()


@pytest.fixture
def make_function(lab: Lab, lam: Any, role: str) -> MakeFunction:
    """Create a function and return its name once it is Active.

    ``make_function(code, **settings)``: code is the text of ``lambda_function.py`` (by default one
    that returns its event) or a dict of files; settings are CreateFunction's, handler
    ``lambda_function.handler`` and the runtime of this Python where they are not given.
    """
    numbers = count(1)

    def make(code: str | dict[str, str | bytes] = ECHO, **settings: Any) -> str:
        files = {"lambda_function.py": code} if isinstance(code, str) else code
        wanted = {
            "FunctionName": f"function-{next(numbers)}",
            "Runtime": RUNTIME,
            "Handler": "lambda_function.handler",
            "Role": role,
            "Code": {"ZipFile": lab.zip(files)},
        } | settings
        name: str = lam.create_function(**wanted)["FunctionName"]
        wait_until_settled(lam, name)
        return name

    return make


def wait_until_settled(lam: Any, name: str, seconds: float = 60) -> dict[str, Any]:
    """Return the function's configuration once no creation or update is under way."""
    deadline = time.monotonic() + seconds
    while True:
        shown: dict[str, Any] = lam.get_function(FunctionName=name)["Configuration"]
        if shown["State"] != "Pending" and shown["LastUpdateStatus"] != "InProgress":
            break
        assert time.monotonic() < deadline, f"{name} is still {shown['State']} after {seconds} s"
    assert shown["State"] == "Active", shown
    return shown
