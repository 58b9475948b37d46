"""One time for everything: moto's services, dates that clients sign, and winding to the end."""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from lambdalab import Lab
from lambdalab.clock import LabClock
from lambdalab.lab.errors import NotIdleError
from lambdalab.neighbours import time as moto_time
from lambdalab.spans import History, Span
from tests.engine import ARRIVE, Gate, refusal, wait_until
from tests.queueing import OBEYS, of_kind, send

MakeFunction = Callable[..., str]
DAY = 86_400


# ---- moto's services


@pytest.fixture
def wound(lab: Lab) -> Lab:
    """A lab that is 30 days ahead of its users."""
    lab.clock.advance(days=30)
    return lab


def is_now(lab: Lab, when: datetime | float, seconds: float = 5) -> bool:
    shown = when.timestamp() if isinstance(when, datetime) else when
    return abs(lab.clock.now().timestamp() - shown) < seconds


def of_sqs(lab: Lab) -> Any:
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    found = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"][0]
    return int(found["Attributes"]["SentTimestamp"]) / 1000


def of_kinesis(lab: Lab) -> Any:
    kinesis = lab.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.put_record(StreamName="s", Data=b"x", PartitionKey="p")
    shard = kinesis.list_shards(StreamName="s")["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = kinesis.get_records(ShardIterator=iterator)["Records"]
    return record["ApproximateArrivalTimestamp"]


def of_dynamodb_streams(lab: Lab) -> Any:
    dynamodb, streams = lab.client("dynamodb"), lab.client("dynamodbstreams")
    table = dynamodb.create_table(
        TableName="t", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]  # fmt: skip
    dynamodb.put_item(TableName="t", Item={"k": {"S": "1"}})
    arn = table["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = streams.get_records(ShardIterator=iterator)["Records"]
    return record["dynamodb"]["ApproximateCreationDateTime"]


def of_metrics(lab: Lab) -> Any:
    cloudwatch, now = lab.client("cloudwatch"), lab.clock.now()
    cloudwatch.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1}])
    (point,) = cloudwatch.get_metric_statistics(
        Namespace="N", MetricName="m", Period=60, Statistics=["Sum"],
        StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=5),
    )["Datapoints"]  # fmt: skip
    # A point bears the begin of its minute: the minute of now.
    shown: datetime = point["Timestamp"]
    return lab.clock.now() if shown.timestamp() // 60 == now.timestamp() // 60 else shown


def of_sts(lab: Lab) -> Any:
    assumed = lab.client("sts").assume_role(
        RoleArn=lab.role(), RoleSessionName="session", DurationSeconds=3600
    )
    return assumed["Credentials"]["Expiration"] - timedelta(hours=1)


def of_logs(lab: Lab) -> Any:
    logs = lab.client("logs")
    logs.create_log_group(logGroupName="g")
    (group,) = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"]
    return group["creationTime"] / 1000


def of_eventbridge(lab: Lab) -> Any:
    sqs, events = lab.client("sqs"), lab.client("events")
    url = sqs.create_queue(QueueName="e")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name="r", EventPattern='{"source": ["mine"]}')
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": arn["QueueArn"]}])
    events.put_events(Entries=[{"Source": "mine", "DetailType": "t", "Detail": "{}"}])
    (message,) = sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    return int(message["Attributes"]["SentTimestamp"]) / 1000


def of_s3(lab: Lab) -> Any:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"x")
    return s3.head_object(Bucket="bucket", Key="k")["LastModified"]


def of_iam(lab: Lab) -> Any:
    role = lab.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    return role["Role"]["CreateDate"]


@pytest.mark.parametrize(
    "ask",
    [
        of_sqs, of_kinesis, of_dynamodb_streams, of_metrics, of_sts, of_logs, of_eventbridge,
        of_s3, of_iam,
    ],
)  # fmt: skip
def test_services_date_things_by_the_labs_clock(wound: Lab, ask: Callable[[Lab], Any]) -> None:
    """Fails when moto gets its time in a way that the seam does not know."""
    assert is_now(wound, ask(wound))
    wound.reset()
    assert is_now(wound, ask(wound))
    assert abs(wound.clock.now().timestamp() - time.time()) < 60


def test_every_module_of_moto_that_is_loaded_asks_the_lab() -> None:
    """In a process of its own, for the modules stay changed."""
    code = """
import sys, datetime, time, pkgutil, importlib
from lambdalab.neighbours import time as moto_time
import moto.core.utils
moto_time.install(lambda: 4e9)
from moto.sqs import models, responses
from moto.core.utils import utcnow, unix_time
assert utcnow() == datetime.datetime(2096, 10, 2, 7, 6, 40), utcnow()
assert unix_time() == 4e9
real = {id(datetime), id(datetime.datetime), id(datetime.date), id(time), id(time.time)}
kept = [
    (name, key) for name, module in sys.modules.items() if name.split(".")[0] == "moto"
    for key, value in vars(module).items() if id(value) in real
]
assert not kept, kept
assert datetime.datetime.now().year < 2096
"""
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def stand_in() -> Any:
    """A module as moto's are, after it was loaded; its time is 2030-01-02 at noon."""
    module: Any = ModuleType("moto.made_up")
    exec("import datetime, time\nfrom datetime import datetime as D, date", module.__dict__)
    before = moto_time._Now.ask
    moto_time._mend(module)
    moto_time._Now.ask = staticmethod(lambda: NOON)
    yield module
    moto_time._Now.ask = staticmethod(before)


NOON = datetime(2030, 1, 2, 12, tzinfo=UTC).timestamp()


def test_stand_ins_tell_the_present_and_are_as_pythons_own_otherwise(stand_in: Any) -> None:
    clock = stand_in
    assert clock.time.time() == NOON
    assert clock.time.time_ns() == int(NOON * 1e9)
    assert clock.time.gmtime().tm_year == 2030
    assert clock.time.gmtime(0).tm_year == 1970
    assert clock.time.strftime("%Y") == "2030"
    assert clock.D.now(UTC) == datetime(2030, 1, 2, 12, tzinfo=UTC)
    assert clock.D.utcnow() == datetime(2030, 1, 2, 12)  # noqa: DTZ001
    assert clock.D.now().timestamp() == NOON
    assert clock.D.today() == clock.D.now()
    assert clock.date.today() == clock.D.now().date()
    assert clock.datetime.date.today() == clock.date.today()
    made = clock.D(2020, 1, 1, tzinfo=UTC)
    assert type(made) is datetime
    assert isinstance(datetime(2020, 1, 1, tzinfo=UTC), clock.D)
    assert isinstance(made, clock.date)
    assert not isinstance(0, clock.D)
    assert type(clock.D.fromtimestamp(0, UTC)) is datetime
    assert type(clock.D.strptime("2020", "%Y")) is datetime
    assert clock.D.max.year == 9999
    assert clock.time.sleep is time.sleep


def test_a_message_comes_back_when_its_visibility_timeout_is_over(lab: Lab) -> None:
    sqs = lab.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "3600"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="now")
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)

    def received() -> list[str]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [message["Body"] for message in answer.get("Messages", [])]

    assert received() == ["now"]
    lab.clock.advance(seconds=890)
    assert received() == []
    lab.clock.advance(seconds=11)
    assert received() == ["later"]
    lab.clock.advance(seconds=3600 - 900)
    assert received() == ["now"]


# ---- dates of clients


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


@pytest.fixture
def s3(lab: Lab) -> Any:
    client = lab.client("s3")
    client.create_bucket(Bucket="bucket")
    client.put_object(Bucket="bucket", Key="k", Body=b"content")
    return client


def signed_url(s3: Any, seconds: int) -> str:
    parameters = {"Bucket": "bucket", "Key": "k"}
    return str(s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))


@pytest.mark.parametrize("ahead", [0, 30 * DAY])
@pytest.mark.parametrize("seconds", [60, 7 * DAY])
def test_a_presigned_url_holds_for_its_time_on_the_labs_clock(
    lab: Lab, s3: Any, ahead: float, seconds: int
) -> None:
    lab.clock.advance(seconds=ahead)
    url = signed_url(s3, seconds)
    assert "X-Amz-Date" in url
    assert get(url) == (200, b"content")
    lab.clock.advance(seconds=seconds - 30)
    assert get(url) == (200, b"content")
    lab.clock.advance(seconds=31)
    status, body = get(url)
    assert status == 403
    assert b"<Code>AccessDenied</Code><Message>Request has expired</Message>" in body
    assert f"<X-Amz-Expires>{seconds}</X-Amz-Expires>".encode() in body
    next_second()
    assert get(signed_url(s3, seconds)) == (200, b"content")


def next_second() -> None:
    """Wait for what is signed from now on to be dated otherwise than what was."""
    now = int(time.time())
    wait_until(lambda: int(time.time()) > now)


def test_an_unused_presigned_url_runs_out_all_the_same(lab: Lab, s3: Any) -> None:
    url = signed_url(s3, 60)
    next_second()
    lab.clock.advance(seconds=62)
    assert get(url)[0] == 403


def test_a_url_that_does_not_tell_when_it_was_signed_runs_out_from_its_first_use(lab: Lab) -> None:
    lab.clock.advance(days=30)
    s3 = boto3.client(
        "s3", endpoint_url=lab.endpoint_url, region_name="us-east-1", aws_access_key_id="x",
        aws_secret_access_key="y",
        config=Config(signature_version="s3"),
    )  # fmt: skip
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"content")
    url = signed_url(s3, 60)
    assert "Expires=" in url
    assert "X-Amz" not in url
    assert get(url) == (200, b"content")
    lab.clock.advance(seconds=50)
    assert get(url) == (200, b"content")
    lab.clock.advance(seconds=12)
    assert get(url)[0] == 403


def test_a_wound_lab_with_a_secret_takes_what_clients_sign(start_lab: Any) -> None:
    with start_lab(secret="a secret of the lab") as lab:
        lab.clock.advance(days=300)
        assert lab.client("sts").get_caller_identity()["Account"] == "123456789012"
        s3 = lab.client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="k", Body=b"content")
        url = signed_url(s3, 60)
        assert get(url) == (200, b"content")
        assert get(url[:-1] + ("0" if url[-1] != "0" else "1"))[0] == 403
        lab.clock.advance(seconds=61)
        assert get(url)[0] == 403


# ---- where a real time lies on the clock

steps = st.lists(st.tuples(st.floats(0.02, 100), st.floats(0, 1e5)), min_size=1, max_size=20)


@given(steps=steps, asked=st.lists(st.floats(-50, 2000), min_size=2))
def test_earlier_in_real_time_is_not_later_in_the_labs(steps: Any, asked: list[float]) -> None:
    """``steps``: so many real seconds pass, then the clock is wound by so many."""
    history, real, platform = History(Span(0.0, 1000.0, 1.0)), 0.0, 1000.0
    shown = []
    for passed, wound in steps:
        shown.append((real + passed / 2, platform + passed / 2))
        real, platform = real + passed, platform + passed + wound
        history.add(Span(real, platform, 1.0))
    for moment, time_then in shown:
        assert history.at(moment, real) == pytest.approx(time_then, abs=1e-6)
    asked.sort()
    told = [history.at(moment, real) for moment in asked]
    assert told == sorted(told)
    assert history.at(real + 60, real) == pytest.approx(platform + 60)
    assert history.at(-10, real) == pytest.approx(990)


def test_a_clock_that_was_restarted_has_no_past() -> None:
    import asyncio

    async def run() -> None:
        clock = LabClock()
        await clock.advance(1000)
        assert clock.platform_at(time.time()) == pytest.approx(clock.now(), abs=0.5)
        assert clock.platform_at(time.time() - 60) == pytest.approx(clock.now() - 1060, abs=0.5)
        clock.restart()
        assert clock.platform_at(time.time() - 60) == pytest.approx(time.time() - 60, abs=0.5)

    asyncio.run(run())


# ---- until nothing waits


def test_an_idle_lab_stays_where_it_is(lab: Lab, make_function: MakeFunction) -> None:
    name = make_function()
    lab.client("lambda").invoke(FunctionName=name)  # its environment waits to be reclaimed
    before = lab.clock.now()
    assert (lab.clock.run_until_idle() - before).total_seconds() < 5


def test_winding_to_the_end_stops_when_the_last_thing_has_happened(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    before = lab.clock.now()
    send(lam, make_function(OBEYS), {"fail": "no"})
    after = lab.clock.run_until_idle()
    assert after == pytest.approx(lab.clock.now(), abs=timedelta(seconds=5))
    assert 180 <= (after - before).total_seconds() < 190


def test_what_waits_longer_than_one_wants_to_wind_is_told(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    send(lam, make_function(OBEYS), {"fail": "no"})
    before = lab.clock.now()
    with pytest.raises(NotIdleError):
        lab.clock.run_until_idle(limit=timedelta(seconds=90))
    assert (lab.clock.now() - before).total_seconds() < 95
    assert len(of_kind(lab, "invoke")) == 2


def test_it_waits_for_what_runs(
    lab: Lab, lam: Any, make_function: MakeFunction, gate: Gate
) -> None:
    import threading

    code = ARRIVE + "def handler(event, context):\n    arrive(event['gate'])\n"
    send(lam, make_function(code, Timeout=60), {"gate": gate.port})
    gate.wait_for(1)
    waiting = threading.Thread(target=lab.clock.run_until_idle)
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    gate.open()
    waiting.join(15)
    assert not waiting.is_alive()
    assert len(of_kind(lab, "invoke")) == 1


def test_two_who_wind_at_once_wind_one_after_the_other(lab: Lab) -> None:
    import threading

    before = lab.clock.now()
    both = [threading.Thread(target=lab.clock.advance, kwargs={"hours": 1}) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert (lab.clock.now() - before).total_seconds() == pytest.approx(7200, abs=5)


def test_a_handler_that_was_called_by_hand_does_not_hold_the_clock(
    lab: Lab, lam: Any, make_function: MakeFunction, gate: Gate
) -> None:
    import threading

    code = ARRIVE + "def handler(event, context):\n    arrive(event['gate'])\n"
    name = make_function(code, Timeout=60)
    caller = threading.Thread(
        target=lambda: lam.invoke(FunctionName=name, Payload=f'{{"gate": {gate.port}}}')
    )
    caller.start()
    gate.wait_for(1)
    before = lab.clock.now()
    lab.clock.advance(hours=1)
    assert (lab.clock.now() - before).total_seconds() == pytest.approx(3600, abs=5)
    gate.open()
    caller.join()
    wait_until(lambda: of_kind(lab, "invoke"))


def test_an_unknown_limit_is_refused(lab: Lab) -> None:
    with pytest.raises(AttributeError):
        lab.clock.run_until_idle(limit=5)  # type: ignore[arg-type]
    assert refusal(lab.client("lambda").invoke, FunctionName="none").status == 404
