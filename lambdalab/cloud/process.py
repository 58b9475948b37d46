"""The process of a cloud: who may end it, and how its owner hears that it is ready.

Run as ``python -m lambdalab.cloud`` by a ``Lab``: settings come as one line of JSON on standard
input, which stays open as the lifeline; when it closes, the owner is gone and the cloud ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from lambdalab.cloud.cloud import Cloud

__all__ = ["main", "serve"]

# How often the cloud looks whether its owner still lives, in seconds.
OWNER_CHECK = 0.5


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
