"""APIs in front of services beside Lambda: REST APIs by URI, HTTP APIs by subtype."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from tests.engine import refusal
from tests.gateway_stage import ACCOUNT, REGION, Api, client, deploy, mapped, method, rest_api

if TYPE_CHECKING:
    from lambdalab import Lab

FORM = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}
PNG = b"\x89PNG\r\n\x1a\n\xff\xfe"
MACHINE = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})


@pytest.fixture(scope="module")
def lab(shared_lab: Lab) -> Lab:
    """Not emptied: each test has an API of its own."""
    return shared_lab


def make_role(lab: Lab, name: str, service: str) -> str:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    made = client(lab, "iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


@pytest.fixture(scope="module")
def role(lab: Lab) -> str:
    return make_role(lab, "api", "apigateway.amazonaws.com")


def arn(path: str) -> str:
    return f"arn:aws:apigateway:{REGION}:{path}"


def served(
    lab: Lab, role: str | None, uri: str, *responses: dict[str, Any], verb: str = "POST",
    path: str = "/", **settings: Any,
) -> Api:  # fmt: skip
    """A REST API with one method in front of a service."""
    api = rest_api(lab, **settings.pop("api", {}))
    named = method(lab, api, verb, path, **settings.pop("method", {}))
    given = {"type": "AWS", "uri": arn(uri), **settings}
    mapped(lab, named, given | ({"credentials": role} if role else {}), *responses)
    deploy(lab, api)
    return api


def queue(lab: Lab, name: str) -> str:
    return str(client(lab, "sqs").create_queue(QueueName=name)["QueueUrl"])


def bodies(lab: Lab, url: str) -> list[str]:
    got = client(lab, "sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [one["Body"] for one in got.get("Messages", [])]


# ---- REST APIs


def test_a_message_by_the_path_of_its_queue(lab: Lab, role: str) -> None:
    url = queue(lab, "rest")
    template = 'Action=SendMessage&MessageBody=$util.urlEncode($input.json("$.order"))'
    api = served(
        lab, role, f"sqs:path/{ACCOUNT}/rest", {
            "statusCode": "200",
            "responseTemplates": {"application/json": '{"sent": true}'},
            "responseParameters": {
                "method.response.header.X-Id": "integration.response.header.x-amzn-requestid"
            },
        },
        requestParameters=FORM, requestTemplates={"application/json": template},
    )  # fmt: skip
    answer = lab.http.post(api.url, json={"order": {"n": 1}})
    assert (answer.status_code, answer.json()) == (200, {"sent": True})
    assert len(answer.headers["x-id"]) == 36
    assert bodies(lab, url) == ['{"n":1}']


def test_a_topic_and_a_queue_by_their_action(lab: Lab, role: str) -> None:
    topic = client(lab, "sns").create_topic(Name="t")["TopicArn"]
    url = queue(lab, "subscribed")
    client(lab, "sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscribed",
        Attributes={"RawMessageDelivery": "true"},
    )  # fmt: skip
    parameters = {
        "integration.request.querystring.TopicArn": f"'{topic}'",
        "integration.request.querystring.Message": "method.request.body.text",
    }
    api = served(lab, role, "sns:action/Publish", requestParameters=parameters)
    assert lab.http.post(api.url, json={"text": "hello & more"}).status_code == 200
    assert bodies(lab, url) == ["hello & more"]
    parameters = {
        "integration.request.querystring.QueueUrl": f"'{url}'",
        "integration.request.querystring.MessageBody": "method.request.body",
    }
    api = served(lab, role, "sqs:action/SendMessage", requestParameters=parameters)
    assert lab.http.post(api.url, data="as it is").status_code == 200
    assert bodies(lab, url) == ["as it is"]


def test_an_item_of_a_table(lab: Lab, role: str) -> None:
    client(lab, "dynamodb").create_table(
        TableName="items", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )  # fmt: skip
    client(lab, "dynamodb").put_item(TableName="items", Item={"id": {"S": "a"}, "n": {"N": "7"}})
    template = '{"TableName": "items", "Key": {"id": {"S": "$input.params(\'id\')"}}}'
    told = '{"n": $input.path("$.Item.n.N")}'
    api = served(
        lab, role, "dynamodb:action/GetItem",
        {"statusCode": "200", "responseTemplates": {"application/json": told}},
        {"statusCode": "400", "selectionPattern": "4\\d{2}"},
        verb="GET", path="/items/{id}", requestTemplates={"application/json": template},
        passthroughBehavior="WHEN_NO_TEMPLATES",
    )  # fmt: skip
    assert lab.http.get(f"{api.url}/items/a").json() == {"n": 7}
    client(lab, "dynamodb").delete_table(TableName="items")
    refused = lab.http.get(f"{api.url}/items/a")
    assert refused.status_code == 400
    assert "ResourceNotFoundException" in refused.json()["__type"]


def test_an_execution_and_its_function(lab: Lab, role: str) -> None:
    states = client(lab, "stepfunctions")
    machine = states.create_state_machine(
        name="m", definition=MACHINE, roleArn=make_role(lab, "states", "states.amazonaws.com")
    )["stateMachineArn"]
    template = (
        f'{{"input": "$util.escapeJavaScript($input.json(\'$\'))", "stateMachineArn": "{machine}"}}'
    )
    api = served(
        lab, role, "states:action/StartExecution", requestTemplates={"application/json": template}
    )
    made = lab.http.post(api.url, json={"n": 1}).json()
    lab.clock.advance(seconds=1)
    told = states.describe_execution(executionArn=made["executionArn"])
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"n": 1})


def test_objects_of_a_bucket_byte_by_byte(lab: Lab, role: str) -> None:
    client(lab, "s3").create_bucket(Bucket="pictures")
    client(lab, "s3").put_object(
        Bucket="pictures", Key="a/b.png", Body=PNG, ContentType="image/png"
    )
    place = {
        "integration.request.path.bucket": "'pictures'",
        "integration.request.path.key": "method.request.path.key",
    }
    kind = {"method.response.header.Content-Type": "integration.response.header.Content-Type"}
    api = served(
        lab, role, "s3:path/{bucket}/{key}",
        {"statusCode": "200", "responseParameters": kind},
        {"statusCode": "404", "selectionPattern": "404"},
        verb="GET", path="/{key+}", integrationHttpMethod="GET", requestParameters=place,
        api={"binaryMediaTypes": ["*/*"]},
        method={"requestParameters": {"method.request.path.key": True}},
    )  # fmt: skip
    answer = lab.http.get(f"{api.url}/a/b.png")
    assert (answer.headers["content-type"], answer.content) == ("image/png", PNG)
    assert lab.http.get(f"{api.url}/a/none").status_code == 404


def test_a_template_overrides_where_a_request_goes(lab: Lab, role: str) -> None:
    client(lab, "s3").create_bucket(Bucket="overridden")
    template = """#set($context.requestOverride.path.bucket = 'overridden')
#set($context.requestOverride.path['key'] = "events/${context.stage}.json")
#set($context.requestOverride.header.x-amz-meta-own = $input.path('$.own'))
$input.body"""
    place = {"integration.request.path.bucket": "'other'"}
    api = served(
        lab, role, "s3:path/{bucket}/{key}", integrationHttpMethod="PUT", requestParameters=place,
        requestTemplates={"application/json": template},
    )  # fmt: skip
    assert lab.http.post(api.url, json={"own": "mine"}).status_code == 200
    kept = client(lab, "s3").get_object(Bucket="overridden", Key="events/dev.json")
    assert json.loads(kept["Body"].read()) == {"own": "mine"}
    assert kept["Metadata"] == {"own": "mine"}


def test_bytes_go_to_a_service_as_they_are(lab: Lab, role: str) -> None:
    client(lab, "s3").create_bucket(Bucket="uploads")
    place = {"integration.request.path.bucket": "'uploads'", "integration.request.path.key": "'k'"}
    api = served(
        lab, role, "s3:path/{bucket}/{key}", integrationHttpMethod="PUT", requestParameters=place,
        api={"binaryMediaTypes": ["image/png"]},
    )  # fmt: skip
    assert (
        lab.http.post(api.url, data=PNG, headers={"Content-Type": "image/png"}).status_code == 200
    )
    assert client(lab, "s3").get_object(Bucket="uploads", Key="k")["Body"].read() == PNG


@pytest.mark.parametrize("who", ["nobody", "lambda.amazonaws.com"])
def test_a_role_that_api_gateway_may_not_take(lab: Lab, who: str) -> None:
    role = make_role(lab, "other", who) if "." in who else None
    api = served(lab, role, f"sqs:path/{ACCOUNT}/rest", requestParameters=FORM)
    answer = lab.http.post(api.url, data="Action=SendMessage&MessageBody=x")
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal server error"})


@pytest.mark.parametrize("uri", ["ses:action/SendEmail", "s3:action/PutObject"])
def test_what_the_lab_does_not_reach_it_names(lab: Lab, role: str, uri: str) -> None:
    api = served(lab, role, uri)
    answer = lab.http.post(api.url, json={})
    assert answer.status_code == 501
    assert uri in answer.json()["message"]


# ---- HTTP APIs


def first_class(lab: Lab, role: str, subtype: str, **parameters: str) -> Api:
    """An HTTP API whose default route is one operation of a service."""
    v2 = client(lab, "apigatewayv2")
    api = v2.create_api(Name="first class", ProtocolType="HTTP")
    integration = integrate(v2, api["ApiId"], subtype, parameters, CredentialsArn=role)
    target = f"integrations/{integration['IntegrationId']}"
    v2.create_route(ApiId=api["ApiId"], RouteKey="$default", Target=target)
    v2.create_stage(ApiId=api["ApiId"], StageName="$default", AutoDeploy=True)
    return Api(api["ApiId"], "", api["ApiEndpoint"])


def integrate(v2: Any, api: str, subtype: str, parameters: dict[str, str], **more: Any) -> Any:
    given = {"PayloadFormatVersion": "1.0", "RequestParameters": parameters} | more
    return v2.create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationSubtype=subtype, **given
    )


def test_messages_are_sent_received_and_deleted(lab: Lab, role: str) -> None:
    url = queue(lab, "http")
    attributes = '{"k": {"DataType": "String", "StringValue": "${request.header.x-k}"}}'
    api = first_class(
        lab, role, "SQS-SendMessage", QueueUrl=url, MessageBody="$request.body.text",
        MessageAttributes=attributes,
    )  # fmt: skip
    sent = lab.http.post(api.url, json={"text": "hello"}, headers={"X-K": "v"})
    assert (sent.status_code, sent.headers["content-type"].partition(";")[0]) == (200, "text/xml")
    names = [one.tag.rpartition("}")[2] for one in ElementTree.fromstring(sent.text).iter()]
    assert names[:2] == ["SendMessageResponse", "SendMessageResult"]
    receive = first_class(
        lab, role, "SQS-ReceiveMessage", QueueUrl=url, MessageAttributeNames='["All"]'
    )
    got = ElementTree.fromstring(lab.http.get(receive.url).text)
    told = {one.tag.rpartition("}")[2]: one.text for one in got.iter()}
    assert (told["Body"], told["StringValue"]) == ("hello", "v")
    delete = first_class(
        lab, role, "SQS-DeleteMessage", QueueUrl=url, ReceiptHandle="$request.querystring.handle"
    )
    handle = told["ReceiptHandle"]
    assert lab.http.get(delete.url, params={"handle": handle}).status_code == 200
    lab.clock.advance(minutes=1)
    assert bodies(lab, url) == []


def test_events_go_to_the_bus(lab: Lab, role: str) -> None:
    url, events = queue(lab, "ruled"), client(lab, "events")
    events.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    target = f"arn:aws:sqs:{REGION}:{ACCOUNT}:ruled"
    events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": target}])
    api = first_class(
        lab, role, "EventBridge-PutEvents", Source="shop", DetailType="order",
        Detail="$request.body", Resources="$request.header.x-resource",
    )  # fmt: skip
    answer = lab.http.post(api.url, json={"n": 1}, headers={"X-Resource": "a"})
    assert (answer.status_code, answer.json()["FailedEntryCount"]) == (200, 0)
    (event,) = (json.loads(one) for one in bodies(lab, url))
    wanted = ("order", {"n": 1}, ["a"])
    assert (event["detail-type"], event["detail"], event["resources"]) == wanted


def test_executions_are_started_and_waited_for(lab: Lab, role: str) -> None:
    states, own = client(lab, "stepfunctions"), make_role(lab, "flow", "states.amazonaws.com")
    machine = states.create_state_machine(
        name="express", definition=MACHINE, roleArn=own, type="EXPRESS"
    )["stateMachineArn"]
    api = first_class(
        lab, role, "StepFunctions-StartSyncExecution", StateMachineArn=machine,
        Input="$request.body",
    )  # fmt: skip
    answer = lab.http.post(api.url, json={"n": 2}).json()
    assert (answer["status"], json.loads(answer["output"])) == ("SUCCEEDED", {"n": 2})
    missing = first_class(
        lab, role, "StepFunctions-StartExecution", StateMachineArn=f"{machine}x", Input="{}"
    )
    refused = lab.http.post(missing.url)
    assert refused.status_code == 400
    assert "StateMachineDoesNotExist" in refused.json()["__type"]


def test_what_an_integration_with_a_service_needs(lab: Lab, role: str) -> None:
    v2 = client(lab, "apigatewayv2")
    api = v2.create_api(Name="refused", ProtocolType="HTTP")["ApiId"]
    whole = {"QueueUrl": "q", "MessageBody": "b"}
    wrong = [
        ("mapping: [QueueUrl, MessageBody]", {"QueueUrl": "q"}, {"CredentialsArn": role}),
        ("Role ARN must be specified", whole, {}),
        (
            "Unsupported PayloadFormatVersion: 2.0",
            whole,
            {"CredentialsArn": role, "PayloadFormatVersion": "2.0"},
        ),
    ]
    for words, parameters, more in wrong:
        refused = refusal(
            lambda given=parameters, more=more: integrate(v2, api, "SQS-SendMessage", given, **more)
        )
        assert (refused.status, refused.code) == (400, "BadRequestException")
        assert words in refused.message
    assert v2.get_integrations(ApiId=api)["Items"] == []


def test_a_subtype_that_the_lab_does_not_have_is_named(lab: Lab, role: str) -> None:
    api = first_class(lab, role, "AppConfig-GetConfiguration", Application="a")
    answer = lab.http.get(api.url)
    assert answer.status_code == 501
    assert "AppConfig-GetConfiguration" in answer.json()["message"]


# ---- access logs

FORM_OF_LINES = '{"id":"$context.requestId","status":"$context.status","route":"$context.%s",'
FORM_OF_LINES += '"ip":"$context.identity.sourceIp","none":"$context.nothing.here"}'


def lines(lab: Lab, group: str) -> list[dict[str, str]]:
    found = client(lab, "logs").filter_log_events(logGroupName=group)["events"]
    return [json.loads(one["message"]) for one in found]


def test_a_line_for_each_request(lab: Lab, role: str) -> None:
    logs, url = client(lab, "logs"), queue(lab, "logged")
    for group in ("/http", "/rest"):
        logs.create_log_group(logGroupName=group)
    arn_of = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
    api = first_class(lab, role, "SQS-SendMessage", QueueUrl=url, MessageBody="$request.body")
    settings = {"DestinationArn": f"{arn_of}/http", "Format": FORM_OF_LINES % "routeKey"}
    client(lab, "apigatewayv2").update_stage(
        ApiId=api.id, StageName="$default", AccessLogSettings=settings
    )
    answer = lab.http.post(api.url, data="x")
    (line,) = lines(lab, "/http")
    assert (line["status"], line["route"], line["ip"]) == ("200", "$default", "127.0.0.1")
    assert (line["none"], line["id"]) == ("-", answer.headers["apigw-requestid"])
    rest = served(lab, role, f"sqs:path/{ACCOUNT}/logged", requestParameters=FORM)
    form = FORM_OF_LINES % "resourcePath"
    patches = [
        {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": f"{arn_of}/rest"},
        {"op": "replace", "path": "/accessLogSettings/format", "value": form},
    ]
    client(lab, "apigateway").update_stage(
        restApiId=rest.id, stageName="dev", patchOperations=patches
    )
    answer = lab.http.post(rest.url, data="Action=SendMessage&MessageBody=x")
    missing = lab.http.get(f"{rest.url}/nowhere")
    told = [(line["id"], line["status"], line["route"]) for line in lines(lab, "/rest")]
    assert told == [
        (answer.headers["x-amzn-requestid"], "200", "/"),
        (missing.headers["x-amzn-requestid"], "403", "-"),
    ]
