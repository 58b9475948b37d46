"""Resource types of other services in stacks: what is made of them, and what is refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.cloudformation import parsing

from lambdalab import Lab
from lambdalab.neighbours.stacks import ignored
from lambdalab.neighbours.stacks.services.table import TYPES
from lambdalab.neighbours.stacks.templates import types
from tests.sam_stage import ALL, SAM
from tests.stacks import Stack, get, ref, resource

Json = dict[str, Any]


@pytest.fixture
def stack(lab: Lab) -> Stack:
    return Stack(lab)


# ---- what is made, and changes


def test_a_bucket_is_configured_as_its_template_says(stack: Stack, lab: Lab) -> None:
    s3 = lab.client("s3")
    blocked = dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    algorithm = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    properties = {
        "BucketName": "bucket",
        "Tags": [{"Key": "a", "Value": "b"}],
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [algorithm]},
        "PublicAccessBlockConfiguration": blocked,
        "CorsConfiguration": {"CorsRules": [
            {"Id": "all", "AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 3}]},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    }  # fmt: skip
    bucket = resource("AWS::S3::Bucket", properties)
    outputs = {name: get("B", name) for name in ("Arn", "DomainName", "RegionalDomainName")}
    assert stack.create({"B": bucket}, outputs) == "CREATE_COMPLETE"
    assert stack.outputs == {
        "Arn": "arn:aws:s3:::bucket",
        "DomainName": "bucket.s3.amazonaws.com",
        "RegionalDomainName": "bucket.s3.us-east-1.amazonaws.com",
    }
    given = {"Bucket": "bucket"}
    assert s3.get_bucket_versioning(**given)["Status"] == "Enabled"
    assert s3.get_bucket_tagging(**given)["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert s3.get_public_access_block(**given)["PublicAccessBlockConfiguration"] == blocked
    (rule,) = s3.get_bucket_cors(**given)["CORSRules"]
    assert rule == {
        "ID": "all", "AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 3,
    }  # fmt: skip
    (owned,) = s3.get_bucket_ownership_controls(**given)["OwnershipControls"]["Rules"]
    assert owned == {"ObjectOwnership": "BucketOwnerEnforced"}
    assert stack.update({"B": resource("AWS::S3::Bucket", {"BucketName": "bucket"})}) == (
        "UPDATE_COMPLETE"
    )
    assert s3.get_bucket_versioning(**given)["Status"] == "Suspended"
    for gone in (s3.get_bucket_cors, s3.get_bucket_tagging, s3.get_public_access_block):
        with pytest.raises(s3.exceptions.ClientError):
            gone(**given)


def test_a_bucket_has_its_site_and_gives_up_its_objects(stack: Stack, lab: Lab) -> None:
    rules = [
        {"Id": "one", "Status": "Enabled", "Prefix": "tmp/", "ExpirationInDays": "7",
         "Transition": {"StorageClass": "GLACIER", "TransitionInDays": 3}},
        {"Id": "two", "Status": "Enabled", "NoncurrentVersionExpirationInDays": 5,
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}},
    ]  # fmt: skip
    site = {"IndexDocument": "index.html", "ErrorDocument": "error.html"}
    properties = {
        "BucketName": "bucket",
        "AccessControl": "Private",
        "AccelerateConfiguration": {"AccelerationStatus": "Enabled"},
        "LifecycleConfiguration": {"Rules": rules},
        "WebsiteConfiguration": site,
    }
    assert stack.create({"B": resource("AWS::S3::Bucket", properties)}) == "CREATE_COMPLETE"
    s3, bucket = lab.client("s3"), {"Bucket": "bucket"}
    assert s3.get_bucket_accelerate_configuration(**bucket)["Status"] == "Enabled"
    assert s3.get_bucket_website(**bucket)["IndexDocument"] == {"Suffix": "index.html"}
    one, two = s3.get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert (one["Filter"], one["Expiration"]) == ({"Prefix": "tmp/"}, {"Days": 7})
    assert one["Transitions"] == [{"Days": 3, "StorageClass": "GLACIER"}]
    assert two["NoncurrentVersionExpiration"] == {"NoncurrentDays": 5}
    assert two["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert stack.update({"B": resource("AWS::S3::Bucket", {"BucketName": "bucket"})}) == (
        "UPDATE_COMPLETE"
    )
    for gone in (s3.get_bucket_website, s3.get_bucket_lifecycle_configuration):
        with pytest.raises(s3.exceptions.ClientError):
            gone(**bucket)


def test_a_table_is_changed_in_place(stack: Stack, lab: Lab) -> None:
    names = [{"AttributeName": one, "AttributeType": "S"} for one in "kg"]
    index = {"IndexName": "index", "Projection": {"ProjectionType": "ALL"},
             "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}]}  # fmt: skip
    table = {
        "TableName": "table",
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": names[:1],
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": "t", "Enabled": True},
        "SSESpecification": {"SSEEnabled": True},
    }
    more = {
        "AttributeDefinitions": names,
        "GlobalSecondaryIndexes": [index],
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "Tags": [{"Key": "a", "Value": "b"}],
    }
    dynamodb = lab.client("dynamodb")

    def change(properties: Json, **outputs: Json) -> Json:
        """Change the table, which stays, and tell of it."""
        made = {"T": resource("AWS::DynamoDB::Table", properties)}
        assert stack.update(made, outputs) == "UPDATE_COMPLETE", stack.failures
        assert dynamodb.get_item(TableName="table", Key={"k": {"S": "kept"}}).get("Item")
        found: Json = dynamodb.describe_table(TableName="table")["Table"]
        return found

    assert stack.create({"T": resource("AWS::DynamoDB::Table", table)}) == "CREATE_COMPLETE"
    dynamodb.put_item(TableName="table", Item={"k": {"S": "kept"}})
    found = change(table | more, Stream=get("T", "StreamArn"))
    assert found["StreamSpecification"]["StreamViewType"] == "KEYS_ONLY"
    assert found["LatestStreamArn"] == stack.outputs["Stream"]
    assert [one["IndexName"] for one in found["GlobalSecondaryIndexes"]] == ["index"]
    assert found["SSEDescription"]["Status"] == "ENABLED"
    backups = dynamodb.describe_continuous_backups(TableName="table")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    tags = dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"]
    assert tags == more["Tags"]
    found = change({name: one for name, one in table.items() if not name.startswith("Time")})
    assert not found.get("GlobalSecondaryIndexes")
    assert not found.get("StreamSpecification", {}).get("StreamEnabled")
    ttl = dynamodb.describe_time_to_live(TableName="table")["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "DISABLED"


def test_a_global_table_in_one_region_is_a_table(stack: Stack, lab: Lab) -> None:
    def table(*regions: str) -> Json:
        replicas = [{"Region": one, "TableClass": "STANDARD"} for one in regions]
        return {"T": resource("AWS::DynamoDB::GlobalTable", {
            "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST", "Replicas": replicas,
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        })}  # fmt: skip

    outputs = {"Stream": get("T", "StreamArn"), "Name": ref("T")}
    assert stack.create(table("us-east-1"), outputs) == "CREATE_COMPLETE"
    assert lab.client("dynamodb").list_tables()["TableNames"] == [stack.outputs["Name"]]
    assert "/stream/" in stack.outputs["Stream"]
    other = Stack(lab, "other")
    assert other.create(table("us-east-1", "eu-west-1")) == "ROLLBACK_COMPLETE"
    ((_, _, reason),) = other.failures
    assert reason == ("Lambda Lab does not act on AWS::DynamoDB::GlobalTable with 2 replicas yet.")


def test_names_that_are_made_up_are_as_long_as_their_services_take_them(lab: Lab) -> None:
    long = "StockTradingStateMachineHourlyTradingSchedule" * 2
    stack = Stack(lab, "a-stack-whose-name-is-long-too")
    states = {"RoleArn": get("R", "Arn"), "Definition": machine("one")}
    resources = {
        "R": resource("AWS::IAM::Role", TRUST),
        f"{long}Rule": resource("AWS::Events::Rule", {"ScheduleExpression": "rate(1 hour)"}),
        f"{long}Machine": resource("AWS::StepFunctions::StateMachine", states),
    }
    assert stack.create(resources) == "CREATE_COMPLETE", stack.failures
    found = stack.resources
    assert len(found[f"{long}Rule"]) == 64
    assert len(found[f"{long}Machine"].rpartition(":")[2]) == 80


def test_a_state_machine_and_an_api_may_stand_in_a_bucket(stack: Stack, lab: Lab) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="parts")
    told = machine("${Said}")
    api = {"openapi": "3.0.1", "info": {"title": "from a bucket", "version": "1"}, "paths": {}}
    for key, one in (("machine", told), ("api", api)):
        s3.put_object(Bucket="parts", Key=key, Body=json.dumps(one))
    properties = {
        "RoleArn": get("R", "Arn"), "DefinitionSubstitutions": {"Said": "hello"},
        "DefinitionS3Location": {"Bucket": "parts", "Key": "machine"},
    }  # fmt: skip
    place = {"BodyS3Location": {"Bucket": "parts", "Key": "api"}}
    resources = {
        "R": resource("AWS::IAM::Role", TRUST),
        "M": resource("AWS::StepFunctions::StateMachine", properties),
        "A": resource("AWS::ApiGatewayV2::Api", place),
    }
    made = stack.create(resources, {"M": ref("M"), "A": ref("A")})
    assert made == "CREATE_COMPLETE", stack.failures
    sfn = lab.client("stepfunctions")
    found = sfn.describe_state_machine(stateMachineArn=stack.outputs["M"])["definition"]
    assert json.loads(found) == machine("hello")
    name = lab.client("apigatewayv2").get_api(ApiId=stack.outputs["A"])["Name"]
    assert name == "from a bucket"


SCALED = {
    "ServiceNamespace": "lambda",
    "ResourceId": "function:f:live",
    "ScalableDimension": "lambda:function:ProvisionedConcurrency",
}
CODE = "def handler(event, context):\n    return 1\n"


def test_what_belongs_to_users_streams_and_aliases_is_made_and_goes(
    stack: Stack, lab: Lab, make_function: Any, lam: Any
) -> None:
    name = make_function(CODE, FunctionName="f")
    lam.publish_version(FunctionName=name)
    lam.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    pool = {"UserPoolId": ref("Pool")}
    scope = {"ScopeName": "read", "ScopeDescription": "reads"}
    tracking = {
        "TargetValue": 0.7,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"
        },
    }
    resources = {
        "Pool": resource("AWS::Cognito::UserPool", {}),
        "Domain": resource("AWS::Cognito::UserPoolDomain", {**pool, "Domain": "a-domain"}),
        "Server": resource("AWS::Cognito::UserPoolResourceServer",
                           {**pool, "Identifier": "api", "Name": "api", "Scopes": [scope]}),
        "Group": resource("AWS::Cognito::UserPoolGroup", {**pool, "GroupName": "admins"}),
        "User": resource("AWS::Cognito::UserPoolUser", {**pool, "Username": "ann"}),
        "Identities": resource("AWS::Cognito::IdentityPool",
                               {"AllowUnauthenticatedIdentities": True}),
        "Stream": resource("AWS::Kinesis::Stream", {"ShardCount": 1, "StreamEncryption": {
            "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"}}),
        "Consumer": resource("AWS::Kinesis::StreamConsumer",
                             {"StreamARN": get("Stream", "Arn"), "ConsumerName": "reader"}),
        "Logs": resource("AWS::Logs::LogGroup", {}),
        "Log": resource("AWS::Logs::LogStream", {"LogGroupName": ref("Logs")}),
        "Target": resource("AWS::ApplicationAutoScaling::ScalableTarget",
                           {**SCALED, "MinCapacity": 1, "MaxCapacity": "3"}),
        "Policy": resource("AWS::ApplicationAutoScaling::ScalingPolicy", {
            "PolicyName": "p", "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": ref("Target"),
            "TargetTrackingScalingPolicyConfiguration": tracking}),
    }  # fmt: skip
    made = stack.create(resources, {"Pool": ref("Pool"), "Target": ref("Target")})
    assert made == "CREATE_COMPLETE", stack.failures
    assert stack.outputs["Target"] == (
        "function:f:live|lambda:function:ProvisionedConcurrency|lambda"
    )
    users = lab.client("cognito-idp")
    assert users.admin_get_user(UserPoolId=stack.outputs["Pool"], Username="ann")["Enabled"]
    scaling = lab.client("application-autoscaling")
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="lambda")["ScalingPolicies"]
    assert policy["ResourceId"] == "function:f:live"
    stack.delete()
    assert stack.gone, stack.failures
    assert scaling.describe_scaling_policies(ServiceNamespace="lambda")["ScalingPolicies"] == []
    assert scaling.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"] == []


def test_a_secret_may_be_made_up(stack: Stack, lab: Lab) -> None:
    given = {"PasswordLength": "16", "ExcludePunctuation": True}
    inside = {"SecretStringTemplate": '{"user":"ann"}', "GenerateStringKey": "password"}
    resources = {
        "Alone": resource("AWS::SecretsManager::Secret", {"GenerateSecretString": given}),
        "Inside": resource("AWS::SecretsManager::Secret", {"GenerateSecretString": given | inside}),
    }
    outputs = {name: ref(name) for name in resources}
    assert stack.create(resources, outputs) == "CREATE_COMPLETE", stack.failures

    def secret(name: str) -> str:
        client = lab.client("secretsmanager")
        found: str = client.get_secret_value(SecretId=stack.outputs[name])["SecretString"]
        return found

    assert secret("Alone").isalnum()
    assert len(secret("Alone")) == 16
    found = json.loads(secret("Inside"))
    assert (found["user"], len(found["password"])) == ("ann", 16)
    # What is as it was keeps its value.
    before = secret("Alone")
    resources["Inside"]["Properties"]["Description"] = "another"
    assert stack.update(resources, outputs) == "UPDATE_COMPLETE", stack.failures
    assert secret("Alone") == before


def test_a_queue_is_set_and_set_back(stack: Stack, lab: Lab) -> None:
    sqs = lab.client("sqs")
    redrive = {"deadLetterTargetArn": get("Dead", "Arn"), "maxReceiveCount": 3}
    queue = {"FifoQueue": True, "VisibilityTimeout": "60", "RedrivePolicy": redrive}
    dead = resource("AWS::SQS::Queue", {"FifoQueue": "true"})
    outputs = {"Url": ref("Q"), "Arn": get("Q", "Arn"), "Name": get("Q", "QueueName")}
    made = {"Q": resource("AWS::SQS::Queue", queue), "Dead": dead}
    assert stack.create(made, outputs) == "CREATE_COMPLETE"
    url, told = stack.outputs["Url"], stack.outputs
    assert told["Name"].endswith(".fifo")
    assert (told["Arn"].rpartition(":")[2], url.rpartition("/")[2]) == (told["Name"],) * 2

    def attributes() -> Json:
        found: Json = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return found

    assert attributes()["VisibilityTimeout"] == "60"
    assert json.loads(attributes()["RedrivePolicy"])["maxReceiveCount"] == 3
    after = {"Q": resource("AWS::SQS::Queue", {"FifoQueue": True}), "Dead": dead}
    assert stack.update(after, outputs) == "UPDATE_COMPLETE"
    assert stack.outputs["Url"] == url
    assert attributes()["VisibilityTimeout"] == "30"
    assert "RedrivePolicy" not in attributes()


def test_a_topic_has_its_settings_and_its_subscriptions(stack: Stack, lab: Lab) -> None:
    sns, queue = lab.client("sns"), resource("AWS::SQS::Queue", {"QueueName": "q"})
    listening = [{"Protocol": "sqs", "Endpoint": get("Q", "Arn")}]
    topic = {"TopicName": "t", "DisplayName": "one", "Subscription": listening}
    outputs = {"Arn": ref("T"), "Same": get("T", "TopicArn"), "Name": get("T", "TopicName")}
    made = {"T": resource("AWS::SNS::Topic", topic), "Q": queue}
    assert stack.create(made, outputs) == "CREATE_COMPLETE"
    arn = "arn:aws:sns:us-east-1:123456789012:t"
    assert stack.outputs == {"Arn": arn, "Same": arn, "Name": "t"}
    (one,) = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert one["Endpoint"] == "arn:aws:sqs:us-east-1:123456789012:q"
    changed = resource("AWS::SNS::Topic", {"TopicName": "t", "DisplayName": "two"})
    assert stack.update({"T": changed, "Q": queue}, outputs) == "UPDATE_COMPLETE"
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "two"
    assert sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] == []


def test_a_log_group_keeps_its_events_for_as_long_as_it_should(stack: Stack, lab: Lab) -> None:
    def days() -> int | None:
        (group,) = lab.client("logs").describe_log_groups()["logGroups"]
        found: int | None = group.get("retentionInDays")
        return found

    group = resource("AWS::Logs::LogGroup", {"LogGroupName": "g", "RetentionInDays": "7"})
    assert stack.create({"G": group}, {"Arn": get("G", "Arn")}) == "CREATE_COMPLETE"
    assert (stack.outputs["Arn"], days()) == (
        "arn:aws:logs:us-east-1:123456789012:log-group:g:*",
        7,
    )
    assert stack.update({"G": resource("AWS::Logs::LogGroup", {"LogGroupName": "g"})}) == (
        "UPDATE_COMPLETE"
    )
    assert days() is None


@pytest.mark.parametrize(
    ("kind", "properties", "make"),
    [
        ("AWS::SQS::Queue", {"QueueName": "x"}, ("sqs", "create_queue", {"QueueName": "x"})),
        ("AWS::SNS::Topic", {"TopicName": "x"}, ("sns", "create_topic", {"Name": "x"})),
        ("AWS::S3::Bucket", {"BucketName": "xxx"}, ("s3", "create_bucket", {"Bucket": "xxx"})),
    ],
)
def test_what_is_somebody_elses_is_not_taken(
    kind: str, properties: Json, make: tuple[str, str, Json], stack: Stack, lab: Lab
) -> None:
    service, operation, given = make
    client = lab.client(service)
    getattr(client, operation)(**given)
    assert stack.create({"X": resource(kind, properties)}) == "ROLLBACK_COMPLETE"
    ((_, _, reason),) = stack.failures
    assert reason.startswith(f"Resource of type '{kind}' with identifier '")
    # Nor is it deleted with the stack that could not have it.
    listed = {"sqs": "list_queues", "sns": "list_topics", "s3": "list_buckets"}[service]
    found = getattr(client, listed)()
    assert any(found.get(name) for name in ("QueueUrls", "Topics", "Buckets"))


STATES = {
    "Effect": "Allow",
    "Action": "sts:AssumeRole",
    "Principal": {"Service": "states.amazonaws.com"},
}
TRUST = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [STATES]}}


def machine(result: str) -> Json:
    states = {"A": {"Type": "Pass", "Result": result, "End": True}}
    return {"StartAt": "A", "States": states}


def test_an_alias_of_a_state_machine_goes_to_its_version(stack: Stack, lab: Lab) -> None:
    sfn = lab.client("stepfunctions")

    def resources(result: str) -> Json:
        arn = {"StateMachineArn": ref("M"),
               "StateMachineRevisionId": get("M", "StateMachineRevisionId")}  # fmt: skip
        route = {"StateMachineVersionArn": ref("V"), "Type": "ALL_AT_ONCE"}
        of_states = {"RoleArn": get("R", "Arn"), "DefinitionString": json.dumps(machine(result))}
        return {
            "R": resource("AWS::IAM::Role", TRUST),
            "M": resource("AWS::StepFunctions::StateMachine", of_states),
            "V": resource("AWS::StepFunctions::StateMachineVersion", arn),
            "A": resource("AWS::StepFunctions::StateMachineAlias",
                          {"Name": "live", "DeploymentPreference": route}),
        }  # fmt: skip

    outputs = {"Alias": ref("A"), "Version": get("V", "Arn")}

    def routed() -> list[str]:
        found = sfn.describe_state_machine_alias(stateMachineAliasArn=stack.outputs["Alias"])
        return [one["stateMachineVersionArn"] for one in found["routingConfiguration"]]

    assert stack.create(resources("one"), outputs) == "CREATE_COMPLETE"
    assert (routed(), stack.outputs["Version"][-2:]) == ([stack.outputs["Version"]], ":1")
    assert stack.update(resources("two"), outputs) == "UPDATE_COMPLETE"
    assert (routed(), stack.outputs["Version"][-2:]) == ([stack.outputs["Version"]], ":2")
    stack.delete()
    assert sfn.list_state_machines()["stateMachines"] == []


def test_a_shift_of_a_state_machines_alias_is_refused_by_name(stack: Stack) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:m:1"
    shift = {"StateMachineVersionArn": arn, "Type": "LINEAR", "Percentage": 10, "Interval": 1}
    alias = resource(
        "AWS::StepFunctions::StateMachineAlias", {"Name": "live", "DeploymentPreference": shift}
    )
    assert stack.create({"A": alias}) == "ROLLBACK_COMPLETE"
    ((_, _, reason),) = stack.failures
    assert reason == (
        "Lambda Lab does not act on Type LINEAR in a DeploymentPreference of a state machine yet."
    )


def test_an_api_is_made_of_its_methods(stack: Stack, lab: Lab) -> None:
    def resources(answer: str) -> Json:
        said = {"StatusCode": 200, "ResponseTemplates": {"application/json": answer}}
        mock = {"Type": "MOCK", "RequestTemplates": {"application/json": '{"statusCode": 200}'},
                "IntegrationResponses": [said]}  # fmt: skip
        method = {"RestApiId": ref("A"), "ResourceId": ref("P"), "HttpMethod": "GET",
                  "AuthorizationType": "NONE", "MethodResponses": [{"StatusCode": 200}],
                  "OperationName": "look", "Integration": mock}  # fmt: skip
        parent = {"RestApiId": ref("A"), "ParentId": get("A", "RootResourceId"), "PathPart": "x"}
        return {
            "A": resource("AWS::ApiGateway::RestApi", {"Name": "api"}),
            "P": resource("AWS::ApiGateway::Resource", parent),
            "M": resource("AWS::ApiGateway::Method", method),
            "D": resource("AWS::ApiGateway::Deployment",
                          {"RestApiId": ref("A"), "StageName": "s"}, DependsOn="M"),
        }  # fmt: skip

    assert stack.create(resources("one"), {"Id": ref("A")}) == "CREATE_COMPLETE"
    host = f"https://{stack.outputs['Id']}.execute-api.us-east-1.amazonaws.com"
    assert lab.http.get(f"{host}/s/x").text == "one"
    assert stack.update(resources("two"), {"Id": ref("A")}) == "UPDATE_COMPLETE"
    api = lab.client("apigateway")
    api.create_deployment(restApiId=stack.outputs["Id"], stageName="s")
    assert lab.http.get(f"{host}/s/x").text == "two"


def test_what_moto_leaves_out_of_a_network_and_a_table_is_there(stack: Stack, lab: Lab) -> None:
    keys = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": {"AttributeName": "t", "Enabled": True}}  # fmt: skip
    subnet = {"VpcId": ref("V"), "MapPublicIpOnLaunch": True,
              "CidrBlock": {"Fn::Select": [1, {"Fn::Cidr": [get("V", "CidrBlock"), 2, 8]}]},
              "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]}}  # fmt: skip
    resources = {
        "V": resource("AWS::EC2::VPC", {"CidrBlock": "10.1.0.0/16", "EnableDnsHostnames": True}),
        "S": resource("AWS::EC2::Subnet", subnet),
        "T": resource("AWS::DynamoDB::Table", keys),
    }
    outputs = {"Vpc": get("V", "VpcId"), "Zone": get("S", "AvailabilityZone"), "Table": ref("T")}
    assert stack.create(resources, outputs) == "CREATE_COMPLETE"
    ec2, told = lab.client("ec2"), stack.outputs
    assert told["Zone"] == "us-east-1a"
    asked = {"VpcId": told["Vpc"], "Attribute": "enableDnsHostnames"}
    assert ec2.describe_vpc_attribute(**asked)["EnableDnsHostnames"] == {"Value": True}
    (found,) = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [told["Vpc"]]}])[
        "Subnets"
    ]
    assert (found["CidrBlock"], found["MapPublicIpOnLaunch"]) == ("10.1.1.0/24", True)
    table = lab.client("dynamodb").describe_time_to_live(TableName=told["Table"])
    assert table["TimeToLiveDescription"]["AttributeName"] == "t"


# ---- what is refused by name


UNMADE = [
    ("AWS::ApiGateway::DomainName", {"DomainName": "x.org"}),
    ("AWS::ApiGateway::BasePathMapping", {"DomainName": "x.org"}),
    ("AWS::CloudFormation::WaitConditionHandle", {}),
    ("AWS::CloudFormation::Macro", {"Name": "m", "FunctionName": "f"}),
    ("AWS::Batch::SchedulingPolicy", {}),
]


@pytest.mark.parametrize(("kind", "properties"), UNMADE)
def test_a_type_that_nothing_makes_is_refused_by_name(
    kind: str, properties: Json, stack: Stack
) -> None:
    assert stack.create({"X": resource(kind, properties)}) == "ROLLBACK_COMPLETE"
    reason = f"Lambda Lab does not act on the resource type {kind} yet."
    assert stack.failures == [("X", "CREATE_FAILED", reason)]


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("AWS::Kinesis::Stream", "WarmThroughputMiBps", 3),
        ("AWS::S3::Bucket", "ReplicationConfiguration", {"Rules": []}),
        ("AWS::SNS::Topic", "DeliveryStatusLogging", [{"Protocol": "sqs"}]),
        ("AWS::Logs::LogGroup", "FieldIndexPolicies", [{}]),
    ],
)
def test_a_property_that_nothing_acts_on_is_refused_by_name(
    kind: str, name: str, value: Any, stack: Stack
) -> None:
    assert stack.create({"X": resource(kind, {name: value})}) == "ROLLBACK_COMPLETE"
    reason = f"Lambda Lab does not act on the property {name} of {kind} yet."
    assert stack.failures == [("X", "CREATE_FAILED", reason)]


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("AWS::Kinesis::Stream", {"Colour": "red"},
         "Properties validation failed for resource X with message: "
         "[#: extraneous key [Colour] is not permitted]"),
        ("AWS::DynamoDB::Table", {},
         "Properties validation failed for resource X with message: "
         "[#: required key [KeySchema] not found]"),
        ("AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": ["x", {"TagFilters": 1}]}},
         "Properties validation failed for resource X with message: "
         "[#/LifecycleConfiguration/Rules/0: expected type: JSONObject, found: String, "
         "#/LifecycleConfiguration/Rules/1/TagFilters: expected type: JSONArray, found: Integer]"),
        ("AWS::SQS::Queue", {"Colour": "red"},
         "Properties validation failed for resource X with message: "
         "[#: extraneous key [Colour] is not permitted]"),
    ],
)  # fmt: skip
def test_a_property_that_is_wrong_or_missing_is_named(
    kind: str, properties: Json, reason: str, stack: Stack
) -> None:
    assert stack.create({"X": resource(kind, properties)}) == "ROLLBACK_COMPLETE"
    assert stack.failures[0] == ("X", "CREATE_FAILED", reason)


def test_a_change_that_moto_cannot_make_is_refused_by_name(stack: Stack) -> None:
    def vpc(hosts: bool) -> Json:
        return {"V": resource("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16",
                                                "EnableDnsHostnames": hosts})}  # fmt: skip

    assert stack.create(vpc(True)) == "CREATE_COMPLETE"
    assert stack.update(vpc(False)) == "UPDATE_ROLLBACK_COMPLETE"
    ((_, status, reason),) = stack.failures
    assert (status, reason) == (
        "UPDATE_FAILED",
        "Lambda Lab does not act on a change of a resource of the type AWS::EC2::VPC yet.",
    )


def test_metadata_of_cdk_are_nothing(stack: Stack) -> None:
    assert stack.create({"M": resource("AWS::CDK::Metadata", {"Analytics": "x"})}) == (
        "CREATE_COMPLETE"
    )
    assert stack.update({"M": resource("AWS::CDK::Metadata", {"Analytics": "y"})}) == (
        "UPDATE_COMPLETE"
    )


def test_what_sam_makes_of_a_domain_is_refused_by_name(stack: Stack, lab: Lab) -> None:
    domain = {"DomainName": "x.org", "CertificateArn": "arn:aws:acm:us-east-1:1:certificate/c"}
    api = {"Type": "AWS::Serverless::Api", "Properties": {
        "StageName": "s", "Domain": domain,
        "DefinitionBody": {"swagger": "2.0", "paths": {"/": {"get": {
            "x-amazon-apigateway-integration": {"type": "mock"}, "responses": {}}}}}}}  # fmt: skip
    client = lab.client("cloudformation")
    body = json.dumps({"Transform": SAM, "Resources": {"Api": api}})
    client.create_stack(StackName="stack", TemplateBody=body, Capabilities=ALL)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert "the resource type AWS::ApiGateway::DomainName yet." in stack.failures[0][2]


def test_a_state_machine_of_sam_publishes_its_alias(stack: Stack, lab: Lab) -> None:
    properties = {"Definition": machine("x"), "AutoPublishAlias": "live"}
    whole = {"Type": "AWS::Serverless::StateMachine", "Properties": properties}
    client = lab.client("cloudformation")
    body = json.dumps({"Transform": SAM, "Resources": {"M": whole}})
    client.create_stack(StackName="stack", TemplateBody=body, Capabilities=ALL)
    assert stack.status == "CREATE_COMPLETE", stack.failures
    (made,) = lab.client("stepfunctions").list_state_machines()["stateMachines"]
    aliases = lab.client("stepfunctions").list_state_machine_aliases(
        stateMachineArn=made["stateMachineArn"]
    )["stateMachineAliases"]
    assert [one["stateMachineAliasArn"].rpartition(":")[2] for one in aliases] == ["live"]


# ---- what the lab has been made for


def test_aws_schemas_are_where_the_lab_looks_for_them() -> None:
    assert types.exists("AWS::Lambda::Function")
    assert not types.exists("AWS::Lambda::Functions")
    assert types.exists("Custom::Thing")
    assert types.required("AWS::Lambda::Function") == ("Code", "Role")
    assert types.gives("AWS::SQS::Queue", "Arn")
    assert not types.gives("AWS::SQS::Queue", "Arm")
    assert types.replaced("AWS::SQS::Queue") == {"FifoQueue", "QueueName"}
    assert types.identifier("AWS::EC2::VPC") == "VpcId"
    assert [kind for kind in TYPES if not types.exists(kind)] == []


def test_what_motos_types_forget_is_known() -> None:
    known = parsing.get_model_map()

    def forgotten(kind: str) -> set[str]:
        return set(ignored.ignored(kind, known[kind]))

    assert "WarmThroughputMiBps" in forgotten("AWS::Kinesis::Stream")
    assert "ShardCount" not in forgotten("AWS::Kinesis::Stream")
    assert forgotten("AWS::SSM::Parameter") == set()
    assert forgotten("AWS::IAM::Policy") == set()


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_row_names_no_property_that_cloudformation_does_not_have(kind: str) -> None:
    row, properties = TYPES[kind], types.properties(kind)
    if kind == "AWS::DynamoDB::GlobalTable":
        # What its only replica says of itself is taken as said of the table.
        properties |= types.properties("AWS::DynamoDB::Table")
    assert row.stepped <= properties | {"Analytics"}, row.stepped - properties
    assert row.replaced <= properties
    assert all(types.gives(kind, name) or name in properties for name in row.attributes)
