"""So many callers at the same moment: lessons on concurrency need that without luck.

    together(lab, "shop", 8)            # {"served": 5, "ConcurrentInvocationLimitExceeded": 3}
    with Crowd(lab, "mail", 5):         # while five invocations of mail are at work, ...

The function calls ``work(event)`` of the module ``WORK``, which is in its package as ``work.py``:
it works until all callers of its crowd have an environment or a refusal, and no longer.
"""

import json
import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

from botocore.config import Config
from botocore.exceptions import ClientError

__all__ = ["WORK", "Call", "Crowd", "together"]

# Functions share no file with the notebook, but they share this machine's loopback.
WORK = """import socket

def work(event):
    port = event.get("gate") if isinstance(event, dict) else None
    if port:  # told by a crowd: work until it is complete
        with socket.create_connection(("127.0.0.1", port)) as gate:
            gate.sendall(b"here")
            gate.recv(1)
"""

_PATIENCE_SECONDS = 30
_THROTTLED = 429


class Call(NamedTuple):
    """What became of one call: served or not, and what was told, an answer or AWS's reason."""

    served: bool
    told: Any


class Crowd:
    """Callers of one function who all come at the same moment.

    ``lab``: the running lab; ``name``: of the function, ``"shop:live"`` for an alias; ``count``: of
    the callers, each of whom asks once; ``event``: members of the event beside the one that lets
    ``work`` know. When the ``with`` block begins, everybody has been admitted or refused, and who
    was admitted is at work until it ends. Raises ClientError at the end where AWS refuses for
    another reason than a throttle.
    """

    def __init__(self, lab: Any, name: str, count: int, **event: Any) -> None:
        self.name, self.count = name, count
        self._event = event
        once = Config(
            retries={"total_max_attempts": 1},
            max_pool_connections=max(count, 1),
            read_timeout=2 * _PATIENCE_SECONDS,
        )
        self._lam = lab.client("lambda", config=once)
        self._change = threading.Condition()
        self._open = False
        self._calls: list[Call] = []
        self._errors: list[Exception] = []
        self._arrived = 0
        self._threads: list[threading.Thread] = []

    @property
    def calls(self) -> list[Call]:
        """The calls that are over until now, in the order in which they ended."""
        return list(self._calls)

    @property
    def tally(self) -> dict[str, int]:
        """How many were served, and how many were refused or failed, by the reason."""
        told = Counter("served" if call.served else str(call.told) for call in self._calls)
        return dict(sorted(told.items(), key=lambda each: (each[0] != "served", each[0])))

    @property
    def answers(self) -> list[Any]:
        """What the function has returned to those who were served."""
        return [call.told for call in self._calls if call.served]

    @property
    def running(self) -> int:
        """How many are at work; nobody is once the block has ended."""
        return 0 if self._open else self._arrived

    def __enter__(self) -> Self:
        self._server = _Gate(("127.0.0.1", 0), self)
        self._watch = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._watch.start()
        payload = json.dumps({**self._event, "gate": self._server.server_address[1]})
        self._threads = [
            threading.Thread(target=self._ask, args=(payload,), daemon=True)
            for _ in range(self.count)
        ]
        for thread in self._threads:
            thread.start()
        with self._change:
            self._change.wait_for(self._complete, _PATIENCE_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._change:
            self._open = True
            self._change.notify_all()
        for thread in self._threads:
            thread.join(2 * _PATIENCE_SECONDS)
        self._server.shutdown()
        self._watch.join()
        self._server.server_close()
        if self._errors and kind is None:
            raise self._errors[0]

    def arrive(self) -> None:
        """Let a handler wait until the crowd is over."""
        with self._change:
            self._arrived += 1
            self._change.notify_all()
            self._change.wait_for(lambda: self._open, 2 * _PATIENCE_SECONDS)

    def _complete(self) -> bool:
        return self._arrived + len(self._calls) + len(self._errors) >= self.count

    def _ask(self, payload: str) -> None:
        with self._noted() as note:
            answer = self._lam.invoke(FunctionName=self.name, Payload=payload)
            value = json.load(answer["Payload"])
            if "FunctionError" in answer:
                note(False, f"failed: {value.get('errorType', 'Unhandled')}")
            else:
                note(True, value)

    @contextmanager
    def _noted(self) -> Iterator[Any]:
        """Write down how a call ends, whatever that is."""
        try:
            yield self._note
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == _THROTTLED:
                self._note(False, error.response.get("Reason", error.response["Error"]["Code"]))
            else:
                self._failed(error)
        except Exception as error:  # a thread has nobody else to tell
            self._failed(error)

    def _note(self, served: bool, told: Any) -> None:
        with self._change:
            self._calls.append(Call(served, told))
            self._change.notify_all()

    def _failed(self, error: Exception) -> None:
        with self._change:
            self._errors.append(error)
            self._change.notify_all()


class _Gate(socketserver.ThreadingTCPServer):
    """Where handlers come and wait."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], crowd: Crowd) -> None:
        self.crowd = crowd
        super().__init__(address, _Visitor)


class _Visitor(socketserver.BaseRequestHandler):
    """One handler; its connection is closed when it may go on."""

    server: _Gate

    def handle(self) -> None:
        if self.request.recv(4):
            self.server.crowd.arrive()


def together(lab: Any, name: str, count: int, **event: Any) -> dict[str, int]:
    """Let so many call a function at the same moment; tell how many were served, and why not."""
    with Crowd(lab, name, count, **event) as crowd:
        pass
    return crowd.tally
