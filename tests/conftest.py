"""The lab that tests share: one cloud for each module of tests, emptied before each test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lambdalab import Lab

MakeFunction = Callable[..., str]

ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    """One module's lab. A clock that a test winds stays wound: no other module shall see that."""
    from lambdalab import start  # tests without a lab need not load it

    with start(export=False) as lab:
        yield lab


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
    ``lambda_function.handler`` and runtime ``python3.13`` where they are not given.
    """
    numbers = count(1)

    def make(code: str | dict[str, str | bytes] = ECHO, **settings: Any) -> str:
        files = {"lambda_function.py": code} if isinstance(code, str) else code
        wanted = {
            "FunctionName": f"function-{next(numbers)}",
            "Runtime": "python3.13",
            "Handler": "lambda_function.handler",
            "Role": role,
            "Code": {"ZipFile": lab.zip(files)},
        } | settings
        name: str = lam.create_function(**wanted)["FunctionName"]
        wait_until_settled(lam, name)
        return name

    return make


def wait_until_settled(lam: Any, name: str, seconds: float = 30) -> dict[str, Any]:
    """Return the function's configuration once no creation or update is under way."""
    deadline = time.monotonic() + seconds
    while True:
        shown: dict[str, Any] = lam.get_function(FunctionName=name)["Configuration"]
        if shown["State"] != "Pending" and shown["LastUpdateStatus"] != "InProgress":
            break
        assert time.monotonic() < deadline, f"{name} is still {shown['State']} after {seconds} s"
    assert shown["State"] == "Active", shown
    return shown
