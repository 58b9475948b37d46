"""What becomes of stacks, and what they tell of it: events, failures, exports, nested stacks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lambdalab import Lab
from tests.conftest import StartLab
from tests.engine import RUNTIME, refusal, wait_until
from tests.stacks import ROLE

Json = dict[str, Any]

TOPIC: Json = {"Type": "AWS::SNS::Topic"}
# A real type that nothing here makes.
UNMADE: Json = {"Type": "AWS::AppSync::Api", "Properties": {"Name": "api"}}
CHANGE = {"ChangeSetName": "change"}


def topic(name: str, **more: Any) -> Json:
    return {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}, **more}


def body(resources: Json, **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


class Stage:
    """The stacks of a lab, as these tests speak of them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.cfn: Any = lab.client("cloudformation")

    def create(self, resources: Json, name: str = "stack", **options: Any) -> str:
        sections = options.pop("sections", {})
        template = body(resources, **sections)
        self.cfn.create_stack(StackName=name, TemplateBody=template, **options)
        return self.status(name)

    def update(self, resources: Json, name: str = "stack", **options: Any) -> str:
        sections = options.pop("sections", {})
        template = body(resources, **sections)
        self.cfn.update_stack(StackName=name, TemplateBody=template, **options)
        return self.status(name)

    def told(self, name: str = "stack") -> Json:
        found: Json = self.cfn.describe_stacks(StackName=name)["Stacks"][0]
        return found

    def status(self, name: str = "stack") -> str:
        return str(self.told(name)["StackStatus"])

    def events(self, name: str = "stack") -> list[tuple[str, str]]:
        """Who has come to which state, the oldest first."""
        found = self.cfn.describe_stack_events(StackName=name)["StackEvents"]
        return [(one["LogicalResourceId"], one["ResourceStatus"]) for one in reversed(found)]

    def event(self, who: str, status: str, name: str = "stack") -> Json:
        found = self.cfn.describe_stack_events(StackName=name)["StackEvents"]
        told: Json = next(
            one
            for one in found
            if (one["LogicalResourceId"], one["ResourceStatus"]) == (who, status)
        )
        return told

    @property
    def topics(self) -> list[str]:
        found = self.lab.client("sns").list_topics()["Topics"]
        return sorted(one["TopicArn"].rpartition(":")[2] for one in found)

    def put(self, key: str, template: str) -> str:
        """A template in S3; gives its address."""
        s3 = self.lab.client("s3")
        s3.create_bucket(Bucket="templates")
        s3.put_object(Bucket="templates", Key=key, Body=template.encode())
        return f"https://templates.s3.us-east-1.amazonaws.com/{key}"


@pytest.fixture
def stage(lab: Lab) -> Stage:
    return Stage(lab)


# ---- events


def test_a_creation_tells_of_every_step(stage: Stage) -> None:
    assert stage.create({"B": topic("b", DependsOn="A"), "A": topic("a")}) == "CREATE_COMPLETE"
    steps = ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert stage.events() == [
        ("stack", "CREATE_IN_PROGRESS"),
        *(("A", step) for step in steps),
        *(("B", step) for step in steps),
        ("stack", "CREATE_COMPLETE"),
    ]
    assert stage.event("stack", "CREATE_IN_PROGRESS")["ResourceStatusReason"] == "User Initiated"
    initiated = stage.event("A", "CREATE_IN_PROGRESS")
    assert initiated["ResourceStatusReason"] == "Resource creation Initiated"
    assert initiated["PhysicalResourceId"] == "arn:aws:sns:us-east-1:123456789012:a"
    assert json.loads(initiated["ResourceProperties"]) == {"TopicName": "a"}
    assert initiated["EventId"].startswith("A-CREATE_IN_PROGRESS-")


def test_an_update_tells_of_what_changes_and_cleans_up_last(stage: Stage) -> None:
    stage.create({"A": topic("a"), "B": topic("b"), "C": topic("c")})
    before = len(stage.events())
    changed = {**topic("a"), "Properties": {"TopicName": "a", "DisplayName": "x"}}
    assert stage.update({"A": changed, "B": topic("other")}) == "UPDATE_COMPLETE"
    assert stage.events()[before:] == [
        ("stack", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_COMPLETE"),
        ("B", "UPDATE_IN_PROGRESS"),
        ("B", "UPDATE_IN_PROGRESS"),
        ("B", "UPDATE_COMPLETE"),
        ("stack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("C", "DELETE_IN_PROGRESS"),
        ("C", "DELETE_COMPLETE"),
        ("B", "DELETE_IN_PROGRESS"),
        ("B", "DELETE_COMPLETE"),
        ("stack", "UPDATE_COMPLETE"),
    ]
    assert stage.event("B", "UPDATE_IN_PROGRESS")["ResourceStatusReason"].startswith(
        "Requested update requires the creation of a new physical resource"
    )
    assert stage.topics == ["a", "other"]
    found = stage.cfn.list_stack_resources(StackName="stack")["StackResourceSummaries"]
    states = {one["LogicalResourceId"]: one["ResourceStatus"] for one in found}
    assert states == {"A": "UPDATE_COMPLETE", "B": "UPDATE_COMPLETE"}


def test_a_failed_update_goes_back_before_it_cleans_up(stage: Stage) -> None:
    stage.create({"A": topic("a")})
    before = len(stage.events())
    changed = {**topic("a"), "Properties": {"TopicName": "a", "DisplayName": "x"}}
    after = {"A": changed, "N": topic("n"), "X": {**UNMADE, "DependsOn": "N"}}
    assert stage.update(after) == "UPDATE_ROLLBACK_COMPLETE"
    assert stage.events()[before:] == [
        ("stack", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_COMPLETE"),
        ("N", "CREATE_IN_PROGRESS"),
        ("N", "CREATE_IN_PROGRESS"),
        ("N", "CREATE_COMPLETE"),
        ("X", "CREATE_IN_PROGRESS"),
        ("X", "CREATE_FAILED"),
        ("stack", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("A", "UPDATE_IN_PROGRESS"),
        ("A", "UPDATE_COMPLETE"),
        ("stack", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("N", "DELETE_IN_PROGRESS"),
        ("N", "DELETE_COMPLETE"),
        ("stack", "UPDATE_ROLLBACK_COMPLETE"),
    ]
    assert stage.told()["StackStatusReason"] == "The following resource(s) failed to create: [X]."
    assert stage.topics == ["a"]


# ---- failures


def test_a_type_that_nothing_makes_fails_by_its_name(stage: Stage) -> None:
    assert stage.create({"A": topic("a"), "X": UNMADE}) == "ROLLBACK_COMPLETE"
    assert stage.event("X", "CREATE_FAILED")["ResourceStatusReason"] == (
        "Lambda Lab does not act on the resource type AWS::AppSync::Api yet."
    )
    assert stage.told()["StackStatusReason"] == (
        "The following resource(s) failed to create: [X]. Rollback requested by user."
    )
    assert stage.topics == []


@pytest.mark.parametrize(
    ("options", "status", "topics"),
    [
        ({}, "ROLLBACK_COMPLETE", []),
        ({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", []),
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", ["a"]),
        ({"DisableRollback": True}, "CREATE_FAILED", ["a"]),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE", []),
    ],
)
def test_a_failed_creation_ends_as_its_creator_wants(
    options: Json, status: str, topics: list[str], stage: Stage
) -> None:
    made = stage.cfn.create_stack(
        StackName="stack",
        TemplateBody=body({"A": topic("a"), "X": {**UNMADE, "DependsOn": "A"}}),
        **options,
    )
    assert (stage.status(made["StackId"]), stage.topics) == (status, topics)
    stage.cfn.delete_stack(StackName="stack")
    assert (stage.cfn.describe_stacks()["Stacks"], stage.topics) == ([], [])


def test_a_stack_that_never_was_made_cannot_be_changed(stage: Stage) -> None:
    sections = {"Outputs": {"O": {"Value": {"Ref": "A"}}}}
    template = {"A": topic("a"), "X": {**UNMADE, "DependsOn": "A"}}
    assert stage.create(template, sections=sections) == "ROLLBACK_COMPLETE"
    wish = {"StackName": "stack", "TemplateBody": body(template, **sections)}
    for act, more in ((stage.cfn.update_stack, {}), (stage.cfn.create_change_set, CHANGE)):
        found = refusal(act, **wish, **more)
        assert found.code == "ValidationError"
        assert found.message.endswith("is in ROLLBACK_COMPLETE state and can not be updated.")
    told = stage.told()
    assert told["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    assert told["RollbackConfiguration"] == {}
    # Nor is there a way back for one that was left half made.
    options = {"sections": sections, "DisableRollback": True}
    assert stage.create(template, "half", **options) == "CREATE_FAILED"
    assert stage.told("half")["DisableRollback"]
    assert refusal(stage.update, resources=template, name="half").code == "ValidationError"
    assert stage.status("half") == "CREATE_FAILED"


def test_a_failed_update_may_stay_as_it_is_and_go_on(stage: Stage) -> None:
    stage.create({"A": topic("a")})
    wrong = {"A": topic("a"), "N": topic("n"), "X": {**UNMADE, "DependsOn": "N"}}
    assert stage.update(wrong, DisableRollback=True) == "UPDATE_FAILED"
    assert stage.topics == ["a", "n"]
    right = {"A": topic("a"), "N": topic("n")}
    found = refusal(stage.update, resources=right)
    assert found.code == "ValidationError"
    assert "is currently in a non-terminal [UPDATE_FAILED] state." in found.message
    assert stage.update(right, DisableRollback=True) == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("policy", "rolled_back", "deleted"),
    [
        ("Delete", [], []),
        ("Retain", ["a"], ["a"]),
        ("RetainExceptOnCreate", [], ["a"]),
    ],
)
def test_what_is_to_be_kept_is_kept(
    policy: str, rolled_back: list[str], deleted: list[str], stage: Stage
) -> None:
    kept = topic("a", DeletionPolicy=policy)
    stage.create({"A": kept, "X": {**UNMADE, "DependsOn": "A"}}, "failed")
    assert stage.topics == rolled_back
    if rolled_back:
        assert ("A", "DELETE_SKIPPED") in stage.events("failed")
        stage.lab.client("sns").delete_topic(TopicArn="arn:aws:sns:us-east-1:123456789012:a")
    assert stage.create({"A": kept}) == "CREATE_COMPLETE"
    identifier = stage.told()["StackId"]
    stage.cfn.delete_stack(StackName="stack")
    assert stage.topics == deleted
    assert (("A", "DELETE_SKIPPED") in stage.events(identifier)) is bool(deleted)


def test_a_replaced_resource_is_kept_by_its_own_policy(stage: Stage) -> None:
    stage.create({"A": topic("a", UpdateReplacePolicy="Retain")})
    assert stage.update({"A": topic("b", UpdateReplacePolicy="Retain")}) == "UPDATE_COMPLETE"
    assert stage.topics == ["a", "b"]
    assert ("A", "DELETE_SKIPPED") in stage.events()


def test_a_deletion_that_fails_may_leave_out_what_refuses(stage: Stage) -> None:
    assert stage.create({"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "bucket"}},
                         "A": topic("a")}) == "CREATE_COMPLETE"  # fmt: skip
    stage.lab.client("s3").put_object(Bucket="bucket", Key="k", Body=b"x")
    stage.cfn.delete_stack(StackName="stack")
    assert stage.status() == "DELETE_FAILED"
    assert stage.told()["StackStatusReason"] == (
        "The following resource(s) failed to delete: [B]. "
    )
    assert stage.topics == []
    stage.cfn.delete_stack(StackName="stack", RetainResources=["B"])
    assert stage.cfn.describe_stacks()["Stacks"] == []
    assert [one["Name"] for one in stage.lab.client("s3").list_buckets()["Buckets"]] == ["bucket"]


def test_a_stack_may_be_protected_from_its_deletion(stage: Stage) -> None:
    stage.create({"A": topic("a")}, EnableTerminationProtection=True)
    found = refusal(stage.cfn.delete_stack, StackName="stack")
    assert found.message == (
        "Stack [stack] cannot be deleted while TerminationProtection is enabled"
    )
    stage.cfn.update_termination_protection(StackName="stack", EnableTerminationProtection=False)
    stage.cfn.delete_stack(StackName="stack")
    assert stage.topics == []


# ---- requests


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"StackName": "*_$"}, "ValidationError", "validation error detected: Value '*_$' at 'st"),
        ({"TimeoutInMinutes": 3}, "NotImplementedException", "TimeoutInMinutes of CreateStack"),
        ({"StackPolicyBody": "{}"}, "NotImplementedException", "StackPolicyBody of CreateStack"),
        ({"ResourceTypes": ["AWS::EC2::*"]}, "ValidationError",
         "Resource type AWS::SNS::Topic is not allowed by parameter ResourceTypes [AWS::EC2::*]"),
        ({"RoleARN": "arn:aws:iam::123456789012:role/none"}, "ValidationError",
         "Role arn:aws:iam::123456789012:role/none is invalid or cannot be assumed"),
        ({"DisableRollback": True, "OnFailure": "DELETE"}, "ValidationError", "Either Disable"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(given: Json, code: str, message: str, stage: Stage) -> None:
    wanted = {"StackName": "stack", "TemplateBody": body({"A": TOPIC}), **given}
    found = refusal(stage.cfn.create_stack, **wanted)
    assert (found.code, message in found.message) == (code, True), found.message
    assert stage.topics == []


def test_a_value_may_be_that_of_before(stage: Stage) -> None:
    sections = {"Parameters": {"P": {"Type": "String"}, "D": {"Type": "String", "Default": "d"}}}
    resources = {"A": topic({"Fn::Sub": "${P}${D}"})}
    given = [{"ParameterKey": "P", "ParameterValue": "a"}]
    stage.create(resources, sections=sections, Parameters=given)
    again = [{"ParameterKey": "P", "UsePreviousValue": True}]
    named = {"StackName": "stack", "UsePreviousTemplate": True}
    found = refusal(stage.cfn.update_stack, **named, Parameters=again)
    assert found.message == "No updates are to be performed."
    stage.cfn.update_stack(
        **named, Parameters=[*again, {"ParameterKey": "D", "ParameterValue": "e"}]
    )
    assert stage.topics == ["ae"]
    assert "must have values" in refusal(stage.cfn.update_stack, **named).message


# ---- exports


def exporting(name: str, value: str) -> Json:
    return {"Outputs": {"O": {"Value": value, "Export": {"Name": name}}}}


def test_what_is_imported_stays(stage: Stage) -> None:
    assert stage.create({"A": topic("a")}, "giver", sections=exporting("shared", "one")) == (
        "CREATE_COMPLETE"
    )
    assert refusal(stage.cfn.list_imports, ExportName="shared").message == (
        "Export 'shared' is not imported by any stack."
    )
    taking = {"T": topic({"Fn::ImportValue": "shared"})}
    assert stage.create(taking, "taker") == "CREATE_COMPLETE"
    assert "one" in stage.topics
    assert stage.cfn.list_imports(ExportName="shared")["Imports"] == ["taker"]
    changed = exporting("shared", "two")
    assert stage.update({"A": topic("a")}, "giver", sections=changed) == "UPDATE_ROLLBACK_COMPLETE"
    assert stage.told("giver")["StackStatusReason"] == (
        "Export shared cannot be updated as it is in use by taker"
    )
    stage.cfn.delete_stack(StackName="giver")
    assert stage.told("giver")["StackStatusReason"] == (
        "Export shared cannot be deleted as it is in use by taker"
    )
    stage.cfn.delete_stack(StackName="taker")
    stage.cfn.delete_stack(StackName="giver")
    assert (stage.topics, stage.cfn.list_exports()["Exports"]) == ([], [])


def test_an_export_belongs_to_one_stack(stage: Stage) -> None:
    stage.create({"A": topic("a")}, "one", sections=exporting("shared", "x"))
    assert stage.create({"B": topic("b")}, "two", sections=exporting("shared", "y")) == (
        "ROLLBACK_COMPLETE"
    )
    assert stage.told("two")["StackStatusReason"] == (
        "Export with name shared is already exported by stack one. Rollback requested by user."
    )
    assert [one["Value"] for one in stage.cfn.list_exports()["Exports"]] == ["x"]
    (output,) = stage.told("one")["Outputs"]
    assert output["ExportName"] == "shared"


def test_an_update_may_export_more(stage: Stage) -> None:
    stage.create({"A": topic("a")})
    stage.update({"A": topic("a")}, sections=exporting("shared", "x"))
    assert [one["Name"] for one in stage.cfn.list_exports()["Exports"]] == ["shared"]


def test_what_nobody_exports_fails_a_stack_before_anything_is_made(stage: Stage) -> None:
    wanted = {"A": topic("a"), "T": topic({"Fn::ImportValue": "none"})}
    assert stage.create(wanted) == "ROLLBACK_COMPLETE"
    assert stage.told()["StackStatusReason"] == (
        "No export named none found. Rollback requested by user."
    )
    assert [who for who, _ in stage.events()] == ["stack"] * 3


# ---- change sets


def change_set(stage: Stage, name: str, template: str, **options: Any) -> Json:
    stage.cfn.create_change_set(
        StackName="stack", ChangeSetName=name, TemplateBody=template, **options
    )
    found: Json = stage.cfn.describe_change_set(StackName="stack", ChangeSetName=name)
    return found


def test_a_change_set_tells_what_would_change(stage: Stage) -> None:
    parameters = {"P": {"Type": "String", "Default": "x"}}
    sections = {"Parameters": parameters, "Conditions": {"C": {"Fn::Equals": [{"Ref": "P"}, "y"]}}}
    named = topic({"Ref": "P"})
    first = {"A": named, "B": topic("b"), "D": topic("d", Condition="C")}
    stage.create(first, sections=sections)
    given = [{"ParameterKey": "P", "ParameterValue": "y"}]
    shown = {"TopicName": "e", "DisplayName": "E"}
    after = {"A": named, "D": topic("d", Condition="C"), "E": {**TOPIC, "Properties": shown}}
    found = change_set(stage, "one", body(after, **sections), Parameters=given)
    told = [one["ResourceChange"] for one in found["Changes"]]
    assert [(one["Action"], one["LogicalResourceId"]) for one in told] == [
        ("Modify", "A"), ("Remove", "B"), ("Add", "D"), ("Add", "E"),
    ]  # fmt: skip
    assert (told[0]["Replacement"], told[0]["Scope"]) == ("True", ["Properties"])
    assert told[0]["Details"][0]["Target"] == {
        "Attribute": "Properties", "Name": "TopicName", "RequiresRecreation": "Always",
    }  # fmt: skip
    assert stage.topics == ["b", "x"]
    stage.cfn.execute_change_set(StackName="stack", ChangeSetName="one")
    assert (stage.topics, stage.status()) == (["d", "e", "y"], "UPDATE_COMPLETE")
    again = refusal(stage.cfn.execute_change_set, StackName="stack", ChangeSetName="one")
    assert again.code == "InvalidChangeSetStatus"


def test_a_change_set_without_changes_has_failed(stage: Stage) -> None:
    stage.create({"A": topic("a")})
    found = change_set(stage, "none", body({"A": topic("a")}))
    assert (found["Status"], found["ExecutionStatus"], found["Changes"]) == (
        "FAILED", "UNAVAILABLE", [],
    )  # fmt: skip
    assert found["StatusReason"].startswith("The submitted information didn't contain changes.")
    refused = refusal(stage.cfn.execute_change_set, StackName="stack", ChangeSetName="none")
    assert refused.message.endswith("cannot be executed in its current status of [FAILED]")


def test_change_sets_that_are_not_there_are_named(stage: Stage) -> None:
    stage.create({"A": topic("a")})
    describe = stage.cfn.describe_change_set
    found = refusal(describe, StackName="stack", ChangeSetName="none")
    assert (found.code, found.message) == (
        "ChangeSetNotFound", "ChangeSet [none] does not exist",
    )  # fmt: skip
    assert refusal(describe, StackName="none", ChangeSetName="x").message == (
        "Stack [none] does not exist"
    )
    assert refusal(describe, ChangeSetName="x").message == (
        "StackName must be specified if ChangeSetName is not specified as an ARN."
    )
    create = stage.cfn.create_change_set
    given = {"ChangeSetName": "c", "TemplateBody": body({"A": TOPIC})}
    assert refusal(create, StackName="none", **given).message == "Stack [none] does not exist"
    found = refusal(create, StackName="stack", ChangeSetType="CREATE", **given)
    assert found.message == (
        "Stack [stack] already exists and cannot be created again with the changeSet [c]."
    )


def test_a_stack_in_review_may_be_created(stage: Stage) -> None:
    change_set(stage, "first", body({"A": topic("a")}), ChangeSetType="CREATE")
    assert stage.status() == "REVIEW_IN_PROGRESS"
    assert (
        "REVIEW_IN_PROGRESS" in refusal(stage.cfn.get_template_summary, StackName="stack").message
    )
    assert stage.create({"B": topic("b")}) == "CREATE_COMPLETE"
    found = stage.cfn.describe_change_set(StackName="stack", ChangeSetName="first")
    assert (found["ExecutionStatus"], stage.topics) == ("OBSOLETE", ["b"])


# ---- nested stacks

IAM = body({"Role": ROLE})


def nested(url: str, **parameters: str) -> Json:
    return {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": url, "Parameters": parameters},
    }


def test_a_nested_stack_may_do_what_the_outer_one_may(stage: Stage) -> None:
    inner = {"Inner": nested(stage.put("iam.json", IAM))}
    assert stage.create(inner) == "ROLLBACK_COMPLETE"
    told = stage.event("Inner", "CREATE_FAILED")["ResourceStatusReason"]
    assert "Requires capabilities : [CAPABILITY_IAM]" in told
    stage.cfn.delete_stack(StackName="stack")
    assert stage.create(inner, Capabilities=["CAPABILITY_IAM"]) == "CREATE_COMPLETE"
    assert len(stage.lab.client("iam").list_roles()["Roles"]) == 1


def test_a_nested_stack_gives_its_outputs_and_changes_in_place(stage: Stage) -> None:
    sections = {
        "Parameters": {"Name": {"Type": "String"}},
        "Outputs": {"Arn": {"Value": {"Ref": "T"}}},
    }
    url = stage.put("t.json", body({"T": topic({"Ref": "Name"})}, **sections))
    outer = {"Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Arn"]}},
                         "Id": {"Value": {"Ref": "Inner"}}}}  # fmt: skip
    assert stage.create({"Inner": nested(url, Name="a")}, sections=outer) == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stage.told()["Outputs"]}
    assert outputs["Arn"] == "arn:aws:sns:us-east-1:123456789012:a"
    inner = stage.told(outputs["Id"])
    assert (inner["ParentId"], inner["RootId"]) == (stage.told()["StackId"],) * 2
    assert stage.update({"Inner": nested(url, Name="b")}, sections=outer) == "UPDATE_COMPLETE"
    assert stage.topics == ["b"]
    after = {one["OutputKey"]: one["OutputValue"] for one in stage.told()["Outputs"]}
    assert after == {"Arn": "arn:aws:sns:us-east-1:123456789012:b", "Id": outputs["Id"]}
    broken = {"Inner": nested(url, Name="c"), "X": {**UNMADE, "DependsOn": "Inner"}}
    assert stage.update(broken, sections=outer) == "UPDATE_ROLLBACK_COMPLETE"
    assert stage.topics == ["b"]
    stage.cfn.delete_stack(StackName="stack")
    assert (stage.topics, stage.cfn.describe_stacks()["Stacks"]) == ([], [])


# ---- what takes its time

SILENT = """
import json, urllib3
def handler(event, context):
    if event["ResourceProperties"].get("Silent") == "true":
        return
    told = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    told |= {"Status": "SUCCESS", "PhysicalResourceId": "thing"}
    urllib3.PoolManager().request("PUT", event["ResponseURL"], body=json.dumps(told))
"""


@pytest.fixture(scope="module")
def slow(start_lab: StartLab) -> Iterator[Stage]:
    """A lab of its own, for operations that are still under way."""
    with start_lab() as lab:
        yield Stage(lab)


def test_an_update_that_takes_its_time_can_be_cancelled(slow: Stage) -> None:
    made = slow.lab.client("lambda").create_function(
        FunctionName="maker", Runtime=RUNTIME, Handler="app.handler", Role=slow.lab.role(),
        Code={"ZipFile": slow.lab.zip({"app.py": SILENT})}, Timeout=20,
    )  # fmt: skip
    slow.lab.clock.advance(seconds=1)
    thing = {"Type": "Custom::Thing", "Properties": {"ServiceToken": made["FunctionArn"]}}
    assert slow.create({"Thing": thing, "A": topic("a")}) == "CREATE_COMPLETE"
    cancel = slow.cfn.cancel_update_stack
    assert refusal(cancel, StackName="stack").message == (
        "CancelUpdateStack cannot be called from current stack status"
    )
    quiet = {**thing, "Properties": {**thing["Properties"], "Silent": True}}
    after = {"Thing": quiet, "A": topic("other", DependsOn="Thing")}
    assert slow.update(after) == "UPDATE_IN_PROGRESS"
    assert "is in UPDATE_IN_PROGRESS state" in refusal(slow.cfn.delete_stack, StackName="stack")[2]
    cancel(StackName="stack")
    wait_until(lambda: slow.status() == "UPDATE_ROLLBACK_COMPLETE")
    failed = slow.event("Thing", "UPDATE_FAILED")
    assert failed["ResourceStatusReason"] == "Resource update cancelled"
    assert slow.topics == ["a"]
