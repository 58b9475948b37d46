"""The real JupyterLab in a real browser: a server of its own, and a page used as learners do."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "test-results"
LEARNER_FOLDERS = ("notebooks", "labs", "solutions")

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome",
    "msedge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
HOW_TO_GET_A_BROWSER = (
    "no Chromium found: apt-get install chromium, brew install --cask chromium, "
    "or winget install Hibbiki.Chromium"
)

# What tests install beside what a learner gets stays off, and the question whether to fetch news
# would cover what a test looks at.
LAB_CONFIG = {
    "default_setting_overrides": {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}
    },
    "page_config": {
        "disabledExtensions": {"@jupyter/nbgrader": True, "@jupyter-notebook/lab-extension": True}
    },
}

# Clicking while the toolbar says idle can run nothing at all: the session is ready later.
READY = """path => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const session = panel?.sessionContext;
  return panel?.context?.path === path && panel.context.isReady && session?.isReady
    && session.session?.kernel?.connectionStatus === 'connected'
    && session.session.kernel.status === 'idle';
}"""
RUN = """command => {
  window.lambdalabDone = false;
  window.jupyterapp.commands.execute(command).finally(() => { window.lambdalabDone = true; });
}"""
DONE = """() => window.lambdalabDone
  && window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"""
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells"
SHOW = """id => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.id === id);
  return notebook.scrollToItem(notebook.activeCellIndex, 'start');
}"""


def find_browser() -> str | None:
    """Return the path of a Chromium-like browser on this machine."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 180) -> Any:
    """Return the first true value of `condition`; fail with `what` when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s: {what}"
        time.sleep(0.02)
    return value


@dataclass(frozen=True)
class Server:
    """A running JupyterLab whose root folder holds copies of what a learner gets."""

    url: str
    token: str
    root: Path
    process: psutil.Process

    def clouds(self) -> list[psutil.Process]:
        """Return the lab's clouds that kernels of this server started and that still run."""
        return [child for child in self.process.children(recursive=True) if is_cloud(child)]


def is_cloud(process: psutil.Process) -> bool:
    try:
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and "lambdalab.cloud" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


@contextmanager
def jupyter_server(scratch: Path) -> Iterator[Server]:
    """Run JupyterLab below `scratch`: nothing of the user's settings is read or written."""
    root, runtime = scratch / "root", scratch / "runtime"
    for folder in LEARNER_FOLDERS:
        source = ROOT / folder
        (root / folder).mkdir(parents=True)
        if source.is_dir():
            shutil.copytree(source, root / folder, dirs_exist_ok=True)
    config = scratch / "config" / "labconfig"
    config.mkdir(parents=True)
    for name, value in LAB_CONFIG.items():
        (config / f"{name}.json").write_text(json.dumps(value))
    token = secrets.token_hex()
    with (scratch / "jupyter.log").open("wb") as log:
        process = subprocess.Popen(
            _command(root, token), env=_environment(scratch), stdout=log, stderr=log
        )
    try:
        settings = runtime / f"jpserver-{process.pid}.json"
        wait_until(lambda: settings.is_file() or process.poll() is not None, "JupyterLab starts")
        assert process.poll() is None, (scratch / "jupyter.log").read_text()
        url = wait_until(lambda: _url(settings), "JupyterLab says where it listens")
        yield Server(url, token, root, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(30)


def _command(root: Path, token: str) -> list[str]:
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser"),
        *("--ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={root}"),
        *(f"--IdentityProvider.token={token}", "--allow-root"),
    ]


def _environment(scratch: Path) -> dict[str, str]:
    places = {
        "HOME": "home",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "LAMBDALAB_HOME": "lambdalab",
    }
    return os.environ | {name: str(scratch / folder) for name, folder in places.items()}


def _url(settings: Path) -> str | None:
    try:
        return str(json.loads(settings.read_text())["url"])
    except ValueError:  # half written
        return None


@contextmanager
def chromium(executable: str) -> Iterator[Browser]:
    """Start the browser at `executable` without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Notebook:
    """One browser page that shows one notebook."""

    page: Page
    server: Server
    strangers: list[str] = field(default_factory=list)
    """Addresses that the page asked for and that are not this machine's."""

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme.startswith(("http", "ws")) and parts.hostname != "127.0.0.1":
            self.strangers.append(url)

    def open(self, path: str) -> None:
        """Open the notebook at `path` below the server's root and wait for its kernel."""
        self.page.goto(f"{self.server.url}lab/tree/{path}?reset&token={self.server.token}")
        self.page.wait_for_function(READY, arg=path, timeout=180_000)

    def run_all(self, seconds: float = 400) -> None:
        """Run all cells and wait until the kernel has answered them."""
        self._run("notebook:run-all-cells", seconds)

    def run_cell(self, cell_id: str, seconds: float = 180) -> None:
        """Run one cell and wait until the kernel has answered it."""
        self.show(cell_id)
        self._run("notebook:run-cell", seconds)

    def restart(self) -> None:
        """Restart the kernel through JupyterLab's own dialogue."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:restart'); }")
        self.page.locator(".jp-Dialog button.jp-mod-warn").click()
        path = self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
        self.page.locator(".jp-Dialog").wait_for(state="detached")
        self.page.wait_for_function(READY, arg=path, timeout=180_000)

    def cells(self) -> list[dict[str, Any]]:
        """Return the cells as they would be saved now."""
        return self.page.evaluate(CELLS)

    def errors(self) -> list[str]:
        """Return the error outputs of cells that are not tagged raises-exception."""
        return [
            f"{cell['id']}: {output['ename']}: {output['evalue']}"
            for cell in self.cells()
            if "raises-exception" not in cell["metadata"].get("tags", [])
            for output in cell.get("outputs", [])
            if output["output_type"] == "error"
        ]

    def text(self, cell_id: str) -> str:
        """Return the text that the outputs of a cell show."""
        self.show(cell_id)
        shown = self.output(cell_id).locator(".jp-OutputArea-output")
        return "\n".join(shown.all_inner_texts()).strip()

    def output(self, cell_id: str) -> Locator:
        """Return the output area of a cell."""
        return self._cell(cell_id).locator(".jp-Cell-outputArea")

    def type(self, cell_id: str, source: str) -> None:
        """Replace the source of a cell through its editor."""
        self.show(cell_id)
        self._cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(source)

    def show(self, cell_id: str) -> None:
        """Scroll to a cell and make it the active one: cells out of sight are not drawn."""
        self.page.evaluate(SHOW, cell_id)
        self._cell(cell_id).wait_for()

    def screenshot(self, name: str) -> Path:
        """Store what the page shows as ``test-results/NAME.png``."""
        path = RESULTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def _run(self, command: str, seconds: float) -> None:
        self.page.evaluate(RUN, command)
        self.page.wait_for_function(DONE, timeout=seconds * 1000)

    def _cell(self, cell_id: str) -> Locator:
        index = [cell["id"] for cell in self.cells()].index(cell_id)
        return self.page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{index}']")
