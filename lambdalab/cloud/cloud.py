"""The parts of one cloud put together, started, emptied and ended."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

from lambdalab.clock import LabClock
from lambdalab.cloud.scratch import scratch_directory
from lambdalab.draws import Draws
from lambdalab.endpoint.control import ControlApi
from lambdalab.endpoint.operations import LambdaOperations
from lambdalab.endpoint.presigned import PresignedUrls
from lambdalab.endpoint.server import CODE, Endpoint
from lambdalab.endpoint.web import Web
from lambdalab.execution import hardening
from lambdalab.execution.environment import Machinery
from lambdalab.execution.latency import StartLatency
from lambdalab.execution.logbook import LogBook
from lambdalab.execution.memory import MemoryWatch
from lambdalab.execution.pool import EnvironmentPool
from lambdalab.execution.zygote_client import ZygoteClient
from lambdalab.functions.aliases import AliasService
from lambdalab.functions.control import FunctionService
from lambdalab.functions.governance import Governance
from lambdalab.functions.limits import Limits
from lambdalab.functions.lookup import Directory
from lambdalab.functions.packages import Package, PackageStore
from lambdalab.functions.rates import RequestRates
from lambdalab.functions.records import Registry
from lambdalab.functions.stacks import StackResources
from lambdalab.functions.storage import Storage
from lambdalab.functions.traffic import Traffic
from lambdalab.invocation.metrics import Metrics
from lambdalab.invocation.service import InvocationService
from lambdalab.neighbours import (
    application,
    secret_rotation,
    state,
    workflows,
)
from lambdalab.neighbours import time as moto_time
from lambdalab.sources.alarms import Alarms
from lambdalab.sources.auto_scaling import AutoScaling
from lambdalab.sources.code_deploy.engine import CodeDeploy
from lambdalab.sources.code_deploy.run import World
from lambdalab.sources.custom_resources import CustomResources
from lambdalab.sources.function_urls.gate import Gate
from lambdalab.sources.sources import Sources
from lambdalab.timeline import Timeline
from lambdalab.wire import LOOPBACK, DateLine, Request, listen

__all__ = ["Cloud"]

DEFAULTS: dict[str, Any] = {
    "port": 0,
    "region": "us-east-1",
    "account": "123456789012",
    "speed": 1.0,
    "cpu": True,
    "secret": None,
    "seed": 0,
    "rates": False,
    "rooms": True,
    "harden": False,
    "concurrency": Limits().concurrency,
    "unreserved_floor": None,
    "latency": None,
    "token": "",
}


class Cloud:
    """All parts of one cloud."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = DEFAULTS | settings
        if self._settings["harden"] and not hardening.version():
            raise OSError("harden needs Landlock, which this system's kernel does not have")
        self._directory = scratch_directory()
        self._draws = Draws(self._settings["seed"])
        self.ended = asyncio.Event()
        self.clock = LabClock(float(self._settings["speed"]))
        self.timeline = Timeline()
        self._logbook = LogBook(self.clock)
        self._metrics = Metrics()
        self._zygote = ZygoteClient(
            self._directory, rooms=self._settings["rooms"], harden=self._settings["harden"]
        )
        self._packages = PackageStore(self._directory / "code")

    async def start(self) -> int:
        """Listen; gives the port. Raises OSError when the port is taken."""
        self._zygote.start()
        # moto takes a third of a second to load: better here, where the learner expects to wait and
        # the zygote loads beside it, than in the first call to any service.
        moto_time.install(self.clock.now)
        application.preload(self._settings["seed"], self._settings["account"])
        date = DateLine(self.clock.now)
        self._listener = await listen(self._handle, self._settings["port"], date=date)
        self._assemble(f"http://{LOOPBACK}:{self._listener.port}")
        return self._listener.port

    def _assemble(self, base_url: str) -> None:
        self._base_url = base_url
        workflows.connect(self.clock, asyncio.get_running_loop())
        settings = self._settings
        latency = StartLatency(self._draws.stream("starts")) if settings["latency"] else None
        machinery = Machinery(
            self.clock, self._logbook, MemoryWatch(), self._zygote, settings["cpu"], latency
        )
        self._pool = EnvironmentPool(
            machinery, self.timeline, self._draws.stream("streams"), self._draws.stream("reclaims")
        )
        limits = Limits(settings["concurrency"], settings["unreserved_floor"])
        directory = Directory(Registry(limits))

        def download(package: Package) -> str:
            return f"{base_url}{CODE}{package.key}"

        self._storage = Storage(
            directory.registry, self._packages, self.clock, self._draws, download
        )
        self._functions = FunctionService(
            directory,
            clock=self.clock,
            timeline=self.timeline,
            intake=self._storage.intake,
            draw=self._draws.stream("functions"),
            download=download,
        )
        self._registry = directory.registry
        self._governance = Governance(directory, self.clock, self._draws)
        self._governance.account.stored.append(self._storage.intake.stored_layers)
        self._functions.before_deployment.append(self._governance.code_signing.check_deployment)
        traffic = Traffic(directory, self.clock, self._draws)
        self._governance.tags.holders["event-source-mapping"] = traffic.mappings.tags_of
        self._rates = RequestRates(self.clock)
        aliases = AliasService(directory, self._draws.stream("aliases"))
        services = [
            self._functions,
            aliases,
            *self._governance.services,
            *self._storage.services,
            *traffic.services,
        ]
        self._functions.on_change.append(self._pool.retire)
        self._invocations = InvocationService(
            directory,
            self._pool,
            clock=self.clock,
            timeline=self.timeline,
            metrics=self._metrics,
            draws=self._draws,
            endpoint_url=base_url,
        )
        provisioning = self._invocations.provisioning
        self._functions.lifecycle.take_snapshot = self._invocations.snapshots.take
        self._invocations.snapshots.again = self._functions.lifecycle.snapshot_again
        traffic.provisioned.allocate = provisioning.allocate
        traffic.provisioned.on_change.append(provisioning.follow)
        aliases.on_change.append(traffic.provisioned.alias_changed)
        self._sources = Sources(
            traffic.mappings,
            self._invocations,
            traffic.urls,
            Gate(settings["account"], settings["secret"]),
            base_url,
            clock=self.clock,
            timeline=self.timeline,
            metrics=self._metrics,
            draws=self._draws,
        )
        self._alarms = Alarms(
            self._sources.pushes, self._flush_metrics, clock=self.clock, timeline=self.timeline
        )
        self._deployments = CodeDeploy(
            World(self._sources.pushes, aliases, self.clock, self.timeline, self._alarms.active),
            self._draws.stream("deployments"),
        )
        self._auto_scaling = AutoScaling(
            directory.registry,
            traffic.provisioned,
            clock=self.clock,
            timeline=self.timeline,
            metrics=self._metrics,
        )
        self._stacks = StackResources(services, directory, asyncio.get_running_loop())
        self._endpoint = Endpoint(
            account=settings["account"],
            region=settings["region"],
            secret=settings["secret"],
            base_url=base_url,
            control=ControlApi(
                settings["token"],
                clock=self.clock,
                timeline=self.timeline,
                reset=self.reset,
                stop=self.ended.set,
                send=self._sources.sample_events.send,
            ),
            operations=LambdaOperations(
                services, self._invocations, self._draws, self._rates if settings["rates"] else None
            ),
            packages=self._packages,
            presigned=PresignedUrls(self.clock),
            web=Web(self._sources.planes, self._listener.port),
            before=self._before_moto,
            prepare=self._prepare_moto,
        )

    def _handle(self, request: Request) -> Any:
        return self._endpoint.handle(request)

    def _before_moto(self, service: str) -> None:
        if service == "logs":
            self._logbook.flush()
        elif service == "monitoring":
            self._flush_metrics()
            self._alarms.wake()
        elif service == "cloudformation":
            self._alarms.wake()
        elif service == "application-autoscaling":
            self._auto_scaling.wake()

    def _flush_metrics(self) -> None:
        """Also the log: lines in the embedded metric format become metrics."""
        self._logbook.flush()
        self._metrics.flush()

    def _prepare_moto(self, service: str) -> None:
        if service == "cloudformation":
            # Imported here: it takes a second, and few lessons need it.
            from lambdalab.neighbours.stacks import cloudformation, custom

            cloudformation.install(self._stacks, self._deployments, self._base_url)
            custom.install(CustomResources(self._sources.pushes, self._base_url))
        elif service == "states":
            workflows.install(self._sources.step_functions, self._base_url)
        elif service == "cognito-idp":
            from lambdalab.neighbours.identity import user_pools

            user_pools.install(self._sources.user_pools)
        elif service == "secretsmanager":
            secret_rotation.install(self._sources.secret_rotations)

    async def reset(self) -> None:
        """An empty cloud again, on the same port, as after a start.

        What runs is ended first, and has left its last traces before they are wiped away.
        """
        self._sources.stop()
        self._invocations.stop()
        self._pool.end_all()
        await self._deployments.empty()
        await self._sources.empty()
        await self._invocations.empty()
        self._registry.clear()
        self._governance.clear()
        self._storage.clear()
        self._rates.clear()
        self._auto_scaling.clear()
        self._alarms.clear()
        self._packages.clear()
        self.clock.restart()
        workflows.forget()
        self._logbook.clear()
        self._metrics.clear()
        self._endpoint.forget_callers()
        state.reset(self._settings["seed"])
        self._draws.restart()
        self.timeline.clear()

    def stop(self) -> None:
        """End everything: no process and no file stays."""
        self._listener.close()
        self._endpoint.close()
        self._pool.end_all()
        self._zygote.stop()
        self._packages.close()
        shutil.rmtree(self._directory, ignore_errors=True)
