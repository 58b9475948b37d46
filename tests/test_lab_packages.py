"""``lab.zip``: what is packed, that its bytes are stable, and what is refused."""

from __future__ import annotations

import base64
import concurrent.futures
import hashlib
import io
import json
import logging
import math
import os
import random as dice
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import choice, random
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.lab.errors import PackageError
from lambdalab.lab.function_source import function_source
from lambdalab.lab.packages import make_zip
from tests import house

GREETING = "Hello"
LIMITS = {"tries": 3, "pauses": (0.5, 1.0), "names": {"b", "a"}, "none": None}
ONE = (1,)
COUNT = 0
STEP = timedelta(days=1)
LOGGER = logging.getLogger("x")
TWICE = lambda n: 2 * n  # noqa: E731
NOT_A_NUMBER = math.nan
NESTED: list[Any] = []
NESTED.append(NESTED)


def contents(package: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def modes(package: bytes) -> dict[str, int]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}


def packed(function: Callable[..., Any]) -> dict[str, Any]:
    """The names of the module that the function was packed as, run by itself."""
    text = contents(make_zip((function,)))["lambda_function.py"]
    module: dict[str, Any] = {"__name__": "lambda_function"}
    exec(compile(text, "lambda_function.py", "exec", dont_inherit=True), module)
    return module


# ---- functions


def plain(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the event."""
    return {"statusCode": 200, "body": json.dumps(event)}


def greet(name: str) -> str:
    return f"{GREETING}, {name}"


def with_helper(event, context):
    return greet(event["name"])


def with_constants(event, context):
    return [LIMITS, ONE, sorted(LIMITS["names"])]


def with_default(event, context, limits=LIMITS, helper=greet):
    return helper(str(limits["tries"]))


def with_imports(event, context):
    names = defaultdict(list)
    names["now"].append(datetime.now(UTC).year)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        names["two"].append(pool.submit(abs, -2).result())
    names["tag"].append(ET.fromstring("<a/>").tag)
    names["path"].append(os.path.basename("a/b"))  # noqa: PTH119
    names["dice"].append(0 <= dice.random() < 1 and random() < 1 and choice([1]))
    return {key: value[0] for key, value in names.items()}


def with_counter(event, context):
    global COUNT
    COUNT += 1
    return COUNT


def makes_its_global(event, context):
    global MADE_HERE
    MADE_HERE = 1
    return MADE_HERE


def even(number):
    return number == 0 or odd(number - 1)


def odd(number):
    return number != 0 and even(number - 1)


def recursive(event, context):
    return event if event > 10 else recursive(event * 2, context)


def with_class(event, context):
    class Counter:
        step = 1
        double = step * 2

        def add(self, number):
            return number + self.double

    return Counter().add(event)


second_name = greet


def with_alias(event, context):
    return second_name(event)


@pytest.mark.parametrize(
    ("function", "event", "answer"),
    [
        (plain, {"a": 1}, {"statusCode": 200, "body": '{"a": 1}'}),
        (with_helper, {"name": "Ann"}, "Hello, Ann"),
        (with_constants, None, [LIMITS, ONE, ["a", "b"]]),
        (with_default, None, "Hello, 3"),
        (makes_its_global, None, 1),
        (recursive, 3, 12),
        (with_class, 5, 7),
        (with_alias, "Bob", "Hello, Bob"),
    ],
)
def test_a_function_takes_along_what_it_uses(function: Callable, event: Any, answer: Any) -> None:
    assert packed(function)[function.__name__](event, None) == answer


def test_imports_are_written_down() -> None:
    answer = packed(with_imports)["with_imports"](None, None)
    assert answer == {"now": datetime.now(UTC).year, "two": 2, "tag": "a", "path": "b", "dice": 1}


def test_the_module_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "lambda_function.py").write_text(function_source(with_imports))
    script = "import lambda_function; print(lambda_function.with_imports(1, 2)['two'])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "2\n", done.stderr


def test_a_global_that_changes_lives_on_in_the_module() -> None:
    handler = packed(with_counter)["with_counter"]
    assert [handler(None, None), handler(None, None)] == [1, 2]


def test_functions_that_call_each_other_are_packed_once() -> None:
    module = packed(even)
    assert module["even"](10) is True
    assert function_source(even).count("def odd") == 1


def test_variables_of_the_function_around_it_come_along() -> None:
    factor, unused = 3, LOGGER

    def times(event, context):
        return event * factor

    assert packed(times)["times"](5, None) == 15
    assert unused


def test_nested_functions_are_dedented() -> None:
    def inner(event, context):
        return """
    kept as it is"""

    assert packed(inner)["inner"](None, None) == "\n    kept as it is"


def test_annotations_that_were_never_evaluated_need_not_exist() -> None:
    scope: dict[str, Any] = {}

    # This file postpones annotations, so LambdaContext is only a text in it.
    def handler(event: LambdaContext, context) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert "from __future__ import annotations" in function_source(handler)
    packed(handler)
    assert scope == {}


def test_an_async_function_is_packed_as_it_is() -> None:
    async def handler(event, context):
        return event

    assert "async def handler" in function_source(handler)


@cache
def decorated(event, context):
    return 1


def uses_decorated(event, context):
    return wrapped(event, context)


def passing(function):
    def inner(*arguments):
        return function(*arguments)

    return inner


@passing
def wrapped(event, context):
    return 1


def uses_logger(event, context):
    LOGGER.info("x")


def uses_instance(event, context):
    return STEP


def uses_nan(event, context):
    return NOT_A_NUMBER


def uses_itself_nested(event, context):
    return NESTED


def uses_lambda(event, context):
    return TWICE(2)


class Something:
    pass


def uses_class(event, context):
    return Something()


def uses_typo(event, context):
    return jsn.dumps(event)  # noqa: F821


def uses_display(event, context):
    display(event)  # noqa: F821


def uses_own_module(event, context):
    return house.ROOT


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (decorated, "cannot pack"),
        (wrapped, "wrapped is decorated with @passing"),
        (uses_decorated, "is decorated with @passing"),
        (
            uses_logger,
            "uses_logger uses 'LOGGER' (Logger), which cannot be packed: create it inside",
        ),
        (uses_instance, "uses_instance uses 'STEP' (timedelta)"),
        (uses_nan, "uses_nan uses 'NOT_A_NUMBER' (float)"),
        (uses_itself_nested, "uses_itself_nested uses 'NESTED' (list)"),
        (uses_lambda, "a lambda expression cannot be packed"),
        (uses_class, "uses_class uses 'Something' (type)"),
        (uses_typo, "uses_typo uses 'jsn', which is not defined"),
        (uses_display, "uses_display uses 'display', which exists only in notebooks"),
        (uses_own_module, "the module 'tests' is code of yours: pack it too"),
        (lambda event, context: 1, "a lambda expression cannot be packed"),
        (len, "cannot pack <built-in function len>"),
        (Something, "cannot pack <class"),
        (Something().__init__, "cannot pack <method-wrapper"),
        (12, "cannot pack int"),
        (None, "cannot pack NoneType"),
    ],
)
def test_what_cannot_be_packed_is_named_in_one_line(function: Any, text: str) -> None:
    with pytest.raises(PackageError) as caught:
        make_zip((function,))
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_variable_of_the_outside_that_is_assigned_cannot_come_along() -> None:
    count = 0

    def handler(event, context):
        nonlocal count
        count += 1

    with pytest.raises(PackageError, match="handler cannot stand on its own"):
        make_zip((handler,))


def test_a_function_without_a_source_is_refused() -> None:
    scope: dict[str, Any] = {}
    exec("def handler(event, context): return 1", scope)
    with pytest.raises(PackageError, match="the source of handler cannot be found"):
        make_zip((scope["handler"],))


def test_one_name_with_two_meanings_is_refused() -> None:
    def make(numbers):
        def helper():
            return numbers

        return helper

    first, second = make([1]), make([2])

    def handler(event, context):
        return first() + second()

    with pytest.raises(PackageError, match="'helper' means two things in what is packed"):
        make_zip((handler,))


def test_a_file_of_ones_own_may_lie_beside(tmp_path: Path) -> None:
    package = make_zip((uses_own_module, {"tests/house.py": "ROOT = 1"}))
    assert "from tests import house" in contents(package)["lambda_function.py"] or (
        "import tests.house as house" in contents(package)["lambda_function.py"]
    )


# ---- files and folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "app.py").write_text("import deep")
    (root / "deep" / "er" / "data.json").write_text("{}")
    (root / "__pycache__").mkdir()
    (root / "__pycache__" / "app.pyc").write_bytes(b"x")
    (root / "bootstrap").write_text("#!/bin/sh\n")
    (root / "bootstrap").chmod(0o700)
    return root


def test_a_dict_gives_the_files() -> None:
    package = make_zip(({"a.py": "x = 1", "b/c.bin": b"\x00\x01", "bootstrap": "#!/bin/sh\n"},))
    assert list(contents(package)) == ["a.py", "b/c.bin", "bootstrap"]
    assert modes(package) == {"a.py": 0o644, "b/c.bin": 0o644, "bootstrap": 0o755}


def test_a_folder_is_packed_with_relative_paths(folder: Path) -> None:
    for given in (folder, str(folder)):
        package = make_zip((given,))
        assert list(contents(package)) == ["app.py", "bootstrap", "deep/er/data.json"]
    assert modes(package)["bootstrap"] == 0o755
    assert modes(package)["app.py"] == 0o644


def test_a_file_is_packed_under_its_own_name(folder: Path) -> None:
    package = make_zip((folder / "deep" / "er" / "data.json", folder / "app.py"))
    assert list(contents(package)) == ["app.py", "data.json"]


def test_several_sources_make_one_package(folder: Path) -> None:
    package = make_zip((plain, folder, {"more.txt": "text"}))
    assert {"lambda_function.py", "app.py", "more.txt"} <= set(contents(package))


def test_the_bytes_depend_on_the_content_alone(folder: Path) -> None:
    first = make_zip((with_constants, folder))
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    (folder / "app.py").chmod(0o600)
    script = (
        "import sys; from tests.test_lab_packages import *; "
        "sys.stdout.buffer.write(make_zip((with_constants, sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        cwd=house.ROOT,
        capture_output=True,
    )
    assert done.stdout == first == make_zip((folder, with_constants)), done.stderr


def test_code_sha_256_is_that_of_the_zip(lab: Lab, make_function: Callable, lam: Any) -> None:
    package = lab.zip({"lambda_function.py": "def handler(event, context): return 1"})
    name = make_function(Code={"ZipFile": package})
    shown = lam.get_function(FunctionName=name)["Configuration"]
    wanted = base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert (shown["CodeSha256"], shown["CodeSize"]) == (wanted, len(package))


def test_a_packed_function_runs_in_the_lab(lab: Lab, make_function: Callable, lam: Any) -> None:
    name = make_function(
        Code={"ZipFile": lab.zip(with_helper)}, Handler="lambda_function.with_helper"
    )
    answer = lam.invoke(FunctionName=name, Payload=b'{"name": "Ann"}')
    assert json.loads(answer["Payload"].read()) == "Hello, Ann"


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "copy.py").symlink_to("app.py")
    (folder / "also").symlink_to("deep")
    files = contents(make_zip((folder,)))
    assert files["copy.py"] == "import deep"
    assert files["also/er/data.json"] == "{}"


@pytest.mark.parametrize(
    ("link", "target", "text"),
    [
        ("secret", "/etc/hostname", "secret is a link out of the folder"),
        ("deep/up", "../..", "deep/up is a link out of the folder"),
        ("deep/round", "..", "deep/round is a link to a folder that holds it"),
        ("self", ".", "self is a link to a folder that holds it"),
        ("lost", "nowhere", "lost is neither a file nor a folder"),
    ],
)
def test_links_that_lead_astray_are_refused(
    folder: Path, link: str, target: str, text: str
) -> None:
    (folder / link).symlink_to(target)
    with pytest.raises(PackageError) as caught:
        make_zip((folder,))
    assert text in str(caught.value)


def test_what_is_no_file_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(PackageError, match="pipe is neither a file nor a folder"):
        make_zip((folder,))


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../up.py", "a/../../b", "a\\b", "a/", "..", 5, "a\0b"]
)
def test_names_that_leave_the_package_are_refused(name: Any) -> None:
    with pytest.raises(PackageError, match="is no name for a file"):
        make_zip(({name: "x"},))


@pytest.mark.parametrize(
    ("sources", "text"),
    [
        ((), "there is nothing to pack"),
        (({},), "there is nothing to pack"),
        (("no/such/file",), "there is no file or folder 'no/such/file'"),
        (({"a": 5},), "the content of 'a' is text or bytes, not int"),
        (({"a": "1"}, {"a": "2"}), "a is given twice"),
        ((plain, with_helper), "lambda_function.py is given twice"),
    ],
)
def test_what_makes_no_package_is_told(sources: tuple, text: str) -> None:
    with pytest.raises(PackageError) as caught:
        make_zip(sources)
    assert str(caught.value).startswith(text)


def test_zip_needs_no_running_cloud(lab: Lab) -> None:
    assert lab.zip({"a": "1"}) == make_zip(({"a": "1"},))


# ---- libraries that are installed


def test_an_installed_library_comes_with_a_function(lab: Lab, make_function: Any) -> None:
    code = (
        "import io\nfrom PIL import Image\n"
        "def handler(event, context):\n"
        "    picture = Image.new('RGB', (8, 4), 'red')\n"
        "    picture.thumbnail((2, 2))\n"
        "    return [picture.size, picture.getpixel((0, 0))]\n"
    )
    package = lab.zip({"lambda_function.py": code}, lab.library("pillow"))
    name = make_function(Code={"ZipFile": package})
    answer = lab.client("lambda").invoke(FunctionName=name)
    assert json.load(answer["Payload"]) == [[2, 1], [255, 0, 0]]


def test_an_installed_library_goes_into_a_layer(lab: Lab) -> None:
    names = lab.library("pillow", folder="python")
    assert "python/PIL/Image.py" in names
    assert not [name for name in names if ".." in name or "__pycache__" in name]


@pytest.mark.parametrize("name", ["no-such-thing", ""])
def test_a_library_that_is_not_installed_is_named(lab: Lab, name: str) -> None:
    with pytest.raises(PackageError, match=f"{name!r} is not installed here"):
        lab.library(name)
