"""Queues and streams: how fast their backlogs go, by the scaling steps that AWS publishes."""

from __future__ import annotations

import numpy as np
import pytest

from lambdalab.simulator import (
    Exponential,
    Function,
    Poisson,
    Policy,
    Queue,
    Regular,
    Stream,
    Trace,
    simulate,
)

QUICK = Function(1.0, init=0)
RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"


def running(run, *times):
    return run.concurrency.at(np.array(times))[0].tolist()


# ---- queues


def test_a_queue_begins_with_five_batches_and_adds_three_hundred_a_minute() -> None:
    run = simulate(Queue(200_000), QUICK)
    assert running(run, 0.1, 30.1, 60.1) == pytest.approx([5, 155, 305], abs=1)
    assert run.summary().records == 200_000
    assert "20,000 batches with 200,000 records" in repr(run)
    assert set(run.records) == {10}


def test_a_queue_has_at_most_1250_batches() -> None:
    run = simulate(Queue(5_000_000), Function(1.0, init=0), Policy(account=5000))
    assert run.peak == 1250
    assert running(run, 240.5, 260.5) == pytest.approx([1207, 1250], abs=2)


def test_no_more_than_messages_need() -> None:
    """While not all are busy, nothing is added."""
    run = simulate(Queue(Regular(4.5, seconds=600)), Function(1.0, init=0))
    assert run.peak == 5
    assert run.records.sum() == 2700


def test_after_it_was_emptied_it_begins_anew() -> None:
    backlog = np.concatenate([np.zeros(50_000), np.full(50_000, 500.0)])
    run = simulate(Queue(Trace(backlog)), QUICK)
    assert running(run, 30.1) == pytest.approx([155], abs=1)
    assert running(run, 499, 500.1, 530.1) == pytest.approx([0, 5, 155], abs=1)


def test_maximum_concurrency_is_kept() -> None:
    run = simulate(Queue(20_000, maximum_concurrency=20), QUICK)
    assert run.peak == 20
    assert run.duration == pytest.approx(100, abs=4)
    assert simulate(Queue(1_000, maximum_concurrency=2), QUICK).peak == 2


def test_pollers_begin_with_what_is_their_least_and_grow_faster() -> None:
    run = simulate(Queue(400_000, pollers=(5, 60)), QUICK)
    assert running(run, 0.05, 30.05, 60) == pytest.approx([50, 550, 600], abs=1)


@pytest.mark.parametrize(("size", "batches"), [(1, 100), (10, 10), (100, 1)])
def test_batches_are_as_large_as_they_may_be(size, batches) -> None:
    run = simulate(Queue(100, batch_size=size, window=1), Function(0.1, per_record=0.01, init=0))
    assert len(run) == batches
    assert (run.end - run.start) == pytest.approx(np.full(batches, 0.1 + 0.01 * size))


def test_a_window_gathers_messages() -> None:
    """Two a second: a batch of ten goes after the window, one of three as soon as it is full."""
    trace = Regular(2, seconds=20)
    waited = simulate(Queue(trace, batch_size=10, window=3), Function(0.1, init=0))
    assert waited.start[0] == pytest.approx(3)
    assert waited.records[0] == 7
    assert waited.arrival[0] == 0
    full = simulate(Queue(trace, batch_size=3, window=3), Function(0.1, init=0))
    assert full.start[:2].tolist() == pytest.approx([1, 2.5])
    at_once = simulate(Queue(trace, batch_size=10), Function(0.1, init=0))
    assert set(at_once.records) == {1}


def test_what_is_refused_comes_back_after_the_visibility_timeout() -> None:
    """Mappings do not look at reserved concurrency: five batches go, two of them in vain."""
    run = simulate(Queue(50, visibility=40), Function(5, init=0), Policy(reserved=3))
    assert run.attempts.tolist() == [1, 1, 1, 2, 2]
    assert run.start.tolist() == pytest.approx([0, 0, 0, 40, 40])
    assert run.throttles == {RESERVED: 2}
    assert not run.throttled.any()


def test_what_comes_too_often_ends_in_the_dead_letter_queue() -> None:
    run = simulate(Queue(20, visibility=1, max_receives=3), Function(5), Policy(reserved=0))
    assert run.attempts.tolist() == [3, 3]
    assert run.throttled.all()
    assert run.throttles == {RESERVED: 6}


def test_what_nobody_can_process_is_lost_when_it_is_too_old() -> None:
    """Without a redrive policy the queue keeps it for four days, the stream for one."""
    queue = simulate(Queue(10, visibility=3600), Function(5), Policy(reserved=0))
    assert queue.throttled.all()
    assert queue.attempts.tolist() == [4 * 24 + 1]
    stream = simulate(Stream(250, retention=1000), Function(5), Policy(reserved=0))
    assert stream.throttled.all()
    assert len(stream) == 3
    assert stream.start[0] < 1000 < stream.duration


def test_a_refusal_takes_a_batch_from_the_limit_and_a_success_gives_it_back() -> None:
    run = simulate(Queue(10_000, visibility=30), Function(1, init=0), Policy(reserved=2))
    assert run.peak == 2
    # Of the first five two go; then each that ends makes room for one more try.
    assert int((run.start < 0.5).sum()) == 2
    assert int((run.refused.time < 0.1).sum()) == 3
    assert run.records.sum() == 10_000
    assert not run.throttled.any()


def test_messages_that_come_by_and_by_are_all_handled_once() -> None:
    run = simulate(Queue(Poisson(200, seconds=100)), Function(Exponential(0.4)), Policy(), 3)
    sent = Poisson(200, seconds=100)
    assert run.records.sum() == len(simulate(sent, seed=3))
    assert (run.start >= run.arrival).all()
    assert set(run.attempts) == {1}


def test_an_empty_queue_is_drained_at_once() -> None:
    assert len(simulate(Queue(0))) == 0
    assert len(simulate(Stream(0))) == 0


# ---- streams


@pytest.mark.parametrize(("shards", "factor"), [(1, 1), (4, 1), (4, 5)])
def test_each_shard_has_as_many_lanes_as_its_factor(shards, factor) -> None:
    run = simulate(Stream(50_000, shards, factor), QUICK, seed=2)
    assert run.peak == shards * factor
    assert set(run.lane) == set(range(shards * factor))
    assert run.records.sum() == 50_000
    assert run.records.max() == 100
    rounds = 50_000 / (100 * shards * factor)
    assert run.duration == pytest.approx(rounds, rel=0.1)


def test_a_lane_has_one_batch_at_a_time_and_keeps_its_order() -> None:
    run = simulate(Stream(Poisson(500, seconds=60), 3, 2), Function(Exponential(0.3)), seed=1)
    for lane in range(6):
        rows = run.lane == lane
        assert (run.start[rows][1:] >= run.end[rows][:-1]).all()
        assert (np.diff(run.arrival[rows]) >= 0).all()


def test_the_age_of_records_grows_where_lanes_are_too_few() -> None:
    slow = simulate(Stream(Poisson(300, seconds=120), 1, 1), Function(0.5, init=0), seed=1)
    fast = simulate(Stream(Poisson(300, seconds=120), 1, 2), Function(0.5, init=0), seed=1)
    assert (slow.start - slow.arrival)[-1] > 30
    assert (fast.start - fast.arrival).max() < 1


def test_a_window_of_a_stream_gathers_records() -> None:
    run = simulate(Stream(Regular(10, seconds=20), window=4), Function(0.1, init=0))
    assert run.start[0] == pytest.approx(4)
    assert run.records[0] == 41
    full = simulate(Stream(Regular(10, 20), batch_size=20, window=4), Function(0.1, init=0))
    assert full.start[0] == pytest.approx(1.9)


def test_a_refused_batch_blocks_its_lane_until_it_gets_through() -> None:
    """It is tried again after 1, 2, 4 s and so on, and loses nothing."""
    run = simulate(Stream(400, shards=4), Function(10, init=0), Policy(reserved=3), seed=1)
    assert run.records.sum() == 400
    assert not run.throttled.any()
    assert set(run.throttles) == {RESERVED}
    blocked = run.attempts > 1
    assert blocked.any()
    tried = {1: 0.0, 2: 1, 3: 3, 4: 7, 5: 15, 6: 31}
    firsts = [int(np.flatnonzero(run.lane == lane)[0]) for lane in range(4)]
    assert [run.start[row] for row in firsts] == [tried[int(run.attempts[row])] for row in firsts]
