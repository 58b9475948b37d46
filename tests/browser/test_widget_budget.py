"""The concurrency budget in a real JupyterLab, by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from lambdalab import facts
from tests.browser.jupyter import Notebook, Server, wait_until
from tests.browser.widget_page import LONGEST, WIDE, WidgetPage
from tests.engine import RUNTIME

pytestmark = pytest.mark.browser

SOURCE = "from lambdalab import widgets\n\npanel = widgets.concurrency_budget({})\npanel"
SLIDERS = (
    "orders: reserved",
    "orders: provisioned",
    "reports: reserved",
    "reports: provisioned",
    "mail: provisioned",
)
RESERVE_FLOOR = facts.message("concurrency.reserve-breaks-floor")
BELOW_PROVISIONED = facts.message("concurrency.reserved-below-provisioned")
LAB = f"""
from lambdalab import start

lab = start(export=False, concurrency=20, unreserved_floor=3)
lam = lab.client("lambda")
for name in ("orders", "mail"):
    lam.create_function(
        FunctionName=name, Runtime="{RUNTIME}", Handler="a.b", Role=lab.role(), Publish=True,
        Code={{"ZipFile": lab.zip({{"a.py": "def b(event, context): pass"}})}},
    )
"""


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[WidgetPage]:
    shown = Notebook(browser.new_page(viewport=WIDE), server)
    yield WidgetPage(shown).open(SOURCE.format(""))
    shown.page.close()


def stands_at(page: WidgetPage, label: str, text: str) -> None:
    """Wait until a slider stands there: what was refused is put back after the answer."""
    control = page.control(label)
    wait_until(lambda: control.get_attribute("aria-valuetext") == text, f"{label} is {text}")


def shares(page: WidgetPage) -> dict[str, list[str]]:
    """Of each function, what it reserves and what is provisioned for it."""
    return {row[0]: row[1:3] for row in page.table()[1:]}


@pytest.mark.parametrize("label", SLIDERS)
def test_every_slider_changes_the_text(page: WidgetPage, label: str) -> None:
    before = page.verdict, page.table()
    page.press(label)
    assert page.verdict != before[0]
    assert page.table() != before[1]
    page.press(label, "ArrowLeft")
    assert (page.verdict, page.table()) == before


@pytest.mark.parametrize("name", ["orders", "reports"])
def test_a_reserve_is_given_up_and_taken_again_with_the_space_bar(
    page: WidgetPage, name: str
) -> None:
    before = page.table()
    reserved, provisioned = shares(page)[name]
    page.press(f"{name}: reserve", "Space")
    assert shares(page)[name] == ["none", provisioned]
    page.press(f"{name}: reserve", "Space")
    assert shares(page)[name] == [provisioned, provisioned]
    stands_at(page, f"{name}: reserved", provisioned)
    steps = (int(reserved) - int(provisioned)) // 10
    page.press(f"{name}: reserved", "ArrowRight", times=steps)
    wait_until(lambda: page.table() == before, "all keys are answered")


def test_who_moves_the_slider_reserves(page: WidgetPage) -> None:
    switch = page.control("mail: reserve")
    assert not switch.is_checked()
    page.press("mail: reserved", "ArrowRight", times=4)
    wait_until(lambda: shares(page)["mail"] == ["90", "50"], "four steps are reserved")
    wait_until(switch.is_checked, "the switch follows")
    page.press("mail: reserve", "Space")
    assert shares(page)["mail"] == ["none", "50"]


def test_what_aws_refuses_is_told_in_its_words_and_moves_nothing(page: WidgetPage) -> None:
    before = page.verdict
    page.press("reports: reserved", "End")
    error = page.panel.get_by_role("alert")
    wait_until(lambda: error.text_content() == RESERVE_FLOOR.format(minimum=100), "AWS's words")
    stands_at(page, "reports: reserved", "50")
    assert page.verdict == before
    page.press("mail: reserved", "Home")
    wait_until(
        lambda: error.text_content() == BELOW_PROVISIONED.format(reserved=0, provisioned=50),
        "AWS's words",
    )
    stands_at(page, "mail: reserved", "50")
    page.press("reports: reserved")
    assert error.is_hidden()
    page.press("reports: reserved", "ArrowLeft")
    assert page.verdict == before


def test_a_held_key_ends_where_the_account_stands(page: WidgetPage) -> None:
    error = page.panel.get_by_role("alert")
    page.press("reports: reserved", "ArrowRight", times=60)
    wait_until(error.is_visible, "AWS refuses")
    # However many steps the page asked for together: the slider shows what was granted.
    slider = page.control("reports: reserved")
    wait_until(
        lambda: shares(page)["reports"] == [slider.get_attribute("aria-valuetext"), "0"],
        "the slider is put back",
    )
    assert int(shares(page)["reports"][0]) <= 450
    page.press("reports: reserved", "Home")
    wait_until(lambda: "reports is stopped" in page.verdict, "a reserve of 0")
    page.press("reports: reserved", "ArrowRight", times=5)
    wait_until(lambda: shares(page)["reports"] == ["50", "0"], "as before")
    assert error.is_hidden()


def test_the_account_has_another_limit(page: WidgetPage) -> None:
    page.press("Account limit", "End")
    assert "of the account's 5,000" in page.verdict
    page.press("Account limit", "Home")
    assert page.panel.get_by_role("alert").inner_text().startswith("functions claim 500, and 10")
    assert "of the account's 5,000" in page.verdict
    wait_until(lambda: page.control("Account limit").input_value() == "5000", "it is put back")
    page.press("Account limit", "ArrowUp")
    assert "of the account's 1,000" in page.verdict


def test_a_new_picture_comes_soon_after_the_key(page: WidgetPage) -> None:
    assert page.milliseconds("orders: reserved", tries=20) < LONGEST


def test_axe_finds_nothing_light_dark_or_narrow(page: WidgetPage) -> None:
    page.press("reports: reserved", "End")
    assert page.violations_everywhere() == []


def test_in_a_lab_every_control_calls_it(page: WidgetPage) -> None:
    page.open(SOURCE.format("lab=lab, floor=3"), LAB)
    page.press("orders: reserved", "ArrowRight", times=9)
    wait_until(lambda: shares(page)["orders"] == ["9", "0"], "nine are reserved")
    page.press("orders: provisioned", "End")
    error = page.panel.get_by_role("alert")
    told = facts.message("concurrency.provisioned-above-reserved").text
    assert error.inner_text().endswith(f"PutProvisionedConcurrencyConfig operation: {told}")
    stands_at(page, "orders: provisioned", "0")
    page.press("mail: provisioned")
    assert shares(page) == {
        "mail": ["none", "1"],
        "orders": ["9", "0"],
        "all other functions": ["none", "0"],
        "cannot be claimed": ["", ""],
    }
    page.press("mail: reserve", "Space")
    page.press("orders: reserve", "Space")
    assert shares(page)["mail"] == ["1", "1"]
    assert shares(page)["orders"] == ["none", "0"]
    assert page.violations() == []


def test_it_asks_for_a_guess_first(page: WidgetPage) -> None:
    page.open(SOURCE.format("predict='claimable'"))
    answer = page.guess("Home")
    assert answer == "Not quite: you guessed 0, it is 400."
    assert page.violations() == []


def test_it_works_again_after_a_restart_and_leaves_no_state(page: WidgetPage) -> None:
    page.open(SOURCE.format(""))
    page.restart()
    page.press("orders: reserved")
    assert page.stored_state() is None
