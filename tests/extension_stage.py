"""An Extensions API on a port of its own, without an environment; extensions as plain processes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lambdalab.execution.extension import Failure
from lambdalab.execution.extension_processes import ExtensionProcesses
from lambdalab.execution.extensions_api import ExtensionsApi
from lambdalab.execution.spec import Invocation, RuntimeSpec
from lambdalab.neighbours.identity.sts import Credentials
from lambdalab.wire import Listener, listen
from tests.engine import Reply, request, wait_until

LIBRARY = Path(__file__).parent / "extensions"
IDENTIFIER = "Lambda-Extension-Identifier"
INVOCATION = Invocation(
    request_id="3da1f2dc-3222-475e-9205-e2e6c6318895",
    event=b"{}",
    arn="arn:aws:lambda:us-east-1:123456789012:function:watched",
    trace_id="Root=1-5f35ae12-0c0fec141ab77a00bc047aa2;Parent=2be948a625588e32;Sampled=1",
)


def spec() -> RuntimeSpec:
    return RuntimeSpec(
        account="123456789012",
        region="us-east-1",
        name="watched",
        arn="arn:aws:lambda:us-east-1:123456789012:function:watched",
        version="$LATEST",
        runtime="python3.13",
        runtime_version_arn="arn:aws:lambda:us-east-1::runtime:" + "0" * 64,
        handler="app.handler",
        memory=128,
        timeout=3,
        log_group="/aws/lambda/watched",
        task_root=Path("/var/task"),
        variables={"OWN": "value"},
        credentials=Credentials("key", "secret", "token"),
        endpoint_url="http://127.0.0.1:1",
    )


def put(opt: Path, *names: str, source: str = "behave.py", mode: int = 0o755) -> None:
    """Put an extension of the library under these names into a directory of layers."""
    folder = opt / "extensions"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(LIBRARY / source, folder / name)
        (folder / name).chmod(mode)


class Stage:
    """An environment's extensions and nothing else; ``told`` is what it would have heard.

    ``output`` is where the extensions started here write to.
    """

    def __init__(self, output: Path | None = None) -> None:
        self.told: list[Any] = []
        self._output = output
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._waiting = ThreadPoolExecutor(16)

    def __enter__(self) -> Stage:
        self._thread.start()
        self.api: ExtensionsApi = self.do(lambda: ExtensionsApi(spec(), self))
        self.processes: ExtensionProcesses = self.do(
            lambda: ExtensionProcesses(self.api, self, self._start)
        )
        self._listener: Listener = self.run(listen(lambda given: self.api.handle(given)))
        self.port = self._listener.port
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.processes.shutdown("spindown", 0, 0))
        self.do(self._listener.close)
        self._waiting.shutdown()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # What the environment's part is.

    def do(self, order: Callable[[], Any]) -> Any:
        """Give an order where the environment would, in the loop."""

        async def ordered() -> Any:
            return order()

        return self.run(ordered())

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def extensions_registered(self) -> None:
        self.told.append("registered")

    def extensions_ready(self) -> None:
        self.told.append("ready")

    def extension_failed(self, failure: Failure) -> None:
        self.told.append(failure)

    @property
    def failure(self) -> Failure | None:
        return next((one for one in self.told if isinstance(one, Failure)), None)

    def invoke(self) -> None:
        self.do(lambda: self.api.invoke(INVOCATION, 1_700_000_000_000))

    def launched(self, *names: str) -> None:
        """Say that extensions of these names have been launched, without a process."""
        self.do(lambda: self.api.expect(len(names)))
        for name in names:
            assert self.do(lambda name=name: self.api.launching(name))

    def state(self, name: str) -> str:
        found = self.do(lambda: self.api.extensions.named(name))
        return str(found.state) if found else ""

    def ready(self) -> bool:
        return bool(self.do(lambda: self.api.extensions.ready))

    def lines(self) -> list[str]:
        found: list[str] = self.do(self.api.extensions.lines)
        return found

    # What the extensions' part is.

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        return request(self.port, method, f"/2020-01-01/extension/{path}", body, **headers)

    def register(self, name: str, *events: str, **headers: str) -> Reply:
        body = json.dumps({"events": events}).encode()
        return self.call("POST", "register", body, **{"Lambda-Extension-Name": name}, **headers)

    def registered(self, name: str, *events: str) -> str:
        """Register, and give the identifier."""
        reply = self.register(name, *events)
        assert reply.status == 200, reply
        return reply.headers[IDENTIFIER.lower()]

    def next(self, identifier: str) -> Future[Reply]:
        """Ask for the next event; the answer comes when there is one."""
        return self._waiting.submit(self.call, "GET", "event/next", **{IDENTIFIER: identifier})

    def wait(self, name: str, identifier: str) -> Future[Reply]:
        """Ask for the next event, and return once the request is held."""
        asked = self.next(identifier)
        wait_until(lambda: self.state(name) == "Ready")
        return asked

    # The room.

    async def _start(self, program: str) -> asyncio.subprocess.Process:
        environment = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.port}", "PATH": os.defpath}
        assert self._output is not None
        with self._output.open("ab") as output:
            return await asyncio.create_subprocess_exec(program, env=environment, stdout=output)

    def on_exit(self, process: asyncio.subprocess.Process, listener: Callable[[int], None]) -> None:
        waited = self._loop.create_task(process.wait())
        waited.add_done_callback(lambda done: listener(done.result()))

    def kill(self, process: asyncio.subprocess.Process) -> None:
        process.kill()
