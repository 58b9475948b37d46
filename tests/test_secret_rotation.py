"""Secrets Manager's rotation: four steps, labels, schedules, failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lambdalab import Lab
from tests.conftest import StartLab
from tests.engine import RUNTIME, refusal

# As the templates of AWS do it; the variable FAIL names a step that fails.
ROTATE = """
import os, boto3
secrets = boto3.client("secretsmanager")
def handler(event, context):
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    print("step", step, arn.rpartition(":")[2].rpartition("-")[0], token)
    if step in os.environ.get("FAIL", ""):
        raise RuntimeError("as the test wants it")
    versions = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    assert "AWSPENDING" in versions[token]
    if step == "createSecret":
        current = secrets.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        try:
            secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except secrets.exceptions.ResourceNotFoundException:
            secrets.put_secret_value(
                SecretId=arn, ClientRequestToken=token, VersionStages=["AWSPENDING"],
                SecretString=current["SecretString"] + "+")
    if step == "finishSecret":
        current = next(v for v, stages in versions.items() if "AWSCURRENT" in stages)
        secrets.update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token,
            RemoveFromVersionId=current)
"""
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
DAY = 86400


class Stage:
    """A lab with functions that rotate, and the words of these tests."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.secrets: Any = lab.client("secretsmanager")
        self.lam: Any = lab.client("lambda")
        self.rotates = self.function("rotates")
        self.fails = self.function("fails", FAIL="setSecret")
        lab.clock.advance(seconds=1)

    def function(self, name: str, *, allow: bool = True, **variables: str) -> str:
        made = self.lam.create_function(
            FunctionName=name, Runtime=RUNTIME, Handler="app.handler", Role=self.lab.role(),
            Code={"ZipFile": self.lab.zip({"app.py": ROTATE})}, Timeout=20,
            Environment={"Variables": variables},
        )  # fmt: skip
        if allow:
            self.lam.add_permission(
                FunctionName=name, StatementId="secrets", Action="lambda:InvokeFunction",
                Principal="secretsmanager.amazonaws.com", SourceAccount="123456789012",
            )  # fmt: skip
        return str(made["FunctionArn"])

    def secret(self, name: str, function: str, **rules: Any) -> dict[str, Any]:
        """Make a secret and let it rotate; gives what RotateSecret answers."""
        self.secrets.create_secret(Name=name, SecretString="a")
        return self.rotate(name, function, **rules)

    def rotate(self, name: str, function: str = "", **rules: Any) -> dict[str, Any]:
        given: dict[str, Any] = {"RotationLambdaARN": function} if function else {}
        if "RotateImmediately" in rules:
            given["RotateImmediately"] = rules.pop("RotateImmediately")
        if rules:
            given["RotationRules"] = rules
        told: dict[str, Any] = self.secrets.rotate_secret(SecretId=name, **given)
        self.lab.clock.advance(seconds=0)
        return told

    def value(self, name: str, **which: str) -> str:
        return str(self.secrets.get_secret_value(SecretId=name, **which)["SecretString"])

    def told(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = self.secrets.describe_secret(SecretId=name)
        return told

    def steps(self, function: str, secret: str) -> list[str]:
        """The steps that a function was called for."""
        pages = self.lab.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=f"/aws/lambda/{function}")
        lines = [event["message"].split() for page in found for event in page["events"]]
        return [line[1] for line in lines if line[:1] == ["step"] and line[2] == secret]


@pytest.fixture(scope="module")
def stage(start_lab: StartLab) -> Iterator[Stage]:
    with start_lab() as lab:
        yield Stage(lab)


def test_four_steps_make_a_new_version_the_current_one(stage: Stage) -> None:
    told = stage.secret("db", stage.rotates, AutomaticallyAfterDays=30)
    assert stage.steps("rotates", "db") == STEPS
    assert stage.value("db") == "a+"
    assert stage.value("db", VersionStage="AWSPREVIOUS") == "a"
    shown = stage.told("db")
    assert shown["RotationEnabled"] is True
    assert shown["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert set(shown["VersionIdsToStages"][told["VersionId"]]) == {"AWSCURRENT", "AWSPENDING"}
    (one, *_) = [r for r in stage.lab.timeline.of("rotates") if r.kind == "push"]
    assert one.detail["service"] == "secretsmanager.amazonaws.com"


def test_a_schedule_rotates_again_and_again(stage: Stage) -> None:
    stage.secret("daily", stage.rotates, ScheduleExpression="rate(1 day)", Duration="2h")
    stage.lab.clock.advance(days=3, seconds=60)
    assert stage.value("daily") == "a++++"
    assert stage.told("daily")["RotationRules"] == {
        "ScheduleExpression": "rate(1 day)", "Duration": "2h",
    }  # fmt: skip
    stage.secrets.cancel_rotate_secret(SecretId="daily")
    stage.lab.clock.advance(days=3)
    assert stage.value("daily") == "a++++"
    assert stage.told("daily")["RotationEnabled"] is False


def test_days_are_counted_from_the_last_rotation(stage: Stage) -> None:
    stage.secret("monthly", stage.rotates, AutomaticallyAfterDays=30)
    stage.lab.clock.advance(days=29)
    assert stage.value("monthly") == "a+"
    stage.lab.clock.advance(days=2)
    assert stage.value("monthly") == "a++"
    left = stage.told("monthly")["NextRotationDate"] - stage.lab.clock.now()
    assert round(left.total_seconds() / DAY) == 29


def test_a_rotation_that_may_wait_is_only_tested(stage: Stage) -> None:
    stage.secret("later", stage.rotates, AutomaticallyAfterDays=10, RotateImmediately=False)
    assert stage.steps("rotates", "later") == ["testSecret"]
    assert stage.value("later") == "a"
    assert len(stage.told("later")["VersionIdsToStages"]) == 1
    stage.lab.clock.advance(days=11)
    assert stage.value("later") == "a+"


def test_a_step_that_fails_leaves_the_current_version_and_is_tried_again(stage: Stage) -> None:
    stage.secret("broken", stage.fails)
    assert stage.value("broken") == "a"
    assert stage.steps("fails", "broken") == STEPS[:2]
    found = refusal(stage.rotate, name="broken")
    assert (found.code, found.message) == (
        "InvalidRequestException",
        "A previous rotation isn't complete. That rotation will be reattempted.",
    )
    stage.lam.update_function_configuration(FunctionName="fails", Environment={"Variables": {}})
    stage.lab.clock.advance(minutes=10)
    assert stage.value("broken") == "a+"


def test_a_function_that_may_not_be_called_is_refused(stage: Stage) -> None:
    shut = stage.function("shut", allow=False)
    stage.secrets.create_secret(Name="shut", SecretString="a")
    for arn in (shut, shut.replace("shut", "nobody")):
        found = refusal(stage.rotate, name="shut", function=arn)
        assert found.code == "AccessDeniedException"
        assert found.message.startswith("Secrets Manager cannot invoke the specified Lambda")
    assert "RotationEnabled" not in stage.told("shut")


def test_what_makes_no_sense_is_refused(stage: Stage) -> None:
    stage.secrets.create_secret(Name="odd", SecretString="a")
    found = refusal(stage.rotate, name="odd")
    assert found.message == "No Lambda rotation function ARN is associated with this secret."
    for rules in (
        {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"},
        {"ScheduleExpression": "now and then"},
    ):
        found = refusal(stage.rotate, name="odd", function=stage.rotates, **rules)
        assert found.code == "InvalidParameterException"
    assert refusal(stage.rotate, name="none", function=stage.rotates).code == (
        "ResourceNotFoundException"
    )
    stage.secrets.delete_secret(SecretId="odd")
    found = refusal(stage.rotate, name="odd", function=stage.rotates)
    assert found.code == "InvalidRequestException"
