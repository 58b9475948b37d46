"""HTTP/1.1 as the endpoint and the Runtime API speak it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab import wire
from lambdalab.wire import Request, Response, StreamedResponse, listen
from tests.engine import Reply, replies

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


def echo(request: Request) -> Response:
    headers = (("X-Seen", f"{request.method} {request.path} {request.query_string}"),)
    return Response(200, request.body, headers)


def talk(handler: wire.Handler, conversation: Talk) -> Any:
    """Serve ``handler`` while ``conversation`` talks to it over one connection."""

    async def run() -> Any:
        listener = await listen(handler)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            try:
                return await asyncio.wait_for(conversation(reader, writer), 15)
            finally:
                writer.close()
        finally:
            listener.close()

    return asyncio.run(run())


def exchange(handler: wire.Handler, *parts: bytes) -> list[Reply]:
    """Send the parts one after the other, then no more; all that comes back."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        return await until_quiet(reader, writer)

    return list(replies(talk(handler, conversation)))


async def until_quiet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Close our side by asking for an end: the last answer is that of ``/end``."""
    writer.write(b"GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return await reader.read()


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    length = f"Content-Length: {len(body)}"
    return (
        "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", length, *headers, "", ""]).encode() + body
    )


# ---- requests


def seen(data: bytes) -> Request:
    """The request as a handler gets it."""
    requests: list[Request] = []

    def keep(request: Request) -> Response:
        requests.append(request)
        return Response(204)

    exchange(keep, data)
    return requests[0]


def test_a_request_keeps_path_and_header_names_as_they_were_sent() -> None:
    found = seen(get("/a%2Fb/%C3%A9//c?x=1&y=&x=a%20b+c", "X-CamelCase: One", "x_under: two"))
    assert (found.method, found.path) == ("GET", "/a%2Fb/%C3%A9//c")
    assert found.query_string == "x=1&y=&x=a%20b+c"
    assert found.query == {"x": "a b c", "y": ""}
    assert found.raw_headers[1:] == [(b"X-CamelCase", b"One"), (b"x_under", b"two")]
    assert found.headers["x-camelcase"] == "One"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("http://lab.example:80/a%20b?x=1", "/a%20b", "x=1"),
        ("HTTPS://lab.example", "/", ""),
        ("http://lab.example?x=http://y/z", "/", "x=http://y/z"),
        ("/http://lab.example/a", "/http://lab.example/a", ""),
    ],
)
def test_a_target_as_proxies_get_it_is_a_path(target: str, path: str, query: str) -> None:
    found = seen(get(target))
    assert (found.path, found.query_string) == (path, query)


def test_a_body_comes_whole_by_length_and_in_chunks() -> None:
    assert seen(post("/", b"\x00\xffabc")).body == b"\x00\xffabc"
    chunked = post("/", b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    assert (
        seen(chunked + b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n").body == b"abcde"
    )


# ---- answers


def answered(response: Response, method: str = "GET") -> Reply:
    return exchange(lambda _: response, get("/").replace(b"GET", method.encode()))[0]


def test_the_length_of_an_answer_is_told_once() -> None:
    def raw(response: Response) -> bytes:
        return response.encode(head_only=False)

    assert raw(Response(200, b"abc")).count(b"Content-Length: 3") == 1
    assert raw(Response(200, b"abc", (("content-length", "3"),))).lower().count(b"length") == 1
    assert answered(Response(200, b"abc")).body == b"abc"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_carries_none(status: int) -> None:
    data = Response(status, b"not this").encode(head_only=False)
    assert data.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in data


def test_head_tells_the_length_and_sends_no_body() -> None:
    data = Response(200, b"abc").encode(head_only=True)
    assert b"Content-Length: 3\r\n\r\n" in data
    assert data.endswith(b"\r\n\r\n")


def test_a_status_without_a_name_and_a_header_beyond_latin_1_are_sent() -> None:
    reply = answered(Response(599, b"x", (("X-Name", "漢é"),)))
    assert (reply.status, reply.headers["x-name"]) == (599, "?é")


# ---- connections


def test_answers_come_in_the_order_of_the_requests_however_long_each_takes() -> None:
    async def later(path: str) -> Response:
        for _ in range(20):
            await asyncio.sleep(0)
        return Response(200, path.encode())

    def handler(request: Request) -> Response | Awaitable[Response]:
        slow = request.path.startswith("/slow")
        return later(request.path) if slow else Response(200, request.path.encode())

    paths = ["/slow1", "/quick1", "/slow2", "/quick2", "/quick3"]
    found = exchange(handler, b"".join(get(path) for path in paths))
    assert [reply.body.decode() for reply in found] == [*paths, "/end"]


def test_a_prompt_answer_goes_out_while_it_is_given_and_keeps_its_place() -> None:
    prompts: dict[str, wire.Prompt] = {}

    def handler(request: Request) -> Response | Awaitable[Response]:
        if request.path == "/end":
            return Response(200)
        prompts[request.path] = wire.Prompt(loop=asyncio.get_running_loop())
        return prompts[request.path]

    async def prompt(path: str) -> wire.Prompt:
        while path not in prompts:
            await asyncio.sleep(0)
        return prompts[path]

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(get("/first"))
        first = await prompt("/first")
        sent: list[bytes] = []
        selector: Any = type(writer.transport)
        plain = selector.write
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(selector, "write", lambda t, data: (sent.append(data), plain(t, data)))
            first.set_result(Response(200, b"first"))
        writer.write(get("/second") + get("/third"))
        for path in ("/second", "/third"):
            (await prompt(path)).set_result(Response(200, path.encode()))
        return b"%d " % len(sent) + await until_quiet(reader, writer)

    count, _, rest = talk(handler, conversation).partition(b" ")
    assert int(count) == 1
    assert [reply.body for reply in replies(rest)] == [b"first", b"/second", b"/third", b""]


@pytest.mark.parametrize("break_it", ["set_exception", "cancel"])
def test_a_prompt_answer_that_breaks_is_a_500(
    break_it: str, caplog: pytest.LogCaptureFixture
) -> None:
    def handler(_: Request) -> wire.Prompt:
        prompt = wire.Prompt(loop=asyncio.get_running_loop())
        given = (ValueError("broken"),) if break_it == "set_exception" else ()
        asyncio.get_running_loop().call_soon(getattr(prompt, break_it), *given)
        return prompt

    with caplog.at_level(logging.CRITICAL, logger="asyncio"):
        (reply,) = exchange(handler, get("/broken"))
    assert reply.status == 500


def test_a_connection_is_kept_until_one_side_wants_it_closed() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for number in range(3):
            writer.write(get(f"/{number}"))
            head = await reader.readuntil(b"\r\n\r\n")
            assert f"GET /{number} ".encode() in head
        writer.write(get("/last", "Connection: close"))
        return await reader.read()

    assert b"GET /last " in talk(echo, conversation)


def test_http_1_0_is_answered_and_closed() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"GET /old HTTP/1.0\r\nHost: x\r\n\r\n")
        return await reader.read()

    assert b"GET /old " in talk(echo, conversation)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",  # a TLS greeting
        b"garbage\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: x\x00y\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(data: bytes) -> None:
    handled: list[Request] = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(data)
        return await reader.read()  # to the end: the server closes

    def handler(request: Request) -> Response:
        handled.append(request)
        return Response(200)

    (reply,) = replies(talk(handler, conversation))
    assert (reply.status, reply.headers["connection"]) == (400, "close")
    assert handled == []


def test_a_malformed_request_leaves_other_connections_alone() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        port = writer.get_extra_info("peername")[1]
        bad_reader, bad = await asyncio.open_connection("127.0.0.1", port)
        bad.write(b"garbage\r\n\r\n")
        assert b" 400 " in await bad_reader.read()
        bad.close()
        return await until_quiet(reader, writer)

    assert b" 200 " in talk(echo, conversation)


def test_expect_100_continue_lets_the_client_go_on() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n")
        writer.write(b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        return await reader.read()

    (reply,) = replies(talk(echo, conversation))
    assert (reply.status, reply.body) == (200, b"abc")


@pytest.mark.parametrize("body", [b"", b"abc"])
def test_an_offer_of_another_protocol_is_declined_and_the_request_served(body: bytes) -> None:
    offer = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk")
    found = exchange(echo, post("/one", body, *offer), get("/two"))
    assert [reply.headers["x-seen"] for reply in found] == ["POST /one ", "GET /two ", "GET /end "]
    assert found[0].body == body


def test_a_body_beyond_the_largest_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire.connection, "LARGEST_BODY", 1000)

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(post("/", b"x" * 1001))
        return await reader.read()

    assert next(replies(talk(echo, conversation))).status == 413
    assert exchange(echo, post("/", b"x" * 1000))[0].status == 200


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_handler_that_breaks_answers_500_and_the_log_says_why(
    when: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def later() -> Response:
        raise LookupError("it broke")

    def handler(_: Request) -> Awaitable[Response]:
        if when == "at once":
            raise LookupError("it broke")
        return later()

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(get("/broken"))
        return await reader.read()

    with caplog.at_level(logging.ERROR):
        (reply,) = replies(talk(handler, conversation))
    assert reply.status == 500
    assert "GET /broken" in caplog.text
    assert "it broke" in caplog.text


def test_a_client_that_sends_no_more_gets_what_it_has_asked_for() -> None:
    sent = asyncio.Event()

    async def later(path: str) -> Response:
        await sent.wait()
        await asyncio.sleep(0.01)
        return Response(200, path.encode())

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(get("/a") + get("/b") + get("/half")[:-2])
        writer.write_eof()
        sent.set()
        return await reader.read()

    found = list(replies(talk(lambda request: later(request.path), conversation)))
    assert [reply.body for reply in found] == [b"/a", b"/b"]


def test_a_client_that_goes_away_does_not_stop_the_work() -> None:
    async def run() -> None:
        going, left, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def work() -> Response:
            going.set()
            await left.wait()
            done.set()
            return Response(200)

        listener = await listen(lambda _: work())
        _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(get("/"))
        await asyncio.wait_for(going.wait(), 15)
        writer.transport.abort()
        left.set()
        await asyncio.wait_for(done.wait(), 15)
        listener.close()

    asyncio.run(run())


def test_the_listener_is_on_loopback_only_and_ends_with_its_connections() -> None:
    async def run() -> None:
        listener = await listen(echo)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", listener.port)
        with pytest.raises(OSError):
            await listen(echo, listener.port)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(get("/"))
        await reader.readuntil(b"\r\n\r\n")
        listener.close()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 15)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", listener.port)
        writer.close()

    asyncio.run(run())


# ---- the stream may be cut anywhere

bodies = st.one_of(st.none(), st.binary(max_size=40))
requests = st.lists(
    st.tuples(st.sampled_from(["/a", "/b%20c", "/d?e=f"]), bodies), min_size=1, max_size=4
)


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False


@given(wanted=requests, data=st.data())
@settings(max_examples=60, deadline=None)
def test_however_the_stream_is_cut_the_answers_are_the_same(wanted: Any, data: Any) -> None:
    stream = b"".join(get(path) if body is None else post(path, body) for path, body in wanted)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    connection, transport = wire.connection.Connection(echo, set(), bytes), _Transport()
    connection.connection_made(transport)
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
        connection.data_received(stream[start:end])
    assert [reply.body for reply in replies(transport.written)] == [
        body or b"" for _, body in wanted
    ]


def test_the_parser_stops_at_an_offer_to_upgrade_as_the_code_expects() -> None:
    # Fails when httptools changes what the declining of an upgrade stands on.
    data = get("/one", "Upgrade: h2c", "Connection: Upgrade") + b"rest"
    with pytest.raises(httptools.HttpParserUpgrade) as stopped:
        httptools.HttpRequestParser(object()).feed_data(data)
    assert data[stopped.value.args[0] :] == b"rest"


# ---- bodies and answers part by part


class Gathered:
    """Reads a body as it comes, and answers with what it has seen."""

    def __init__(self, seen: list[Any]) -> None:
        self.seen = seen

    def data(self, part: bytes) -> None:
        self.seen.append(part)

    def end(self, trailers: dict[str, str]) -> Response:
        self.seen.append(trailers)
        return Response(200, repr(self.seen).encode())

    def lost(self) -> None:
        self.seen.append("lost")


CHUNKED = b"POST /s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def read_in_parts(*parts: bytes, wanted: bool = True, close: bool = False) -> list[Any]:
    """What a reader sees of the parts; the last element is the answer, where there is one."""
    seen: list[Any] = []

    async def run() -> None:
        def streams(request: Request) -> Gathered | None:
            assert request.body == b""
            seen.append(request.path)
            return Gathered(seen) if wanted else None

        listener = await listen(echo, streams=streams)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        for part in parts:
            before = len(seen)
            writer.write(part)
            while len(seen) == before and part is not parts[-1] and wanted:
                await asyncio.sleep(0.001)
        if close:
            writer.close()
            while "lost" not in seen:
                await asyncio.sleep(0.001)
        else:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            seen.append(await reader.readexactly(length))
            writer.close()
        await writer.wait_closed()
        listener.close()

    asyncio.run(asyncio.wait_for(run(), 15))
    return seen


def test_a_chunked_body_is_read_as_it_comes_with_its_trailers() -> None:
    *seen, answer = read_in_parts(CHUNKED, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\nX-A: b\r\n\r\n")
    assert seen == ["/s", b"one", b"two", {"x-a": "b"}]
    assert answer == repr(seen).encode()


def test_a_chunked_body_that_nobody_reads_in_parts_comes_whole() -> None:
    seen = read_in_parts(CHUNKED, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n", wanted=False)
    assert seen == ["/s", b"onetwo"]


def test_a_body_with_a_length_is_never_read_in_parts() -> None:
    assert read_in_parts(post("/s", b"whole")) == [b"whole"]


def test_a_reader_hears_when_the_connection_is_lost() -> None:
    assert read_in_parts(CHUNKED, b"3\r\none\r\n", close=True) == ["/s", b"one", "lost"]


def streaming(*parts: bytes, fail: bool = False) -> wire.Handler:
    async def produce() -> Any:
        for part in parts:
            yield part
            await asyncio.sleep(0)
        if fail:
            raise ValueError("in the middle")

    def handler(request: Request) -> Response:
        if request.path == "/stream":
            return StreamedResponse(200, produce(), (("X-A", "b"),))
        return echo(request)

    return handler


def test_an_answer_goes_out_part_by_part_and_the_next_one_behind_it() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(get("/stream") + get("/next"))
        return await until_quiet(reader, writer)

    received = talk(streaming(b"one", b"", b"three"), conversation)
    head, _, rest = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"X-A: b" in head
    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    body, _, behind = rest.partition(b"0\r\n\r\n")
    assert body == b"3\r\none\r\n5\r\nthree\r\n"
    assert [reply.headers["x-seen"] for reply in replies(behind)] == ["GET /next ", "GET /end "]


def test_head_gets_no_part_of_an_answer_in_parts() -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(get("/stream").replace(b"GET", b"HEAD") + get("/next"))
        return await until_quiet(reader, writer)

    received = talk(streaming(b"one", b"three"), conversation)
    head, _, behind = received.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert [reply.headers["x-seen"] for reply in replies(behind)] == ["GET /next ", "GET /end "]


def test_an_answer_that_breaks_off_ends_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(get("/stream"))
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""

    received = talk(streaming(b"one", fail=True), conversation)
    assert not received.endswith(b"0\r\n\r\n")
    assert "broke off" in caplog.text


def test_a_slow_client_holds_the_parts_back() -> None:
    made = 0

    async def produce() -> Any:
        nonlocal made
        for _ in range(200):
            made += 1
            yield b"x" * 100_000

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.write(get("/stream", "Connection: close"))
        # Nothing is read: what the system does not take stays undone.
        before, steady = 0, 0
        while made < 200 and steady < 50:
            steady = steady + 1 if made == before and made else 0
            before = made
            await asyncio.sleep(0.001)
        held = made
        size = len(await reader.read())
        assert size > 200 * 100_000
        return held

    held = talk(lambda _: StreamedResponse(200, produce()), conversation)
    assert held < 200
