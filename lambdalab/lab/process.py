"""The cloud's process: how it is spawned, and how it is made sure to end.

It runs in a session of its own, so an interrupt meant for the notebook does not reach it. Its
standard input is its lifeline: settings go in as one line, and when the pipe closes, because the
owner stopped or was killed, the cloud ends with all its children.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from typing import IO, Any

from lambdalab.lab.errors import CloudStartError

__all__ = ["CloudProcess"]

# -P: a file of the learner's folder must not stand in for a module of the cloud.
COMMAND = [sys.executable, "-P", "-m", "lambdalab.cloud"]
START_LIMIT_SECONDS = 60.0
# After the lifeline closed, after SIGTERM, after SIGKILL.
END_LIMITS_SECONDS = (5.0, 2.0, 5.0)
_TAIL_BYTES = 4096
_TAIL_LINES = 3

_running: weakref.WeakSet[CloudProcess] = weakref.WeakSet()


class CloudProcess:
    """One running cloud; ``port`` is where it listens on 127.0.0.1."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """Spawn the cloud and wait until it is ready; CloudStartError says why it is not."""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = _spawn(self._stderr)
        _running.add(self)
        try:
            self.port = self._begin(settings)
        except BaseException:
            self.end(patience=0.0)
            raise

    @property
    def pid(self) -> int:
        """The process id of the cloud."""
        return self._process.pid

    def last_words(self) -> str:
        """How the process ended and the last lines of its stderr, on one line."""
        code = self._process.poll()
        state = "it is still running" if code is None else f"it ended with status {code}"
        tail = _tail(self._stderr)
        return f"{state}; its last words: {tail}" if tail else state

    def end(self, patience: float | None = None) -> None:
        """End the process, with growing force, and release what belongs to it.

        ``patience``: seconds it gets to end by itself, 5 by default.
        """
        self.close_lifeline()
        gently, firmly, at_last = END_LIMITS_SECONDS
        if not self._gone_within(gently if patience is None else patience):
            self._process.terminate()
            if not self._gone_within(firmly):
                _kill_group(self._process)
                self._gone_within(at_last)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()
        _running.discard(self)

    def close_lifeline(self) -> None:
        """Let go of the lifeline: the cloud then ends by itself, unless another still holds it."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # the cloud has gone already
                self._process.stdin.close()

    def _gone_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _begin(self, settings: dict[str, Any]) -> int:
        line = self._first_line(json.dumps(settings).encode() + b"\n")
        try:
            answer = json.loads(line)
            if "port" in answer:
                return int(answer["port"])
            reason = str(answer["error"])
        except (ValueError, KeyError, TypeError):
            self._gone_within(1.0)  # so that the status is known, if it is about to end
            reason = self.last_words()
        raise CloudStartError(f"the lab's cloud did not start: {reason}")

    def _first_line(self, settings: bytes) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise CloudStartError("the lab's cloud did not start: it has no pipes")
        with contextlib.suppress(OSError):  # ended at once: the empty answer says so below
            stdin.write(settings)
        answer: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=lambda: answer.put(stdout.readline()), daemon=True).start()
        # The learner's next line needs it, and this process has nothing to do but wait.
        importlib.import_module("boto3")
        try:
            return answer.get(timeout=START_LIMIT_SECONDS)
        except queue.Empty:
            raise CloudStartError(
                f"the lab's cloud was not ready after {START_LIMIT_SECONDS:g} s: "
                f"{self.last_words()}"
            ) from None


def _spawn(stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    # The user's AWS configuration stays out: no key of theirs is passed on.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        COMMAND,
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=environ,
        start_new_session=True,
    )


def _tail(stderr: IO[bytes]) -> str:
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, size - _TAIL_BYTES))
    lines = stderr.read().decode(errors="replace").splitlines()
    return " | ".join([line.strip() for line in lines if line.strip()][-_TAIL_LINES:])


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        # Not reaped yet, so the number still names this session's group and nobody else's.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _forget_in_child() -> None:
    """Let go of the lifelines in a forked child: the clouds belong to the parent alone."""
    for process in list(_running):
        process.close_lifeline()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
