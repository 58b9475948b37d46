"""The rules that every notebook obeys. A rule yields one line for each place that breaks it."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from nbformat import NotebookNode

LONGEST_CELL = 15
"""Lines of a code cell, blank lines and comments counted; longer code lives in the package."""

TAGS = frozenset({"nbval-ignore-output", "raises-exception"})

# What requirements.txt brings and a learner meets; the rest is Python's own.
IMPORTABLE = frozenset(
    {*sys.stdlib_module_names, "IPython", "boto3", "botocore", "ipywidgets", "lambdalab"}
    | {"PIL", "matplotlib"}
)

PARTS = (
    "You will be able to",
    "**Before:**",
    "**Time:**",
    "## Check yourself",
    "## In the exam",
    "## Summary",
    "**Next:**",
)

Rule = Callable[[NotebookNode, Path], Iterator[str]]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def texts(notebook: NotebookNode) -> Iterator[tuple[str, str]]:
    """Yield the id of a cell and a text in it that the reader's browser draws."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            yield cell.id, cell.source
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            yield from ((cell.id, data[kind]) for kind in DRAWN if kind in data)


DRAWN = ("text/html", "text/markdown", "image/svg+xml")


def no_stored_errors(notebook: NotebookNode, _: Path) -> Iterator[str]:
    for cell in code_cells(notebook):
        kinds = [output.output_type for output in cell.outputs]
        if "error" in kinds and "raises-exception" not in cell.metadata.get("tags", []):
            yield f"{cell.id}: an error is stored"


def ran_from_top_to_bottom(notebook: NotebookNode, _: Path) -> Iterator[str]:
    for number, cell in enumerate(code_cells(notebook), 1):
        if cell.execution_count != number:
            yield f"{cell.id}: execution count {cell.execution_count}, not {number}"


def never_ran(notebook: NotebookNode, _: Path) -> Iterator[str]:
    for cell in code_cells(notebook):
        if cell.outputs or cell.execution_count is not None:
            yield f"{cell.id}: holds the outputs of a run"


def short_cells(notebook: NotebookNode, _: Path) -> Iterator[str]:
    for cell in code_cells(notebook):
        if (lines := len(cell.source.splitlines())) > LONGEST_CELL:
            yield f"{cell.id}: {lines} lines"


def known_tags(notebook: NotebookNode, _: Path) -> Iterator[str]:
    for cell in notebook.cells:
        for tag in sorted(set(cell.metadata.get("tags", [])) - TAGS):
            yield f"{cell.id}: unknown tag {tag}"


def uncompared_cells_assert(notebook: NotebookNode, _: Path) -> Iterator[str]:
    for cell in code_cells(notebook):
        ignored = "nbval-ignore-output" in cell.metadata.get("tags", [])
        if ignored and not re.search(r"^\s*assert\b", cell.source, re.MULTILINE):
            yield f"{cell.id}: its output is not compared, and it asserts nothing"


def pictures_have_words(notebook: NotebookNode, _: Path) -> Iterator[str]:
    for cell_id, text in texts(notebook):
        for tag in re.findall(r"<img\b[^>]*>", text):
            if not re.search(r"""\balt=("\s*[^"\s]|'\s*[^'\s])""", tag):
                yield f"{cell_id}: <img> without alt text"
        for tag in re.findall(r"<svg\b[^>]*>", text):
            if not re.search(r"""\baria-(label(ledby)?=["']\s*[^"'\s]|hidden=["']true)""", tag):
                yield f"{cell_id}: <svg> without a label"
        if re.search(r"!\[\s*\]\(", text):
            yield f"{cell_id}: markdown picture without alt text"


def no_bare_bitmaps(notebook: NotebookNode, _: Path) -> Iterator[str]:
    for cell in code_cells(notebook):
        for output in cell.outputs:
            kinds = set(output.get("data", {}))
            if kinds & {"image/png", "image/jpeg"} and "text/html" not in kinds:
                yield f"{cell.id}: a picture that no text/html describes"


def nothing_is_fetched(notebook: NotebookNode, _: Path) -> Iterator[str]:
    fetched = re.compile(
        r"""!\[[^\]]*\]\(\s*(?:https?:)?//|<(?:img|script|iframe|video|audio|source)\b[^>]*\bsrc=["']?"""
        r"""(?:https?:)?//|<link\b[^>]*\bhref=["']?(?:https?:)?//|url\(["']?(?:https?:)?//"""
    )
    for cell_id, text in texts(notebook):
        if match := fetched.search(text):
            yield f"{cell_id}: fetches {match[0]}"


def links_lead_somewhere(notebook: NotebookNode, path: Path) -> Iterator[str]:
    for cell_id, text in texts(notebook):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if ":" not in target and not (path.parent / target).exists():
                yield f"{cell_id}: no file {target}"


def headings_step_down(notebook: NotebookNode, _: Path) -> Iterator[str]:
    last = 0
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        prose = re.sub(r"^```.*?^```", "", cell.source, flags=re.MULTILINE | re.DOTALL)
        for marks in re.findall(r"^(#+) ", prose, re.MULTILINE):
            if len(marks) > last + 1 or (len(marks) == 1 and last):
                yield f"{cell.id}: {marks} after {'#' * last or 'nothing'}"
            last = len(marks)


def imports_what_is_installed(notebook: NotebookNode, _: Path) -> Iterator[str]:
    for cell in code_cells(notebook):
        python = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE)
        for node in ast.walk(ast.parse(python)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                if name.split(".")[0] not in IMPORTABLE:
                    yield f"{cell.id}: imports {name}, which requirements.txt does not bring"


def has_its_parts(notebook: NotebookNode, path: Path) -> Iterator[str]:
    prose = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    if not prose.startswith("# "):
        yield "does not begin with its title"
    yield from (f"lacks {part!r}" for part in PARTS if part not in prose)


EVERYWHERE: tuple[Rule, ...] = (
    short_cells,
    known_tags,
    pictures_have_words,
    nothing_is_fetched,
    links_lead_somewhere,
    headings_step_down,
    imports_what_is_installed,
    no_stored_errors,
)
NOTEBOOKS: tuple[Rule, ...] = (
    *EVERYWHERE,
    ran_from_top_to_bottom,
    uncompared_cells_assert,
    no_bare_bitmaps,
    has_its_parts,
)
LABS_AND_SOLUTIONS: tuple[Rule, ...] = (*EVERYWHERE, never_ran)
