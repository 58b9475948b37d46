"""What a function's configuration can hold: one row for each rule, then what settings do."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from lambdalab import Lab, facts, start
from tests.engine import invoke, refusal
from tests.shaped_rows import ShapedRows

MakeFunction = Callable[..., str]

ROWS = ShapedRows("settings")
ACCESS_POINT = (
    "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0"
)
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    """A lab of this file's own: its clock is wound on, row by row."""
    with start(export=False) as lab:
        yield lab


@pytest.fixture
def known(lab: Lab, role: str) -> dict[str, Any]:
    """What rows speak of, where it costs nothing to make."""
    other = lab.zip({"a.py": "x = 2"})
    return {
        "role": role,
        "zip": lab.zip({"a.py": "x = 1"}),
        "no_zip": b"no zip",
        "other_zip": other,
        "other_sha256": base64.b64encode(hashlib.sha256(other).digest()).decode(),
        "access_point": ACCESS_POINT,
    }


def network(lab: Lab) -> dict[str, str]:
    """A VPC with two subnets and a security group, and a group of another VPC."""
    ec2 = lab.client("ec2")
    here, there = (ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (1, 2))
    subnets = [
        ec2.create_subnet(VpcId=here, CidrBlock=f"10.1.{n}.0/24")["Subnet"]["SubnetId"]
        for n in (1, 2)
    ]
    groups = [
        ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
        for vpc in (here, there)
    ]
    return {
        "vpc": here,
        "subnet": subnets[0],
        "other_subnet": subnets[1],
        "group": groups[0],
        "foreign_group": groups[1],
    }


def push(lab: Lab, tag: str, layer: str) -> str:
    """Put an image of one layer into the repository; gives its digest."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"size": 1},
        "layers": [{"digest": layer}],
    }
    given = {"repositoryName": "app", "imageManifest": json.dumps(manifest), "imageTag": tag}
    digest: str = lab.client("ecr").put_image(**given)["image"]["imageId"]["imageDigest"]
    return digest


def registry(lab: Lab) -> dict[str, str]:
    """Two images in a repository of ECR."""
    lab.client("ecr").create_repository(repositoryName="app")
    found = {}
    for prefix, tag in (("", "latest"), ("other_", "next")):
        digest = push(lab, tag, tag)
        found |= {
            f"{prefix}image": f"{REGISTRY}/app:{tag}",
            f"{prefix}digest": digest.removeprefix("sha256:"),
            f"{prefix}resolved": f"{REGISTRY}/app@{digest}",
        }
    return found


@pytest.mark.parametrize("row", ROWS.rows, ids=lambda row: row["name"])
def test_a_row(lab: Lab, known: dict[str, Any], row: dict[str, Any]) -> None:
    asked = repr(row)
    if "VpcConfig" in asked or "attach" in asked:
        known |= network(lab)
    if "image" in asked:
        known |= registry(lab)
    ROWS.play(lab, row, known)


def test_every_setting_of_the_model_has_a_row_or_is_somebody_elses() -> None:
    from lambdalab.functions import model

    elsewhere = {
        "FunctionName", "Role", "Publish", "Tags", "Layers", "CodeSigningConfigArn",
        "PublishTo", "RuntimeConfig", "AcceleratorConfig",
    }  # fmt: skip
    members = set(model.operation("CreateFunction").input_shape.members) - elsewhere
    given = {name for row in ROWS.rows for name in row["given"]}
    assert members - given == set()


# ---- runtimes by the lab's clock


@pytest.fixture
def later() -> Iterator[Lab]:
    """A lab of its own, for its clock is wound by months."""
    with start(export=False) as lab:
        yield lab


def wind_to(lab: Lab, day: date) -> None:
    lab.clock.advance(days=(day - lab.clock.now().date()).days)


def make(lab: Lab, name: str, runtime: str) -> Any:
    made = lab.client("lambda").create_function(
        FunctionName=name, Runtime=runtime, Handler="a.handler", Role=lab.role(),
        Code={"ZipFile": lab.zip({"a.py": "def handler(event, context):\n    return event\n"})},
    )  # fmt: skip
    lab.clock.advance(seconds=1)
    return made


def test_a_runtime_ends_by_the_clock_first_for_new_functions_then_for_updates_never_for_invokes(
    later: Lab,
) -> None:
    lam = later.client("lambda")
    runtime = facts.runtime("python3.10")
    text = facts.message("runtime.blocked").format(runtime=runtime.name)
    blocked = (400, "InvalidParameterValueException", text)
    wind_to(later, runtime.block_create - timedelta(days=1))
    make(later, "f", runtime.name)
    wind_to(later, runtime.block_create)
    assert refusal(make, lab=later, name="late", runtime=runtime.name) == blocked
    lam.update_function_configuration(FunctionName="f", Timeout=5)
    wind_to(later, runtime.block_update)
    assert refusal(lam.update_function_configuration, FunctionName="f", Timeout=6) == blocked
    code = later.zip({"a.py": "x = 1"})
    assert refusal(lam.update_function_code, FunctionName="f", ZipFile=code) == blocked
    assert lam.get_function_configuration(FunctionName="f")["Timeout"] == 5
    assert invoke(lam, "f", {"still": "runs"}).value == {"still": "runs"}
    changed = lam.update_function_configuration(FunctionName="f", Runtime="python3.13")
    assert changed["Runtime"] == "python3.13"


def test_the_runtimes_in_the_refusal_are_those_of_the_day(later: Lab) -> None:
    def named() -> set[str]:
        text = refusal(make, lab=later, name="f", runtime="cobol").message
        return set(text.partition("[")[2].partition("]")[0].split(", "))

    assert {"python3.10", "python3.14"} <= named()
    assert "python3.7" not in named()
    wind_to(later, facts.runtime("python3.10").block_create)
    assert "python3.10" not in named()


# ---- logs

LOGS = """
import logging, os
def handler(event, context):
    log = logging.getLogger()
    log.debug("too little")
    log.info("enough", extra={"order": 7})
    print("printed")
    keys = ("AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_LOG_GROUP_NAME")
    return [*(os.environ.get(key) for key in keys), context.log_group_name,
            context.log_stream_name, os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]]
"""


def test_a_log_group_of_ones_own_is_written_to_in_streams_that_name_the_function(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(LOGS, LoggingConfig={"LogGroup": "/shared/team-a"})
    form, level, group, seen_group, stream, seen_stream = invoke(lam, name).value
    assert (form, level, group, seen_group) == (None, None, "/shared/team-a", "/shared/team-a")
    assert stream == seen_stream
    assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d/{name}\[\$LATEST\][0-9a-f]{{32}}", stream)
    logs = lab.client("logs")
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    assert groups == ["/shared/team-a"]
    events = logs.get_log_events(logGroupName="/shared/team-a", logStreamName=stream)["events"]
    assert "printed" in "".join(event["message"] for event in events)


def test_a_stream_in_the_functions_own_group_does_not_name_it(
    lam: Any, make_function: MakeFunction
) -> None:
    stream = invoke(lam, make_function(LOGS)).value[-1]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)


def test_logs_as_json_hold_what_the_level_lets_through(
    lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(LOGS, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO"})
    answer = invoke(lam, name)
    assert answer.value[:2] == ["JSON", "INFO"]
    records = [json.loads(line) for line in answer.log.splitlines() if line.startswith("{")]
    (record,) = [one for one in records if one.get("message") == "enough"]
    assert (record["level"], record["order"]) == ("INFO", 7)
    assert record["requestId"] == answer.request_id
    assert "too little" not in answer.log
    assert "printed" in answer.log


def test_an_update_of_the_level_counts_for_the_next_environment(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(LOGS)
    assert "enough" not in invoke(lam, name).log  # logs as text begin at WARN
    config = {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}
    lam.update_function_configuration(FunctionName=name, LoggingConfig=config)
    lab.clock.advance(seconds=1)
    answer = invoke(lam, name)
    assert answer.value[1] == "DEBUG"
    assert "too little" in answer.log


# ---- images


def test_a_tag_that_moves_moves_no_function(lab: Lab, lam: Any, role: str) -> None:
    known = registry(lab)
    lam.create_function(
        FunctionName="f", PackageType="Image", Role=role, Code={"ImageUri": known["image"]}
    )
    push(lab, "latest", "a new layer")
    lab.clock.advance(seconds=1)
    code = lam.get_function(FunctionName="f")["Code"]
    assert code["ResolvedImageUri"] == known["resolved"]
    moved = lam.update_function_code(FunctionName="f", ImageUri=known["image"])
    assert moved["CodeSha256"] != known["digest"]


def test_an_image_named_by_its_digest(lab: Lab, lam: Any, role: str) -> None:
    known = registry(lab)
    made = lam.create_function(
        FunctionName="f", PackageType="Image", Role=role, Code={"ImageUri": known["resolved"]}
    )
    assert made["CodeSha256"] == known["digest"]
    lab.clock.advance(seconds=1)
    assert lam.get_function(FunctionName="f")["Code"]["ResolvedImageUri"] == known["resolved"]
    lam.delete_function(FunctionName="f")


def test_an_image_of_another_region_is_not_valid(lab: Lab, lam: Any, role: str) -> None:
    uri = registry(lab)["image"].replace("us-east-1", "eu-west-1")
    status, code, text = refusal(
        lam.create_function,
        FunctionName="f", PackageType="Image", Role=role, Code={"ImageUri": uri},
    )  # fmt: skip
    assert (status, code) == (400, "InvalidParameterValueException")
    assert text == f"Source image {uri} is not valid. Provide a valid source image."
