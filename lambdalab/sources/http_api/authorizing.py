"""Who may call a route of an HTTP API: tokens, functions that judge, signatures.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from lambdalab import facts
from lambdalab.errors import AwsError
from lambdalab.neighbours.api_gateway.http_apis import Authorizer
from lambdalab.sources.gateway.call import Call, Place
from lambdalab.sources.gateway.functions import Backend, BadUriError, TooSlowError
from lambdalab.sources.gateway.memory import Memory
from lambdalab.sources.gateway.policies import BadPolicyError, judged
from lambdalab.sources.gateway.signers import signer
from lambdalab.sources.gateway.tokens import BadTokenError, checked, scopes_of, shown
from lambdalab.sources.http_api.events import event, headers_of, joined
from lambdalab.sources.http_api.expressions import selected
from lambdalab.sources.http_api.routes import Taken
from lambdalab.sources.pushed import Pushes

__all__ = ["Authorizing", "RefusedError"]

_SECONDS = facts.quota("api-gateway.authorizer-timeout").seconds
# What an authorizer is not told, and what it is told as an object even if there is nothing in it.
_NOT_TOLD = ("body", "isBase64Encoded", "multiValueHeaders", "multiValueQueryStringParameters")
_MAPPINGS = ("queryStringParameters", "pathParameters", "stageVariables")
_BEARER = re.compile(r"(?:bearer\s+)?(?P<token>\S+)", re.IGNORECASE)


class RefusedError(Exception):
    """A request that nobody is asked about further; ``name`` is the answer's in the facts."""

    def __init__(self, name: str, *headers: tuple[str, str]) -> None:
        super().__init__(name)
        self.name = name
        self.headers = headers


@dataclass(frozen=True)
class _Request:
    """What is to be judged."""

    call: Call
    place: Place
    taken: Taken
    authorizer: Authorizer

    @property
    def arn(self) -> str:
        key = self.taken.route.key
        rest = key if " " not in key else f"{self.call.method}{unquote(self.call.path)}"
        return f"{self.place.arn}/{rest}"


class _Verdict(NamedTuple):
    """What a function has said; ``policy`` is None in a simple answer."""

    authorized: bool
    policy: Any
    context: dict[str, Any] | None


class Authorizing:
    """Lets requests in, or refuses them with RefusedError."""

    def __init__(self, pushes: Pushes, known: Memory[_Verdict]) -> None:
        self._pushes = pushes
        self._known = known

    async def context(
        self, call: Call, place: Place, taken: Taken, authorizers: Mapping[str, Authorizer]
    ) -> dict[str, Any] | None:
        """What the event tells of whoever calls; None for routes that are open."""
        kind = taken.route.authorization
        if kind == "NONE":
            return None
        if kind == "AWS_IAM":
            return _signed(call, place)
        authorizer = authorizers.get(taken.route.authorizer or "")
        if authorizer is None:
            raise RefusedError("internal")
        request = _Request(call, place, taken, authorizer)
        return await (self._by_token(request) if kind == "JWT" else self._by_function(request))

    async def _by_token(self, request: _Request) -> dict[str, Any]:
        token = _token(request)
        one = request.authorizer
        try:
            claims = await checked(token, one.issuer or "", one.audience, request.call.time)
        except BadTokenError as error:
            text = f'Bearer scope="" error="invalid_token" error_description="{error}"'
            raise RefusedError("unauthorized", ("www-authenticate", text)) from None
        wanted = request.taken.route.scopes
        given = scopes_of(claims)
        if wanted and not set(wanted) & set(given):
            text = (
                f'Bearer scope="{" ".join(wanted)}" error="insufficient_scope" '
                'error_description="expected scopes within the token"'
            )
            raise RefusedError("forbidden", ("www-authenticate", text))
        scopes = [one for one in given if one in wanted] if wanted else None
        return {"jwt": {"claims": shown(claims), "scopes": scopes}}

    async def _by_function(self, request: _Request) -> dict[str, Any]:
        one = request.authorizer
        sources = [selected(source, request.call, request.place, request.taken.route.key)
                   for source in one.sources]  # fmt: skip
        values = tuple(source for source in sources if source is not None)
        if len(values) < len(sources):
            raise RefusedError("unauthorized")
        place = request.place
        key = (place.api, place.stage, place.flushes, one.id, values)
        verdict = self._known.get(key)
        if verdict is None:
            verdict = await self._ask(request, values)
            self._known.put(key, verdict, one.ttl)
        _check(verdict, request)
        return {"lambda": _told(verdict.context, one.payload)}

    async def _ask(self, request: _Request, sources: tuple[str, ...]) -> _Verdict:
        one, place = request.authorizer, request.place
        arn = f"arn:aws:execute-api:{place.region}:{place.account}:{place.api}/authorizers/{one.id}"
        try:
            backend = Backend.of(
                one.uri or "",
                place.variables,
                credentials=one.credentials,
                source_arn=arn,
                account=place.account,
            )
            payload = json.dumps(_event(request, sources)).encode()
            trace = request.call.trace
            outcome = await backend.ask(self._pushes, payload, seconds=_SECONDS, trace=trace)
        except (AwsError, BadUriError, TooSlowError):
            raise RefusedError("internal") from None
        if outcome.failed:
            raise RefusedError(_failure(outcome.payload))
        return _verdict(outcome.payload, simple=one.simple and one.payload == "2.0")


def _told(context: dict[str, Any] | None, version: str) -> dict[str, Any] | None:
    """What the function is told: of an authorizer of format 1.0, each value as text."""
    if context is None or version == "2.0":
        return context
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in sorted(context.items())
    }


def _token(request: _Request) -> str:
    sources = request.authorizer.sources or ("$request.header.Authorization",)
    call, place = request.call, request.place
    found = _BEARER.fullmatch(selected(sources[0], call, place, request.taken.route.key) or "")
    if found is None:
        raise RefusedError("unauthorized", ("www-authenticate", "Bearer"))
    return found["token"]


def _signed(call: Call, place: Place) -> dict[str, Any]:
    try:
        found = signer(call, place.account)
    except AwsError:
        found = None
    if found is None:
        raise RefusedError("forbidden")
    return {
        "iam": {
            "accessKey": found.access_key,
            "accountId": found.account,
            "callerId": found.user_id,
            "cognitoIdentity": None,
            "principalOrgId": "aws:PrincipalOrgID",
            "userArn": found.arn,
            "userId": found.user_id,
        }
    }


def _event(request: _Request, sources: tuple[str, ...]) -> dict[str, Any]:
    call, version = request.call, request.authorizer.payload
    made = event(call, request.place, request.taken, None, version)
    for member in _NOT_TOLD:
        made.pop(member, None)
    if version == "2.0":
        made["headers"] = joined(headers_of(call))
        return {"version": "2.0", "type": "REQUEST", "routeArn": request.arn,
                "identitySource": list(sources) or None} | made  # fmt: skip
    identity = ",".join(sources)
    # Integrations get the path as it was sent.
    made["path"] = made["requestContext"]["path"]
    made |= {"resource": "", **{name: made[name] or {} for name in _MAPPINGS}}
    return {"version": "1.0", "type": "REQUEST", "methodArn": request.arn,
            "identitySource": identity, "authorizationToken": identity} | made  # fmt: skip


def _failure(payload: bytes) -> str:
    """A function that raises ``Unauthorized`` says that the caller is unknown."""
    try:
        message = json.loads(payload).get("errorMessage")
    except (ValueError, AttributeError):
        message = None
    return "unauthorized" if message == "Unauthorized" else "internal"


def _verdict(payload: bytes, *, simple: bool) -> _Verdict:
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise RefusedError("internal")
    context = answer.get("context")
    if not isinstance(context, dict | None):
        raise RefusedError("internal")
    if simple:
        if not isinstance(answer.get("isAuthorized"), bool):
            raise RefusedError("internal")
        return _Verdict(answer["isAuthorized"], None, context)
    return _Verdict(authorized=True, policy=answer.get("policyDocument"), context=context)


def _check(verdict: _Verdict, request: _Request) -> None:
    allowed = verdict.authorized
    if allowed and verdict.policy is not None:
        try:
            allowed = judged(verdict.policy, request.arn, {}) == "Allow"
        except BadPolicyError:
            raise RefusedError("internal") from None
    elif allowed and not request.authorizer.simple:
        raise RefusedError("internal")
    if not allowed:
        raise RefusedError("forbidden")
