"""Methods of REST APIs: their answers and their integrations have calls of their own."""

from __future__ import annotations

from lambdalab.neighbours.stacks.services.service_type import Json, Work

__all__ = ["answer", "integrate"]

# What a call calls a member of an integration.
_NAMES = {"IntegrationHttpMethod": "integrationHttpMethod", "Type": "type"}


def answer(work: Work) -> None:
    """The answers that a method may give."""
    if not work.changed("MethodResponses"):
        return
    method = _method(work)
    for one in work.before.get("MethodResponses", []):
        work.act("DeleteMethodResponse", **method, statusCode=str(one["StatusCode"]))
    for one in work.properties.get("MethodResponses", []):
        work.act("PutMethodResponse", **method, **_lowered(one))


def integrate(work: Work) -> None:
    """What stands behind a method, and which of its answers become which."""
    given = work.properties.get("Integration")
    if given is None or not work.changed("Integration"):
        return
    method, members = _method(work), dict(given)
    responses = members.pop("IntegrationResponses", [])
    work.act("PutIntegration", **method, **_lowered(members))
    for one in responses:
        work.act("PutIntegrationResponse", **method, **_lowered(one))


def _method(work: Work) -> Json:
    return {name: work.known[name] for name in ("restApiId", "resourceId", "httpMethod")}


def _lowered(given: Json) -> Json:
    return {_NAMES.get(name, name[0].lower() + name[1:]): one for name, one in given.items()}
