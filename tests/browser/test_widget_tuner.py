"""The memory tuner in a real JupyterLab, by keyboard: real functions, measured in the page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.jupyter import Notebook, Server, wait_until
from tests.browser.widget_page import LONGEST, WIDE, WidgetPage

pytestmark = pytest.mark.browser

SETUP = '''
from lambdalab import start, widgets
from lambdalab.learning.deploy import deploy

CODE = """
import time
def handler(event, context):
    end = time.process_time() + event["seconds"]
    while time.process_time() < end:
        pass
"""
lab = start()
for name in ("busy", "other"):
    deploy(lab, name, lab.zip({"app.py": CODE}), Handler="app.handler", Timeout=60)
measured = widgets.tuning(lab, "busy", {"seconds": 0.01}, sizes=(128, 512, 1769), runs=1)
'''
SOURCE = "panel = widgets.memory_tuner(lab, {})\npanel"
MEASURED = "measured=measured"
FRESH = "'other', {'seconds': 0.01}, sizes=(128, 1769), runs=1"


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[WidgetPage]:
    shown = Notebook(browser.new_page(viewport=WIDE), server)
    yield WidgetPage(shown).open(SOURCE.format(MEASURED), SETUP)
    shown.page.close()


def test_the_curve_that_was_measured_shows(page: WidgetPage) -> None:
    assert [row[0] for row in page.table()] == ["Memory (MB)", "128", "512", "1,769"]
    assert page.verdict.startswith("Cheapest")


@pytest.mark.parametrize("label", ["Requests a month", "Runs at each"])
def test_every_slider_changes_the_text(page: WidgetPage, label: str) -> None:
    before = page.verdict
    value = page.control(label).get_attribute("aria-valuetext")
    page.press(label)
    assert page.control(label).get_attribute("aria-valuetext") != value
    assert page.verdict != before
    page.press(label, "ArrowLeft")
    assert page.verdict == before


def test_the_price_outweighs_the_time_or_not(page: WidgetPage) -> None:
    def marks() -> dict[str, str]:
        return {row[-1]: row[0] for row in page.table()[1:] if row[-1]}

    page.press("Weight of the price", "Home")
    assert any("balanced" in mark and "fastest" in mark for mark in marks())
    page.press("Weight of the price", "End")
    assert any("cheapest" in mark and "balanced" in mark for mark in marks())


def test_what_is_chosen_changes_the_text(page: WidgetPage) -> None:
    page.press("Price on", "End")
    assert "on arm64" in page.verdict
    page.press("Price on", "Home")
    assert "on x86_64" in page.verdict
    page.press("Free tier taken off", "Space")
    assert "after the free tier" in page.verdict
    page.press("Memory sizes", "End")
    assert "10,240 MB." in page.verdict
    page.press("Function", "End")
    assert page.verdict.startswith("Nothing is measured yet. To be measured: other")
    page.press("Function", "Home")
    assert page.verdict.startswith("Cheapest")


def test_a_new_picture_comes_soon_after_the_key(page: WidgetPage) -> None:
    assert page.milliseconds("Requests a month", tries=16) < LONGEST


def test_axe_finds_nothing_light_dark_or_narrow(page: WidgetPage) -> None:
    assert page.violations_everywhere() == []


def test_the_button_measures_here(page: WidgetPage) -> None:
    page.open(SOURCE.format(FRESH), SETUP)
    assert page.verdict.startswith("Nothing is measured yet.")
    assert page.violations() == []
    page.panel.get_by_role("button", name="Measure").focus()
    page.page.keyboard.press("Enter")
    page.panel.get_by_role("button", name="Stop").wait_for()
    wait_until(lambda: page.verdict.startswith("Cheapest"), "sizes are measured", 60)
    wait_until(lambda: len(page.table()) == 3, "both of them", 60)
    page.panel.locator(".lambdalab-busy").wait_for(state="hidden")
    assert [row[0] for row in page.table()] == ["Memory (MB)", "128", "1,769"]


def test_a_measurement_is_stopped_by_keyboard(page: WidgetPage) -> None:
    before = page.table()
    page.press("Runs at each", "End")
    page.panel.get_by_role("button", name="Measure").focus()
    page.page.keyboard.press("Enter")
    page.panel.get_by_role("button", name="Stop").focus()
    page.page.keyboard.press("Enter")
    page.panel.locator(".lambdalab-busy").wait_for(state="hidden")
    assert page.table() == before


def test_it_asks_for_a_guess_first(page: WidgetPage) -> None:
    page.open(SOURCE.format(MEASURED + ", predict='fastest'"), SETUP)
    answer = page.guess("End")
    assert "you guessed 1,769 MB" in answer


def test_it_works_again_after_a_restart(page: WidgetPage) -> None:
    page.open(SOURCE.format(MEASURED), SETUP)
    page.notebook.restart()
    page.notebook.run_cell("setup", 120)
    page.notebook.run_cell("widget", 60)
    page.press("Price on", "End")
    assert "on arm64" in page.verdict
