"""Lab 04, thumbnails from S3, a cron job: how its checks look at the cloud."""

import io
import json
import re
import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from botocore import exceptions as boto

from lambdalab.lab.libraries import library
from lambdalab.lab.packages import make_zip
from lambdalab.learning.pictures import landscape
from lambdalab.learning.probe import Inputs, Probe

LAYER = "pillow"
TABLES = {"carts": "id", "books": "isbn"}
TOPIC = "orders"
LARGE = 1000

_BOUND = 64
_PICTURE = (640, 400)
_AMOUNTS = (20, 1000, 1001, 5000)
_DAY_MINUTES = 24 * 60


def make_world(lab: Any) -> None:
    """Make what the tasks need: buckets, a layer, a topic, tables. Harmless when they are there."""
    s3, dynamodb, lam = lab.client("s3"), lab.client("dynamodb"), lab.client("lambda")
    for bucket in ("pictures", "thumbnails"):
        s3.create_bucket(Bucket=bucket)
    if not lam.list_layer_versions(LayerName=LAYER)["LayerVersions"]:
        lam.publish_layer_version(LayerName=LAYER, Content={"ZipFile": _pillow()})
    lab.client("sns").create_topic(Name=TOPIC)
    for table, key in TABLES.items():
        if table not in dynamodb.list_tables()["TableNames"]:
            dynamodb.create_table(
                TableName=table,
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )


@cache
def _pillow() -> bytes:
    return make_zip((library("pillow", "python"),))


def layer_arn(lab: Any) -> str:
    """Tell the ARN of the layer that holds Pillow, compiled for the lab's own Python."""
    versions = lab.client("lambda").list_layer_versions(LayerName=LAYER)["LayerVersions"]
    return str(versions[0]["LayerVersionArn"])


def topic_arn(lab: Any, name: str = TOPIC) -> str:
    """Tell the ARN of a topic."""
    return f"arn:aws:sns:{lab.region}:{lab.account}:{name}"


# Task 1.


def plain_key(inputs: Inputs) -> str:
    """Name a picture."""
    return f"in/{inputs.word}-{inputs.number}.png"


def foreign_key(inputs: Inputs) -> str:
    """Name a picture with what must be encoded."""
    return f"in/{inputs.word}/{inputs.name} & sea + {inputs.number}.png"


def next_key(inputs: Inputs) -> str:
    """Name a further picture."""
    return f"in/{inputs.word}-{inputs.number + 1}.png"


def other_keys(inputs: Inputs) -> tuple[str, ...]:
    """Name objects that are none of the function's business."""
    return (f"out/{inputs.word}.png", f"in/{inputs.word}.txt", f"{inputs.word}.png")


def shrunk(key: str) -> dict[str, Any]:
    """Tell what the thumbnail of a picture shall be."""
    width, height = _PICTURE
    return {"key": key, "format": "PNG", "size": [_BOUND, _BOUND * height // width]}


def thumbnail(probe: Probe, key: str) -> Any:
    """Put a picture, wait, and tell what its thumbnail is."""
    from PIL import Image

    probe.settings("thumbnails")
    s3 = probe.client("s3")
    s3.put_object(Bucket="pictures", Key=key, Body=landscape(len(key)))
    probe.settle()
    try:
        made = s3.get_object(Bucket="thumbnails", Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return f"the bucket thumbnails has no {key}"
    picture = Image.open(io.BytesIO(made))
    return {"key": key, "format": picture.format, "size": list(picture.size)}


def invokes_for(probe: Probe, *keys: str) -> int:
    """Put pictures; tell how often the function has run for them."""
    probe.settings("thumbnails")
    before = len(probe.runs("thumbnails"))
    for key in keys:
        probe.client("s3").put_object(Bucket="pictures", Key=key, Body=landscape(1))
    probe.settle()
    return len(probe.runs("thumbnails")) - before


def another_bucket(probe: Probe, inputs: Inputs) -> str:
    """Tell whether a bucket of somebody else could call the function."""
    arn, s3 = probe.settings("thumbnails")["FunctionArn"], probe.client("s3")
    bucket = f"another-{inputs.word}-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    rule = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
    try:
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}
        )
    except boto.ClientError:
        return "refused"
    finally:
        s3.delete_bucket(Bucket=bucket)
    return "allowed"


# Task 2.


def all_orders(inputs: Inputs) -> list[str]:
    """Name every order of a run."""
    return [f"{inputs.word}-{amount}" for amount in _AMOUNTS]


def large_orders(inputs: Inputs) -> list[str]:
    """Name the orders that are large."""
    return [f"{inputs.word}-{amount}" for amount in _AMOUNTS if amount > LARGE]


def told_of(probe: Probe, function: str, inputs: Inputs) -> list[str]:
    """Publish the orders of a run; tell of which of them a function has heard, and how often."""
    probe.settings(function)
    mark = uuid.uuid4().hex[:6]
    for amount in _AMOUNTS:
        _publish(probe, topic_arn(probe), f"{inputs.word}-{amount}/{mark}", amount)
    _publish(probe, topic_arn(probe), "no order at all", None)
    probe.settle()
    line = re.compile(rf"(?:booked|alarm) ({inputs.word}-\d+)/{mark}")
    found = (line.fullmatch(text.strip()) for text in probe.log_lines(function))
    names = [match[1] for match in found if match]
    return sorted(names, key=lambda name: int(name.rpartition("-")[2]))


def another_topic(probe: Probe, inputs: Inputs) -> str:
    """Tell whether another topic could call the ledger."""
    arn, sns = probe.settings("ledger")["FunctionArn"], probe.client("sns")
    topic = sns.create_topic(Name=f"another-{inputs.word}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn)
    before = len(probe.runs("ledger"))
    _publish(probe, topic, "not for you", 1)
    probe.settle()
    sns.delete_topic(TopicArn=topic)
    return "refused" if len(probe.runs("ledger")) == before else "allowed"


def _publish(probe: Probe, topic: str, message: str, amount: int | None) -> None:
    told = {"DataType": "Number", "StringValue": str(amount)}
    attributes = {} if amount is None else {"amount": told}
    probe.client("sns").publish(TopicArn=topic, Message=message, MessageAttributes=attributes)


# Task 3.


def cart_names(inputs: Inputs, hours: Sequence[int]) -> list[str]:
    """Name carts by how many hours before the next run they were touched last."""
    return sorted(f"{inputs.word}-{hour}" for hour in hours)


def carts_left(probe: Probe, inputs: Inputs, hours: Sequence[int]) -> list[str]:
    """Put carts, touched so many hours before the next run; tell which are left after it."""
    probe.settings("cleaner")
    table = probe.resource("dynamodb").Table("carts")
    now = probe.now()
    run = now.replace(hour=3, minute=0, second=0, microsecond=0)
    run += timedelta(days=1) if run <= now else timedelta()
    for hour in hours:
        touched = run - timedelta(hours=hour) + timedelta(seconds=30)
        item = {"id": f"{inputs.word}-{hour}", "touched": touched.isoformat(timespec="seconds")}
        table.put_item(Item=item)
    probe.wind((run - now).total_seconds() / 60 + 5)
    left = [item["id"] for item in table.scan()["Items"] if item["id"].startswith(inputs.word)]
    for name in left:
        table.delete_item(Key={"id": name})
    return sorted(left)


def runs_in_three_days(probe: Probe, _: Inputs) -> list[str]:
    """Wind three days; tell at what time of the day the function has run."""
    probe.settings("cleaner")
    before = len(probe.runs("cleaner"))
    probe.wind(3 * _DAY_MINUTES)
    return [f"{when:%H:%M}" for when in probe.runs("cleaner")[before:]]


# Task 4.


def book(inputs: Inputs, label: str) -> dict[str, str]:
    """Make up a book; another label gives another one."""
    return {"isbn": f"{inputs.word}-{label}", "title": f"{inputs.name} and {inputs.other}"}


def ask(probe: Probe, method: str, path: str, body: bytes | None = None) -> list[Any]:
    """Ask the shelf; return the status and what the JSON of the answer says."""
    probe.settings("shelf")
    url = probe.lam.get_function_url_config(FunctionName="shelf")["FunctionUrl"]
    headers = {"Content-Type": "application/json"}
    answer = probe.http.request(method, url + path, data=body, headers=headers)
    try:
        return [answer.status_code, answer.json()]
    except ValueError:
        return [answer.status_code, answer.text]


def fetch_kept(probe: Probe, wanted: dict[str, str]) -> list[Any]:
    """Put a book into the table, and fetch it."""
    probe.resource("dynamodb").Table("books").put_item(Item=wanted)
    return ask(probe, "GET", f"books/{wanted['isbn']}")


def post(probe: Probe, wanted: dict[str, str]) -> list[Any]:
    """Post a book, and fetch it; return both statuses and what was fetched."""
    posted = ask(probe, "POST", "books", json.dumps(wanted).encode())[0]
    return [posted, *ask(probe, "GET", f"books/{wanted['isbn']}")]
