"""Labs are made from their solutions: what stands between nbgrader's markers is taken out.

``python -m lambdalab.learning.labs`` writes ``labs/NN-*.ipynb`` for every ``solutions/NN-*.ipynb``,
the same bytes each time. The rules are those of nbgrader 0.9 (its preprocessors ClearSolutions,
LockCells and ClearOutput), so an instructor may let nbgrader make the labs as well; nbgrader
itself is no dependency, for a learner needs none of it.
"""

import copy
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lambdalab.learning import notebooks

__all__ = ["MarkerError", "cleared", "main", "make_lab", "write_labs"]

BEGIN = "BEGIN SOLUTION"
END = "END SOLUTION"
STUBS = {
    "code": "# YOUR CODE HERE\nraise NotImplementedError()",
    "markdown": "YOUR ANSWER HERE",
    "raw": "YOUR ANSWER HERE",
}


class MarkerError(ValueError):
    """The markers in a solution cannot be followed; the text says in which cell and why."""


def cleared(source: str, cell_type: str) -> str:
    """Put the stub, indented like the opening marker, in place of each marked region.

    Raises:
        MarkerError: a region opens inside another one, or does not close.

    """
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        if BEGIN in line:
            if inside:
                raise MarkerError(f"{BEGIN} inside a solution")
            inside = True
            kept += [_indent(line) + stub for stub in STUBS[cell_type].split("\n")]
        elif END in line:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise MarkerError(f"no {END}")
    return "\n".join(kept)


def make_lab(solution: NotebookNode) -> NotebookNode:
    """Make the lab of a solution; the solution itself stays as it is.

    Raises:
        MarkerError: a cell has bad markers, or has markers and is not marked as a solution.

    """
    lab = copy.deepcopy(notebooks.normalise(solution))
    for cell in lab.cells:
        try:
            _clear(cell)
        except MarkerError as error:
            raise MarkerError(f"cell {cell.id}: {error}") from None
    return lab


def write_labs(root: Path) -> list[Path]:
    """Write a lab for each solution below root; return the files written."""
    written = []
    for path in sorted((root / "solutions").glob("*.ipynb")):
        lab = make_lab(nbformat.read(path, as_version=4))
        target = root / "labs" / path.name
        target.parent.mkdir(exist_ok=True)
        target.write_text(notebooks.text(lab), encoding="utf-8")
        written.append(target)
    return written


def main() -> int:
    """Write the labs of the course in the working directory; return 1 when a marker is wrong."""
    try:
        written = write_labs(Path.cwd())
    except MarkerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.writelines(f"{path.relative_to(Path.cwd())}\n" for path in written)
    return 0


def _clear(cell: NotebookNode) -> None:
    source = cleared(cell.source, cell.cell_type)
    marked = cell.metadata.get("nbgrader", {})
    if marked.get("solution"):
        cell.source = source if source != cell.source else STUBS[cell.cell_type]
        cell.metadata["deletable"] = False
    elif source != cell.source:
        raise MarkerError("a solution in a cell whose metadata does not say so")
    elif marked.get("grade") or marked.get("locked"):
        cell.metadata.update(deletable=False, editable=False)
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


if __name__ == "__main__":
    sys.exit(main())
