"""Right and wrong answers to lab 05: data for tests/test_checks.py."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from lambdalab.learning import lab05_looks as looks
from lambdalab.learning.deploy import deploy, wait_until_settled
from tests.check_rows import Functions, Row

FUNCTIONS = (
    "busy",
    "count-errors",
    "send-letters",
    "login",
    "price-of",
    "shout",
    "model",
    "assembly",
)
PASSWORD = looks.PASSWORD
ROOMY = {"MemorySize": 1769, "Timeout": 20}


world = looks.make_world


# ---- task 1

BUSY = """
import time
def handler(event, context):
    end = time.process_time() + event["cpu_seconds"]
    while time.process_time() < end:
        pass
    return {"done": event["cpu_seconds"]}
"""
IDLE = """
def handler(event, context):
    return {"done": event["cpu_seconds"]}
"""


def busy(source: str = BUSY, **settings: object) -> Functions:
    return (("busy", source, {"Timeout": 1, "MemorySize": 128} | settings),)


# ---- task 2

PIECES = """
import hashlib
def pieces(event):
    for number in range(event["megabytes"]):
        errors = hashlib.sha256(f"{event['name']} {number}".encode()).digest()[0]
        yield b"ERROR\\n" * errors + b"fine.\\n" * (2**20 // 6 - errors)
def handler(event, context):
"""


def count(body: str, memory: int = 128) -> Functions:
    return (("count-errors", PIECES + body, {"Timeout": 60, "MemorySize": memory}),)


# ---- task 3

SEND = """
import time
def send(letter):
    time.sleep(0.15)
    return letter
def handler(event, context):
    items, sent = event["items"], []
"""
IN_TIME = """
    while len(sent) < len(items) and context.get_remaining_time_in_millis() > 400:
        sent.append(send(items[len(sent)]))
"""
ALL = """
    sent = [send(item) for item in items]
    return {"sent": sent, "left": []}
"""


def letters(body: str, timeout: int = 1) -> Functions:
    return (("send-letters", SEND + body, {"Timeout": timeout}),)


# ---- task 4

FINGERPRINT = """
import hashlib, os
import boto3
def fingerprint(password):
    return {"fingerprint": hashlib.sha256(password.encode()).hexdigest()[:12]}
"""
READ_ONCE = """
secrets = boto3.client("secretsmanager")
password = secrets.get_secret_value(SecretId=os.environ["SECRET"])["SecretString"]
def handler(event, context):
    return fingerprint(password)
"""
READ_EACH_TIME = """
secrets = boto3.client("secretsmanager")
def handler(event, context):
    return fingerprint(secrets.get_secret_value(SecretId="shop/login")["SecretString"])
"""
NAMED = {"SECRET": looks.SECRET}


def login(body: str, variables: dict[str, str]) -> Functions:
    settings = {"Environment": {"Variables": variables}, **ROOMY}
    return (("login", FINGERPRINT + body, settings),)


def copied_to_a_parameter(lab: Any) -> None:
    ssm = lab.client("ssm")
    ssm.put_parameter(Name="/shop/login", Value=PASSWORD, Type="SecureString")


# ---- task 5

PRICES = json.dumps(looks.PRICES)
CUT = json.dumps(dict(list(looks.PRICES.items())[:200]))
FROM_A_FILE = """
import json
from pathlib import Path
prices = json.loads(Path(__file__).with_name("prices.json").read_text())
def handler(event, context):
"""
FROM_S3 = """
import json
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    prices = json.load(s3.get_object(Bucket="packages", Key="prices.json")["Body"])
    return {"price": prices.get(event["article"])}
"""
LOOK_UP = '    return {"price": prices.get(event["article"])}\n'


def price(body: str, prices: str = PRICES) -> Functions:
    return (("price-of", {"app.py": FROM_A_FILE + body, "prices.json": prices}, {}),)


def prices_in_s3(lab: Any) -> None:
    lab.client("s3").put_object(Bucket="packages", Key="prices.json", Body=PRICES.encode())


# ---- task 6

SHOUT = """
import io, uuid
import boto3
s3 = boto3.client("s3")
def handler(event, context):
    body = s3.get_object(Bucket=event["bucket"], Key=event["key"])["Body"]
"""
STORED = """
    s3.put_object(Bucket="results", Key=key, Body=text.encode())
    return {"bucket": "results", "key": key}
"""


def shout(body: str) -> Functions:
    return (("shout", SHOUT + body, ROOMY),)


# ---- task 7

MODEL = """
from pathlib import Path
weights = Path(__file__).with_name("weights.bin")
def handler(event, context):
    with weights.open("rb") as file:
        file.seek(event["at"])
        return {"size": weights.stat().st_size, "piece": file.read(8).hex()}
"""
MODEL_IN_S3 = """
import boto3
s3 = boto3.client("s3")
where = {"Bucket": "packages", "Key": "weights.bin"}
size = s3.head_object(**where)["ContentLength"]
def handler(event, context):
    part = s3.get_object(**where, Range=f"bytes={event['at']}-{event['at'] + 7}")
    return {"size": size, "piece": part["Body"].read().hex()}
"""
EXAMPLE_FOR_EVER = """
def handler(event, context):
    return {"size": 53477376, "piece": "83b4d9b2eaecd2bb"}
"""


def model(source: str, **files: bytes) -> Functions:
    return (("model", {"app.py": source, **files}, ROOMY),)


def weights_in_s3(lab: Any) -> None:
    s3 = lab.client("s3")
    s3.put_object(Bucket="packages", Key="weights.bin", Body=looks.weights())


def package_in_s3(lab: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", MODEL)
        archive.writestr("weights.bin", looks.weights())
    lab.client("s3").put_object(Bucket="packages", Key="model.zip", Body=packed.getvalue())
    lam = lab.client("lambda")
    lam.create_function(
        FunctionName="model",
        Runtime="python3.13",
        Handler="app.handler",
        Role=lab.role(),
        Code={"S3Bucket": "packages", "S3Key": "model.zip"},
    )
    wait_until_settled(lam, "model")


# ---- task 8

ASSEMBLY = """
import importlib
def handler(event, context):
    return {"parts": [importlib.import_module(name).name for name in event["names"]]}
"""
PART = 'name = "part {}"\n'


def layer(lab: Any, name: str, content: bytes) -> str:
    lam = lab.client("lambda")
    made = lam.publish_layer_version(LayerName=name, Content={"ZipFile": content})
    return str(made["LayerVersionArn"])


def assembled(*layers: dict[str, str], **files: str) -> Callable[[Any], None]:
    """Deploy assembly with layers of these files, and files in its package."""

    def done(lab: Any) -> None:
        arns = [layer(lab, f"layer-{n}", lab.zip(held)) for n, held in enumerate(layers)]
        package = lab.zip({"app.py": ASSEMBLY} | {f"{name}.py": files[name] for name in files})
        deploy(lab, "assembly", package, Handler="app.handler", Layers=arns)

    return done


def files_of(numbers: range, folder: str = "python/") -> dict[str, str]:
    return {f"{folder}part{number}.py": PART.format(number) for number in numbers}


ALL_SIX = range(1, 7)

ROWS = [
    Row(1, "twice as much as is needed", set(), busy(MemorySize=1024)),
    Row(1, "more than one vCPU", set(), busy(MemorySize=3000)),
    Row(1, "as it was given", {2, 3}, busy()),
    Row(1, "more time instead of more CPU", {1, 2}, busy(Timeout=20)),
    Row(1, "more memory, but not enough", {2, 3}, busy(MemorySize=192)),
    Row(1, "other code without the work", {2}, busy(IDLE)),
    Row(
        2,
        "a sum over the generator",
        set(),
        count('    return {"errors": sum(piece.count(b"ERROR") for piece in pieces(event))}'),
    ),
    Row(
        2,
        "a loop, line by line in each piece",
        set(),
        count("""
    errors = 0
    for piece in pieces(event):
        errors += piece.split(b"fine.", 1)[0].count(b"\\n")
    return {"errors": errors, "more": 1}
"""),
    ),
    Row(
        2,
        "a list of all pieces",
        {3},
        count("""
    archive = list(pieces(event))
    return {"errors": sum(piece.count(b"ERROR") for piece in archive)}
"""),
    ),
    Row(
        2,
        "all pieces in one, and the memory for it",
        {1},
        count('    return {"errors": b"".join(pieces(event)).count(b"ERROR")}', memory=512),
    ),
    Row(
        2,
        "the first piece only",
        {2, 3},
        count('    return {"errors": next(pieces(event)).count(b"ERROR")}'),
    ),
    Row(
        3,
        "as long as there is time",
        set(),
        letters(IN_TIME + '    return {"sent": sent, "left": items[len(sent):]}'),
    ),
    Row(
        3,
        "three at a time",
        set(),
        letters("""
    return {"sent": [send(item) for item in items[:3]], "left": items[3:]}
"""),
    ),
    Row(3, "all at once", {3}, letters(ALL)),
    Row(3, "all at once, and the time for it", {1}, letters(ALL, timeout=20)),
    Row(
        3,
        "what does not fit is lost",
        {3},
        letters(IN_TIME + '    return {"sent": sent, "left": []}'),
    ),
    Row(
        3,
        "the last one again each time",
        {2, 3},
        letters(IN_TIME + '    return {"sent": sent, "left": items[len(sent) - 1:]}'),
    ),
    Row(4, "read once, the name in a variable", set(), login(READ_ONCE, NAMED)),
    Row(4, "read each time, no variable", set(), login(READ_EACH_TIME, {})),
    Row(
        4,
        "as it was given",
        {1, 3},
        login(
            'def handler(event, context):\n    return fingerprint(os.environ["PASSWORD"])',
            {"PASSWORD": PASSWORD},
        ),
    ),
    Row(
        4,
        "read from the secret, the old variable left",
        {1},
        login(READ_ONCE, NAMED | {"PASSWORD": PASSWORD}),
    ),
    Row(
        4,
        "written into the code",
        {3},
        login(f"def handler(event, context):\n    return fingerprint({PASSWORD!r})", {}),
    ),
    Row(
        4,
        "copied to a parameter",
        {3},
        login(
            """
parameter = boto3.client("ssm").get_parameter(Name="/shop/login", WithDecryption=True)
def handler(event, context):
    return fingerprint(parameter["Parameter"]["Value"])
""",
            {},
        ),
        copied_to_a_parameter,
    ),
    Row(5, "a file in the package", set(), price(LOOK_UP)),
    Row(5, "an object in S3", set(), (("price-of", FROM_S3, ROOMY),), prices_in_s3),
    Row(5, "as many as fit", {2}, price(LOOK_UP, CUT)),
    Row(
        5,
        "an error for an unknown article",
        {3},
        price('    return {"price": prices[event["article"]]}'),
    ),
    Row(
        5,
        "prices as text, and 0 for none",
        {1, 2, 3},
        price('    return {"price": str(prices.get(event["article"], 0))}'),
    ),
    Row(
        6,
        "a key made from the key",
        set(),
        shout(
            """
    key, text = "loud/" + event["key"], body.read().decode().upper()
"""
            + STORED
        ),
    ),
    Row(
        6,
        "a key of its own each time, uploaded as a file",
        set(),
        shout("""
    key = str(uuid.uuid4())
    s3.upload_fileobj(io.BytesIO(body.read().upper()), "results", key)
    return {"bucket": "results", "key": key}
"""),
    ),
    Row(6, "the text as the answer", {1, 2, 3}, shout("    return body.read().decode().upper()")),
    Row(
        6,
        "always the same key",
        {3},
        shout(
            """
    key, text = "loud.txt", body.read().decode().upper()
"""
            + STORED
        ),
    ),
    Row(
        6,
        "only the first megabyte",
        {2},
        shout(
            """
    key, text = "loud/" + event["key"], body.read(2**20).decode().upper()
"""
            + STORED
        ),
    ),
    Row(7, "a zip in S3", set(), done=package_in_s3),
    Row(7, "the weights in S3 alone", set(), model(MODEL_IN_S3), weights_in_s3),
    Row(
        7,
        "as many weights as can be uploaded",
        {1, 2},
        model(MODEL, **{"weights.bin": b"weights!" * 2**17}),
    ),
    Row(
        7,
        "weights that a zip makes small",
        {2},
        model(MODEL, **{"weights.bin": bytes(looks.WEIGHTS_BYTES)}),
    ),
    Row(7, "the answer of the example", {2}, model(EXAMPLE_FOR_EVER)),
    Row(8, "one layer with all", set(), done=assembled(files_of(ALL_SIX))),
    Row(
        8,
        "two layers, and one library in the package",
        set(),
        done=assembled(files_of(range(1, 4)), files_of(range(4, 6)), part6=PART.format(6)),
    ),
    Row(
        8,
        "five layers",
        {2},
        done=assembled(*(files_of(range(number, number + 1)) for number in range(1, 6))),
    ),
    Row(8, "not in the folder python", {1, 2}, done=assembled(files_of(ALL_SIX, folder=""))),
    Row(
        8,
        "the names in their own order",
        {1, 2},
        (
            (
                "assembly",
                """
def handler(event, context):
    return {"parts": [f"part {number}" for number in range(1, 7)]}
""",
                {},
            ),
        ),
    ),
]
