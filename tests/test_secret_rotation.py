"""Secrets Manager's rotation: four steps, labels, schedules, failures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest

from lambdalab import Lab, facts
from lambdalab.errors import AwsError
from lambdalab.sources import secret_schedules
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
    assert shown["VersionIdsToStages"][told["VersionId"]] == ["AWSCURRENT", "AWSPENDING"]
    (one, *_) = [r for r in stage.lab.timeline.of("rotates") if r.kind == "push"]
    assert one.detail["service"] == "secretsmanager.amazonaws.com"


def test_a_schedule_rotates_again_and_again(stage: Stage) -> None:
    stage.secret("daily", stage.rotates, ScheduleExpression="rate(1 day)", Duration="2h")
    stage.lab.clock.advance(days=3)  # with three midnights
    assert stage.value("daily") == "a++++"
    assert stage.told("daily")["RotationRules"] == {
        "ScheduleExpression": "rate(1 day)", "Duration": "2h", "AutomaticallyAfterDays": 1,
    }  # fmt: skip
    assert str(stage.told("daily")["NextRotationDate"].astimezone(UTC).time()) == "00:00:00"
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
    both: dict[str, Any] = {"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"}
    found = refusal(stage.rotate, name="odd", function=stage.rotates, **both)
    assert (found.code, found.message) == (
        "InvalidParameterException",
        "You cannot specify both rotation frequency and schedule expression together.",
    )
    assert refusal(stage.rotate, name="none", function=stage.rotates).code == (
        "ResourceNotFoundException"
    )
    found = refusal(stage.secrets.cancel_rotate_secret, SecretId="odd")
    assert "function ARN configured and you didn't include" in found.message
    stage.secrets.delete_secret(SecretId="odd")
    found = refusal(stage.rotate, name="odd", function=stage.rotates)
    assert found.code == "InvalidRequestException"
    for call in (
        lambda: stage.value("odd"),
        lambda: stage.secrets.put_secret_value(SecretId="odd", SecretString="b"),
        lambda: stage.secrets.update_secret(SecretId="odd", SecretString="b"),
    ):
        assert refusal(call).message.endswith("because it was marked for deletion.")
    found = refusal(stage.secrets.create_secret, Name="odd", SecretString="b")
    assert found.message.endswith("a secret with this name is already scheduled for deletion.")


# The examples of AWS's user guide on rotation schedules, and what it says is none.
@pytest.mark.parametrize(
    ("expression", "window", "refused"),
    [
        ("rate(4 hours)", None, None),
        ("rate(10 days)", "3h", None),
        ("cron(0 /8 * * ? *)", None, None),
        ("cron(0 8/8 * * ? *)", "4h", None),
        ("cron(0 4/12 * * ? *)", None, None),
        ("cron(0 10 ? * SUN#1 *)", None, None),
        ("cron(0 16 L * ? *)", "6h", None),
        ("cron(0 12 1 1/3 ? *)", None, None),
        ("rate(3 hours)", None, "rate-hours"),
        ("rate(24 hours)", None, "rate-hours"),
        ("rate(1000 days)", None, "rate-days"),
        ("rate(240 minutes)", None, "schedule"),
        ("at(2030-01-01T00:00:00)", None, "schedule"),
        ("cron(0/5 8 * * ? *)", None, "schedule"),
        ("cron(0 * * * ? *)", None, "schedule"),
        ("cron(0 8,10 * * ? *)", None, "schedule"),
        ("cron(0 8 * * ? 2030)", None, "schedule"),
        ("cron(0 8 * * * *)", None, "schedule"),
        ("cron(0 x * * ? *)", None, "schedule"),
        ("cron(0 8 * *)", None, "schedule"),
        ("rate(10 days)", "3x", "window"),
        ("rate(10 days)", "25h", "window"),
        ("rate(4 hours)", "5h", "window-over-rate"),
        ("cron(0 22 * * ? *)", "3h", "window-over-day"),
    ],
)
def test_schedules_and_windows(expression: str, window: str | None, refused: str | None) -> None:
    rules = {"ScheduleExpression": expression} | ({"Duration": window} if window else {})
    if refused is None:
        secret_schedules.check(rules)
        assert secret_schedules.next_date(expression, 1e9)
        return
    with pytest.raises(AwsError) as caught:
        secret_schedules.check(rules)
    assert caught.value.message == str(facts.message(f"secret.{refused}"))


def test_windows_begin_on_the_hour() -> None:
    day, hour = 1_699_920_000, 3600
    assert secret_schedules.next_date("rate(10 days)", day + 5000) == day + 10 * DAY
    assert secret_schedules.next_date("rate(4 hours)", day + 5000) == day + 5 * hour


def test_versions_are_told_as_aws_does(stage: Stage) -> None:
    """What LocalStack recorded of AWS."""
    secrets = stage.secrets
    first = secrets.create_secret(Name="told", SecretString="a")["VersionId"]
    found = refusal(stage.value, name="told", VersionStage="AWSPENDING")
    assert (found.code, found.message) == (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
    )
    assert found.status == 400
    assert "LastAccessedDate" not in stage.told("told")
    stage.value("told")
    assert str(stage.told("told")["LastAccessedDate"].astimezone(UTC).time()) == "00:00:00"
    second = secrets.put_secret_value(SecretId="told", SecretString="b")["VersionId"]
    third = secrets.put_secret_value(SecretId="told", SecretString="c")["VersionId"]
    shown = secrets.list_secret_version_ids(SecretId="told")
    assert shown["ARN"] == stage.told("told")["ARN"]
    assert "NextToken" not in shown
    labels = {one["VersionId"]: one["VersionStages"] for one in shown["Versions"]}
    assert labels == {second: ["AWSPREVIOUS"], third: ["AWSCURRENT"]}
    assert labels == stage.told("told")["VersionIdsToStages"]
    assert "LastAccessedDate" not in shown["Versions"][0]
    assert shown["Versions"][0]["KmsKeyIds"] == ["DefaultEncryptionKey"]
    shown = secrets.list_secret_version_ids(SecretId="told", IncludeDeprecated=True)
    (old,) = [one for one in shown["Versions"] if one["VersionId"] == first]
    assert "VersionStages" not in old
    assert old["LastAccessedDate"]
    move = {"SecretId": "told", "VersionStage": "AWSPREVIOUS", "MoveToVersionId": first}
    found = refusal(secrets.update_secret_version_stage, **move)
    assert found.message == (
        "The parameter RemoveFromVersionId can't be empty. Staging label AWSPREVIOUS is currently "
        f"attached to version {second}, so you must explicitly reference that version in "
        "RemoveFromVersionId."
    )
    secrets.update_secret_version_stage(RemoveFromVersionId=second, **move)
    assert stage.value("told", VersionStage="AWSPREVIOUS") == "a"
