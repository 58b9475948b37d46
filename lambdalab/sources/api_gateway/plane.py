"""The data plane of REST APIs: a request's way from the stage to the function and back.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-rest-api.html
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.errors import AwsError
from lambdalab.neighbours.api_gateway.rest_apis import Deployed, Integration, RestApi, Stage
from lambdalab.sources.api_gateway import answers, validating
from lambdalab.sources.api_gateway.authorizing import Authorizing
from lambdalab.sources.api_gateway.events import context_of, event
from lambdalab.sources.api_gateway.headers import UNMAPPABLE, let_in
from lambdalab.sources.api_gateway.integrations import Mapper, mock_status
from lambdalab.sources.api_gateway.keys import Usage
from lambdalab.sources.api_gateway.lambda_authorizers import Judges, Verdict
from lambdalab.sources.api_gateway.refusals import Known, RefusedError, answer
from lambdalab.sources.api_gateway.resources import Found, find
from lambdalab.sources.api_gateway.services import order_of
from lambdalab.sources.gateway import access_log
from lambdalab.sources.gateway.call import Call, Place
from lambdalab.sources.gateway.functions import Backend, BadUriError, TooSlowError, filled
from lambdalab.sources.gateway.memory import Memory
from lambdalab.sources.gateway.services import Services
from lambdalab.sources.gateway.text import not_there
from lambdalab.sources.pushed import Pushes
from lambdalab.wire import Response

__all__ = ["RestApiPlane"]

_PAYLOAD = facts.quota("api-gateway.payload").bytes
# Refusals by which the function says that API Gateway may not, or cannot now, call it.
_NO_ENTRY = ("AccessDeniedException", "ResourceNotFoundException")
_ASYNCHRONOUS = "event"


class RestApiPlane:
    """Answers requests to REST APIs."""

    def __init__(self, pushes: Pushes, services: Services, clock: LabClock) -> None:
        self._pushes = pushes
        self._services = services
        self._known: Memory[Verdict] = Memory(clock)
        self._usage = Usage(clock)
        self._judges = Judges(pushes, self._known)
        self._authorizing = Authorizing(self._judges)

    def clear(self) -> None:
        """Forget what authorizers have said and what keys have used."""
        self._known.clear()
        self._usage.clear()

    @property
    def judges(self) -> Judges:
        """Who asks the functions of authorizers."""
        return self._judges

    @property
    def usage(self) -> Usage:
        """What keys have used."""
        return self._usage

    async def answer(self, api: RestApi, call: Call) -> Response:
        """Answer one request."""
        given = await self._staged(api, call)
        headers = (
            ("x-amzn-RequestId", call.request_id),
            ("x-amz-apigw-id", call.extended_id),
            *given.headers,
        )
        return Response(given.status, given.body, headers)

    async def _staged(self, api: RestApi, call: Call) -> Response:
        name, _, rest = call.path.lstrip("/").partition("/")
        stage = None if api.disabled else api.stages.get(name)
        if stage is None or stage.deployed is None:
            return answer(RefusedError("forbidden"), call, {}, Known())
        call = replace(call, path=f"/{rest.lstrip('/')}", headers=let_in(call.headers))
        place = Place(
            api.id, api.account, api.region, stage.name, stage.variables, stage.deployed.id,
            stage.flushes,
        )  # fmt: skip
        found = find(stage.deployed.resources, call.method, call.path)
        context = context_of(call, place, found) | {"path": f"/{name}/{rest}"}
        try:
            if found is None:
                raise RefusedError("missing-authentication-token")
            given = await self._admitted(api, stage, stage.deployed, call, place, found, context)
        except RefusedError as refused:
            known = Known(context, place.variables, found.parameters if found else {})
            given = answer(refused, call, stage.deployed.responses, known)
        access_log.write(stage.access_log, lambda path: _at(context, path), place, call, given)
        return given

    async def _admitted(
        self, api: RestApi, stage: Stage, deployed: Deployed, call: Call, place: Place,
        found: Found, context: dict[str, Any],
    ) -> Response:  # fmt: skip
        if len(call.body) > _PAYLOAD:
            raise RefusedError("request-too-large")
        await self._authorizing.admit(call, place, found, deployed, context)
        required = found.method.key_required
        self._usage.admit(api, place, call, context, required=required)
        verb = found.method.verb
        self._usage.throttle_stage(place, found.resource.path, verb, stage.settings)
        return await self.integrated(deployed, call, place, found, context)

    async def integrated(
        self, deployed: Deployed, call: Call, place: Place, found: Found, context: dict[str, Any]
    ) -> Response:
        """What the integration answers to a request that is let in; RefusedError for none."""
        validating.check(call, found, deployed)
        integration = found.method.integration
        if integration is None or _is_unmappable(integration):
            raise RefusedError("api-configuration-error")
        if integration.kind == "AWS_PROXY":
            return await self._proxied(integration, deployed, call, place, found, context)
        mapper = Mapper(call, place, found, context, deployed.binary)
        if integration.kind == "MOCK":
            status = mock_status(mapper.request(integration))
            return mapper.response(integration, b"", status)
        if integration.kind == "AWS" and ":lambda:path/" in integration.uri:
            return await self._mapped(integration, mapper)
        if integration.kind == "AWS":
            return await self._served(integration, mapper)
        return not_there(integration.kind, integration.uri)

    async def _served(self, integration: Integration, mapper: Mapper) -> Response:
        """What a service beside Lambda answers; patterns are held against its status."""
        order = order_of(integration, mapper, mapper.request(integration))
        if order is None:
            return not_there(integration.kind, integration.uri)
        role = filled(integration.credentials or "", mapper.place.variables)
        try:
            given = await self._services.ask(order, role, mapper.call, integration.timeout)
        except TooSlowError:
            raise RefusedError("integration-timeout") from None
        except AwsError:
            raise RefusedError("api-configuration-error") from None
        told = {name.lower(): value for name, value in given.headers}
        return mapper.response(integration, given.body, str(given.status), told)

    async def _proxied(
        self, integration: Integration, deployed: Deployed, call: Call, place: Place,
        found: Found, context: dict[str, Any],
    ) -> Response:  # fmt: skip
        if integration.method != "POST":
            raise RefusedError("integration-failure")
        payload = json.dumps(event(call, place, found, context, deployed.binary)).encode()
        try:
            backend = _backend(integration, call, place, found)
            outcome = await backend.ask(
                self._pushes, payload, seconds=integration.timeout, trace=call.trace
            )
        except TooSlowError:
            raise RefusedError("integration-timeout") from None
        except (AwsError, BadUriError):
            raise RefusedError("integration-failure") from None
        if outcome.failed:
            raise RefusedError("malformed")
        given = answers.response(outcome.payload, call, deployed.binary)
        return Response(given.status, given.body, (*given.headers, _trace(call)))

    async def _mapped(self, integration: Integration, mapper: Mapper) -> Response:
        call = mapper.call
        prepared = mapper.request(integration)
        kind = {name.lower(): value for name, value in prepared.headers.items()}.get(
            "x-amz-invocation-type", ""
        )
        try:
            backend = _backend(integration, call, mapper.place, mapper.found)
            if kind.strip("'").lower() == _ASYNCHRONOUS:
                backend.tell(self._pushes, prepared.body or b"{}", trace=call.trace)
                return mapper.response(integration, b"", "202")
            outcome = await backend.ask(
                self._pushes, prepared.body or b"{}", seconds=integration.timeout, trace=call.trace
            )
        except TooSlowError:
            raise RefusedError("integration-timeout") from None
        except BadUriError:
            raise RefusedError("integration-failure") from None
        except AwsError as error:
            if error.code in _NO_ENTRY:
                raise RefusedError("integration-failure") from None
            body = json.dumps(error.body("message")).encode()
            return mapper.response(integration, body, str(error.status))
        given = mapper.response(integration, outcome.payload, _selector(outcome.payload))
        return Response(given.status, given.body, (*given.headers, _trace(call)))


def _is_unmappable(integration: Integration) -> bool:
    """Whether a function or a service shall get a header that nobody may give it."""
    prefix = "integration.request.header."
    named = {name.lower().removeprefix(prefix) for name in integration.parameters}
    return integration.kind in ("AWS", "AWS_PROXY") and bool(named & UNMAPPABLE)


def _backend(integration: Integration, call: Call, place: Place, found: Found) -> Backend:
    return Backend.of(
        integration.uri,
        place.variables,
        credentials=integration.credentials,
        source_arn=f"{place.arn}/{call.method}{found.resource.path}",
        account=place.account,
    )


def _at(context: dict[str, Any], path: str) -> Any:
    """What the context has under a name with dots."""
    here: Any = context
    for part in path.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return here


def _selector(payload: bytes) -> str:
    """What the patterns of integration responses are held against: the error's text."""
    try:
        answered = json.loads(payload)
    except (ValueError, RecursionError):
        answered = None
    message = answered.get("errorMessage") if isinstance(answered, dict) else None
    return message if isinstance(message, str) and message else "200"


def _trace(call: Call) -> tuple[str, str]:
    return ("X-Amzn-Trace-Id", call.trace)
