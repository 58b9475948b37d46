"""The resource types of API Gateway: REST APIs, and HTTP and WebSocket APIs.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGateway.html
"""

from __future__ import annotations

from lambdalab.neighbours.stacks.services import http_api, rest_api, rest_api_methods, steps
from lambdalab.neighbours.stacks.services.service_type import ServiceType

__all__ = ["TYPES"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_API = {"restApiId": "{restApiId}"}
_V2 = {"ApiId": "{ApiId}"}

_REST = {
    "AWS::ApiGateway::RestApi": ServiceType(
        "apigateway",
        "CreateRestApi",
        "DeleteRestApi",
        key={"restApiId": "{id}"},
        reference="{id}",
        attributes={"RestApiId": "{id}", "RootResourceId": "{rootResourceId}"},
        named="Name",
        stepped=_names("Body Mode FailOnWarnings Name Description Parameters"),
        located={"BodyS3Location": "Body"},
        prepare=rest_api.prepare,
        steps=(
            rest_api.read_document,
            steps.patches(
                "UpdateRestApi", {"Name": "/name", "Description": "/description"}, restApiId="id"
            ),
        ),
    ),
    "AWS::ApiGateway::Deployment": ServiceType(
        "apigateway",
        "CreateDeployment",
        "DeleteDeployment",
        key={**_API, "deploymentId": "{id}"},
        reference="{id}",
        attributes={"DeploymentId": "{id}"},
        stepped=_names("StageDescription"),
        undo=(rest_api.leave_stage,),
    ),
    "AWS::ApiGateway::Stage": ServiceType(
        "apigateway",
        "CreateStage",
        "DeleteStage",
        key={**_API, "stageName": "{stageName}"},
        reference="{stageName}",
        stepped=_names("AccessLogSetting MethodSettings DeploymentId Description TracingEnabled"),
        steps=(
            rest_api.set_up_stage,
            steps.patches(
                "UpdateStage",
                {
                    "DeploymentId": "/deploymentId",
                    "Description": "/description",
                    "TracingEnabled": "/tracingEnabled",
                },
                restApiId="restApiId",
                stageName="stageName",
            ),
        ),
    ),
    "AWS::ApiGateway::Resource": ServiceType(
        "apigateway",
        "CreateResource",
        "DeleteResource",
        key={**_API, "resourceId": "{id}"},
        reference="{id}",
        attributes={"ResourceId": "{id}"},
    ),
    "AWS::ApiGateway::Method": ServiceType(
        "apigateway",
        "PutMethod",
        "DeleteMethod",
        update="PutMethod",
        key={**_API, "resourceId": "{resourceId}", "httpMethod": "{httpMethod}"},
        reference="{_name}",
        replaced=_names("RestApiId ResourceId HttpMethod"),
        stepped=_names("Integration MethodResponses"),
        steps=(rest_api_methods.answer, rest_api_methods.integrate),
    ),
    "AWS::ApiGateway::Authorizer": ServiceType(
        "apigateway",
        "CreateAuthorizer",
        "DeleteAuthorizer",
        key={**_API, "authorizerId": "{id}"},
        reference="{id}",
        attributes={"AuthorizerId": "{id}"},
    ),
    "AWS::ApiGateway::GatewayResponse": ServiceType(
        "apigateway",
        "PutGatewayResponse",
        "DeleteGatewayResponse",
        update="PutGatewayResponse",
        key={**_API, "responseType": "{responseType}"},
        reference="{responseType}",
        replaced=_names("RestApiId ResponseType"),
    ),
    "AWS::ApiGateway::Model": ServiceType(
        "apigateway",
        "CreateModel",
        "DeleteModel",
        key={**_API, "modelName": "{name}"},
        reference="{name}",
        named="Name",
    ),
    "AWS::ApiGateway::RequestValidator": ServiceType(
        "apigateway",
        "CreateRequestValidator",
        "DeleteRequestValidator",
        key={**_API, "requestValidatorId": "{id}"},
        reference="{id}",
        attributes={"RequestValidatorId": "{id}"},
    ),
    "AWS::ApiGateway::ApiKey": ServiceType(
        "apigateway",
        "CreateApiKey",
        "DeleteApiKey",
        key={"apiKey": "{id}"},
        reference="{id}",
        attributes={"APIKeyId": "{id}"},
        named="Name",
    ),
    "AWS::ApiGateway::UsagePlan": ServiceType(
        "apigateway",
        "CreateUsagePlan",
        "DeleteUsagePlan",
        key={"usagePlanId": "{id}"},
        reference="{id}",
        attributes={"Id": "{id}"},
        named="UsagePlanName",
        renamed={"UsagePlanName": "name"},
    ),
    "AWS::ApiGateway::UsagePlanKey": ServiceType(
        "apigateway",
        "CreateUsagePlanKey",
        "DeleteUsagePlanKey",
        key={"usagePlanId": "{usagePlanId}", "keyId": "{keyId}"},
        reference="{keyId}:{usagePlanId}",
    ),
}

_HTTP = {
    "AWS::ApiGatewayV2::Api": ServiceType(
        "apigatewayv2",
        "CreateApi",
        "DeleteApi",
        update="UpdateApi",
        key=_V2,
        reference="{ApiId}",
        attributes={"ApiEndpoint": "{ApiEndpoint}", "ApiId": "{ApiId}"},
        named="Name",
        replaced=_names("ProtocolType"),
        stepped=_names("Body FailOnWarnings"),
        located={"BodyS3Location": "Body"},
        prepare=http_api.prepare,
        steps=(http_api.read_document,),
    ),
    "AWS::ApiGatewayV2::Stage": ServiceType(
        "apigatewayv2",
        "CreateStage",
        "DeleteStage",
        update="UpdateStage",
        key={**_V2, "StageName": "{StageName}"},
        reference="{StageName}",
        replaced=_names("ApiId StageName"),
    ),
    "AWS::ApiGatewayV2::Integration": ServiceType(
        "apigatewayv2",
        "CreateIntegration",
        "DeleteIntegration",
        update="UpdateIntegration",
        key={**_V2, "IntegrationId": "{IntegrationId}"},
        reference="{IntegrationId}",
        attributes={"IntegrationId": "{IntegrationId}"},
        replaced=_names("ApiId"),
    ),
    "AWS::ApiGatewayV2::Route": ServiceType(
        "apigatewayv2",
        "CreateRoute",
        "DeleteRoute",
        update="UpdateRoute",
        key={**_V2, "RouteId": "{RouteId}"},
        reference="{RouteId}",
        attributes={"RouteId": "{RouteId}"},
        replaced=_names("ApiId"),
    ),
    "AWS::ApiGatewayV2::Authorizer": ServiceType(
        "apigatewayv2",
        "CreateAuthorizer",
        "DeleteAuthorizer",
        update="UpdateAuthorizer",
        key={**_V2, "AuthorizerId": "{AuthorizerId}"},
        reference="{AuthorizerId}",
        attributes={"AuthorizerId": "{AuthorizerId}"},
        replaced=_names("ApiId AuthorizerType"),
    ),
    "AWS::ApiGatewayV2::Deployment": ServiceType(
        "apigatewayv2",
        "CreateDeployment",
        "DeleteDeployment",
        key={**_V2, "DeploymentId": "{DeploymentId}"},
        reference="{DeploymentId}",
        attributes={"DeploymentId": "{DeploymentId}"},
    ),
}

TYPES = _REST | _HTTP
