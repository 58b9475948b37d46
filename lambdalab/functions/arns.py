"""How a function is named: by name, partial ARN or ARN, each with or without a qualifier."""

from __future__ import annotations

import re
from typing import NamedTuple

from lambdalab.errors import AwsError, aws_error

__all__ = ["LATEST", "FunctionId", "function_arn", "is_function_arn", "resolve"]

LATEST = "$LATEST"

_NAME = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?"
    r"(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-[a-z]+)+-\d):)?"
    r"(?:(?P<account>\d{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_.]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)


class FunctionId(NamedTuple):
    """Which function of which account and Region, and which version or alias of it is meant."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def arn(self) -> str:
        """The unqualified ARN."""
        return function_arn(self.account, self.region, self.name)


def function_arn(account: str, region: str, name: str) -> str:
    """The unqualified ARN of a function."""
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def is_function_arn(text: object) -> bool:
    """Whether a text is the ARN of a function, of a version or of an alias of one."""
    found = _NAME.fullmatch(text) if isinstance(text, str) else None
    return found is not None and None not in (found["region"], found["account"])


def resolve(given: str, account: str, region: str, qualifier: str | None = None) -> FunctionId:
    """Read a FunctionName parameter (whose pattern has been checked) for a caller's account.

    Raises the errors of AWS for another Region, another account, and two different qualifiers.
    """
    found = _NAME.fullmatch(given)
    if found is None:
        raise AwsError("InvalidParameterValueException", f"Invalid function name: {given}")
    if found["region"] not in (None, region):
        raise aws_error("function.other-region", region=found["region"], this_region=region)
    if qualifier and found["qualifier"] and qualifier != found["qualifier"]:
        raise aws_error("function.qualifier-mismatch")
    chosen = qualifier or found["qualifier"]
    return FunctionId(found["account"] or account, region, found["name"], chosen)
