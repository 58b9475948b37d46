"""CodeDeploy moves the traffic of an alias on the clock, with hooks, alarms and a way back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import Session

from lambdalab import Lab, facts
from tests.conftest import StartLab, wait_until_settled
from tests.engine import RUNTIME, invoke, refusal, wait_until
from tests.sam_stage import ALL, SamStack, code, function, sam
from tests.stacks import ref

Json = dict[str, Any]

TRUST = json.dumps(
    {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": ["codedeploy.amazonaws.com", "lambda.amazonaws.com"]},
            }
        ]
    }
)
HOOK = """
import boto3, os

def handler(event, context):
    if os.environ["ANSWER"]:
        boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event["DeploymentId"],
            lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
            status=os.environ["ANSWER"],
        )
"""
CANARY, LINEAR = (
    f"CodeDeployDefault.Lambda{name}"
    for name in ("Canary10Percent5Minutes", "Linear10PercentEvery1Minute")
)


@pytest.fixture(scope="module")
def own_lab(start_lab: StartLab) -> Iterator[Lab]:
    with start_lab() as lab:
        yield lab


class Site:
    """A function with two versions and an alias on the first, and a group that deploys it."""

    def __init__(self, lab: Lab) -> None:
        lab.reset()
        self.lab, self.lam, self.deploy = lab, lab.client("lambda"), lab.client("codedeploy")
        iam = lab.client("iam")
        self.role = iam.create_role(RoleName="deploys", AssumeRolePolicyDocument=TRUST)["Role"][
            "Arn"
        ]
        self.function("site", code("one"))
        self.lam.publish_version(FunctionName="site")
        self.lam.update_function_code(
            FunctionName="site", ZipFile=lab.zip({"index.py": code("two")}), Publish=True
        )
        wait_until_settled(self.lam, "site")
        self.lam.create_alias(FunctionName="site", Name="live", FunctionVersion="1")
        self.deploy.create_application(applicationName="app", computePlatform="Lambda")

    def function(self, name: str, source: str, **settings: Any) -> None:
        self.lam.create_function(
            FunctionName=name, Runtime=RUNTIME, Handler="index.handler", Role=self.role,
            Code={"ZipFile": self.lab.zip({"index.py": source})}, **settings,
        )  # fmt: skip
        wait_until_settled(self.lam, name)

    def group(self, config: str | None = CANARY, **settings: Any) -> None:
        named = {"deploymentConfigName": config} if config else {}
        self.deploy.create_deployment_group(
            applicationName="app", deploymentGroupName="group", serviceRoleArn=self.role,
            **named, **settings,
        )  # fmt: skip

    def begin(self, hooks: Json | None = None, **settings: Any) -> str:
        """Begin a deployment from version 1 to version 2; gives its id."""
        given = {"revision": revision(hooks)} | settings
        found = self.deploy.create_deployment(
            applicationName="app", deploymentGroupName="group", **given
        )
        return str(found["deploymentId"])

    @property
    def alias(self) -> tuple[str, Json]:
        found = self.lam.get_alias(FunctionName="site", Name="live")
        weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return found["FunctionVersion"], weights

    def info(self, identifier: str) -> Json:
        found: Json = self.deploy.get_deployment(deploymentId=identifier)["deploymentInfo"]
        return found

    def settled(self, identifier: str) -> Json:
        """What is told of a deployment once it has ended; the clock is not wound."""
        ended = ("Succeeded", "Failed", "Stopped")
        wait_until(lambda: self.info(identifier)["status"] in ended)
        return self.info(identifier)

    def events(self, identifier: str) -> dict[str, str]:
        target = self.deploy.get_deployment_target(
            deploymentId=identifier, targetId="site:live"
        )["deploymentTarget"]["lambdaTarget"]  # fmt: skip
        return {one["lifecycleEventName"]: one["status"] for one in target["lifecycleEvents"]}

    @property
    def shares(self) -> list[float]:
        """The shares of the new version, as they followed each other."""
        return [one.detail["weight"] for one in self.lab.timeline
                if one.kind == "shift" and "weight" in one.detail]  # fmt: skip


def spec(hooks: Json | None = None, **properties: Any) -> str:
    given = {"Name": "site", "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"}
    described = {"Type": "AWS::Lambda::Function", "Properties": given | properties}
    listed = [{name: value} for name, value in (hooks or {}).items()]
    return json.dumps({"version": 0.0, "Resources": [{"site": described}], "Hooks": listed})


def revision(hooks: Json | None = None, content: str | None = None) -> Json:
    text = spec(hooks) if content is None else content
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": text}}


@pytest.fixture
def site(own_lab: Lab) -> Site:
    return Site(own_lab)


ROLLBACK = {
    "enabled": True,
    "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
}


# ---- shares on the clock


def test_a_canary_gets_its_share_and_then_everything(site: Site) -> None:
    site.group()
    begun = site.begin()
    wait_until(lambda: site.alias == ("1", {"2": 0.1}))
    site.lab.clock.advance(minutes=4, seconds=59)
    assert (site.alias, site.info(begun)["status"]) == (("1", {"2": 0.1}), "InProgress")
    site.lab.clock.advance(seconds=2)
    told = site.info(begun)
    assert (site.alias, told["status"]) == (("2", {}), "Succeeded")
    assert (told["deploymentConfigName"], told["creator"]) == (CANARY, "user")
    assert told["deploymentOverview"]["Succeeded"] == 1
    assert round((told["completeTime"] - told["startTime"]).total_seconds()) == 300


@pytest.mark.parametrize(
    ("config", "minutes", "shares"),
    [
        (LINEAR, 9, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("CodeDeployDefault.LambdaAllAtOnce", 0, [1.0]),
        (None, 0, [1.0]),
        ("thirds", 6, [0.4, 0.8, 1.0]),
    ],
)
def test_traffic_moves_as_the_configuration_says(
    config: str | None, minutes: int, shares: list[float], site: Site
) -> None:
    site.deploy.create_deployment_config(
        deploymentConfigName="thirds", computePlatform="Lambda",
        trafficRoutingConfig={
            "type": "TimeBasedLinear",
            "timeBasedLinear": {"linearPercentage": 40, "linearInterval": 3},
        },
    )  # fmt: skip
    site.group(config)
    begun = site.begin()
    site.lab.clock.advance(minutes=minutes, seconds=1)
    assert (site.shares, site.info(begun)["status"]) == (shares, "Succeeded")


def test_both_versions_answer_while_traffic_is_shared(site: Site) -> None:
    site.group("CodeDeployDefault.LambdaLinear10PercentEvery10Minutes")
    site.begin()
    site.lab.clock.advance(minutes=45)
    answers = {invoke(site.lam, "site", Qualifier="live").value for _ in range(40)}
    assert (site.alias, answers) == (("1", {"2": 0.5}), {"one", "two"})


def test_every_configuration_of_codedeploy_is_there(site: Site) -> None:
    listed = site.deploy.list_deployment_configs()["deploymentConfigsList"]
    found = site.deploy.get_deployment_config(deploymentConfigName=LINEAR)["deploymentConfigInfo"]
    assert len(listed) == len(set(listed)) == 9
    assert found["trafficRoutingConfig"] == {
        "type": "TimeBasedLinear",
        "timeBasedLinear": {"linearPercentage": 10, "linearInterval": 1},
    }


# ---- hooks


def test_hooks_are_asked_before_and_after(site: Site) -> None:
    site.function("hook", HOOK, Environment={"Variables": {"ANSWER": "Succeeded"}}, Timeout=60)
    site.group("CodeDeployDefault.LambdaAllAtOnce")
    begun = site.begin({"BeforeAllowTraffic": "hook", "AfterAllowTraffic": "hook"})
    assert site.settled(begun)["status"] == "Succeeded"
    assert set(site.events(begun).values()) == {"Succeeded"}


@pytest.mark.parametrize(
    ("hook", "shares"), [("BeforeAllowTraffic", []), ("AfterAllowTraffic", [1.0])]
)
def test_a_hook_that_says_no_takes_the_traffic_back(
    hook: str, shares: list[float], site: Site
) -> None:
    site.function("hook", HOOK, Environment={"Variables": {"ANSWER": "Failed"}}, Timeout=60)
    site.group("CodeDeployDefault.LambdaAllAtOnce", autoRollbackConfiguration=ROLLBACK)
    begun = site.begin({hook: "hook"})
    told = site.settled(begun)
    assert (told["status"], told["errorInformation"]["code"]) == (
        "Failed",
        "HOOK_EXECUTION_FAILURE",
    )
    assert site.events(begun)[hook] == "Failed"
    wait_until(lambda: "rollbackDeploymentId" in site.info(begun)["rollbackInfo"])
    back = site.settled(site.info(begun)["rollbackInfo"]["rollbackDeploymentId"])
    assert (back["status"], back["creator"]) == ("Succeeded", "codeDeployRollback")
    assert back["rollbackInfo"]["rollbackTriggeringDeploymentId"] == begun
    assert (site.alias, site.shares) == (("1", {}), [*shares, 1.0])


def test_a_hook_that_does_not_answer_fails_after_an_hour(site: Site) -> None:
    site.function("hook", HOOK, Environment={"Variables": {"ANSWER": ""}}, Timeout=60)
    site.group()
    begun = site.begin({"BeforeAllowTraffic": "hook"})
    site.lab.clock.advance(minutes=59)
    assert site.info(begun)["status"] == "InProgress"
    site.lab.clock.advance(minutes=2)
    told = site.info(begun)
    assert (told["status"], told["errorInformation"]["code"]) == (
        "Failed",
        "HOOK_EXECUTION_FAILURE",
    )
    assert (site.alias, site.shares) == (("1", {}), [])


def test_a_hook_that_is_not_there_fails_at_once(site: Site) -> None:
    site.group()
    assert site.settled(site.begin({"BeforeAllowTraffic": "nobody"}))["status"] == "Failed"
    assert site.alias == ("1", {})


# ---- alarms, stopping


def alarm(site: Site) -> None:
    site.lab.client("cloudwatch").put_metric_alarm(
        AlarmName="errors", Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum",
        Dimensions=[{"Name": "FunctionName", "Value": "site"}], Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold",
    )  # fmt: skip
    watched = {"enabled": True, "alarms": [{"name": "errors"}]}
    site.group(alarmConfiguration=watched, autoRollbackConfiguration=ROLLBACK)


def test_errors_of_the_new_version_raise_the_alarm_and_roll_back(site: Site) -> None:
    alarm(site)
    begun = site.begin()
    site.lab.clock.advance(minutes=1)
    assert site.alias == ("1", {"2": 0.1})
    site.lam.invoke(FunctionName="site", Payload=b"1")
    site.lab.clock.advance(minutes=1)
    assert site.info(begun)["status"] == "InProgress"
    site.lam.update_function_code(FunctionName="site", ZipFile=site.lab.zip({"index.py": "1/0"}))
    wait_until_settled(site.lam, "site")
    site.lam.invoke(FunctionName="site")
    site.lab.clock.advance(minutes=2)
    told = site.info(begun)
    assert (told["status"], told["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    assert "<errors>" in told["errorInformation"]["message"]
    assert site.alias == ("1", {})


def test_an_alarm_that_is_raised_already_stops_a_deployment_at_its_start(site: Site) -> None:
    alarm(site)
    site.lab.client("cloudwatch").set_alarm_state(
        AlarmName="errors", StateValue="ALARM", StateReason="a test"
    )
    assert site.settled(site.begin())["status"] == "Stopped"
    assert site.shares in ([], [1.0])
    assert site.alias == ("1", {})


@pytest.mark.parametrize("back", [True, False])
def test_a_deployment_can_be_stopped(back: bool, site: Site) -> None:
    site.group()
    begun = site.begin()
    site.lab.clock.advance(minutes=1)
    site.deploy.stop_deployment(deploymentId=begun, autoRollbackEnabled=back)
    assert site.settled(begun)["errorInformation"]["code"] == "MANUAL_STOP"
    site.lab.clock.advance(minutes=10)
    assert site.alias == ("1", {} if back else {"2": 0.1})
    again = refusal(site.deploy.stop_deployment, deploymentId=begun)
    assert again.code == "DeploymentAlreadyCompletedException"


def test_emptying_the_lab_forgets_a_deployment(site: Site) -> None:
    site.group()
    site.begin()
    wait_until(lambda: site.shares)
    again = Site(site.lab)
    site.lab.clock.advance(minutes=10)
    assert (again.alias, again.shares) == (("1", {}), [])


# ---- bad input


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"revision": None}, "RevisionRequiredException"),
        ({"revision": revision(content="{")}, "InvalidRevisionException"),
        ({"revision": revision(content="[1]")}, "InvalidRevisionException"),
        ({"revision": revision(content=spec(TargetVersion=""))}, "InvalidRevisionException"),
        ({"revision": revision({"BeforeInstall": "hook"})}, "InvalidRevisionException"),
        ({"revision": {"revisionType": "S3"}}, "InvalidRevisionException"),
        ({"deploymentConfigName": "none"}, "DeploymentConfigDoesNotExistException"),
        ({"deploymentGroupName": "none"}, "DeploymentGroupDoesNotExistException"),
        ({"applicationName": "none"}, "ApplicationDoesNotExistException"),
    ],
)
def test_a_deployment_that_makes_no_sense_is_refused(given: Json, code: str, site: Site) -> None:
    site.group()
    asked: Json = {"applicationName": "app", "deploymentGroupName": "group"}
    asked = {"revision": revision(), **asked, **given}
    asked = {name: value for name, value in asked.items() if value is not None}
    assert refusal(site.deploy.create_deployment, **asked).code == code
    assert (site.alias, site.shares) == (("1", {}), [])


@pytest.mark.parametrize(
    "properties", [{"CurrentVersion": "2"}, {"TargetVersion": "9"}, {"Alias": "none"},
                   {"Name": "none"}]
)  # fmt: skip
def test_a_deployment_of_what_is_not_there_fails(properties: Json, site: Site) -> None:
    site.group()
    begun = site.begin(revision=revision(content=spec(**properties)))
    told = site.settled(begun)
    assert told["errorInformation"]["code"] == "INVALID_LAMBDA_CONFIGURATION"
    assert site.alias == ("1", {})


def test_a_group_deploys_one_thing_at_a_time(site: Site) -> None:
    site.group()
    begun = site.begin()
    found = refusal(
        site.deploy.create_deployment,
        applicationName="app", deploymentGroupName="group", revision=revision(),
    )  # fmt: skip
    assert (found.code, begun in found.message) == ("DeploymentLimitExceededException", True)


def test_a_hook_is_answered_once_and_by_its_id(site: Site) -> None:
    site.group()
    begun = site.begin()
    answer = site.deploy.put_lifecycle_event_hook_execution_status
    wrong = {"lifecycleEventHookExecutionId": "x", "status": "Succeeded"}
    assert refusal(answer, deploymentId=begun, **wrong).code == (
        "InvalidLifecycleEventHookExecutionIdException"
    )
    unknown = refusal(answer, deploymentId="d-NOTHERE00", **wrong)
    assert unknown.code == "DeploymentDoesNotExistException"


# ---- SAM


def preferred(answer: str, hook: str, **preference: Any) -> Json:
    hooked = {"PreTraffic": ref("Hook")} if hook else {}
    return {
        "Function": function(
            code(answer),
            AutoPublishAlias="live",
            DeploymentPreference={"Hooks": hooked, "Type": "Canary10Percent5Minutes", **preference},
        ),
        "Hook": function(
            HOOK,
            FunctionName="CodeDeployHook_pre",
            DeploymentPreference={"Enabled": False},
            Environment={"Variables": {"ANSWER": hook}},
            Timeout=60,
        ),
    }


def versions(stack: SamStack) -> tuple[str, Json]:
    found = stack.lab.client("lambda").get_alias(
        FunctionName=stack.resources["Function"], Name="live"
    )
    weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return found["FunctionVersion"], weights


def test_a_stack_waits_for_its_deployment_and_holds(own_lab: Lab) -> None:
    own_lab.reset()
    stack = SamStack(own_lab)
    assert stack.deploy(preferred("one", "Succeeded")) == "CREATE_COMPLETE"
    assert stack.deploy(preferred("two", "Succeeded")) == "UPDATE_IN_PROGRESS"
    client = own_lab.client("cloudformation")
    busy = refusal(
        client.update_stack, StackName="stack", TemplateBody=sam(preferred("three", "Succeeded")),
        Capabilities=ALL,
    )  # fmt: skip
    assert "is in UPDATE_IN_PROGRESS state and can not be updated" in busy.message
    wait_until(lambda: versions(stack) == ("1", {"2": 0.1}))
    own_lab.clock.advance(minutes=6)
    assert (stack.status, versions(stack)) == ("UPDATE_COMPLETE", ("2", {}))
    stack.delete()
    assert own_lab.client("codedeploy").list_applications()["applications"] == []


def test_a_deployment_that_fails_rolls_its_stack_back(own_lab: Lab) -> None:
    own_lab.reset()
    stack = SamStack(own_lab)
    stack.deploy(preferred("one", "Succeeded"))
    stack.deploy(preferred("two", "Failed"))
    wait_until(lambda: stack.status == "UPDATE_ROLLBACK_COMPLETE")
    assert versions(stack) == ("1", {})
    name = stack.resources["Function"]
    lam = own_lab.client("lambda")
    assert invoke(lam, name).value == invoke(lam, name, Qualifier="live").value == "one"
    assert any("BeforeAllowTraffic" in reason for reason in stack.reasons)


def test_a_stack_whose_update_is_cancelled_goes_back_at_once(own_lab: Lab) -> None:
    own_lab.reset()
    stack, client = SamStack(own_lab), own_lab.client("cloudformation")
    stack.deploy(preferred("one", ""))
    assert stack.deploy(preferred("two", "")) == "UPDATE_IN_PROGRESS"
    wait_until(lambda: versions(stack) == ("1", {"2": 0.1}))
    client.cancel_update_stack(StackName="stack")
    wait_until(lambda: stack.status == "UPDATE_ROLLBACK_COMPLETE")
    assert versions(stack) == ("1", {})
    assert "Resource update cancelled" in stack.reasons


def test_a_change_set_waits_for_its_deployment_too(own_lab: Lab) -> None:
    own_lab.reset()
    stack, client = SamStack(own_lab), own_lab.client("cloudformation")
    stack.deploy(preferred("one", ""))
    named = {"StackName": "stack", "ChangeSetName": "changes"}
    body = sam(preferred("two", "", Type="Linear10PercentEvery1Minute"))
    client.create_change_set(**named, TemplateBody=body, Capabilities=ALL, ChangeSetType="UPDATE")
    client.execute_change_set(**named)
    assert stack.status == "UPDATE_IN_PROGRESS"
    own_lab.clock.advance(minutes=4, seconds=30)
    assert versions(stack) == ("1", {"2": 0.5})
    own_lab.clock.advance(minutes=6)
    assert (stack.status, versions(stack)) == ("UPDATE_COMPLETE", ("2", {}))


def test_emptying_the_lab_forgets_a_stack_that_waits(own_lab: Lab) -> None:
    for _ in range(2):
        own_lab.reset()
        stack = SamStack(own_lab)
        assert stack.deploy(preferred("one", "")) == "CREATE_COMPLETE"
        assert stack.deploy(preferred("two", "")) == "UPDATE_IN_PROGRESS"
    own_lab.clock.advance(minutes=10)
    assert (stack.status, versions(stack)) == ("UPDATE_COMPLETE", ("2", {}))


# ---- moto, and CodeDeploy's own words


def test_every_refusal_is_one_that_codedeploy_has() -> None:
    modelled = {shape.name for shape in Session().get_service_model("codedeploy").error_shapes}
    ours = {one.code for one in facts.messages() if one.name.startswith("deployment.") and one.code}
    assert ours <= modelled


def test_moto_is_what_the_lab_has_been_made_for() -> None:
    from moto.codedeploy import models, responses

    info = vars(models.DeploymentInfo)
    assert "__init__" in info
    assert all(hasattr(responses, name) for name in ("_deployment_info", "_deployment_group_info"))
    backend = models.CodeDeployBackend("us-east-1", "123456789012")
    assert (backend.applications, backend.deployments, backend.deployment_groups) == ({}, {}, {})
    # What moto now has itself need not be added any more.
    added = ("stop_deployment", "get_deployment_target", "create_deployment_config")
    assert not any(name in vars(models.CodeDeployBackend) for name in added)
