"""CodeDeploy's operations around moto's: deployments to Lambda take place.

moto keeps applications, deployment groups and deployments, and nothing ever happens to them. Here
a deployment of a group for Lambda is handed to the lab's own; what moto lacks of the operations
that go with it (configurations, targets, stopping, hooks, changes) is added, and so is what it
leaves out of its answers.
Source: https://docs.aws.amazon.com/codedeploy/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from lambdalab.errors import AwsError, aws_error
from lambdalab.imports import after_load

__all__ = ["Deployer", "Deploying", "Wanted", "add_rollback", "attach", "install"]

Json = dict[str, Any]
_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Wanted(NamedTuple):
    """A deployment as it was asked for."""

    id: str
    account: str
    region: str
    role: str
    app_spec: str
    routing: Json | None
    alarms: list[str]
    ignore_alarm_failure: bool
    roll_back_on: frozenset[str]


class Deploying(Protocol):
    """A deployment on its way."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def account(self) -> str:
        """Whose it is."""

    @property
    def region(self) -> str:
        """Where it is."""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""

    def shown(self) -> Json:
        """What GetDeployment tells beside what was asked for."""

    def target(self) -> Json:
        """What GetDeploymentTarget tells."""


class Deployer(Protocol):
    """Who deploys."""

    predefined: dict[str, Json]
    default: str

    def check_routing(self, config: Json) -> None:
        """Refuse a traffic routing that makes no sense; raises AwsError."""

    def prepare(self, wanted: Wanted) -> Any:
        """A deployment as it is asked for, not yet begun; raises AwsError."""

    def begin(self, deployment: Any) -> None:
        """Let a deployment go its way."""

    def stop_deployment(self, deployment: Any, *, roll_back: bool) -> None:
        """End a deployment because somebody wants it; raises AwsError."""

    def answer_hook(self, deployment: Any, execution_id: str, status: str) -> None:
        """What a hook's function has found; raises AwsError."""


@dataclass
class _Lab:
    """Who deploys for the cloud that was made last."""

    deployer: Deployer | None = field(default=None)


_lab = _Lab()


def install(deployer: Deployer) -> None:
    """Let ``deployer`` deploy; moto's modules are changed once they are loaded."""
    _lab.deployer = deployer
    after_load("moto.codedeploy.models", _mend_models)
    after_load("moto.codedeploy.responses", _mend_responses)


def deployer() -> Deployer:
    """Who deploys."""
    assert _lab.deployer is not None
    return _lab.deployer


def _mend_models(models: ModuleType) -> None:
    from lambdalab.neighbours.code_deploy import codedeploy_records

    codedeploy_records.install(models)


def _mend_responses(responses: ModuleType) -> None:
    from lambdalab.neighbours.code_deploy import codedeploy_answers

    codedeploy_answers.install(responses)


def add_rollback(failed: Deploying, description: str) -> str:
    """Note in moto that a deployment is taken back by another; gives the id of that one."""
    from moto.codedeploy.models import DeploymentInfo, codedeploy_backends

    backend = codedeploy_backends[failed.account][failed.region]
    first = backend.deployments[failed.id]
    info = DeploymentInfo(
        first.application, first.deployment_group, first.revision, first.deployment_config_name,
        description, None, None, None, None, None, None, "codeDeployRollback",
    )  # fmt: skip
    info.deployment_id = new_id()
    backend.deployments[info.deployment_id] = info
    return str(info.deployment_id)


def attach(account: str, region: str, deploying: Deploying) -> None:
    """Let moto's deployment tell what becomes of it."""
    from moto.codedeploy.models import codedeploy_backends

    codedeploy_backends[account][region].deployments[deploying.id].lab = deploying


def new_id() -> str:
    """An id as CodeDeploy gives them."""
    from moto.moto_api._internal import mock_random

    return "d-" + "".join(mock_random.choice(_ID) for _ in range(9))


def refused(error: AwsError) -> Exception:
    """An error of the lab as moto answers it."""
    from moto.core.exceptions import JsonRESTError

    answer: Exception = JsonRESTError(error.code, error.message)
    return answer


def refusal(name: str, /, **fields: object) -> Exception:
    """The refusal whose wording stands in ``facts`` under that name, as moto answers it."""
    return refused(aws_error(name, **fields))
