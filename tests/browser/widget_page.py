"""A widget in a real JupyterLab, used with the keyboard and read as a screen reader would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, ViewportSize

from lambdalab.learning.notebooks import normalise
from tests.browser.jupyter import Notebook, wait_until

WIDE: ViewportSize = {"width": 1280, "height": 1000}
NARROW: ViewportSize = {"width": 420, "height": 1000}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}

# A test says that the answer to a key comes at all at once, on a machine with other work too: the
# figure itself, 300 ms, is measured by ``python -m benchmarks widgets``.
LONGEST = 1500

# From a key press until the browser has drawn what came of it, measured in the page.
WATCH = """() => {
  const shown = document.querySelector('.lambdalab-shown');
  const before = shown.dataset.number;
  window.lambdalabTook = null;
  let began = null;
  document.addEventListener('keydown', () => { began = performance.now(); },
    {once: true, capture: true});
  const watcher = new MutationObserver(() => {
    if (shown.dataset.number === before) return;
    watcher.disconnect();
    requestAnimationFrame(() => { window.lambdalabTook = performance.now() - began; });
  });
  watcher.observe(shown, {attributes: true});
}"""
TOOK = "() => window.lambdalabTook"
METADATA = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().metadata"


class WidgetPage:
    """One widget, alone in a notebook: the output of the cell ``widget``."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        self.page = notebook.page

    def open(self, source: str, setup: str = "pass") -> WidgetPage:
        """Run ``setup`` and then ``source``, whose last line is the widget; wait until it shows."""
        cells = [new_code_cell(setup, id="setup"), new_code_cell(source, id="widget")]
        path = self.notebook.server.root / "widget.ipynb"
        path.write_text(nbformat.writes(normalise(new_notebook(cells=cells))), encoding="utf-8")
        self.notebook.open(path.name)
        self.notebook.run_cell("setup", 120)
        self.notebook.run_cell("widget", 120)
        assert self.notebook.errors() == [], self.notebook.errors()
        self.panel.wait_for()
        return self

    @property
    def panel(self) -> Locator:
        """The whole widget."""
        return self.notebook.output("widget").locator(".lambdalab-panel")

    @property
    def verdict(self) -> str:
        """The text twin."""
        return self.panel.locator(".lambdalab-verdict").inner_text()

    def table(self) -> list[list[str]]:
        """The rows of the table beside the picture, headings first."""
        rows = self.panel.locator(".lambdalab-table tr")
        return rows.evaluate_all("rows => rows.map(row => [...row.cells].map(c => c.textContent))")

    def number(self) -> int:
        """The number of the picture that is shown: it grows with each new one."""
        return int(self.panel.locator(".lambdalab-shown").get_attribute("data-number") or 0)

    def control(self, label: str) -> Locator:
        """The control with this label."""
        return self.panel.get_by_label(label, exact=True)

    def press(self, label: str, key: str = "ArrowRight", times: int = 1) -> None:
        """Focus a control, press a key, and wait until the kernel has answered."""
        number = self.number()
        self.control(label).focus()
        for _ in range(times):
            self.page.keyboard.press(key)
        wait_until(lambda: self.number() > number, f"the kernel answers {key} at {label}")

    def milliseconds(self, label: str, tries: int = 6) -> float:
        """From a key press on a slider to the new picture in the page, the best of some tries."""
        return min(self.presses(label, tries))

    def presses(self, label: str, count: int) -> list[float]:
        """As many key presses on a slider: milliseconds to the new picture for each."""
        self.control(label).focus()
        took = []
        for turn in range(count):
            self.page.evaluate(WATCH)
            self.page.keyboard.press("ArrowLeft" if turn % 2 else "ArrowRight")
            took.append(float(self.page.wait_for_function(TOOK).json_value()))
        return took

    def violations(self) -> list[str]:
        """What axe finds in the widget against WCAG 2.1 A and AA."""
        self.panel.evaluate("panel => { panel.id = 'looked-at'; }")
        found = Axe().run(self.page, context="#looked-at", options=RULES)
        return [
            f"{each['id']}: {each['nodes'][0]['html'][:120]}"
            for each in found.response["violations"]
        ]

    def violations_everywhere(self) -> list[str]:
        """What axe finds with the table open: light, dark, and as narrow as a phone."""
        self.panel.locator("summary").click()
        found = self.violations()
        with self.theme("dark"):
            found += self.violations()
        with self.narrow():
            found += self.violations()
        return found

    def guess(self, key: str) -> str:
        """Answer the question that comes first, by keyboard; returns what is said to that."""
        assert self.panel.locator(".lambdalab-shown").is_hidden()
        self.control("Your guess").focus()
        self.page.keyboard.press(key)
        self.panel.get_by_role("button", name="Show what happens").focus()
        self.page.keyboard.press("Enter")
        self.panel.locator(".lambdalab-picture svg").wait_for()
        return self.panel.locator(".lambdalab-answer").inner_text()

    def restart(self) -> None:
        """Restart the kernel and run the widget's cell again."""
        self.notebook.restart()
        self.notebook.run_cell("widget", 60)

    def stored_state(self) -> object:
        """The state of widgets that the notebook would be saved with; None if there is none."""
        return self.page.evaluate(METADATA).get("widgets")

    @contextmanager
    def theme(self, name: str) -> Iterator[None]:
        """Light or dark, and light again."""
        self._change(name)
        yield
        self._change("light")

    def _change(self, name: str) -> None:
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            THEMES[name],
        )
        light = str(name == "light").lower()
        self.page.locator(f"body[data-jp-theme-light='{light}']").wait_for(state="attached")
        # The change is covered by JupyterLab's splash for a while.
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    @contextmanager
    def narrow(self) -> Iterator[None]:
        """The width of a phone, and wide again; the file browser is out of the way."""
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        self.page.set_viewport_size(NARROW)
        yield
        self.page.set_viewport_size(WIDE)

    def shoot(self, name: str, folder: Path) -> list[Path]:
        """Store the widget light and dark, wide and narrow; returns the four files."""
        made = []
        folder.mkdir(parents=True, exist_ok=True)
        for theme in THEMES:
            with self.theme(theme):
                self.page.set_viewport_size(WIDE)
                made.append(self._shot(folder / f"{name}-{theme}-wide.png"))
                with self.narrow():
                    made.append(self._shot(folder / f"{name}-{theme}-narrow.png"))
        return made

    def _shot(self, path: Path) -> Path:
        self.notebook.show("widget")
        self.panel.screenshot(path=path)
        return path


def state(page: WidgetPage) -> dict[str, Any]:
    """Return what can change when a control moves: words, table, error."""
    error = page.panel.locator(".lambdalab-error").text_content()
    return {"verdict": page.verdict, "table": page.table(), "error": error}
