"""SAM templates deploy through CloudFormation: what they stand for is made, and made to work."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import RUNTIME, invoke, refusal
from tests.sam_stage import ALL, EXPAND, IAM, NAMED, SAM, SamStack, code, function, sam
from tests.stacks import NOTHING, get, left, ref

Json = dict[str, Any]


@pytest.fixture
def stack(lab: Lab) -> SamStack:
    return SamStack(lab)


# ---- what must be acknowledged


FUNCTION = {"Function": function()}
NAMED_ROLE = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"RoleName": "mine", "AssumeRolePolicyDocument": {"Statement": []}},
    }
}


def test_a_macro_must_be_acknowledged(stack: SamStack, lab: Lab) -> None:
    client = lab.client("cloudformation")
    asked: Json = {"StackName": "stack", "TemplateBody": sam(FUNCTION), "Capabilities": [IAM]}
    found = refusal(client.create_stack, **asked)
    assert found == (
        400,
        "InsufficientCapabilitiesException",
        f"Requires capabilities : [{EXPAND}]",
    )
    assert client.list_stacks()["StackSummaries"] == []
    stack.deploy(FUNCTION)
    asked["TemplateBody"] = sam({"Function": function(Timeout=9)})
    assert refusal(client.update_stack, **asked).code == "InsufficientCapabilitiesException"
    assert left(lab)["functions"] == [stack.resources["Function"]]


@pytest.mark.parametrize(
    ("resources", "given", "needed"),
    [(FUNCTION, [EXPAND], IAM), (NAMED_ROLE, [EXPAND, IAM], NAMED)],
    ids=["made by the macro", "named"],
)
def test_a_stack_whose_macro_makes_roles_fails_without_a_word_for_them(
    resources: Json, given: list[str], needed: str, stack: SamStack, lab: Lab
) -> None:
    client = lab.client("cloudformation")
    body = sam(resources)
    client.create_stack(StackName="stack", TemplateBody=body, Capabilities=given)
    assert (stack.status, stack.reasons) == (
        "ROLLBACK_COMPLETE",
        [f"Requires capabilities : [{needed}]. Rollback requested by user."],
    )
    assert left(lab) == NOTHING


def test_roles_of_a_plain_template_must_be_acknowledged_at_once(stack: SamStack, lab: Lab) -> None:
    client = lab.client("cloudformation")
    body = json.dumps({"Resources": NAMED_ROLE})
    asked: Json = {"StackName": "stack", "TemplateBody": body}
    for given in ([], [IAM]):
        found = refusal(client.create_stack, **asked, Capabilities=given)
        assert found.message == f"Requires capabilities : [{NAMED}]"
    client.create_stack(**asked, Capabilities=[NAMED])
    assert stack.resources == {"Role": "mine"}


# ---- change sets, by which the clients of SAM deploy


def change_set(lab: Lab, body: str, capabilities: list[str], kind: str = "CREATE") -> Json:
    client = lab.client("cloudformation")
    named = {"StackName": "stack", "ChangeSetName": "changes"}
    client.create_change_set(
        **named, TemplateBody=body, Capabilities=capabilities, ChangeSetType=kind
    )
    found: Json = client.describe_change_set(**named)
    return found


def test_a_change_set_shows_what_the_macro_makes_and_executes(stack: SamStack, lab: Lab) -> None:
    found = change_set(lab, sam(FUNCTION), [IAM])
    changes = {one["ResourceChange"]["LogicalResourceId"] for one in found["Changes"]}
    assert (found["Status"], changes) == ("CREATE_COMPLETE", {"Function", "FunctionRole"})
    lab.client("cloudformation").execute_change_set(StackName="stack", ChangeSetName="changes")
    name = stack.resources["Function"]
    assert (stack.status, invoke(lab.client("lambda"), name).value) == ("CREATE_COMPLETE", "one")


@pytest.mark.parametrize(
    ("resources", "given", "reason"),
    [
        (FUNCTION, [], f"Requires capabilities : [{IAM}]"),
        (
            {"Function": function(Nonsense=1)},
            ALL,
            "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application "
            "Specification document. Number of errors found: 1. Resource with id [Function] is "
            "invalid. property Nonsense not defined for resource of type AWS::Serverless::Function",
        ),
    ],
    ids=["capabilities", "template"],
)
def test_a_change_set_that_cannot_be_made_says_why(
    resources: Json, given: list[str], reason: str, lab: Lab
) -> None:
    found = change_set(lab, sam(resources), given)
    assert (found["Status"], found["StatusReason"]) == ("FAILED", reason)
    named = {"StackName": "stack", "ChangeSetName": "changes"}
    refused = refusal(lab.client("cloudformation").execute_change_set, **named)
    assert refused.code == "InvalidChangeSetStatus"
    assert left(lab) == NOTHING


# ---- templates that SAM refuses


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        ({"F": function(Events={"E": {"Type": "Nonsense"}})}, "Event Type is: Nonsense"),
        (
            {"F": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./src"}}},
            "'CodeUri' is not a valid S3 Uri of the form 's3://bucket/key'",
        ),
        ({"F": function(Events=3)}, "Resource with id [F] is invalid"),
        ({"F": 3}, "All 'Resources' must be Objects"),
        ({}, "'Resources' section is required"),
        (
            {"F": function(DeploymentPreference={"Type": "AllAtOnce"})},
            "'DeploymentPreference' requires AutoPublishAlias property to be specified.",
        ),
    ],
)
def test_what_sam_refuses_is_a_stack_that_failed(
    resources: Json, reason: str, stack: SamStack, lab: Lab
) -> None:
    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    (told,) = stack.reasons
    assert told.startswith("Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless")
    assert reason in told
    assert left(lab) == NOTHING


def test_an_update_that_sam_refuses_leaves_the_stack(stack: SamStack, lab: Lab) -> None:
    stack.deploy(FUNCTION)
    assert stack.deploy({"Function": function(Nonsense=1)}) == "UPDATE_ROLLBACK_COMPLETE"
    assert invoke(lab.client("lambda"), stack.resources["Function"]).value == "one"


def test_parts_of_a_template_may_stand_in_a_bucket(lab: Lab) -> None:
    cfn, s3 = lab.client("cloudformation"), lab.client("s3")
    s3.create_bucket(Bucket="parts")
    uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations"
    proxy = {"type": "aws_proxy", "httpMethod": "POST", "uri": {"Fn::Sub": uri}}
    said = {"/x": {"get": {"x-amazon-apigateway-integration": proxy}}}
    document = {"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": said}
    s3.put_object(Bucket="parts", Key="api.json", Body=json.dumps(document))
    place = {"Location": {"Fn::Sub": "s3://${Bucket}/api.json"}}
    part = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": place}}
    event = {
        "Type": "Api",
        "Properties": {"RestApiId": {"Ref": "A"}, "Path": "/x", "Method": "get"},
    }
    answer = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'included'}\n"
    resources = {
        "A": {"Type": "AWS::Serverless::Api",
              "Properties": {"StageName": "s", "DefinitionBody": part}},
        "F": function(answer, Events={"E": event}),
    }  # fmt: skip
    given = {"Parameters": {"Bucket": {"Type": "String", "Default": "parts"}}}
    told = {"Outputs": {"Id": {"Value": {"Ref": "A"}}}}
    stack = SamStack(lab)
    assert stack.deploy(resources, **given, **told) == "CREATE_COMPLETE", stack.reasons
    host = f"https://{stack.outputs['Id']}.execute-api.us-east-1.amazonaws.com"
    assert lab.http.get(f"{host}/s/x").text == "included"
    s3.delete_object(Bucket="parts", Key="api.json")
    body = sam(resources, **given)
    cfn.create_stack(StackName="gone", TemplateBody=body, Capabilities=ALL)
    (found,) = cfn.describe_stacks(StackName="gone")["Stacks"]
    assert found["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Transform AWS::Include failed with: " in found["StackStatusReason"]


def test_loops_make_functions_of_sam(lab: Lab) -> None:
    loop = ["Name", {"Ref": "Names"}, {"F${Name}": function(FunctionName="f-${Name}")}]
    body = {
        "Transform": ["AWS::LanguageExtensions", SAM],
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "one,two"}},
        "Resources": {"Fn::ForEach::Functions": loop},
    }
    cfn = lab.client("cloudformation")
    cfn.create_stack(StackName="loops", TemplateBody=json.dumps(body), Capabilities=ALL)
    assert cfn.describe_stacks(StackName="loops")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    found = lab.client("lambda").list_functions()["Functions"]
    assert sorted(one["FunctionName"] for one in found) == ["f-one", "f-two"]
    shown = cfn.get_template(StackName="loops")["TemplateBody"]
    assert shown["Transform"] == body["Transform"]


@pytest.mark.parametrize(
    ("transform", "code"),
    [("Nonsense", "ValidationError"), ("AWS::CodeStar", "NotImplementedException")],
)
def test_a_transform_that_is_not_there_is_named(transform: str, code: str, lab: Lab) -> None:
    body = json.dumps({"Transform": transform, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    found = refusal(
        lab.client("cloudformation").create_stack,
        StackName="stack", TemplateBody=body, Capabilities=ALL,
    )  # fmt: skip
    assert (found.code, transform in found.message) == (code, True)


def test_an_application_of_the_repository_is_not_looked_for(lab: Lab) -> None:
    location = {"ApplicationId": "arn:aws:serverlessrepo:us-east-1:1:applications/a"}
    nested = {"Type": "AWS::Serverless::Application", "Properties": {"Location": location}}
    found = refusal(
        lab.client("cloudformation").create_stack,
        StackName="stack", TemplateBody=sam({"A": nested}), Capabilities=ALL,
    )  # fmt: skip
    assert (found.code, "AWS::Serverless::Application" in found.message) == (
        "NotImplementedException", True,
    )  # fmt: skip


CIRCLE = {
    "Function": function(
        Policies=[{"S3ReadPolicy": {"BucketName": ref("Bucket")}}],
        Events={"Upload": {"Type": "S3", "Properties": {
            "Bucket": ref("Bucket"), "Events": "s3:ObjectCreated:*"}}},
    ),
    "Bucket": {"Type": "AWS::S3::Bucket"},
}  # fmt: skip


def test_resources_that_need_each_other_in_a_circle_are_named(stack: SamStack, lab: Lab) -> None:
    assert stack.deploy(CIRCLE) == "ROLLBACK_COMPLETE"
    (told,) = stack.reasons
    circle = "Bucket, Function, FunctionRole, FunctionUploadPermission"
    circle = f"Circular dependency between resources: [{circle}]"
    assert told == f"{circle}. Rollback requested by user."
    body = {"A": {"Type": "AWS::SNS::Topic", "DependsOn": "B"}}
    body["B"] = {"Type": "AWS::SNS::Topic", "DependsOn": ["A"]}
    found = refusal(
        lab.client("cloudformation").create_stack,
        StackName="plain", TemplateBody=json.dumps({"Resources": body}),
    )  # fmt: skip
    assert found.message == "Circular dependency between resources: [A, B]"


def test_a_template_may_be_written_as_people_write_them(stack: SamStack, lab: Lab) -> None:
    body = f"""
AWSTemplateFormatVersion: 2010-09-09
Transform: [AWS::Serverless-2016-10-31]
Resources:
  Queue: {{Type: AWS::SQS::Queue}}
  Function:
    Type: AWS::Serverless::Function
    Properties:
      {{InlineCode: "def handler(e, c): return 1", Handler: index.handler, Runtime: {RUNTIME},
       Policies: [{{Version: 2012-10-17, Statement: [{{Effect: Allow, Action: "sqs:*",
         Resource: {{"Fn::GetAtt": Queue.Arn}}}}]}}]}}
Outputs: {{Arn: {{Value: {{"Fn::GetAtt": Function.Arn}}}}}}
"""
    client = lab.client("cloudformation")
    client.create_stack(StackName="stack", TemplateBody=body, Capabilities=ALL)
    assert (stack.status, stack.outputs["Arn"].split(":")[-1]) == (
        "CREATE_COMPLETE", stack.resources["Function"],
    )  # fmt: skip


# ---- what a template stands for


def test_the_template_is_shown_as_it_was_and_as_it_was_made(stack: SamStack, lab: Lab) -> None:
    stack.deploy(FUNCTION)
    client = lab.client("cloudformation")
    shown = client.get_template(StackName="stack")
    assert shown["TemplateBody"]["Transform"] == "AWS::Serverless-2016-10-31"
    assert shown["StagesAvailable"] == ["Original", "Processed"]
    processed = client.get_template(StackName="stack", TemplateStage="Processed")["TemplateBody"]
    assert sorted(processed["Resources"]) == ["Function", "FunctionRole"]
    assert client.get_template_summary(TemplateBody=sam(FUNCTION))["DeclaredTransforms"] == [
        "AWS::Serverless-2016-10-31"
    ]


def test_an_update_without_a_change_is_refused(stack: SamStack, lab: Lab) -> None:
    stack.deploy(FUNCTION)
    found = refusal(
        lab.client("cloudformation").update_stack,
        StackName="stack", UsePreviousTemplate=True, Capabilities=ALL,
    )  # fmt: skip
    assert (found.code, found.message) == ("ValidationError", "No updates are to be performed.")


def test_globals_parameters_and_policy_templates_reach_the_function(
    stack: SamStack, lab: Lab
) -> None:
    lam, iam = lab.client("lambda"), lab.client("iam")
    policies = [
        {"SQSPollerPolicy": {"QueueName": get("Queue", "QueueName")}},
        "AWSXrayWriteOnlyAccess",
    ]
    status = stack.deploy(
        {"Function": function(Policies=policies), "Queue": {"Type": "AWS::SQS::Queue"}},
        Globals={"Function": {"Timeout": ref("Seconds"), "MemorySize": 256}},
        Parameters={"Seconds": {"Type": "Number", "Default": 7}},
    )
    assert status == "CREATE_COMPLETE"
    settings = lam.get_function_configuration(FunctionName=stack.resources["Function"])
    assert (settings["Timeout"], settings["MemorySize"]) == (7, 256)
    role = {"RoleName": settings["Role"].rpartition("/")[2]}
    attached = iam.list_attached_role_policies(**role)["AttachedPolicies"]
    assert {one["PolicyName"] for one in attached} == {
        "AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess",
    }  # fmt: skip
    (name,) = iam.list_role_policies(**role)["PolicyNames"]
    (statement,) = iam.get_role_policy(**role, PolicyName=name)["PolicyDocument"]["Statement"]
    assert "sqs:ReceiveMessage" in statement["Action"]
    assert statement["Resource"].startswith("arn:aws:sqs:us-east-1:123456789012:stack-Queue-")


def test_layers_tables_and_state_machines_are_made(stack: SamStack, lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="layer.zip", Body=lab.zip({"python/x.py": "name = 'layer'"}))
    source = "import x\ndef handler(event, context):\n    return x.name\n"
    definition = {
        "StartAt": "A",
        "States": {"A": {"Type": "Task", "Resource": "${Target}", "End": True}},
    }
    machine = {
        "Definition": definition,
        "DefinitionSubstitutions": {"Target": get("Function", "Arn")},
        "Policies": [{"LambdaInvokePolicy": {"FunctionName": ref("Function")}}],
    }
    made = {
        "Layer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": "s3://code/layer.zip"},
        },
        "Function": function(source, Layers=[ref("Layer")]),
        "Table": {"Type": "AWS::Serverless::SimpleTable"},
        "Machine": {"Type": "AWS::Serverless::StateMachine", "Properties": machine},
    }
    assert stack.deploy(made) == "CREATE_COMPLETE"
    names = stack.resources
    assert invoke(lab.client("lambda"), names["Function"]).value == "layer"
    table = lab.client("dynamodb").describe_table(TableName=names["Table"])["Table"]
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    found = lab.client("stepfunctions").describe_state_machine(stateMachineArn=names["Machine"])
    assert json.loads(found["definition"])["States"]["A"]["Resource"].endswith(names["Function"])


EVENTS = {
    "Rest": {"Type": "Api", "Properties": {"Path": "/hello/{name}", "Method": "get"}},
    "Http": {"Type": "HttpApi", "Properties": {"Path": "/hello", "Method": "post"}},
    "Upload": {
        "Type": "S3",
        "Properties": {
            "Bucket": ref("Bucket"),
            "Events": "s3:ObjectCreated:*",
            "Filter": {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".png"}]}},
        },
    },
    "Work": {"Type": "SQS", "Properties": {"Queue": get("Queue", "Arn"), "BatchSize": 5}},
    "News": {"Type": "SNS", "Properties": {"Topic": ref("Topic"), "FilterPolicy": {"kind": ["a"]}}},
    "Cron": {"Type": "Schedule", "Properties": {"Schedule": "rate(5 minutes)", "Input": "{}"}},
    "Later": {"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "rate(1 hour)"}},
    "Rule": {
        "Type": "EventBridgeRule",
        "Properties": {"Pattern": {"source": ["app"]}, "RetryPolicy": {"MaximumRetryAttempts": 2}},
    },
    "Rows": {
        "Type": "DynamoDB",
        "Properties": {"Stream": get("Rows", "StreamArn"), "StartingPosition": "TRIM_HORIZON"},
    },
    "Records": {
        "Type": "Kinesis",
        "Properties": {"Stream": get("Stream", "Arn"), "StartingPosition": "LATEST"},
    },
}
SOURCES = {
    "Bucket": {"Type": "AWS::S3::Bucket"},
    "Queue": {"Type": "AWS::SQS::Queue"},
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
    "Rows": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        },
    },
}


def rest_paths(lab: Lab, names: dict[str, str]) -> Any:
    resources = lab.client("apigateway").get_resources(restApiId=names["ServerlessRestApi"])
    return {
        one["path"]: sorted(one["resourceMethods"])
        for one in resources["items"]
        if "resourceMethods" in one
    }


def http_routes(lab: Lab, names: dict[str, str]) -> Any:
    routes = lab.client("apigatewayv2").get_routes(ApiId=names["ServerlessHttpApi"])["Items"]
    return [one["RouteKey"] for one in routes]


def notifications(lab: Lab, names: dict[str, str]) -> Any:
    found = lab.client("s3").get_bucket_notification_configuration(Bucket=names["Bucket"])
    (one,) = found["LambdaFunctionConfigurations"]
    (rule,) = one["Filter"]["Key"]["FilterRules"]
    return one["Events"], rule["Name"].lower(), rule["Value"]


def mappings(lab: Lab, names: dict[str, str]) -> Any:
    found = lab.client("lambda").list_event_source_mappings(FunctionName=names["Function"])
    sources = {one["EventSourceArn"].split(":")[2] for one in found["EventSourceMappings"]}
    sizes = [one["BatchSize"] for one in found["EventSourceMappings"] if ":sqs:" in
             one["EventSourceArn"]]  # fmt: skip
    return sources, sizes


def subscriptions(lab: Lab, names: dict[str, str]) -> Any:
    sns = lab.client("sns")
    (one,) = sns.list_subscriptions_by_topic(TopicArn=names["Topic"])["Subscriptions"]
    more = sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])["Attributes"]
    return one["Protocol"], json.loads(more["FilterPolicy"])


def rules(lab: Lab, names: dict[str, str]) -> Any:
    events = lab.client("events")
    (timed,) = events.list_targets_by_rule(Rule=names["FunctionCron"])["Targets"]
    (matched,) = events.list_targets_by_rule(Rule=names["FunctionRule"])["Targets"]
    rule = events.describe_rule(Name=names["FunctionRule"])
    schedule = events.describe_rule(Name=names["FunctionCron"])["ScheduleExpression"]
    pattern = json.loads(rule["EventPattern"])
    return timed["Input"], schedule, matched["RetryPolicy"], pattern


def schedules(lab: Lab, names: dict[str, str]) -> Any:
    found = lab.client("scheduler").get_schedule(Name=names["FunctionLater"])
    return found["ScheduleExpression"], found["Target"]["Arn"].endswith(names["Function"])


def principals(lab: Lab, names: dict[str, str]) -> Any:
    policy = lab.client("lambda").get_policy(FunctionName=names["Function"])["Policy"]
    return {one["Principal"]["Service"] for one in json.loads(policy)["Statement"]}


MADE: list[tuple[Callable[[Lab, dict[str, str]], Any], Any]] = [
    (rest_paths, {"/hello/{name}": ["GET"]}),
    (http_routes, ["POST /hello"]),
    (notifications, (["s3:ObjectCreated:*"], "suffix", ".png")),
    (mappings, ({"sqs", "dynamodb", "kinesis"}, [5])),
    (subscriptions, ("lambda", {"kind": ["a"]})),
    (rules, ("{}", "rate(5 minutes)", {"MaximumRetryAttempts": 2}, {"source": ["app"]})),
    (schedules, ("rate(1 hour)", True)),
    (
        principals,
        {f"{name}.amazonaws.com" for name in ("apigateway", "events", "s3", "sns")},
    ),
]


def test_every_event_makes_what_sends_it_and_goes_with_the_stack(stack: SamStack, lab: Lab) -> None:
    assert stack.deploy({"Function": function(Events=EVENTS), **SOURCES}) == "CREATE_COMPLETE"
    names = stack.resources
    for look, wanted in MADE:
        assert look(lab, names) == wanted
    # The function goes, and with it all that called it.
    gone = {"Bucket", "Topic", "Queue"}
    assert stack.deploy({name: SOURCES[name] for name in gone}) == "UPDATE_COMPLETE"
    assert set(stack.resources) == gone
    assert lab.client("apigateway").get_rest_apis()["items"] == []
    assert lab.client("events").list_rules()["Rules"] == []
    stack.delete()
    assert left(lab) == NOTHING


CORS = {
    "Type": "AWS::Serverless::Api",
    "Properties": {
        "StageName": "live",
        "Cors": "'*'",
        "Auth": {
            "DefaultAuthorizer": "Mine",
            "AddDefaultAuthorizerToCorsPreflight": False,
            "Authorizers": {"Mine": {"FunctionArn": get("Guard", "Arn")}},
        },
    },
}


def test_an_api_is_made_of_its_document_and_changes_with_it(stack: SamStack, lab: Lab) -> None:
    client = lab.client("apigateway")

    def made(path: str) -> Json:
        event = {"RestApiId": ref("Api"), "Path": path, "Method": "any"}
        events = {"Call": {"Type": "Api", "Properties": event}}
        return {"Api": CORS, "Guard": function(), "Function": function(Events=events)}

    assert stack.deploy(made("/one")) == "CREATE_COMPLETE"
    api = {"restApiId": stack.resources["Api"]}
    (authorizer,) = client.get_authorizers(**api)["items"]
    resource = next(one for one in client.get_resources(**api)["items"] if one["path"] == "/one")
    method = client.get_method(**api, resourceId=resource["id"], httpMethod="ANY")
    assert (method["authorizationType"], method["authorizerId"]) == ("CUSTOM", authorizer["id"])
    assert method["methodIntegration"]["type"] == "AWS_PROXY"
    options = client.get_method(**api, resourceId=resource["id"], httpMethod="OPTIONS")
    assert (options["authorizationType"], options["methodIntegration"]["type"]) == ("NONE", "MOCK")
    before = client.get_stage(**api, stageName="live")["deploymentId"]
    assert stack.deploy(made("/two")) == "UPDATE_COMPLETE"
    paths = {one["path"] for one in client.get_resources(**api)["items"]}
    after = client.get_stage(**api, stageName="live")["deploymentId"]
    assert (paths, after != before) == ({"/", "/two"}, True)


def test_a_method_may_be_called_with_the_callers_credentials(stack: SamStack, lab: Lab) -> None:
    event = {"Path": "/mine", "Method": "get", "Auth": {"Authorizer": "AWS_IAM"}}
    events = {"Call": {"Type": "Api", "Properties": event}}
    assert stack.deploy({"Function": function(Events=events)}) == "CREATE_COMPLETE"
    client, api = lab.client("apigateway"), {"restApiId": stack.resources["ServerlessRestApi"]}
    resource = next(one for one in client.get_resources(**api)["items"] if one["path"] == "/mine")
    method = client.get_method(**api, resourceId=resource["id"], httpMethod="GET")
    assert method["authorizationType"] == "AWS_IAM"
    assert method["methodIntegration"]["credentials"] == "arn:aws:iam::*:user/*"


@pytest.mark.parametrize("holder", ["role", "user", "group"])
def test_an_inline_policy_without_a_version_is_kept_as_it_is(holder: str, lab: Lab) -> None:
    iam = lab.client("iam")
    policy = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    more = {"AssumeRolePolicyDocument": trust} if holder == "role" else {}
    named = {f"{holder.title()}Name": "mine"}
    getattr(iam, f"create_{holder}")(**named, **more)
    text = json.dumps(policy)
    getattr(iam, f"put_{holder}_policy")(**named, PolicyName="inline", PolicyDocument=text)
    found = getattr(iam, f"get_{holder}_policy")(**named, PolicyName="inline")
    assert found["PolicyDocument"] == policy


# ---- versions and aliases


def test_an_alias_follows_the_code_and_nothing_else(stack: SamStack, lab: Lab) -> None:
    lam = lab.client("lambda")

    def alias() -> tuple[str, str]:
        name = stack.resources["Function"]
        version = lam.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
        return version, invoke(lam, name, Qualifier="live").value

    def deploy(answer: str, **properties: Any) -> str:
        return stack.deploy(
            {"Function": function(code(answer), AutoPublishAlias="live", **properties)}
        )

    assert (deploy("one"), alias()) == ("CREATE_COMPLETE", ("1", "one"))
    assert (deploy("one", Timeout=9), alias()) == ("UPDATE_COMPLETE", ("1", "one"))
    assert (deploy("two", Timeout=9), alias()) == ("UPDATE_COMPLETE", ("2", "two"))
    # The version of before is kept, as its DeletionPolicy says: whoever must can go back.
    name = stack.resources["Function"]
    assert invoke(lam, name, Qualifier="1").value == "one"


# ---- moto, and the translator


def test_moto_and_the_translator_are_what_the_lab_has_been_made_for() -> None:
    from moto.cloudformation import models, responses
    from samtranslator.translator.translator import Translator

    def names(act: Any) -> list[str]:
        return list(inspect.signature(act).parameters)

    assert names(Translator.translate)[1:3] == ["sam_template", "parameter_values"]
    assert "boto_session" in names(Translator.__init__)
    backend = models.CloudFormationBackend
    assert names(backend.update_stack)[1:] == ["name", "template", "role_arn", "parameters", "tags"]
    assert names(backend.create_change_set)[1:5] == [
        "stack_name", "change_set_name", "template", "parameters",
    ]  # fmt: skip
    assert names(backend._resolve_update_parameters) == ["self", "instance", "incoming_params"]
    answers = responses.CloudFormationResponse
    assert all(hasattr(answers, name) for name in ("get_template", "get_template_summary"))
