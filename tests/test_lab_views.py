"""What a learner reads off a lab: timeline, lanes, picture, clock, log lines, role."""

from __future__ import annotations

import html
import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab import Lab
from lambdalab.lab.errors import ArgumentError
from lambdalab.lab.figures import figure_html
from lambdalab.lab.lanes import duration_text, spans
from lambdalab.lab.scale import Scale
from lambdalab.lab.tail import Tail
from lambdalab.lab.timeline_view import SHOWN, Timeline
from lambdalab.timeline import Record

T = 1_795_000_000.0
GOOD = {"status": "success", "cold": True, "memory_mb": 17}
STORY = [
    Record(T + 400, "invoke", "hello", "env-1", "r4", 0.003, {**GOOD, "cold": False}),
    Record(T - 1, "function", "hello", None, None, None, {"change": "created"}),
    Record(T, "init", "hello", "env-1", None, 0.1, {}),
    Record(T + 0.1, "invoke", "hello", "env-1", "r1", 0.05, GOOD),
    Record(T + 0.2, "throttle", "hello", None, "r9", None, {"reason": "limit <1>"}),
    Record(T + 500, "invoke", "other", "env-2", "r5", 1.0, {**GOOD, "status": "timeout"}),
    Record(T + 900, "end", "hello", "env-1", None, None, {"reason": "idle"}),
]


class Page(HTMLParser):
    """What a piece of HTML holds: each element with its attributes, and whether all are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def hello(make_function: Callable) -> str:
    return make_function("def handler(event, context):\n    print('hi', event)\n    return event\n")


# ---- the timeline of a lab


def test_the_timeline_tells_what_happened(lab: Lab, lam: Any, hello: str) -> None:
    lam.invoke(FunctionName=hello, Payload=b"1")
    lam.invoke(FunctionName=hello, Payload=b"2")
    seen = lab.timeline.of(hello)
    assert [record.kind for record in seen if record.kind in {"init", "invoke"}] == [
        "init",
        "invoke",
        "invoke",
    ]
    invokes = seen.kind("invoke")
    assert [record.detail["cold"] for record in invokes] == [True, False]
    assert all(isinstance(record, Record) for record in seen)
    assert len({record.environment for record in invokes}) == 1


def test_each_look_is_fresh_and_an_old_one_stays(lab: Lab, lam: Any, hello: str) -> None:
    before = lab.timeline
    length = len(before)
    lam.invoke(FunctionName=hello, Payload=b"1")
    assert len(lab.timeline) > length
    assert len(before) == length


def test_reset_empties_the_timeline(lab: Lab, lam: Any, hello: str) -> None:
    lam.invoke(FunctionName=hello, Payload=b"1")
    assert lab.timeline
    lab.reset()
    assert not lab.timeline


# ---- the timeline as a sequence, a table, a text


def test_records_are_in_the_order_of_their_times() -> None:
    timeline = Timeline(STORY)
    assert [record.time for record in timeline] == sorted(record.time for record in STORY)
    assert timeline[-1].kind == "end"
    assert [record.kind for record in timeline[:2]] == ["function", "init"]
    assert isinstance(timeline[1:], Timeline)
    assert STORY[0] in timeline


def test_filters_can_be_joined() -> None:
    timeline = Timeline(STORY)
    assert [record.request_id for record in timeline.of("hello").kind("invoke")] == ["r1", "r4"]
    assert {record.kind for record in timeline.kind("init", "end")} == {"init", "end"}
    assert len(timeline.of("nobody")) == 0


def test_the_table_suits_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(Timeline(STORY).table())
    assert list(frame.columns) == list(Record._fields)
    assert len(frame) == len(STORY)
    assert frame["time"].iloc[-1] == pandas.Timestamp(T + 900, unit="s", tz="UTC")
    assert frame["duration"].max() == 1.0


def test_the_html_is_an_accessible_table() -> None:
    page = Page(Timeline(STORY)._repr_html_())
    assert len(page.all("caption")) == 1
    assert all(head["scope"] in {"col", "row"} for head in page.all("th"))
    assert len([head for head in page.all("th") if head["scope"] == "row"]) == len(STORY)
    assert "limit <1>" in page.texts


def test_the_text_says_the_same() -> None:
    lines = repr(Timeline(STORY)).splitlines()
    assert len(lines) == len(STORY) + 1
    assert lines[0].split()[:2] == ["Time", "(UTC)"]
    assert "timeout, cold start, 17 MB used" in lines[-2]
    assert lines[-1].endswith("idle")
    assert lines[2].startswith("2026-11-18 11:06:40.000  init")


@pytest.mark.parametrize("more", [0, 7])
def test_at_most_fifty_rows_are_shown_the_newest(more: int) -> None:
    timeline = Timeline(
        Record(T + n, "invoke", f"f-{n}", "env-1", "r", 0.1, GOOD) for n in range(SHOWN + more)
    )
    note = f"{more} earlier records are not shown"
    rows = [head for head in Page(timeline._repr_html_()).all("th") if head["scope"] == "row"]
    assert len(rows) == SHOWN
    assert (note in timeline._repr_html_()) == (note in repr(timeline)) == bool(more)
    assert f"f-{SHOWN + more - 1} " in repr(timeline)
    assert f"f-{more} " in repr(timeline)


def test_an_empty_timeline_says_so() -> None:
    assert repr(Timeline([])) == "(nothing has happened yet)"
    assert "Nothing has happened yet" in Timeline([])._repr_html_()
    assert Timeline([]).data() == []
    assert "No execution environment" in Timeline([]).picture()._repr_html_()


# ---- lanes


def lane(environment: str) -> list[tuple[str, float, float]]:
    found = [span for span in spans(Timeline(STORY)) if span.environment == environment]
    return [(span.kind, round(span.start - T, 3), round(span.end - T, 3)) for span in found]


def test_a_lane_tells_what_an_environment_did_and_when_it_was_frozen() -> None:
    assert lane("env-1") == [
        ("init", 0, 0.1),
        ("invoke", 0.1, 0.15),
        ("frozen", 0.15, 400),
        ("invoke", 400, 400.003),
        ("frozen", 400.003, 900),
        ("end", 900, 900),
    ]


def test_a_failed_invoke_is_told_apart_and_a_lane_without_end_stays_frozen() -> None:
    assert lane("env-2") == [("failed", 500, 501), ("frozen", 501, 900)]
    failed = next(span for span in spans(Timeline(STORY)) if span.kind == "failed")
    assert (failed.label, failed.seconds) == ("timeout", 1.0)


def test_an_init_inside_an_invoke_has_its_own_place_before_the_rest_of_it() -> None:
    again = {"status": "success", "phase": "invoke"}
    story = [
        Record(T, "invoke", "f", "env-1", "r1", 1.0, GOOD),
        Record(T + 5, "invoke", "f", "env-1", "r2", 0.5, GOOD),
        Record(T + 5.1, "init", "f", "env-1", None, 0.3, again),
    ]
    found = [(span.kind, round(span.start - T, 3), round(span.end - T, 3)) for span in spans(story)]
    assert found == [("invoke", 0, 1), ("frozen", 1, 5.1), ("init", 5.1, 5.4), ("invoke", 5.4, 5.5)]


def test_a_throttled_invoke_has_a_lane_of_its_own() -> None:
    assert lane("refused") == [("throttle", 0.2, 0.2)]


def test_an_environment_that_ended_is_frozen_no_more() -> None:
    last = [span for span in spans(Timeline(STORY)) if span.environment == "env-1"][-1]
    assert (last.kind, last.label) == ("end", "idle")


def test_data_is_the_same_from_the_timeline_and_the_picture() -> None:
    timeline = Timeline(STORY)
    assert timeline.data() == timeline.picture().data() == spans(timeline)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0.4 ms"),
        (0.0452, "45.2 ms"),
        (0.9996, "1 s"),
        (1.25, "1.25 s"),
        (59.97, "1 min"),
        (390, "6 min 30 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (90_000, "1 d 1 h"),
        (86_400 + 5, "1 d"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


stretches = st.lists(
    st.tuples(st.floats(0, 1e7), st.floats(0, 1e4)).map(lambda pair: (pair[0], sum(pair))),
    min_size=1,
    max_size=30,
)


@settings(database=None, deadline=None)  # the tree may be read-only, the machine busy
@given(stretches)
def test_the_time_axis_keeps_the_order_and_cuts_waits(busy: list[tuple[float, float]]) -> None:
    scale = Scale(busy)
    times = sorted({time for stretch in busy for time in stretch})
    places = [scale.place(time) for time in times]
    assert places == sorted(places)
    assert all(0 <= place <= scale.width for place in places)
    # All waits together take no more room than all that happened.
    cut = sum(cut.end - cut.start for cut in scale.cuts)
    assert cut <= scale.width / 2 + 1e-6
    assert all(cut.seconds > cut.end - cut.start for cut in scale.cuts)


# ---- the picture


def test_the_picture_comes_with_text_and_data() -> None:
    picture = Timeline(STORY).picture()
    page = Page(picture._repr_html_())
    (image,) = page.all("img")
    assert image["alt"] == picture.alt == repr(picture)
    assert str(image["src"]).startswith("data:image/png;base64,")
    assert len(page.all("figcaption")) == len(page.all("details")) == len(page.all("table")) == 1
    rows = [head for head in page.all("th") if head["scope"] == "row"]
    assert len(rows) == len(picture.data())


def test_the_alternative_text_tells_the_story() -> None:
    assert Timeline(STORY).picture().alt == (
        "3 lanes over 15 min. env-1 (hello): init 100 ms, 2 successful invokes, frozen for 15 min,"
        " ended (idle); refused (hello): 1 throttled invoke; env-2 (other): 1 failed invoke,"
        " frozen for 6 min 39 s."
    )


def test_the_drawing_is_a_png_and_grows_with_its_lanes() -> None:
    def size(lanes: int) -> tuple[int, int]:
        records = [Record(T + n, "invoke", "f", f"env-{n}", "r", 0.1, GOOD) for n in range(lanes)]
        png = Timeline(records).picture().shown.png
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", png[16:24])
        return width, height

    assert size(10)[1] > size(2)[1]
    assert size(500) == size(400), "a picture stays a picture however many lanes there are"


def test_of_very_many_spans_the_newest_are_drawn_and_it_says_so() -> None:
    records = [Record(T + n, "invoke", "f", f"env-{n % 3}", "r", 0.1, GOOD) for n in range(3000)]
    picture = Timeline(records).picture()
    rows = len(picture.shown.table["What"])
    assert 0 < rows < 1000 < len(picture.data())
    assert f"the newest {rows} of {len(picture.data())} spans" in picture.shown.caption


def test_a_drawing_is_the_same_each_time() -> None:
    assert Timeline(STORY).picture().shown.png == Timeline(STORY).picture().shown.png


def test_texts_of_functions_are_not_read_as_formulas() -> None:
    reason = Record(T, "end", "$f$", "env-1", None, None, {"reason": r"$\bad{ & <b>"})
    assert Timeline([reason]).picture().shown.png


def test_a_figure_of_a_lesson_is_shown_with_its_texts() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().plot([1, 2])
    shown = figure_html(figure, 'a "line" & more', "A <caption>", {"x": [1, 2], "y": ["<", ">"]})
    page = Page(shown._repr_html_())
    assert page.all("img")[0]["alt"] == 'a "line" & more'
    assert "A <caption>" in page.texts
    assert repr(shown).splitlines()[0] == "A <caption>"
    assert 'a "line" & more' in repr(shown)
    assert repr(shown).splitlines()[-1].split() == ["2", ">"]


def test_a_figure_of_pyplot_is_not_shown_twice() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure = plt.figure()
    figure_html(figure, "nothing", "Nothing", {"x": []})
    assert figure.number not in plt.get_fignums()


@pytest.mark.parametrize(("alt", "caption"), [("", "x"), ("x", " ")])
def test_a_figure_without_its_texts_is_not_shown(alt: str, caption: str) -> None:
    from matplotlib.figure import Figure

    with pytest.raises(ValueError, match="needs alternative text and a caption"):
        figure_html(Figure(), alt, caption, {})


# ---- the clock


def test_the_clock_shows_platform_time_and_is_wound(lab: Lab) -> None:
    before = lab.clock.now()
    assert before.tzinfo is UTC
    after = lab.clock.advance(hours=1, minutes=30)
    assert timedelta(minutes=90) <= after - before < timedelta(minutes=91)
    assert lab.clock.now() >= after
    assert lab.clock.speed == 1.0
    assert repr(lab.clock) == f"{lab.clock.now():%Y-%m-%d %H:%M:%S} UTC, speed 1"


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({"minutes": -1}, "the clock winds forward only, not by -60 s"),
        ({"fortnights": 1}, "the clock cannot be wound by {'fortnights': 1}"),
        ({"days": 1e9}, "the clock cannot be wound by"),
        ({"days": 3_000_000}, "the clock cannot be wound by"),
        ({"seconds": float("nan")}, "the clock cannot be wound by"),
        ({"seconds": "ten"}, "the clock cannot be wound by"),
    ],
)
def test_what_no_clock_can_do_is_told(lab: Lab, step: dict, text: str) -> None:
    before = lab.clock.now()
    with pytest.raises(ArgumentError) as caught:
        lab.clock.advance(**step)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)
    assert lab.clock.now() - before < timedelta(seconds=30)


def test_now_is_a_time_of_today_at_first(lab: Lab) -> None:
    assert isinstance(lab.clock.now(), datetime)


# ---- log lines


def test_the_tail_shows_the_newest_lines(lab: Lab, lam: Any, hello: str) -> None:
    lam.invoke(FunctionName=hello, Payload=b'"<one>"')
    lam.invoke(FunctionName=hello, Payload=b'"two"')
    tail = lab.tail(hello)
    assert [line for line in tail.lines if line.startswith("hi")] == ["hi <one>", "hi two"]
    assert repr(tail).splitlines() == tail.lines
    assert tail.lines[-1].startswith("REPORT RequestId")
    page = Page(tail._repr_html_())
    assert len(page.all("pre")) == 1
    assert "hi <one>" in "".join(page.texts)
    assert html.escape("hi <one>") in tail._repr_html_()


def test_the_tail_is_as_long_as_wanted(lab: Lab, lam: Any, hello: str) -> None:
    for _ in range(3):
        lam.invoke(FunctionName=hello, Payload=b"1")
    assert len(lab.tail(hello, lines=2).lines) == 2
    assert lab.tail(hello, lines=5).lines == lab.tail(hello, lines=1000).lines[-5:]


def test_the_tail_reads_all_environments(lab: Lab, lam: Any, make_function: Callable) -> None:
    name = make_function("def handler(event, context):\n    print('hi', event)\n")
    lam.invoke(FunctionName=name, Payload=b"1")
    lam.update_function_configuration(FunctionName=name, Timeout=5)
    lam.get_waiter("function_updated_v2").wait(FunctionName=name)
    lam.invoke(FunctionName=name, Payload=b"2")
    assert len(lab.timeline.of(name).kind("init")) == 2
    lines = [line for line in lab.tail(name, lines=100).lines if line.startswith("hi")]
    assert lines == ["hi 1", "hi 2"]


def test_a_function_that_has_logged_nothing_has_an_empty_tail(lab: Lab) -> None:
    tail = lab.tail("nobody")
    assert tail.lines == []
    assert repr(tail) == "(nothing in /aws/lambda/nobody yet)"
    assert "nothing in /aws/lambda/nobody yet" in tail._repr_html_()


def test_a_tail_of_no_lines_is_refused(lab: Lab) -> None:
    with pytest.raises(ArgumentError, match="lines is 1 or more, not 0"):
        lab.tail("x", lines=0)


def test_a_tail_can_be_told_by_keyboard_and_screen_reader() -> None:
    (attributes,) = Page(Tail("/aws/lambda/f", ["x"])._repr_html_()).all("pre")
    assert attributes["tabindex"] == "0"
    assert attributes["aria-label"] == "Log lines of /aws/lambda/f"


# ---- roles


def test_a_role_trusts_lambda_and_may_write_logs(lab: Lab) -> None:
    iam, arn = lab.client("iam"), lab.role()
    assert arn == f"arn:aws:iam::{lab.account}:role/lambda-role"
    shown = iam.get_role(RoleName="lambda-role")["Role"]["AssumeRolePolicyDocument"]
    statement = (shown if isinstance(shown, dict) else json.loads(shown))["Statement"][0]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    attached = iam.list_attached_role_policies(RoleName="lambda-role")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AWSLambdaBasicExecutionRole"]


def test_the_same_role_is_given_again(lab: Lab) -> None:
    assert lab.role("mine") == lab.role("mine")
    assert len(lab.client("iam").list_roles()["Roles"]) == 1


def test_a_role_gets_the_policies_that_are_named(lab: Lab) -> None:
    lab.role("bare", policies=())
    lab.role("rich", policies=["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"])
    iam = lab.client("iam")
    assert iam.list_attached_role_policies(RoleName="bare")["AttachedPolicies"] == []
    attached = iam.list_attached_role_policies(RoleName="rich")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonS3ReadOnlyAccess"]


def test_a_policy_that_does_not_exist_is_refused_as_aws_does(lab: Lab) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        lab.role("r", policies=["arn:aws:iam::aws:policy/NoSuchPolicy"])


# ---- the lab itself


def test_a_lab_shows_where_it_is(lab: Lab) -> None:
    assert repr(lab) == f"<Lab {lab.endpoint_url}, us-east-1, account 123456789012>"
    page = Page(lab._repr_html_())
    assert {lab.endpoint_url, "us-east-1", "123456789012"} <= set(page.texts)
    assert len(page.all("caption")) == 1
