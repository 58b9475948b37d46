"""The resource types of Step Functions: state machines, their versions and aliases.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_StepFunctions.html
"""

from __future__ import annotations

from lambdalab.errors import not_implemented
from lambdalab.neighbours.stacks.services.service_type import Json, ServiceType, Work
from lambdalab.neighbours.stacks.services.steps import document_of

__all__ = ["TYPES"]

_AT_ONCE = "ALL_AT_ONCE"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def definition(properties: Json) -> Json:
    """A state machine's definition as its text, with what is to stand in its gaps."""
    found = dict(properties)
    whole = found.pop("Definition", None)
    text = document_of(found.get("DefinitionString", whole) or {})
    for name, value in (found.pop("DefinitionSubstitutions", None) or {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return {**found, "DefinitionString": text}


def _revision(work: Work) -> None:
    """Which revision of the state machine this is; a new one has none."""
    found = work.act("DescribeStateMachine", stateMachineArn=work.known["stateMachineArn"])
    work.known["StateMachineRevisionId"] = found.get("revisionId") or "INITIAL"


def _routes(properties: Json) -> Json:
    """An alias that goes to one version at once is one that has a single route."""
    found = {name: one for name, one in properties.items() if name != "StateMachineArn"}
    preference = found.pop("DeploymentPreference", None)
    if preference is None:
        return found
    for name in ("Type", "Alarms"):
        if preference.get(name, _AT_ONCE) not in (_AT_ONCE, []):
            kind = preference[name]
            raise not_implemented(f"{name} {kind} in a DeploymentPreference of a state machine")
    arn = preference["StateMachineVersionArn"]
    return {**found, "RoutingConfiguration": [{"StateMachineVersionArn": arn, "Weight": 100}]}


_KIND = "AWS::StepFunctions"

TYPES = {
    f"{_KIND}::StateMachine": ServiceType(
        "stepfunctions",
        "CreateStateMachine",
        "DeleteStateMachine",
        update="UpdateStateMachine",
        key={"stateMachineArn": "{stateMachineArn}"},
        reference="{stateMachineArn}",
        attributes={
            "Arn": "{stateMachineArn}",
            "Name": "{name}",
            "StateMachineRevisionId": "{StateMachineRevisionId}",
        },
        named="StateMachineName",
        renamed={
            "DefinitionString": "definition",
            "StateMachineName": "name",
            "StateMachineType": "type",
        },
        replaced=_names("StateMachineName StateMachineType"),
        located={"DefinitionS3Location": "DefinitionString"},
        prepare=definition,
        steps=(_revision,),
    ),
    f"{_KIND}::Activity": ServiceType(
        "stepfunctions",
        "CreateActivity",
        "DeleteActivity",
        key={"activityArn": "{activityArn}"},
        reference="{activityArn}",
        attributes={"Arn": "{activityArn}", "Name": "{name}"},
        named="Name",
    ),
    f"{_KIND}::StateMachineVersion": ServiceType(
        "stepfunctions",
        "PublishStateMachineVersion",
        "DeleteStateMachineVersion",
        key={"stateMachineVersionArn": "{stateMachineVersionArn}"},
        reference="{stateMachineVersionArn}",
        attributes={"Arn": "{stateMachineVersionArn}"},
        renamed={"StateMachineRevisionId": "revisionId"},
    ),
    f"{_KIND}::StateMachineAlias": ServiceType(
        "stepfunctions",
        "CreateStateMachineAlias",
        "DeleteStateMachineAlias",
        update="UpdateStateMachineAlias",
        key={"stateMachineAliasArn": "{stateMachineAliasArn}"},
        reference="{stateMachineAliasArn}",
        attributes={"Arn": "{stateMachineAliasArn}"},
        named="Name",
        replaced=_names("Name"),
        prepare=_routes,
    ),
}
