"""Right and wrong answers to lab 04: data for tests/test_checks.py."""

import contextlib
from collections.abc import Callable
from typing import Any

from lambdalab.learning import lab04_looks as looks
from lambdalab.learning.deploy import deploy
from tests.check_rows import Row
from tests.engine import RUNTIME

FUNCTIONS = ("thumbnails", "ledger", "alarm", "cleaner", "shelf")
ROOMY = {"MemorySize": 1769, "Timeout": 20, "Runtime": RUNTIME}

world = looks.make_world


def put(lab: Any, name: str, code: str, **settings: Any) -> str:
    deploy(lab, name, lab.zip({"app.py": code}), Handler="app.handler", **ROOMY | settings)
    arn = lab.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    return str(arn)


def allow(lab: Any, name: str, service: str, **more: Any) -> None:
    lam = lab.client("lambda")
    with contextlib.suppress(lam.exceptions.ResourceNotFoundException):
        lam.remove_permission(FunctionName=name, StatementId="source")
    lam.add_permission(
        FunctionName=name, StatementId="source", Action="lambda:InvokeFunction",
        Principal=f"{service}.amazonaws.com", **more,
    )  # fmt: skip


# ---- task 1

SHRINK = """
import io
from urllib.parse import unquote_plus
import boto3
from PIL import Image
s3 = boto3.client("s3")
def handler(event, context):
    for record in event["Records"]:
        key = unquote_plus(record["s3"]["object"]["key"])
        picture = Image.open(s3.get_object(Bucket="pictures", Key=key)["Body"])
        picture.thumbnail((64, 64))
        made = io.BytesIO()
        picture.save(made, "PNG")
        s3.put_object(Bucket="thumbnails", Key=key, Body=made.getvalue())
"""
RESIZED = SHRINK.replace(
    "picture.thumbnail((64, 64))",
    "picture = picture.resize((64, 64 * picture.height // picture.width))",
)
AS_IT_COMES = SHRINK.replace("unquote_plus(record", "str(record")
SQUARE = SHRINK.replace("picture.thumbnail((64, 64))", "picture = picture.resize((64, 64))")
INTO_ITSELF = SHRINK.replace(
    'Bucket="thumbnails", Key=key', 'Bucket="pictures", Key="in/small-" + key[3:]'
)
BOTH_RULES = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".png"}]


def thumbnails(
    code: str = SHRINK, rules: list[dict[str, str]] = BOTH_RULES, *, narrow: bool = True
) -> Callable[[Any], None]:
    def act(lab: Any) -> None:
        arn = put(lab, "thumbnails", code, Layers=[looks.layer_arn(lab)])
        bucket = {"SourceArn": "arn:aws:s3:::pictures", "SourceAccount": lab.account}
        allow(lab, "thumbnails", "s3", **bucket if narrow else {})
        rule = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
        rule |= {"Filter": {"Key": {"FilterRules": rules}}} if rules else {}
        lab.client("s3").put_bucket_notification_configuration(
            Bucket="pictures", NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}
        )

    return act


# ---- task 2

TELLS = """
def handler(event, context):
    for record in event["Records"]:
        print("{word}", record["Sns"]["Message"])
"""
LARGE = '{"amount": [{"numeric": [">", 1000]}]}'


def topic(policy: str | None = LARGE, *, narrow: bool = True, twice: bool = False) -> Any:
    def act(lab: Any) -> None:
        sns, arn = lab.client("sns"), looks.topic_arn(lab)
        for name, word, asked in (("ledger", "booked", None), ("alarm", "alarm", policy)):
            function = put(lab, name, TELLS.replace("{word}", word))
            allow(lab, name, "sns", **{"SourceArn": arn} if narrow else {})
            attributes = {"FilterPolicy": asked} if asked else {}
            sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=function, Attributes=attributes)
        if twice:
            live = lab.client("lambda").create_alias(
                FunctionName="ledger", Name="live", FunctionVersion="$LATEST"
            )["AliasArn"]
            lab.client("lambda").add_permission(
                FunctionName="ledger", Qualifier="live", StatementId="source", SourceArn=arn,
                Action="lambda:InvokeFunction", Principal="sns.amazonaws.com",
            )  # fmt: skip
            sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=live)

    return act


# ---- task 3

CLEANS = """
from datetime import datetime, timedelta
import boto3
table = boto3.resource("dynamodb").Table("carts")
def handler(event, context):
    before = datetime.fromisoformat(event["time"].replace("Z", "+00:00")) - timedelta(days=1)
    for cart in table.scan()["Items"]:
        if datetime.fromisoformat(cart["touched"]) < before:
            table.delete_item(Key={"id": cart["id"]})
"""
ALL = CLEANS.replace('if datetime.fromisoformat(cart["touched"]) < before:', "if True:")
NOTHING = CLEANS.replace("days=1", "days=1000")


def cron(
    code: str = CLEANS, expression: str = "cron(0 3 * * ? *)", *, scheduler: bool = False
) -> Callable[[Any], None]:
    def act(lab: Any) -> None:
        arn = put(lab, "cleaner", code)
        if scheduler:
            role = lab.role("for-scheduler", service="scheduler.amazonaws.com")
            target = {
                "Arn": arn,
                "RoleArn": role,
                "Input": '{"time": "<aws.scheduler.scheduled-time>"}',
            }
            lab.client("scheduler").create_schedule(
                Name="nightly", ScheduleExpression=expression, Target=target,
                FlexibleTimeWindow={"Mode": "OFF"},
            )  # fmt: skip
            return
        events = lab.client("events")
        rule = events.put_rule(Name="nightly", ScheduleExpression=expression)["RuleArn"]
        allow(lab, "cleaner", "events", SourceArn=rule)
        events.put_targets(Rule="nightly", Targets=[{"Id": "cleaner", "Arn": arn}])

    return act


# ---- task 4

SHELF = """
import json
import boto3
table = boto3.resource("dynamodb").Table("books")
def answer(status, told):
    headers = {"Content-Type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(told)}
def handler(event, context):
    method = event["requestContext"]["http"]["method"]
    if method == "POST":
        try:
            book = json.loads(event.get("body") or "")
        except ValueError:
            return answer(400, "no JSON")
        table.put_item(Item=book)
        return answer(201, book)
    isbn = event["rawPath"].rpartition("/")[2]
    found = table.get_item(Key={"isbn": isbn}).get("Item")
    return answer(200, found) if found else answer(404, "no such book")
"""
FAILS_ON_TEXT = SHELF.replace("except ValueError:", "except KeyError:")
NEVER_MISSING = SHELF.replace('answer(404, "no such book")', "answer(200, None)")
FORGETS = SHELF.replace("        table.put_item(Item=book)\n", "")


def shelf(code: str = SHELF, *, both: bool = True) -> Callable[[Any], None]:
    def act(lab: Any) -> None:
        lam = lab.client("lambda")
        put(lab, "shelf", code)
        lam.create_function_url_config(FunctionName="shelf", AuthType="NONE")
        lam.add_permission(
            FunctionName="shelf", StatementId="url", Action="lambda:InvokeFunctionUrl",
            Principal="*", FunctionUrlAuthType="NONE",
        )  # fmt: skip
        if both:
            lam.add_permission(
                FunctionName="shelf", StatementId="function", Action="lambda:InvokeFunction",
                Principal="*", InvokedViaFunctionUrl=True,
            )  # fmt: skip

    return act


ROWS = [
    Row(1, "as in the notebook", set(), done=thumbnails()),
    Row(1, "resized by itself", set(), done=thumbnails(RESIZED)),
    Row(1, "keys as they come", {2}, done=thumbnails(AS_IT_COMES)),
    Row(1, "without a filter", {4}, done=thumbnails(rules=[])),
    Row(1, "a suffix only", {4}, done=thumbnails(rules=BOTH_RULES[1:])),
    Row(1, "whoever asks", {5}, done=thumbnails(narrow=False)),
    Row(1, "squares", {1, 2}, done=thumbnails(SQUARE)),
    Row(1, "into its own bucket", {1, 2, 3}, done=thumbnails(INTO_ITSELF)),
    Row(2, "a filter for the alarm", set(), done=topic()),
    Row(
        2,
        "a filter by range",
        set(),
        done=topic('{"amount": [{"numeric": [">", 1000, "<", 1e6]}]}'),
    ),
    Row(2, "no filter", {2}, done=topic(None)),
    Row(2, "from a thousand on", {2}, done=topic('{"amount": [{"numeric": [">=", 1000]}]}')),
    Row(2, "any topic", {3}, done=topic(narrow=False)),
    Row(2, "subscribed twice", {1}, done=topic(twice=True)),
    Row(3, "a rule", set(), done=cron()),
    Row(3, "a schedule", set(), done=cron(scheduler=True)),
    Row(3, "each hour", {3}, done=cron(expression="cron(0 * * * ? *)")),
    Row(3, "at four", {1, 3}, done=cron(expression="cron(0 4 * * ? *)")),
    Row(3, "throws all away", {2}, done=cron(ALL)),
    Row(3, "throws nothing away", {1}, done=cron(NOTHING)),
    Row(4, "a shelf", set(), done=shelf()),
    Row(
        4,
        "with care for what is posted",
        set(),
        done=shelf(SHELF.replace("Item=book", "Item=dict(book)")),
    ),
    Row(4, "one permission", {1, 2, 3, 4}, done=shelf(both=False)),
    Row(4, "fails on text", {4}, done=shelf(FAILS_ON_TEXT)),
    Row(4, "never missing", {2}, done=shelf(NEVER_MISSING)),
    Row(4, "forgets what is posted", {3}, done=shelf(FORGETS)),
]
