"""``AWS::Include``: parts of a template that stand in an object of S3.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
"""

from __future__ import annotations

import re
from typing import Any

from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.stacks.services import documents
from lambdalab.neighbours.stacks.templates import text
from lambdalab.neighbours.stacks.templates.early import Early

__all__ = ["NAME", "include"]

Json = dict[str, Any]

NAME = "AWS::Include"
_FUNCTION = "Fn::Transform"
_PLACE = re.compile(r"s3://([^/]+)/(.+)")


def include(value: Any, early: Early, account: str) -> Any:
    """A value with its parts in it, beside what stands there; raises AwsError."""
    if isinstance(value, list):
        return [include(item, early, account) for item in value]
    if not isinstance(value, dict):
        return value
    found = {
        name: include(item, early, account) for name, item in value.items() if name != _FUNCTION
    }
    if _FUNCTION in value:
        asked = value[_FUNCTION]
        for one in asked if isinstance(asked, list) else [asked]:
            found |= _part(one, early, account)
    return found


def _part(asked: Any, early: Early, account: str) -> Json:
    name = asked.get("Name") if isinstance(asked, dict) else asked
    if name != NAME:
        raise not_implemented(f"the transform {name}")
    place = early.value((asked.get("Parameters") or {}).get("Location"))
    found = _PLACE.fullmatch(place) if isinstance(place, str) else None
    if found is None:
        raise aws_error("template.include-location")
    try:
        return text.read(documents.read(account, found[1], found[2]))
    except AwsError as error:
        if error.status == 404:
            raise
        raise aws_error("template.include") from error
