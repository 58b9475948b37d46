"""Messages from a queue to a function: how soon one is handled, and how fast ten thousand are.

The handler tells over a socket what it gets, so both sides are measured by the same clock, in this
process, and no message is counted that was not handled.
"""

import json
import selectors
import socket
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.harness import Round, interleave, median_ratio, percentile
from benchmarks.memory import MB, own_memory
from benchmarks.report import Ratio, Result, Table, UnmeasuredError, milliseconds
from benchmarks.sides import LAB, PEER, RUNTIME, Side, lab_side, package, peers

ROUNDS, MESSAGES, WARM_UP = 7, 20, 10
MANY, BATCH, SENT_AT_ONCE = 10_000, 10, 10
PATIENCE = 180.0
# In seconds; long enough for whoever asks a queue again and again to be asleep when one comes.
LONGEST_PAUSE = 0.05
# What the cloud may gain from ten thousand messages more, in MB.
LARGEST_GAIN = 8.0
HOW = (
    f"Sent to started: from `send_message` through boto3 to the first line of the handler, a warm "
    f"environment, {ROUNDS} rounds of {MESSAGES} messages in turn, each after a pause of up to "
    f"{LONGEST_PAUSE * 1000:g} ms; the ratio is the median over "
    f"the rounds of one round's p50 against the other's. Rate: {MANY} messages wait in a queue "
    f"when a mapping with batches of {BATCH} is made; from the first handled to the last, in turn. "
    "Every message must have been handled. Memory: what the lab's cloud holds for itself after "
    "another as many messages, against before them."
)
HANDLER = """import json, socket
to = socket.create_connection(("127.0.0.1", {port}))

def handler(event, context):
    to.sendall(json.dumps([one["messageId"] for one in event["Records"]]).encode() + b"\\n")
    print("one line")
"""


class Ear:
    """A port at which handlers tell the ids of their messages: ``heard`` says when each came."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}
        self._more = threading.Condition()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._server, selectors.EVENT_READ)
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self, count: int) -> None:
        """Return once so many different messages have been told."""
        with self._more:
            if not self._more.wait_for(lambda: len(self.heard) >= count, PATIENCE):
                raise UnmeasuredError(f"{len(self.heard)} of {count} messages were handled")

    def forget(self) -> None:
        """Begin anew."""
        with self._more:
            self.heard.clear()

    def _listen(self) -> None:
        rests: dict[Any, bytes] = {}
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._server:
                    connection, _ = self._server.accept()
                    self._selector.register(connection, selectors.EVENT_READ)
                else:
                    self._read(key.fileobj, rests)

    def _read(self, connection: Any, rests: dict[Any, bytes]) -> None:
        now, data = time.perf_counter(), b""
        with suppress(OSError):
            data = connection.recv(1 << 16)
        if not data:
            self._selector.unregister(connection)
            rests.pop(connection, None)
            connection.close()
            return
        *lines, rests[connection] = (rests.get(connection, b"") + data).split(b"\n")
        with self._more:
            for line in lines:
                for message in json.loads(line):
                    self.heard.setdefault(message, now)
            self._more.notify_all()


@dataclass
class Queue:
    """One side with a queue, a function that tells what it gets, and an ear for it."""

    side: Side
    ear: Ear = field(default_factory=Ear)
    mapping: str | None = None

    def __post_init__(self) -> None:
        client = self.side.client
        self.sqs = self.side.other("sqs")
        self.url: str = self.sqs.create_queue(
            QueueName="benchmark", Attributes={"VisibilityTimeout": "120"}
        )["QueueUrl"]
        self.arn: str = self.sqs.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        client.create_function(
            FunctionName="queue",
            Runtime=RUNTIME,
            Role=self.side.role,
            Handler="lambda_function.handler",
            Code={"ZipFile": package(HANDLER.format(port=self.ear.port))},
            MemorySize=1769,
            Timeout=30,
        )
        self.side.wait_ready("queue")

    @property
    def name(self) -> str:
        """Who it is."""
        return self.side.name

    def open(self) -> None:
        """Make the mapping."""
        self.mapping = self.side.client.create_event_source_mapping(
            FunctionName="queue", EventSourceArn=self.arn, BatchSize=BATCH
        )["UUID"]

    def close(self) -> None:
        """Delete the mapping, and return once it is gone."""
        client = self.side.client
        client.delete_event_source_mapping(UUID=self.mapping)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                client.get_event_source_mapping(UUID=self.mapping)
            except client.exceptions.ResourceNotFoundException:
                return
            time.sleep(0.05)
        raise UnmeasuredError(f"{self.name}: the mapping is not gone")

    def one(self) -> float:
        """Send a message; seconds until its handler began."""
        self.ear.forget()
        began = time.perf_counter()
        self.sqs.send_message(QueueUrl=self.url, MessageBody="{}")
        self.ear.wait(1)
        (heard,) = self.ear.heard.values()
        return heard - began

    def some(self, count: int = MESSAGES) -> Round:
        """One message after the other, each at a moment that nobody can foresee."""
        moments = Random(count)
        began = time.perf_counter()
        calls = []
        for _ in range(count):
            time.sleep(moments.uniform(0, LONGEST_PAUSE))
            calls.append(self.one())
        return Round(tuple(calls), time.perf_counter() - began)

    def many(self) -> float:
        """Fill the queue, make the mapping; messages a second until all are handled."""
        self.ear.forget()
        for start in range(0, MANY, SENT_AT_ONCE):
            entries = [
                {"Id": str(number), "MessageBody": json.dumps({"number": number})}
                for number in range(start, start + SENT_AT_ONCE)
            ]
            self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
        self.open()
        self.ear.wait(MANY)
        times = self.ear.heard.values()
        self.close()
        return MANY / (max(times) - min(times))


def run() -> Result:
    """Measure both in the same run."""
    with ExitStack() as stack:
        sides = [stack.enter_context(lab_side()), *peers(stack)]
        queues = [Queue(side) for side in sides]
        soon = measured_soon(queues)
        # The first round brings the environments and all that is loaded once.
        rates = {queue.name: [queue.many()] for queue in queues}
        before = held(sides[0])
        for queue in queues:
            rates[queue.name].append(queue.many())
        return result(soon, rates, (before, held(sides[0])))


def measured_soon(queues: list[Queue]) -> dict[str, list[Round]]:
    """How soon one message is handled, with mappings that have nothing else to do."""
    for queue in queues:
        queue.open()
        queue.some(WARM_UP)
    rounds = interleave({queue.name: queue.some for queue in queues}, ROUNDS)
    for queue in queues:
        queue.close()
    return rounds


def held(side: Side) -> float:
    """What the lab's cloud holds for itself, in MB."""
    return own_memory(side.lab._process.pid) / MB


def result(
    soon: dict[str, list[Round]], rates: dict[str, list[float]], memory: tuple[float, float]
) -> Result:
    """Set out the rounds, the rates and their ratios."""
    p50 = {name: [taken.p50 for taken in rounds] for name, rounds in soon.items()}
    ratios = (
        Ratio("message_p50_to_ministack", median_ratio(p50[LAB], p50.get(PEER, [])), 0.6),
        Ratio(
            "messages_rate_to_ministack",
            median_ratio(rates[LAB], rates.get(PEER, [])), 1.5, at_most=False,
        ),
        Ratio("messages_memory_gain_mb", max(0.0, memory[1] - memory[0]), LARGEST_GAIN),
    )  # fmt: skip
    rows = tuple(row(name, soon[name], rates[name]) for name in soon)
    columns = ("who", "p50 ms", "p99 ms", "messages", "messages/s", "... again")
    return Result("queues", HOW, Table(columns, rows), ratios)


def row(name: str, rounds: list[Round], rates: list[float]) -> tuple[str, ...]:
    """Set out one contender."""
    calls = [call for taken in rounds for call in taken.calls]
    times = (milliseconds(percentile(calls, percent)) for percent in (50, 99))
    return (name, *times, str(len(calls)), *(f"{rate:.0f}" for rate in rates))
