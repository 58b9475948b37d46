"""Custom resources of CloudFormation: what functions are asked, and what becomes of the stack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lambdalab import Lab, facts
from lambdalab.execution.runtimes import node_search
from tests.conftest import StartLab
from tests.engine import RUNTIME, port_of, refusal, request, wait_until
from tests.stacks import ROLE, get

# Answers as cfn-response does; its variable says how. What it was asked is in its log.
ANSWERS = """
import json, os, urllib3
def handler(event, context):
    print(json.dumps(event))
    how = event["ResourceProperties"].get("How", "well")
    if how == "silent":
        return
    told = {
        "Status": "FAILED" if how == "failed" and event["RequestType"] != "Delete"
        or "Stays" in event["ResourceProperties"] and event["RequestType"] == "Delete"
        else "SUCCESS",
        "Reason": "no such thing",
        "PhysicalResourceId": "made-" + event["ResourceProperties"].get("Name", "thing"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Address": "address of " + event["ResourceProperties"].get("Name", "thing"),
                 "Long": "x" * int(event["ResourceProperties"].get("Long", 0))},
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
        body = self.template(**properties)
        if properties.get("How") == "silent":
            self.cfn.create_stack(StackName=name, TemplateBody=body)
            return self.told(name)
        return self.act("create_stack", name, TemplateBody=body)

    def act(self, operation: str, name: str, **given: Any) -> dict[str, Any]:
        """Change a stack and wait for its end: a call returns early where a function is slow."""
        known = self.cfn.describe_stacks()["Stacks"]
        before = next((one["StackId"] for one in known if one["StackName"] == name), None)
        made = getattr(self.cfn, operation)(StackName=name, **given)
        stack = made.get("StackId") or before
        wait_until(lambda: not self.told(stack)["StackStatus"].endswith("IN_PROGRESS"), 60)
        return self.told(stack)

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
    stage.act("update_stack", "changed", TemplateBody=same)
    asked = stage.asked("Update")[-1]
    assert asked["PhysicalResourceId"] == "made-tea"
    assert asked["ResourceProperties"]["Size"] == "2"
    assert asked["OldResourceProperties"]["Size"] == "1"
    stage.act("delete_stack", "changed")
    asked = stage.asked("Delete")[-1]
    assert asked["PhysicalResourceId"] == "made-tea"
    assert "OldResourceProperties" not in asked


def test_another_physical_id_means_that_the_old_one_goes(stage: Stage) -> None:
    stage.create("replaced", Name="tea")
    stage.act("update_stack", "replaced", TemplateBody=stage.template(Name="coffee"))
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


def test_what_a_resource_needs_stays_with_it_when_it_fails_to_go(stage: Stage) -> None:
    body = json.loads(stage.template(Name="tea", Other={"Ref": "Needed"}))
    body["Resources"]["Needed"] = {"Type": "AWS::SNS::Topic"}
    body["Resources"]["Apart"] = {"Type": "AWS::SNS::Topic"}
    body["Resources"]["Thing"]["Properties"]["Stays"] = "true"
    stage.act("create_stack", "stays", TemplateBody=json.dumps(body))
    stage.act("delete_stack", "stays")
    assert stage.told("stays")["StackStatus"] == "DELETE_FAILED"
    assert "no such thing" in stage.reasons("stays")[0]
    found = stage.cfn.describe_stack_resources(StackName="stays")["StackResources"]
    assert [one["LogicalResourceId"] for one in found] == ["Needed", "Thing"]
    stack = stage.told("stays")["StackId"]
    asked = [one for one in stage.asked("Delete") if one["StackId"] == stack]
    assert len(asked) == 1
    stage.act("delete_stack", "stays", RetainResources=["Thing"])
    assert refusal(stage.cfn.describe_stacks, StackName="stays").code == "ValidationError"


def test_a_change_that_fails_is_taken_back(stage: Stage) -> None:
    stage.create("kept", Name="tea")
    wrong = stage.template(Name="tea", How="failed")
    stage.act("update_stack", "kept", TemplateBody=wrong)
    assert stage.told("kept")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stage.outputs("kept")["Id"] == "made-tea"


def test_an_answer_that_is_too_long_is_none(stage: Stage) -> None:
    assert stage.create("short", Name="tea", Long=3000)["StackStatus"] == "CREATE_COMPLETE"
    assert stage.create("long", Name="tea", Long=4096)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stage.reasons("long") == ["Response object is too long."]


def test_a_function_that_is_not_there_fails_the_stack(stage: Stage) -> None:
    missing = stage.maker.replace("maker", "nobody")
    told = stage.create("nobody", ServiceToken=missing)
    assert told["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Function not found" in stage.reasons("nobody")[0]


def test_a_template_without_a_service_token_fails(stage: Stage) -> None:
    body = json.dumps({"Resources": {"Thing": {"Type": "Custom::Thing"}}})
    stage.act("create_stack", "tokenless", TemplateBody=body)
    assert stage.told("tokenless")["StackStatus"] == "ROLLBACK_COMPLETE"


def test_an_attribute_that_the_function_does_not_tell_fails(stage: Stage) -> None:
    body = json.loads(stage.template(Name="tea"))
    value = {"Fn::GetAtt": ["Thing", "Nothing"]}
    body["Resources"]["Other"] = {
        "Type": "AWS::SQS::Queue", "Properties": {"QueueName": value},
    }  # fmt: skip
    stage.act("create_stack", "attribute", TemplateBody=json.dumps(body))
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


# How other people's functions answer: by HTTPS, to the whole address or to its host alone.
PYTHON = """
import json
from http.client import HTTPSConnection
from urllib.parse import urlsplit
def handler(event, context):
    told = {{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}}
    told |= {{"Status": "SUCCESS", "PhysicalResourceId": "made", "Data": {{"Way": "python"}}}}
    url = urlsplit(event["ResponseURL"])
    connection = HTTPSConnection(url.{host}, timeout=5)
    connection.request("PUT", url.path, json.dumps(told), {{"content-type": ""}})
    assert connection.getresponse().status == 200
"""
NODE = """
const https = require("https"), url = require("url");
exports.handler = async (event) => {
  const { StackId, RequestId, LogicalResourceId } = event;
  const body = JSON.stringify({
    StackId, RequestId, LogicalResourceId, Status: "SUCCESS", PhysicalResourceId: "made",
    Data: { Way: "node" },
  });
  const { hostname, path } = url.parse(event.ResponseURL);
  const headers = { "content-type": "", "content-length": body.length };
  await new Promise((resolve, reject) => {
    const request = https.request({ hostname, port: 443, path, method: "PUT", headers }, resolve);
    request.on("error", reject);
    request.end(body);
  });
};
"""
MODULE = """
const response = require("cfn-response");
exports.handler = (event, context) =>
  response.send(event, context, response.SUCCESS, { Way: "module" }, "made");
"""
NODE_ONLY = pytest.mark.skipif(node_search.installed() is None, reason="there is no Node.js")


@pytest.mark.parametrize(
    ("runtime", "code", "way"),
    [
        (RUNTIME, PYTHON.format(host="netloc"), "python"),
        (RUNTIME, PYTHON.format(host="hostname"), "python"),
        pytest.param("nodejs22.x", NODE, "node", marks=NODE_ONLY),
        pytest.param("nodejs22.x", MODULE, "module", marks=NODE_ONLY),
    ],
)
def test_functions_answer_as_they_answer_aws(
    runtime: str, code: str, way: str, stage: Stage, request: pytest.FixtureRequest
) -> None:
    name = f"way-{request.node.callspec.indices['code']}"
    function = {
        "Handler": "index.handler", "Runtime": runtime, "Role": get("Role", "Arn"), "Timeout": 20,
        "Code": {"ZipFile": code},
    }  # fmt: skip
    thing = {"Type": "Custom::Thing", "Version": "1.0",
             "Properties": {"ServiceToken": get("Maker", "Arn")}}  # fmt: skip
    resources = {
        "Role": ROLE,
        "Maker": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Thing": thing,
    }
    body = {"Resources": resources, "Outputs": {"Way": {"Value": get("Thing", "Way")}}}
    stage.act("create_stack", name, TemplateBody=json.dumps(body), Capabilities=["CAPABILITY_IAM"])
    assert stage.told(name)["StackStatus"] == "CREATE_COMPLETE", stage.reasons(name)
    assert stage.outputs(name) == {"Way": way}
