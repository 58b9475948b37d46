"""Functions that stacks make: created, changed and deleted with them, and truly run."""

from __future__ import annotations

import io
import urllib.request
import zipfile
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import gone, invoke, outside, refusal, wait_until
from tests.stacks import CAPABILITIES, CODE, NOTHING, Stack, function, get, left, template


def create(lab: Lab, function: dict[str, Any], name: str = "stack", **options: Any) -> Stack:
    """Make a stack with one function, and outputs that tell of it."""
    stack = Stack(lab, name)
    outputs = {"Arn": get("Function", "Arn"), "Snapshots": get("Function", SNAPSHOTS)}
    assert stack.create({"Function": function}, outputs, **options) == "CREATE_COMPLETE"
    return stack


SNAPSHOTS = "SnapStartResponse.OptimizationStatus"
GREETING = {"Greeting": {"Type": "String", "Default": "hello"}}
PARAMETER = {"Variables": {"GREETING": {"Ref": "Greeting"}}}


def settings_of(lam: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = lam.get_function(FunctionName=name)["Configuration"]
    return found


def files_of(lam: Any, name: str) -> dict[str, bytes]:
    """The deployment package."""
    address = lam.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(address) as answer, zipfile.ZipFile(io.BytesIO(answer.read())) as z:
        return {file: z.read(file) for file in z.namelist()}


def test_a_function_of_a_stack_runs(lab: Lab, lam: Any) -> None:
    environment = {"Variables": {"GREETING": {"Ref": "Greeting"}, "COUNT": 5, "DEBUG": True}}
    stack = create(
        lab,
        function(FunctionName="own-name", Timeout="7", MemorySize=256, Environment=environment,
                 EphemeralStorage={"Size": "1024"},
                 Description={"Fn::Sub": "in ${AWS::Region}"},
                 Tags=[{"Key": "team", "Value": "a"}]),
        declared=GREETING,
        Parameters=[{"ParameterKey": "Greeting", "ParameterValue": "good day"}],
        Tags=[{"Key": "cost", "Value": "low"}, {"Key": "team", "Value": "of the stack"}],
    )  # fmt: skip
    assert stack.outputs == {
        "Function": "own-name",
        "Arn": "arn:aws:lambda:us-east-1:123456789012:function:own-name",
        "Snapshots": "Off",
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
    assert lam.get_function(FunctionName="own-name")["Tags"] == {
        "aws:cloudformation:logical-id": "Function",
        "aws:cloudformation:stack-id": stack.described()["StackId"],
        "aws:cloudformation:stack-name": "stack",
        "cost": "low",
        "team": "a",
    }


def test_a_function_without_a_name_gets_one_from_its_stack(lab: Lab, lam: Any) -> None:
    first, second, third = (
        create(lab, function(), name).outputs["Function"] for name in ("one", "two", "s" * 100)
    )
    assert first.startswith("one-Function-")
    assert second.startswith("two-Function-")
    assert len(third) == 64
    assert invoke(lam, second, 1).value == [None, 1]


def test_code_of_a_stack_comes_from_s3_too(lab: Lab, lam: Any) -> None:
    lab.client("s3").create_bucket(Bucket="code")
    lab.client("s3").put_object(Bucket="code", Key="c.zip", Body=lab.zip({"index.py": CODE}))
    name = create(lab, function({"S3Bucket": "code", "S3Key": "c.zip"})).outputs["Function"]
    assert invoke(lam, name, 1).value == [None, 1]


def test_inline_code_may_import_cfnresponse(lab: Lab, lam: Any) -> None:
    code = "import cfnresponse\ndef handler(event, context):\n    return cfnresponse.SUCCESS\n"
    assert invoke(lam, create(lab, function(code)).outputs["Function"]).value == "SUCCESS"


@pytest.mark.parametrize(
    ("runtime", "files"),
    [
        ("nodejs24.x", {"index.js", "cfn-response.js"}),
        ("python3.14", {"index.py", "cfnresponse.py"}),
    ],
)
def test_inline_code_lies_in_a_file_for_its_runtime(
    runtime: str, files: set[str], lab: Lab, lam: Any
) -> None:
    names = [
        create(lab, function("// ü", Runtime=runtime), stack).outputs["Function"]
        for stack in ("one", "two")
    ]
    found = files_of(lam, names[0])
    assert found.keys() == files
    (code,) = (name for name in files if name.startswith("index."))
    assert found[code] == "// ü".encode()
    # The same code is the same package, whenever it is packed.
    one, two = (settings_of(lam, name)["CodeSha256"] for name in names)
    assert one == two


def test_an_update_of_the_stack_changes_code_and_settings_in_place(lab: Lab, lam: Any) -> None:
    stack = create(lab, function())
    name = stack.outputs["Function"]
    assert invoke(lam, name, 1).value == [None, 1]
    other = "def handler(event, context):\n    return 'other'\n"
    changed = function(other, Timeout=9, Environment={"Variables": {"GREETING": "hi"}})
    assert stack.update({"Function": changed}) == "UPDATE_COMPLETE"
    assert stack.outputs["Function"] == name
    assert invoke(lam, name).value == "other"
    found = settings_of(lam, name)
    assert (found["Timeout"], found["LastUpdateStatus"]) == (9, "Successful")
    assert found["Environment"] == {"Variables": {"GREETING": "hi"}}


def test_a_property_that_goes_away_has_its_default_again(lab: Lab, lam: Any) -> None:
    some = {
        "Timeout": 9, "MemorySize": 512, "Description": "d", "EphemeralStorage": {"Size": 600},
        "Environment": {"Variables": {"GREETING": "hi"}}, "TracingConfig": {"Mode": "Active"},
        "ReservedConcurrentExecutions": 7, "RecursiveLoop": "Allow",
        "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
        "Tags": [{"Key": "team", "Value": "a"}],
    }  # fmt: skip
    stack = create(lab, function(**some))
    name = stack.outputs["Function"]
    shown = [
        lambda: settings_of(lam, name)["Timeout"],
        lambda: settings_of(lam, name)["MemorySize"],
        lambda: settings_of(lam, name)["Description"],
        lambda: settings_of(lam, name)["EphemeralStorage"]["Size"],
        lambda: settings_of(lam, name).get("Environment", {}).get("Variables"),
        lambda: settings_of(lam, name)["TracingConfig"]["Mode"],
        lambda: lam.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions"),
        lambda: lam.get_function_recursion_config(FunctionName=name)["RecursiveLoop"],
        lambda: lam.get_runtime_management_config(FunctionName=name)["UpdateRuntimeOn"],
        lambda: lam.get_function(FunctionName=name)["Tags"].get("team"),
    ]
    assert [look() for look in shown] == [
        *(9, 512, "d", 600, {"GREETING": "hi"}, "Active", 7, "Allow", "FunctionUpdate", "a")
    ]
    assert stack.update({"Function": function()}) == "UPDATE_COMPLETE"
    found = [look() for look in shown]
    assert found[4] in (None, {})
    assert found[:4] + found[5:] == [
        *(3, 128, "", 512, "PassThrough", None, "Terminate", "Auto", None)
    ]
    assert "aws:cloudformation:stack-id" in lam.get_function(FunctionName=name)["Tags"]


def test_a_parameter_alone_changes_a_function(lab: Lab, lam: Any) -> None:
    stack = create(lab, function(Environment=PARAMETER), declared=GREETING)
    name = stack.outputs["Function"]
    assert invoke(lam, name, 1).value == ["hello", 1]
    sha = settings_of(lam, name)["CodeSha256"]
    lab.client("cloudformation").update_stack(
        StackName="stack", UsePreviousTemplate=True, Capabilities=CAPABILITIES,
        Parameters=[{"ParameterKey": "Greeting", "ParameterValue": "hi"}],
    )  # fmt: skip
    assert stack.status == "UPDATE_COMPLETE"
    assert invoke(lam, name, 1).value == ["hi", 1]
    assert settings_of(lam, name)["CodeSha256"] == sha


def test_an_update_without_a_change_leaves_a_function_alone(lab: Lab, lam: Any) -> None:
    stack = create(lab, function(Timeout=7))
    before = settings_of(lam, stack.outputs["Function"])
    # The same number, as a text.
    assert stack.update({"Function": function(Timeout="7")}) == "UPDATE_COMPLETE"
    assert settings_of(lam, stack.outputs["Function"]) == before


def test_another_architecture_needs_the_code_again(lab: Lab, lam: Any) -> None:
    stack = create(lab, function())
    assert stack.update({"Function": function(Architectures=["arm64"])}) == "UPDATE_COMPLETE"
    assert settings_of(lam, stack.outputs["Function"])["Architectures"] == ["arm64"]
    assert stack.update({"Function": function()}) == "UPDATE_COMPLETE"
    assert settings_of(lam, stack.outputs["Function"])["Architectures"] == ["x86_64"]


def test_a_function_with_another_name_is_another_function(lab: Lab, lam: Any) -> None:
    stack = create(lab, function(FunctionName="first"))
    assert stack.update({"Function": function(FunctionName="second")}) == "UPDATE_COMPLETE"
    assert stack.outputs["Function"] == "second"
    assert left(lab)["functions"] == ["second"]


def test_a_change_set_makes_a_function_as_deployment_tools_ask_for_it(lab: Lab, lam: Any) -> None:
    stacks = lab.client("cloudformation")
    options = {"StackName": "stack", "ChangeSetName": "first", "Capabilities": CAPABILITIES}
    body = template({"Function": function()})
    stacks.create_change_set(**options, ChangeSetType="CREATE", TemplateBody=body)
    assert lam.list_functions()["Functions"] == []
    stacks.execute_change_set(StackName="stack", ChangeSetName="first")
    stacks.get_waiter("stack_create_complete").wait(StackName="stack")
    assert invoke(lam, Stack(lab).outputs["Function"], 1).value == [None, 1]


def test_a_deleted_stack_takes_its_function_along(lab: Lab, lam: Any) -> None:
    code = "import os\ndef handler(event, context):\n    return os.getpid()\n"
    stack = create(lab, function(code))
    name = stack.outputs["Function"]
    pid = outside(lab, invoke(lam, name).value)
    stack.delete()
    lab.client("cloudformation").get_waiter("stack_delete_complete").wait(StackName="stack")
    assert refusal(lam.get_function, FunctionName=name).status == 404
    wait_until(lambda: gone(pid))
    assert create(lab, function()).outputs["Function"]  # and the name of the stack is free again


def test_a_function_deleted_by_hand_does_not_stop_the_deletion_of_its_stack(
    lab: Lab, lam: Any
) -> None:
    stack = create(lab, function())
    lam.delete_function(FunctionName=stack.outputs["Function"])
    stack.delete()
    assert left(lab) == NOTHING


def test_a_reset_forgets_stacks_and_a_new_one_works(lab: Lab, lam: Any) -> None:
    for _ in range(2):
        name = create(lab, function(FunctionName="same")).outputs["Function"]
        assert invoke(lam, name, 1).value == [None, 1]
        lab.reset()
        assert lab.client("cloudformation").list_stacks()["StackSummaries"] == []
        assert lam.list_functions()["Functions"] == []
