"""The four ways to a function over HTTP, built for one function: notebook 04 compares them."""

from typing import Any

__all__ = ["http_ways"]

_ANYBODY = {"Principal": "*"}


def http_ways(lab: Any, function: str) -> dict[str, str]:
    """Give a function a URL, an HTTP API, a REST API and a load balancer; return their addresses.

    Whoever may call it is allowed to in its resource policy. The paths of the addresses end in a
    slash; what follows is the function's to read.
    """
    lam = lab.client("lambda")
    arn = lam.get_function_configuration(FunctionName=function)["FunctionArn"]
    return {
        "function URL": _function_url(lam, function),
        "HTTP API": _http_api(lab, lam, arn),
        "REST API": _rest_api(lab, lam, arn),
        "load balancer": _load_balancer(lab, lam, arn),
    }


def _function_url(lam: Any, function: str) -> str:
    made = lam.create_function_url_config(FunctionName=function, AuthType="NONE")
    _allow(
        lam, function, "url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE",
        **_ANYBODY,
    )  # fmt: skip
    _allow(lam, function, "through-url", InvokedViaFunctionUrl=True, **_ANYBODY)
    return str(made["FunctionUrl"])


def _http_api(lab: Any, lam: Any, arn: str) -> str:
    api = lab.client("apigatewayv2").create_api(Name=_name(arn), ProtocolType="HTTP", Target=arn)
    _allow_gateway(lam, arn, "http-api", api["ApiId"])
    return f"{api['ApiEndpoint']}/"


def _rest_api(lab: Any, lam: Any, arn: str) -> str:
    gateway = lab.client("apigateway")
    api = gateway.create_rest_api(name=_name(arn))["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    proxy = gateway.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    where = {"restApiId": api, "resourceId": proxy, "httpMethod": "ANY"}
    gateway.put_method(**where, authorizationType="NONE")
    path = f"lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(
        **where,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{lab.region}:{path}",
    )
    gateway.create_deployment(restApiId=api, stageName="prod")
    _allow_gateway(lam, arn, "rest-api", api)
    return f"https://{api}.execute-api.{lab.region}.amazonaws.com/prod/"


def _load_balancer(lab: Any, lam: Any, arn: str) -> str:
    elb, ec2 = lab.client("elbv2"), lab.client("ec2")
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]
    made = elb.create_load_balancer(Name=_name(arn), Subnets=subnets)["LoadBalancers"][0]
    group = elb.create_target_group(Name=_name(arn), TargetType="lambda")["TargetGroups"][0]
    _allow(
        lam, arn, "load-balancer", Principal="elasticloadbalancing.amazonaws.com",
        SourceArn=group["TargetGroupArn"],
    )  # fmt: skip
    elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": arn}])
    forward = {"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}
    elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[forward]
    )
    return f"http://{made['DNSName']}/"


def _allow_gateway(lam: Any, arn: str, sid: str, api: str) -> None:
    region, account = arn.split(":")[3:5]
    source = f"arn:aws:execute-api:{region}:{account}:{api}/*"
    _allow(lam, arn, sid, Principal="apigateway.amazonaws.com", SourceArn=source)


def _allow(lam: Any, function: str, sid: str, **grant: Any) -> None:
    lam.add_permission(
        **{"FunctionName": function, "StatementId": sid, "Action": "lambda:InvokeFunction", **grant}
    )


def _name(arn: str) -> str:
    return arn.split(":")[6]
