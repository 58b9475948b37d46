"""moto's time: what its services call now is what the lab's clock shows.

moto asks Python for the time, in some two hundred places. In its modules, and in them alone, the
names of Python's ``time`` and ``datetime`` are made to stand for ones that ask the lab's clock, as
each module is loaded. So messages become visible again, records are stamped, and credentials run
out in platform time. Waiting (``sleep``) stays real: a thread that waits is not the platform.
"""

from __future__ import annotations

import datetime as real_datetime
import sys
import time as real_time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from lambdalab.clock import wall_time
from lambdalab.imports import AfterLoad

__all__ = ["install"]

_PACKAGE = "moto"
_UTC = real_datetime.UTC


def install(now: Callable[[], float]) -> None:
    """Let moto ask ``now`` (seconds since the epoch) for the time; the last caller's is asked."""
    _Now.ask = staticmethod(now)
    if _after_load not in sys.meta_path:
        sys.meta_path.insert(0, _after_load)
        for name, module in list(sys.modules.items()):
            if _is_moto(name):
                _mend(module)


class _Now:
    """Whom to ask."""

    ask: Callable[[], float] = staticmethod(wall_time)


class _Instances(type):
    """Whatever is one of Python's own is one of these: moto tells dates from other things so."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__mro__[1])


class _Datetime(real_datetime.datetime, metaclass=_Instances):
    """Makes Python's own datetimes; only what asks for the present is different."""

    def __new__(cls, *given: Any, **options: Any) -> Any:
        return real_datetime.datetime(*given, **options)  # noqa: DTZ001 - as moto says

    @classmethod
    def now(cls, tz: real_datetime.tzinfo | None = None) -> Any:
        return real_datetime.datetime.fromtimestamp(_Now.ask(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(_UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


class _Date(real_datetime.date, metaclass=_Instances):
    """As the datetime."""

    def __new__(cls, *given: Any, **options: Any) -> Any:
        return real_datetime.date(*given, **options)

    @classmethod
    def today(cls) -> Any:
        return _Datetime.now().date()


def _time() -> float:
    return _Now.ask()


def _time_ns() -> int:
    return int(_Now.ask() * 1e9)


def _of_now(name: str) -> Callable[..., Any]:
    """One of the functions that take the present where they are given no time."""
    convert = getattr(real_time, name)

    def converted(seconds: float | None = None) -> Any:
        return convert(_Now.ask() if seconds is None else seconds)

    return converted


def _strftime(form: str, when: Any = None) -> str:
    now = _TIMES["localtime"]() if when is None else when
    return str(getattr(real_time, "strftime")(form, now))  # noqa: B009


def _module(real: ModuleType, **changes: Any) -> ModuleType:
    changed = ModuleType(real.__name__, real.__doc__)
    changed.__dict__.update(real.__dict__, **changes)
    return changed


_TIMES: dict[str, Callable[..., Any]] = {
    "time": _time,
    "time_ns": _time_ns,
    **{name: _of_now(name) for name in ("gmtime", "localtime", "ctime")},
    "strftime": _strftime,
}
_STAND_INS: dict[int, Any] = {
    id(real_datetime): _module(real_datetime, datetime=_Datetime, date=_Date),
    id(real_datetime.datetime): _Datetime,
    id(real_datetime.date): _Date,
    id(real_time): _module(real_time, **_TIMES),
    **{id(getattr(real_time, name)): stand_in for name, stand_in in _TIMES.items()},
}


def _mend(module: ModuleType) -> None:
    """Let the names of a module that stand for time stand for platform time."""
    for name, value in list(vars(module).items()):
        stand_in = _STAND_INS.get(id(value))
        if stand_in is not None:
            setattr(module, name, stand_in)


def _is_moto(name: str) -> bool:
    return name == _PACKAGE or name.startswith(f"{_PACKAGE}.")


_after_load = AfterLoad(_is_moto, _mend)
