"""Functions that stacks make: created, changed and deleted with them, and truly run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import gone, invoke, refusal, wait_until

CODE = "import os\ndef handler(event, context):\n    return os.environ.get('GREETING'), event\n"
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
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
}


def template(code: Any = None, **properties: Any) -> str:
    """A template with a role, a function and outputs that tell of it."""
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": code or {"ZipFile": CODE},
            **properties,
        },
    }
    return json.dumps(
        {
            "Parameters": {"Greeting": {"Type": "String", "Default": "hello"}},
            "Resources": {"Role": ROLE, "Function": function},
            "Outputs": {
                "Name": {"Value": {"Ref": "Function"}},
                "Arn": {"Value": {"Fn::GetAtt": ["Function", "Arn"]}},
            },
        }
    )


def create(lab: Lab, body: str, name: str = "stack", **options: Any) -> dict[str, str]:
    """Make a stack and give its outputs."""
    stacks = lab.client("cloudformation")
    stacks.create_stack(
        StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"], **options
    )
    stacks.get_waiter("stack_create_complete").wait(StackName=name)
    return outputs(lab, name)


def outputs(lab: Lab, name: str = "stack") -> dict[str, str]:
    (stack,) = lab.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def settings_of(lam: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = lam.get_function(FunctionName=name)["Configuration"]
    return found


def test_a_function_of_a_stack_runs(lab: Lab, lam: Any) -> None:
    environment = {"Variables": {"GREETING": {"Ref": "Greeting"}, "COUNT": 5, "DEBUG": True}}
    made = create(
        lab,
        template(FunctionName="own-name", Timeout="7", MemorySize=256, Environment=environment,
                 EphemeralStorage={"Size": "1024"},
                 Description={"Fn::Sub": "in ${AWS::Region}"},
                 Tags=[{"Key": "team", "Value": "a"}]),
        Parameters=[{"ParameterKey": "Greeting", "ParameterValue": "good day"}],
    )  # fmt: skip
    assert made == {
        "Name": "own-name",
        "Arn": "arn:aws:lambda:us-east-1:123456789012:function:own-name",
    }
    assert invoke(lam, "own-name", {"a": 1}).value == ["good day", {"a": 1}]
    found = settings_of(lam, "own-name")
    assert found["State"] == "Active"
    assert (found["Timeout"], found["MemorySize"]) == (7, 256)
    assert found["Description"] == "in us-east-1"
    # What a template writes as a number or a truth is text in the environment, and the reverse.
    variables = {"GREETING": "good day", "COUNT": "5", "DEBUG": "true"}
    assert found["Environment"] == {"Variables": variables}
    assert found["EphemeralStorage"] == {"Size": 1024}
    assert lam.get_function(FunctionName="own-name")["Tags"]["team"] == "a"


def test_a_function_without_a_name_gets_one_from_its_stack(lab: Lab, lam: Any) -> None:
    first, second = (create(lab, template(), name)["Name"] for name in ("one", "two"))
    assert first != second
    assert first.startswith("one-Function-")
    assert invoke(lam, second, 1).value == [None, 1]


def test_code_of_a_stack_comes_from_s3_too(lab: Lab, lam: Any) -> None:
    lab.client("s3").create_bucket(Bucket="code")
    lab.client("s3").put_object(Bucket="code", Key="c.zip", Body=lab.zip({"index.py": CODE}))
    made = create(lab, template({"S3Bucket": "code", "S3Key": "c.zip"}))
    assert invoke(lam, made["Name"], 1).value == [None, 1]


def test_inline_code_may_import_cfnresponse(lab: Lab, lam: Any) -> None:
    code = "import cfnresponse\ndef handler(event, context):\n    return cfnresponse.SUCCESS\n"
    assert invoke(lam, create(lab, template({"ZipFile": code}))["Name"]).value == "SUCCESS"


def test_an_update_of_the_stack_changes_code_and_settings_in_place(lab: Lab, lam: Any) -> None:
    name = create(lab, template())["Name"]
    assert invoke(lam, name, 1).value == [None, 1]
    stacks = lab.client("cloudformation")
    other = "def handler(event, context):\n    return 'other'\n"
    body = template({"ZipFile": other}, Timeout=9, Environment={"Variables": {"GREETING": "hi"}})
    stacks.update_stack(StackName="stack", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    stacks.get_waiter("stack_update_complete").wait(StackName="stack")
    assert outputs(lab)["Name"] == name
    assert invoke(lam, name).value == "other"
    found = settings_of(lam, name)
    assert (found["Timeout"], found["LastUpdateStatus"]) == (9, "Successful")
    assert found["Environment"] == {"Variables": {"GREETING": "hi"}}


def test_a_change_set_makes_a_function_as_deployment_tools_ask_for_it(lab: Lab, lam: Any) -> None:
    stacks = lab.client("cloudformation")
    options = {"StackName": "stack", "ChangeSetName": "first", "Capabilities": ["CAPABILITY_IAM"]}
    stacks.create_change_set(**options, ChangeSetType="CREATE", TemplateBody=template())
    assert lam.list_functions()["Functions"] == []
    stacks.execute_change_set(StackName="stack", ChangeSetName="first")
    stacks.get_waiter("stack_create_complete").wait(StackName="stack")
    assert invoke(lam, outputs(lab)["Name"], 1).value == [None, 1]


def test_a_deleted_stack_takes_its_function_along(lab: Lab, lam: Any) -> None:
    code = "import os\ndef handler(event, context):\n    return os.getpid()\n"
    name = create(lab, template({"ZipFile": code}))["Name"]
    pid = invoke(lam, name).value
    stacks = lab.client("cloudformation")
    stacks.delete_stack(StackName="stack")
    stacks.get_waiter("stack_delete_complete").wait(StackName="stack")
    assert refusal(lam.get_function, FunctionName=name).status == 404
    wait_until(lambda: gone(pid))
    assert create(lab, template())["Name"]  # and the name of the stack is free again


def test_a_function_deleted_by_hand_does_not_stop_the_deletion_of_its_stack(
    lab: Lab, lam: Any
) -> None:
    name = create(lab, template())["Name"]
    lam.delete_function(FunctionName=name)
    stacks = lab.client("cloudformation")
    stacks.delete_stack(StackName="stack")
    stacks.get_waiter("stack_delete_complete").wait(StackName="stack")


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"MemorySize": 1}, "Value '1' at 'memorySize' failed to satisfy constraint"),
        ({"Runtime": "python2"}, "Value python2 at 'runtime' failed to satisfy constraint"),
        ({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:l:1"]}, "the setting Layers"),
    ],
)
def test_a_function_that_cannot_be_is_refused_with_the_reason(
    properties: dict[str, Any], reason: str, lab: Lab, lam: Any
) -> None:
    stacks = lab.client("cloudformation")
    found = refusal(
        stacks.create_stack,
        StackName="stack",
        TemplateBody=template(**properties),
        Capabilities=["CAPABILITY_IAM"],
    )
    assert reason in found.message
    assert lam.list_functions()["Functions"] == []


def test_a_reset_forgets_stacks_and_a_new_one_works(lab: Lab, lam: Any) -> None:
    for _ in range(2):
        name = create(lab, template(FunctionName="same"))["Name"]
        assert invoke(lam, name, 1).value == [None, 1]
        lab.reset()
        assert lab.client("cloudformation").list_stacks()["StackSummaries"] == []
        assert lam.list_functions()["Functions"] == []
