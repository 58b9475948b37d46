"""Take the README's picture again: ``python -m tests.browser.screenshots``."""

import sys
import tempfile
from pathlib import Path

from tests.browser import jupyter

WELCOME = "notebooks/00-welcome.ipynb"
PICTURE = jupyter.ROOT / "docs" / "welcome.png"
SIZE = {"width": 1280, "height": 900}


def main() -> int:
    """Run notebook 00 in a browser and store what shows around its timeline."""
    executable = jupyter.find_browser()
    if executable is None:
        sys.exit(jupyter.HOW_TO_GET_A_BROWSER)
    with (
        tempfile.TemporaryDirectory() as scratch,
        jupyter.jupyter_server(Path(scratch)) as server,
        jupyter.chromium(executable) as browser,
    ):
        notebook = jupyter.Notebook(browser.new_page(viewport=SIZE), server)
        notebook.open(WELCOME)
        notebook.run_all()
        notebook.show("timeline-table-intro")
        notebook.page.screenshot(path=PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
