"""The resource types of Application Load Balancers.

Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ElasticLoadBalancingV2.html
"""

from __future__ import annotations

from lambdalab.neighbours.stacks.services.roles import shortened
from lambdalab.neighbours.stacks.services.service_type import Json, ServiceType, Step, Work

__all__ = ["TYPES"]

_LONGEST_NAME = 32


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _attributes(operation: str, property_name: str, key: str) -> Step:
    """Attributes are set by a call of their own."""

    def step(work: Work) -> None:
        given = work.properties.get(property_name)
        if given and work.changed(property_name):
            texts = [{"Key": one["Key"], "Value": _text(one.get("Value", ""))} for one in given]
            work.act(operation, **{key: work.known[key]}, Attributes=texts)

    return step


def _full_name(key: str, kind: str, attribute: str) -> Step:
    """Metrics know a thing by the end of its ARN."""

    def step(work: Work) -> None:
        work.known[attribute] = work.known[key].rpartition(":")[2].removeprefix(kind)

    return step


def _targets(work: Work) -> None:
    """Register what has come, deregister what has gone."""
    before, after = (_ids(properties) for properties in (work.before, work.properties))
    arn = work.known["TargetGroupArn"]
    for operation, targets in (
        ("DeregisterTargets", [one for one in before if one not in after]),
        ("RegisterTargets", [one for one in after if one not in before]),
    ):
        if targets:
            work.act(operation, TargetGroupArn=arn, Targets=targets)


def _ids(properties: Json) -> list[Json]:
    targets: list[Json] = properties.get("Targets") or []
    return [one | ({"Port": int(one["Port"])} if "Port" in one else {}) for one in targets]


def _priority(work: Work) -> None:
    """A rule gets another priority by a call of its own."""
    if work.before and work.changed("Priority"):
        wanted = {"RuleArn": work.known["RuleArn"], "Priority": int(work.properties["Priority"])}
        work.act("SetRulePriorities", RulePriorities=[wanted])


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_SERVICE = "elbv2"
_KIND = "AWS::ElasticLoadBalancingV2"

TYPES = {
    f"{_KIND}::LoadBalancer": ServiceType(
        _SERVICE,
        "CreateLoadBalancer",
        "DeleteLoadBalancer",
        key={"LoadBalancerArn": "{LoadBalancerArn}"},
        reference="{LoadBalancerArn}",
        attributes={
            "CanonicalHostedZoneID": "{CanonicalHostedZoneId}",
            "DNSName": "{DNSName}",
            "LoadBalancerArn": "{LoadBalancerArn}",
            "LoadBalancerFullName": "{LoadBalancerFullName}",
            "LoadBalancerName": "{LoadBalancerName}",
        },
        named="Name",
        name_form=shortened(_LONGEST_NAME),
        stepped=_names("LoadBalancerAttributes Tags"),
        steps=(
            _full_name("LoadBalancerArn", "loadbalancer/", "LoadBalancerFullName"),
            _attributes(
                "ModifyLoadBalancerAttributes", "LoadBalancerAttributes", "LoadBalancerArn"
            ),
        ),
    ),
    f"{_KIND}::TargetGroup": ServiceType(
        _SERVICE,
        "CreateTargetGroup",
        "DeleteTargetGroup",
        update="ModifyTargetGroup",
        key={"TargetGroupArn": "{TargetGroupArn}"},
        reference="{TargetGroupArn}",
        attributes={
            "TargetGroupArn": "{TargetGroupArn}",
            "TargetGroupFullName": "{TargetGroupFullName}",
            "TargetGroupName": "{TargetGroupName}",
        },
        named="Name",
        name_form=shortened(_LONGEST_NAME),
        replaced=_names("IpAddressType Name Port Protocol ProtocolVersion TargetType VpcId"),
        stepped=_names("Tags TargetGroupAttributes Targets"),
        steps=(
            _full_name("TargetGroupArn", "", "TargetGroupFullName"),
            _attributes("ModifyTargetGroupAttributes", "TargetGroupAttributes", "TargetGroupArn"),
            _targets,
        ),
    ),
    f"{_KIND}::Listener": ServiceType(
        _SERVICE,
        "CreateListener",
        "DeleteListener",
        update="ModifyListener",
        key={"ListenerArn": "{ListenerArn}"},
        reference="{ListenerArn}",
        attributes={"ListenerArn": "{ListenerArn}"},
        replaced=_names("LoadBalancerArn"),
        stepped=_names("ListenerAttributes"),
        steps=(_attributes("ModifyListenerAttributes", "ListenerAttributes", "ListenerArn"),),
    ),
    f"{_KIND}::ListenerRule": ServiceType(
        _SERVICE,
        "CreateRule",
        "DeleteRule",
        update="ModifyRule",
        key={"RuleArn": "{RuleArn}"},
        reference="{RuleArn}",
        attributes={"RuleArn": "{RuleArn}"},
        replaced=_names("ListenerArn"),
        stepped=_names("Priority"),
        steps=(_priority,),
    ),
}
