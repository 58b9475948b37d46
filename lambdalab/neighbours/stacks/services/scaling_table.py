"""The resource types of Application Auto Scaling.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApplicationAutoScaling.html
"""

from __future__ import annotations

from lambdalab.neighbours.stacks.services.service_type import Json, ServiceType, Work

__all__ = ["TYPES"]

_PARTS = ("ResourceId", "ScalableDimension", "ServiceNamespace")
_KEY = {name: f"{{{name}}}" for name in _PARTS}
_TARGET = "{ResourceId}|{ScalableDimension}|{ServiceNamespace}"


def _actions(work: Work) -> None:
    """The scheduled actions of a target, as they are now to be."""
    target = {name: str(work.properties[name]) for name in _PARTS}
    after, before = (
        {one["ScheduledActionName"]: one for one in properties.get("ScheduledActions", [])}
        for properties in (work.properties, work.before)
    )
    for name in before.keys() - after.keys():
        work.act("DeleteScheduledAction", **target, ScheduledActionName=name)
    for name, one in after.items():
        if before.get(name) != one:
            work.act("PutScheduledAction", **target, **one)


def _of_target(properties: Json) -> Json:
    """A policy may name its target by what ``Ref`` gives of it."""
    found = dict(properties)
    target = found.pop("ScalingTargetId", None)
    return found | (dict(zip(_PARTS, target.split("|"), strict=False)) if target else {})


TYPES = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ServiceType(
        "application-autoscaling",
        "RegisterScalableTarget",
        "DeregisterScalableTarget",
        update="RegisterScalableTarget",
        key=_KEY,
        reference=_TARGET,
        attributes={"Id": _TARGET},
        replaced=frozenset(_PARTS),
        stepped=frozenset(("ScheduledActions",)),
        steps=(_actions,),
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ServiceType(
        "application-autoscaling",
        "PutScalingPolicy",
        "DeleteScalingPolicy",
        update="PutScalingPolicy",
        key={**_KEY, "PolicyName": "{PolicyName}"},
        reference="{PolicyARN}",
        attributes={"Arn": "{PolicyARN}"},
        replaced=frozenset((*_PARTS, "PolicyName", "ScalingTargetId")),
        prepare=_of_target,
    ),
}
