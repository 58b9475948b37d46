"""Custom resources of CloudFormation: what functions are asked, and what becomes of the stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lambdalab import Lab, facts
from tests.conftest import StartLab
from tests.engine import RUNTIME, port_of, request, wait_until

# Answers as cfn-response does; its variable says how. What it was asked is in its log.
ANSWERS = """
import json, os, urllib3
def handler(event, context):
    print(json.dumps(event))
    how = event["ResourceProperties"].get("How", "well")
    if how == "silent":
        return
    told = {
        "Status": "FAILED" if how == "failed" and event["RequestType"] != "Delete" else "SUCCESS",
        "Reason": "no such thing",
        "PhysicalResourceId": "made-" + event["ResourceProperties"].get("Name", "thing"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Address": "address of " + event["ResourceProperties"].get("Name", "thing")},
    }
    body = json.dumps(told)
    headers = {"content-type": ""}
    urllib3.PoolManager().request("PUT", event["ResponseURL"], body=body, headers=headers)
"""


class Stage:
    """A lab with a function for custom resources, and the words of these tests."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.cfn: Any = lab.client("cloudformation")
        made = lab.client("lambda").create_function(
            FunctionName="maker", Runtime=RUNTIME, Handler="app.handler", Role=lab.role(),
            Code={"ZipFile": lab.zip({"app.py": ANSWERS})}, Timeout=20,
        )  # fmt: skip
        self.maker = made["FunctionArn"]
        lab.clock.advance(seconds=1)

    def template(self, kind: str = "Custom::Thing", **properties: Any) -> str:
        thing = {"Type": kind, "Properties": {"ServiceToken": self.maker, **properties}}
        outputs = {
            "Id": {"Value": {"Ref": "Thing"}},
            "Address": {"Value": {"Fn::GetAtt": ["Thing", "Address"]}},
        }
        return json.dumps({"Resources": {"Thing": thing}, "Outputs": outputs})

    def create(self, name: str, **properties: Any) -> dict[str, Any]:
        self.cfn.create_stack(StackName=name, TemplateBody=self.template(**properties))
        return self.told(name)

    def told(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = self.cfn.describe_stacks(StackName=name)["Stacks"][0]
        return told

    def outputs(self, name: str) -> dict[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self.told(name)["Outputs"]}

    def reasons(self, name: str) -> list[str]:
        events = self.cfn.describe_stack_events(StackName=name)["StackEvents"]
        return [
            one["ResourceStatusReason"]
            for one in events
            if one["LogicalResourceId"] == "Thing" and "ResourceStatusReason" in one
        ]

    def asked(self, kind: str = "") -> list[dict[str, Any]]:
        """What the function was asked; the order of what is asked at one time is not known.

        It answers before it ends, so the next request may come to another environment.
        """
        self.lab.clock.advance(seconds=0)  # it answers before it ends
        logs = self.lab.client("logs")
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/maker")
        lines = [event["message"] for page in pages for event in page["events"]]
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [one for one in found if kind in one["RequestType"]]


@pytest.fixture(scope="module")
def stage(start_lab: StartLab) -> Iterator[Stage]:
    with start_lab() as lab:
        yield Stage(lab)


def test_a_function_makes_a_resource_and_tells_of_it(stage: Stage) -> None:
    told = stage.create("made", Name="tea", Count=3, Strong=True)
    assert told["StackStatus"] == "CREATE_COMPLETE"
    assert stage.outputs("made") == {"Id": "made-tea", "Address": "address of tea"}
    asked = stage.asked("Create")[-1]
    url = asked.pop("ResponseURL")
    assert url.startswith(stage.lab.endpoint_url)
    assert asked == {
        "RequestType": "Create", "ServiceToken": stage.maker, "StackId": told["StackId"],
        "RequestId": asked["RequestId"], "LogicalResourceId": "Thing",
        "ResourceType": "Custom::Thing",
        "ResourceProperties": {
            "ServiceToken": stage.maker, "Name": "tea", "Count": "3", "Strong": "true",
        },
    }  # fmt: skip


def test_it_is_asked_for_changes_and_for_the_end(stage: Stage) -> None:
    kind = "AWS::CloudFormation::CustomResource"
    stage.create("changed", kind=kind, Name="tea", Size=1)
    same = stage.template(kind=kind, Name="tea", Size=2)
    stage.cfn.update_stack(StackName="changed", TemplateBody=same)
    asked = stage.asked("Update")[-1]
    assert asked["PhysicalResourceId"] == "made-tea"
    assert asked["ResourceProperties"]["Size"] == "2"
    assert asked["OldResourceProperties"]["Size"] == "1"
    stage.cfn.delete_stack(StackName="changed")
    asked = stage.asked("Delete")[-1]
    assert asked["PhysicalResourceId"] == "made-tea"
    assert "OldResourceProperties" not in asked


def test_another_physical_id_means_that_the_old_one_goes(stage: Stage) -> None:
    stage.create("replaced", Name="tea")
    stage.cfn.update_stack(StackName="replaced", TemplateBody=stage.template(Name="coffee"))
    assert stage.outputs("replaced")["Id"] == "made-coffee"
    stack = stage.told("replaced")["StackId"]
    for kind in ("Update", "Delete"):
        (asked,) = [one for one in stage.asked(kind) if one["StackId"] == stack]
        assert asked["PhysicalResourceId"] == "made-tea"


def test_a_failure_rolls_the_stack_back_and_says_why(stage: Stage) -> None:
    told = stage.create("failed", How="failed", Name="tea")
    assert told["StackStatus"] == "ROLLBACK_COMPLETE"
    asked = [one for one in stage.asked() if one["StackId"] == told["StackId"]]
    (request_id,) = [one["RequestId"] for one in asked if one["RequestType"] == "Create"]
    assert stage.reasons("failed") == [
        "Received response status [FAILED] from custom resource. "
        f"Message returned: no such thing (RequestId: {request_id})"
    ]
    assert sorted(one["RequestType"] for one in asked) == ["Create", "Delete"]


def test_a_change_that_fails_is_taken_back(stage: Stage) -> None:
    stage.create("kept", Name="tea")
    wrong = stage.template(Name="tea", How="failed")
    stage.cfn.update_stack(StackName="kept", TemplateBody=wrong)
    assert stage.told("kept")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stage.outputs("kept")["Id"] == "made-tea"


def test_a_function_that_is_not_there_fails_the_stack(stage: Stage) -> None:
    missing = stage.maker.replace("maker", "nobody")
    told = stage.create("nobody", ServiceToken=missing)
    assert told["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Function not found" in stage.reasons("nobody")[0]


def test_a_template_without_a_service_token_fails(stage: Stage) -> None:
    body = json.dumps({"Resources": {"Thing": {"Type": "Custom::Thing"}}})
    stage.cfn.create_stack(StackName="tokenless", TemplateBody=body)
    assert stage.told("tokenless")["StackStatus"] == "ROLLBACK_COMPLETE"


def test_an_attribute_that_the_function_does_not_tell_fails(stage: Stage) -> None:
    body = json.loads(stage.template(Name="tea"))
    value = {"Fn::GetAtt": ["Thing", "Nothing"]}
    body["Resources"]["Other"] = {
        "Type": "AWS::SQS::Queue", "Properties": {"QueueName": value},
    }  # fmt: skip
    stage.cfn.create_stack(StackName="attribute", TemplateBody=json.dumps(body))
    assert stage.told("attribute")["StackStatus"] == "ROLLBACK_COMPLETE"
    events = stage.cfn.describe_stack_events(StackName="attribute")["StackEvents"]
    told = [one.get("ResourceStatusReason", "") for one in events]
    assert any("doesn't contain Nothing attribute" in reason for reason in told)


def test_whoever_does_not_know_the_address_is_not_heard(stage: Stage) -> None:
    reply = request(port_of(stage.lab), "PUT", "/_lambdalab/custom-resource/guessed", b"{}")
    assert reply.status == 404


def test_no_answer_within_the_time_fails_the_stack(stage: Stage) -> None:
    told = stage.create("silent", How="silent", ServiceTimeout=600)
    assert told["StackStatus"] == "CREATE_IN_PROGRESS"
    stage.lab.clock.advance(seconds=590)
    assert stage.told("silent")["StackStatus"] == "CREATE_IN_PROGRESS"
    # The creation is given up after its time; so is the deletion of what it may have made.
    stage.lab.clock.advance(seconds=1300)
    wait_until(lambda: stage.told("silent")["StackStatus"] == "ROLLBACK_COMPLETE")
    assert stage.reasons("silent")[0].startswith(
        "CloudFormation did not receive a response from your Custom Resource."
    )
    assert facts.quota("custom-resource.timeout").seconds == 3600
