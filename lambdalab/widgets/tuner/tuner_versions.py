"""Versions of a function that differ in memory, for as long as they are needed.

The unpublished function has another memory size only while they are published, which takes well
under a second; then it has its own again.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ["published", "settle"]

# The waiters of boto3 ask once a second, as suits AWS; a change in the lab is over much sooner.
_PATIENCE = {"Delay": 0.05, "MaxAttempts": 600}

# How often, in seconds, it is looked whether a reader interrupts.
_LOOK = 0.1


@contextmanager
def published(lam: Any, function: str, sizes: Sequence[int], own: int) -> Iterator[dict[int, str]]:
    """Publish a version for each memory size (MB); give their numbers by size, delete them after.

    ``own`` is the function's own size, which it gets back. A version that was there before, or that
    an alias points to by the end, stays. Raises AWS's ClientError, and WaiterError where a version
    does not get ready.
    """
    # By this the versions are known again, should one have been published unheard.
    mark = f"memory tuner {uuid.uuid4()}"
    try:
        try:
            versions = {size: _publish(lam, function, size, mark) for size in sizes}
        finally:
            _to_the_end(lambda: _put_back(lam, function, {own, *sizes}, own))
        for version in versions.values():
            lam.get_waiter("published_version_active").wait(
                FunctionName=function, Qualifier=version, WaiterConfig=_PATIENCE
            )
        yield versions
    finally:
        _to_the_end(lambda: _delete(lam, function, mark))


def settle(lam: Any, function: str) -> None:
    """Return when no creation or update of the function is under way.

    Raises AWS's ClientError if there is no such function, WaiterError if its update has failed.
    """
    lam.get_function_configuration(FunctionName=function)
    for state in ("function_active_v2", "function_updated_v2"):
        lam.get_waiter(state).wait(FunctionName=function, WaiterConfig=_PATIENCE)


def _publish(lam: Any, function: str, memory: int, mark: str) -> str:
    _resize(lam, function, memory)
    # A function that is like its newest version is not published again: AWS returns that version.
    return str(lam.publish_version(FunctionName=function, Description=mark)["Version"])


def _resize(lam: Any, function: str, memory: int) -> None:
    lam.update_function_configuration(FunctionName=function, MemorySize=memory)
    settle(lam, function)


def _put_back(lam: Any, function: str, ours: set[int], own: int) -> None:
    """Give the function its own size, unless somebody else has given it another one."""
    settle(lam, function)
    if lam.get_function_configuration(FunctionName=function)["MemorySize"] in ours:
        _resize(lam, function, own)


def _delete(lam: Any, function: str, mark: str) -> None:
    pages = lam.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    shown = [each for page in pages for each in page["Versions"]]
    for each in shown:
        if each["Version"] != "$LATEST" and each.get("Description") == mark:
            # One that an alias points to by now is somebody's.
            with suppress(lam.exceptions.ResourceConflictException):
                lam.delete_function(FunctionName=function, Qualifier=each["Version"])


def _to_the_end(work: Callable[[], None]) -> None:
    """Do what must be done although a reader interrupts: an interrupt hits the main thread only."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        thread.join(_LOOK)  # not for ever: an interrupt just before would be heard only afterwards
    if errors:
        raise errors[0]
