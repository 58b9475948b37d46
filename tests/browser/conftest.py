"""One JupyterLab and one browser for each module of browser tests; a page of its own for each test.

They end with the module: while Playwright's browser is open, the thread has a running event loop,
and no other test could start one.
"""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import jupyter

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[jupyter.Server]:
    with jupyter.jupyter_server(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = jupyter.find_browser()
    if executable is None:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing(jupyter.HOW_TO_GET_A_BROWSER)
    with jupyter.chromium(executable) as browser:
        yield browser


@pytest.fixture
def notebook(
    browser: Browser, server: jupyter.Server, request: pytest.FixtureRequest
) -> Iterator[jupyter.Notebook]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    notebook = jupyter.Notebook(page, server)
    yield notebook
    if request.node.stash.get(FAILED, False):
        notebook.screenshot(request.node.name)
    page.close()
