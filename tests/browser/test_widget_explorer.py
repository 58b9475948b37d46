"""The scaling explorer in a real JupyterLab, by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.jupyter import Notebook, Server, wait_until
from tests.browser.widget_page import LONGEST, WIDE, WidgetPage

pytestmark = pytest.mark.browser

SOURCE = "from lambdalab import widgets\n\npanel = widgets.scaling_explorer({})\npanel"
SLIDERS = (
    "Requests a second",
    "Burst, at each third",
    "Duration at one vCPU",
    "INIT",
    "Memory",
    "Share of work on CPU",
    "Provisioned",
    "Taken back after idle",
    "Time shown",
)


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[WidgetPage]:
    shown = Notebook(browser.new_page(viewport=WIDE), server)
    yield WidgetPage(shown).open(SOURCE.format("idle=10, burst=100"))
    shown.page.close()


@pytest.mark.parametrize("label", SLIDERS)
def test_every_slider_changes_the_text(page: WidgetPage, label: str) -> None:
    before = page.verdict, page.table()
    value = page.control(label).get_attribute("aria-valuetext")
    page.press(label)
    assert page.control(label).get_attribute("aria-valuetext") != value
    assert (page.verdict, page.table()) != before
    page.press(label, "ArrowLeft")
    assert (page.verdict, page.table()) == before


def test_the_reserve_throttles_and_counts_only_while_it_is_switched_on(page: WidgetPage) -> None:
    page.press("Burst, at each third", "End")
    without = page.verdict
    page.press("Reserve concurrency", "Space")
    page.press("Reserved", "ArrowRight")
    assert "ReservedFunctionConcurrentInvocationLimitExceeded" in page.verdict
    page.press("Reserve concurrency", "Space")
    assert page.verdict == without


def test_the_account_limit_throttles(page: WidgetPage) -> None:
    page.press("Account limit", "Home")
    assert "ConcurrentInvocationLimitExceeded" in page.verdict
    page.press("Account limit", "End")
    assert "ConcurrentInvocationLimitExceeded" not in page.verdict


def test_a_choice_is_made_by_keyboard(page: WidgetPage) -> None:
    before = page.verdict
    page.press("Durations are", "ArrowDown")
    assert page.verdict != before


def test_what_aws_refuses_is_told_in_its_words(page: WidgetPage) -> None:
    page.press("Account limit", "Home")
    page.press("Provisioned", "End")
    error = page.panel.get_by_role("alert")
    assert "Specified" in error.inner_text()
    page.press("Provisioned", "Home")
    assert error.is_hidden()
    page.press("Account limit", "End")


def test_a_held_key_ends_where_it_was_let_go(page: WidgetPage) -> None:
    page.press("Requests a second", "Home")
    page.press("Requests a second", "ArrowRight", times=5)
    page.press("Time shown", "Home")
    told = "5 /s"
    assert page.control("Requests a second").get_attribute("aria-valuetext") == told
    wait_until(lambda: 250 < int(page.verdict.split()[0].replace(",", "")) < 20_000, "5 a second")


def test_a_new_picture_comes_soon_after_the_key(page: WidgetPage) -> None:
    assert page.milliseconds("Requests a second") < LONGEST


def test_axe_finds_nothing_light_dark_or_narrow(page: WidgetPage) -> None:
    assert page.violations_everywhere() == []


def test_it_asks_for_a_guess_first(page: WidgetPage) -> None:
    page.open(SOURCE.format("predict='throttled', burst=2000"))
    answer = page.guess("Home")
    assert answer.startswith("Not quite: you guessed 0 %, it is ")
    assert page.violations() == []


def test_it_works_again_after_a_restart_and_leaves_no_state(page: WidgetPage) -> None:
    page.open(SOURCE.format(""))
    page.restart()
    page.press("Requests a second")
    assert page.stored_state() is None
