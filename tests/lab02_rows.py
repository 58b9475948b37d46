"""Right and wrong answers to lab 02: data for tests/test_checks.py."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lambdalab.learning import lab02_looks as looks
from lambdalab.learning.deploy import deploy
from tests.check_rows import Functions, Row

FUNCTIONS = ("tariff", "letter", "welcome", "farewell", "watched")
ROOMY = {"MemorySize": 1769, "Timeout": 20}

world = looks.make_world


# ---- task 1

LOAD = """
import functools, json, threading, time
import boto3
def load():
    s3 = boto3.client("s3")
    table = s3.get_object(Bucket="tariffs", Key="tariff.json")["Body"].read()
    time.sleep(0.5)
    return json.loads(table)
"""
IN_INIT = """
table = load()
def handler(event, context):
    return {"price": table[event["zone"]]}
"""
IN_THE_HANDLER = """
def handler(event, context):
    return {"price": load()[event["zone"]]}
"""
CALLED_ONCE_IN_INIT = """
load = functools.cache(load)
load()
"""
WITH_THE_FIRST_EVENT = "load = functools.cache(load)"
IN_A_THREAD = """
found = {}
thread = threading.Thread(target=lambda: found.update(load()))
thread.start()
def handler(event, context):
    thread.join()
    return {"price": found[event["zone"]]}
"""
IN_TMP = """
from pathlib import Path
path = Path("/tmp", f"tariff-{time.time_ns()}")
def handler(event, context):
    if not path.exists():
        path.write_text(json.dumps(load()))
    return {"price": json.loads(path.read_text())[event["zone"]]}
"""
WRITTEN_DOWN = IN_INIT.replace("load()", f"json.loads('{json.dumps(looks.TARIFF)}')")
FOR_EVER = """
def handler(event, context):
    return {"price": 359}
"""


def tariff(body: str) -> Functions:
    return (("tariff", LOAD + body, ROOMY),)


# ---- task 2

READER = """
import functools, hashlib, os
from pathlib import Path
from urllib.parse import quote
import boto3
s3 = boto3.client("s3")
def fetched(key):
    return s3.get_object(Bucket="letters", Key=key)["Body"].read().decode()
def handler(event, context):
    if event.get("crash"):
        os._exit(1)
    return {"text": read(event["key"])}
"""
KEPT = """
def read(key):
    copy = Path("/tmp", FILE)
    if not copy.exists():
        copy.write_text(fetched(key))
    return copy.read_text()
"""
IN_FOLDERS = """
def read(key):
    copy = Path("/tmp/letters", key)
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        return copy.read_text()
    except FileNotFoundError:
        s3.download_file("letters", key, str(copy))
        return copy.read_text()
"""
NO_FOLDERS = """
def read(key):
    copy = Path("/tmp/no-such-folder", key)
    if not copy.exists():
        copy.write_text(fetched(key))
    return copy.read_text()
"""
NEVER_FETCHED = """
def read(key):
    return Path("/tmp/no-such-folder", quote(key, safe="")).read_text()
"""
ALWAYS_FETCHED = "read = fetched"
IN_A_VARIABLE = "read = functools.cache(fetched)"

# Names that no other run of a test has: where /tmp is the machine's, it keeps what was there.
OWN = " + os.environ['AWS_LAMBDA_LOG_STREAM_NAME'][-32:]"
WHOLE_KEY = "quote(key, safe='')" + OWN
FINGERPRINT = "hashlib.sha256(key.encode()).hexdigest()" + OWN
LAST_PART = "key.split('/')[-1]" + OWN


def letter(body: str, name: str = "''") -> Functions:
    return (("letter", READER + body.replace("FILE", name), ROOMY),)


# ---- task 3

LIBRARY = """
def greet(name):
    return f"Good day, {name}."
def part(name):
    return f"Safe travels, {name}."
"""
USES = """
import greetings
def handler(event, context):
    return {"message": greetings.%s(event["name"])}
"""
IN_PYTHON = {"python/greetings.py": LIBRARY}
IN_SITE_PACKAGES = {"python/lib/python3.13/site-packages/greetings.py": LIBRARY}
AT_THE_TOP = {"greetings.py": LIBRARY}
OTHER = {"python/other.py": "name = 'other'\n"}


def layer(lab: Any, name: str, files: dict[str, str]) -> str:
    lam = lab.client("lambda")
    made = lam.publish_layer_version(LayerName=name, Content={"ZipFile": lab.zip(files)})
    return str(made["LayerVersionArn"])


def greeters(
    layers: dict[str, dict[str, str]], welcome: str, farewell: str, **files: str
) -> Callable[[Any], None]:
    """Deploy both functions with layers by name, and with files in their packages."""

    def done(lab: Any) -> None:
        arns = {name: layer(lab, name, held) for name, held in layers.items()}
        more = {f"{name}.py": text for name, text in files.items()}
        for function, call, names in (
            ("welcome", "greet", welcome),
            ("farewell", "part", farewell),
        ):
            package = lab.zip({"app.py": USES % call} | more)
            chosen = [arns[name] for name in names.split()]
            deploy(lab, function, package, Handler="app.handler", Layers=chosen)

    return done


# ---- task 4

ECHO = "def handler(event, context):\n    return {'echo': event['echo']}\n"
EXTENSION = """#!/usr/bin/env python3
import json, os, time
from urllib.request import Request, urlopen
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2020-01-01/extension"
def ask(path, body=None, **headers):
    return urlopen(Request(f"{api}/{path}", body and json.dumps(body).encode(), headers))
def register(*events):
    answer = ask("register", {"events": events}, **{"Lambda-Extension-Name": "counter"})
    return {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
def event():
    return json.load(ask("event/next", **me))["eventType"]
count = 0
"""
RIGHT = """
me = register("INVOKE", "SHUTDOWN")
while event() == "INVOKE":
    count += 1
print(f"counter: {count} invocations", flush=True)
"""
WITHOUT_SHUTDOWN = RIGHT.replace(', "SHUTDOWN"', "")
ONE_TOO_MANY = RIGHT.replace("{count}", "{count + 1}")
EACH_TIME = """
me = register("INVOKE", "SHUTDOWN")
while event() == "INVOKE":
    count += 1
    print(f"counter: {count} invocations", flush=True)
"""
SLOW = RIGHT.replace("count += 1", "count += 1; time.sleep(0.4)")
GUESSED = RIGHT.replace("{count}", "9")
SHELL = (Path(__file__).parent / "extensions" / "shell.sh").read_text("utf-8")
IN_BASH = SHELL.replace(
    'echo "$name: ${BASH_REMATCH[1]}"',
    '[[ ${BASH_REMATCH[1]} == INVOKE ]] && : $((++count)) || echo "counter: $count invocations"',
)
COUNTED_IN_THE_FUNCTION = """
count = 0
def handler(event, context):
    global count
    count += 1
    print(f"counter: {count} invocations")
    return {"echo": event["echo"]}
"""


def watched(files: dict[str, str], code: str = ECHO) -> Callable[[Any], None]:
    """Deploy watched with a layer of these files, if there are any."""

    def done(lab: Any) -> None:
        arns = [layer(lab, "watching", files)] if files else []
        package = lab.zip({"app.py": code})
        deploy(lab, "watched", package, Handler="app.handler", Layers=arns, **ROOMY)

    return done


def extension(body: str, name: str = "extensions/counter") -> Callable[[Any], None]:
    return watched({name: EXTENSION + body})


ROWS = [
    Row(1, "loaded outside of the handler", set(), tariff(IN_INIT)),
    Row(1, "called once before", set(), tariff(CALLED_ONCE_IN_INIT + IN_THE_HANDLER)),
    Row(1, "as it was given", {2, 3}, tariff(IN_THE_HANDLER)),
    Row(1, "with the first event", {3}, tariff(WITH_THE_FIRST_EVENT + IN_THE_HANDLER)),
    Row(1, "in a thread that goes on after INIT", {3}, tariff(IN_A_THREAD)),
    Row(1, "kept in /tmp by the first event", {3}, tariff(IN_TMP)),
    Row(1, "a table that is written down", {4}, tariff(WRITTEN_DOWN)),
    Row(1, "one price for ever", {1, 4}, tariff(FOR_EVER)),
    Row(2, "a file name made of the whole key", set(), letter(KEPT, WHOLE_KEY)),
    Row(2, "a fingerprint of the key", set(), letter(KEPT, FINGERPRINT)),
    Row(2, "folders as in the bucket", set(), letter(IN_FOLDERS)),
    Row(2, "fetched each time", {2, 3}, letter(ALWAYS_FETCHED)),
    Row(2, "kept in a variable", {3}, letter(IN_A_VARIABLE)),
    Row(2, "the last part of the key", {2, 3, 4}, letter(KEPT, LAST_PART)),
    Row(2, "a folder that is not there", {1, 2, 3, 4, 5}, letter(NO_FOLDERS)),
    Row(2, "a copy that nobody made", {1, 2, 3, 4, 5}, letter(NEVER_FETCHED)),
    Row(3, "the folder python", set(), done=greeters({"one": IN_PYTHON}, "one", "one")),
    Row(3, "site-packages", set(), done=greeters({"one": IN_SITE_PACKAGES}, "one", "one")),
    Row(
        3,
        "another layer besides",
        set(),
        done=greeters({"one": IN_PYTHON, "two": OTHER}, "two one", "one"),
    ),
    Row(3, "the top of the layer", {1, 2}, done=greeters({"one": AT_THE_TOP}, "one", "one")),
    Row(3, "in the packages", {3, 4}, done=greeters({}, "", "", greetings=LIBRARY)),
    Row(
        3,
        "in the layer and in the packages",
        {3},
        done=greeters({"one": IN_PYTHON}, "one", "one", greetings=LIBRARY),
    ),
    Row(
        3,
        "a layer for each",
        {4},
        done=greeters({"one": IN_PYTHON, "two": IN_PYTHON}, "one", "two"),
    ),
    Row(3, "only one of them", {2, 4}, done=greeters({"one": IN_PYTHON}, "one", "")),
    Row(4, "in Python", set(), done=extension(RIGHT)),
    Row(4, "in bash", set(), done=watched({"extensions/shell": IN_BASH})),
    Row(4, "no extension", {2, 3, 4}, done=watched({})),
    Row(4, "in another folder", {2, 3, 4}, done=extension(RIGHT, "bin/counter")),
    Row(4, "not registered for SHUTDOWN", {2, 3, 4}, done=extension(WITHOUT_SHUTDOWN)),
    Row(4, "the end counted as well", {3, 4}, done=extension(ONE_TOO_MANY)),
    Row(4, "told at each invocation", {3, 4}, done=extension(EACH_TIME)),
    Row(4, "a guess", {3, 4}, done=extension(GUESSED)),
    Row(4, "at work for long", {5}, done=extension(SLOW)),
    Row(4, "counted in the function", {2, 3, 4}, done=watched({}, COUNTED_IN_THE_FUNCTION)),
    Row(4, "no program", {1, 2, 3, 4, 5}, done=watched({"extensions/counter": RIGHT})),
]
