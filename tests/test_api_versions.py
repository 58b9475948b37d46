"""Versions, aliases and names: rows of recorded answers, then what versions and aliases do."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from lambdalab import Lab, start
from lambdalab.draws import Draws
from lambdalab.functions import model
from tests.conftest import wait_until_settled
from tests.engine import invoke, refusal
from tests.shaped_rows import ShapedRows
from tests.shapes import NOT_ACTED

MakeFunction = Callable[..., str]

VERSIONS = ShapedRows("versions")
NAMES = ShapedRows("names")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
TELL = """
import os
def handler(event, context):
    return {{"code": {0}, "version": context.function_version, "arn": context.invoked_function_arn,
             "stream": context.log_stream_name, "env": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
             "own": os.environ.get("OWN")}}
"""


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    """A lab of this file's own: its clock is wound on, row by row."""
    with start(export=False) as lab:
        yield lab


@pytest.fixture
def known(lab: Lab, role: str) -> dict[str, Any]:
    """What rows speak of."""
    return {
        "role": role,
        "other_role": lab.role("another-role"),
        "zip": lab.zip({"a.py": "def handler(event, context): return 1"}),
        "other_zip": lab.zip({"a.py": "def handler(event, context): return 2"}),
    }


@pytest.mark.parametrize("row", VERSIONS.rows, ids=lambda row: row["name"])
def test_a_row(lab: Lab, known: dict[str, Any], row: dict[str, Any]) -> None:
    VERSIONS.play(lab, row, known)


@pytest.mark.parametrize("row", NAMES.rows, ids=lambda row: row["name"])
def test_a_name(lab: Lab, known: dict[str, Any], row: dict[str, Any]) -> None:
    NAMES.play(lab, row, known)


@pytest.fixture
def two_versions(lab: Lab, lam: Any, make_function: MakeFunction) -> str:
    """The function ``f`` with versions 1 and 2, which differ in code and in a variable."""
    make_function(
        TELL.format(1), FunctionName="f", Publish=True, Environment={"Variables": {"OWN": "one"}}
    )
    lam.update_function_configuration(FunctionName="f", Environment={"Variables": {"OWN": "two"}})
    lab.clock.advance(seconds=1)
    code = lab.zip({"lambda_function.py": TELL.format(2)})
    lam.update_function_code(FunctionName="f", ZipFile=code, Publish=True)
    wait_until_settled(lam, "f")
    return "f"


# ---- what runs


def test_a_version_runs_what_was_published_whatever_becomes_of_the_function(
    lab: Lab, lam: Any, two_versions: str
) -> None:
    code = lab.zip({"lambda_function.py": TELL.format(3)})
    lam.update_function_code(FunctionName="f", ZipFile=code)
    lab.clock.advance(seconds=1)
    for number, own, code_number in (("1", "one", 1), ("2", "two", 2), ("$LATEST", "two", 3)):
        answer = lam.invoke(FunctionName="f", Qualifier=number)
        assert answer["ExecutedVersion"] == number
        told = json.loads(answer["Payload"].read())
        assert (told["code"], told["own"]) == (code_number, own)
        assert told["version"] == told["env"] == number
        assert told["arn"] == f"{ARN}:{number}"
        stream = rf"\d{{4}}/\d\d/\d\d/\[{re.escape(number)}\][0-9a-f]{{32}}"
        assert re.fullmatch(stream, told["stream"])


def test_an_alias_runs_its_version_under_its_own_arn(lam: Any, two_versions: str) -> None:
    lam.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    for given in ({"FunctionName": "f", "Qualifier": "live"}, {"FunctionName": f"{ARN}:live"}):
        answer = lam.invoke(**given)
        told = json.loads(answer["Payload"].read())
        assert (answer["ExecutedVersion"], told["version"], told["code"]) == ("1", "1", 1)
        assert told["arn"] == f"{ARN}:live"
    lam.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    assert invoke(lam, "f:live").value["code"] == 2
    assert "START RequestId" in (log := invoke(lam, "f:live").log)
    assert "Version: 2" in log


def test_an_alias_of_latest_runs_what_is_latest(lab: Lab, lam: Any, two_versions: str) -> None:
    lam.create_alias(FunctionName="f", Name="edge", FunctionVersion="$LATEST")
    told = invoke(lam, "f:edge").value
    assert (told["version"], told["arn"]) == ("$LATEST", f"{ARN}:edge")


def test_versions_have_environments_of_their_own_and_aliases_share_theirs(
    lab: Lab, lam: Any, two_versions: str
) -> None:
    lam.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    for qualifier in ("1", "live", "2", "$LATEST", "1"):
        invoke(lam, "f", Qualifier=qualifier)
    cold = [r.detail["cold"] for r in lab.timeline if r.kind == "invoke"]
    assert cold == [True, False, True, True, False]


def test_a_deleted_version_is_gone_with_its_environments(
    lab: Lab, lam: Any, two_versions: str
) -> None:
    invoke(lam, "f:1")
    lam.delete_function(FunctionName="f", Qualifier="1")
    assert refusal(lam.invoke, FunctionName="f:1").message == f"Function not found: {ARN}:1"
    ends = [r for r in lab.timeline if r.kind == "end"]
    assert len(ends) == 1
    listed = lam.list_versions_by_function(FunctionName="f")["Versions"]
    assert [one["Version"] for one in listed] == ["$LATEST", "2"]
    assert invoke(lam, "f:2").value["code"] == 2


# ---- weights


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_an_alias_shares_invocations_by_its_weight_as_the_seed_has_it(
    weight: float, lam: Any, two_versions: str
) -> None:
    routing = {"AdditionalVersionWeights": {"2": weight}}
    lam.create_alias(FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=routing)
    ran = [lam.invoke(FunctionName="f:live")["ExecutedVersion"] for _ in range(80)]
    draw = Draws(0).stream("routes")
    assert ran == ["2" if draw.random() < weight else "1" for _ in range(80)]
    share = Counter(ran)["2"] / len(ran)
    assert abs(share - weight) < 0.15
    told = {invoke(lam, "f:live").value["arn"] for _ in range(10)}
    assert told == {f"{ARN}:live"}


def dimensions(lab: Lab, metric: str) -> dict[str, float]:
    """The sum of a metric for each set of dimensions."""
    watch = lab.client("cloudwatch")
    now = lab.clock.now()
    found = {}
    for one in watch.list_metrics(Namespace="AWS/Lambda", MetricName=metric)["Metrics"]:
        points = watch.get_metric_statistics(
            Namespace="AWS/Lambda", MetricName=metric, Dimensions=one["Dimensions"], Period=60,
            StartTime=now - timedelta(hours=1), EndTime=now + timedelta(hours=1),
            Statistics=["Sum"],
        )["Datapoints"]  # fmt: skip
        names = ",".join(f"{d['Name']}={d['Value']}" for d in one["Dimensions"])
        found[names] = sum(point["Sum"] for point in points)
    return found


def test_invocations_are_counted_by_alias_by_version_and_by_what_a_shared_alias_ran(
    lab: Lab, lam: Any, two_versions: str
) -> None:
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    lam.create_alias(FunctionName="f", Name="split", FunctionVersion="1", RoutingConfig=routing)
    lam.create_alias(FunctionName="f", Name="plain", FunctionVersion="1")
    ran = Counter(lam.invoke(FunctionName="f:split")["ExecutedVersion"] for _ in range(12))
    for qualifier in ("plain", "1", "1"):
        lam.invoke(FunctionName="f", Qualifier=qualifier)
    lam.invoke(FunctionName="f")
    assert dimensions(lab, "Invocations") == {
        "": 16.0,
        "FunctionName=f": 16.0,
        "FunctionName=f,Resource=f:plain": 1.0,
        "FunctionName=f,Resource=f:1": 2.0,
        "FunctionName=f,Resource=f:split": 12.0,
        **{
            f"FunctionName=f,Resource=f:split,ExecutedVersion={version}": float(count)
            for version, count in ran.items()
        },
    }


# ---- states


@pytest.fixture(scope="module")
def slow_lab() -> Iterator[Lab]:
    """A lab whose time stands all but still: what is under way stays so until it is wound."""
    with start(export=False, speed=0.0001) as lab:
        yield lab


def test_nothing_is_published_of_a_function_that_is_created_or_updated(slow_lab: Lab) -> None:
    slow_lab.reset()
    lam = slow_lab.client("lambda")
    code = {"ZipFile": slow_lab.zip({"a.py": "x = 1"})}
    lam.create_function(
        FunctionName="f", Runtime="python3.13", Handler="a.b", Role=slow_lab.role(), Code=code
    )
    begin = "The operation cannot be performed at this time. "
    state = "The function is currently in the following state: Pending"
    conflict = (409, "ResourceConflictException")
    assert refusal(lam.publish_version, FunctionName="f") == (*conflict, begin + state)
    slow_lab.clock.advance(seconds=1)
    lam.update_function_configuration(FunctionName="f", Timeout=5)
    text = f"{begin}An update is in progress for resource: {ARN}"
    assert refusal(lam.publish_version, FunctionName="f") == (*conflict, text)
    versions = lam.list_versions_by_function(FunctionName="f")["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST"]


def test_a_version_that_comes_with_new_code_is_pending_until_the_update_is_through(
    slow_lab: Lab,
) -> None:
    slow_lab.reset()
    lam = slow_lab.client("lambda")
    first, second = (slow_lab.zip({"a.py": TELL.format(n)}) for n in (1, 2))
    lam.create_function(
        FunctionName="f", Runtime="python3.13", Handler="a.handler", Role=slow_lab.role(),
        Code={"ZipFile": first},
    )  # fmt: skip
    slow_lab.clock.advance(seconds=1)
    made = lam.update_function_code(FunctionName="f", ZipFile=second, Publish=True)
    version = lam.get_function_configuration(FunctionName="f", Qualifier="1")
    latest = lam.get_function_configuration(FunctionName="f")
    assert (version["State"], "LastUpdateStatus" in version) == ("Pending", False)
    assert (latest["State"], latest["LastUpdateStatus"]) == ("Active", "InProgress")
    assert made["RevisionId"] == version["RevisionId"] != latest["RevisionId"]
    assert refusal(lam.invoke, FunctionName="f", Qualifier="1").status == 409
    assert invoke(lam, "f").value["code"] == 1
    slow_lab.clock.advance(seconds=1)
    through = lam.get_function_configuration(FunctionName="f", Qualifier="1")
    assert (through["State"], through["LastUpdateStatus"]) == ("Active", "Successful")
    assert through["RevisionId"] != version["RevisionId"]
    assert through["CodeSha256"] == made["CodeSha256"]
    assert invoke(lam, "f:1").value["code"] == 2


# ---- lists


def test_versions_come_in_the_order_of_their_numbers_page_by_page(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="f")
    for number in range(11):
        lam.update_function_configuration(FunctionName="f", Description=str(number))
        lab.clock.advance(seconds=1)
        lam.publish_version(FunctionName="f")
    paginator = lam.get_paginator("list_versions_by_function")
    pages = list(paginator.paginate(FunctionName="f", PaginationConfig={"PageSize": 5}))
    numbers = [[one["Version"] for one in page["Versions"]] for page in pages]
    assert numbers == [["$LATEST", "1", "2", "3", "4"], [*"56789"], ["10", "11"]]


def test_aliases_come_by_name_page_by_page_and_by_the_versions_they_run(
    lam: Any, two_versions: str
) -> None:
    routing = {"AdditionalVersionWeights": {"2": 0.1}}
    lam.create_alias(FunctionName="f", Name="c", FunctionVersion="1", RoutingConfig=routing)
    lam.create_alias(FunctionName="f", Name="a", FunctionVersion="2")
    lam.create_alias(FunctionName="f", Name="b", FunctionVersion="1")
    paginator = lam.get_paginator("list_aliases")

    def named(**given: Any) -> list[list[str]]:
        pages = paginator.paginate(FunctionName="f", PaginationConfig={"PageSize": 2}, **given)
        return [[alias["Name"] for alias in page["Aliases"]] for page in pages]

    assert named() == [["a", "b"], ["c"]]
    assert named(FunctionVersion="1") == [["b", "c"]]
    assert named(FunctionVersion="2") == [["a", "c"]]


# ---- names, in every operation

NAMED = [
    name
    for name in model.operations()
    if "FunctionName" in model.operation(name).input_shape.members
    and model.operation(name).http["method"] == "GET"
    and set(model.operation(name).input_shape.required_members) == {"FunctionName"}
    and name not in NOT_ACTED
]
FORMS = [
    "{name}",
    "function:{name}",
    "123456789012:{name}",
    "123456789012:function:{name}",
    "us-east-1:123456789012:function:{name}",
    "arn:aws:lambda:us-east-1:123456789012:function:{name}",
]


@pytest.mark.parametrize("operation", NAMED)
def test_every_operation_takes_every_form_of_a_name(
    operation: str, lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="f")
    call = getattr(lam, _snake(operation))

    def outcome(name: str) -> Any:
        try:
            answer = call(FunctionName=name)
        except lam.exceptions.ClientError as error:
            answer = error.response
        answer.pop("ResponseMetadata")
        answer.get("Code", {}).pop("Location", None)
        return answer

    wanted = outcome("f")
    for form in FORMS[1:]:
        assert outcome(form.format(name="f")) == wanted, form


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_name_serves_to_change_things(
    form: str, lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="f")
    name = form.format(name="f")
    lam.update_function_configuration(FunctionName=name, Description="by form")
    lab.clock.advance(seconds=1)
    assert lam.publish_version(FunctionName=name)["Description"] == "by form"
    package = lab.zip({"lambda_function.py": TELL.format(9)})
    lam.update_function_code(FunctionName=name, ZipFile=package)
    lab.clock.advance(seconds=1)
    assert lam.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"]
    lam.update_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    for given in ({"FunctionName": f"{name}:live"}, {"FunctionName": name, "Qualifier": "live"}):
        assert json.loads(lam.invoke(**given)["Payload"].read())["code"] == 9
    lam.delete_alias(FunctionName=name, Name="live")
    lam.delete_function(FunctionName=f"{name}:1")
    assert len(lam.list_versions_by_function(FunctionName=name)["Versions"]) == 1
    lam.delete_function(FunctionName=name)
    assert lam.list_functions()["Functions"] == []


@pytest.mark.parametrize("operation", NAMED)
def test_no_operation_reaches_into_another_region(operation: str, lab: Lab, lam: Any) -> None:
    there = ARN.replace("us-east-1", "eu-west-1")
    found = refusal(getattr(lam, _snake(operation)), FunctionName=there)
    text = "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    assert found == (404, "ResourceNotFoundException", text)


def _snake(operation: str) -> str:
    from botocore import xform_name

    name: str = xform_name(operation)
    return name


# ---- revisions


def test_which_calls_make_a_new_revision_of_what(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="f")

    def revisions() -> dict[str, str]:
        found = {"$LATEST": lam.get_function_configuration(FunctionName="f")["RevisionId"]}
        for one in lam.list_versions_by_function(FunctionName="f")["Versions"][1:]:
            found[one["Version"]] = one["RevisionId"]
        for alias in lam.list_aliases(FunctionName="f")["Aliases"]:
            found[alias["Name"]] = alias["RevisionId"]
        return found

    def changed(call: str, **given: Any) -> set[str]:
        before = revisions()
        getattr(lam, call)(FunctionName="f", **given)
        lab.clock.advance(seconds=1)
        after = revisions()
        return {name for name in after if after[name] != before.get(name)}

    assert changed("publish_version") == {"$LATEST", "1"}
    assert changed("publish_version") == set()
    assert changed("create_alias", Name="live", FunctionVersion="1") == {"live"}
    assert changed("update_alias", Name="live", Description="d") == {"live"}
    assert changed("update_function_configuration", Timeout=4) == {"$LATEST"}
    assert changed("get_function") == set()
    assert changed("publish_version") == {"$LATEST", "2"}
    assert changed("delete_function", Qualifier="2") == set()
