"""An alias of a stack goes to its new version by a CodeDeploy deployment, where its policy says so.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html
"""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any, Protocol

from lambdalab.errors import aws_error
from lambdalab.neighbours.stacks import operations
from lambdalab.neighbours.stacks.operations import Held
from lambdalab.neighbours.stacks.services.calls import Calls

__all__ = ["Ended", "Outcomes", "deploy"]

Json = dict[str, Any]

_POLICY = "CodeDeployLambdaAliasUpdate"
_HOOKS = ("BeforeAllowTraffic", "AfterAllowTraffic")


class Ended(Held, Protocol):
    """How a deployment ended; what follows from it holds the clock until it is released."""

    @property
    def failure(self) -> str:
        """Why it failed; empty where it did not."""


class Outcomes(Protocol):
    """Who deploys."""

    def outcome(self, deployment_id: str) -> Future[Any]:
        """How a deployment will have ended, an ``Ended``."""


def deploy(
    calls: Calls, outcomes: Outcomes, place: tuple[str, str], described: Json, before: Json
) -> None:
    """Move an alias, from the version that it had to the one that it is to have.

    Does nothing without an update policy, or without another version. Raises AwsError where the
    deployment fails.
    """
    policy = (described.get("UpdatePolicy") or {}).get(_POLICY)
    after = described.get("Properties") or {}
    current, target = str(before.get("FunctionVersion")), str(after.get("FunctionVersion"))
    if not policy or current == target:
        return
    answer = calls.act(
        *place,
        "codedeploy",
        "CreateDeployment",
        {
            "applicationName": policy["ApplicationName"],
            "deploymentGroupName": policy["DeploymentGroupName"],
            "revision": _revision(after, current, target, policy),
        },
    )

    def stop() -> None:
        asked = {"deploymentId": answer["deploymentId"], "autoRollbackEnabled": True}
        calls.act(*place, "codedeploy", "StopDeployment", asked)

    operations.let_go()
    with operations.cancellable(stop):
        ended: Ended = outcomes.outcome(answer["deploymentId"]).result()
        operations.release_later(ended)
    if ended.failure:
        raise aws_error("stack.deployment", failure=ended.failure)


def _revision(alias: Json, current: str, target: str, policy: Json) -> Json:
    properties = {
        "Name": alias["FunctionName"],
        "Alias": alias["Name"],
        "CurrentVersion": current,
        "TargetVersion": target,
    }
    hooks = [{name: policy[f"{name}Hook"]} for name in _HOOKS if policy.get(f"{name}Hook")]
    document = {
        "version": 0.0,
        "Resources": [{"Alias": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        "Hooks": hooks,
    }
    return {
        "revisionType": "AppSpecContent",
        "appSpecContent": {"content": json.dumps(document)},
    }
