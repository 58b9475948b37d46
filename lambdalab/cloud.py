"""One cloud in one process: its parts put together, started, emptied and ended.

Run as ``python -m lambdalab.cloud`` by a ``Lab``: settings come as one line of JSON on standard
input, which stays open as the lifeline; when it closes, the owner is gone and the cloud ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lambdalab.clock import LabClock
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

__all__ = ["Cloud", "serve"]

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
PREFIX = "lambdalab-"
LOCK = "lock"
# How often the cloud looks whether its owner still lives, in seconds.
OWNER_CHECK = 0.5


class Cloud:
    """All parts of one cloud."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = DEFAULTS | settings
        if self._settings["harden"] and not hardening.version():
            raise OSError("harden needs Landlock, which this system's kernel does not have")
        self._directory = _scratch()
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


def serve(settings: dict[str, Any], on_ready: Callable[[int], None]) -> None:
    """Run a cloud until it is told to stop; ``on_ready`` hears the port.

    SIGINT, SIGTERM and SIGHUP end it with every child. Raises OSError when the port is taken.
    """
    asyncio.run(_serve(settings, on_ready, lifeline=None))


async def _serve(
    settings: dict[str, Any], on_ready: Callable[[int], None], lifeline: int | None
) -> None:
    cloud = Cloud(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, cloud.ended.set)
    try:
        on_ready(await cloud.start())
        if lifeline is not None:
            _watch_owner(cloud, lifeline)
        await cloud.ended.wait()
    finally:
        cloud.stop()


def _watch_owner(cloud: Cloud, lifeline: int) -> None:
    """End the cloud when its owner is gone: the lifeline closes, or the parent changes.

    Both are watched: a process that the owner forked may hold the lifeline open after its death.
    """
    loop = asyncio.get_running_loop()
    owner = os.getppid()

    def read() -> None:
        if not os.read(lifeline, 1024):
            loop.remove_reader(lifeline)
            cloud.ended.set()

    def check() -> None:
        if os.getppid() != owner:
            cloud.ended.set()
        else:
            loop.call_later(OWNER_CHECK, check)

    loop.add_reader(lifeline, read)
    check()


def _scratch() -> Path:
    """A directory of this cloud's own; those of clouds that were killed are swept away."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _sweep(left)
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    # The lock says that the owner lives; it is held until the process ends, however it ends.
    descriptor = os.open(directory / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return directory


def _sweep(left: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(left / LOCK, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(descriptor)


def _announce(port: int) -> None:
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    # The ready line is the only one there: whatever a library prints goes to the log.
    sys.stdout = sys.stderr


def _first_line(descriptor: int) -> bytes:
    """The settings; read byte by byte, for what follows is the lifeline's."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(descriptor, 1)):
        line += byte
    return line


def main() -> None:
    """Be the cloud of a ``Lab``."""
    settings = json.loads(_first_line(sys.stdin.fileno()))
    try:
        asyncio.run(_serve(settings, _announce, lifeline=sys.stdin.fileno()))
    except (OSError, ValueError, OverflowError) as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(1)
    # All is ended: taking moto's objects apart one by one would only take time.
    os._exit(0)


if __name__ == "__main__":
    main()
