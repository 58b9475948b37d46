"""The memory tuner: real runs at several memory sizes, their price, and nothing left behind."""

import signal
import threading
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from lambdalab import facts
from lambdalab.widgets import memory_tuner, tuning
from lambdalab.widgets.money import counted, dollars
from lambdalab.widgets.tuner.tuner_chart import Tuning
from lambdalab.widgets.tuner.tuner_reports import Report, last_report
from lambdalab.widgets.tuner.tuner_runs import SIZES, AtSize, Measurement, Plan
from lambdalab.widgets.tuner.tuner_versions import _to_the_end, published

# Works on the CPU for some time that the event says, as a CPU of its own would count it.
BUSY = """
import time
def handler(event, context):
    end = time.process_time() + event["seconds"]
    while time.process_time() < end:
        pass
    return event["seconds"]
"""
GREEDY = "def handler(event, context):\n    return len(bytearray(200 * 2**20))\n"


def at(memory, time, billed=None, **more):
    return AtSize(memory, (time, time, time), (billed or time,), init=10, used=40, **more)


def chart(*sizes, **settings):
    plan = Plan("resize", sizes=[size.memory for size in sizes])
    return Tuning(Measurement(plan, sizes), **settings)


# Half of it waits: the largest size is fastest, the middle one cheapest.
CURVE = (at(128, 1000), at(512, 200), at(1769, 100), at(3538, 90))


# ---- choosing, without a lab


def test_the_cheapest_and_the_fastest_are_marked():
    drawn = chart(*CURVE)
    assert drawn.times == {128: 1000, 512: 200, 1769: 100, 3538: 90}
    assert drawn.cheapest == 512
    assert drawn.fastest == 3538
    assert drawn.balanced == 512
    assert drawn.marks == {512: "cheapest and balanced", 3538: "fastest"}


def test_a_price_is_that_of_the_price_page():
    """3 million requests of 120 ms at 1,536 MB: 9.60 dollars, 2.73 of them after the free tier."""
    drawn = chart(at(1536, 119.3, billed=120), requests=3_000_000)
    assert drawn.costs[1536] == pytest.approx(9.60, abs=0.005)
    assert replace(drawn, free_tier=True).costs[1536] == pytest.approx(2.73, abs=0.005)
    seconds = 3_000_000 * 0.12 * 1.5
    arm = seconds * facts.price("duration.arm64").value + 0.6
    assert replace(drawn, architecture="arm64").costs[1536] == pytest.approx(arm)
    assert drawn.costs_on("arm64")[1536] == pytest.approx(arm)


@pytest.mark.parametrize(("balance", "best"), [(0, 3538), (1, 512), (0.5, 512)])
def test_balanced_lies_between_the_two(balance, best):
    assert chart(*CURVE, balance=balance).balanced == best


def test_where_all_is_free_the_fastest_is_cheapest():
    drawn = chart(*CURVE, requests=100_000, free_tier=True)
    assert set(drawn.costs.values()) == {0.0}
    assert drawn.marks == {3538: "cheapest, balanced and fastest"}
    assert "128, 512, 1,769 and 3,538 MB cost nothing." in drawn.verdict


def test_sizes_that_cost_about_the_same_are_named():
    drawn = chart(at(128, 1000), at(256, 505), at(512, 300))
    assert drawn.alike == [128, 256]
    assert "128 and 256 MB cost about the same." in drawn.verdict
    assert "the same" not in chart(*CURVE).verdict


def test_the_verdict_tells_sizes_times_and_prices():
    drawn = chart(*CURVE)
    month = 0.2 + 1e6 * 0.2 * 0.5 * facts.price("duration.x86_64").value
    assert drawn.verdict.startswith(
        f"Cheapest and balanced is 512 MB (200.0 ms, {dollars(month)}); fastest is 3,538 MB (90.0"
    )
    assert "1 million requests a month on x86_64, without the free tier." in drawn.verdict
    assert (
        "arm64, after the free tier" in chart(*CURVE, architecture="arm64", free_tier=True).verdict
    )


def test_a_size_that_failed_is_told_and_does_not_count():
    drawn = chart(AtSize(128, error="Runtime.OutOfMemory: killed"), *CURVE[1:])
    assert list(drawn.times) == [512, 1769, 3538]
    assert "Runs failed at 128 MB (Runtime.OutOfMemory: killed)." in drawn.verdict
    table = drawn.table()
    assert table["Mark"][0] == "Runtime.OutOfMemory: killed"
    assert table["Time (ms)"] == ["", "200.0", "100.0", "90.0"]
    assert "failed" in [text.get_text() for text in drawn.figure().axes[0].texts]


def test_nothing_but_failures_has_no_best_size():
    drawn = chart(AtSize(128, error="Runtime.ExitError: exit status 1"))
    assert (drawn.cheapest, drawn.fastest, drawn.balanced, drawn.marks) == (None, None, None, {})
    assert drawn.verdict == "Runs failed at 128 MB (Runtime.ExitError: exit status 1)."
    assert "failed" in drawn.svg


def test_before_anything_is_measured_words_and_picture_say_so():
    drawn = Tuning(Measurement(Plan("resize", sizes=(128, 512), runs=1)))
    assert drawn.verdict == (
        "Nothing is measured yet. To be measured: resize, once warm at each of 128 and 512 MB."
    )
    assert "Nothing is measured yet" in drawn.svg
    assert drawn.table()["Memory (MB)"] == []
    assert drawn.verdict in repr(drawn)


def test_what_was_stopped_says_what_is_missing():
    drawn = Tuning(Measurement(Plan("resize", sizes=[128, 512, 1024]), CURVE[:1]))
    assert drawn.verdict.endswith("Not measured: 512 and 1,024 MB.")


def test_more_cpus_than_this_machine_has_are_said_to_be_missing(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert "This machine has the CPUs of 1,769 MB" in chart(*CURVE).verdict
    assert "This machine" not in chart(*CURVE[:3]).verdict


def test_the_picture_has_a_text_twin_with_all_figures():
    drawn = chart(*CURVE)
    table = drawn.table()
    assert {len(column) for column in table.values()} == {4}
    assert table["Memory (MB)"] == ["128", "512", "1,769", "3,538"]
    assert table["vCPUs"] == ["0.07", "0.29", "1.00", "2.00"]
    assert table["Mark"] == ["", "cheapest and balanced", "", "fastest"]
    for text in ("resize: time and price", "3,538", "fastest", drawn.verdict):
        assert text in repr(drawn)
    assert f'aria-label="{drawn.caption}' in drawn.svg
    times, costs = drawn.figure().axes
    assert [text.get_text() for text in times.texts] == ["cheapest\nbalanced", "fastest"]
    assert [text.get_text() for text in costs.texts] == [*map(dollars, drawn.costs.values())]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"architecture": "sparc"}, "architecture is 'sparc': it must be one of x86_64, arm64"),
        ({"requests": 0}, "requests is 0: it must be a whole number, 1 or more"),
        ({"requests": 2.5}, "requests is 2.5"),
        ({"balance": 2}, "balance is 2: it must be between 0 and 1"),
        ({"balance": None}, "balance is None"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, words):
    with pytest.raises(ValueError, match=r"must be") as caught:
        chart(*CURVE, **settings)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"function": ""}, "function is ''"),
        ({"function": 3}, "function is 3"),
        ({"sizes": []}, r"sizes is \[\]"),
        ({"sizes": [128.5]}, "sizes is"),
        ({"sizes": ["128"]}, "sizes is"),
        ({"sizes": [True]}, "sizes is"),
        ({"runs": 0}, "runs is 0: it must be between 1 and 100"),
        ({"runs": 101}, "runs is 101"),
        ({"runs": 1.5}, "runs is 1.5"),
    ],
)
def test_plans_that_make_no_sense_are_refused(plan, words):
    with pytest.raises(ValueError, match=words):
        Plan(**{"function": "resize"} | plan)


def test_sizes_are_run_once_each_from_the_smallest():
    assert Plan("resize", sizes=(512, 128, 512)).sizes == (128, 512)
    assert SIZES == (128, 256, 512, 1024, 1769, 3538)


# ---- reports and words


def test_a_report_is_read_in_both_formats():
    text = (
        "START RequestId: 1\nREPORT from the handler\tDuration: 7 ms\n"
        "REPORT RequestId: 1\tDuration: 120.55 ms\tBilled Duration: 200 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 37 MB\tInit Duration: 79.01 ms\t\n"
    )
    assert last_report(text) == Report(120.55, 200, 37, 79.01)
    line = (
        '{"time":"2026-11-20T00:00:00Z","type":"platform.report","record":{"metrics":'
        '{"durationMs":1.5,"billedDurationMs":2,"memorySizeMB":128,"maxMemoryUsedMB":30}}}'
    )
    assert last_report(f'{{"message":"platform.report"}}\n{line}\n') == Report(1.5, 2, 30, None)
    assert last_report("START RequestId: 1\nEND RequestId: 1\n") is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "$0"), (0.0123456, "$0.0123"), (0.2, "$0.200"), (0.999, "$1.00"), (12.26, "$12.26"),
     (1234.5, "$1,234"), (0.00000123, "$0.00000123")],
)  # fmt: skip
def test_sums_are_written_as_one_writes_them(amount, text):
    assert dollars(amount) == text


def test_counts_are_written_as_one_writes_them():
    numbers = (10_000, 1e6, 2.5e6, 20_535_337, 1e10)
    words = ["10,000", "1 million", "2.5 million", "20.54 million", "10 billion"]
    assert [counted(number) for number in numbers] == words


# ---- a lab's own functions


def versions(lam, name):
    pages = lam.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    return [each["Version"] for page in pages for each in page["Versions"]]


def memory(lam, name):
    return lam.get_function_configuration(FunctionName=name)["MemorySize"]


def test_a_busy_function_gets_faster_with_memory(lab, lam, make_function):
    name = make_function(BUSY, MemorySize=300, Timeout=60)
    found = tuning(lab, name, {"seconds": 0.05}, sizes=(128, 1769), runs=3)
    assert found.measured.whole
    assert found.caption.startswith(name)
    # A fourteenth of a CPU for 50 ms of work; with a whole one others may be in the way.
    least = {memory: min(size.durations) for memory, size in found.sizes.items()}
    assert least[128] > 400
    assert least[1769] < least[128]
    for size in found.sizes.values():
        assert len(size.durations) == 3
        assert size.init is not None
        assert size.charged >= size.time
        assert 0 < size.used <= size.memory
    assert memory(lam, name) == 300
    assert versions(lam, name) == ["$LATEST"]


def test_versions_are_run_and_not_the_function_itself(lab, lam, make_function):
    name = make_function()
    tuning(lab, name, sizes=(256,), runs=2)
    story = lab.timeline.of(name)
    assert len(story.kind("invoke")) == 3
    assert [record.detail["cold"] for record in story.kind("invoke")] == [True, False, False]


def test_what_was_there_before_stays(lab, lam, make_function):
    """The newest version is like the function at 256 MB: AWS does not publish it again."""
    name = make_function(MemorySize=256)
    kept = lam.publish_version(FunctionName=name)["Version"]
    found = tuning(lab, name, sizes=(256, 512), runs=1)
    assert list(found.times) == [256, 512]
    assert versions(lam, name) == ["$LATEST", kept]
    assert memory(lam, name) == 256


def test_a_size_that_is_too_small_is_told_in_the_words_of_aws(lab, lam, make_function):
    name = make_function(GREEDY)
    found = tuning(lab, name, sizes=(128, 512), runs=1)
    assert list(found.failed) == [128]
    told = facts.message("out-of-memory")
    assert found.failed[128] == f"{told.code}: {told.text}"
    assert found.cheapest == 512
    assert versions(lam, name) == ["$LATEST"]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            'def handler(event, context):\n    raise LookupError("no such")\n',
            "LookupError: no such",
        ),
        ("def handler(event, context):\n    raise LookupError\n", "LookupError"),
        (
            "import os\ndef handler(event, context):\n    os._exit(3)\n",
            "Runtime.ExitError: Runtime",
        ),
    ],
)
def test_a_failed_run_is_told_in_one_line(lab, make_function, code, told):
    found = tuning(lab, make_function(code), sizes=(512,), runs=1)
    assert found.failed[512].startswith(told)
    assert "RequestId" not in found.verdict
    assert found.verdict.startswith(f"Runs failed at 512 MB ({told}")


def test_a_function_that_logs_json_is_measured_too(lab, lam, make_function):
    name = make_function(LoggingConfig={"LogFormat": "JSON"})
    assert tuning(lab, name, sizes=(128,), runs=1).times[128] > 0


def test_a_function_that_keeps_its_reports_back_is_refused(lab, lam, make_function):
    name = make_function(LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN"})
    with pytest.raises(ValueError, match=f"{name} logs no report .* SystemLogLevel of INFO"):
        tuning(lab, name, sizes=(512,), runs=1)
    assert (memory(lam, name), versions(lam, name)) == (128, ["$LATEST"])


def test_the_architecture_is_the_function_s_own(lab, make_function):
    name = make_function(Architectures=["arm64"])
    assert tuning(lab, name, sizes=(128,), runs=1).architecture == "arm64"
    assert tuning(lab, name, sizes=(128,), runs=1, architecture="x86_64").architecture == "x86_64"


def refused(code, call, *given, **settings):
    with pytest.raises(ClientError) as caught:
        call(*given, **settings)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


def test_what_aws_refuses_is_refused_in_its_words(lab, lam, make_function):
    name = make_function()
    refused("ResourceNotFoundException", tuning, lab, "nobody")
    told = refused("ValidationException", tuning, lab, name, sizes=(64, 128), runs=1)
    assert told == facts.message("configuration.memory-below-minimum").format(value=64)
    refused("ValidationException", tuning, lab, name, sizes=(128, 99_999), runs=1)
    assert (memory(lam, name), versions(lam, name)) == (128, ["$LATEST"])


def test_a_throttled_function_is_not_asked_again_and_again(lab, lam, make_function):
    name = make_function()
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    refused("TooManyRequestsException", tuning, lab, name, sizes=(512,), runs=1)
    assert len(lab.timeline.of(name).kind("throttle")) == 1
    assert (memory(lam, name), versions(lam, name)) == (128, ["$LATEST"])


@pytest.mark.parametrize("not_a_lab", [None, "lab", object()])
def test_only_a_lab_will_do(not_a_lab):
    """A session of boto3 would reach a real account, whose functions nobody wants changed."""
    with pytest.raises(ValueError, match=r"give what start\(\) has returned"):
        tuning(not_a_lab, "resize")
    with pytest.raises(ValueError, match=r"give what start\(\) has returned"):
        memory_tuner(not_a_lab)


@pytest.mark.parametrize(("payload", "event"), [(None, {}), ([1, "ä"], [1, "ä"]), (0, 0)])
def test_a_function_gets_the_payload(lab, make_function, payload, event):
    code = f"def handler(event, context):\n    assert event == {event!r}, event\n"
    assert tuning(lab, make_function(code), payload, sizes=(512,), runs=1).failed == {}


def test_a_payload_that_is_no_json_is_refused_before_anything_happens(lab, lam, make_function):
    name = make_function()
    revision = lam.get_function_configuration(FunctionName=name)["RevisionId"]
    with pytest.raises(ValueError, match="payload cannot be written as JSON"):
        tuning(lab, name, {"what": object()})
    assert lam.get_function_configuration(FunctionName=name)["RevisionId"] == revision


# ---- interrupts


def test_an_interrupt_leaves_the_function_as_it_was(lab, lam, make_function):
    name = make_function(MemorySize=200)

    def interrupt(words, known):
        if known.sizes:
            assert len(versions(lam, name)) == 3
            signal.raise_signal(signal.SIGINT)
        return True

    with pytest.raises(KeyboardInterrupt):
        tuning(lab, name, sizes=(128, 512), runs=1, tell=interrupt)
    assert (memory(lam, name), versions(lam, name)) == (200, ["$LATEST"])


class Interrupted:
    """A client that publishes, and is interrupted before it hears of it."""

    def __init__(self, lam, then):
        self._lam, self._then = lam, then

    def __getattr__(self, name):
        return getattr(self._lam, name)

    def publish_version(self, **parameters):
        made = self._lam.publish_version(**parameters)
        self._then()
        return made


def test_an_interrupt_while_versions_are_published_leaves_none(lam, make_function):
    name = make_function(MemorySize=200)
    lam_and_interrupt = Interrupted(lam, lambda: signal.raise_signal(signal.SIGINT))
    with (
        pytest.raises(KeyboardInterrupt),
        published(lam_and_interrupt, name, (256, 512), 200),
    ):
        pytest.fail("it was interrupted before")
    assert (memory(lam, name), versions(lam, name)) == (200, ["$LATEST"])


def test_a_size_that_somebody_else_has_given_stays(lam, make_function):
    name = make_function(MemorySize=200)

    def meddle():
        lam.update_function_configuration(FunctionName=name, MemorySize=2000)

    with published(Interrupted(lam, meddle), name, (256,), 200) as made:
        assert list(made) == [256]
    assert memory(lam, name) == 2000


def test_a_version_that_somebody_uses_by_then_stays(lam, make_function):
    name = make_function()
    with published(lam, name, (256, 512), 128) as made:
        lam.create_alias(FunctionName=name, Name="live", FunctionVersion=made[512])
    assert versions(lam, name) == ["$LATEST", made[512]]


def test_clean_up_goes_on_through_a_second_interrupt():
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        go.wait(20)
        done.set()

    main = threading.main_thread().ident
    threading.Thread(
        target=lambda: begun.wait(20) and signal.pthread_kill(main, signal.SIGINT)
    ).start()
    with pytest.raises(KeyboardInterrupt):
        _to_the_end(work)
    assert not done.is_set()
    go.set()
    assert done.wait(20)


def test_an_error_while_cleaning_up_is_not_swallowed():
    def fail():
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        _to_the_end(fail)


def test_whoever_listens_may_stop_it(lab, lam, make_function):
    name = make_function()
    heard = []

    def stop_after_one(words, known):
        heard.append(words)
        return not known.sizes

    found = tuning(lab, name, sizes=(128, 512), runs=1, tell=stop_after_one)
    assert list(found.times) == [128]
    assert found.verdict.endswith("Not measured: 512 MB.")
    assert heard[1:] == ["128 MB: cold start", "128 MB: run 1 of 1", "512 MB: cold start"]
    assert (memory(lam, name), versions(lam, name)) == (128, ["$LATEST"])


# ---- the panel


def test_the_panel_measures_the_function_that_is_chosen(lab, lam, make_function):
    first, second = make_function(), make_function()
    shown = memory_tuner(lab, first, sizes=(128, 512), runs=1)
    assert shown.values["function"] == first
    assert "Nothing is measured yet." in repr(shown)
    shown.set(function=second)
    shown.start("measure").join()
    assert shown.chart.measured.plan == Plan(second, None, (128, 512), 1)
    assert list(shown.chart.times) == [128, 512]
    assert (shown.busy, shown.error) == ("", "")
    shown.set(function=first)
    assert "Nothing is measured yet." in shown.chart.verdict
    assert [len(versions(lam, name)) for name in (first, second)] == [1, 1]


def test_the_panel_shows_what_the_plain_function_gives(lab, make_function):
    found = tuning(lab, make_function(), sizes=(128, 512), runs=1)
    shown = memory_tuner(lab, measured=found)
    assert shown.chart == found
    assert shown.chart.table() == found.table()
    shown.set(architecture="arm64", requests=10_000_000, free_tier=True, balance=1)
    same = replace(found, architecture="arm64", requests=10_000_000, free_tier=True, balance=1)
    assert shown.chart.verdict == same.verdict
    assert shown.chart.costs == same.costs
    assert memory_tuner(lab, measured=found, architecture="arm64").chart.architecture == "arm64"
    with pytest.raises(ValueError, match="measured is of function-1, not of other"):
        memory_tuner(lab, "other", measured=found)


def test_the_panel_says_what_it_would_measure_next(lab, make_function):
    shown = memory_tuner(lab, measured=tuning(lab, make_function(), sizes=(128, 512), runs=1))
    assert "To be measured" not in shown.chart.verdict
    shown.set(runs=20)
    name = shown.values["function"]
    assert shown.chart.verdict.endswith(
        f"To be measured: {name}, 20 times warm at each of 128 and 512 MB."
    )
    shown.set(runs=1, sizes="128,512,1769")
    assert "once warm at each of 128, 512 and 1,769 MB." in shown.chart.verdict


def test_every_size_shows_as_soon_as_it_is_done(lab, make_function):
    shown = memory_tuner(lab, make_function(), sizes=(128, 512), runs=1)
    seen = []
    shown.observe(lambda _: seen.append(list(shown.chart.times)), "shown")
    shown.start("measure").join()
    assert [128] in seen
    assert seen[-1] == [128, 512]


def test_the_panel_stops_and_keeps_the_earlier_curve(lab, lam, make_function):
    name = make_function(BUSY)
    found = tuning(lab, name, {"seconds": 0}, sizes=(128, 512), runs=1)
    shown = memory_tuner(lab, measured=found)
    shown.observe(lambda _: shown.stopping.set(), "busy")
    shown.start("measure").join()
    assert shown.chart == found
    assert (memory(lam, name), versions(lam, name)) == (128, ["$LATEST"])


def test_what_aws_refuses_stands_in_the_panel(lab, lam, make_function):
    name = make_function()
    shown = memory_tuner(lab, name, sizes=(512,), runs=1)
    lam.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    shown.start("measure").join()
    assert "TooManyRequestsException" in shown.error
    lam.delete_function_concurrency(FunctionName=name)
    shown.start("measure").join()
    assert shown.error == ""
    assert list(shown.chart.times) == [512]


def test_a_guess_comes_before_the_curve(lab, make_function):
    name = make_function(BUSY)
    shown = memory_tuner(lab, name, {"seconds": 0.02}, sizes=(128, 1769), runs=1, predict="fastest")
    assert "picture" not in shown.shown
    assert "Which memory size is fastest?" in repr(shown)
    shown.guess("128")
    assert shown.answer == "Not quite: you guessed 128 MB, it is 1,769 MB."
    assert "picture" in shown.shown


def test_a_panel_for_nothing_is_refused(lab, make_function):
    with pytest.raises(ValueError, match="the lab has no functions yet"):
        memory_tuner(lab)
    make_function()
    refused("ResourceNotFoundException", memory_tuner, lab, "nobody")
    with pytest.raises(ValueError, match="no question 'dearest': there are cheapest, balanced"):
        memory_tuner(lab, sizes=(128,), runs=1, predict="dearest")
    with pytest.raises(ValueError, match="architecture is 'sparc'"):
        memory_tuner(lab, architecture="sparc")
    with pytest.raises(TypeError, match="colour"):
        memory_tuner(lab, colour="red")
