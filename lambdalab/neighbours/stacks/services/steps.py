"""What the making of a resource takes beside its one call."""

from __future__ import annotations

import json
from typing import Any

from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.stacks.services.service_type import Json, Step, Work

__all__ = [
    "attributes",
    "document_of",
    "generate",
    "patches",
    "policy",
    "put_targets",
    "remove_targets",
    "rotate",
    "statement",
]


def document_of(value: Any) -> str:
    """A document as its text."""
    return value if isinstance(value, str) else json.dumps(value)


def patches(operation: str, paths: dict[str, str], **key: str) -> Step:
    """API Gateway changes a thing by a list of patches: ``paths`` by property."""

    def step(work: Work) -> None:
        wanted = [
            {"op": "replace", "path": path, "value": _text(work.properties[name])}
            for name, path in paths.items()
            if work.changed(name) and work.before and name in work.properties
        ]
        if wanted:
            named = {name: str(work.known[known]) for name, known in key.items()}
            work.act(operation, **named, patchOperations=wanted)

    return step


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def attributes(*names: str) -> Step:
    """A subscription's settings are attributes, each set by itself."""

    def step(work: Work) -> None:
        for name in names:
            if work.changed(name) and (name in work.properties or work.before):
                value = work.properties.get(name, {} if name.endswith("Policy") else "")
                work.act(
                    "SetSubscriptionAttributes",
                    SubscriptionArn=work.known["SubscriptionArn"],
                    AttributeName=name,
                    AttributeValue=_text(value) if isinstance(value, bool) else document_of(value),
                )

    return step


def policy(operation: str, places: str, member: str, *, attribute: bool) -> Step:
    """A policy of queues, topics or buckets, of each that ``places`` names."""

    def step(work: Work) -> None:
        named = work.properties.get(places, [])
        text = document_of(work.properties.get("PolicyDocument", {}))
        for place in named if isinstance(named, list) else [named]:
            if not attribute:
                work.act(operation, **{member: place}, Policy=text)
            elif operation == "SetQueueAttributes":
                work.act(operation, **{member: place}, Attributes={"Policy": text})
            else:
                work.act(operation, **{member: place}, AttributeName="Policy", AttributeValue=text)

    return step


def put_targets(work: Work) -> None:
    """The targets of a rule, and none that are gone."""
    targets, before = work.properties.get("Targets", []), work.before.get("Targets", [])
    rule = _rule(work)
    gone = [one["Id"] for one in before if one["Id"] not in {target["Id"] for target in targets}]
    if gone:
        work.act("RemoveTargets", **rule, Ids=gone)
    if targets and work.changed("Targets"):
        answer = work.act("PutTargets", **rule, Targets=[_whole(target) for target in targets])
        for failed in answer.get("FailedEntries", []):
            raise AwsError(failed["ErrorCode"], failed["ErrorMessage"])


def _whole(target: Json) -> Json:
    """Numbers of a template may be texts; CloudFormation's targets have the API's names."""
    retry = target.get("RetryPolicy")
    if isinstance(retry, dict):
        target = {**target, "RetryPolicy": {name: int(value) for name, value in retry.items()}}
    return target


def remove_targets(work: Work) -> None:
    """A rule with targets cannot be deleted."""
    ids = [target["Id"] for target in work.properties.get("Targets", [])]
    if ids:
        work.act("RemoveTargets", **_rule(work), Ids=ids)


def _rule(work: Work) -> Json:
    bus = work.properties.get("EventBusName")
    return {"Rule": work.known["Name"], **({"EventBusName": bus} if bus else {})}


def statement(properties: Json) -> Json:
    """A policy of an event bus: a whole statement stands for its parts."""
    found = dict(properties)
    whole = found.pop("Statement", None)
    if whole is None:
        return found
    one = {"Sid": found.get("StatementId"), **whole} if isinstance(whole, dict) else whole
    return {**found, "Policy": json.dumps({"Version": "2012-10-17", "Statement": [one]})}


def generate(work: Work) -> None:
    """A secret that is made up, alone or as a member of a JSON text."""
    given = work.properties.get("GenerateSecretString")
    if not given or not work.changed("GenerateSecretString"):
        return
    own = ("SecretStringTemplate", "GenerateStringKey")
    wish = {name: one for name, one in given.items() if name not in own}
    secret: str = work.act("GetRandomPassword", **wish)["RandomPassword"]
    if given.get("GenerateStringKey"):
        try:
            members = dict(json.loads(given.get("SecretStringTemplate", "{}")))
        except (TypeError, ValueError) as error:
            raise aws_error("stack.secret-template") from error
        secret = json.dumps(members | {given["GenerateStringKey"]: secret})
    work.act("PutSecretValue", SecretId=work.known["ARN"], SecretString=secret)


def rotate(work: Work) -> None:
    """A secret's rotation begins with the resource."""
    rules = work.properties.get("RotationRules") or {}
    numbers = {"AutomaticallyAfterDays"}
    work.act(
        "RotateSecret",
        SecretId=work.properties["SecretId"],
        RotationLambdaARN=work.properties["RotationLambdaARN"],
        RotationRules={
            name: int(value) if name in numbers else value for name, value in rules.items()
        },
    )
