"""What requests to CloudFormation say; ``self`` is moto's object for one request."""

from __future__ import annotations

from typing import Any

from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.identity.iam import check_trusted
from lambdalab.neighbours.stacks.outcomes import Manner
from lambdalab.neighbours.stacks.requests import Wish
from lambdalab.neighbours.stacks.templates import parameters, source
from lambdalab.neighbours.stacks.transforms import original

__all__ = ["refuse_unused", "tags", "template", "values", "wish"]

# Settings of requests that nothing acts on, unless they are off.
_UNUSED = (
    "DeletionMode", "DeploymentConfig", "DeploymentMode", "ImportExistingResources",
    "IncludeNestedStacks", "ResourcesToImport", "RetainExceptOnCreate",
    "StackPolicyBody", "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL",
    "StackPolicyURL", "TimeoutInMinutes",
)  # fmt: skip
_OFF: tuple[Any, ...] = (None, "", False, "false", [], {}, "STANDARD")


def refuse_unused(self: Any, operation: str) -> None:
    """Refuse a setting that nothing acts on; raises AwsError."""
    for name in _UNUSED:
        if self._get_param(name) not in _OFF:
            raise not_implemented(f"{name} of {operation}")
    if (self._get_param("RollbackConfiguration") or {}).get("RollbackTriggers"):
        raise not_implemented(f"RollbackTriggers of {operation}")


def template(self: Any, stack: Any = None) -> str:
    """The template of a request; that of the stack where the request wants it again."""
    if stack is not None and self._get_bool_param("UsePreviousTemplate", False):
        return str(original(stack.template))
    body, url = self._get_param("TemplateBody"), self._get_param("TemplateURL")
    found = source.given(body, url, self.current_account)
    if found is None:
        raise aws_error("template.missing")
    return found


def values(self: Any, stack: Any = None) -> dict[str, str]:
    """The values of a request; those of the stack where the request wants them again."""
    found = {}
    for one in self._get_param("Parameters", []):
        name = one["ParameterKey"]
        if str(one.get("UsePreviousValue", "")).lower() == "true":
            found[name] = _previous(stack, name)
        elif "ParameterValue" in one:
            found[name] = one["ParameterValue"]
    return found


def _previous(stack: Any, name: str) -> str:
    known = {}
    if stack is not None and stack.template_dict:
        known = parameters.values(stack.template_dict, stack.parameters or {})
    if name not in known:
        raise aws_error("template.previous-missing", name=name)
    return known[name]


def wish(self: Any, on_failure: str | None = None) -> Wish:
    """What a request wants besides its stack; raises AwsError."""
    disabled = self._get_bool_param("DisableRollback", False)
    if disabled and on_failure:
        raise aws_error("stack.settings")
    _check_role(self)
    return Wish(
        capabilities=list(self._get_param("Capabilities", [])),
        manner=Manner("DO_NOTHING" if disabled else on_failure or "ROLLBACK"),
        types=tuple(self._get_param("ResourceTypes", [])),
    )


def _check_role(self: Any) -> None:
    """Refuse a role that is not there, or that CloudFormation may not assume."""
    arn = self._get_param("RoleARN")
    if arn is None:
        return
    try:
        check_trusted(arn, "cloudformation.amazonaws.com")
    except AwsError as error:
        raise aws_error("stack.role", arn=arn) from error


def tags(self: Any) -> dict[str, str]:
    """The tags of a request."""
    return {one["Key"]: one["Value"] for one in self._get_param("Tags", [])}
