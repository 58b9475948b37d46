"""Every type of resource that Lambda has in CloudFormation: what it makes, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any, NamedTuple

import pytest

from lambdalab import Lab
from lambdalab.functions.stack_types import TYPES
from tests.engine import refusal
from tests.stacks import CODE, NOTHING, Stack, function, get, left, ref, resource

ACCOUNT = "arn:aws:lambda:us-east-1:123456789012"
PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/profile/abcdefghij"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

FUNCTION = function(FunctionName="fn")
VERSION = resource("Version", {"FunctionName": ref("Function")})
ALIAS = resource(
    "Alias",
    {
        "FunctionName": ref("Function"),
        "Name": "live",
        "FunctionVersion": get("Version", "Version"),
    },
)
LAYER = resource(
    "LayerVersion",
    {"LayerName": "layer", "Content": {"S3Bucket": "code", "S3Key": "one.zip"}},
)
QUEUE = resource("AWS::SQS::Queue", {"QueueName": "queue"})
MAPPING = resource(
    "EventSourceMapping",
    {"FunctionName": ref("Function"), "EventSourceArn": get("Queue", "Arn"), "BatchSize": "5"},
)
EVENTS = resource(
    "EventInvokeConfig",
    {"FunctionName": ref("Function"), "Qualifier": "$LATEST", "MaximumRetryAttempts": 1},
)
URL = resource("Url", {"TargetFunctionArn": ref("Function"), "AuthType": "NONE"})
SIGNING = resource(
    "CodeSigningConfig", {"AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]}}
)
PERMISSION = resource(
    "Permission",
    {
        "FunctionName": get("Function", "Arn"),
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
    },
)
LAYER_PERMISSION = resource(
    "LayerVersionPermission",
    {"LayerVersionArn": ref("Layer"), "Action": "lambda:GetLayerVersion", "Principal": "*"},
)

EVERYTHING = {
    "Function": FUNCTION,
    "Version": VERSION,
    "Alias": ALIAS,
    "Layer": LAYER,
    "LayerPermission": LAYER_PERMISSION,
    "Permission": PERMISSION,
    "Queue": QUEUE,
    "Mapping": MAPPING,
    "Events": EVENTS,
    "Url": URL,
    "Signing": SIGNING,
}

# Logical id, attribute (none: Ref), and what the template sees.
SEEN = [
    ("Function", "", "fn"),
    ("Function", "Arn", f"{ACCOUNT}:function:fn"),
    ("Function", "SnapStartResponse.ApplyOn", "None"),
    ("Function", "SnapStartResponse.OptimizationStatus", "Off"),
    ("Version", "", f"{ACCOUNT}:function:fn:1"),
    ("Version", "FunctionArn", f"{ACCOUNT}:function:fn:1"),
    ("Version", "Version", "1"),
    ("Alias", "", f"{ACCOUNT}:function:fn:live"),
    ("Alias", "AliasArn", f"{ACCOUNT}:function:fn:live"),
    ("Layer", "", f"{ACCOUNT}:layer:layer:1"),
    ("Layer", "LayerVersionArn", f"{ACCOUNT}:layer:layer:1"),
    ("LayerPermission", "", f"{ACCOUNT}:layer:layer:1#stack-LayerPermission-[0-9A-Z]{{12}}"),
    ("LayerPermission", "Id", f"{ACCOUNT}:layer:layer:1#stack-LayerPermission-[0-9A-Z]{{12}}"),
    ("Permission", "", "stack-Permission-[0-9A-Z]{12}"),
    ("Permission", "Id", "stack-Permission-[0-9A-Z]{12}"),
    ("Mapping", "", UUID),
    ("Mapping", "Id", UUID),
    ("Mapping", "EventSourceMappingArn", f"{ACCOUNT}:event-source-mapping:{UUID}"),
    ("Events", "", r"fn\|\$LATEST"),
    ("Url", "", f"{ACCOUNT}:function:fn"),
    ("Url", "FunctionArn", f"{ACCOUNT}:function:fn"),
    ("Url", "FunctionUrl", r"https://[a-z0-9]{32}\.lambda-url\.us-east-1\.on\.aws/"),
    ("Signing", "", f"{ACCOUNT}:code-signing-config:csc-[a-z0-9]{{17}}"),
    ("Signing", "CodeSigningConfigArn", f"{ACCOUNT}:code-signing-config:csc-[a-z0-9]{{17}}"),
    ("Signing", "CodeSigningConfigId", "csc-[a-z0-9]{17}"),
]


@pytest.fixture
def stack(lab: Lab) -> Stack:
    """A stack that is not made yet, and packages for layers."""
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="code")
    for key in ("one", "two"):
        s3.put_object(Bucket="code", Key=f"{key}.zip", Body=lab.zip({"python/x.py": f"'{key}'"}))
    return Stack(lab)


def reason(stack: Stack, name: str, status: str = "CREATE_FAILED") -> str:
    """Why a stack has failed: one resource, and it is this one."""
    ((failed, event, text),) = stack.failures
    assert (failed, event) == (name, status)
    return text


def test_every_type_makes_what_it_stands_for_and_a_deletion_takes_it_away(
    stack: Stack, lab: Lab, lam: Any
) -> None:
    told = {f"{name}{place}": get(name, a) for place, (name, a, _) in enumerate(SEEN) if a}
    assert stack.create(EVERYTHING, told) == "CREATE_COMPLETE"
    for place, (name, attribute, pattern) in enumerate(SEEN):
        found = stack.outputs[f"{name}{place}" if attribute else name]
        assert re.fullmatch(pattern, found), (name, attribute, found)
        if not attribute:
            assert stack.resources[name] == found
    # And all of it is there for whoever asks Lambda.
    out = stack.outputs
    assert lam.get_alias(FunctionName="fn", Name="live")["FunctionVersion"] == "1"
    mapping = lam.get_event_source_mapping(UUID=out["Mapping"])
    assert (mapping["State"], mapping["BatchSize"]) == ("Enabled", 5)
    assert mapping["FunctionArn"] == f"{ACCOUNT}:function:fn"
    assert lam.get_function_event_invoke_config(FunctionName="fn")["MaximumRetryAttempts"] == 1
    assert lam.get_function_url_config(FunctionName="fn")["AuthType"] == "NONE"
    (granted,) = json.loads(lam.get_policy(FunctionName="fn")["Policy"])["Statement"]
    assert granted["Sid"] == out["Permission"]
    assert granted["Principal"] == {"Service": "s3.amazonaws.com"}
    policy = lam.get_layer_version_policy(LayerName="layer", VersionNumber=1)["Policy"]
    (granted,) = json.loads(policy)["Statement"]
    assert out["LayerPermission"].endswith(f"#{granted['Sid']}")
    lam.get_code_signing_config(CodeSigningConfigArn=out["Signing"])
    tags = lam.list_tags(Resource=out["Signing"])["Tags"]
    assert tags["aws:cloudformation:logical-id"] == "Signing"
    stack.delete()
    assert left(lab) == NOTHING


# ---- changes


class Change(NamedTuple):
    """Properties of one resource before and after, and how Lambda shows it then.

    ``@`` stands for what Ref gives; ``gone`` is a call that finds nothing any more.
    """

    name: str
    before: dict[str, Any]
    after: dict[str, Any]
    look: str
    given: dict[str, Any]
    found: dict[str, Any]
    replaced: bool = False
    gone: dict[str, Any] | None = None


LIVE = {"FunctionName": "fn", "Name": "live"}
FN = {"FunctionName": "fn"}
WEIGHTS = [{"FunctionVersion": get("Version", "Version"), "FunctionWeight": "0.25"}]

CHANGES = [
    Change("Alias", {}, {"Description": "d"}, "get_alias", LIVE, {"Description": "d"}),
    Change("Alias", {"Description": "d"}, {}, "get_alias", LIVE, {"Description": ""}),
    Change("Alias", {}, {"Name": "other"}, "get_alias", {**FN, "Name": "other"},
           {"FunctionVersion": "1"}, replaced=True, gone=LIVE),
    Change("Alias", {}, {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": "2"}},
           "get_provisioned_concurrency_config", {**FN, "Qualifier": "live"},
           {"RequestedProvisionedConcurrentExecutions": 2}),
    Change("Layer", {}, {"Content": {"S3Bucket": "code", "S3Key": "two.zip"}},
           "get_layer_version", {"LayerName": "layer", "VersionNumber": 2}, {"Version": 2},
           replaced=True, gone={"LayerName": "layer", "VersionNumber": 1}),
    Change("Layer", {}, {"LayerName": "other"},
           "get_layer_version", {"LayerName": "other", "VersionNumber": 1}, {"Version": 1},
           replaced=True, gone={"LayerName": "layer", "VersionNumber": 1}),
    Change("LayerPermission", {}, {"OrganizationId": "o-1234567890"}, "get_layer_version_policy",
           {"LayerName": "layer", "VersionNumber": 1},
           {"Policy.Statement.0.Condition":
                {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}}, replaced=True),
    Change("Permission", {}, {"Principal": "sns.amazonaws.com"}, "get_policy", FN,
           {"Policy.Statement": 1,
            "Policy.Statement.0.Principal": {"Service": "sns.amazonaws.com"}}, replaced=True),
    Change("Mapping", {}, {"BatchSize": 7}, "get_event_source_mapping", {"UUID": "@"},
           {"BatchSize": 7, "State": "Enabled"}),
    Change("Mapping", {}, {"Enabled": "false"}, "get_event_source_mapping", {"UUID": "@"},
           {"State": "Disabled"}),
    Change("Mapping", {"Enabled": False, "ScalingConfig": {"MaximumConcurrency": 3}}, {},
           "get_event_source_mapping", {"UUID": "@"}, {"State": "Enabled", "ScalingConfig": None}),
    Change("Mapping", {}, {"EventSourceArn": get("Second", "Arn")}, "get_event_source_mapping",
           {"UUID": "@"}, {"State": "Enabled", "BatchSize": 5}, replaced=True, gone={"UUID": "@"}),
    Change("Events", {}, {"MaximumRetryAttempts": 0}, "get_function_event_invoke_config", FN,
           {"MaximumRetryAttempts": 0}),
    Change("Events", {"MaximumEventAgeInSeconds": 60}, {}, "get_function_event_invoke_config", FN,
           {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": None}),
    Change("Events", {}, {"Qualifier": get("Version", "Version")},
           "get_function_event_invoke_config", {**FN, "Qualifier": "1"},
           {"MaximumRetryAttempts": 1}, replaced=True, gone=FN),
    Change("Url", {}, {"Cors": {"AllowOrigins": ["*"]}, "AuthType": "AWS_IAM"},
           "get_function_url_config", FN,
           {"AuthType": "AWS_IAM", "Cors": {"AllowOrigins": ["*"]}}),
    Change("Url", {"InvokeMode": "RESPONSE_STREAM", "Cors": {"AllowOrigins": ["*"]}}, {},
           "get_function_url_config", FN, {"InvokeMode": "BUFFERED", "Cors": None}),
    Change("Url", {}, {"Qualifier": "live"}, "get_function_url_config",
           {**FN, "Qualifier": "live"}, {"AuthType": "NONE"}, replaced=True, gone=FN),
    Change("Signing", {"Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "v"}]},
           {"Tags": [{"Key": "k", "Value": "w"}]}, "list_tags", {"Resource": "@"},
           {"Tags.k": "w", "Tags.l": None}),
    Change("Signing", {"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"}}, {},
           "get_code_signing_config", {"CodeSigningConfigArn": "@"},
           {"CodeSigningConfig.CodeSigningPolicies.UntrustedArtifactOnDeployment": "Warn"}),
]  # fmt: skip


def needed(names: list[str]) -> dict[str, Any]:
    """The resources of those names, and those that they refer to."""
    found: dict[str, Any] = {}
    for name in names:
        one = EVERYTHING[name]
        text = json.dumps(one)
        found |= needed([other for other in EVERYTHING if f'"{other}"' in text and other != name])
        found[name] = one
    return found


def changed(resources: dict[str, Any], name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Resources of which one has other properties."""
    one = resources[name]
    return {**resources, name: {**one, "Properties": {**one["Properties"], **properties}}}


def member(answer: Any, path: str) -> Any:
    """A member of an answer, a policy in it read too; how many where it is a list."""
    for part in path.split("."):
        answer = json.loads(answer) if isinstance(answer, str) else answer
        answer = answer[int(part)] if isinstance(answer, list) else answer.get(part)
    return len(answer) if isinstance(answer, list) else answer


def filled(given: dict[str, Any], reference: str) -> dict[str, Any]:
    return {name: reference if value == "@" else value for name, value in given.items()}


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: f"{one.name}-{'-'.join(one.after)}")
def test_a_change_is_made_in_place_or_by_another_resource(
    change: Change, stack: Stack, lab: Lab, lam: Any
) -> None:
    everything = needed([change.name, "Alias", "Queue"])
    everything["Second"] = resource("AWS::SQS::Queue", {"QueueName": "second"})
    assert stack.create(changed(everything, change.name, change.before)) == "CREATE_COMPLETE"
    before = stack.outputs[change.name]
    assert stack.update(changed(everything, change.name, change.after)) == "UPDATE_COMPLETE"
    after = stack.outputs[change.name]
    if change.replaced and "Url" not in change.name:
        assert after != before
    elif not change.replaced:
        assert after == before
    look = getattr(lam, change.look)
    answer = look(**filled(change.given, after))
    assert {path: member(answer, path) for path in change.found} == change.found
    if change.gone is not None:
        assert refusal(look, **filled(change.gone, before)).status == 404
    assert stack.failures == []


# ---- refusals

# Resources that go before, logical id, other properties, and the reason for the failure; a text in
# brackets is CloudFormation's own, any other one Lambda's, with its status and kind.
FAILURES: list[tuple[str, dict[str, Any], str, int, str]] = [
    ("Function", {"MemorySize": 1},
     "1 validation error detected: Value '1' at 'memorySize' failed to satisfy constraint: Member "
     "must have value greater than or equal to 128", 400, "InvalidRequest"),
    ("Function", {"Role": "arn:aws:iam::123456789012:role/nobody"},
     "The role defined for the function cannot be assumed by Lambda.", 400, "InvalidRequest"),
    ("Function", {"Layers": [f"{ACCOUNT}:layer:none:1"]},
     f"Layer version {ACCOUNT}:layer:none:1 does not exist.", 400, "InvalidRequest"),
    ("Function", {"Tags": [{"Key": "a" * 129, "Value": ""}]},
     "1 validation error detected: Value '{*}' at 'tags' failed to satisfy constraint: Map keys "
     "must satisfy constraint: [*]", 400, "InvalidRequest"),
    ("Function", {"ReservedConcurrentExecutions": 1000},
     "Specified ReservedConcurrentExecutions for function decreases account's "
     "UnreservedConcurrentExecution below its minimum value of [*].", 400, "InvalidRequest"),
    ("Function", {"RecursiveLoop": "Maybe"},
     "1 validation error detected: Value 'Maybe' at 'recursiveLoop' failed to satisfy constraint: "
     "Member must satisfy enum value set: [Allow, Terminate]", 400, "InvalidRequest"),
    ("Version", {"CodeSha256": "other"},
     "CodeSHA256 (other) is different from current CodeSHA256 in $LATEST (*). Please try again "
     "with the CodeSHA256 in $LATEST.", 400, "InvalidRequest"),
    ("Version", {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 0}},
     "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to "
     "satisfy constraint: Member must have value greater than or equal to 1", 400,
     "InvalidRequest"),
    ("Alias", {"FunctionVersion": "7"},
     f"Function not found: {ACCOUNT}:function:fn:7", 404, "NotFound"),
    ("Alias", {"Name": "1"}, "1 validation error detected: Value '1' at 'name' failed*", 400,
     "InvalidRequest"),
    ("Layer", {"Content": {"S3Bucket": "code", "S3Key": "none"}}, "*NoSuchKey*", 400,
     "InvalidRequest"),
    ("LayerPermission", {"Action": "lambda:InvokeFunction"},
     "1 validation error detected: Value 'lambda:InvokeFunction' at 'action' failed*", 400,
     "InvalidRequest"),
    ("LayerPermission", {"LayerVersionArn": f"{ACCOUNT}:layer:layer:9"},
     f"Layer version {ACCOUNT}:layer:layer:9 does not exist.", 404, "NotFound"),
    ("Permission", {"FunctionName": "none"},
     f"Function not found: {ACCOUNT}:function:none", 404, "NotFound"),
    ("Permission", {"Principal": "arn:aws:iam::123456789012:user/none"},
     "The provided principal was invalid. Please check the principal and try again.", 400,
     "InvalidRequest"),
    ("Mapping", {"EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:none"},
     "Error occurred while ReceiveMessage. *", 400, "InvalidRequest"),
    ("Mapping", {"BatchSize": 10001}, "*at 'batchSize' failed*", 400, "InvalidRequest"),
    ("Events", {"Qualifier": "9"}, "The function doesn't exist.", 404, "NotFound"),
    ("Url", {"Qualifier": "none"}, "Function does not exist", 404, "NotFound"),
    ("Url", {"AuthType": "MAYBE"}, "*at 'authType' failed*", 400, "InvalidRequest"),
    ("Signing", {"AllowedPublishers": {"SigningProfileVersionArns": ["x"]}},
     "*at 'allowedPublishers.signingProfileVersionArns' failed*", 400, "InvalidRequest"),
]  # fmt: skip


def as_pattern(text: str) -> str:
    """A text in which an asterisk stands for anything."""
    return re.escape(text).replace(r"\*", ".*")


@pytest.mark.parametrize(("name", "properties", "text", "status", "kind"), FAILURES)
def test_what_lambda_refuses_fails_the_stack_and_leaves_nothing(
    name: str,
    properties: dict[str, Any],
    text: str,
    status: int,
    kind: str,
    stack: Stack,
    lab: Lab,
) -> None:
    assert stack.create(changed(needed([name]), name, properties)) == "ROLLBACK_COMPLETE"
    told = re.fullmatch(
        rf'Resource handler returned message: "(.*) \(Service: Lambda, Status Code: (\d+), '
        rf'Request ID: {UUID}\) \(SDK Attempt Count: 1\)" \(RequestToken: {UUID}, '
        r"HandlerErrorCode: (\w+)\)",
        reason(stack, name),
    )
    assert told, reason(stack, name)
    assert re.fullmatch(as_pattern(text), told[1]), told[1]
    assert (int(told[2]), told[3]) == (status, kind)
    assert stack.described()["StackStatusReason"] == (
        f"The following resource(s) failed to create: [{name}]. Rollback requested by user."
    )
    assert (stack.outputs, stack.resources) == ({}, {})
    assert left(lab) == NOTHING


BAD = "Properties validation failed for resource {name} with message: [{failures}]"
WRONG_PROPERTIES: list[tuple[str, dict[str, Any], str]] = [
    ("Function", {"Colour": "red"}, "#: extraneous key [Colour] is not permitted"),
    ("Function", {"Code": {"ZipFil": CODE}}, "#/Code: extraneous key [ZipFil] is not permitted"),
    ("Function", {"Code": {"ZipFile": [CODE]}},
     "#/Code/ZipFile: expected type: String, found: JSONArray"),
    ("Function", {"Code": CODE}, "#/Code: expected type: JSONObject, found: String"),
    ("Function", {"Timeout": "long", "MemorySize": 1.5},
     "#/Timeout: expected type: Integer, found: String, "
     "#/MemorySize: expected type: Integer, found: Double"),
    ("Function", {"Environment": {"Variables": {"A": ["x"]}}},
     "#/Environment/Variables/A: expected type: String, found: JSONArray"),
    ("Function", {"Layers": "layer"}, "#/Layers: expected type: JSONArray, found: String"),
    ("Function", {"FunctionName": {"a": "b"}},
     "#/FunctionName: expected type: String, found: JSONObject"),
    ("Function", {"Tags": {"a": "b"}}, "#/Tags: expected type: JSONArray, found: JSONObject"),
    ("Function", {"Tags": ["a", {"Key": "a"}, {"Key": "b", "Value": "c", "More": "d"}]},
     "#/Tags/0: expected type: JSONObject, found: String, "
     "#/Tags/1: required key [Value] not found, "
     "#/Tags/2: extraneous key [More] is not permitted"),
    ("Function", {"RuntimeManagementConfig": "Auto"},
     "#/RuntimeManagementConfig: expected type: JSONObject, found: String"),
    ("Alias", {"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
     "#/RoutingConfig/AdditionalVersionWeights: expected type: JSONArray, found: JSONObject"),
    ("Mapping", {"Enabled": "perhaps"}, "#/Enabled: expected type: Boolean, found: String"),
    ("LayerPermission", {"LayerVersionArn": "layer"},
     "#/LayerVersionArn/VersionNumber: expected type: Integer, found: String"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "properties", "failures"), WRONG_PROPERTIES)
def test_properties_that_a_type_cannot_have_are_named(
    name: str, properties: dict[str, Any], failures: str, stack: Stack, lab: Lab
) -> None:
    assert stack.create(changed(needed([name]), name, properties)) == "ROLLBACK_COMPLETE"
    assert reason(stack, name) == BAD.format(name=name, failures=failures)
    assert left(lab) == NOTHING


@pytest.mark.parametrize(
    ("kind", "properties"),
    [(kind, {}) for kind in TYPES],
)
def test_properties_that_a_type_needs_are_named_when_they_are_missing(
    kind: str, properties: Any, stack: Stack, lab: Lab
) -> None:
    assert stack.create({"X": {"Type": kind, "Properties": properties}}) == "ROLLBACK_COMPLETE"
    failures = ", ".join(f"#: required key [{one}] not found" for one in TYPES[kind].required)
    assert reason(stack, "X") == BAD.format(name="X", failures=failures)
    assert left(lab) == NOTHING


def test_code_in_a_template_is_for_python_and_nodejs(stack: Stack, lab: Lab) -> None:
    assert stack.create({"Function": function(Runtime="java21")}) == "ROLLBACK_COMPLETE"
    assert "cannot be used when Runtime is set to 'java21'" in reason(stack, "Function")
    assert left(lab) == NOTHING


def test_a_version_without_a_change_is_refused(stack: Stack, lab: Lab, lam: Any) -> None:
    resources = needed(["Version"])
    assert stack.create(resources) == "CREATE_COMPLETE"
    before = stack.outputs
    again = changed(resources, "Version", {"Description": "another"})
    assert stack.update(again) == "UPDATE_ROLLBACK_COMPLETE"
    assert reason(stack, "Version", "UPDATE_FAILED") == (
        "A version for this Lambda function exists ( 1 ). "
        "Modify the function to create a new version."
    )
    assert stack.outputs == before
    assert len(lam.list_versions_by_function(FunctionName="fn")["Versions"]) == 2


def test_a_config_of_somebody_else_is_not_written_over(stack: Stack, lam: Any) -> None:
    assert stack.create({"Function": FUNCTION}) == "CREATE_COMPLETE"
    lam.put_function_event_invoke_config(FunctionName="fn", MaximumRetryAttempts=0)
    assert stack.update(needed(["Events"])) == "UPDATE_ROLLBACK_COMPLETE"
    assert reason(stack, "Events") == (
        "Resource of type 'AWS::Lambda::EventInvokeConfig' with identifier 'fn|$LATEST' "
        "already exists."
    )
    assert lam.get_function_event_invoke_config(FunctionName="fn")["MaximumRetryAttempts"] == 0


def test_a_function_of_somebody_else_is_not_taken(stack: Stack, lab: Lab, make_function) -> None:
    make_function(FunctionName="fn")
    assert stack.create({"Function": FUNCTION}) == "ROLLBACK_COMPLETE"
    assert "Function already exist: fn" in reason(stack, "Function")
    assert "Status Code: 409" in reason(stack, "Function")
    assert "HandlerErrorCode: AlreadyExists" in reason(stack, "Function")
    assert left(lab)["functions"] == ["fn"]


def test_a_named_function_that_must_be_replaced_is_to_be_renamed(stack: Stack, lab: Lab) -> None:
    assert stack.create({"Function": FUNCTION}) == "CREATE_COMPLETE"
    other = changed({"Function": FUNCTION}, "Function", {"PackageType": "Zip"})
    assert stack.update(other) == "UPDATE_ROLLBACK_COMPLETE"
    assert reason(stack, "Function", "UPDATE_FAILED") == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        "Rename fn and update the stack again."
    )


def test_a_type_that_the_lab_does_not_have_is_refused_by_name(stack: Stack, lab: Lab) -> None:
    unknown = {"Function": FUNCTION, "X": resource("CapacityProvider")}
    assert stack.create(unknown) == "ROLLBACK_COMPLETE"
    kind = "AWS::Lambda::CapacityProvider"
    assert reason(stack, "X") == f"Lambda Lab does not act on the resource type {kind} yet."
    assert left(lab) == NOTHING


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ({}, {"PublishToLatestPublished": True}, "PublishToLatestPublished"),
        ({}, {"FunctionScalingConfig": {"MinExecutionEnvironments": 1}}, "FunctionScalingConfig"),
    ],
)
def test_a_property_that_nothing_acts_on_is_refused_by_name(
    before: dict[str, Any], after: dict[str, Any], name: str, stack: Stack, lab: Lab
) -> None:
    assert stack.create({"Function": function(**after)}) == "ROLLBACK_COMPLETE"
    assert f"does not act on the property {name} of AWS::Lambda::Function" in reason(
        stack, "Function"
    )
    assert left(lab) == NOTHING


def test_an_unknown_attribute_is_refused_before_anything_is_made(stack: Stack, lab: Lab) -> None:
    client = lab.client("cloudformation")
    body = json.dumps(
        {
            "Resources": {"Signing": SIGNING},
            "Outputs": {"X": {"Value": get("Signing", "Arn")}},
        }
    )
    found = refusal(client.create_stack, StackName="stack", TemplateBody=body)
    assert (found.code, found.status) == ("ValidationError", 400)
    assert left(lab) == NOTHING


def test_a_version_that_is_provisioned_is_asked_for_and_not_waited_for(
    stack: Stack, lam: Any
) -> None:
    wanted = {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2}}
    policy = {"RuntimePolicy": {"UpdateRuntimeOn": "FunctionUpdate"}}
    resources = changed(needed(["Version"]), "Version", {**wanted, **policy})
    assert stack.create(resources) == "CREATE_COMPLETE"
    found = lam.get_provisioned_concurrency_config(FunctionName="fn", Qualifier="1")
    assert (found["Status"], found["RequestedProvisionedConcurrentExecutions"]) == (
        *("IN_PROGRESS", 2),
    )
    managed = lam.get_runtime_management_config(FunctionName="fn", Qualifier="1")
    assert managed["UpdateRuntimeOn"] == "FunctionUpdate"


def test_a_function_that_must_be_signed_is_refused_by_its_stack(stack: Stack, lab: Lab) -> None:
    enforced = {"CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"}}
    resources = {
        **changed({"Signing": SIGNING}, "Signing", enforced),
        "Function": function(CodeSigningConfigArn=ref("Signing")),
    }
    assert stack.create(resources) == "ROLLBACK_COMPLETE"
    assert "Lambda cannot deploy the function" in reason(stack, "Function")
    assert left(lab) == NOTHING
    lab.client("cloudformation").delete_stack(StackName="stack")
    resources["Signing"] = SIGNING
    assert stack.create(resources) == "CREATE_COMPLETE"
    resources["Function"] = function()
    assert stack.update(resources) == "UPDATE_COMPLETE"
    (name,) = left(lab)["functions"]
    found = lab.client("lambda").get_function_code_signing_config(FunctionName=name)
    assert "CodeSigningConfigArn" not in found


def test_a_mapping_of_kafka_names_its_servers_as_the_api_does(stack: Stack, lam: Any) -> None:
    source = {"Endpoints": {"KafkaBootstrapServers": ["kafka.example.com:9092"]}}
    properties = {
        "FunctionName": ref("Function"),
        "SelfManagedEventSource": source,
        "Topics": ["topic"],
        "StartingPosition": "LATEST",
        "SourceAccessConfigurations": [
            {"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:123456789012:secret:s"}
        ],
    }
    resources = {"Function": FUNCTION, "Mapping": resource("EventSourceMapping", properties)}
    assert stack.create(resources) == "CREATE_COMPLETE", stack.failures
    found = lam.get_event_source_mapping(UUID=stack.outputs["Mapping"])
    assert found["SelfManagedEventSource"] == {
        "Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka.example.com:9092"]}
    }
    other = changed(resources, "Mapping", {"Topics": ["other"]})
    assert stack.update(other) == "UPDATE_ROLLBACK_COMPLETE"
    assert "does not act on the property Topics" in reason(stack, "Mapping", "UPDATE_FAILED")


# ---- the table


def test_the_table_says_what_cloudformations_schemas_say() -> None:
    manager = pytest.importorskip("cfnlint.schema.manager").PROVIDER_SCHEMA_MANAGER
    for name, row in TYPES.items():
        schema = manager.get_resource_schema("us-east-1", name).schema
        read_only = {_name(path) for path in schema.get("readOnlyProperties", [])}
        assert row.properties <= schema["properties"].keys(), name
        assert not row.properties & read_only, name
        assert set(row.required) == set(schema["required"]), name
        assert row.replaced == {_name(one) for one in schema.get("createOnlyProperties", [])}, name
        # An attribute that is a structure has only members to give.
        assert row.attributes.keys() == read_only - {"SnapStartResponse"}, name


def _name(path: str) -> str:
    return path.removeprefix("/properties/").replace("/", ".")


MOTO = """
import inspect, json
from moto.cloudformation import models, parsing
from moto.core.common_models import CloudFormationModel
from lambdalab.functions.stacks import StackResources
from lambdalab.neighbours.stacks import cloudformation
types = [name for name in parsing.get_model_map() if name.startswith("AWS::Lambda::")]
wanted = [
    name for name in vars(CloudFormationModel)
    if callable(getattr(CloudFormationModel, name)) and not name.startswith("_")
]
signatures = {
    one.__module__.rpartition(".")[2] + "." + one.__qualname__:
        list(inspect.signature(one).parameters)
    for one in (
        parsing.parse_and_create_resource, parsing.parse_and_update_resource, parsing.clean_json,
        parsing.generate_resource_name, parsing.ResourceMap, parsing.ResourceMap.delete,
        parsing.ResourceMap.load, parsing.ResourceMap.load_mapping,
        parsing.ResourceMap.load_parameters, parsing.ResourceMap.load_conditions,
        parsing.ResourceMap._delete_resource, parsing.OutputMap, parsing.Export, models.Event,
        models.Stack._create_resource_map, models.ChangeSet, models.ChangeSet.diff,
        models.CloudFormationBackend.create_stack, models.CloudFormationBackend.delete_stack,
    )
}
cloudformation.install(StackResources([], None, None), None, "")
ours = {name: one for name, one in parsing.get_model_map().items() if "::Lambda::" in name}
lacking = [name for name in wanted if not all(hasattr(one, name) for one in ours.values())]
foreign = [name for name, one in ours.items() if not issubclass(one, cloudformation.LambdaResource)]
print(json.dumps([sorted(types), signatures, lacking, foreign, len(ours)]))
"""


def test_moto_is_what_the_lab_has_been_made_for() -> None:
    run = [sys.executable, "-c", MOTO]
    answer = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    types, signatures, lacking, foreign, ours = json.loads(answer)
    # A type more than these would come with a class of moto's own, which makes nothing that runs.
    assert types == [
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
    ]
    assert (lacking, foreign, ours) == ([], [], 10)
    assert signatures == {
        "parsing.parse_and_create_resource": [
            *("logical_id", "resource_json", "resources_map", "account_id", "region_name")
        ],
        "parsing.parse_and_update_resource": [
            *("logical_id", "resource_json", "resources_map", "account_id", "region_name")
        ],
        "parsing.clean_json": ["resource_json", "resources_map"],
        "parsing.generate_resource_name": ["resource_type", "stack_name", "logical_id"],
        "parsing.ResourceMap": [
            *("stack_id", "stack_name", "parameters", "tags", "region_name", "account_id"),
            *("template", "cross_stack_resources"),
        ],
        "parsing.ResourceMap.load": ["self"],
        "parsing.ResourceMap.load_mapping": ["self"],
        "parsing.ResourceMap.load_parameters": ["self"],
        "parsing.ResourceMap.load_conditions": ["self"],
        "parsing.Export": ["exporting_stack_id", "name", "value"],
        "models.Stack._create_resource_map": ["self"],
        "models.ChangeSet": [
            *("change_set_type", "change_set_id", "change_set_name", "stack", "template"),
            *("parameters", "description", "notification_arns", "tags", "role_arn"),
        ],
        "models.ChangeSet.diff": ["self"],
        "parsing.ResourceMap.delete": ["self"],
        "parsing.ResourceMap._delete_resource": ["self", "parsed_resource", "resource_json"],
        "parsing.OutputMap": ["resources", "template", "stack_id"],
        "models.Event": [
            *("stack_id", "stack_name", "logical_resource_id", "physical_resource_id"),
            *("resource_type", "resource_status", "resource_status_reason", "resource_properties"),
        ],
        "models.CloudFormationBackend.create_stack": [
            *("self", "name", "template", "parameters", "notification_arns", "tags", "role_arn"),
            *("enable_termination_protection", "timeout_in_mins", "stack_policy_body"),
        ],
        "models.CloudFormationBackend.delete_stack": ["self", "name_or_stack_id"],
    }
