"""Whatever is sent to an operation: an answer in time, an error by name, and nothing left of it.

Requests come from botocore's model of Lambda (``tests.shapes``) and go over plain HTTP to a cloud
with something of everything in it (``tests.fuzz_stage``), past all checks of an SDK. The second
part does what developers do with functions, in any order, and foretells every answer
(``tests.twin``). What is tried is the same on every run, and as much as a minute has room for;
with LAMBDALAB_FUZZ=long it is many times as much, and every edge of every member.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from lambdalab import Lab, start
from tests.engine import port_of, wait_until
from tests.fuzz_stage import LIMIT, Reply, Stage, Wire
from tests.shapes import (
    FORMS,
    NOT_ACTED,
    OPERATIONS,
    SERVICE,
    Call,
    calls,
    edges,
    expected,
    filler,
    put,
    spots,
    written,
)
from tests.twin import LATEST, Twin

LONG = os.environ.get("LAMBDALAB_FUZZ") == "long"
PROFILE = settings(
    database=None,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
)
READING = {name for name in OPERATIONS if SERVICE.operation_model(name).http["method"] == "GET"}
ACTED = [name for name in OPERATIONS if name not in NOT_ACTED]


@pytest.fixture(scope="module")
def still_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Any]]:
    """A lab whose clock stands still: what is on its way stays on it until the clock is wound.

    Functions get as much CPU as they like. The cloud keeps its files in a directory of its own.
    """
    scratch = tmp_path_factory.mktemp("cloud")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(scratch))
        lab = start(export=False, speed=1e-6, cpu=False)
    with lab:
        yield lab, scratch


@pytest.fixture(scope="module")
def stage(still_lab: tuple[Lab, Any]) -> Iterator[Stage]:
    stage = Stage(*still_lab)
    yield stage
    stage.wire.close()


def enough(name: str) -> int:
    """How many requests an operation gets: the more it takes, the more."""
    if name in NOT_ACTED:
        return 2
    few = 12 if name in READING else 24
    return (20 if LONG else 1) * min(90, few + 2 * len(spots(name)))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_request_is_answered_and_a_refused_one_leaves_nothing(
    name: str, stage: Stage
) -> None:
    @settings(PROFILE, max_examples=enough(name))
    @given(call=calls(name, stage.known, stage.plausible))
    def holds(call: Call) -> None:
        attempt(call, stage)

    holds()
    if name in READING or name in NOT_ACTED:
        assert stage.seen() == stage.before


@pytest.mark.parametrize("name", ACTED)
def test_every_edge_of_every_member(name: str, stage: Stage) -> None:
    """What the model forbids is tried in full; what it does not, only where nothing is changed."""
    stage.ready()
    on_edges = list(edge_calls(name, stage))
    harmless = [call for call in on_edges if name in READING or expected(call)]
    for first in range(0, len(harmless), AT_ONCE):
        some = harmless[first : first + AT_ONCE]
        for call, reply in zip(some, stage.wire.send(*some), strict=True):
            check_reply(call, reply)
    assert stage.seen() == stage.before
    for call in on_edges if LONG and name not in READING else ():
        attempt(call, stage)


# Their status is the answer's own, and a runtime may be one that the lab does not run.
INVOKING = ("Invoke", "InvokeWithResponseStream")
# So many requests go out together, and so many have two seconds together.
AT_ONCE = 40


def edge_calls(name: str, stage: Stage) -> Iterator[Call]:
    shape: Any = SERVICE.operation_model(name).input_shape
    for path, inner in spots(name):
        start_from = stage.plausible.get(name, [filler(shape, stage.known)])[0]
        for value in edges(inner, stage.known, path[-1]):
            yield written(name, put(shape, start_from, path, value, stage.known))


def attempt(call: Call, stage: Stage) -> None:
    """Send one request, and look at what it does."""
    stage.ready()
    try:
        (reply,) = stage.wire.send(call)
        check_reply(call, reply)
        if reply.status >= 300:
            check_nothing_is_left(call, stage)
        elif call.operation not in READING or not call.plain:
            stage.changed(call, spoilt=is_spoiling(call))
    except BaseException as error:
        error.add_note(f"before it: {stage.history}")
        stage.changed(call, spoilt=True)
        raise


def check_reply(call: Call, reply: Reply) -> None:
    assert reply.seconds < LIMIT
    if reply.status < 300:
        check_answer(call, reply)
    else:
        check_refusal(call, reply)


def is_spoiling(call: Call) -> bool:
    """What takes away, or lets the clock go, makes the stage another one."""
    return not call.plain or call.operation.startswith(("Delete", "Remove", "Untag", "Invoke"))


def check_nothing_is_left(call: Call, stage: Stage) -> None:
    if call.operation in READING or call.operation in NOT_ACTED:
        return  # looked at once, at the end
    assert stage.seen() == stage.before, f"{call} has left something behind"
    check_no_files_are_left(stage)


def check_no_files_are_left(stage: Stage) -> None:
    deadline = time.monotonic() + LIMIT
    while more := stage.entries() - stage.files:
        assert time.monotonic() < deadline, f"files were left behind: {more}"


# ---- refusals

# What the front layer answers to each fault.
FRONT = {
    "form": {"SerializationException"},
    "either": {"SerializationException", "ValidationException"},
    "bounds": {"ValidationException"},
}
# Codes of the front layer, which the model does not name.
GENERAL = {"SerializationException", "ValidationException", "AccessDeniedException"}
# What else AWS answers: recorded (see the facts), though the model does not name it there.
ALSO = {
    "CreateFunction": {"RequestEntityTooLargeException"},
    "GetProvisionedConcurrencyConfig": {"ProvisionedConcurrencyConfigNotFoundException"},
    "Invoke": {"RequestEntityTooLargeException"},
    "InvokeWithResponseStream": {"RequestEntityTooLargeException"},
}
# Where a path that is badly written leads, nobody knows.
LOST = {"UnknownOperationException", *SERVICE.shape_names}


def check_refusal(call: Call, reply: Reply) -> None:
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-amzn-requestid"]
    body, code = reply.json, reply.code
    (text,) = [body[name] for name in ("message", "Message") if name in body]
    # To CreateFunction for another account AWS gives no reason, as recorded.
    assert text or (code, reply.status) == ("AccessDeniedException", 403), reply
    if code == "NotImplementedException":
        check_not_acted(call, reply, text)
        return
    assert call.operation not in NOT_ACTED or not call.plain, reply
    if call.operation in INVOKING and code == "InvalidRuntimeException":
        assert reply.status == 502
    else:
        assert 400 <= reply.status < 500, reply
    errors = {error.name for error in SERVICE.operation_model(call.operation).error_shapes}
    known = errors | GENERAL | ALSO.get(call.operation, set()) | (set() if call.plain else LOST)
    assert code in known, reply
    assert reply.status == status_of(code, reply.status), reply
    check_fault(call, code, text)


def status_of(code: str, default: int) -> int:
    """The status that the model gives to an error."""
    shape = SERVICE.shape_for(code) if code in SERVICE.shape_names else None
    return shape.metadata.get("error", {}).get("httpStatusCode", default) if shape else default


def check_not_acted(call: Call, reply: Reply, text: str) -> None:
    """By name: of the operation, or of what an operation that acts was asked for."""
    assert reply.status == 501
    assert text.startswith("Lambda Lab does not act on ")
    if call.operation in NOT_ACTED and call.plain:
        assert text == f"Lambda Lab does not act on {call.operation} yet."
    elif call.plain:
        assert call.operation not in text


def check_fault(call: Call, code: str, text: str) -> None:
    """What the model forbids is refused by the front layer, and nothing else is unreadable."""
    fault = expected(call)
    if fault:
        assert code in FRONT[fault], (fault, code, text)
    elif call.plain:
        assert code != "SerializationException", text


# ---- answers


def check_answer(call: Call, reply: Reply) -> None:
    if not call.plain:
        return
    assert expected(call) is None, reply
    model = SERVICE.operation_model(call.operation)
    if call.operation not in (*INVOKING, "DeleteFunction"):
        assert reply.status == model.http.get("responseCode", 200)
    if model.output_shape is None or reply.status == 204:
        assert reply.body == b""
    elif "payload" not in model.output_shape.serialization:
        assert list(strange(model.output_shape, reply.json)) == []


def strange(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Where an answer is not as the model says."""
    if value is None:
        return
    if not FORMS[shape.type_name](value):
        yield f"{path}: {value!r} is no {shape.type_name}"
    elif shape.type_name == "structure":
        known = {
            name: inner
            for name, inner in shape.members.items()
            if "location" not in inner.serialization
        }
        yield from (f"{path}.{name} is unknown" for name in value.keys() - known)
        for name in value.keys() & known:
            yield from strange(known[name], value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            yield from strange(shape.member, item, f"{path}[]")
    elif shape.type_name == "map":
        for name, item in value.items():
            yield from strange(shape.value, item, f"{path}.{name}")


# ---- many at once

RACES = {
    "CreateFunction": {"FunctionName": "made"},
    "UpdateFunctionCode": {"FunctionName": "other"},
    "UpdateFunctionConfiguration": {"FunctionName": "other", "Layers": ["@layer"]},
}


@pytest.mark.parametrize("name", RACES)
def test_of_many_at_once_one_comes_through_and_the_others_leave_nothing(
    name: str, stage: Stage
) -> None:
    stage.ready()
    given = stage.plausible[name][0] | RACES[name]
    if "Layers" in given:
        given["Layers"] = stage.known["LayerVersionArn"][:1]
    call = written(name, given)
    wires = [Wire(port_of(stage.lab)) for _ in range(6)]
    stage.changed(call, spoilt=True)
    for wire in wires:
        wire.post(call)
    replies = [wire.take(call)[0] for wire in wires]
    for wire in wires:
        wire.close()
    assert sorted(reply.status for reply in replies) == [replies_ok(name), *[409] * 5]
    wait_until(lambda: len(new_packages(stage)) == 1, LIMIT)


def replies_ok(name: str) -> int:
    return int(SERVICE.operation_model(name).http["responseCode"])


def new_packages(stage: Stage) -> list[Path]:
    return [path for path in stage.entries() - stage.files if path.parent.name == "code"]


def test_while_a_vpc_is_looked_up_for_the_first_time_others_are_answered() -> None:
    network = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    new = {"FunctionName": "fn", "Runtime": "python3.13", "Handler": "a.b", "VpcConfig": network}
    role = "arn:aws:iam::123456789012:role/r"
    call = written("CreateFunction", {**new, "Role": role, "Code": {"ZipFile": "UEsFBg=="}})
    look, answers = written("ListFunctions", {}), 0
    with start(export=False) as lab:
        port = port_of(lab)
        quick = Wire(port)
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(call.encoded(port))
            while not select.select([slow], [], [], 0)[0]:
                assert quick.send(look)[0].status == 200
                answers += 1
            answer = slow.recv(1 << 16)
        quick.close()
    assert b"The subnet ID 'subnet-1' does not exist" in answer
    assert answers > 10, answers


# ---- what developers do, in any order

NAMES = st.sampled_from(["a", "b"])
CODES = st.sampled_from(["one", "two", "broken"])
TEXTS = st.sampled_from(["", "x", "y"])
ALIASES = st.sampled_from(["live", "test"])
NUMBERS = st.sampled_from(["1", "2", "3", LATEST])
PLACES = st.sampled_from([None, "1", "2", "live", "test", LATEST])
WEIGHTS = st.sampled_from([{}, {}, {"1": 0.5}, {"2": 0.0}, {"1": 0.1, "2": 1.0}])
REVISIONS = st.sampled_from([None, None, "current", "stale"])
STATEMENTS = st.sampled_from(["s1", "s2"])
AMOUNTS = st.sampled_from([0, 5, 400, 500, 900, 901])
STALE = "00000000-0000-4000-8000-000000000000"


class Developers(RuleBasedStateMachine):
    """Functions that are made, changed, published, named, shared, throttled and deleted."""

    def __init__(self, lab: Lab, wire: Wire, role: str) -> None:
        super().__init__()
        self.lab, self.wire, self.role = lab, wire, role
        broken = lab.zip({"a.py": "x = 1"})[:-5]
        self.zips = {name: lab.zip({"a.py": f"x = {name!r}"}) for name in ("one", "two")}
        self.zips["broken"] = broken
        self.shas = {
            name: b64encode(sha256(code).digest()).decode() for name, code in self.zips.items()
        }
        self.twin = Twin()
        self.view: dict[str, dict[str, Any]] = {}

    @initialize(ready=st.booleans())
    def begin(self, ready: bool) -> None:
        self.wire.send(*(written("DeleteFunction", {"FunctionName": name}) for name in "ab"))
        if not ready:
            return
        # A function with two versions and an alias: from there it is not far to the rest.
        self.create("a", "one", "x", publish=True, role="r")
        self.settle()
        self.configure("a", "y", None)
        self.settle()
        self.publish("a", None, None, None)
        self.name_version("a", "live", "1", {})

    # The rules.

    @rule(name=NAMES, code=CODES, text=TEXTS, publish=st.booleans(), role=st.sampled_from("rrrs"))
    def create(self, name: str, code: str, text: str, publish: bool, role: str) -> None:
        role = {"r": "role", "s": "stranger"}[role]
        self.do(
            "CreateFunction", FunctionName=name, Code=code, Description=text, Publish=publish,
            Role=role,
        )  # fmt: skip

    @rule()
    def settle(self) -> None:
        self.lab.clock.advance(seconds=1)
        self.twin.settle()

    @rule(name=NAMES, text=TEXTS, revision=REVISIONS)
    def configure(self, name: str, text: str, revision: str | None) -> None:
        self.do(
            "UpdateFunctionConfiguration", FunctionName=name, Description=text, RevisionId=revision
        )

    @rule(name=NAMES, code=CODES, publish=st.booleans(), dry=st.booleans(), revision=REVISIONS)
    def deploy(self, name: str, code: str, publish: bool, dry: bool, revision: str | None) -> None:
        self.do(
            "UpdateFunctionCode", FunctionName=name, Code=code, Publish=publish, DryRun=dry,
            RevisionId=revision,
        )  # fmt: skip

    @rule(
        name=NAMES,
        text=st.none() | TEXTS,
        sha=st.sampled_from([None, None, "one", "two"]),
        revision=REVISIONS,
    )
    def publish(self, name: str, text: str | None, sha: str | None, revision: str | None) -> None:
        self.do(
            "PublishVersion", FunctionName=name, Description=text, CodeSha256=sha,
            RevisionId=revision,
        )  # fmt: skip

    @rule(name=NAMES, qualifier=PLACES)
    def delete(self, name: str, qualifier: str | None) -> None:
        self.do("DeleteFunction", FunctionName=name, Qualifier=qualifier)

    @rule(name=NAMES, alias=ALIASES, version=NUMBERS, weights=WEIGHTS)
    def name_version(self, name: str, alias: str, version: str, weights: dict[str, float]) -> None:
        self.do(
            "CreateAlias", FunctionName=name, Name=alias, FunctionVersion=version, Weights=weights
        )

    @rule(
        name=NAMES,
        alias=ALIASES,
        version=st.none() | NUMBERS,
        weights=st.none() | WEIGHTS,
        revision=REVISIONS,
    )
    def rename_version(
        self,
        name: str,
        alias: str,
        version: str | None,
        weights: dict[str, float] | None,
        revision: str | None,
    ) -> None:
        self.do(
            "UpdateAlias", FunctionName=name, Name=alias, FunctionVersion=version, Weights=weights,
            RevisionId=revision,
        )  # fmt: skip

    @rule(name=NAMES, alias=ALIASES, operation=st.sampled_from(["DeleteAlias", "GetAlias"]))
    def look_or_unname(self, name: str, alias: str, operation: str) -> None:
        self.do(operation, FunctionName=name, Name=alias)

    @rule(name=NAMES, sid=STATEMENTS, place=PLACES, revision=REVISIONS)
    def share(self, name: str, sid: str, place: str | None, revision: str | None) -> None:
        self.do(
            "AddPermission", FunctionName=name, StatementId=sid, Qualifier=place,
            RevisionId=revision, Action="lambda:InvokeFunction", Principal="s3.amazonaws.com",
        )  # fmt: skip

    @rule(name=NAMES, sid=STATEMENTS, place=PLACES, revision=REVISIONS)
    def unshare(self, name: str, sid: str, place: str | None, revision: str | None) -> None:
        self.do(
            "RemovePermission", FunctionName=name, StatementId=sid, Qualifier=place,
            RevisionId=revision,
        )  # fmt: skip

    @rule(name=NAMES, amount=AMOUNTS)
    def reserve(self, name: str, amount: int) -> None:
        self.do("PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=amount)

    @rule(name=NAMES)
    def give_up(self, name: str) -> None:
        self.do("DeleteFunctionConcurrency", FunctionName=name)

    # What is seen.

    @invariant()
    def the_cloud_is_as_foretold(self) -> None:
        self.view = self.look()
        seen = {name: summary(one, self.shas) for name, one in self.view.items()}
        assert seen == {name: one.shown() for name, one in self.twin.functions.items()}

    def do(self, operation: str, **members: Any) -> None:
        """Make a call, and see that it does what was foretold; a refusal changes nothing."""
        given = {name: value for name, value in members.items() if value is not None}
        foretold = self.twin.call(xform_name(operation), given)
        (reply,) = self.wire.send(written(operation, self.as_sent(given)))
        if foretold is None:
            assert reply.status < 300, reply
            return
        body = reply.json
        text = body.get("message", body.get("Message"))
        assert (reply.status, reply.code) == foretold[:2], (foretold, text)
        assert text == self.named(foretold.text, given)
        assert self.look() == self.view, "the refused call has left something behind"

    def as_sent(self, given: dict[str, Any]) -> dict[str, Any]:
        """A call as the API takes it."""
        sent = dict(given)
        if "Role" in sent:
            sent["Role"] = self.role if sent["Role"] == "role" else f"{self.role}-of-a-stranger"
        if "Code" in sent:
            code = {"ZipFile": b64encode(self.zips[sent.pop("Code")]).decode()}
            new = {"Runtime": "python3.13", "Handler": "a.b", "Code": code}
            sent |= new if "Role" in sent else code
        if "CodeSha256" in sent:
            sent["CodeSha256"] = self.shas[sent["CodeSha256"]]
        if "Weights" in sent:
            sent["RoutingConfig"] = {"AdditionalVersionWeights": sent.pop("Weights")}
        if "RevisionId" in sent:
            sent["RevisionId"] = self.revision(sent)
        return sent

    def revision(self, sent: dict[str, Any]) -> str:
        """The revision of what a call is about, or one that nothing has."""
        function = self.view.get(sent["FunctionName"])
        if function is None or sent["RevisionId"] == "stale":
            return STALE
        place = sent.get("Name", sent.get("Qualifier", LATEST))
        return function["revisions"].get(place, STALE)

    def named(self, text: str, given: dict[str, Any]) -> str:
        """A foretold text with the hashes of packages."""
        if "@current" not in text:
            return text
        current = self.twin.functions[given["FunctionName"]].settings[0]
        text = text.replace("@given", self.shas[given["CodeSha256"]])
        return text.replace("@current", self.shas[current])

    def look(self) -> dict[str, dict[str, Any]]:
        """What the API shows of each function there is."""
        (listed,) = self.wire.send(written("ListFunctions", {"FunctionVersion": "ALL"}))
        versions: dict[str, dict[str, Any]] = {}
        for one in listed.json["Functions"]:
            versions.setdefault(one["FunctionName"], {})[one["Version"]] = one
        return {name: self.look_at(name, found) for name, found in versions.items()}

    def look_at(self, name: str, versions: dict[str, Any]) -> dict[str, Any]:
        places = [*versions, "live", "test"]
        function, aliases, *policies = self.wire.send(
            written("GetFunction", {"FunctionName": name}),
            written("ListAliases", {"FunctionName": name}),
            *(written("GetPolicy", {"FunctionName": name, "Qualifier": one}) for one in places),
        )
        named = {one["Name"]: one for one in aliases.json["Aliases"]}
        statements = {
            place: json.loads(policy.json["Policy"])["Statement"]
            for place, policy in zip(places, policies, strict=True)
            if policy.status == 200
        }
        return {
            "function": function.json,
            "versions": versions,
            "aliases": named,
            "statements": statements,
            "revisions": {key: one["RevisionId"] for key, one in (versions | named).items()},
        }


def summary(seen: dict[str, Any], shas: dict[str, str]) -> dict[str, Any]:
    """What is seen of a function, in the words of the twin."""
    codes = {sha: name for name, sha in shas.items()}
    shown = seen["function"]["Configuration"]
    return {
        "state": (shown["State"], shown.get("LastUpdateStatus") == "InProgress"),
        "versions": {
            number: (codes[one["CodeSha256"]], one["Description"])
            for number, one in seen["versions"].items()
        },
        "aliases": {
            name: (
                one["FunctionVersion"],
                one.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
            )
            for name, one in seen["aliases"].items()
        },
        "statements": {
            place: [statement["Sid"] for statement in statements]
            for place, statements in seen["statements"].items()
        },
        "reserved": seen["function"].get("Concurrency", {}).get("ReservedConcurrentExecutions"),
    }


def test_whatever_developers_do_is_answered_as_foretold(still_lab: tuple[Lab, Any]) -> None:
    lab, _ = still_lab
    lab.reset()
    role = lab.role()
    wire = Wire(port_of(lab))
    profile = settings(PROFILE, max_examples=2000 if LONG else 80, stateful_step_count=40)
    try:
        run(lambda: Developers(lab, wire, role), settings=profile)
    finally:
        wire.close()
