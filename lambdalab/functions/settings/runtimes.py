"""Which runtimes a function may have, by the day of the lab's clock."""

from __future__ import annotations

from datetime import date

from lambdalab import facts
from lambdalab.errors import aws_error

__all__ = ["check", "takes_snapshots"]


def check(runtime: str, day: date, *, new: bool) -> None:
    """Refuse an unknown runtime, and a retired one from the day on which AWS blocks it.

    A function that has a retired runtime runs on; from the day on which updates are blocked it is
    not changed any more, but for a change to another runtime.
    """
    known = {one.name: one for one in facts.runtimes()}
    if runtime not in known:
        names = ", ".join(one.name for one in known.values() if one.creatable(day))
        raise aws_error("runtime.unknown", runtime=runtime, runtimes=names)
    allowed = known[runtime].creatable if new else known[runtime].updatable
    if not allowed(day):
        raise aws_error("runtime.blocked", runtime=runtime)


def takes_snapshots(runtime: str) -> bool:
    """Whether SnapStart supports a runtime."""
    return facts.runtime(runtime).snapstart
