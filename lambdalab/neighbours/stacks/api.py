"""CloudFormation's operations around moto's: what they take, refuse and answer.

moto ends with an internal error at operations that it does not have, and takes many a setting that
nothing acts on. Here both are refused by name.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from botocore import xform_name
from botocore.session import Session
from moto.cloudformation import responses
from moto.cloudformation.exceptions import CloudFormationError

from lambdalab import facts
from lambdalab.errors import AwsError, not_implemented, validation_error
from lambdalab.neighbours.stacks import answers, change_set_answers

__all__ = ["install"]

Call = Callable[..., Any]

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*")
# Operations of moto that store what nothing acts on.
_STORED = ("set_stack_policy",)


@cache
def install() -> None:
    """Let requests be answered in this way; once is enough."""
    kind = responses.CloudFormationResponse
    for name, answer in (answers.ANSWERS | change_set_answers.ANSWERS).items():
        setattr(kind, name, answer)
    # moto makes these of its own objects; here they are made already.
    kind.RESPONSE_KEY_PATH_TO_TRANSFORMER = {
        path: make
        for path, make in kind.RESPONSE_KEY_PATH_TO_TRANSFORMER.items()
        if not path.startswith("DescribeChangeSetOutput.")
    }
    operations = Session().get_service_model("cloudformation").operation_names
    for operation in operations:
        name = xform_name(operation)
        known = getattr(kind, name, None)
        act = _missing(operation) if known is None or name in _STORED else known
        setattr(kind, name, _answering(act))


def _missing(operation: str) -> Call:
    def answer(_: Any) -> Any:
        raise not_implemented(f"{operation} of CloudFormation")

    return answer


def _answering(answer: Call) -> Call:
    """As it is; an error of the lab is put as moto's serializer takes it."""

    @wraps(answer)
    def run(self: Any) -> Any:
        try:
            name = self._get_param("StackName")
            if name is not None and not _NAME.fullmatch(name):
                pattern = facts.message("validation.pattern").format(pattern=_NAME.pattern)
                value = facts.message("validation.value")
                raise validation_error(
                    [value.format(value=name, path="stackName", constraint=pattern)]
                )
            return answer(self)
        except AwsError as error:
            code = error.code.removesuffix("Exception")
            named = "ValidationError" if code == "Validation" else error.code
            raise CloudFormationError(named, error.message) from error

    return run
