"""Objects put into a bucket: how soon the function that is notified begins.

The handler tells over a socket which key it was called for, so both sides are measured by the same
clock, in this process.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

from benchmarks.harness import Round, interleave, median_ratio, percentile
from benchmarks.queues import LONGEST_PAUSE, Ear
from benchmarks.report import Ratio, Result, Table, milliseconds
from benchmarks.sides import LAB, PEER, RUNTIME, Side, lab_side, package, peers

ROUNDS, OBJECTS, WARM_UP = 7, 40, 20
HOW = (
    f"From `put_object` through boto3 to the first line of the handler that the bucket notifies, a "
    f"warm environment, {ROUNDS} rounds of {OBJECTS} objects in turn, each after a pause of up to "
    f"{LONGEST_PAUSE * 1000:g} ms; the ratio is the median over the rounds of one round's p50 "
    "against the other's. Every object must have been told of."
)
HANDLER = """import json, socket
to = socket.create_connection(("127.0.0.1", {port}))

def handler(event, context):
    keys = [one["s3"]["object"]["key"] for one in event["Records"]]
    to.sendall(json.dumps(keys).encode() + b"\\n")
    print("one line")
"""


@dataclass
class Bucket:
    """One side with a bucket, the function that it notifies, and an ear for it."""

    side: Side
    ear: Ear = field(default_factory=Ear)
    put: int = 0

    def __post_init__(self) -> None:
        client, self.s3 = self.side.client, self.side.other("s3")
        self.s3.create_bucket(Bucket="benchmark")
        function = client.create_function(
            FunctionName="bucket",
            Runtime=RUNTIME,
            Role=self.side.role,
            Handler="lambda_function.handler",
            Code={"ZipFile": package(HANDLER.format(port=self.ear.port))},
            MemorySize=1769,
            Timeout=30,
        )
        self.side.wait_ready("bucket")
        client.add_permission(
            FunctionName="bucket",
            StatementId="bucket",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn="arn:aws:s3:::benchmark",
        )
        rule = {"LambdaFunctionArn": function["FunctionArn"], "Events": ["s3:ObjectCreated:*"]}
        self.s3.put_bucket_notification_configuration(
            Bucket="benchmark", NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}
        )

    def one(self) -> float:
        """Put an object; seconds until its handler began."""
        self.ear.forget()
        self.put += 1
        began = time.perf_counter()
        self.s3.put_object(Bucket="benchmark", Key=f"object-{self.put}", Body=b"content")
        self.ear.wait(1)
        (heard,) = self.ear.heard.values()
        return heard - began

    def some(self, count: int = OBJECTS) -> Round:
        """One object after the other, each at a moment that nobody can foresee."""
        moments = Random(count)
        began = time.perf_counter()
        calls = []
        for _ in range(count):
            time.sleep(moments.uniform(0, LONGEST_PAUSE))
            calls.append(self.one())
        return Round(tuple(calls), time.perf_counter() - began)


def run() -> Result:
    """Measure both in the same run."""
    with ExitStack() as stack:
        sides = [stack.enter_context(lab_side()), *peers(stack)]
        buckets = [Bucket(side) for side in sides]
        for bucket in buckets:
            bucket.some(WARM_UP)
        return result(interleave({one.side.name: one.some for one in buckets}, ROUNDS))


def result(rounds: dict[str, list[Round]]) -> Result:
    """Set out the rounds and their ratio."""
    p50 = {name: [taken.p50 for taken in every] for name, every in rounds.items()}
    ratio = Ratio("put_to_handler_p50_to_ministack", median_ratio(p50[LAB], p50.get(PEER, [])), 1.0)
    rows = tuple(row(name, every) for name, every in rounds.items())
    return Result("buckets", HOW, Table(("who", "p50 ms", "p99 ms", "objects"), rows), (ratio,))


def row(name: str, rounds: list[Round]) -> tuple[str, ...]:
    """Set out one contender."""
    calls = [call for taken in rounds for call in taken.calls]
    times = (milliseconds(percentile(calls, percent)) for percent in (50, 99))
    return (name, *times, str(len(calls)))
