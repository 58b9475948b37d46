"""SAM stacks as tests make them: resources in SAM's words, and what stands for them afterwards."""

from __future__ import annotations

import json
from typing import Any

from lambdalab import Lab
from tests.engine import RUNTIME
from tests.stacks import Stack

Json = dict[str, Any]

SAM = "AWS::Serverless-2016-10-31"
IAM, NAMED, EXPAND = "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"
ALL = [IAM, NAMED, EXPAND]


def code(answer: str) -> str:
    return f"def handler(event, context):\n    return {answer!r}\n"


def function(source: str = code("one"), **properties: Any) -> Json:
    """A function of SAM with inline code."""
    given = {"InlineCode": source, "Handler": "index.handler", "Runtime": RUNTIME}
    return {"Type": "AWS::Serverless::Function", "Properties": given | properties}


def sam(resources: Json, **sections: Any) -> str:
    """A SAM template."""
    return json.dumps({"Transform": SAM, "Resources": resources, **sections})


class SamStack(Stack):
    """One stack from SAM templates."""

    def __init__(self, lab: Lab, name: str = "stack") -> None:
        super().__init__(lab, name)
        self.lab = lab

    def deploy(self, resources: Json, **sections: Any) -> str:
        """Make the stack, or change it; gives its status."""
        known = [one["StackName"] for one in self._client.describe_stacks()["Stacks"]]
        act = self._client.update_stack if self.name in known else self._client.create_stack
        act(StackName=self.name, TemplateBody=sam(resources, **sections), Capabilities=ALL)
        return self.status

    @property
    def reasons(self) -> list[str]:
        """Why things failed, the oldest first."""
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        told = [event.get("ResourceStatusReason") for event in reversed(events)]
        return [reason for reason in told if reason and reason != "User Initiated"]

    @property
    def types(self) -> dict[str, str]:
        """The types of its resources by logical id."""
        found = self._client.describe_stack_resources(StackName=self.name)["StackResources"]
        return {one["LogicalResourceId"]: one["ResourceType"] for one in found}
