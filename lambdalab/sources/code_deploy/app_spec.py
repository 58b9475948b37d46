"""The application specification of a deployment to Lambda: which alias goes from where to where.

Source: https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-resources.html
"""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

from lambdalab.errors import aws_error

__all__ = ["AFTER", "BEFORE", "AppSpec", "read"]

BEFORE, AFTER = "BeforeAllowTraffic", "AfterAllowTraffic"
_NEEDED = ("Name", "Alias", "CurrentVersion", "TargetVersion")


class AppSpec(NamedTuple):
    """One alias of one function, its version now and then, and the functions that are asked."""

    function: str
    alias: str
    current: str
    target: str
    hooks: dict[str, str]

    @property
    def target_id(self) -> str:
        """What CodeDeploy calls the alias as the target of a deployment."""
        return f"{self.function}:{self.alias}"

    def back(self) -> AppSpec:
        """The way back; nobody is asked."""
        return self._replace(current=self.target, target=self.current, hooks={})


def read(text: str) -> AppSpec:
    """A specification from YAML or JSON; raises AwsError where it is none for Lambda."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise aws_error("deployment.bad-revision", reason="it is not YAML or JSON") from error
    if not isinstance(document, dict):
        raise aws_error("deployment.bad-revision", reason="it is not an object")
    properties = _properties(_first(document, "resources"))
    missing = [name for name in _NEEDED if not properties.get(name)]
    if missing:
        raise aws_error("deployment.bad-revision", reason=f"{missing[0]} is missing")
    function, alias, current, target = (str(properties[name]) for name in _NEEDED)
    return AppSpec(function, alias, current, target, _hooks(_first(document, "hooks")))


def _first(document: dict[str, Any], name: str) -> Any:
    return next((value for key, value in document.items() if str(key).lower() == name), None)


def _properties(resources: Any) -> dict[str, Any]:
    """The properties of the one resource."""
    first = resources[0] if isinstance(resources, list) and resources else None
    described = next(iter(first.values()), None) if isinstance(first, dict) else None
    if not isinstance(described, dict) or described.get("Type") != "AWS::Lambda::Function":
        raise aws_error(
            "deployment.bad-revision", reason="its resource is not an AWS::Lambda::Function"
        )
    found = described.get("Properties")
    return found if isinstance(found, dict) else {}


def _hooks(given: Any) -> dict[str, str]:
    hooks: dict[str, str] = {}
    for one in given if isinstance(given, list) else []:
        if isinstance(one, dict):
            hooks |= {str(name): str(value) for name, value in one.items() if value}
    unknown = [name for name in hooks if name not in (BEFORE, AFTER)]
    if unknown:
        raise aws_error("deployment.bad-revision", reason=f"{unknown[0]} is no hook of Lambda")
    return hooks
