"""Run notebooks again and store them so that the same run gives the same bytes.

``python -m lambdalab.learning.notebooks run [PATH ...]`` executes and rewrites, ``check`` only says
which files are not in normal form. Without a PATH both take every notebook in ``notebooks/``.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

CELL_TIMEOUT = 60
"""Seconds one cell may run."""

KEPT_CELL_METADATA = frozenset(
    {"deletable", "editable", "jupyter", "lambdalab", "nbgrader", "tags"}
)
"""What an author decides about a cell; all else is the trace of one run or one window."""

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# A saved language_info names the interpreter's version, so it changed with every machine.
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Return `notebook` without what differs from run to run; outputs and cell ids stay."""
    cells = [_cell(cell, index) for index, cell in enumerate(notebook.cells)]
    return nbformat.from_dict(
        {"cells": cells, "metadata": NOTEBOOK_METADATA, "nbformat": 4, "nbformat_minor": 5}
    )


def execute(path: Path) -> NotebookNode:
    """Return the notebook at `path` after a run in a fresh kernel, in its own folder.

    Raises nbclient's errors when a cell fails that is not tagged ``raises-exception``, runs longer
    than `CELL_TIMEOUT`, or loses its kernel.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        shutdown_kernel="immediate",  # the gentle way stalls 3.5 s in one run of ten
        extra_arguments=["--log-level=ERROR"],  # it warns that loopback is not encrypted
    )
    return client.execute()


def text(notebook: NotebookNode) -> str:
    """Return the bytes-for-bytes form in which a notebook is stored."""
    content: str = nbformat.writes(notebook)
    return content.rstrip("\n") + "\n"


def run(path: Path) -> str | None:
    """Execute and rewrite `path`; return what failed, or None."""
    try:
        notebook = execute(path)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return f"{path}: {COLOUR.sub('', str(error)).strip()}"
    path.write_text(text(normalise(notebook)), encoding="utf-8")
    sys.stdout.write(f"{path}\n")
    return None


def check(path: Path) -> str | None:
    """Return one line that says `path` is not in normal form, or None."""
    stored = path.read_text(encoding="utf-8")
    if stored == text(normalise(nbformat.reads(stored, as_version=4))):
        return None
    return f"{path}: not in normal form; run `make notebooks`"


ACTIONS: dict[str, Callable[[Path], str | None]] = {"run": run, "check": check}


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one action over the notebooks named; return 1 if any of them fails."""
    parser = argparse.ArgumentParser(prog="python -m lambdalab.learning.notebooks")
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    options = parser.parse_args(argv)
    act = ACTIONS[options.action]
    found = [act(path) for path in options.paths or sorted(Path("notebooks").glob("*.ipynb"))]
    problems = [problem for problem in found if problem]
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


def _cell(cell: NotebookNode, index: int) -> dict[str, Any]:
    kept = {key: value for key, value in cell.metadata.items() if key in KEPT_CELL_METADATA}
    plain = {
        "cell_type": cell.cell_type,
        "id": cell.get("id", f"cell-{index}"),
        "metadata": kept,
        "source": cell.source.rstrip("\n"),
    }
    if cell.cell_type != "code":
        return plain
    outputs = list(_outputs(cell.outputs))
    return plain | {"execution_count": cell.execution_count, "outputs": outputs}


def _outputs(outputs: list[NotebookNode]) -> Iterator[dict[str, Any]]:
    for output in outputs:
        if output.output_type == "error":
            # The frames name files of this machine; the last line is what the reader needs.
            yield {**output, "traceback": [f"{output.ename}: {output.evalue}"]}
        elif "data" in output:
            # A view without its state draws as an error; the text beside it stays.
            data = {kind: value for kind, value in output.data.items() if kind != WIDGET_VIEW}
            yield {**output, "data": data, "metadata": {}}
        else:
            yield dict(output)


if __name__ == "__main__":
    sys.exit(main())
