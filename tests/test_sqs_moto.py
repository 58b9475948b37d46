"""What is mended in moto's SQS: order, hiding, duplicates, handles, counts, memory, watchers."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from lambdalab import Lab
from lambdalab.neighbours.messages import queues, sqs
from lambdalab.neighbours.messages.queue_handles import handle_of, message_of
from lambdalab.neighbours.messages.queue_line import Line, Verdict
from tests.engine import refusal

ARN = "arn:aws:sqs:us-east-1:123456789012:q"
MESSAGE = "0d6b7f2c-3b1c-4d6e-9a0b-1c2d3e4f5a6b"


# ---- moto is as it was when this was written


def test_moto_still_has_what_is_mended() -> None:
    from moto.sqs import models

    for name in ("create_queue", "delete_queue", "set_queue_attributes", "receive_message"):
        assert callable(getattr(models.SQSBackend, name))
    theirs = queues.LabQueue.__mro__[1]
    for name in ("add_message", "delete_message", "wait_for_messages", "messages"):
        assert name in vars(theirs), name
    fresh = theirs("name", "us-east-1", "123456789012")
    assert (fresh._messages, fresh.redrive_policy, fresh.dead_letter_queue) == ([], None, None)
    assert fresh._messages_lock.acquire()
    message = models.Message("id", "body")
    assert (message.visible_at, message.delayed_until, message.receipt_handle) == (0, 0, None)


# ---- through boto3


@pytest.fixture
def client(lab: Lab) -> Any:
    return lab.client("sqs")


def make(client: Any, name: str = "q", **attributes: str) -> str:
    if name.endswith(".fifo"):
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} | attributes
    return str(client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def receive(client: Any, url: str, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, **more
    ).get("Messages", [])
    return found


def test_messages_are_received_in_order_hidden_and_deleted(lab: Lab, client: Any) -> None:
    url = make(client)
    for body in "abc":
        client.send_message(QueueUrl=url, MessageBody=body)
    got = receive(client, url)
    assert [one["Body"] for one in got] == ["a", "b", "c"]
    assert receive(client, url) == []
    client.delete_message(QueueUrl=url, ReceiptHandle=got[1]["ReceiptHandle"])
    lab.clock.advance(seconds=30)
    assert [one["Body"] for one in receive(client, url)] == ["a", "c"]
    # An older handle deletes too, and deleting again is harmless.
    for _ in range(2):
        client.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    lab.clock.advance(seconds=30)
    assert [one["Body"] for one in receive(client, url)] == ["c"]


def test_a_handle_of_another_queue_is_refused(client: Any) -> None:
    one, other = make(client, "one"), make(client, "other")
    client.send_message(QueueUrl=one, MessageBody="x")
    (got,) = receive(client, one)
    for handle in (got["ReceiptHandle"], "AQEB", "nonsense", "AQEB" + "A" * 96):
        refused = refusal(client.delete_message, QueueUrl=other, ReceiptHandle=handle)
        assert refused.code == "ReceiptHandleIsInvalid"
    refused = refusal(
        client.change_message_visibility,
        QueueUrl=one, ReceiptHandle="nonsense", VisibilityTimeout=1,
    )  # fmt: skip
    assert refused.code == "ReceiptHandleIsInvalid"


def test_visibility_can_be_changed(lab: Lab, client: Any) -> None:
    url = make(client)
    client.send_message(QueueUrl=url, MessageBody="x")
    (got,) = receive(client, url)
    named = {"QueueUrl": url, "ReceiptHandle": got["ReceiptHandle"]}
    client.change_message_visibility(**named, VisibilityTimeout=100)
    lab.clock.advance(seconds=99)
    assert receive(client, url) == []
    client.change_message_visibility(**named, VisibilityTimeout=0)
    (again,) = receive(client, url, AttributeNames=["All"])
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    refused = refusal(client.change_message_visibility, **named, VisibilityTimeout=43_200)
    assert refused.code == "InvalidParameterValue"


def test_a_queue_without_visibility_timeout_hides_nothing(client: Any) -> None:
    url = make(client, VisibilityTimeout="0")
    client.send_message(QueueUrl=url, MessageBody="x")
    assert [len(receive(client, url)) for _ in range(3)] == [1, 1, 1]


def test_messages_end_with_their_retention(lab: Lab, client: Any) -> None:
    url = make(client, MessageRetentionPeriod="60")
    client.send_message(QueueUrl=url, MessageBody="old")
    lab.clock.advance(seconds=59)
    client.send_message(QueueUrl=url, MessageBody="young")
    lab.clock.advance(seconds=1)
    assert [one["Body"] for one in receive(client, url)] == ["young"]


def test_a_purged_queue_is_empty_and_goes_on(client: Any) -> None:
    url = make(client)
    client.send_message(QueueUrl=url, MessageBody="x")
    client.purge_queue(QueueUrl=url)
    assert receive(client, url) == []
    client.send_message(QueueUrl=url, MessageBody="y")
    assert [one["Body"] for one in receive(client, url)] == ["y"]


def test_only_the_attributes_that_were_asked_for_are_shown(client: Any) -> None:
    url = make(client, VisibilityTimeout="0")
    attribute = {"DataType": "String", "StringValue": "x"}
    client.send_message(
        QueueUrl=url, MessageBody="x", MessageAttributes={"a": attribute, "b": attribute}
    )
    shown = [
        receive(client, url, MessageAttributeNames=names)[0].get("MessageAttributes", {})
        for names in ([], ["a"], ["All"])
    ]
    assert [set(one) for one in shown] == [set(), {"a"}, {"a", "b"}]


def test_a_long_poll_hears_of_a_message(client: Any, lab: Lab) -> None:
    url = make(client)
    got: list[Any] = []
    waiting = threading.Thread(
        target=lambda: got.extend(receive(lab.client("sqs"), url, WaitTimeSeconds=20))
    )
    waiting.start()
    client.send_message(QueueUrl=url, MessageBody="x")
    waiting.join(timeout=15)
    assert [one["Body"] for one in got] == ["x"]


@pytest.mark.parametrize(
    ("attributes", "groups", "expected"),
    [({}, "gh", 1), ({"DeduplicationScope": "messageGroup"}, "gh", 2), ({}, "gg", 1)],
)
def test_copies_in_a_fifo_queue_by_their_scope(
    client: Any, attributes: dict[str, str], groups: str, expected: int
) -> None:
    url = make(client, "q.fifo", **attributes)
    sent = [
        client.send_message(QueueUrl=url, MessageBody="same", MessageGroupId=group)
        for group in groups
    ]
    assert len({(one["MessageId"], one["SequenceNumber"]) for one in sent}) == expected
    assert len(receive(client, url)) == expected


def test_a_fifo_group_waits_for_what_is_in_flight(lab: Lab, client: Any) -> None:
    url = make(client, "q.fifo")

    def send(body: str, group: str) -> None:
        client.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group)

    send("a1", "a")
    send("b1", "b")
    send("a2", "a")
    got = receive(client, url)
    assert sorted(one["Body"] for one in got) == ["a1", "a2", "b1"]
    send("a3", "a")
    assert receive(client, url) == []
    for one in got:
        if one["Body"] != "a2":
            client.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    assert receive(client, url) == []  # a2 is still in flight
    lab.clock.advance(seconds=30)
    assert [one["Body"] for one in receive(client, url)] == ["a2", "a3"]


def test_a_dead_letter_queue_that_is_gone_takes_nothing(lab: Lab, client: Any) -> None:
    grave = make(client, "grave")
    arn = client.get_queue_attributes(QueueUrl=grave, AttributeNames=["QueueArn"])
    policy = f'{{"deadLetterTargetArn": "{arn["Attributes"]["QueueArn"]}", "maxReceiveCount": 1}}'
    url = make(client, RedrivePolicy=policy)
    client.send_message(QueueUrl=url, MessageBody="x")
    client.delete_queue(QueueUrl=grave)
    for _ in range(3):
        assert len(receive(client, url)) == 1
        lab.clock.advance(seconds=30)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"QueueUrl": "http://127.0.0.1/1/none"}, "AWS.SimpleQueueService.NonExistentQueue"),
        ({"MessageBody": "x" * 1_048_577}, "InvalidParameterValue"),
        ({"DelaySeconds": 901}, "InvalidParameterValue"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_message_is_told_in_words_of_sqs(
    client: Any, parameters: dict[str, Any], code: str
) -> None:
    given = {"QueueUrl": make(client), "MessageBody": "x"} | parameters
    refused = refusal(client.send_message, **given)
    assert (refused.status, refused.code) == (400, code)


def test_the_quick_answer_and_motos_are_the_same(lab: Lab, client: Any) -> None:
    for name, more in (("q", {}), ("q.fifo", {"MessageGroupId": "g"})):
        url = make(client, name, **({"ContentBasedDeduplication": "false"} if more else {}))
        answers = []
        # A system attribute is not plain: such a message goes the long way.
        trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5e3d83c1"}}
        for number, special in enumerate(({}, {"MessageSystemAttributes": trace})):
            given = {"MessageDeduplicationId": str(number), **more} if more else {}
            answers.append(client.send_message(QueueUrl=url, MessageBody="äöü", **given, **special))
        quick, long = answers
        assert quick["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert set(quick) == set(long)
        assert quick["MD5OfMessageBody"] == long["MD5OfMessageBody"]


# ---- handles


def test_a_handle_names_its_message_for_its_queue() -> None:
    handle = handle_of(ARN, MESSAGE, 3)
    assert message_of(ARN, handle) == MESSAGE
    assert message_of(ARN + "x", handle) is None
    assert handle != handle_of(ARN, MESSAGE, 4)


@pytest.mark.parametrize(
    "handle", ["", "AQEB", "AQEBäö", "x" + handle_of(ARN, MESSAGE, 1), "AQEB===="]
)
def test_what_is_no_handle_names_nothing(handle: str) -> None:
    assert message_of(ARN, handle) is None


# ---- watchers


def test_whoever_watches_hears_until_he_stops() -> None:
    heard: list[int] = []
    stop = sqs.watch(ARN, lambda: heard.append(1))
    sqs.notify(ARN)
    sqs.notify(ARN + "x")
    stop()
    stop()
    sqs.notify(ARN)
    assert heard == [1]


# ---- the line, against a list


class NaiveLine(RuleBasedStateMachine):
    """A list of [key, group, due, kind], looked through for every question."""

    groups = st.sampled_from("ab")

    @initialize(fifo=st.booleans())
    def begin(self, fifo: bool) -> None:
        self.line = Line()
        self.fifo = fifo
        self.now = 1_000
        self.count = 0
        self.rows: list[list[Any]] = []

    def hidden(self, row: list[Any]) -> bool:
        return bool(row[2] > self.now)

    def blocked(self) -> set[str]:
        return {row[1] for row in self.rows if self.hidden(row) and row[3] == "flight"}

    @rule(group=groups, delay=st.sampled_from([0, 0, 5, 20]))
    def add(self, group: str, delay: int) -> None:
        self.count += 1
        key = str(self.count)
        due = self.now + delay if delay else 0
        self.line.add(key, group if self.fifo else key, key, due)
        self.rows.append([key, group if self.fifo else key, due, "delay"])

    @rule(seconds=st.sampled_from([1, 5, 10, 30]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(
        most=st.integers(1, 5),
        visibility=st.sampled_from([0, 10, 30]),
        drop=st.sets(st.integers(1, 30), max_size=2),
    )
    def receive(self, most: int, visibility: int, drop: set[int]) -> None:
        taken: list[str] = []
        dropped: list[str] = []

        def judge(key: str) -> Verdict:
            if int(key) in drop:
                dropped.append(key)
                return Verdict.DROP
            if len(taken) == most:
                return Verdict.STOP
            taken.append(key)
            return Verdict.TAKE

        blocked = self.blocked()
        able = [row for row in self.rows if not self.hidden(row) and row[1] not in blocked]
        self.line.receive(self.now, self.now + visibility, judge)
        # In each group the first ones, in their order; together as many as are wanted.
        free = [row[0] for row in able if int(row[0]) not in drop]
        assert len(taken) == min(most, len(free))
        for group in {row[1] for row in able}:
            members = [row[0] for row in able if row[1] == group and row[0] in free]
            mine = [key for key in taken if key in members]
            assert mine == members[: len(mine)]
        assert set(dropped) <= {row[0] for row in able}
        if len(free) < most:
            assert len(dropped) == len(able) - len(free)
        self.rows = [row for row in self.rows if row[0] not in dropped]
        for row in self.rows:
            if row[0] in taken and visibility:
                row[2:] = [self.now + visibility, "flight"]

    @rule(number=st.integers(1, 30))
    def remove(self, number: int) -> None:
        there = any(row[0] == str(number) for row in self.rows)
        assert self.line.remove(str(number)) == (str(number) if there else None)
        self.rows = [row for row in self.rows if row[0] != str(number)]

    @rule(number=st.integers(1, 30), visibility=st.sampled_from([0, 15]))
    def change(self, number: int, visibility: int) -> None:
        for row in self.rows:
            if row[0] == str(number):
                self.line.mature(self.now)
                self.line.change(row[0], self.now, self.now + visibility)
                row[2:] = [self.now + visibility, "flight"]

    @invariant()
    def counts_agree(self) -> None:
        if not hasattr(self, "line"):
            return
        self.line.mature(self.now)
        hidden = [row for row in self.rows if self.hidden(row)]
        flight = sum(row[3] == "flight" for row in hidden)
        counts = (self.line.free, self.line.in_flight, self.line.delayed)
        assert counts == (len(self.rows) - len(hidden), flight, len(hidden) - flight)
        assert self.line.next_due() == min((row[2] for row in hidden), default=None)
        assert list(self.line.messages()) == [row[0] for row in self.rows]


def test_a_line_is_like_a_list() -> None:
    run_state_machine_as_test(
        NaiveLine, settings=settings(max_examples=100, stateful_step_count=30, deadline=None)
    )


def test_the_second_of_a_group_waits_although_it_was_free() -> None:
    line = Line()
    for key in "12":
        line.add(key, "group", key)
    taken: list[str] = []

    def one(key: str) -> Verdict:
        if len(taken) % 2:
            return Verdict.STOP
        taken.append(key)
        return Verdict.TAKE

    line.receive(0, 10, one)
    taken.append("-")
    line.receive(5, 15, one)
    assert taken == ["1", "-"]
    line.receive(10, 20, one)
    assert taken == ["1", "-", "1"]


def test_a_line_forgets_what_has_left() -> None:
    line = Line()
    for number in range(5_000):
        line.add(str(number), str(number), number)
        line.receive(number, number + 30_000, lambda _: Verdict.TAKE)
        line.remove(str(number))
    sizes = [len(value) for value in vars(line).values() if isinstance(value, list | dict)]
    assert max(sizes) < 200
