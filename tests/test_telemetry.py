"""The Telemetry API as an extension meets it: over HTTP, with listeners of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from lambdalab.clock import LabClock
from lambdalab.execution import events
from lambdalab.execution.spec import Outcome
from lambdalab.execution.telemetry_api import LOGS_API, TELEMETRY_API, TelemetryApi
from lambdalab.execution.telemetry_delivery import MOST_BATCHES
from lambdalab.wire import Listener, Request, Response, listen

IDENTIFIER = str(uuid4())
MOMENT = 1_700_000_000.5
WRITTEN = "2023-11-14T22:13:20.500Z"
SOON = 15


class Stage:
    """One environment's Telemetry API on a port, and what it told the environment."""

    def __init__(self, **settings: Any) -> None:
        self.told: list[tuple[str, str, list[str]]] = []
        self.api = TelemetryApi(self, {IDENTIFIER: "watcher"}.get, LabClock(), **settings)
        self._listener: Listener | None = None

    async def __aenter__(self) -> Stage:
        self._listener = await listen(self.api.handle)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.api.close()
        assert self._listener is not None
        self._listener.close()
        for _ in range(3):  # connections end in the turns that follow
            await asyncio.sleep(0)

    def telemetry_subscribed(self, name: str, state: str, types: list[str]) -> None:
        self.told.append((name, state, types))
        self.api.publish(events.telemetry_subscription(MOMENT, name, state, types))

    async def put(
        self, body: Any, identifier: str | None = IDENTIFIER, path: str = TELEMETRY_API
    ) -> tuple[int, Any]:
        """Send a request as an extension does; its status and its JSON body."""
        assert self._listener is not None
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        head += f"Content-Length: {len(data)}\r\n"
        if identifier is not None:
            head += f"Lambda-Extension-Identifier: {identifier}\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self._listener.port)
        writer.write(head.encode() + b"\r\n" + data)
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1]), json.loads(answer.partition(b"\r\n\r\n")[2])

    async def subscribe(self, destination: dict[str, Any], **more: Any) -> None:
        assert await self.put(wanted(destination, **more)) == (200, "OK")


class Batches:
    """What a listener got: a list of events for each delivery."""

    def __init__(self) -> None:
        self.got: list[list[dict[str, Any]]] = []
        self.requests: list[Request] = []
        self.port = 0
        self.answer: Callable[[], Response | Awaitable[Response]] = lambda: Response(200)
        self._came = asyncio.Event()

    def take(self, batch: list[dict[str, Any]]) -> None:
        self.got.append(batch)
        self._came.set()

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        self.requests.append(request)
        self.take(json.loads(request.body))
        return self.answer()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for batch in self.got for event in batch]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(SOON):
            while not holds():
                self._came.clear()
                await self._came.wait()

    @property
    def http(self) -> dict[str, Any]:
        return {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{self.port}"}


@contextlib.asynccontextmanager
async def http_listener(port: int = 0) -> AsyncIterator[Batches]:
    batches = Batches()
    listener = await listen(batches.handle, port)
    batches.port = listener.port
    try:
        yield batches
    finally:
        listener.close()


@contextlib.asynccontextmanager
async def tcp_listener() -> AsyncIterator[Batches]:
    batches = Batches()

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            batches.take([json.loads(line)])
        writer.close()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(read, "127.0.0.1", 0)
    batches.port = server.sockets[0].getsockname()[1]
    try:
        yield batches
    finally:
        server.close()
        await ended.wait()


def wanted(destination: dict[str, Any], **more: Any) -> dict[str, Any]:
    types = ["platform", "function", "extension"]
    return {
        "schemaVersion": "2022-12-13", "types": types, "destination": destination,
        "buffering": {"timeoutMs": 25}, **more,
    }  # fmt: skip


def line(text: str, kind: str = "function") -> events.Event:
    return events.Event(MOMENT, kind, text)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---- what is refused

HERE = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080"}
INVALID = 400, "ValidationError"
DENIED = 403, "Telemetry.AccessDenied"
REFUSED: dict[str, tuple[object, tuple[int, str], str]] = {
    "no JSON": (b"{", INVALID, "Invalid JSON: "),
    "a list": ([], INVALID, "expected subscription object"),
    "nothing": (
        {}, INVALID,
        "missing field `schemaVersion`; missing field `destination`; missing field `types`",
    ),
    "the guide's example": (
        wanted({"protocol": "HTTP", "URI": "http://sandbox.localdomain"}, types=[]), INVALID,
        "URI port is not provided; types should not be empty",
    ),
    "another version": (
        wanted(HERE, schemaVersion="2020-08-15"), INVALID,
        "unknown variant `2020-08-15`, expected one of `2022-07-01`, `2022-12-13`, `2025-01-29`",
    ),
    "another type": (
        wanted(HERE, types=["runtime"]), INVALID,
        "unknown variant `runtime`, expected one of `platform`, `function`, `extension`",
    ),
    "a type that is none": (wanted(HERE, types=[{}]), INVALID, "unknown variant `{}`"),
    "a type twice": (wanted(HERE, types=["platform"] * 2), INVALID, "types should be unique"),
    "another protocol": (
        wanted({**HERE, "protocol": "UDP"}), INVALID,
        "unknown variant `UDP`, expected `HTTP` or `TCP`",
    ),
    "no address": (wanted({"protocol": "HTTP"}), INVALID, "missing field `URI`"),
    "no port of TCP": (wanted({"protocol": "TCP"}), INVALID, "missing field `port`"),
    "port 0": (
        wanted({"protocol": "TCP", "port": 0}), INVALID, "port should be between 1 and 65535",
    ),
    "a port that is too large": (
        wanted({"protocol": "HTTP", "URI": "http://sandbox:99999"}), INVALID,
        "port should be between 1 and 65535",
    ),
    "a secure address": (
        wanted({"protocol": "HTTP", "URI": "https://sandbox.localdomain:8080"}), DENIED,
        "Only 'http' scheme is supported.",
    ),
    "another host": (
        wanted({"protocol": "HTTP", "URI": "http://example.com:80"}), DENIED,
        "Only 'sandbox.localdomain' hostname is supported.",
    ),
    "too few items": (
        wanted(HERE, buffering={"maxItems": 999}), INVALID,
        "maxItems should be between 1000 and 10000",
    ),
    "too many bytes": (
        wanted(HERE, buffering={"maxBytes": 1048577}), INVALID,
        "maxBytes should be between 262144 and 1048576",
    ),
    "too short a time": (
        wanted(HERE, buffering={"timeoutMs": 24}), INVALID,
        "timeoutMs should be between 25 and 30000",
    ),
    "a time that is no number": (
        wanted(HERE, buffering={"timeoutMs": "25"}), INVALID, "timeoutMs should be an integer",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_request_is_refused(case: str) -> None:
    body, (status, kind), text = REFUSED[case]

    async def play() -> None:
        async with Stage() as stage:
            answer = await stage.put(body)
            assert (answer[0], answer[1]["errorType"]) == (status, kind)
            assert answer[1]["errorMessage"].startswith(text)
            assert stage.told == []

    asyncio.run(play())


STRANGERS = {
    "nobody": (None, "Extension.MissingExtensionIdentifier"),
    "no identifier": ("watcher", "Extension.InvalidExtensionIdentifier"),
    "a stranger": (str(uuid4()), "Extension.UnknownExtensionIdentifier"),
}


@pytest.mark.parametrize("case", STRANGERS)
def test_only_extensions_of_the_environment_subscribe(case: str) -> None:
    identifier, kind = STRANGERS[case]

    async def play() -> None:
        async with Stage() as stage:
            status, answer = await stage.put(wanted(HERE), identifier)
            assert (status, answer["errorType"]) == (403, kind)

    asyncio.run(play())


def test_nobody_subscribes_after_init() -> None:
    async def play() -> None:
        async with Stage() as stage:
            stage.api.close_subscriptions()
            assert not stage.api.wanted
            assert await stage.put(wanted(HERE)) == (
                403,
                {
                    "errorMessage": "Telemetry API subscription is closed already",
                    "errorType": "Telemetry.SubscriptionClosed",
                },
            )

    asyncio.run(play())


def test_the_older_logs_api_is_declined_without_an_error() -> None:
    async def play() -> None:
        async with Stage() as stage:
            status, answer = await stage.put({}, path=LOGS_API)
            assert (status, answer["errorType"]) == (202, "Logs.NotSupported")
            status, _ = await stage.put({}, path="/2022-07-01/other")
            assert status == 404

    asyncio.run(play())


# ---- what is sent


def test_a_subscriber_gets_init_from_its_begin() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            stage.api.publish(line("during INIT\n"))
            await stage.subscribe(got.http)
            assert stage.told == [("watcher", "Subscribed", ["platform", "function", "extension"])]
            await got.until(lambda: len(got.events) == 2)
            assert got.events == [
                {"time": WRITTEN, "type": "function", "record": "during INIT\n"},
                {
                    "time": WRITTEN,
                    "type": "platform.telemetrySubscription",
                    "record": {
                        "name": "watcher",
                        "state": "Subscribed",
                        "types": ["platform", "function", "extension"],
                    },
                },
            ]
            (request, *_) = got.requests
            assert (request.method, request.path) == ("POST", "/")
            assert request.headers["content-type"] == "application/json"

    asyncio.run(play())


def test_only_the_types_asked_for_are_sent() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            await stage.subscribe(got.http, types=["extension"])
            stage.api.publish(line("of the function\n"))
            stage.api.publish(events.start(MOMENT, "r", "1"))
            stage.api.publish(line("of the extension\n", "extension"))
            await got.until(lambda: got.events)
            assert [event["record"] for event in got.events] == ["of the extension\n"]

    asyncio.run(play())


@pytest.mark.parametrize(
    ("version", "json_lines", "record"),
    [
        ("2022-07-01", True, '{"level":"INFO"}\n'),
        ("2022-12-13", True, {"level": "INFO"}),
        ("2025-01-29", True, {"level": "INFO"}),
        ("2022-12-13", False, '{"level":"INFO"}\n'),
    ],
)
def test_lines_in_json_are_objects_since_the_second_schema(
    version: str, json_lines: bool, record: object
) -> None:
    async def play() -> None:
        async with http_listener() as got, Stage(json_lines=json_lines) as stage:
            await stage.subscribe(got.http, schemaVersion=version, types=["function"])
            stage.api.publish(line('{"level":"INFO"}\n'))
            stage.api.publish(line("text\n"))
            await got.until(lambda: len(got.events) == 2)
            assert [event["record"] for event in got.events] == [record, "text\n"]

    asyncio.run(play())


@pytest.mark.parametrize("with_address", [True, False])
def test_tcp_gets_a_line_for_each_event(*, with_address: bool) -> None:
    async def play() -> None:
        async with tcp_listener() as got, Stage() as stage:
            uri = {"URI": f"http://sandbox.localdomain:{got.port}"}
            where = uri if with_address else {"port": got.port}
            await stage.subscribe({"protocol": "TCP", **where}, types=["function"])
            for number in range(3):
                stage.api.publish(line(f"a\nb {number}"))
            await got.until(lambda: len(got.events) == 3)
            assert [event["record"] for event in got.events] == [f"a\nb {n}" for n in range(3)]

    asyncio.run(play())


# ---- when it is sent

LATE = {"timeoutMs": 30_000}


def test_a_batch_goes_out_when_it_has_its_items() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            await stage.subscribe(
                got.http, types=["function"], buffering={"maxItems": 1000, **LATE}
            )
            for number in range(2500):
                stage.api.publish(line(str(number)))
            await got.until(lambda: len(got.got) == 2)
            assert [len(batch) for batch in got.got] == [1000, 1000]
            stage.api.flush()
            await got.until(lambda: len(got.got) == 3)
            assert [event["record"] for event in got.events] == [str(n) for n in range(2500)]

    asyncio.run(play())


def test_a_batch_goes_out_before_it_has_too_many_bytes() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            await stage.subscribe(
                got.http, types=["function"], buffering={"maxBytes": 262144, **LATE}
            )
            for _ in range(6):
                stage.api.publish(line("x" * 100_000))
            await got.until(lambda: len(got.got) == 2)
            assert [len(batch) for batch in got.got] == [2, 2]
            assert all(len(request.body) < 262144 for request in got.requests)

    asyncio.run(play())


def test_a_finished_invocation_is_told_at_once() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            await stage.subscribe(got.http, buffering=LATE)
            stage.api.publish(line("last words\n"))
            stage.api.publish(events.runtime_done(MOMENT, "r", Outcome(b"null")))
            await got.until(lambda: "platform.runtimeDone" in got.types)
            assert got.types[-2:] == ["function", "platform.runtimeDone"]

    asyncio.run(play())


def test_a_frozen_environment_gets_nothing_until_it_runs_again() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            await stage.subscribe(got.http, types=["function"])
            stage.api.freeze()
            stage.api.publish(line("while frozen"))
            stage.api.flush()
            assert not await stage.api.delivered(0.1)
            assert got.got == []
            stage.api.thaw()
            assert await stage.api.delivered(SOON)
            assert [event["record"] for event in got.events] == ["while frozen"]

    asyncio.run(play())


# ---- when it does not arrive


def test_a_listener_that_comes_late_misses_nothing() -> None:
    async def play() -> None:
        port = free_port()
        async with Stage() as stage:
            here = {"protocol": "HTTP", "URI": f"http://127.0.0.1:{port}/telemetry?all=1"}
            await stage.subscribe(here, types=["function"])
            stage.api.publish(line("early"))
            stage.api.flush()
            assert not await stage.api.delivered(0.1)
            async with http_listener(port) as got:
                await got.until(lambda: got.events)
                assert [event["record"] for event in got.events] == ["early"]
                assert got.requests[0].path == "/telemetry"
                assert got.requests[0].query == {"all": "1"}

    asyncio.run(play())


def test_a_batch_that_is_answered_with_an_error_comes_again() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            answers = iter([Response(500), Response(503)])
            got.answer = lambda: next(answers, Response(200))
            await stage.subscribe(got.http, types=["function"])
            stage.api.publish(line("again"))
            stage.api.flush()
            assert await stage.api.delivered(SOON)
            assert [event["record"] for event in got.events] == ["again"] * 3

    asyncio.run(play())


def test_a_listener_that_always_fails_is_given_up() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            got.answer = lambda: Response(500)
            await stage.subscribe(got.http, types=["function"])
            stage.api.publish(line("lost"))
            stage.api.flush()
            assert await stage.api.delivered(SOON)
            got.answer = lambda: Response(200)
            stage.api.publish(line("later"))
            await got.until(lambda: got.events[-1]["record"] == "later")

    asyncio.run(play())


def test_a_listener_that_falls_behind_is_told_what_it_missed() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            gate = asyncio.Event()

            async def when_open() -> Response:
                await gate.wait()
                return Response(200)

            got.answer = when_open
            await stage.subscribe(got.http, types=["platform"])
            await got.until(lambda: got.events)  # its own subscription: the first delivery hangs
            batches = MOST_BATCHES + 3
            for number in range(batches):
                stage.api.publish(events.start(MOMENT, str(number), "1"))
                stage.api.flush()
            gate.set()
            await got.until(lambda: "platform.logsDropped" in got.types)
            kept = [e["record"]["requestId"] for e in got.events if e["type"] == "platform.start"]
            dropped = [e["record"] for e in got.events if e["type"] == "platform.logsDropped"]
            assert len(kept) + sum(record["droppedRecords"] for record in dropped) == batches
            assert kept == [str(number) for number in range(len(kept))]
            assert dropped[0]["droppedBytes"] > 0
            assert dropped[0]["reason"].startswith("Consumer seems to have fallen behind")

    asyncio.run(play())


def test_a_subscription_that_is_repeated_changes_nothing() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            await stage.subscribe(got.http, types=["function"])
            again = await stage.put(wanted(got.http, types=["function"]))
            assert again == (200, "AlreadySubscribed")
            stage.api.publish(line("once"))
            stage.api.flush()
            assert await stage.api.delivered(SOON)
            assert [event["record"] for event in got.events] == ["once"]

    asyncio.run(play())


def test_nothing_is_left_when_the_environment_ends() -> None:
    async def play() -> None:
        async with http_listener() as got, Stage() as stage:
            await stage.subscribe(got.http, types=["function"])
            stage.api.publish(line("too late"))
            stage.api.close()
            assert not stage.api.wanted
            await asyncio.sleep(0)
            names = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}  # type: ignore[union-attr]
            assert not any(name.startswith("Subscriber") for name in names)
            assert got.got == []

    asyncio.run(play())
