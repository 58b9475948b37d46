"""Operations on stacks that outlast the call that began them.

moto is done with a stack before it answers. Where a resource waits on the platform's time (a
CodeDeploy deployment takes minutes), nobody could wind the clock meanwhile. So each operation runs
in a thread of its own: the call waits for it, until it is over or says that it will take its time.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Protocol

from moto.cloudformation import models

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error

__all__ = [
    "CancelledError",
    "Held",
    "cancel",
    "cancellable",
    "install",
    "let_go",
    "release_later",
    "stop_if_cancelled",
]

Call = Callable[..., Any]


class Held(Protocol):
    """What is let go when an operation is over, such as a hold of the clock."""

    def release(self) -> None:
        """From any thread."""


class _Operation:
    """One operation: who waits for it, and what it has to let go at its end."""

    def __init__(self, stack: Callable[[], Any]) -> None:
        self.stack = stack
        self.answered = threading.Event()
        self.over = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.held: list[Held] = []
        self.cancelled = False
        self.stops: list[Callable[[], None]] = []

    def run(self, act: Callable[[], Any]) -> None:
        _here.operation = self
        _running.append(self)
        try:
            self.result = act()
        except BaseException as error:
            self.error = error
        finally:
            _running.remove(self)
            self.over = not self.answered.is_set()
            self.answered.set()
            for held in self.held:
                held.release()


class CancelledError(AwsError):
    """Whoever asked for an update does not want it any more."""

    def __init__(self) -> None:
        super().__init__("", facts.message("stack.cancelled").text)


# The operations that are not over.
_running: list[_Operation] = []


class _Here(threading.local):
    operation: _Operation | None = None


_here = _Here()


def let_go() -> None:
    """The operation of this thread will take its time: whoever called it need not wait."""
    operation = _here.operation
    if operation is None or operation.answered.is_set():
        return
    operation.answered.set()


def release_later(held: Held) -> None:
    """Let something go when the operation of this thread is over."""
    operation = _here.operation
    if operation is None:
        held.release()
    else:
        operation.held.append(held)


def cancel(stack: Any) -> None:
    """Let the update of a stack be taken back, as soon as the step is over that it is at."""
    for operation in _running:
        if operation.stack() is stack:
            operation.cancelled = True
            for stop in list(operation.stops):
                stop()


@contextlib.contextmanager
def cancellable(stop: Callable[[], None]) -> Iterator[None]:
    """A step that takes its time: ``stop`` ends it, should its operation be cancelled."""
    operation = _here.operation
    if operation is None:
        yield
        return
    operation.stops.append(stop)
    try:
        yield
    finally:
        operation.stops.remove(stop)
    stop_if_cancelled()


def stop_if_cancelled() -> None:
    """Raise CancelledError where nobody wants the operation of this thread any more."""
    operation = _here.operation
    if operation is not None and operation.cancelled:
        operation.cancelled = False
        raise CancelledError


@cache
def install() -> None:
    """Let operations run in this way; once is enough."""
    backend = models.CloudFormationBackend
    for name in ("create_stack", "update_stack", "delete_stack"):
        setattr(backend, name, _apart(getattr(backend, name), _by_name))
    backend.execute_change_set = _apart(backend.execute_change_set, _of_change_set)


def _apart(act: Call, find: Callable[[Any, str], Any]) -> Call:
    def run(backend: Any, *given: Any, **options: Any) -> Any:
        if _here.operation is not None:
            return act(backend, *given, **options)
        name = given[0] if given else next(iter(options.values()))
        _refuse_busy(find(backend, name))
        operation = _Operation(lambda: find(backend, name))
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=lambda: context.run(operation.run, lambda: act(backend, *given, **options)),
            name="stack",
            daemon=True,
        )
        thread.start()
        operation.answered.wait()
        if not operation.over:
            return operation.stack()
        if operation.error is not None:
            raise operation.error
        return operation.result

    return run


def _by_name(backend: Any, name: str) -> Any:
    stacks = backend.stacks
    found = stacks.get(name)
    return found or next((stack for stack in stacks.values() if stack.name == name), None)


def _of_change_set(backend: Any, name: str) -> Any:
    found = backend.change_sets.get(name)
    return None if found is None else backend.stacks.get(found.stack_id)


def _refuse_busy(stack: Any) -> None:
    """Nothing else can be done to a stack that is being changed."""
    if stack is not None and stack.status.endswith("_IN_PROGRESS"):
        if stack.status == "REVIEW_IN_PROGRESS":
            return
        raise aws_error("stack.busy", stack=stack.stack_id, status=stack.status)
