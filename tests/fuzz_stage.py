"""A cloud with something of everything in it, spoken to over plain HTTP, and how it looks."""

from __future__ import annotations

import json
import socket
import time
import tomllib
from base64 import b64encode
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from botocore.config import Config

from tests.api_rows import filled
from tests.engine import port_of
from tests.shapes import Call, written

__all__ = ["LIMIT", "Reply", "Stage", "Wire"]

# How many calls may change the stage until it is built anew, which takes a tenth of a second.
CHANGES = 6
# No answer may take longer, in seconds.
LIMIT = 2.0
ROWS = tomllib.loads((Path(__file__).parent / "rows" / "fuzz.toml").read_text("utf-8"))
# What the function `a.b` of each package is called after, so that no two are the same.
PACKAGES = ("one", "two", "three")
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {"size": 1},
    "layers": [{"digest": f"sha256:{'0' * 64}"}],
}


class Reply(NamedTuple):
    """An answer; ``seconds`` is how long it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    @property
    def code(self) -> str:
        return self.headers.get("x-amzn-errortype", "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection that stays for request after request."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._file: Any = None
        self._began = 0.0

    def send(self, *calls: Call) -> list[Reply]:
        """The answers to requests that are sent all at once."""
        self.post(*calls)
        return self.take(*calls)

    def post(self, *calls: Call) -> None:
        """Send requests, and do not wait for their answers."""
        self._began = time.monotonic()
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=LIMIT)
            self._file = self._socket.makefile("rb")
        self._socket.sendall(b"".join(call.encoded(self._port) for call in calls))

    def take(self, *calls: Call) -> list[Reply]:
        """The answers to the requests that were sent."""
        try:
            return [self._read(call) for call in calls]
        except BaseException as error:
            self.close()  # what may still come is for nobody
            if isinstance(error, TimeoutError):
                raise AssertionError(f"no answer within {LIMIT} s to {calls}") from None
            raise

    def close(self) -> None:
        if self._socket is not None:
            self._file.close()
            self._socket.close()
        self._socket = None

    def _read(self, call: Call) -> Reply:
        line = self._file.readline()
        assert line, f"the connection was closed upon {call}"
        headers = {}
        while (field := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self._file.read(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.close()
        return Reply(int(line.split(b" ")[1]), headers, body, time.monotonic() - self._began)

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._file.readline(), 16):
            yield self._file.read(size)
            self._file.readline()
        self._file.readline()


class Stage:
    """The cloud, built anew now and then.

    ``before`` is what there is to see of it, ``files`` what lies in its directories, and
    ``history`` the calls that have changed it since it was built. ``known`` and ``plausible`` are
    what requests may give.
    """

    def __init__(self, lab: Any, scratch: Path) -> None:
        self.lab = lab
        self._scratch = scratch
        self._code = {
            name: lab.zip({"a.py": f"{name} = 1\ndef b(event, context):\n    return event\n"})
            for name in PACKAGES
        }
        self.wire = Wire(port_of(lab))
        self._names: dict[str, Any] = {}
        self._others: list[Call] = []
        self.history: list[Call] = []
        self._spoilt, self._stale = True, True
        self.ready()
        self.known: dict[str, list[Any]] = filled(ROWS["known"], self._names)
        self.plausible: dict[str, list[Any]] = filled(ROWS["plausible"], self._names)

    def ready(self) -> None:
        """Know how it looks; build it anew where it is spoilt."""
        if self._spoilt:
            self._build()
        if self._stale:
            self.before, self.files = self.seen(), self.entries()
        self._spoilt, self._stale = False, False

    def changed(self, call: Call, *, spoilt: bool = False) -> None:
        """A call has changed it; after a few of them it is built anew."""
        self.history.append(call)
        self._stale = True
        self._spoilt = spoilt or len(self.history) >= CHANGES

    def _build(self) -> None:
        self.lab.reset()
        self.history = []
        names = self._surroundings()
        for batch in ROWS["batch"]:
            self._play(batch, names)
        assert self._names in ({}, names), "what is built anew is not the same"
        self._names = names
        self._looks = [
            written(operation, filled(given, names))
            for look in ROWS["look"]
            for operation in look["operations"]
            for given in look["given"]
        ]

    def seen(self) -> list[tuple[Call, int, bytes]]:
        """All that the API shows."""
        replies = self.wire.send(*self._looks)
        return [
            (call, reply.status, reply.body)
            for call, reply in zip(self._looks, replies, strict=True)
        ]

    def entries(self) -> set[Path]:
        """What lies in the directories of the cloud."""
        return {path for depth in ("*", "*/*", "*/*/*") for path in self._scratch.glob(depth)}

    def _surroundings(self) -> dict[str, Any]:
        """What functions stand on in other services, and what it is called."""
        if not self._others:
            # moto's EC2 takes a second or two to load: whoever has a subnet has used it already.
            self.lab.client("ec2").describe_vpcs()
            self._others = recorded(self.lab, self._make_others)
        else:
            replies = self.wire.send(*self._others)
            assert [one for one in replies if one.status >= 300] == [], replies
        place = f"{self.lab.region}:{self.lab.account}"
        return {
            **{name: b64encode(code).decode() for name, code in self._code.items()},
            "arn": f"arn:aws:lambda:{place}:",
            "role": f"arn:aws:iam::{self.lab.account}:role/role",
            "queue": f"arn:aws:sqs:{place}:queue",
            "image": f"{self.lab.account}.dkr.ecr.{self.lab.region}.amazonaws.com/app:latest",
            "secret": f"arn:aws:secretsmanager:{place}:secret:s",
            "profile": f"arn:aws:signer:{place}:/signing-profiles/p/abcdefghij",
        }

    def _make_others(self, client: Callable[[str], Any]) -> None:
        trust = json.dumps({"Statement": [TRUST]})
        client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=trust)
        client("sqs").create_queue(QueueName="queue")
        s3, ecr = client("s3"), client("ecr")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="code.zip", Body=self._code["two"])
        ecr.create_repository(repositoryName="app")
        manifest = json.dumps(MANIFEST)
        ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="latest")

    def _play(self, batch: dict[str, Any], names: dict[str, Any]) -> None:
        """Calls that must succeed, one after the other."""
        calls = [written(operation, filled(given, names)) for operation, given in batch["calls"]]
        replies = self.wire.send(*calls)
        assert [one for one in replies if one.status >= 300] == [], replies
        for name, path in batch.get("keep", {}).items():
            number, *steps = path.split(".")
            value = replies[int(number)].json
            for step in steps:
                value = value[step]
            names[name] = value
        if "advance" in batch:
            self.lab.clock.advance(seconds=batch["advance"])


def recorded(lab: Any, make: Callable[[Callable[[str], Any]], None]) -> list[Call]:
    """The requests that boto3 sends while something is made, to be sent again without it."""
    found: list[Call] = []

    def see(request: Any, **_: Any) -> None:
        address = urlsplit(request.url)
        target = f"{address.path}?{address.query}" if address.query else address.path
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
            if name not in ("Expect", "Content-Length")
        }
        body = request.body or b""
        if isinstance(body, BytesIO):
            body = body.getvalue()
        elif isinstance(body, str):
            body = body.encode()
        found.append(Call("", {}, request.method, target, headers=headers, body=body))

    def client(service: str) -> Any:
        made = lab.client(service, config=Config(request_checksum_calculation="when_required"))
        made.meta.events.register("before-send", see)
        return made

    make(client)
    return found
