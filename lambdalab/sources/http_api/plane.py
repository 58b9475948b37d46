"""The data plane of HTTP APIs: a request's way from the stage to the function and back.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
"""

from __future__ import annotations

import json
from functools import partial
from typing import NamedTuple

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.errors import AwsError
from lambdalab.neighbours.api_gateway.http_api_services import SUBTYPES
from lambdalab.neighbours.api_gateway.http_apis import Configuration, HttpApi, Integration, Stage
from lambdalab.sources.gateway import access_log
from lambdalab.sources.gateway.call import Call, Place
from lambdalab.sources.gateway.functions import Backend, BadUriError, TooSlowError
from lambdalab.sources.gateway.memory import Memory
from lambdalab.sources.gateway.services import Services
from lambdalab.sources.gateway.text import not_there, plain
from lambdalab.sources.gateway.throttle import Throttle
from lambdalab.sources.http_api import answers, cors, parameters, services
from lambdalab.sources.http_api.authorizing import Authorizing, RefusedError
from lambdalab.sources.http_api.events import event
from lambdalab.sources.http_api.expressions import context_value
from lambdalab.sources.http_api.routes import DEFAULT, Taken, take
from lambdalab.sources.pushed import Pushes
from lambdalab.wire import Response

__all__ = ["HttpApiPlane"]

_PAYLOAD = facts.quota("api-gateway.payload").bytes
_THROTTLED = 429


class _Hit(NamedTuple):
    """The stage that a request is for, and its path there."""

    stage: Stage
    path: str


class HttpApiPlane:
    """Answers requests to HTTP APIs."""

    def __init__(self, pushes: Pushes, services: Services, clock: LabClock) -> None:
        self._pushes = pushes
        self._services = services
        self._memory: Memory[object] = Memory(clock)
        self._throttle = Throttle(clock)
        self._authorizing = Authorizing(pushes, self._memory)  # type: ignore[arg-type]

    def clear(self) -> None:
        """Forget what authorizers have said, and how many requests there were."""
        self._memory.clear()
        self._throttle.clear()

    async def answer(self, api: HttpApi, call: Call) -> Response:
        """Answer one request."""
        answer = await self._answered(api, call)
        headers = (*answer.headers, ("Apigw-Requestid", call.extended_id))
        return Response(answer.status, answer.body, headers)

    async def _answered(self, api: HttpApi, call: Call) -> Response:
        hit = None if api.disabled else _hit(api, call.path)
        if hit is None or hit.stage.deployed is None:
            return plain("not-found")
        deployed = hit.stage.deployed
        if deployed.cors is not None and cors.is_preflight(call):
            return cors.preflight(deployed.cors, call)
        place = Place(
            api.id, api.account, api.region, hit.stage.name, hit.stage.variables,
            flushes=hit.stage.flushes,
        )  # fmt: skip
        try:
            answer = await self._routed(call.below(hit.path), place, hit.stage, deployed)
        except RefusedError as refused:
            answer = plain(refused.name, *refused.headers)
        answer = cors.shared(deployed.cors, call, answer)
        _log(hit.stage, deployed, call.below(hit.path), place, answer)
        return answer

    async def _routed(
        self, call: Call, place: Place, stage: Stage, deployed: Configuration
    ) -> Response:
        taken = take(deployed.routes, call.method, call.path)
        if taken is None:
            return plain("not-found")
        if len(call.body) > _PAYLOAD:
            return plain("too-large")
        if not self._admits(place, stage, taken.route.key):
            return plain("throttled-stage")
        authorizer = await self._authorizing.context(call, place, taken, deployed.authorizers)
        integration = deployed.integrations.get(taken.route.target or "")
        if integration is None:
            return plain("internal")
        if integration.kind != "AWS_PROXY":
            return not_there(integration.kind, integration.uri)
        if integration.subtype:
            given = await self._served(integration, call, place, taken)
            return parameters.answered(given, integration.response_parameters, call, place, taken)
        changed = parameters.changed(call, integration.parameters, place, taken)
        made = event(changed, place, taken, authorizer, integration.payload)
        answer = await self._asked(integration, json.dumps(made).encode(), changed, place, taken)
        return parameters.answered(answer, integration.response_parameters, changed, place, taken)

    async def _served(
        self, integration: Integration, call: Call, place: Place, taken: Taken
    ) -> Response:
        """What a service beside Lambda answers."""
        if integration.subtype not in SUBTYPES:
            return not_there(integration.kind, integration.subtype or "")
        try:
            return await services.ask(self._services, integration, call, place, taken)
        except TooSlowError:
            return plain("unavailable")
        except AwsError:
            return plain("internal")

    def _admits(self, place: Place, stage: Stage, route: str) -> bool:
        """Whether the throttle of the route, or of all of the stage's routes, is not exceeded."""
        limits = {**stage.default_settings, **stage.route_settings.get(route, {})}
        rate, burst = limits.get("throttlingRateLimit"), limits.get("throttlingBurstLimit")
        return self._throttle.admits((place.api, place.stage, route), rate, burst)

    async def _asked(
        self, integration: Integration, payload: bytes, call: Call, place: Place, taken: Taken
    ) -> Response:
        """What the function answers, or what stands for an answer that it does not give."""
        try:
            backend = Backend.of(
                integration.uri,
                place.variables,
                credentials=integration.credentials,
                source_arn=_source(place, taken, call),
                account=place.account,
            )
            outcome = await backend.ask(
                self._pushes, payload, seconds=integration.timeout, trace=call.trace
            )
        except TooSlowError:
            return plain("unavailable")
        except BadUriError:
            return plain("internal")
        except AwsError as error:
            return plain("unavailable" if error.status == _THROTTLED else "internal")
        if outcome.failed:
            return plain("internal")
        try:
            return answers.response(outcome.payload, integration.payload)
        except answers.MalformedError:
            return plain("internal")


def _log(stage: Stage, deployed: Configuration, call: Call, place: Place, answer: Response) -> None:
    """A line for a request, where the stage has an access log."""
    if stage.access_log:
        taken = take(deployed.routes, call.method, call.path)
        key = taken.route.key if taken else ""
        known = partial(context_value, call=call, place=place, key=key)
        access_log.write(stage.access_log, known, place, call, answer)


def _source(place: Place, taken: Taken, call: Call) -> str:
    """The route as a function's policy names it."""
    if taken.route.key == DEFAULT:
        return f"{place.arn}/{DEFAULT}"
    return f"{place.arn}/{call.method}{taken.route.key.partition(' ')[2]}"


def _hit(api: HttpApi, path: str) -> _Hit | None:
    """The stage that the first segment names, or the one that needs no name."""
    first, _, rest = path.removeprefix("/").partition("/")
    named = api.stages.get(first.replace("%24", "$"))
    if named is not None:
        return _Hit(named, f"/{rest}")
    default = api.stages.get(DEFAULT)
    return _Hit(default, path) if default is not None else None
