"""Custom resources in moto's CloudFormation: a function is asked, and answers at a URL.

moto asks at the creation only, takes any answer for a success, and never looks at the answer again.
Here a stack asks at each change, waits until the answer is there or its time is over, and fails
as the function says.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, ClassVar, Protocol

from moto.cloudformation import parsing
from moto.moto_api._internal import mock_random

from lambdalab import facts
from lambdalab.errors import AwsError
from lambdalab.neighbours.stacks import operations
from lambdalab.neighbours.workflows import waiting

__all__ = ["Senders", "answer", "forget", "install"]

Json = dict[str, Any]

# How long a call waits for the answer before it leaves its stack in progress, in real seconds.
_PATIENCE = 5.0
# How long an answer may be, and what one that is longer counts as.
_LONGEST, _TOO_LONG = int(facts.quota("custom-resource.answer").value), object()
_KINDS = ("Custom::", "AWS::CloudFormation::CustomResource")
_TIME = "ServiceTimeout"


class Senders(Protocol):
    """Who takes the requests of custom resources to their functions."""

    base_url: str

    def send(self, token: str, request: bytes) -> None:
        """Send a request to the function or the topic of a ServiceToken; raises AwsError."""


def install(senders: Senders) -> None:
    """Let custom resources ask their functions in this way."""
    CustomResource.SENDERS = senders
    _find_custom()


@cache
def _find_custom() -> None:
    """Once in a process: each request for CloudFormation installs anew."""
    parsing.resource_class_from_type = _with_custom(parsing.resource_class_from_type)


def _with_custom(find: Callable[[str], Any]) -> Callable[[str], Any]:
    def run(kind: str) -> Any:
        return CustomResource if kind.startswith(_KINDS) else find(kind)

    return run


# ---- answers


class _Question:
    """One request, until it is answered."""

    def __init__(self) -> None:
        self.answered = waiting.Event()
        self.answer: Any = None


# By the secret part of their URLs.
_questions: dict[str, _Question] = {}


def answer(key: str, body: bytes) -> bool:
    """Take what somebody has put at the URL of a request; False where nobody waits for it."""
    question = _questions.get(key)
    if question is None:
        return False
    with suppress(ValueError):
        question.answer = _TOO_LONG if len(body) > _LONGEST else json.loads(body)
    question.answered.set()
    return True


def forget() -> None:
    """The cloud is being emptied: nobody waits any more."""
    for question in list(_questions.values()):
        question.answered.set()


def _ask(request: Json, path: str) -> Json:
    """Send a request, and wait for its answer; raises AwsError where none comes, or a refusal."""
    key, question = f"{mock_random.get_random_hex(32)}", _Question()
    _questions[key] = question
    token = request["ServiceToken"]
    url = f"{CustomResource.SENDERS.base_url}{path}{key}"
    try:
        CustomResource.SENDERS.send(token, json.dumps({**request, "ResponseURL": url}).encode())
        with operations.cancellable(question.answered.set):
            found = _wait(question, _seconds(request))
    finally:
        del _questions[key]
    if not found:
        raise _failed("stack.custom-silent", request_id=request["RequestId"])
    return _checked(question.answer, request)


def _wait(question: _Question, seconds: float) -> bool:
    """Wait on the platform's clock; the operation of the stack holds it, but for the wait."""
    operations.release_later(waiting.count_in())
    return (
        waiting.wait_for([question.answered], seconds, patience=_PATIENCE, then=operations.let_go)
        is not None
    )


def _seconds(request: Json) -> float:
    longest = facts.quota("custom-resource.timeout").seconds
    try:
        return min(longest, float(request["ResourceProperties"].get(_TIME, longest)))
    except ValueError:
        return longest


def _checked(told: Any, request: Json) -> Json:
    """An answer that says that all went well; raises AwsError for any other."""
    if told is _TOO_LONG:
        raise _failed("stack.custom-long")
    answered: Json = told if isinstance(told, dict) else {}
    if answered.get("Status") == "SUCCESS":
        if request["RequestType"] == "Create" and not answered.get("PhysicalResourceId"):
            raise _failed("stack.custom-nameless")
        return answered
    reason = answered.get("Reason") or ""
    error = _failed(
        "stack.custom-failed",
        status=answered.get("Status"),
        reason=reason,
        request_id=request["RequestId"],
    )
    error.__dict__["physical_id"] = answered.get("PhysicalResourceId")
    raise error


def _failed(name: str, **gaps: object) -> AwsError:
    """A failure in CloudFormation's own words, which have no code."""
    return AwsError("", facts.message(name).format(**gaps))


# ---- the resource


class CustomResource:
    """A custom resource as moto's engine handles it."""

    SENDERS: ClassVar[Senders]
    PATH: ClassVar[str] = "/_lambdalab/custom-resource/"

    def __init__(self, request: Json, told: Json, replaces: CustomResource | None = None) -> None:
        self._request = request
        self.physical_id: str = told.get("PhysicalResourceId") or request["PhysicalResourceId"]
        data = told.get("Data")
        self._data: Json = data if isinstance(data, dict) else {}
        self.replaces = replaces

    @property
    def physical_resource_id(self) -> str:
        """What ``Ref`` gives."""
        return self.physical_id

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        """What ``Fn::GetAtt`` gives: a member of the function's ``Data``."""
        if attribute_name not in self._data:
            raise _failed(
                "stack.custom-attribute",
                attribute=attribute_name,
                id=self._request["LogicalResourceId"],
            )
        return self._data[attribute_name]

    def is_created(self) -> bool:
        """Whether it is there: its answer has been waited for."""
        return True

    def delete(self, account_id: str, region: str) -> None:  # noqa: ARG002
        """Ask the function to delete what it has made."""
        _ask(self._anew("Delete"), self.PATH)

    def _anew(self, kind: str, **members: Any) -> Json:
        kept = {name: one for name, one in self._request.items() if name != "OldResourceProperties"}
        return {
            **kept,
            "RequestType": kind,
            "RequestId": str(mock_random.uuid4()),
            "PhysicalResourceId": self.physical_id,
            **members,
        }

    def _changed(self, properties: Json) -> CustomResource:
        """The resource with other properties; where its id is another, it replaces this one."""
        before = self._request["ResourceProperties"]
        request = self._anew("Update", ResourceProperties=properties, OldResourceProperties=before)
        request["ServiceToken"] = properties["ServiceToken"]
        after = CustomResource(request, _ask(request, self.PATH))
        if after.physical_id != self.physical_id:
            after.replaces = self
        return after

    @staticmethod
    def cloudformation_name_type() -> str:
        """The property that names the resource: the function does."""
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:  # noqa: ARG003
        """Whether ``Fn::GetAtt`` may be asked: only the function knows."""
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Json,
        account_id: str,  # noqa: ARG003
        region_name: str,  # noqa: ARG003
        **ids: Any,
    ) -> CustomResource:
        """Ask the function to create the resource; what fails is taken back by the function."""
        properties = _properties(cloudformation_json)
        request = {
            "RequestType": "Create",
            "ServiceToken": properties["ServiceToken"],
            "StackId": ids["StackId"],
            "RequestId": str(mock_random.uuid4()),
            "LogicalResourceId": ids["LogicalId"],
            "ResourceType": ids["ResourceType"],
            "ResourceProperties": properties,
        }
        named = {**request, "PhysicalResourceId": resource_name}
        try:
            return cls(named, _ask(request, cls.PATH))
        except AwsError as error:
            if not error.code:
                told = {"PhysicalResourceId": error.__dict__.get("physical_id")}
                _take_back(cls(named, told))
            raise

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: CustomResource,
        new_resource_name: str,  # noqa: ARG003
        cloudformation_json: Json,
        account_id: str,  # noqa: ARG003
        region_name: str,  # noqa: ARG003
    ) -> CustomResource:
        """Ask the function to change the resource."""
        return original_resource._changed(_properties(cloudformation_json))

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Json, account_id: str, region_name: str
    ) -> None:
        """Never called: a resource deletes itself."""
        raise NotImplementedError(resource_name, cloudformation_json, account_id, region_name)


def _take_back(made: CustomResource) -> None:
    """Ask for the deletion of what could not be created; whether that works changes nothing."""
    try:
        made.delete("", "")
    except AwsError:
        return


def _properties(described: Json) -> Json:
    """The properties of a resource as functions get them: every value is a text."""
    found: Json = _texts(described.get("Properties") or {})
    token = found.get("ServiceToken") if isinstance(found, dict) else None
    if not isinstance(token, str) or not token:
        raise _failed("stack.custom-tokenless")
    return found


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _texts(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) or value is None else str(value)
