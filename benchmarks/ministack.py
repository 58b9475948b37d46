"""The peer: MiniStack from PyPI, in an environment and a process of its own.

`installed` makes `.bench/ministack/` once; `python -m benchmarks.ministack PORT` runs the server on
loopback until standard input is closed, so that it never outlives who started it. MiniStack runs
Python functions in worker processes of its own, without Docker.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

from benchmarks.report import UnmeasuredError

VERSION = "1.5.33"
FOLDER = Path(__file__).parents[1] / ".bench" / "ministack"
PYTHON = FOLDER / "bin" / "python"
START_SECONDS = 30.0


def installed() -> Path:
    """Give the interpreter that has MiniStack, after installing it if this is the first time."""
    if not list(FOLDER.glob(f"lib/*/site-packages/ministack-{VERSION}.dist-info")):
        print(f"installing MiniStack {VERSION} into {FOLDER.name} ...", file=sys.stderr)
        venv.create(FOLDER, with_pip=True, clear=True)
        command = [str(PYTHON), "-m", "pip", "install", "--quiet", f"ministack=={VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
            raise UnmeasuredError(f"MiniStack {VERSION} could not be installed: {reason}")
    return PYTHON


def settings(port: int, folder: str) -> dict[str, str]:
    """Give the server's environment: no keys of this machine, loopback only, and no chatter.

    MiniStack binds every interface unless told, and logs each request at its usual level.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
        "TMPDIR": folder,
    }


def run(port: int) -> None:
    """Serve until standard input is closed, then end the server and its workers."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = subprocess.Popen(
            [installed(), "-m", "ministack"],
            env=settings(port, folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            sys.stdin.buffer.read()
        finally:
            # Its workers are in its session: the group ends them too.
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def wait_ready(port: int) -> None:
    """Return once the server answers."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=5):
                return
        except OSError:
            time.sleep(0.02)
    raise UnmeasuredError(f"MiniStack did not answer within {START_SECONDS:g} s")


if __name__ == "__main__":
    run(int(sys.argv[1]))
