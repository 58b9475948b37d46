"""Nothing is lost and each key keeps its order, whatever befalls the function and the stream."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)  # fmt: skip

from lambdalab import Lab
from tests.engine import Gate
from tests.stream_stage import TELLING, make_queue, make_stream, map_stream, put, received, to

MakeFunction = Callable[..., str]
numbers = count(1)

# Against a live lab the search for a smaller failing example takes minutes.
PHASES = (Phase.explicit, Phase.generate)

# The function tells what it got and what of it is done. Data that begins with "bad" always fails,
# with "named" is always named, with "flaky" fails when an environment meets it first, and with
# "crash" ends the environment that meets it first.
CODE = (
    TELLING.partition("def handler")[0]
    + """
SEEN = set()

def first_time(one):
    new = one not in SEEN
    SEEN.add(one)
    return new

def handler(event, context):
    all = [text(one) for one in event["Records"]]
    crashes = [one for one in all if one.startswith("crash") and not os.path.exists("/tmp/" + one)]
    for one in crashes:
        open("/tmp/" + one, "w").close()
    flaky = [one for one in all if one.startswith("flaky") and first_time(one)]
    named = [place for place, one in enumerate(all) if one.startswith("named")]
    failed = bool(crashes or flaky) or any(one.startswith("bad") for one in all)
    partial = os.environ["PARTIAL"] == "yes"
    done = [] if failed else all[: named[0]] if named and partial else all
    told({"stream": event["Records"][0]["eventSourceARN"], "got": all, "done": done})
    if crashes:
        os._exit(1)
    if failed:
        raise ValueError("bad record")
    places = [number(event["Records"][place]) for place in named]
    return {"batchItemFailures": [{"itemIdentifier": one} for one in places]}
"""
)


@pytest.fixture
def telling(make_function: MakeFunction, gate: Gate) -> Callable[[bool], str]:
    """Functions that tell the gate what they get: one that names records and one that does not."""
    gate.open()
    made = {
        partial: make_function(
            CODE,
            Environment={"Variables": {"GATE": str(gate.port), "PARTIAL": answer}},
        )
        for partial, answer in ((True, "yes"), (False, "no"))
    }
    return lambda partial: made[partial]


def given_up(lab: Lab, queue: str, stream: str) -> set[str]:
    """The sequence numbers of what went to the destination."""
    kinesis = lab.client("kinesis")
    lost: set[str] = set()
    for record in received(lab, queue):
        info = record["KinesisBatchInfo"]
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=info["shardId"], ShardIteratorType="AT_SEQUENCE_NUMBER",
            StartingSequenceNumber=info["startSequenceNumber"],
        )["ShardIterator"]  # fmt: skip
        rows = kinesis.get_records(ShardIterator=iterator, Limit=10_000)["Records"]
        lost |= {
            one["SequenceNumber"] for one in rows
            if int(one["SequenceNumber"]) <= int(info["endSequenceNumber"])
        }  # fmt: skip
    return lost


def check(lab: Lab, gate: Gate, arn: str, queue: str, sent: dict[str, tuple[str, str]]) -> None:
    """Each record is done or in the destination; ``sent``: key and number by text, in order."""
    told = [one for one in gate.arrived if one["stream"] == arn]
    done = [text for one in told for text in one["done"]]
    lost = given_up(lab, queue, arn.rpartition("/")[2])
    missing = [
        text for text, (_, number) in sent.items() if text not in done and number not in lost
    ]
    assert missing == []
    assert not any(text.startswith("bad") for text in done)
    for key in {key for key, _ in sent.values()}:
        order = [text for text in sent if sent[text][0] == key]
        first_seen = list(
            dict.fromkeys(text for one in told for text in one["got"] if text in order)
        )
        assert first_seen == [text for text in order if text in first_seen]
        first_done = list(dict.fromkeys(text for text in done if text in order))
        assert first_done == [text for text in order if text in first_done]


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"),
        st.sampled_from(["fine", "fine", "fine", "fine", "bad", "named", "flaky", "crash"]),
    ),
    min_size=1,
    max_size=25,
)


@settings(
    max_examples=25, deadline=None, derandomize=True, phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    rows=ROWS, lanes=st.integers(1, 10), batch=st.integers(1, 12), shards=st.integers(1, 3),
    bisect=st.booleans(), partial=st.booleans(), retries=st.integers(0, 3),
)  # fmt: skip
def test_every_record_is_done_or_given_up_and_each_key_keeps_its_order(
    rows: list[tuple[str, str]], lanes: int, batch: int, shards: int, bisect: bool, partial: bool,
    retries: int, lab: Lab, lam: Any, telling: Callable[[bool], str], gate: Gate,
) -> None:  # fmt: skip
    number = next(numbers)
    stream, queue = f"stream-{number}", f"queue-{number}"
    arn = make_stream(lab, stream, shards)
    uuid = map_stream(
        lab, arn, telling(partial), ParallelizationFactor=lanes, BatchSize=batch,
        BisectBatchOnFunctionError=bisect, MaximumRetryAttempts=retries,
        FunctionResponseTypes=["ReportBatchItemFailures"] if partial else [],
        DestinationConfig=to(make_queue(lab, queue)),
    )  # fmt: skip
    texts = [f"{kind} {number} {place}" for place, (_, kind) in enumerate(rows)]
    put_rows = [f"{key}:{text}" for (key, _), text in zip(rows, texts, strict=True)]
    sequences = put(lab, *put_rows, stream=stream)
    lab.clock.advance(minutes=30)
    keys = [key for key, _ in rows]
    sent = dict(zip(texts, zip(keys, sequences, strict=True), strict=True))
    check(lab, gate, arn, queue, sent)
    lam.delete_event_source_mapping(UUID=uuid)
    lab.clock.advance(seconds=1)


class Troubles(RuleBasedStateMachine):
    """A mapping, and all that may happen while it reads."""

    lab: Lab
    gate: Gate
    function: str

    def __init__(self) -> None:
        super().__init__()
        self.number = next(numbers)
        self.stream, self.queue = f"stream-{self.number}", f"queue-{self.number}"
        self.sent: dict[str, tuple[str, str]] = {}
        self.enabled = True
        self.lam = self.lab.client("lambda")
        self.kinesis = self.lab.client("kinesis")

    @initialize(lanes=st.integers(1, 4), bisect=st.booleans())
    def begin(self, lanes: int, bisect: bool) -> None:
        self.arn = make_stream(self.lab, self.stream)
        self.uuid = map_stream(
            self.lab, self.arn, self.function, ParallelizationFactor=lanes, BatchSize=4,
            BisectBatchOnFunctionError=bisect, MaximumRetryAttempts=2,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            DestinationConfig=to(make_queue(self.lab, self.queue)),
        )  # fmt: skip

    @rule(rows=ROWS)
    def put(self, rows: list[tuple[str, str]]) -> None:
        texts = [f"{kind} {self.number} {len(self.sent) + n}" for n, (_, kind) in enumerate(rows)]
        keyed = [f"{key}:{text}" for (key, _), text in zip(rows, texts, strict=True)]
        sequences = put(self.lab, *keyed, stream=self.stream)
        keys = [key for key, _ in rows]
        self.sent |= dict(zip(texts, zip(keys, sequences, strict=True), strict=True))

    @rule(seconds=st.sampled_from([0.5, 3, 60]))
    def wind(self, seconds: float) -> None:
        self.lab.clock.advance(seconds=seconds)

    @rule()
    def throttle(self) -> None:
        self.lam.put_function_concurrency(
            FunctionName=self.function, ReservedConcurrentExecutions=0
        )

    @rule()
    def let_run(self) -> None:
        self.lam.delete_function_concurrency(FunctionName=self.function)

    @rule(lanes=st.integers(1, 4))
    def change(self, lanes: int) -> None:
        self.lam.update_event_source_mapping(UUID=self.uuid, ParallelizationFactor=lanes)
        self.lab.clock.advance(seconds=1)

    @rule()
    def switch(self) -> None:
        self.enabled = not self.enabled
        self.lam.update_event_source_mapping(UUID=self.uuid, Enabled=self.enabled)
        self.lab.clock.advance(seconds=1)

    @precondition(lambda self: len(self.sent) < 60)
    @rule(wanted=st.integers(1, 3))
    def reshard(self, wanted: int) -> None:
        with contextlib.suppress(ClientError):  # as many as there are
            self.kinesis.update_shard_count(
                StreamName=self.stream, TargetShardCount=wanted, ScalingType="UNIFORM_SCALING"
            )

    def teardown(self) -> None:
        if not hasattr(self, "uuid"):
            return
        self.let_run()
        if not self.enabled:
            self.switch()
        self.lab.clock.advance(hours=2)
        check(self.lab, self.gate, self.arn, self.queue, self.sent)
        self.lam.delete_event_source_mapping(UUID=self.uuid)
        self.lab.clock.advance(seconds=1)


def test_nothing_is_lost_whatever_happens(
    lab: Lab, telling: Callable[[bool], str], gate: Gate
) -> None:
    machine = type("Machine", (Troubles,), {"lab": lab, "gate": gate, "function": telling(True)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=15, deadline=None, derandomize=True, phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
