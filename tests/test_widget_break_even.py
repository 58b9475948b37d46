"""Lambda against EC2: prices by the requests of a month, and where they are equal."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab import facts
from lambdalab.widgets import break_even, break_even_explorer
from lambdalab.widgets.ec2.break_even_chart import FEWEST, INSTANCES, MOST
from lambdalab.widgets.money import counted, dollars

HOURS = 730


def test_the_price_on_lambda_is_that_of_the_price_page():
    """3 million requests of 120 ms at 1,536 MB: 9.60 dollars, 2.73 of them after the free tier."""
    asked = {"requests": 3_000_000, "duration": 120, "memory": 1536, "architecture": "x86_64"}
    plain = break_even(**asked, instance="m6i.large", free_tier=False)
    assert plain.on_lambda(3_000_000) == pytest.approx(9.60, abs=0.005)
    assert break_even(**asked, instance="m6i.large").on_lambda(3_000_000) == pytest.approx(
        2.73, abs=0.005
    )


def test_a_duration_is_rounded_up_to_the_step():
    short, whole = (break_even(duration=ms, free_tier=False).on_lambda(1e6) for ms in (99.2, 100))
    assert short == whole


def test_instances_are_paid_by_the_hour_and_never_fewer_than_set():
    drawn = break_even(instances=3)
    assert drawn.instances(10_000) == 3
    assert drawn.on_ec2(10_000) == pytest.approx(3 * HOURS * facts.price("ec2.t4g-small").value)


def test_as_many_instances_as_the_load_needs():
    """100 a second of 200 ms are 20 at a time; a t4g.small holds 4 of 512 MB, half full 2."""
    drawn = break_even(duration=200, memory=512, busy=50)
    requests = 100 * HOURS * 3600
    assert drawn.at_a_time(requests) == pytest.approx(20)
    assert drawn.instance.holds(512) == 4
    assert drawn.instances(requests) == 10


def test_a_request_gets_the_cpu_that_lambda_would_give_it():
    """8 GB have room for 8 requests of 1 GB, but 2 vCPUs for 3 of 1,024 / 1,769 vCPU."""
    assert INSTANCES["m7g.large"].holds(1024) == 3
    assert INSTANCES["t4g.micro"].holds(128) == 8


def test_where_the_prices_are_equal_by_hand():
    """Without the free tier a request costs the same at any number, below the tiers."""
    drawn = break_even(free_tier=False)
    each = 0.2e-6 + 0.1 * 0.5 * facts.price("duration.arm64").value
    month = HOURS * facts.price("ec2.t4g-small").value
    assert drawn.equal == pytest.approx(month / each, rel=1e-6)
    assert f"EC2 begins to be cheaper at {counted(month / each)} requests a month" in drawn.verdict


def test_the_free_tier_moves_it_up():
    assert break_even().equal > break_even(free_tier=False).equal > FEWEST


def test_instances_that_stay_nearly_empty_are_never_cheaper():
    drawn = break_even(busy=10)
    assert drawn.equal is None
    assert "Up to 10 billion requests a month EC2 is never cheaper." in drawn.verdict
    assert set(drawn.table()["Cheaper"]) == {"Lambda"}


def test_it_may_turn_only_after_more_instances_are_needed():
    """At one instance's most Lambda is still cheaper: the free tier covers a part of it."""
    drawn = break_even(busy=20, duration=1000)
    assert drawn.equal is not None
    assert drawn.instances(drawn.equal) > 1
    assert drawn.on_ec2(drawn.equal) <= drawn.on_lambda(drawn.equal)


loads = st.fixed_dictionaries(
    {
        "duration": st.floats(1, 900_000),
        "memory": st.integers(128, 1024),
        "instance": st.sampled_from(sorted(INSTANCES)),
        "instances": st.integers(1, 10),
        "busy": st.floats(5, 100),
        "architecture": st.sampled_from(("x86_64", "arm64")),
        "free_tier": st.booleans(),
    }
)


@settings(deadline=None, max_examples=60)
@given(loads, st.floats(0, 1))
def test_before_they_are_equal_lambda_is_cheaper(load, share):
    drawn = break_even(**load)
    if drawn.equal is None:
        assert drawn.on_lambda(MOST) < drawn.on_ec2(MOST)
        return
    assert drawn.on_ec2(drawn.equal) <= drawn.on_lambda(drawn.equal) * (1 + 1e-9)
    if drawn.instances(drawn.equal) == load["instances"]:
        before = drawn.equal * share * 0.999
        assert drawn.on_lambda(before) <= drawn.on_ec2(before)


@settings(deadline=None, max_examples=40)
@given(loads, st.integers(1, MOST), st.integers(1, MOST))
def test_more_requests_never_cost_less(load, one, other):
    drawn, (few, many) = break_even(**load), sorted((one, other))
    assert drawn.on_lambda(few) <= drawn.on_lambda(many)
    assert drawn.on_ec2(few) <= drawn.on_ec2(many)


# ---- words, table, picture


def test_the_verdict_tells_both_prices():
    drawn = break_even(requests=1_000_000_000)
    here, there = drawn.on_lambda(1e9), drawn.on_ec2(1e9)
    assert drawn.cheaper == "EC2"
    assert drawn.verdict.startswith(
        f"1 billion requests a month cost {dollars(here)} on Lambda and {dollars(there)} on "
        f"{drawn.instances(1e9)} t4g.small instances: EC2 is {here / there:.3g} times cheaper."
    )
    assert "38.1 run at a time; one t4g.small has room for 4" in drawn.verdict


def test_no_ratio_is_told_in_powers_of_ten():
    drawn = break_even(instances=1000)
    ratio = drawn.on_ec2(1e7) / drawn.on_lambda(1e7)
    assert f"Lambda is {ratio:,.0f} times cheaper." in drawn.verdict


def test_what_is_free_is_said_to_be_free():
    assert "on 1 t4g.small: Lambda is free." in break_even(requests=1000).verdict
    assert break_even(requests=1).verdict.startswith("1 request a month costs $0 on Lambda")
    assert "under 0.001 run at a time" in break_even(requests=1000).verdict


def test_the_table_has_the_requests_asked_about_and_the_equal_price():
    drawn = break_even(requests=12_345_678)
    table = drawn.table()
    rows = table["Requests a month"]
    assert "12,345,678" in rows
    assert f"{math.ceil(drawn.equal):,}" in rows
    turned = rows.index(f"{math.ceil(drawn.equal):,}")
    assert set(table["Cheaper"][:turned]) == {"Lambda"}
    assert table["Cheaper"][turned] == "EC2"
    assert {len(column) for column in table.values()} == {len(rows)}
    for text in (drawn.caption, drawn.verdict, "12,345,678"):
        assert text in repr(drawn)


def written(drawn):
    """The texts in the picture, but for those of its axes."""
    (axes,) = drawn.figure().axes
    return {text.get_text(): text.get_position() for text in axes.texts}


@pytest.mark.parametrize("requests", [1, FEWEST, 2_000_000, MOST])
def test_the_picture_marks_what_was_asked_about(requests):
    drawn = break_even(requests=requests)
    costs = {dollars(drawn.on_lambda(requests)), dollars(drawn.on_ec2(requests))}
    assert set(written(drawn)) == costs | {f"equal at {counted(drawn.equal)}"}
    assert set(written(break_even(requests=requests, busy=10))) >= {
        dollars(drawn.on_lambda(requests))
    }
    (axes,) = drawn.figure().axes
    low, high = axes.get_xlim()
    assert low <= math.log10(requests) <= high
    assert f'aria-label="{drawn.caption}. {drawn.verdict}"' in drawn.svg


def test_an_equal_price_at_few_requests_is_within_the_picture():
    drawn = break_even(duration=900_000, memory=1024, instance="t4g.micro", busy=100)
    assert drawn.equal < 1000
    (axes,) = drawn.figure().axes
    assert axes.get_xlim()[0] <= math.log10(drawn.equal)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"requests": 0}, "requests is 0: it must be a whole number, 1 or more"),
        ({"requests": 10**11}, "requests is 100000000000: it must be between 1 and 1e"),
        ({"requests": "many"}, "requests is 'many'"),
        ({"duration": 0}, "duration is 0: it must be a number, more than 0"),
        ({"duration": 900_001}, "duration is 900001: it must be between 0 and 900000"),
        ({"memory": 127}, "memory is 127: it must be between 128 and 10240"),
        ({"memory": 512.5}, "memory is 512.5: it must be a whole number"),
        ({"instance": "t9.nano"}, "instance is 't9.nano': it must be one of t3.micro, "),
        ({"instance": None}, "instance is None"),
        ({"instances": 0}, "instances is 0"),
        ({"busy": 0}, "busy is 0: it must be a number, more than 0"),
        ({"busy": 101}, "busy is 101: it must be between 0 and 100"),
        ({"architecture": "sparc"}, "architecture is 'sparc'"),
        (
            {"memory": 4096},
            "a function of 4,096 MB (2.3 vCPUs) does not fit into a t4g.small: it has 2,048 MB",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(wrong, words):
    with pytest.raises(ValueError, match=r".") as caught:
        break_even(**wrong)
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_sizes_of_instance_types_are_those_of_ec2(lab):
    shown = lab.client("ec2").describe_instance_types(InstanceTypes=list(INSTANCES))
    types = {each["InstanceType"]: each for each in shown["InstanceTypes"]}
    assert set(types) == set(INSTANCES)
    for name, instance in INSTANCES.items():
        assert instance.memory == types[name]["MemoryInfo"]["SizeInMiB"]
        assert instance.vcpus == types[name]["VCpuInfo"]["DefaultVCpus"]
        note = facts.price(f"ec2.{name.replace('.', '-')}").note or ""
        burstable = types[name]["BurstablePerformanceSupported"]
        assert ("urstable" in note) == burstable
        arm = "arm64" in types[name]["ProcessorInfo"]["SupportedArchitectures"]
        assert ("arm64" in note) == arm


# ---- the panel


def test_the_panel_shows_what_the_plain_function_gives():
    shown = break_even_explorer(requests=12_345, duration=42)
    assert shown.chart == break_even(requests=12_345, duration=42)
    changes = {
        "instances": 2, "requests": 100_000_000, "duration": 1000, "memory": 1024,
        "architecture": "x86_64", "free_tier": False, "instance": "m6i.large", "busy": 80,
    }  # fmt: skip
    seen = {shown.chart.verdict}
    for name, value in changes.items():
        shown.set(**{name: value})
        seen.add(shown.chart.verdict)
    assert shown.chart == break_even(**changes)
    assert len(seen) == 1 + len(changes)


def test_what_does_not_fit_is_told_and_the_last_picture_stays():
    shown = break_even_explorer()
    shown.set(memory=10_240)
    assert shown.error.startswith("a function of 10,240 MB")
    assert shown.chart == break_even()
    shown.set(memory=128)
    assert (shown.error, shown.chart.memory) == ("", 128)


def test_guesses_come_first():
    shown = break_even_explorer(predict="cheaper", requests=1000)
    assert "picture" not in shown.shown
    shown.guess("EC2")
    assert shown.answer == "Not quite: you guessed EC2 instances, it is Lambda."
    shown = break_even_explorer(predict="equal")
    shown.guess(21)
    assert shown.answer.startswith("Right: you guessed 21 million, it is 20.5")
    assert break_even_explorer(predict="equal", busy=10).guess(0).answer.startswith("Right")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"colour": "red"}, "no setting colour: there are requests, duration"),
        ({"predict": "nothing"}, "no question 'nothing': there are cheaper, equal"),
        ({"memory": 1}, "memory is 1"),
        ({"requests": 0}, "requests is 0"),
    ],
)
def test_a_panel_for_nothing_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        break_even_explorer(**wrong)
