"""Operations on stacks that outlast the call that began them.

moto is done with a stack before it answers. Where a resource waits on the platform's time (a
CodeDeploy deployment takes minutes), nobody could wind the clock meanwhile. So each operation runs
in a thread of its own: the call waits for it, until it is over or says that it will take its time.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from moto.cloudformation import models
from moto.cloudformation.exceptions import ValidationError

from lambdalab import facts

__all__ = ["Held", "install", "let_go", "release_later"]

Call = Callable[..., Any]


class Held(Protocol):
    """What is let go when an operation is over, such as a hold of the clock."""

    def release(self) -> None:
        """From any thread."""


class _Operation:
    """One operation: who waits for it, and what it has to let go at its end."""

    def __init__(self, stack: Callable[[], Any], status: str) -> None:
        self.stack = stack
        self.status = status
        self.answered = threading.Event()
        self.over = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.held: list[Held] = []

    def run(self, act: Callable[[], Any]) -> None:
        _here.operation = self
        try:
            self.result = act()
        except BaseException as error:
            self.error = error
        finally:
            self.over = not self.answered.is_set()
            self.answered.set()
            for held in self.held:
                held.release()


class _Here(threading.local):
    operation: _Operation | None = None


_here = _Here()


def let_go() -> None:
    """The operation of this thread will take its time: whoever called it need not wait.

    The stack says meanwhile that something is in progress.
    """
    operation = _here.operation
    if operation is None or operation.answered.is_set():
        return
    stack = operation.stack()
    if stack is not None:
        stack.status = operation.status
    operation.answered.set()


def release_later(held: Held) -> None:
    """Let something go when the operation of this thread is over."""
    operation = _here.operation
    if operation is None:
        held.release()
    else:
        operation.held.append(held)


@cache
def install() -> None:
    """Let operations run in this way; once is enough."""
    backend = models.CloudFormationBackend
    backend.create_stack = _apart(backend.create_stack, "CREATE_IN_PROGRESS", _by_name)
    backend.update_stack = _apart(backend.update_stack, "UPDATE_IN_PROGRESS", _by_name)
    backend.execute_change_set = _apart(
        backend.execute_change_set, "UPDATE_IN_PROGRESS", _of_change_set
    )
    backend.delete_stack = _apart(backend.delete_stack, "DELETE_IN_PROGRESS", _by_name)


def _apart(act: Call, status: str, find: Callable[[Any, str], Any]) -> Call:
    def run(backend: Any, *given: Any, **options: Any) -> Any:
        if _here.operation is not None:
            return act(backend, *given, **options)
        name = given[0] if given else next(iter(options.values()))
        _refuse_busy(find(backend, name))
        operation = _Operation(lambda: find(backend, name), status)
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
    found = backend.describe_change_set(name)
    return backend.stacks.get(found.stack_id)


def _refuse_busy(stack: Any) -> None:
    """Nothing else can be done to a stack that is being changed."""
    if stack is not None and stack.status.endswith("_IN_PROGRESS"):
        if stack.status == "REVIEW_IN_PROGRESS":
            return
        text = facts.message("stack.busy").format(stack=stack.stack_id, status=stack.status)
        raise ValidationError(message=text)
