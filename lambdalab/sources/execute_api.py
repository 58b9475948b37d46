"""What stands behind ``execute-api`` addresses: REST APIs and HTTP APIs, told apart by their id."""

from __future__ import annotations

from random import Random

from lambdalab.clock import LabClock
from lambdalab.neighbours.api_gateway import http_apis, rest_api_trials, rest_apis
from lambdalab.sources.api_gateway.plane import RestApiPlane
from lambdalab.sources.api_gateway.trials import Trials
from lambdalab.sources.gateway.call import Call, arrived
from lambdalab.sources.gateway.services import Services
from lambdalab.sources.gateway.text import plain
from lambdalab.sources.http_api.plane import HttpApiPlane
from lambdalab.sources.pushed import Pushes
from lambdalab.wire import Request, Response

__all__ = ["ExecuteApi"]


class ExecuteApi:
    """The data plane of Amazon API Gateway."""

    def __init__(self, pushes: Pushes, services: Services, clock: LabClock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._http = HttpApiPlane(pushes, services, clock)
        self._rest = RestApiPlane(pushes, services, clock)
        rest_api_trials.listen(Trials(self._rest, clock, random))

    async def answer(self, request: Request, name: str, path: str) -> Response:
        """Answer a request for the API of that id; its path begins with the stage."""
        try:
            return await self._answered(request, name.partition(":")[0], path)
        except RecursionError:
            # Someone's JSON is deeper than it can be written again.
            return plain("internal")

    async def _answered(self, request: Request, api_id: str, path: str) -> Response:
        http = http_apis.find(api_id)
        if http is not None:
            return await self._http.answer(http, self._call(request, path, http.id, http.region))
        rest = rest_apis.find(api_id)
        if rest is not None:
            return await self._rest.answer(rest, self._call(request, path, rest.id, rest.region))
        return plain("forbidden")

    def clear(self) -> None:
        """Forget what authorizers have said."""
        self._http.clear()
        self._rest.clear()

    def _call(self, request: Request, path: str, api: str, region: str) -> Call:
        domain = f"{api}.execute-api.{region}.amazonaws.com"
        return arrived(request, path, domain, self._clock.now(), self._random)
