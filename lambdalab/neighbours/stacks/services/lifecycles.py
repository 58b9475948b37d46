"""What becomes of a bucket's objects with time: a template says it flatter than a call does.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
"""

from __future__ import annotations

from lambdalab.neighbours.stacks.services.service_type import Json

__all__ = ["lifecycle"]

# The members that a call gathers: under which name, and what they are called there.
_GATHERED = {
    "ExpirationInDays": ("Expiration", "Days"),
    "ExpirationDate": ("Expiration", "Date"),
    "ExpiredObjectDeleteMarker": ("Expiration", "ExpiredObjectDeleteMarker"),
    "NoncurrentVersionExpirationInDays": ("NoncurrentVersionExpiration", "NoncurrentDays"),
}
_KEPT = ("Status", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")
# What a rule is for.
_FILTERED = ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
_DAYS = {"Transition": "Days", "NoncurrentVersionTransition": "NoncurrentDays"}


def lifecycle(given: Json) -> Json:
    """The rules as PutBucketLifecycleConfiguration takes them."""
    return {"Rules": [_rule(one) for one in given.get("Rules", [])]}


def _rule(given: Json) -> Json:
    found: Json = {name: given[name] for name in _KEPT if name in given}
    found["Filter"] = _filter(given)
    if "Id" in given:
        found["ID"] = given["Id"]
    for name, (place, member) in _GATHERED.items():
        if name in given:
            found[place] = found.get(place, {}) | {member: given[name]}
    for name, days in _DAYS.items():
        one = [given[name]] if name in given else []
        moved = [_transition(item, days) for item in given.get(f"{name}s", one)]
        if moved:
            found[f"{name}s"] = moved
    return found


def _transition(given: Json, days: str) -> Json:
    names = {"TransitionInDays": days, "TransitionDate": "Date"}
    return {names.get(name, name): one for name, one in given.items()}


def _filter(given: Json) -> Json:
    """One condition stands alone; several stand together."""
    found = {name: given[name] for name in _FILTERED if name in given}
    tags = given.get("TagFilters", [])
    if len(found) + len(tags) > 1:
        return {"And": found | ({"Tags": tags} if tags else {})}
    return {"Tag": tags[0]} if tags else found or {"Prefix": ""}
