"""Stacks as tests make them: resources in, and what becomes of them."""

from __future__ import annotations

import json
from typing import Any

from lambdalab import Lab

Json = dict[str, Any]

CODE = "import os\ndef handler(event, context):\n    return os.environ.get('GREETING'), event\n"
CAPABILITIES = ["CAPABILITY_IAM"]


def ref(name: str) -> Json:
    return {"Ref": name}


def get(name: str, attribute: str) -> Json:
    return {"Fn::GetAtt": [name, attribute]}


def resource(kind: str, properties: Json | None = None, **more: Any) -> Json:
    """A resource of Lambda, or of another service where the type is a whole one."""
    whole = kind if "::" in kind else f"AWS::Lambda::{kind}"
    return {"Type": whole, "Properties": properties or {}, **more}


ROLE = resource(
    "AWS::IAM::Role",
    {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                }
            ],
        },
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
    },
)


def function(code: Any = CODE, **properties: Any) -> Json:
    """A function with inline code, or with the code that is given as a dictionary."""
    return resource(
        "Function",
        {
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Role": get("Role", "Arn"),
            "Code": {"ZipFile": code} if isinstance(code, str) else code,
            **properties,
        },
    )


def template(resources: Json, outputs: Json | None = None, parameters: Json | None = None) -> str:
    """A template with a role, and with Ref of each of Lambda's resources as an output."""
    told = {name: ref(name) for name, one in resources.items() if "::Lambda::" in one["Type"]}
    return json.dumps(
        {
            "Parameters": parameters or {},
            "Resources": {"Role": ROLE, **resources},
            "Outputs": {name: {"Value": value} for name, value in (told | (outputs or {})).items()},
        }
    )


class Stack:
    """One stack of a lab."""

    def __init__(self, lab: Lab, name: str = "stack") -> None:
        self._client = lab.client("cloudformation")
        self.name = name

    def create(self, resources: Json, outputs: Json | None = None, **options: Any) -> str:
        """Make it; gives its status."""
        body = template(resources, outputs, options.pop("declared", None))
        self._client.create_stack(
            StackName=self.name, TemplateBody=body, Capabilities=CAPABILITIES, **options
        )
        return self.status

    def update(self, resources: Json, outputs: Json | None = None, **options: Any) -> str:
        """Change it; gives its status."""
        body = template(resources, outputs, options.pop("declared", None))
        self._client.update_stack(
            StackName=self.name, TemplateBody=body, Capabilities=CAPABILITIES, **options
        )
        return self.status

    def delete(self) -> None:
        self._client.delete_stack(StackName=self.name)

    def described(self, name: str | None = None) -> Json:
        (found,) = self._client.describe_stacks(StackName=name or self.name)["Stacks"]
        return dict(found)

    @property
    def gone(self) -> bool:
        """Whether it has been deleted, with all that it had made."""
        return not self._client.describe_stacks()["Stacks"]

    @property
    def status(self) -> str:
        return str(self.described()["StackStatus"])

    @property
    def outputs(self) -> dict[str, str]:
        found = self.described().get("Outputs", [])
        return {output["OutputKey"]: output["OutputValue"] for output in found}

    @property
    def resources(self) -> dict[str, str]:
        """The physical ids by the logical ones."""
        found = self._client.describe_stack_resources(StackName=self.name)["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}

    @property
    def failures(self) -> list[tuple[str, str, str]]:
        """The resources that failed: logical id, status and reason, the oldest first."""
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            (event["LogicalResourceId"], event["ResourceStatus"], event["ResourceStatusReason"])
            for event in reversed(events)
            if event["ResourceStatus"].endswith("_FAILED")
            and event["LogicalResourceId"] != self.name
        ]


def left(lab: Lab) -> Json:
    """What is there of what stacks make."""
    lam = lab.client("lambda")
    return {
        "functions": [one["FunctionName"] for one in lam.list_functions()["Functions"]],
        "layers": [one["LayerName"] for one in lam.list_layers()["Layers"]],
        "mappings": [
            one["UUID"] for one in lam.list_event_source_mappings()["EventSourceMappings"]
        ],
        "signing": [
            one["CodeSigningConfigId"]
            for one in lam.list_code_signing_configs()["CodeSigningConfigs"]
        ],
        "roles": [one["RoleName"] for one in lab.client("iam").list_roles()["Roles"]],
        "queues": lab.client("sqs").list_queues().get("QueueUrls", []),
    }


NOTHING: Json = {
    "functions": [],
    "layers": [],
    "mappings": [],
    "signing": [],
    "roles": [],
    "queues": [],
}
