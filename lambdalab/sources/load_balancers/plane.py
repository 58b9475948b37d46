"""Answers the requests for load balancers."""

from __future__ import annotations

from random import Random
from typing import Any

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.errors import AwsError
from lambdalab.neighbours.load_balancers import elbv2, elbv2_changes
from lambdalab.neighbours.load_balancers.elbv2 import Balancer, Listener
from lambdalab.sources.load_balancers.actions import chosen_group, fixed, last_action, redirected
from lambdalab.sources.load_balancers.answers import LARGEST, page, returned
from lambdalab.sources.load_balancers.arriving import Arrival
from lambdalab.sources.load_balancers.events import event
from lambdalab.sources.load_balancers.health import Checks, sender
from lambdalab.sources.load_balancers.rules import matching
from lambdalab.sources.load_balancers.stickiness import Stickiness
from lambdalab.sources.pushed import Pushes
from lambdalab.wire import Request, Response

__all__ = ["LoadBalancers"]

# Where nobody says which port, as browsers would.
_USUAL_PORTS = (80, 443)
_AUTHENTICATION = ("authenticate-cognito", "authenticate-oidc")
_TRACE = "x-amzn-trace-id"


class LoadBalancers:
    """The data plane of Application Load Balancers; to be made in the event loop of its cloud."""

    def __init__(self, pushes: Pushes, clock: LabClock, random: Random) -> None:
        self._pushes = pushes
        self._clock = clock
        self._random = random
        self._stickiness = Stickiness(random.randbytes(32))
        self._checks = Checks(pushes, clock)
        elbv2_changes.install(self._checks)

    def stop(self) -> None:
        """Check nothing more."""
        self._checks.clear()

    async def empty(self) -> None:
        """Wait until no check is under way."""
        await self._checks.drained()

    async def answer(self, request: Request, name: str, path: str) -> Response:
        """Answer one request."""
        host, _, port = name.partition(":")
        balancer = elbv2.balancer(host)
        if balancer is None:
            return _told("elb.missing", name=host[:100])
        listener = _listener(balancer, port)
        if listener is None:
            return _told("elb.no-listener", name=balancer.dns_name, port=port or "any port")
        return await self._routed(Arrival(request, balancer, listener, path))

    async def _routed(self, arrival: Arrival) -> Response:
        rule = matching(arrival)
        actions = rule.actions if rule else []
        if any(action.get("Type") in _AUTHENTICATION for action in actions):
            return _told("elb.no-authentication")
        action = last_action(actions)
        kind = action.get("Type")
        if kind == "fixed-response":
            return fixed(action)
        if kind == "redirect":
            return redirected(action, arrival)
        return await self._forwarded(arrival, action)

    async def _forwarded(self, arrival: Arrival, action: dict[str, Any]) -> Response:
        now = self._clock.now()
        chosen = self._stickiness.kept(action, arrival, now) or chosen_group(action, self._random)
        answer = await self._asked(arrival, chosen or "")
        cookies = self._stickiness.cookies(action, chosen, now) if chosen else []
        return Response(answer.status, answer.body, (*answer.headers, *cookies))

    async def _asked(self, arrival: Arrival, chosen: str) -> Response:
        """What the function of a target group answers."""
        group = elbv2.target_group(chosen)
        if group is None or group.function is None:
            return page(503)
        if group.kind != "lambda":
            return _told("elb.no-servers", kind=group.kind)
        if len(arrival.request.body) > LARGEST:
            return page(413)
        given = arrival.request.headers.get(_TRACE)
        payload = event(arrival, group, self._trace(given or ""))
        try:
            outcome = await self._pushes.call(group.function, payload, sender(group), trace=given)
        except AwsError:
            return page(502)
        return returned(outcome, multi_value=group.multi_value) or page(502)

    def _trace(self, given: str) -> str:
        """The header that goes on: the client's with the balancer's own part, or a new one."""
        fresh = f"1-{int(self._clock.now()):08x}-{self._random.getrandbits(96):024x}"
        parts = [one.strip() for one in given.split(";") if not one.strip().startswith("Self=")]
        has_root = any(one.startswith("Root=") for one in parts)
        return ";".join([f"Self={fresh}", *parts]) if has_root else f"Root={fresh}"


def _listener(balancer: Balancer, port: str) -> Listener | None:
    by_port = {listener.port: listener for listener in balancer.listeners}
    if port:
        return by_port.get(int(port)) if port.isdecimal() else None
    for usual in (*_USUAL_PORTS, *by_port):
        if usual in by_port:
            return by_port[usual]
    return None


def _told(name: str, /, **fields: str) -> Response:
    """An answer of the lab's, where AWS has none."""
    message = facts.message(name)
    kind = ("Content-Type", "text/plain; charset=utf-8")
    text = f"{message.format(**fields)}\n"
    return Response(message.status or 404, text.encode(), (kind,))
