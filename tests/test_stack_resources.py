"""Every type of resource that Lambda has in CloudFormation: what it makes, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from lambdalab import Lab
from lambdalab.functions.stack_types import TYPES
from tests.engine import refusal
from tests.stacks import CODE, NOTHING, Stack, function, get, left, ref, resource

ACCOUNT = "arn:aws:lambda:us-east-1:123456789012"
PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/profile/abcdefghij"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

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

# Logical id, properties before and after, whether it becomes another one, how Lambda shows it:
# operation, parameters, and what is to be found in the answer (``@`` stands for Ref).
CHANGES: list[Any] = [
    ("Alias", {}, {"Description": "d"}, False, "get_alias",
     {"FunctionName": "fn", "Name": "live"}, {"Description": "d"}),
    ("Alias", {"Description": "d"}, {}, False, "get_alias",
     {"FunctionName": "fn", "Name": "live"}, {"Description": ""}),
    ("Alias", {}, {"Name": "other"}, True, "get_alias",
     {"FunctionName": "fn", "Name": "other"}, {"FunctionVersion": "1"}),
    ("Alias", {}, {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": "2"}},
     False, "get_provisioned_concurrency_config", {"FunctionName": "fn", "Qualifier": "live"},
     {"RequestedProvisionedConcurrentExecutions": 2}),
    ("Version", {}, {"Description": "d"}, None, "", {}, {}),
    ("Layer", {}, {"Content": {"S3Bucket": "code", "S3Key": "two.zip"}}, True,
     "get_layer_version", {"LayerName": "layer", "VersionNumber": 2}, {"Version": 2}),
    ("Layer", {}, {"LayerName": "other"}, True,
     "get_layer_version", {"LayerName": "other", "VersionNumber": 1}, {"Version": 1}),
    ("Mapping", {}, {"BatchSize": 7}, False, "get_event_source_mapping", {"UUID": "@"},
     {"BatchSize": 7, "State": "Enabled"}),
    ("Mapping", {}, {"Enabled": "false"}, False, "get_event_source_mapping", {"UUID": "@"},
     {"State": "Disabled"}),
    ("Mapping", {"ScalingConfig": {"MaximumConcurrency": 3}}, {}, False,
     "get_event_source_mapping", {"UUID": "@"}, {"BatchSize": 5}),
    ("Mapping", {}, {"EventSourceArn": get("Second", "Arn")}, True,
     "get_event_source_mapping", {"UUID": "@"}, {"State": "Enabled", "BatchSize": 5}),
    ("Events", {}, {"MaximumRetryAttempts": 0}, False, "get_function_event_invoke_config",
     {"FunctionName": "fn"}, {"MaximumRetryAttempts": 0}),
    ("Events", {"MaximumEventAgeInSeconds": 60}, {}, False, "get_function_event_invoke_config",
     {"FunctionName": "fn"}, {"MaximumRetryAttempts": 1}),
    ("Events", {}, {"Qualifier": ref("One")}, True, "get_function_event_invoke_config",
     {"FunctionName": "fn", "Qualifier": "1"}, {"MaximumRetryAttempts": 1}),
    ("Url", {}, {"Cors": {"AllowOrigins": ["*"]}, "AuthType": "AWS_IAM"}, False,
     "get_function_url_config", {"FunctionName": "fn"},
     {"AuthType": "AWS_IAM", "Cors": {"AllowOrigins": ["*"]}}),
    ("Url", {"InvokeMode": "RESPONSE_STREAM"}, {}, False, "get_function_url_config",
     {"FunctionName": "fn"}, {"InvokeMode": "BUFFERED"}),
    ("Url", {}, {"Qualifier": "live"}, True, "get_function_url_config",
     {"FunctionName": "fn", "Qualifier": "live"}, {"AuthType": "NONE"}),
    ("Signing", {}, {"Description": "d", "Tags": [{"Key": "k", "Value": "v"}]}, False,
     "list_tags", {"Resource": "@"}, {}),
    ("Permission", {}, {"Principal": "sns.amazonaws.com"}, True, "get_policy",
     {"FunctionName": "fn"}, {}),
    ("LayerPermission", {}, {"OrganizationId": "o-1234567890"}, True, "get_layer_version_policy",
     {"LayerName": "layer", "VersionNumber": 1}, {}),
]  # fmt: skip
