"""The event sources of one cloud, put together."""

from __future__ import annotations

import asyncio

from lambdalab import facts
from lambdalab.clock import LabClock
from lambdalab.draws import Draws
from lambdalab.functions.mappings import MappingService
from lambdalab.functions.urls import UrlService
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.service import InvocationService
from lambdalab.neighbours import workflows
from lambdalab.sources.buckets.s3 import BucketNotifications
from lambdalab.sources.cognito import UserPools
from lambdalab.sources.data_plane import DataPlane
from lambdalab.sources.engine import MappingEngine
from lambdalab.sources.events.event_services import EventServices
from lambdalab.sources.execute_api import ExecuteApi
from lambdalab.sources.function_urls.gate import Gate
from lambdalab.sources.function_urls.plane import FunctionUrls
from lambdalab.sources.gateway.services import Services
from lambdalab.sources.load_balancers.plane import LoadBalancers
from lambdalab.sources.platform import Platform
from lambdalab.sources.pushed import Pushes
from lambdalab.sources.queues.sqs import QueuePoller
from lambdalab.sources.sample_events import SampleEvents
from lambdalab.sources.secret_rotation import SecretRotations
from lambdalab.sources.step_functions import StepFunctions
from lambdalab.sources.streams.streams import Streams
from lambdalab.sources.topics.sns import Subscribers
from lambdalab.timeline import Timeline

__all__ = ["Sources"]

_NO_BROKER = facts.message("poll.no-broker").text


class Sources:
    """Reads for the mappings of one cloud, which is at ``base_url``; to be made in its event loop.

    ``pushes`` is how services that do not wait to be read call functions; ``planes`` answer the
    requests of web addresses, by the kind of address.
    """

    def __init__(
        self,
        mappings: MappingService,
        functions: InvocationService,
        urls: UrlService,
        gate: Gate,
        base_url: str,
        *,
        clock: LabClock,
        timeline: Timeline,
        metrics: Metrics,
        draws: Draws,
    ) -> None:
        platform = Platform(clock, timeline, metrics, functions, draws.stream("pollers"))
        self.pushes = Pushes(functions, clock=clock, timeline=timeline)
        self._apis = ExecuteApi(self.pushes, Services(base_url), clock, draws.stream("apis"))
        function_urls = FunctionUrls(
            urls, functions, gate, clock=clock, timeline=timeline, metrics=metrics,
            random=draws.stream("URL requests"),
        )  # fmt: skip
        self._balancers = LoadBalancers(self.pushes, clock, draws.stream("load balancers"))
        self.planes: dict[str, DataPlane] = {
            "execute-api": self._apis,
            "lambda-url": function_urls,
            "elb": self._balancers,
        }
        self.user_pools = UserPools(self.pushes)
        self.secret_rotations = SecretRotations(self.pushes, clock)
        self.step_functions = StepFunctions(self.pushes, functions, platform.identifier)
        BucketNotifications(self.pushes, clock)
        Subscribers(self.pushes, clock)
        self._events = EventServices(
            self.pushes, functions, clock=clock, timeline=timeline, draws=draws
        )
        self.sample_events = SampleEvents(self.pushes)
        self._streams = Streams(platform, asyncio.get_running_loop())
        self._engine = MappingEngine(
            {"sqs": lambda mapping: QueuePoller(mapping, platform), **self._streams.makers()},
            lambda mapping: platform.tell("trouble", mapping, reason=_NO_BROKER),
        )
        mappings.on_change.append(self._engine.changed)

    def stop(self) -> None:
        """Read no more, from any source."""
        self._engine.stop()
        self._events.stop()
        self._balancers.stop()
        workflows.stop()
        self.secret_rotations.clear()

    async def empty(self) -> None:
        """Wait until nothing of what was read is worked on, and forget the positions."""
        await self._engine.drained()
        await self._events.empty()
        await self._balancers.empty()
        self._streams.clear()
        self._apis.clear()
