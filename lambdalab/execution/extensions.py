"""The extensions of one execution environment together: who is ready, what the log says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lambdalab import facts
from lambdalab.execution import events, report
from lambdalab.execution.extension import Extension, State

__all__ = ["MOST", "Allowance", "Extensions"]

MOST = facts.quota("function.extensions").value


class Allowance(NamedTuple):
    """What SHUTDOWN may take, in real seconds: in all, and the runtime's share at its start."""

    total: float
    runtime: float


def _allowance(total: str, runtime: str) -> Allowance:
    return Allowance(facts.quota(total).seconds, facts.quota(runtime).seconds)


_WITHOUT = _allowance("shutdown.without-extensions", "shutdown.without-extensions")
_INTERNAL = _allowance("shutdown.internal-extension", "shutdown.internal-extension")
_EXTERNAL = _allowance("shutdown.external-extensions", "shutdown.runtime")
_BOTH = _allowance("shutdown.external-extensions", "shutdown.internal-extension")


class Extensions:
    """The list of extensions, external ones in the order of their launch, then internal ones."""

    def __init__(self) -> None:
        self._external: list[Extension] = []
        self._internal: list[Extension] = []
        self._expected = 0

    def __iter__(self) -> Iterator[Extension]:
        yield from self._external
        yield from self._internal

    def __len__(self) -> int:
        return len(self._external) + len(self._internal)

    def expect(self, count: int) -> None:
        """So many external extensions are to be launched and to register."""
        self._expected = count

    def add(self, name: str, *, external: bool) -> Extension:
        """A new extension."""
        extension = Extension(name, external=external)
        (self._external if external else self._internal).append(extension)
        return extension

    def named(self, name: str) -> Extension | None:
        """The extension of that name, or None."""
        return next((one for one in self if one.name == name), None)

    def identified(self, identifier: str) -> Extension | None:
        """The extension with that identifier, or None."""
        return next((one for one in self if one.identifier == identifier), None)

    @property
    def registered(self) -> bool:
        """Whether every external extension has registered: then the runtime starts."""
        begun = [one for one in self._external if one.state is not State.STARTED]
        return len(begun) >= self._expected

    @property
    def ready(self) -> bool:
        """Whether every extension waits for the next event: then nothing holds a phase open."""
        return self.registered and all(one.state is State.READY for one in self)

    @property
    def allowance(self) -> Allowance:
        """What SHUTDOWN may take; without extensions nothing at all."""
        if self._external:
            return _BOTH if self._internal else _EXTERNAL
        return _INTERNAL if self._internal else _WITHOUT

    def told(self, time: float) -> list[events.Event]:
        """The event platform.extension of each, at a moment of platform time."""
        return [
            events.extension(time, one.name, one.state, one.events, one.error_type) for one in self
        ]

    def lines(self) -> list[str]:
        """The same as lines of a log in text; a line ends with a line break."""
        return [report.extension(one.name, one.state, one.events, one.error_type) for one in self]
