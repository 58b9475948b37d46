"""Methods and authorizers that are tried before they are deployed.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-test-method.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any
from urllib.parse import quote

from lambdalab.clock import LabClock, stopwatch
from lambdalab.neighbours.api_gateway.rest_api_trials import Trial
from lambdalab.neighbours.api_gateway.rest_apis import Authorizer, Deployed, Method, RestApi
from lambdalab.sources.api_gateway import token_pools
from lambdalab.sources.api_gateway.events import context_of
from lambdalab.sources.api_gateway.plane import RestApiPlane
from lambdalab.sources.api_gateway.refusals import Known, RefusedError, answer
from lambdalab.sources.api_gateway.resources import ANY, Found, find
from lambdalab.sources.gateway.call import Call, Place, arrived
from lambdalab.wire import Request, Response

__all__ = ["Trials"]

# Where the path that is tried is none of the API's.
_ANY = Method(ANY, "NONE", None, (), False, {}, {}, None, None, {}, None)
_STAGE = "test-invoke-stage"
_DOMAIN = "testPrefix.testDomainName"


class Trials:
    """Tries methods and authorizers; to be made in the event loop, and called from threads."""

    def __init__(self, plane: RestApiPlane, clock: LabClock, random: Random) -> None:
        self._plane = plane
        self._clock = clock
        self._random = random
        self._loop = asyncio.get_running_loop()

    def method(self, api: RestApi, now: Deployed, trial: Trial) -> dict[str, Any]:
        """Try a method, without its authorizer; blocks."""
        tried = self._tried(api, now, trial)
        return asyncio.run_coroutine_threadsafe(tried, self._loop).result()

    def authorizer(self, api: RestApi, now: Deployed, key: str, trial: Trial) -> dict[str, Any]:
        """Ask an authorizer; blocks."""
        asked = self._asked(api, now, now.authorizers[key], trial)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    def used(self, plan: str, key: str, day: date) -> int:
        """How often a key was used by a plan on a day."""
        return self._plane.usage.used(plan, key, day)

    async def _asked(
        self, api: RestApi, now: Deployed, one: Authorizer, trial: Trial
    ) -> dict[str, Any]:
        began, call = stopwatch(), self._call(trial)
        place = Place(api.id, api.account, api.region, _STAGE, trial.variables)
        root = next(resource for resource in now.resources if resource.path == "/")
        found = find(now.resources, call.method, call.path) or Found(root, _ANY, {})
        context = context_of(call, place, found)
        told: dict[str, Any] = {"clientStatus": 200}
        try:
            if one.kind == "COGNITO_USER_POOLS":
                told["claims"] = (await token_pools.claims(one, call, ()))["claims"]
            else:
                verdict = await self._plane.judges.tried(one, call, place, found, context)
                principal = verdict.context.get("principalId")
                own = {k: [v] for k, v in verdict.context.items() if k != "principalId"}
                told |= {"policy": json.dumps(verdict.policy), "authorization": own}
                told |= {"principalId": principal} if principal else {}
        except RefusedError as refused:
            told["clientStatus"] = answer(refused, call, {}, Known(context)).status
        latency = int((stopwatch() - began) * 1000)
        log = f"Execution log for request {call.request_id}\n"
        return told | {"latency": latency, "log": log}

    async def _tried(self, api: RestApi, now: Deployed, trial: Trial) -> dict[str, Any]:
        began, call = stopwatch(), self._call(trial)
        place = Place(api.id, api.account, api.region, _STAGE, trial.variables)
        found = find(now.resources, call.method, call.path)
        context = context_of(call, place, found)
        context |= {"domainName": _DOMAIN, "domainPrefix": _DOMAIN.partition(".")[0]}
        context["path"] = call.path
        del context["deploymentId"]
        context["identity"] |= {
            "apiKey": "test-invoke-api-key",
            "apiKeyId": "test-invoke-api-key-id",
            "sourceIp": "test-invoke-source-ip",
        }
        try:
            if found is None:
                raise RefusedError("missing-authentication-token")
            given = await self._plane.integrated(now, call, place, found, context)
        except RefusedError as refused:
            known = Known(context, trial.variables, found.parameters if found else {})
            given = answer(refused, call, now.responses, known)
        return _told(given, call, found, int((stopwatch() - began) * 1000))

    def _call(self, trial: Trial) -> Call:
        """The request, without what AWS's front adds to those that come from outside."""
        headers = tuple((name, one) for name, values in trial.headers.items() for one in values)
        target = quote(trial.target, safe="/?&=%+:,;@!$'()*~-._[]").encode()
        raw = [(name.encode("latin-1", "replace"), one.encode("latin-1", "replace"))
               for name, one in headers]  # fmt: skip
        request = Request(trial.verb, target, raw, trial.body.encode("utf-8", "replace"))
        made = arrived(request, request.path, _DOMAIN, self._clock.now(), self._random)
        return replace(made, headers=headers)


def _told(given: Response, call: Call, found: Found | None, latency: int) -> dict[str, Any]:
    headers: dict[str, list[str]] = {}
    for name, value in given.headers:
        headers.setdefault(name, []).append(value)
    body = given.body.decode("utf-8", "replace")
    when = f"{datetime.fromtimestamp(call.time, UTC):%a %b %d %H:%M:%S UTC %Y}"
    lines = (
        f"Starting execution for request: {call.request_id}",
        f"HTTP Method: {call.method}, Resource Path: {call.path}",
        f"Method request path: {_pairs(found.parameters if found else {})}",
        f"Method request query string: {_pairs({n: v[-1] for n, v in call.query.items()})}",
        f"Method request headers: {_pairs(dict(call.headers))}",
        f"Method request body before transformations: {call.body.decode('utf-8', 'replace')}",
        f"Method response body after transformations: {body}",
        f"Method response headers: {_pairs({n: v[-1] for n, v in headers.items()})}",
        f"Successfully completed execution\n{when} : Method completed with status: {given.status}",
    )
    log = "\n".join(f"{when} : {line}" for line in lines)
    return {
        "status": given.status,
        "body": body,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "log": f"Execution log for request {call.request_id}\n{log}\n",
        "latency": latency,
    }


def _pairs(given: Mapping[str, str]) -> str:
    """Names and values as Java shows them."""
    return "{" + ", ".join(f"{name}={value}" for name, value in given.items()) + "}"
