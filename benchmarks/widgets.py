"""From a key press to the new picture, measured in the page of a real JupyterLab.

The limit is a person's: what comes within 300 ms is felt as an answer to the key. Beside each
widget stands a panel whose picture is always the same: what JupyterLab, its messages and the
browser take without any drawing.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.harness import percentile
from benchmarks.report import Ratio, Result, Table, UnmeasuredError

LIMIT = 300.0
PRESSES = 20
BARE = "bare panel"
# What is opened, and the label of the slider that is moved.
OPENED = {
    BARE: (
        "from lambdalab.widgets.controls import Slider\n"
        "from lambdalab.widgets.panel import panel\n"
        "from lambdalab.widgets.traffic import scaling\n\n"
        "chart = scaling()\n"
        "panel('Bare', [Slider('x', 'Number', 50)], lambda values: chart)",
        "Number",
    ),
    "scaling explorer": (
        "from lambdalab import widgets\n\nwidgets.scaling_explorer()",
        "Requests a second",
    ),
    "cold start anatomy": (
        "from lambdalab import widgets\n\nwidgets.cold_start_anatomy()",
        "Init code",
    ),
    "concurrency budget": (
        "from lambdalab import widgets\n\nwidgets.concurrency_budget()",
        "orders: reserved",
    ),
    "break even explorer": (
        "from lambdalab import widgets\n\nwidgets.break_even_explorer()",
        "Requests a month",
    ),
}
HOW = (
    f"Each widget alone in a notebook; its slider gets {PRESSES} arrow keys, one after another; "
    "milliseconds in the page from `keydown` to the frame after the new picture. The bound is "
    f"{LIMIT:.0f} ms."
)


def run() -> Result:
    """Measure every widget in the same browser."""
    try:
        from tests.browser import jupyter
        from tests.browser.widget_page import WIDE, WidgetPage
    except ImportError as missing:
        raise UnmeasuredError(f"{missing}: install requirements-dev.txt") from missing
    executable = jupyter.find_browser()
    if executable is None:
        raise UnmeasuredError(jupyter.HOW_TO_GET_A_BROWSER)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(jupyter.jupyter_server(folder))
        browser = stack.enter_context(jupyter.chromium(executable))
        page = WidgetPage(jupyter.Notebook(browser.new_page(viewport=WIDE), server))
        took = {
            name: page.open(source).presses(label, PRESSES)
            for name, (source, label) in OPENED.items()
        }
    return result(took)


def result(took: dict[str, list[float]]) -> Result:
    """Set out what was measured."""
    rows = tuple(
        (
            name,
            *(f"{figure:.0f}" for figure in (percentile(each, 50), percentile(each, 99))),
        )
        for name, each in took.items()
    )
    ratios = tuple(
        Ratio(f"{name.replace(' ', '_')}_p50_to_300_ms", percentile(each, 50) / LIMIT, 1.0)
        for name, each in took.items()
        if name != BARE
    )
    return Result("widgets", HOW, Table(("who", "p50 ms", "p99 ms"), rows), ratios)
