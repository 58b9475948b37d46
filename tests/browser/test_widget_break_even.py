"""The break-even explorer in a real JupyterLab, by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.jupyter import Notebook, Server
from tests.browser.widget_page import LONGEST, WIDE, WidgetPage

pytestmark = pytest.mark.browser

SOURCE = "from lambdalab import widgets\n\npanel = widgets.break_even_explorer({})\npanel"
SLIDERS = ("Requests a month", "Duration", "Instances at least", "Instances full to")


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[WidgetPage]:
    shown = Notebook(browser.new_page(viewport=WIDE), server)
    yield WidgetPage(shown).open(SOURCE.format(""))
    shown.page.close()


@pytest.mark.parametrize("label", [*SLIDERS, "Memory"])
def test_every_slider_changes_the_text(page: WidgetPage, label: str) -> None:
    before = page.verdict, page.table()
    value = page.control(label).get_attribute("aria-valuetext")
    page.press(label)
    assert page.control(label).get_attribute("aria-valuetext") != value
    assert page.verdict != before[0]
    assert page.table() != before[1] or label == "Memory"
    page.press(label, "ArrowLeft")
    assert (page.verdict, page.table()) == before


def test_instance_and_architecture_are_chosen_by_keyboard(page: WidgetPage) -> None:
    assert "1 t4g.small" in page.verdict
    before = page.table()
    page.press("Instance type", "End")
    assert "1 c7g.large" in page.verdict
    page.press("Instance type", "Home")
    assert "1 t3.micro" in page.verdict
    page.press("Lambda on", "Home")
    assert page.table() != before


def test_the_free_tier_is_switched_off_by_keyboard(page: WidgetPage) -> None:
    before = page.verdict
    page.press("Lambda's free tier", "Space")
    assert page.verdict != before
    page.press("Lambda's free tier", "Space")
    assert page.verdict == before


def test_what_does_not_fit_is_told_and_the_last_picture_stays(page: WidgetPage) -> None:
    page.open(SOURCE.format(""))
    before = page.verdict
    page.press("Memory", "End")
    told = page.panel.get_by_role("alert").inner_text()
    assert told.startswith("a function of 10,240 MB")
    assert page.verdict == before
    page.press("Memory", "Home")
    assert page.panel.get_by_role("alert").is_hidden()


def test_a_new_picture_comes_soon_after_the_key(page: WidgetPage) -> None:
    assert page.milliseconds("Requests a month", tries=16) < LONGEST


def test_axe_finds_nothing_light_dark_or_narrow(page: WidgetPage) -> None:
    assert page.violations_everywhere() == []


def test_it_asks_for_a_guess_first(page: WidgetPage) -> None:
    page.open(SOURCE.format("predict='cheaper', requests=1000"))
    answer = page.guess("ArrowDown")
    assert answer == "Not quite: you guessed EC2 instances, it is Lambda."


def test_it_works_again_after_a_restart(page: WidgetPage) -> None:
    page.open(SOURCE.format(""))
    page.restart()
    before = page.verdict
    page.press("Duration")
    assert page.verdict != before
