"""``AWS::Lambda::Function`` in moto's CloudFormation makes functions of the lab.

moto keeps a map from resource type to the class that creates, updates and deletes it; ``install``
puts the lab's class in place of moto's own, which would make functions that cannot run.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import UnformattedGetAttTemplateException, ValidationError
from moto.core.common_models import CloudFormationModel
from moto.utilities.utils import load_resource_as_str

from lambdalab.errors import AwsError

__all__ = ["FunctionStack", "install"]

TYPE = "AWS::Lambda::Function"
# The name under which CloudFormation packs inline code, by runtime family.
_INLINE_FILES = {"nodejs": "index.js", "python": "index.py"}
_CODE_MEMBERS = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri")


class FunctionStack(Protocol):
    """What a stack asks of the Lambda service; each call returns when the function is ready."""

    def create(self, account: str, region: str, given: dict[str, Any]) -> dict[str, Any]:
        """Create a function from the parameters of CreateFunction."""

    def update(
        self, account: str, region: str, given: dict[str, Any], code: dict[str, Any]
    ) -> dict[str, Any]:
        """Update the settings and the code of a function."""

    def delete(self, account: str, region: str, name: str) -> None:
        """Delete a function; one that is gone is no error."""


_stack: FunctionStack | None = None


def install(stack: FunctionStack) -> None:
    """Let CloudFormation's functions be created by ``stack``."""
    global _stack
    _stack = stack
    parsing.get_name_type_map()
    parsing.get_model_map()[TYPE] = LambdaFunction
    models.ChangeSet.apply = _apply


def _apply(change_set: Any) -> None:
    """As moto's own; but a stack that a change set makes has the outputs of its template."""
    stack = change_set.stack
    stack.resource_map.update(change_set.template_dict, change_set.parameters)
    stack.template_dict = change_set.template_dict
    stack.output_map = stack._create_output_map()


@contextmanager
def _reasons_told() -> Iterator[None]:
    """Let whoever makes the stack read why Lambda refused."""
    try:
        yield
    except AwsError as error:
        raise ValidationError(message=error.message) from error


def _service() -> FunctionStack:
    assert _stack is not None
    return _stack


class LambdaFunction(CloudFormationModel):  # type: ignore[misc]
    """A function of the lab as a stack's resource."""

    def __init__(self, account: str, region: str, name: str, arn: str) -> None:
        self.account_id = account
        self.region = region
        self.function_name = name
        self.arn = arn

    @property
    def physical_resource_id(self) -> str:
        """What ``Ref`` gives."""
        return self.function_name

    @staticmethod
    def cloudformation_name_type() -> str:
        """The property that names the resource."""
        return "FunctionName"

    @staticmethod
    def cloudformation_type() -> str:
        """The resource type. Kept apart from moto's own class until ``install``."""
        return TYPE

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return attr == "Arn"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """What ``Fn::GetAtt`` gives."""
        if attribute_name != "Arn":
            raise UnformattedGetAttTemplateException
        return self.arn

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> LambdaFunction:
        """Create the resource."""
        given = _parameters(resource_name, cloudformation_json["Properties"])
        with _reasons_told():
            made = _service().create(account_id, region_name, given)
        return cls(account_id, region_name, resource_name, made["FunctionArn"])

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: LambdaFunction,
        new_resource_name: str,  # noqa: ARG003 - the name of a function never changes in place
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> LambdaFunction:
        """Update the resource in place."""
        name = original_resource.function_name
        given = _parameters(name, cloudformation_json["Properties"])
        code = {**given.pop("Code"), "FunctionName": name}
        with _reasons_told():
            _service().update(account_id, region_name, given, code)
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],  # noqa: ARG003
        account_id: str,
        region_name: str,
    ) -> None:
        """Delete the resource."""
        _service().delete(account_id, region_name, resource_name)

    def delete(self, account_id: str, region: str) -> None:
        """Delete the resource (moto's other way to ask)."""
        _service().delete(account_id, region, self.function_name)


def _parameters(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of a resource as parameters of CreateFunction."""
    given = {key: value for key, value in properties.items() if key not in ("Code", "Tags")}
    given["FunctionName"] = name
    given["Tags"] = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
    code = {key: properties["Code"][key] for key in _CODE_MEMBERS if key in properties["Code"]}
    if "ZipFile" in code:
        code["ZipFile"] = _pack_inline(code["ZipFile"], properties.get("Runtime", ""))
    return {**given, "Code": code}


def _pack_inline(source: str, runtime: str) -> bytes:
    """Inline code as CloudFormation packs it, with the response module for custom resources."""
    family = runtime.rstrip("0123456789.x")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_INLINE_FILES.get(family, "index.py"), source)
        if family == "python":
            archive.writestr(
                "cfnresponse.py", load_resource_as_str("awslambda/resources/cfnresponse.py.txt")
            )
    return packed.getvalue()
