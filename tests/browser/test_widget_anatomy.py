"""The anatomy of a cold start in a real JupyterLab, by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from lambdalab import facts
from tests.browser.jupyter import Notebook, Server, wait_until
from tests.browser.widget_page import LONGEST, WIDE, WidgetPage

pytestmark = pytest.mark.browser

SOURCE = "from lambdalab import widgets\n\npanel = widgets.cold_start_anatomy({})\npanel"
SMALL = "package_mb=1, layers=0, init_ms=0, handler_ms=0, memory=1769, times=1"
SLIDERS = ("Package (zip)", "Layers of 5 MB", "Init code", "Memory")


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[WidgetPage]:
    shown = Notebook(browser.new_page(viewport=WIDE), server)
    yield WidgetPage(shown).open(SOURCE.format(""))
    shown.page.close()


@pytest.mark.parametrize("label", SLIDERS)
def test_every_slider_changes_the_text(page: WidgetPage, label: str) -> None:
    before = page.verdict, page.table()
    value = page.control(label).get_attribute("aria-valuetext")
    page.press(label)
    assert page.control(label).get_attribute("aria-valuetext") != value
    assert page.verdict != before[0]
    assert page.table() != before[1]
    page.press(label, "ArrowLeft")
    assert (page.verdict, page.table()) == before


def test_the_language_is_chosen_by_keyboard(page: WidgetPage) -> None:
    assert "this Python function" in page.verdict
    page.press("Language", "End")
    assert "this Java function" in page.verdict
    page.press("Language", "Home")
    assert "this Python function" in page.verdict


def test_snapstart_restores(page: WidgetPage) -> None:
    page.press("SnapStart", "Space")
    assert "is the restore" in page.verdict
    page.press("SnapStart", "Space")
    assert "is the restore" not in page.verdict


def test_provisioned_is_ready_and_what_aws_refuses_is_told_in_its_words(page: WidgetPage) -> None:
    page.press("Provisioned", "Space")
    assert page.verdict.startswith("With provisioned concurrency the caller waits for the handler")
    page.press("SnapStart", "Space")
    error = page.panel.get_by_role("alert")
    assert error.inner_text() == facts.message("concurrency.provisioned-snapstart").text
    assert page.verdict.startswith("With provisioned concurrency")
    page.press("SnapStart", "Space")
    assert error.is_hidden()
    page.press("Provisioned", "Space")


def test_a_new_picture_comes_soon_after_the_key(page: WidgetPage) -> None:
    assert page.milliseconds("Init code") < LONGEST


def test_axe_finds_nothing_light_dark_or_narrow(page: WidgetPage) -> None:
    assert page.violations_everywhere() == []


def test_the_button_measures_here(page: WidgetPage) -> None:
    page.open(SOURCE.format(SMALL))
    assert "Measured here" not in page.verdict
    page.panel.get_by_role("button", name="Measure these settings here").focus()
    page.page.keyboard.press("Enter")
    page.panel.get_by_role("button", name="Stop").wait_for()
    wait_until(lambda: "Measured here in Python" in page.verdict, "real functions are measured", 90)
    times = [row[1] for row in page.table()[1:]]
    assert times == ["published"] * 3 + ["measured here"] * 3
    assert page.panel.locator(".lambdalab-busy").is_hidden()
    assert page.violations() == []


def test_it_asks_for_a_guess_first(page: WidgetPage) -> None:
    page.open(SOURCE.format("predict='part', init_ms=2000"))
    answer = page.guess("ArrowDown")
    told = "Not quite: you guessed start of the environment, it is function init."
    assert answer == told
    assert page.violations() == []


def test_it_works_again_after_a_restart_and_leaves_no_state(page: WidgetPage) -> None:
    page.open(SOURCE.format(""))
    page.restart()
    page.press("Init code")
    assert page.stored_state() is None
