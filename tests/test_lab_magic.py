"""``%%handler`` in a real IPython shell."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from lambdalab import Lab, start
from lambdalab.lab.errors import PackageError
from lambdalab.lab.magics import register_magics

pytest.importorskip("IPython")
CELL = 'def handler(event, context):\n    return "hi"\n'


@pytest.fixture(scope="module")
def shared_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config({"HistoryManager": {"enabled": False}})
    folder = tmp_path_factory.mktemp("ipython")
    yield InteractiveShell.instance(config=config, ipython_dir=str(folder))
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(shared_shell: Any, lab: Lab) -> Any:
    register_magics()
    shared_shell.user_ns.pop("hello", None)
    return shared_shell


def pack(shell: Any, line: str, cell: str = CELL) -> None:
    shell.run_cell_magic("handler", line, cell)


def test_the_cell_becomes_a_file_of_a_package(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    pack(shell, "hello")
    package = shell.user_ns["hello"]
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.namelist() == ["hello.py"]
        assert archive.read("hello.py").decode() == CELL
    assert capsys.readouterr().out == (
        f'hello is a zip of {len(package)} bytes: hello.py, Handler="hello.handler"\n'
    )


def test_the_same_cell_gives_the_same_bytes(shell: Any) -> None:
    pack(shell, "hello")
    first = shell.user_ns["hello"]
    pack(shell, " hello ")
    assert shell.user_ns["hello"] == first


def test_a_cell_without_a_handler_is_packed_and_said(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    pack(shell, "hello", "import json\n")
    assert capsys.readouterr().out.endswith('Handler="hello.handler"; it defines no handler yet\n')


@pytest.mark.parametrize("cell", ["from x import handler", "handler = print", CELL])
def test_any_way_to_define_the_handler_counts(
    cell: str, shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    pack(shell, "hello", cell)
    assert "no handler" not in capsys.readouterr().out


def test_a_syntax_error_is_shown_at_once_with_its_line(shell: Any) -> None:
    with pytest.raises(SyntaxError) as caught:
        pack(shell, "hello", "x = 1\ndef handler(event, context)\n    return 1\n")
    assert (caught.value.filename, caught.value.lineno) == ("hello.py", 2)
    assert "hello" not in shell.user_ns


def test_nothing_of_the_cell_is_run(shell: Any) -> None:
    pack(shell, "hello", "raise RuntimeError\n")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "%%handler wants the name of a module"),
        ("two words", "not 'two words'"),
        ("a-b", "not 'a-b'"),
        ("hello.py", "not 'hello.py'"),
        ("class", "not 'class'"),
        ("json", "'json' is a module that the runtime needs itself"),
        ("sys", "'sys' is a module that the runtime needs itself"),
        ("boto3", "'boto3' is a module that the runtime needs itself"),
        ("lam", "the variable 'lam' holds a S3, which would be lost"),
    ],
)
def test_a_name_that_will_not_do_is_refused(line: str, text: str, shell: Any, lab: Lab) -> None:
    shell.user_ns["lam"] = lab.client("s3")
    with pytest.raises(PackageError) as caught:
        pack(shell, line)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_start_registers_the_magic(shared_shell: Any) -> None:
    shared_shell.magics_manager.magics["cell"].pop("handler", None)
    with start(export=False):
        assert "handler" in shared_shell.magics_manager.magics["cell"]


def test_our_errors_show_as_one_line(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("%%handler json\npass")
    shown = capsys.readouterr()
    lines = [line for line in (shown.out + shown.err).splitlines() if line.strip()]
    assert lines == [
        "PackageError: 'json' is a module that the runtime needs itself: take another name"
    ]


def test_a_function_of_the_notebook_is_packed_by_its_source(shell: Any, lab: Lab) -> None:
    shell.user_ns["lab"] = lab
    shell.run_cell("import json, math\nLIMIT = 3\ndef helper(n):\n    return open(n), LIMIT\n")
    shell.run_cell("def hello(event, context):\n    return helper(json.dumps(event))\n")
    shell.run_cell("package = lab.zip(hello)")
    with zipfile.ZipFile(io.BytesIO(shell.user_ns["package"])) as archive:
        text = archive.read("lambda_function.py").decode()
    assert text.startswith("import json\nLIMIT = 3\n\ndef helper(n):")
    assert "IPython" not in text
    assert "math" not in text
