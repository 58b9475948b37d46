"""The environment theatre in a real JupyterLab: played, stepped and scrubbed with the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lambdalab.simulator import Bursts, Exponential, Function, Policy, Result, simulate
from lambdalab.widgets.theatre.replays import Replay, replay
from tests.browser.jupyter import RESULTS, Notebook, wait_until
from tests.browser.widget_page import THEMES, WidgetPage
from tests.engine import RUNTIME

pytestmark = pytest.mark.browser

SETUP = """from lambdalab.simulator import Bursts, Exponential, Function, Policy, simulate
from lambdalab.widgets import environment_theatre

run = simulate(
    Bursts(4, every=8, seconds=24, rate=0.7, spread=0.3),
    Function(Exponential(0.6), init=0.5, timeout=2, name="orders"),
    Policy(account=5, floor=0, provisioned=1, idle=(4, 9)), seed=3,
)
other = simulate(Bursts(2, every=9, seconds=24), Function(0.4, name="mails"), seed=1)
theatre = environment_theatre(run.timeline() + other.timeline(), predict=PREDICT)"""
BLOCKED = """() => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const code = "import threading\\nthreading.Event().wait()";
  window.lambdalabBlocked = kernel.requestExecute({code});
  window.lambdalabFree = false;
  window.lambdalabBlocked.done.finally(() => { window.lambdalabFree = true; });
}"""
STATUS = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
INTERRUPT = """async () => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  await kernel.interrupt();
  await window.lambdalabBlocked.done;
}"""
ASK = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  let text = '';
  const asked = kernel.requestExecute({code});
  asked.onIOPub = (message) => {
    if (message.content.data) text = message.content.data['text/plain'];
  };
  await asked.done;
  return text;
}"""
# From a key press until the browser has drawn the moment that it led to.
WATCH = """() => {
  const clock = document.querySelector('.lambdalab-clock');
  window.lambdalabTook = null;
  let began = null;
  document.addEventListener('keydown', () => { began = performance.now(); },
    {once: true, capture: true});
  const watcher = new MutationObserver(() => {
    watcher.disconnect();
    requestAnimationFrame(() => { window.lambdalabTook = performance.now() - began; });
  });
  watcher.observe(clock, {childList: true, characterData: true, subtree: true});
}"""


def orders() -> Result:
    """The same run as in ``SETUP``."""
    return simulate(
        Bursts(4, every=8, seconds=24, rate=0.7, spread=0.3),
        Function(Exponential(0.6), init=0.5, timeout=2, name="orders"),
        Policy(account=5, floor=0, provisioned=1, idle=(4, 9)),
        seed=3,
    )


class Theatre(WidgetPage):
    """The theatre on a page."""

    def start(self, predict: str | None = None) -> Theatre:
        self.open("theatre", SETUP.replace("PREDICT", repr(predict)))
        return self

    @contextmanager
    def blocked(self) -> Iterator[None]:
        """Meanwhile the kernel is busy."""
        self.page.evaluate(BLOCKED)
        wait_until(lambda: self.page.evaluate(STATUS) == "busy", "the kernel is busy")
        try:
            yield
            assert not self.page.evaluate("() => window.lambdalabFree")
        finally:
            self.page.evaluate(INTERRUPT)

    def press_button(self, name: str, times: int = 1) -> None:
        self.panel.get_by_role("button", name=name, exact=True).focus()
        for _ in range(times):
            self.page.keyboard.press("Enter")

    @property
    def now(self) -> str:
        """What the line of words tells, with its time."""
        clock = self.panel.locator(".lambdalab-clock").inner_text()
        return f"{clock}: {self.panel.locator('.lambdalab-now').inner_text()}"

    @property
    def seconds(self) -> float:
        return float(self.panel.locator(".lambdalab-clock").inner_text().removesuffix(" s"))

    @property
    def spoken(self) -> str:
        """What a screen reader is told."""
        return self.panel.locator(".lambdalab-aside").text_content() or ""

    def states(self) -> list[list[str]]:
        """The rows of the table of states."""
        rows = self.panel.locator(".lambdalab-states tbody tr")
        return rows.evaluate_all("rows => rows.map(row => [...row.cells].map(c => c.textContent))")

    def lanes(self) -> list[str]:
        """What stands beside each lane: its state."""
        return self.panel.locator(".lambdalab-lane-state").all_inner_texts()


@pytest.fixture
def page(notebook: Notebook) -> Theatre:
    return Theatre(notebook)


def expected(run: Replay, after: float) -> list[list[str]]:
    table = run.at(after=after).table()
    return [[str(cell) for cell in row] for row in zip(*table.values(), strict=True)]


def test_every_control_moves_by_keyboard_and_the_words_follow(page: Theatre) -> None:
    page.start()
    page.press("Function", "ArrowDown")
    run = replay(orders())
    assert page.verdict == run.verdict
    times = [one.time for one in run.happenings]
    assert page.now == run.at(after=0).text
    for index, time in enumerate(times[1:8], 1):
        page.press_button("Next")
        assert page.now == run.at(after=time).text == f"{time:.3f} s: {run.happenings[index].text}"
        assert page.states() == expected(run, time)
        assert page.lanes() == [state.state for state in run.at(after=time).states]
    page.press_button("Previous", 3)
    assert page.now == run.at(after=times[4]).text
    wait_until(lambda: page.spoken == page.now, "the moment is read aloud")

    page.control("Moment").focus()
    before = page.seconds
    page.page.keyboard.press("PageUp")
    assert page.seconds > before
    page.page.keyboard.press("ArrowLeft")
    assert page.states() == expected(run, page.seconds)
    page.page.keyboard.press("End")
    assert page.now == run.at(after=run.scale.knots[-1][0]).text
    page.page.keyboard.press("Home")
    assert page.seconds == 0

    page.control("Speed").focus()
    page.page.keyboard.press("f")  # the option that begins with it
    assert page.control("Speed").input_value() == "5"
    page.press("Function", "ArrowDown")
    assert "mails" in page.panel.locator(".lambdalab-states").text_content()
    assert "orders" not in page.panel.locator(".lambdalab-states").text_content()
    assert page.seconds == 0
    told = "{'function': 'mails', 'time': 0.0, 'speed': '5'}"
    wait_until(
        lambda: page.page.evaluate(ASK, "theatre.values") == told,
        "the kernel is told where it rests",
    )
    page.page.evaluate(ASK, "moved = theatre.set(time=0.1, speed='60')")
    wait_until(lambda: page.seconds == 0.1, "the page follows the kernel")
    assert page.control("Speed").input_value() == "60"
    assert page.lanes() == ["INIT", "INIT"]


def test_it_plays_while_the_kernel_is_busy_and_does_not_chatter(page: Theatre) -> None:
    page.start()
    page.control("Speed").focus()
    page.page.keyboard.press("f")
    with page.blocked():
        page.press_button("Play")
        wait_until(lambda: page.seconds > 1, "it plays")
        assert page.spoken == ""
        page.press_button("Pause")
        stands = page.seconds
        wait_until(lambda: page.spoken == page.now, "the moment is read aloud")
        assert page.seconds == stands
        page.press_button("Play")
        wait_until(lambda: page.panel.get_by_role("button", name="Play").count(), "it is over")
        assert page.seconds >= orders().end.max()
        page.press_button("Play")
        wait_until(lambda: 0 < page.seconds < stands, "it begins again")
        page.press_button("Pause")
    told = "abs(theatre.time - {:.3f}) < 0.001"
    wait_until(
        lambda: page.page.evaluate(ASK, told.format(page.seconds)) == "True", "the kernel is told"
    )


def test_it_is_accessible_light_and_dark_wide_and_narrow(page: Theatre) -> None:
    page.start()
    page.press_button("Next", 12)
    for summary in page.panel.locator("summary").all():
        summary.press("Enter")
    for theme in THEMES:
        with page.theme(theme):
            assert page.violations() == []
            with page.narrow():
                assert page.violations() == []
                strip = page.panel.locator(".lambdalab-strip").first.bounding_box()
                whole = page.panel.bounding_box()
                assert strip["x"] >= whole["x"]
                assert strip["x"] + strip["width"] <= whole["x"] + whole["width"] + 1
    page.control("Moment").focus()
    took = []
    for turn in range(6):
        page.page.evaluate(WATCH)
        page.page.keyboard.press("PageDown" if turn % 2 else "PageUp")
        took.append(page.page.wait_for_function("() => window.lambdalabTook").json_value())
    assert min(took) < 300
    page.shoot("theatre", RESULTS)


def test_it_asks_first_and_comes_back_after_a_restart(page: Theatre) -> None:
    page.start("together")
    picture = page.panel.locator(".lambdalab-lanes")
    assert not picture.is_visible()
    assert "run together at most" in page.panel.inner_text()
    page.control("Your guess").focus()
    page.page.keyboard.press("Home")
    page.press_button("Show what happens")
    picture.wait_for()
    assert "Not quite: you guessed 0, it is 5." in page.panel.inner_text()
    page.notebook.restart()
    page.notebook.run_all()
    assert page.notebook.errors() == []
    page.panel.wait_for()
    assert "run together at most" in page.panel.inner_text()


def test_whoever_wants_no_motion_sees_moment_after_moment(page: Theatre) -> None:
    page.page.emulate_media(reduced_motion="reduce")
    page.open("environment_theatre(lab)", REAL)
    assert "1 invocation in 1 environment, 1 cold start" in page.verdict
    page.page.evaluate(SEEN)
    page.control("Speed").focus()
    page.page.keyboard.press("f")
    page.press_button("Play")
    wait_until(lambda: page.panel.get_by_role("button", name="Play").count(), "it is over")
    assert set(page.lanes()) == {"frozen"}
    seen = page.page.evaluate("() => new Set(window.lambdalabSeen).size")
    assert seen <= 6  # as many as happen, not as many as are drawn in a second
    page.page.evaluate(ASK, "lam.invoke(FunctionName='f')")
    page.press_button("Take in what has happened since")
    wait_until(lambda: "2 invocations in 1 environment" in page.verdict, "the second is taken in")


REAL = f"""from lambdalab import start
from lambdalab.widgets import environment_theatre

lab = start()
lam = lab.client("lambda")

def handler(event, context):
    return event

lam.create_function(
    FunctionName="f", Runtime="{RUNTIME}", Handler="lambda_function.handler", Role=lab.role(),
    Code={{"ZipFile": lab.zip(handler)}},
)
lam.get_waiter("function_active_v2").wait(FunctionName="f")
answer = lam.invoke(FunctionName="f")"""
SEEN = """() => {
  window.lambdalabSeen = [];
  const clock = document.querySelector('.lambdalab-clock');
  new MutationObserver(() => window.lambdalabSeen.push(clock.textContent))
    .observe(clock, {childList: true, characterData: true, subtree: true});
}"""
