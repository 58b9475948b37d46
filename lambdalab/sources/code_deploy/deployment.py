"""One deployment: what it is to do, how far it is, and what GetDeployment tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lambdalab.sources.code_deploy.app_spec import AFTER, BEFORE, AppSpec
from lambdalab.sources.code_deploy.routing import Routing, routing

__all__ = ["ENDED", "Deployment", "FailedError", "LifecycleEvent"]

ENDED = ("Succeeded", "Failed", "Stopped")
_EVENTS = ("Start", BEFORE, "AllowTraffic", AFTER, "End")


class FailedError(Exception):
    """A deployment does not go on: CodeDeploy's code for it, and why."""

    def __init__(self, code: str, message: str, status: str = "Failed") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass
class LifecycleEvent:
    """One step of a deployment's life."""

    name: str
    status: str = "Pending"
    start: float | None = None
    end: float | None = None
    message: str = ""

    def shown(self) -> dict[str, Any]:
        """The event as GetDeploymentTarget tells it."""
        found: dict[str, Any] = {"lifecycleEventName": self.name, "status": self.status}
        found |= {"startTime": _date(self.start)} if self.start else {}
        found |= {"endTime": _date(self.end)} if self.end else {}
        if self.message:
            found["diagnostics"] = {"errorCode": "ScriptFailed", "message": self.message}
        return found


@dataclass
class Deployment:
    """One deployment of one alias; times are platform time in seconds."""

    id: str
    account: str
    region: str
    role: str
    spec: AppSpec
    routing: Routing
    alarms: list[str] = field(default_factory=list)
    ignore_alarm_failure: bool = False
    is_rollback: bool = False
    roll_back_on: frozenset[str] = frozenset()
    status: str = "Created"
    started: float | None = None
    completed: float | None = None
    weight: float = 0.0
    changed: float = 0.0
    error: FailedError | None = None
    rollback: dict[str, str] = field(default_factory=dict)
    events: dict[str, LifecycleEvent] = field(
        default_factory=lambda: {name: LifecycleEvent(name) for name in _EVENTS}
    )

    def back(self, identifier: str) -> Deployment:
        """The deployment that takes this one back."""
        return Deployment(
            identifier,
            self.account,
            self.region,
            self.role,
            self.spec.back(),
            routing(None),
            is_rollback=True,
            rollback={"rollbackTriggeringDeploymentId": self.id},
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in ENDED

    def arn(self, function: str, qualifier: str = "") -> str:
        """The ARN of a function that the deployment names, by name or already by ARN."""
        if not function.startswith("arn:"):
            function = f"arn:aws:lambda:{self.region}:{self.account}:function:{function}"
        return f"{function}:{qualifier}" if qualifier else function

    def shown(self) -> dict[str, Any]:
        """What GetDeployment tells beside what was asked for."""
        found: dict[str, Any] = {"status": self.status, "rollbackInfo": dict(self.rollback)}
        found |= {"startTime": _date(self.started)} if self.started else {}
        found |= {"completeTime": _date(self.completed)} if self.completed else {}
        if self.error is not None:
            found["errorInformation"] = {"code": self.error.code, "message": self.error.message}
        found["deploymentOverview"] = self._overview()
        return found

    def _overview(self) -> dict[str, int]:
        counts = dict.fromkeys(
            ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready"), 0
        )
        counts[_OVERVIEW[self.status]] = 1
        return counts

    def target(self) -> dict[str, Any]:
        """What GetDeploymentTarget tells."""
        spec = self.spec
        return {
            "deploymentTargetType": "LambdaFunction",
            "lambdaTarget": {
                "deploymentId": self.id,
                "targetId": spec.target_id,
                "targetArn": self.arn(spec.function, spec.alias),
                "status": _OVERVIEW[self.status],
                "lastUpdatedAt": _date(self.changed),
                "lifecycleEvents": [event.shown() for event in self.events.values()],
                "lambdaFunctionInfo": {
                    "functionName": spec.function,
                    "functionAlias": spec.alias,
                    "currentVersion": spec.current,
                    "targetVersion": spec.target,
                    "targetVersionWeight": self.weight,
                },
            },
        }


_OVERVIEW = {
    "Created": "Pending",
    "Queued": "Pending",
    "InProgress": "InProgress",
    "Succeeded": "Succeeded",
    "Failed": "Failed",
    "Stopped": "Failed",
}


def _date(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)
