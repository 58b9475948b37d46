"""A real run and a simulated one: the same kinds of records, and one fitted to the other."""

from __future__ import annotations

from itertools import pairwise

import pytest
from botocore.config import Config

from lambdalab.simulator import (
    ASYNCHRONOUS,
    Empirical,
    Exponential,
    Function,
    Poisson,
    Policy,
    Queue,
    Retry,
    Stream,
    Trace,
    simulate,
)
from lambdalab.simulator.brought import EVENT_TOO_OLD, RECORDS_TOO_OLD
from lambdalab.sources.streams.stream_failures import TOO_OLD
from lambdalab.timeline import KINDS
from tests.conftest import wait_until_settled
from tests.engine import RUNTIME
from tests.stream_stage import make_stream, put

CODE = "import time\n\ndef handler(event, context):\n    time.sleep(event['seconds'])\n"


@pytest.fixture(scope="module")
def real(start_lab):
    """Records of a function that was cold, warm, refused, and whose environment was taken back."""
    with start_lab() as lab:
        lam = lab.client("lambda", config=Config(retries={"total_max_attempts": 1}))
        lam.create_function(
            FunctionName="f",
            Runtime=RUNTIME,
            Handler="lambda_function.handler",
            Role=lab.role(),
            Code={"ZipFile": lab.zip({"lambda_function.py": CODE})},
        )
        lam.get_waiter("function_active_v2").wait(FunctionName="f")
        for seconds in (b"0.2", b"0.05", b"0.1"):
            lam.invoke(FunctionName="f", Payload=b'{"seconds": %s}' % seconds)
        lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
        with pytest.raises(lam.exceptions.TooManyRequestsException):
            lam.invoke(FunctionName="f", Payload=b'{"seconds": 0}')
        lab.clock.advance(minutes=20)
        return list(lab.timeline.of("f"))


SLEEPER = """import time

def handler(event, context):
    time.sleep(0.3 if "Records" not in event else 0)
"""


@pytest.fixture(scope="module")
def brought(start_lab):
    """Records of two functions that a queue, a stream and events call, and a provisioned one."""
    with start_lab(concurrency=3, unreserved_floor=0) as lab:
        lam = lab.client("lambda")
        roles = [f"arn:aws:iam::aws:policy/service-role/AWSLambda{name}ExecutionRole"
                 for name in ("SQSQueue", "Kinesis")]  # fmt: skip
        for name in ("ready", "f"):
            lam.create_function(
                FunctionName=name, Runtime=RUNTIME, Handler="lambda_function.handler",
                Role=lab.role(policies=roles),
                Code={"ZipFile": lab.zip({"lambda_function.py": SLEEPER})},
            )  # fmt: skip
            wait_until_settled(lam, name)
        lam.publish_version(FunctionName="ready")
        lam.put_provisioned_concurrency_config(
            FunctionName="ready", Qualifier="1", ProvisionedConcurrentExecutions=1
        )
        lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
        for _ in range(2):
            lam.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
        lab.clock.advance(minutes=5)
        mappings = drained(lab, lam)
        lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
        drained(lab, lam, mappings)
        lam.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
        lab.clock.advance(seconds=10)
        for uuid in mappings:
            lam.delete_event_source_mapping(UUID=uuid)
        lab.clock.advance(hours=7)
        return list(lab.timeline)


def drained(lab, lam, mappings=()):
    """Bring a message and a record, with mappings that are made where there are none."""
    sqs = lab.client("sqs")
    if not mappings:
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        mappings = [
            lam.create_event_source_mapping(
                FunctionName="f", EventSourceArn=arn, **settings
            )["UUID"]
            for arn, settings in (
                (queue["Attributes"]["QueueArn"], {}),
                (make_stream(lab), {"StartingPosition": "TRIM_HORIZON"}),
            )
        ]  # fmt: skip
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="q")["QueueUrl"], MessageBody="one")
    put(lab, "one")
    lab.clock.advance(seconds=40)
    return mappings


def simulated():
    """Runs that a queue, a stream and events bring, each served and refused, and provisioned."""
    stopped, one = Policy(reserved=0), Policy(account=1, floor=0)
    short = Retry(attempts=5, first=1, jitter=0, patience=2, paced=False)
    return [
        simulate(Queue(10)),
        simulate(Queue(10, max_receives=2), policy=stopped),
        simulate(Stream(10)),
        simulate(Stream(10, retention=10), policy=stopped),
        simulate(Trace([0.0, 0.1], retry=ASYNCHRONOUS), Function(0.5), one),
        simulate(Trace([0.0], retry=short), policy=stopped),
        simulate(Trace([0.0, 20.0]), policy=Policy(provisioned=1, age=(5, 8))),
    ]


BROUGHT = (
    "accepted", "poll", "deleted", "returned", "retry", "dropped", "provisioned", "init", "end",
)  # fmt: skip


@pytest.mark.parametrize("kind", BROUGHT)
def test_a_simulation_tells_what_brings_requests_as_the_engine_does(brought, kind) -> None:
    theirs = {str(shape(record)) for record in brought if record.kind == kind}
    ours = {str(shape(one)) for run in simulated() for one in run.timeline() if one.kind == kind}
    assert ours
    # A stream's record that is dropped is not in the engine's run: it would take a day.
    assert {each for each in ours if "shard" not in each or kind != "dropped"} <= theirs


def shape(record):
    """What there is of a record, whatever its values."""
    given = [record.environment, record.request_id, record.duration]
    detail = {name: type(value) for name, value in record.detail.items() if name != "memory_mb"}
    return record.kind, [value is not None for value in given], detail


def test_a_simulated_run_has_the_records_of_a_real_one(real) -> None:
    policy = Policy(account=1, floor=0, idle=5, age=1e9)
    run = simulate(Trace([0.0, 0.1, 2.0, 60.0]), Function(1, init=0.5, name="f"), policy)
    wanted = {"init", "invoke", "throttle", "end"}
    theirs = [shape(record) for record in real if record.kind in wanted]
    ours = [shape(record) for record in run.timeline()]
    assert {kind for kind, *_ in theirs} == wanted
    for kind in wanted:
        told = next(each for each in theirs if each[0] == kind)
        # The machine it ran on may have something to note.
        told[2].pop("note", None)
        assert next(each for each in ours if each[0] == kind) == told


def test_a_function_fitted_to_the_labs_timeline_runs_as_it_did(real) -> None:
    function = Function.fitted(real, "f")
    lasted = [record.duration for record in real if record.kind == "invoke"]
    assert function.duration == Empirical(tuple(lasted))
    assert min(lasted) >= 0.05
    assert function.init.mean > 0


def test_a_trace_of_the_labs_timeline_has_its_requests(real) -> None:
    trace = Trace.from_timeline(real, "f")
    run = simulate(trace, Function.fitted(real, "f"), Policy(account=1, floor=0))
    assert len(run) == 4
    assert run.cold.tolist() == [True, False, False, False]
    first = next(record for record in real if record.kind == "invoke")
    assert run.end[0] - run.start[0] == pytest.approx(first.duration)


# ---- what brings requests


def told(run, *kinds):
    wanted = kinds or KINDS
    return [(record.time, record.kind) for record in run.timeline() if record.kind in wanted]


def test_a_queue_tells_of_each_batch() -> None:
    run = simulate(Queue(20, visibility=40), Function(5, init=0.5), Policy(reserved=1))
    records = run.timeline()
    assert [(one.time, one.kind) for one in records] == [
        (0, "poll"), (0, "poll"), (0, "init"), (0, "throttle"), (0, "returned"), (0.5, "invoke"),
        (5.5, "deleted"), (40, "poll"), (40, "invoke"), (45, "deleted"),
    ]  # fmt: skip
    first, second, again = (one for one in records if one.kind == "poll")
    assert first.detail == second.detail
    assert first.detail["records"] == 10
    ids = {one.kind: one.request_id for one in records[:6] if one.kind in ("throttle", "invoke")}
    # Each receive is an invocation of its own.
    assert {first.request_id, second.request_id} == set(ids.values())
    assert again.request_id not in set(ids.values())
    assert {one.detail["reason"] for one in records if one.kind == "deleted"} == {"processed"}
    late = simulate(Queue(1), Function(5, timeout=2, init=0)).timeline()
    assert (late[-1].kind, late[-1].detail["reason"]) == ("returned", "timeout")


def test_a_stream_tells_of_each_try() -> None:
    stream = Stream(200, shards=2, parallelization=2, batch_size=100, retention=5)
    run = simulate(stream, Function(1, init=0), Policy(reserved=0), 1)
    records = run.timeline()
    names = {f"shardId-00000000000{number}" for number in range(2)}
    assert {one.detail["shard"] for one in records if one.kind == "poll"} == names
    lane = [one for one in records if one.detail.get("records") == run.records[0]]
    kinds = [(one.time, one.kind, one.detail.get("delay")) for one in lane]
    # Tries at 0, 1 and 3 s; the next would be at 7 s, and the records are too old at 5 s.
    assert [each for each in kinds if each[1] == "retry"] == [
        (0, "retry", 1), (1, "retry", 2), (3, "retry", 2)
    ]  # fmt: skip
    assert kinds[-1] == (5, "dropped", None)
    assert lane[-1].detail["condition"] == RECORDS_TOO_OLD == TOO_OLD
    assert {one.detail["attempt"] for one in records if one.kind == "poll"} == {1}


def test_an_asynchronous_event_is_accepted_waits_and_is_dropped() -> None:
    retry = Retry(attempts=9, first=1, jitter=0, patience=6, paced=False)
    run = simulate(Trace([0.0, 0.5], retry=retry), Function(1.2, init=0), Policy(reserved=1))
    assert told(run, "accepted", "throttle", "retry", "invoke") == [
        (0, "accepted"), (0, "invoke"), (0.5, "accepted"), (0.5, "throttle"), (0.5, "retry"),
        (1.5, "invoke"),
    ]  # fmt: skip
    assert len({one.request_id for one in run.timeline() if one.request_id}) == 2
    stopped = simulate(Trace([0.0], retry=retry), policy=Policy(reserved=0)).timeline()
    assert [(one.time, one.detail.get("delay")) for one in stopped if one.kind == "retry"] == [
        (0, 1), (1, 2), (3, 3),
    ]  # fmt: skip
    assert (stopped[-1].time, stopped[-1].detail["condition"]) == (6, EVENT_TOO_OLD)


def test_who_calls_synchronously_tells_nothing_more() -> None:
    run = simulate(Trace([0.0, 0.1], retry=Retry(jitter=0)), policy=Policy(account=1, floor=0))
    assert {one.kind for one in run.timeline()} == {"init", "throttle", "invoke"}


# ---- provisioned environments


def test_provisioned_environments_are_made_before_the_first_request() -> None:
    function = Function(1, init=Exponential(0.5))
    run = simulate(Trace([10.0, 10.0, 10.0]), function, Policy(provisioned=2), 3)
    inits = [one for one in run.timeline() if one.kind == "init"]
    ready = next(one for one in run.timeline() if one.kind == "provisioned")
    assert [one.environment for one in inits] == ["env-1", "env-2", "env-3"]
    assert max(one.time + one.duration for one in inits[:2]) == pytest.approx(ready.time) == 10
    assert inits[0].time == inits[1].time
    assert ready.detail == {"qualifier": "1", "status": "READY", "requested": 2, "ready": 2}
    invokes = {
        one.environment: one.detail["cold"] for one in run.timeline() if one.kind == "invoke"
    }
    assert invokes == {"env-1": False, "env-2": False, "env-3": True}


def test_a_provisioned_environment_is_replaced_at_its_age() -> None:
    """What is old while it runs goes when it has nothing to do for as long as INIT takes."""
    function = Function(3, init=1)
    run = simulate(Trace([0.0, 4.0, 7.5, 20.0]), function, Policy(provisioned=1, age=5))
    told = [(one.time, one.kind, one.environment) for one in run.timeline() if one.environment]
    # Made at -1 s, so old at 4 s; it runs until 7 s, and again from 7.5 s on.
    assert told == [
        (-1, "init", "env-1"), (0, "invoke", "env-1"), (4, "invoke", "env-1"),
        (7.5, "invoke", "env-1"), (10.5, "end", "env-1"), (10.5, "init", "env-2"),
        (15.5, "end", "env-2"), (15.5, "init", "env-3"), (20, "invoke", "env-3"),
        (23, "end", "env-3"), (23, "init", "env-4"),
    ]  # fmt: skip
    assert {one.detail["reason"] for one in run.timeline() if one.kind == "end"} == {"its age"}


def test_whatever_the_ages_the_same_requests_find_one_that_is_provisioned() -> None:
    runs = [
        simulate(Poisson(20, seconds=60), Function(Exponential(0.3), Exponential(0.1)), Policy(
            provisioned=3, idle=5, age=age), 4)
        for age in (1e9, (2.0, 9.0))
    ]  # fmt: skip
    young, old = (
        [one for one in run.timeline() if one.kind == "invoke" and not one.detail["cold"]]
        for run in runs
    )
    slots = {"env-1", "env-2", "env-3"}
    assert {one.time for one in young if one.environment in slots} <= {one.time for one in old}
    lanes = {one.environment for one in old} - slots
    assert lanes
    inits = [one.duration for one in runs[1].timeline() if one.kind == "init"]
    assert len(set(inits)) == len(inits)
    ends = {one.environment: one.time for one in runs[1].timeline() if one.kind == "end"}
    for one in runs[1].timeline():
        if one.kind == "invoke" and one.environment in ends:
            assert one.time + one.duration <= ends[one.environment] + 1e-9


def test_no_environment_does_two_things_at_a_time() -> None:
    policy = Policy(account=12, floor=0, provisioned=4, idle=(1, 3), age=(1, 6))
    run = simulate(Poisson(15, seconds=120), Function(Exponential(0.4), init=0.7), policy, 2)
    lanes = {}
    for one in run.timeline():
        if one.environment:
            lanes.setdefault(one.environment, []).append(one)
    assert len(lanes) > 30
    for records in lanes.values():
        assert records[0].kind == "init"
        for one, after in pairwise(records):
            assert one.time + (one.duration or 0) <= after.time + 1e-9
            assert one.kind != "end"


def test_of_some_requests_only_what_concerns_them_is_told() -> None:
    run = simulate(Poisson(2, seconds=60), policy=Policy(provisioned=4, age=(5, 9)))
    assert run.provisioned.all()
    few = run.timeline(10)
    last = max(one.time + (one.duration or 0) for one in few if one.kind == "invoke")
    assert len([one for one in few if one.kind == "invoke"]) == 10
    assert max(one.time for one in few if one.environment) <= last
    assert [one.kind for one in run.timeline(0)] == ["init"] * 4 + ["provisioned"]
