"""How stacks change: the order, what follows what, failures taken back, deletions that are refused.

Resources of moto's own stand beside Lambda's here: the order holds for all of them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.neighbours.stacks.order import in_order
from tests.engine import invoke, refusal
from tests.stacks import (
    CAPABILITIES,
    NOTHING,
    Stack,
    function,
    get,
    left,
    ref,
    resource,
    template,
)

ACCOUNT = "arn:aws:lambda:us-east-1:123456789012"
IMPORTING = "import x\ndef handler(event, context):\n    return x.name\n"


def layered(key: str, code: str = IMPORTING, **version: Any) -> dict[str, Any]:
    """A function with a layer, a version of it and an alias for that: a chain of references.

    What refers comes before what it refers to.
    """
    return {
        "Alias": resource(
            "Alias",
            {
                "FunctionName": ref("Function"),
                "Name": "live",
                "FunctionVersion": get("Version", "Version"),
            },
        ),
        "Version": resource("Version", {"FunctionName": ref("Function"), **version}),
        "Function": function(code, FunctionName="fn", Layers=[ref("Layer")]),
        "Layer": resource(
            "LayerVersion",
            {"LayerName": "layer", "Content": {"S3Bucket": "code", "S3Key": f"{key}.zip"}},
        ),
    }


@pytest.fixture
def stack(lab: Lab) -> Stack:
    """A stack that is not made yet, and packages for layers."""
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="code")
    for key in ("one", "two", "three"):
        package = lab.zip({"python/x.py": f"name = '{key}'"})
        s3.put_object(Bucket="code", Key=f"{key}.zip", Body=package)
    return Stack(lab)


def versions(lam: Any) -> list[str]:
    found = lam.list_versions_by_function(FunctionName="fn")["Versions"]
    return [one["Version"] for one in found]


def layer_versions(lam: Any) -> list[int]:
    return [one["Version"] for one in lam.list_layer_versions(LayerName="layer")["LayerVersions"]]


# ---- updates


def test_what_refers_to_a_replaced_resource_follows_it(stack: Stack, lam: Any) -> None:
    assert stack.create(layered("one")) == "CREATE_COMPLETE"
    assert invoke(lam, f"{ACCOUNT}:function:fn:live").value == "one"
    # Only the layer and the version are other in the template.
    assert stack.update(layered("two", Description="second")) == "UPDATE_COMPLETE"
    assert invoke(lam, f"{ACCOUNT}:function:fn:live").value == "two"
    assert (versions(lam), layer_versions(lam)) == (["$LATEST", "2"], [2])
    assert stack.outputs == {
        "Alias": f"{ACCOUNT}:function:fn:live",
        "Version": f"{ACCOUNT}:function:fn:2",
        "Function": "fn",
        "Layer": f"{ACCOUNT}:layer:layer:2",
    }


def test_resources_come_and_go_with_the_template(stack: Stack, lab: Lab, lam: Any) -> None:
    everything = layered("one")
    assert stack.create({"Function": function(FunctionName="fn")}) == "CREATE_COMPLETE"
    assert stack.update(everything) == "UPDATE_COMPLETE"
    assert (versions(lam), layer_versions(lam)) == (["$LATEST", "1"], [1])
    assert stack.update({"Function": function(FunctionName="fn")}) == "UPDATE_COMPLETE"
    assert (versions(lam), layer_versions(lam)) == (["$LATEST"], [])
    assert lam.list_aliases(FunctionName="fn")["Aliases"] == []
    assert stack.resources.keys() == {"Role", "Function"}
    # What has gone may come back.
    assert stack.update(layered("two")) == "UPDATE_COMPLETE"
    assert invoke(lam, f"{ACCOUNT}:function:fn:live").value == "two"


def test_a_version_under_a_new_name_takes_the_place_of_the_old_one(stack: Stack, lam: Any) -> None:
    # As deployment tools publish: the logical id tells of the code.
    before = layered("one")
    assert stack.create(before) == "CREATE_COMPLETE"
    after = layered("two")
    after["VersionB"] = after.pop("Version")
    after["Alias"]["Properties"]["FunctionVersion"] = get("VersionB", "Version")
    assert stack.update(after) == "UPDATE_COMPLETE"
    assert versions(lam) == ["$LATEST", "2"]
    assert lam.get_alias(FunctionName="fn", Name="live")["FunctionVersion"] == "2"


def test_a_condition_makes_a_resource_and_takes_it_away(stack: Stack, lab: Lab) -> None:
    client = lab.client("cloudformation")

    def body(wanted: str) -> dict[str, Any]:
        return {
            "StackName": "stack",
            "TemplateBody": json.dumps(
                {
                    "Parameters": {"Wanted": {"Type": "String", "Default": "no"}},
                    "Conditions": {"IsWanted": {"Fn::Equals": [ref("Wanted"), "yes"]}},
                    "Resources": {
                        "Always": resource("AWS::SQS::Queue", {"QueueName": "always"}),
                        "Perhaps": resource(
                            "AWS::SQS::Queue", {"QueueName": "perhaps"}, Condition="IsWanted"
                        ),
                    },
                }
            ),
            "Parameters": [{"ParameterKey": "Wanted", "ParameterValue": wanted}],
        }

    client.create_stack(**body("no"))
    for wanted in ("yes", "no", "yes"):
        client.update_stack(**body(wanted))
        names = [url.rpartition("/")[2] for url in left(lab)["queues"]]
        assert names == (["always", "perhaps"] if wanted == "yes" else ["always"])
        assert stack.resources.keys() == ({"Always", "Perhaps"} if wanted == "yes" else {"Always"})


def test_what_is_to_be_kept_stays_when_its_stack_gives_it_up(stack: Stack, lam: Any) -> None:
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    before, after = layered("one"), layered("two", Description="second")
    for resources in (before, after):
        resources["Version"] |= kept
        resources["Layer"] |= kept
    assert stack.create(before) == "CREATE_COMPLETE"
    assert stack.update(after) == "UPDATE_COMPLETE"
    assert (versions(lam), layer_versions(lam)) == (["$LATEST", "1", "2"], [2, 1])
    without = {"Function": function(IMPORTING, FunctionName="fn")}
    assert stack.update(without) == "UPDATE_COMPLETE"
    assert (versions(lam), layer_versions(lam)) == (["$LATEST", "1", "2"], [2, 1])


def test_another_type_under_the_same_name_is_no_update(stack: Stack, lab: Lab) -> None:
    assert stack.create({"X": resource("AWS::SQS::Queue")}) == "CREATE_COMPLETE"
    body = template({"X": resource("AWS::SNS::Topic")})
    found = refusal(
        lab.client("cloudformation").update_stack,
        StackName="stack", TemplateBody=body, Capabilities=CAPABILITIES,
    )  # fmt: skip
    assert found.message == (
        "Update of resource type is not permitted. The new template modifies resource type of the "
        "following resources: [X]"
    )
    assert len(left(lab)["queues"]) == 1


# ---- failures


def test_an_update_that_fails_is_taken_back(stack: Stack, lab: Lab, lam: Any) -> None:
    queue = resource("AWS::SQS::Queue", {"QueueName": "new"})
    before = layered("one")
    before["Old"] = resource("AWS::SQS::Queue", {"QueueName": "old"})
    assert stack.create(before) == "CREATE_COMPLETE"
    outputs, there = stack.outputs, left(lab)
    settings = lam.get_function_configuration(FunctionName="fn")
    after = {"New": queue, **layered("two", Description="second")}
    after["Function"]["Properties"] |= {"Timeout": 9, "ReservedConcurrentExecutions": 5}
    after["Alias"]["Properties"]["Description"] = "d" * 300
    assert stack.update(after) == "UPDATE_ROLLBACK_COMPLETE"
    ((name, status, reason),) = stack.failures
    assert (name, status) == ("Alias", "UPDATE_FAILED")
    assert "at 'description' failed to satisfy constraint: Member must have length" in reason
    text = "The following resource(s) failed to update: [Alias]."
    assert stack.described()["StackStatusReason"] == text
    assert (stack.outputs, left(lab)) == (outputs, there)
    assert (versions(lam), layer_versions(lam)) == (["$LATEST", "1"], [1])
    assert invoke(lam, f"{ACCOUNT}:function:fn:live").value == "one"
    now = lam.get_function_configuration(FunctionName="fn")
    changing = ("RevisionId", "LastModified", "ResponseMetadata")
    assert [now.pop(one) and settings.pop(one) for one in changing]
    assert now == settings
    assert "ReservedConcurrentExecutions" not in lam.get_function_concurrency(FunctionName="fn")
    # The stack is well: the next update comes through.
    assert stack.update(layered("three", Description="third")) == "UPDATE_COMPLETE"
    assert "StackStatusReason" not in stack.described()
    assert invoke(lam, f"{ACCOUNT}:function:fn:live").value == "three"


def test_half_a_change_of_a_function_is_taken_back(stack: Stack, lam: Any) -> None:
    assert stack.create({"Function": function(FunctionName="fn")}) == "CREATE_COMPLETE"
    # The settings are accepted, the code is not.
    none = {"S3Bucket": "code", "S3Key": "none"}
    other = {"Function": function(none, FunctionName="fn", Timeout=9)}
    assert stack.update(other) == "UPDATE_ROLLBACK_COMPLETE"
    assert lam.get_function_configuration(FunctionName="fn")["Timeout"] == 3
    assert invoke(lam, "fn", 1).value == [None, 1]


def test_what_another_service_refuses_fails_a_stack_as_well(stack: Stack, lab: Lab) -> None:
    resources = {
        "Function": function(),
        "Role2": resource("AWS::IAM::Policy", {
            "PolicyName": "p", "Roles": ["nobody"],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]},
        }, DependsOn="Function"),
    }  # fmt: skip
    assert stack.create(resources) == "ROLLBACK_COMPLETE"
    ((name, _, reason),) = stack.failures
    assert name == "Role2"
    assert "(Service: IAM, Status Code: 400" in reason
    assert left(lab) == NOTHING


def test_a_failed_stack_keeps_its_name_until_it_is_deleted(stack: Stack, lab: Lab) -> None:
    assert stack.create({"Function": function(Timeout=0)}) == "ROLLBACK_COMPLETE"
    client = lab.client("cloudformation")
    body = {"StackName": "stack", "TemplateBody": template({"Function": function()})}
    assert refusal(client.create_stack, **body).code == "AlreadyExistsException"
    assert "can not be updated" in refusal(client.update_stack, **body).message
    stack.delete()
    assert stack.create({"Function": function()}) == "CREATE_COMPLETE"


def test_a_wrong_template_makes_no_stack_and_leaves_nothing(stack: Stack, lab: Lab) -> None:
    resources = {"Function": function(), "Queue": resource("AWS::SQS::Queue", {
        "QueueName": {"Fn::GetAtt": ["Function", "Nothing"]}})}  # fmt: skip
    found = refusal(
        lab.client("cloudformation").create_stack,
        StackName="stack", TemplateBody=template(resources), Capabilities=CAPABILITIES,
    )  # fmt: skip
    assert found.code == "ValidationError"
    assert lab.client("cloudformation").describe_stacks()["Stacks"] == []
    assert left(lab) == NOTHING


def test_exports_of_a_failed_stack_are_forgotten(stack: Stack, lab: Lab) -> None:
    client = lab.client("cloudformation")

    def body(timeout: int) -> dict[str, Any]:
        made = json.loads(template({"Function": function(Timeout=timeout)}))
        made["Outputs"]["Function"]["Export"] = {"Name": "function"}
        return {"TemplateBody": json.dumps(made), "Capabilities": CAPABILITIES}

    client.create_stack(StackName="stack", **body(0))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert client.list_exports()["Exports"] == []
    client.create_stack(StackName="other", **body(3))
    (export,) = client.list_exports()["Exports"]
    assert export["Name"] == "function"


def test_a_change_set_that_fails_is_taken_back(stack: Stack, lab: Lab) -> None:
    client = lab.client("cloudformation")

    def execute(kind: str, **properties: Any) -> str:
        body = template({"Function": function(FunctionName="fn", **properties)})
        client.create_change_set(
            StackName="stack", ChangeSetName=f"set-{kind}-{len(properties)}", ChangeSetType=kind,
            TemplateBody=body, Capabilities=CAPABILITIES,
        )  # fmt: skip
        name = f"set-{kind}-{len(properties)}"
        client.execute_change_set(StackName="stack", ChangeSetName=name)
        return str(
            client.describe_change_set(StackName="stack", ChangeSetName=name)["ExecutionStatus"]
        )

    assert execute("CREATE", Timeout=0) == "EXECUTE_FAILED"
    assert stack.status == "ROLLBACK_COMPLETE"
    assert left(lab) == NOTHING
    stack.delete()
    assert execute("CREATE") == "EXECUTE_COMPLETE"
    assert execute("UPDATE", Timeout=0) == "EXECUTE_FAILED"
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert left(lab)["functions"] == ["fn"]
    assert stack.outputs == {"Function": "fn"}


def test_a_nested_stack_that_fails_fails_the_outer_one(stack: Stack, lab: Lab) -> None:
    for key, timeout in (("good", 3), ("bad", 0)):
        body = template({"Function": function(Timeout=timeout)})
        lab.client("s3").put_object(Bucket="code", Key=key, Body=body.encode())

    def nested(key: str) -> dict[str, Any]:
        url = f"https://code.s3.amazonaws.com/{key}"
        return {"Inner": resource("AWS::CloudFormation::Stack", {"TemplateURL": url})}

    assert stack.create(nested("bad")) == "ROLLBACK_COMPLETE"
    ((name, _, reason),) = stack.failures
    assert name == "Inner"
    assert "was not successfully created: The following resource(s) failed to create" in reason
    (outer,) = lab.client("cloudformation").describe_stacks()["Stacks"]
    assert outer["StackName"] == "stack"
    assert left(lab) == NOTHING
    stack.delete()
    assert stack.create(nested("good")) == "CREATE_COMPLETE"
    assert len(left(lab)["functions"]) == 1
    stack.delete()
    assert left(lab) == NOTHING


# ---- deletions


def test_a_deletion_that_is_refused_can_be_asked_for_again(
    stack: Stack, lab: Lab, lam: Any, make_function: Any
) -> None:
    publishers = {"SigningProfileVersionArns": [
        "arn:aws:signer:us-east-1:123456789012:/signing-profiles/profile/abcdefghij"]}  # fmt: skip
    signing = resource("CodeSigningConfig", {"AllowedPublishers": publishers})
    assert stack.create({"Function": function(), "Signing": signing}) == "CREATE_COMPLETE"
    used = stack.outputs["Signing"]
    name = make_function(CodeSigningConfigArn=used)
    stack.delete()
    assert stack.status == "DELETE_FAILED"
    ((failed, status, reason),) = stack.failures
    assert (failed, status) == ("Signing", "DELETE_FAILED")
    assert used in reason
    assert left(lab)["functions"] == [name]
    lam.delete_function(FunctionName=name)
    stack.delete()
    assert left(lab)["signing"] == []
    assert lab.client("cloudformation").describe_stacks()["Stacks"] == []


def test_an_update_holds_although_what_it_gives_up_refuses_to_go(
    stack: Stack, lab: Lab, lam: Any
) -> None:
    assert stack.create(layered("one")) == "CREATE_COMPLETE"
    lam.create_alias(FunctionName="fn", Name="mine", FunctionVersion="1")
    resources = layered("one")
    del resources["Version"], resources["Alias"]
    assert stack.update(resources) == "UPDATE_COMPLETE"
    ((name, status, reason),) = stack.failures
    assert (name, status) == ("Version", "DELETE_FAILED")
    assert "mine" in reason
    assert versions(lam) == ["$LATEST", "1"]


def test_looking_at_a_stack_that_is_gone_makes_nothing(stack: Stack, lab: Lab) -> None:
    assert stack.create({"Function": function()}) == "CREATE_COMPLETE"
    identifier = stack.described()["StackId"]
    stack.delete()
    found = stack.described(identifier)
    assert (found["StackStatus"], found.get("Outputs", [])) == ("DELETE_COMPLETE", [])
    client = lab.client("cloudformation")
    assert client.describe_stack_resources(StackName=identifier)["StackResources"] == []
    assert left(lab) == NOTHING


# ---- the order


@pytest.mark.parametrize(
    ("needs", "order"),
    [
        ({"A": ref("B"), "B": None}, ["B", "A"]),
        ({"A": get("B", "Arn"), "B": {"Fn::GetAtt": "C.Arn"}, "C": None}, ["C", "B", "A"]),
        ({"A": {"Fn::Sub": "${B}-${C.Arn}-${!D}"}, "D": None, "C": None, "B": None},
         ["B", "C", "A", "D"]),
        ({"A": {"Fn::Sub": ["${x}", {"x": [ref("B")]}]}, "B": None}, ["B", "A"]),
        ({"A": {"Fn::Join": ["", ["x", {"Fn::Base64": ref("B")}]]}, "B": None}, ["B", "A"]),
        ({"A": ref("AWS::Region"), "B": ref("Parameter")}, ["A", "B"]),
        # Nobody can make these; but nobody waits for ever either.
        ({"A": ref("B"), "B": ref("A")}, ["B", "A"]),
    ],
)  # fmt: skip
def test_what_is_needed_comes_first(needs: dict[str, Any], order: list[str]) -> None:
    resources = {name: {"Type": "T", "Properties": {"p": one}} for name, one in needs.items()}
    assert in_order(resources) == order


@pytest.mark.parametrize("named", ["B", ["B", "C"]])
def test_what_is_depended_on_comes_first(named: Any) -> None:
    resources = {"A": {"Type": "T", "DependsOn": named}, "C": {"Type": "T"}, "B": {"Type": "T"}}
    assert in_order(resources)[0] == "B"
    assert in_order(resources)[-1] == ("A" if named != "B" else "C")
