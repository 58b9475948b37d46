"""Take the README's pictures again: ``python -m tests.browser.screenshots``."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.browser import jupyter
from tests.browser.widget_page import WidgetPage

DOCS = jupyter.ROOT / "docs"
SIZE = {"width": 1280, "height": 900}
# Some way into the run, so that there is something behind the playhead and something before it.
STEPS = 30
THEATRE = """from lambdalab.simulator import Bursts, Function, Lognormal, Policy, simulate
from lambdalab.widgets import environment_theatre

burst = Bursts(6, every=10, seconds=30, rate=0.5, spread=1)
function = Function(Lognormal(0.7, 4), init=0.8, timeout=3)
run = simulate(burst, function, Policy(account=5, floor=0, idle=9), seed=4)
environment_theatre(run)"""


def welcome(notebook: jupyter.Notebook) -> None:
    """Show what stands around notebook 00's timeline."""
    notebook.open("notebooks/00-welcome.ipynb")
    notebook.run_all()
    notebook.show("timeline-table-intro")
    notebook.page.screenshot(path=DOCS / "welcome.png")


def theatre(notebook: jupyter.Notebook) -> None:
    """Show the environment theatre in the middle of a run with cold starts and refusals."""
    page = WidgetPage(notebook).open(THEATRE)
    for _ in range(STEPS):
        page.panel.get_by_role("button", name="Next").press("Enter")
    page.panel.screenshot(path=DOCS / "theatre.png")


def main() -> int:
    """Run the notebooks in a browser and store what shows."""
    executable = jupyter.find_browser()
    if executable is None:
        sys.exit(jupyter.HOW_TO_GET_A_BROWSER)
    shots: tuple[Callable[[jupyter.Notebook], None], ...] = (welcome, theatre)
    with (
        tempfile.TemporaryDirectory() as scratch,
        jupyter.jupyter_server(Path(scratch)) as server,
        jupyter.chromium(executable) as browser,
    ):
        for shoot in shots:
            shoot(jupyter.Notebook(browser.new_page(viewport=SIZE), server))
    return 0


if __name__ == "__main__":
    sys.exit(main())
