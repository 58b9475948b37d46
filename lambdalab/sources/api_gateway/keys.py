"""API keys and usage plans: who may call a stage how often.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.neighbours.api_gateway.rest_api_trials import PERIODS
from lambdalab.neighbours.api_gateway.rest_apis import RestApi, keys_of
from lambdalab.sources.api_gateway.refusals import RefusedError
from lambdalab.sources.gateway.call import Call, Place
from lambdalab.sources.gateway.throttle import Throttle

__all__ = ["Usage"]

_HEADER = "x-api-key"


class Usage:
    """What keys have used of their plans, and stages of their throttles."""

    def __init__(self, clock: LabClock) -> None:
        self._clock = clock
        self._throttle = Throttle(clock)
        self._counts: dict[tuple[str, ...], int] = {}
        self._days: Counter[tuple[str, str, date]] = Counter()

    def clear(self) -> None:
        """Forget what was used."""
        self._throttle.clear()
        self._counts.clear()
        self._days.clear()

    def used(self, plan: str, key: str, day: date) -> int:
        """How often a key was used by a plan on a day."""
        return self._days[plan, key, day]

    def admit(
        self, api: RestApi, place: Place, call: Call, context: dict[str, Any], *, required: bool
    ) -> None:
        """Count a request to a method that needs a key; RefusedError for who may not call."""
        if not required:
            return
        value = context["identity"].get("apiKey") if api.key_source == "AUTHORIZER" else None
        value = value or (call.header(_HEADER) if api.key_source == "HEADER" else None)
        backend = keys_of(api)
        key = next((one for one in list(backend.keys.values()) if one.value == value), None)
        plan = _plan(backend, key, place) if key is not None and key.enabled else None
        if key is None or plan is None:
            raise RefusedError("invalid-api-key")
        context["identity"] |= {"apiKey": key.value, "apiKeyId": key.id}
        limits = plan.throttle or {}
        given = limits.get("rateLimit"), limits.get("burstLimit")
        if not self._throttle.admits((plan.id, key.id), *given):
            raise RefusedError("throttled")
        self._count((plan.id, key.id), plan.quota or {})

    def throttle_stage(
        self, place: Place, resource: str, verb: str, settings: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Count a request against the throttle of its method, or else of its stage."""
        own = f"{resource.lstrip('/').replace('/', '~1')}/{verb}"
        name = own if own in settings else f"{resource}/{verb}".lstrip("/")
        name = name if name in settings else "*/*"
        limits = settings.get(name) or {}
        given = limits.get("throttlingRateLimit"), limits.get("throttlingBurstLimit")
        if not self._throttle.admits((place.api, place.stage, name), *given):
            raise RefusedError("throttled")

    def _count(self, key: tuple[str, ...], quota: Mapping[str, Any]) -> None:
        limit = quota.get("limit")
        if limit is None:
            return
        form = PERIODS.get(str(quota.get("period")), "%Y-%m-%d")
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        period = (*key, now.strftime(form))
        used = self._counts.get(period, 0)
        if used >= int(limit) - int(quota.get("offset") or 0):
            raise RefusedError("quota-exceeded")
        self._counts[period] = used + 1
        self._days[key[0], key[1], now.date()] += 1


def _plan(backend: Any, key: Any, place: Place) -> Any | None:
    """The usage plan by which a key may call a stage."""
    for plan in list(backend.usage_plans.values()):
        holds = key.id in backend.usage_plan_keys.get(plan.id, {})
        stage = {"apiId": place.api, "stage": place.stage}
        if holds and any(stage.items() <= one.items() for one in plan.api_stages):
            return plan
    return None
