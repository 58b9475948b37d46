"""Settings that nothing acts on are refused by their names, and leave nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambdalab.neighbours import ignored
from lambdalab.wire import Request
from tests.engine import refusal
from tests.gateway_stage import client, function_arn, rest_api, uri

if TYPE_CHECKING:
    from lambdalab import Lab

ARN = function_arn("f")
TOPIC = "arn:aws:sns:us-east-1:123456789012:t"
ROLE = "arn:aws:iam::123456789012:role/r"
SENDER = {"LambdaVersion": "V1_0", "LambdaArn": ARN}
KEY = "arn:aws:kms:us-east-1:123456789012:key/k"
REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("sns", "subscribe",
     {"TopicArn": TOPIC, "Protocol": "https", "Endpoint": "https://example.com/x"}, "https"),
    ("sns", "subscribe",
     {"TopicArn": TOPIC, "Protocol": "firehose",
      "Endpoint": "arn:aws:firehose:us-east-1:123456789012:deliverystream/d",
      "Attributes": {"SubscriptionRoleArn": ROLE}}, "firehose"),
    ("sns", "set_topic_attributes",
     {"TopicArn": TOPIC, "AttributeName": "LambdaFailureFeedbackRoleArn", "AttributeValue": ROLE},
     "LambdaFailureFeedbackRoleArn"),
    ("sns", "create_topic",
     {"Name": "x.fifo", "Attributes": {"FifoTopic": "true", "ArchivePolicy": "{}"}},
     "ArchivePolicy"),
    ("cognito-idp", "create_user_pool",
     {"PoolName": "p", "LambdaConfig": {"CustomSMSSender": SENDER, "KMSKeyID": KEY}},
     "LambdaConfig.CustomSMSSender"),
    ("logs", "put_subscription_filter",
     {"logGroupName": "g", "filterName": "f", "filterPattern": "", "destinationArn": ARN,
      "applyOnTransformedLogs": True}, "applyOnTransformedLogs"),
    ("events", "create_event_bus", {"Name": "b", "DeadLetterConfig": {"Arn": ARN}},
     "DeadLetterConfig"),
    ("config", "put_config_rule",
     {"ConfigRule": {"Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": ARN,
      "SourceDetails": [{"EventSource": "aws.config"}]}}}, "ConfigRule.Source.SourceDetails"),
    ("pipes", "create_pipe", {"Name": "p", "RoleArn": ROLE, "Source": ARN, "Target": ARN},
     "/v1/pipes/p"),
    ("iot", "create_topic_rule",
     {"ruleName": "r", "topicRulePayload": {"sql": "s", "actions": [
         {"lambda": {"functionArn": ARN}}]}}, "/rules/r"),
    ("ses", "create_receipt_rule",
     {"RuleSetName": "s", "Rule": {"Name": "r", "Actions": [
         {"LambdaAction": {"FunctionArn": ARN}}]}}, "CreateReceiptRule with arn"),
    ("apigateway", "create_rest_api", {"name": "x", "minimumCompressionSize": 10},
     "minimumCompressionSize"),
    ("apigateway", "create_stage",
     {"restApiId": "a", "stageName": "s", "deploymentId": "d", "cacheClusterEnabled": True},
     "cacheClusterEnabled"),
    ("apigateway", "create_deployment",
     {"restApiId": "a", "canarySettings": {"percentTraffic": 5.0}}, "canarySettings"),
    ("apigateway", "update_stage",
     {"restApiId": "a", "stageName": "s", "patchOperations": [
         {"op": "replace", "path": "/~1orders/GET/caching/enabled", "value": "true"}]},
     "/caching/enabled"),
    ("apigateway", "put_integration",
     {"restApiId": "a", "resourceId": "r", "httpMethod": "GET", "type": "AWS_PROXY",
      "responseTransferMode": "STREAM"}, "responseTransferMode STREAM"),
    ("apigateway", "put_integration",
     {"restApiId": "a", "resourceId": "r", "httpMethod": "GET", "type": "HTTP",
      "connectionType": "VPC_LINK", "connectionId": "v"}, "connectionId"),
    ("apigateway", "get_export",
     {"restApiId": "a", "stageName": "s", "exportType": "oas30"}, "/exports/oas30"),
    ("apigatewayv2", "create_api",
     {"Name": "w", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.a"},
     "protocolType WEBSOCKET"),
    ("elbv2", "modify_load_balancer_attributes",
     {"LoadBalancerArn": "arn", "Attributes": [
         {"Key": "access_logs.s3.bucket", "Value": "b"}]}, "access_logs.s3.bucket"),
    ("elbv2", "create_rule",
     {"ListenerArn": "arn", "Priority": 1, "Actions": [{"Type": "forward"}],
      "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a"]}}]},
     "RegexValues of CreateRule"),
    ("elbv2", "modify_rule",
     {"RuleArn": "arn", "Transforms": [
         {"Type": "url-rewrite",
          "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/a", "Replace": "/b"}]}}]},
     "Transforms of ModifyRule"),
]  # fmt: skip


@pytest.fixture(scope="module")
def lab(shared_lab: Lab) -> Lab:
    return shared_lab


@pytest.mark.parametrize(("service", "operation", "given", "words"), REFUSED)
def test_a_setting_without_effect_is_refused_by_its_name(
    lab: Lab, service: str, operation: str, given: dict[str, Any], words: str
) -> None:
    told = refusal(getattr(client(lab, service), operation), **given)
    assert (told.status, told.code) == (501, "NotImplementedException")
    assert words in told.message


def test_what_has_an_effect_is_taken(lab: Lab) -> None:
    sns, gateway = client(lab, "sns"), client(lab, "apigateway")
    topic = sns.create_topic(Name="t", Attributes={"DisplayName": "T"})["TopicArn"]
    for protocol, endpoint in (("http", "http://127.0.0.1:9/x"), ("email", "ann@example.com")):
        assert sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    api = rest_api(lab)
    named = {"restApiId": api.id, "resourceId": api.root, "httpMethod": "GET"}
    gateway.put_method(**named, authorizationType="NONE")
    gateway.put_integration(
        **named, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri("f"),
        connectionType="INTERNET", responseTransferMode="BUFFERED",
    )  # fmt: skip
    gateway.create_deployment(restApiId=api.id, stageName="dev", cacheClusterEnabled=False)
    patches = [
        {"op": "replace", "path": "/cacheClusterEnabled", "value": "false"},
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "5"},
    ]
    gateway.update_stage(restApiId=api.id, stageName="dev", patchOperations=patches)
    client(lab, "cognito-idp").create_user_pool(PoolName="p", LambdaConfig={"PreSignUp": ARN})
    assert client(lab, "events").create_event_bus(Name="plain")["EventBusArn"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"LambdaConfig": 5}', b"\xff\xfe"])
@pytest.mark.parametrize("service", ["cognito-idp", "apigateway", "sns", "iam"])
def test_requests_of_other_shapes_are_left_to_moto(service: str, body: bytes) -> None:
    headers = [(b"X-Amz-Target", b"AWSCognitoIdentityProviderService.CreateUserPool")]
    for path in (b"/", b"/restapis", b"/v2/apis"):
        assert ignored.refusal(Request("POST", path, headers, body), service) is None
