"""Functions that judge requests to REST APIs: TOKEN and REQUEST authorizers.

What a function answers is believed for as long as the authorizer says, for all methods; what it
fails with is not remembered.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
and answers recorded on AWS in 2026 (https://github.com/radkawar/stackd).
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from lambdalab import facts
from lambdalab.clock import stopwatch
from lambdalab.errors import AwsError
from lambdalab.execution.spec import Outcome
from lambdalab.neighbours.api_gateway.rest_apis import Authorizer
from lambdalab.sources.api_gateway.events import request_part
from lambdalab.sources.api_gateway.refusals import RefusedError
from lambdalab.sources.api_gateway.resources import Found
from lambdalab.sources.gateway.call import Call, Place
from lambdalab.sources.gateway.functions import Backend, BadUriError, TooSlowError
from lambdalab.sources.gateway.memory import Memory
from lambdalab.sources.gateway.policies import BadPolicyError, judged
from lambdalab.sources.gateway.text import fits
from lambdalab.sources.pushed import Pushes

__all__ = ["Judges", "Verdict"]

_SECONDS = facts.quota("api-gateway.authorizer-timeout").seconds
_HEADER = "method.request.header.Authorization"


class Verdict(NamedTuple):
    """What a function has said. ``context`` has what later parts of the request are told."""

    policy: Any
    context: dict[str, Any]
    usage_key: str | None


class Judges:
    """Asks authorizer functions; RefusedError where they do not let a request in."""

    def __init__(self, pushes: Pushes, known: Memory[Verdict]) -> None:
        self._pushes = pushes
        self._known = known

    async def ask(
        self, one: Authorizer, call: Call, place: Place, found: Found, context: dict[str, Any]
    ) -> dict[str, Any]:
        """What the event tells of whoever calls."""
        arn = f"{place.arn}/{call.method}{call.path}"
        sources = _sources(one, call, place, context)
        key = (place.api, place.stage, place.flushes, one.id, sources)
        verdict = self._known.get(key) if sources else None
        latency = 0
        if verdict is None:
            began = stopwatch()
            payload = _event(one, call, place, found, context, sources)
            verdict = _verdict(await self._answer(one, call, place, payload))
            latency = int((stopwatch() - began) * 1000)
            self._known.put(key, verdict, one.ttl if sources else 0)
        _check(verdict.policy, arn)
        if verdict.usage_key is not None:
            context["identity"]["apiKey"] = verdict.usage_key
        return verdict.context | {"integrationLatency": latency}

    async def tried(
        self, one: Authorizer, call: Call, place: Place, found: Found, context: dict[str, Any]
    ) -> Verdict:
        """What a function says now; nothing of it is remembered, or held against the request."""
        sources = _sources(one, call, place, context)
        payload = _event(one, call, place, found, context, sources)
        return _verdict(await self._answer(one, call, place, payload))

    async def _answer(
        self, one: Authorizer, call: Call, place: Place, payload: dict[str, Any]
    ) -> bytes:
        api = place.arn.rpartition("/")[0]
        try:
            backend = Backend.of(
                one.uri or "",
                place.variables,
                credentials=one.credentials,
                source_arn=f"{api}/authorizers/{one.id}",
                account=place.account,
            )
            told = json.dumps(payload).encode()
            outcome = await backend.ask(self._pushes, told, seconds=_SECONDS, trace=call.trace)
        except (AwsError, BadUriError, TooSlowError):
            raise RefusedError("authorizer-configuration-error") from None
        if outcome.failed:
            raise RefusedError(_failure(outcome))
        return outcome.payload


def _failure(outcome: Outcome) -> str:
    """A function that raises ``Unauthorized`` says that the caller is unknown."""
    try:
        message = json.loads(outcome.payload).get("errorMessage")
    except (ValueError, AttributeError):
        message = None
    return "unauthorized" if message == "Unauthorized" else "authorizer-failure"


def _sources(one: Authorizer, call: Call, place: Place, context: dict[str, Any]) -> tuple[str, ...]:
    """What tells callers from each other; RefusedError where a part is missing."""
    named = one.sources or ((_HEADER,) if one.kind == "TOKEN" else ())
    found = tuple(_source(name, call, place, context) or "" for name in named)
    if not all(found):
        raise RefusedError("unauthorized")
    if one.kind == "TOKEN" and one.validation and not fits(one.validation, found[0]):
        raise RefusedError("unauthorized")
    return found


def _source(name: str, call: Call, place: Place, context: dict[str, Any]) -> str | None:
    if name.startswith("stageVariables."):
        return place.variables.get(name.partition(".")[2])
    if name.startswith("context."):
        here: Any = context
        for part in name.split(".")[1:]:
            here = here.get(part) if isinstance(here, dict) else None
        return None if here is None else str(here)
    part, _, member = name.removeprefix("method.request.").partition(".")
    if part == "header":
        return call.header(member)
    values = call.query.get(member)
    return values[-1] if values and part in ("querystring", "multivaluequerystring") else None


def _event(
    one: Authorizer, call: Call, place: Place, found: Found, context: dict[str, Any],
    sources: tuple[str, ...],
) -> dict[str, Any]:  # fmt: skip
    arn = f"{place.arn}/{call.method}{call.path}"
    if one.kind == "TOKEN":
        return {"type": "TOKEN", "methodArn": arn, "authorizationToken": sources[0]}
    told = request_part(call, place, found, is_signed=False)
    return {"type": "REQUEST", "methodArn": arn} | told | {"requestContext": context}


def _verdict(payload: bytes) -> Verdict:
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("policyDocument"), dict):
        raise RefusedError("authorizer-configuration-error")
    context = answer.get("context")
    if not isinstance(context, dict | None):
        raise RefusedError("authorizer-configuration-error")
    told = {name: _scalar(value) for name, value in (context or {}).items()}
    principal = answer.get("principalId")
    if isinstance(principal, str):
        told["principalId"] = principal
    key = answer.get("usageIdentifierKey")
    return Verdict(answer["policyDocument"], told, key if isinstance(key, str) else None)


def _scalar(value: Any) -> str | None:
    """A value of the context as text; objects and lists are refused."""
    if isinstance(value, dict | list):
        raise RefusedError("authorizer-configuration-error")
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _check(policy: Any, arn: str) -> None:
    try:
        said = judged(policy, arn, {})
    except BadPolicyError:
        raise RefusedError("authorizer-configuration-error") from None
    if said != "Allow":
        raise RefusedError("access-denied-explicitly" if said == "Deny" else "access-denied")
