"""Methods and authorizers that are tried as they are now, and what keys have used.

TestInvokeMethod calls a method, deployed or not, whoever may call it; TestInvokeAuthorizer asks an
authorizer; GetUsage tells how often keys were used.
Source: https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeMethod.html,
https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeAuthorizer.html and
https://docs.aws.amazon.com/apigateway/latest/api/API_GetUsage.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import ModuleType
from typing import Any, Protocol

from lambdalab.imports import after_load
from lambdalab.neighbours.api_gateway.rest_apis import Deployed, RestApi, find, read

__all__ = ["PERIODS", "Trial", "Trier", "install", "listen"]

# The periods of quotas, as dates that are the same within one.
PERIODS = {"DAY": "%Y-%m-%d", "WEEK": "%G-%V", "MONTH": "%Y-%m"}

_Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Trial:
    """The request that is to be tried; ``target`` is its path with its query string."""

    verb: str
    target: str
    headers: _Values
    body: str
    variables: Mapping[str, str]


class Trier(Protocol):
    """Tries methods and authorizers.

    All is called in threads of moto's, and may block; what it gives are the members of answers.
    """

    def method(self, api: RestApi, now: Deployed, trial: Trial) -> dict[str, Any]:
        """What a method answers to a trial."""

    def authorizer(self, api: RestApi, now: Deployed, key: str, trial: Trial) -> dict[str, Any]:
        """What the authorizer with that id says to a trial."""

    def used(self, plan: str, key: str, day: date) -> int:
        """How often a key was used by a plan on a day."""


_triers: list[Trier] = []


def listen(trier: Trier) -> None:
    """Let methods be tried by ``trier``."""
    _triers[:] = [trier]


def install() -> None:
    """Complete moto's module as soon as it is loaded."""
    after_load("moto.apigateway.responses", _mend)
    after_load("moto.apigateway.urls", _mend_urls)


def _mend_urls(module: ModuleType) -> None:
    usage = "{0}/usageplans/(?P<usage_plan_id>[^/]+)/usage$"
    module.url_paths[usage] = module.url_paths["{0}/restapis$"]


def _mend(module: ModuleType) -> None:
    from moto.apigateway.exceptions import MethodNotFoundException

    def test_invoke_method(request: Any) -> Any:
        _, api_id, _, resource_id, _, verb = request.path.strip("/").split("/")
        given = json.loads(request.body or "{}")
        resource = request.backend.get_resource(api_id, resource_id)
        if not {verb, "ANY"} & resource.resource_methods.keys():
            raise MethodNotFoundException
        trial = _trial(given, "GET" if verb == "ANY" else verb, resource.get_path())
        now, api = read(request.backend.get_rest_api(api_id), ""), find(api_id)
        answers = [trier.method(api, now, trial) for trier in _triers if api is not None]
        return 200, {}, json.dumps(answers[0] if answers else {})

    def test_invoke_authorizer(request: Any) -> Any:
        _, api_id, _, key = request.path.strip("/").split("/")
        request.backend.get_authorizer(api_id, key)
        trial = _trial(json.loads(request.body or "{}"), "GET", "/")
        now, api = read(request.backend.get_rest_api(api_id), ""), find(api_id)
        answers = [trier.authorizer(api, now, key, trial) for trier in _triers if api is not None]
        return 200, {}, json.dumps(answers[0] if answers else {})

    kind = module.APIGatewayResponse
    kind.test_invoke_method, kind.test_invoke_authorizer = (
        test_invoke_method,
        test_invoke_authorizer,
    )
    kind.get_usage = _get_usage


def _trial(given: Mapping[str, Any], verb: str, path: str) -> Trial:
    headers = {name: [value] for name, value in (given.get("headers") or {}).items()}
    return Trial(
        verb,
        given.get("pathWithQueryString") or path,
        headers | (given.get("multiValueHeaders") or {}),
        given.get("body") or "",
        given.get("stageVariables") or {},
    )


def _get_usage(request: Any) -> Any:
    """For each key of a plan, and each day, how often it was used and how often it still may be."""
    plan_id = request.path.strip("/").split("/")[1]
    backend, query = request.backend, request.querystring
    plan = backend.get_usage_plan(plan_id)
    start, end = (date.fromisoformat(query[name][0]) for name in ("startDate", "endDate"))
    wanted = (query.get("keyId") or [None])[0]
    limit = (plan.quota or {}).get("limit")
    days = [start + timedelta(days=number) for number in range(max(0, (end - start).days + 1))]
    values = {}
    for key in backend.usage_plan_keys.get(plan_id, {}) if limit is not None else ():
        if wanted in (None, key):
            values[key] = _usage(plan_id, key, days, plan.quota)
    told = {"usagePlanId": plan_id, "startDate": str(start), "endDate": str(end), "values": values}
    return 200, {}, json.dumps(told)


def _usage(plan: str, key: str, days: list[date], quota: Mapping[str, Any]) -> list[list[int]]:
    rows, period, used = [], "", 0
    form = PERIODS.get(str(quota.get("period")), "%Y-%m-%d")
    for day in days:
        if day.strftime(form) != period:
            period, used = day.strftime(form), int(quota.get("offset") or 0)
        count = sum(trier.used(plan, key, day) for trier in _triers)
        used += count
        rows.append([count, max(0, int(quota["limit"]) - used)])
    return rows
