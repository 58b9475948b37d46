"""Quotas, prices, runtimes, messages and variables of AWS Lambda, each once, with source and date.

Ask by name: ``facts.quota("memory.maximum").value`` is 10240 and prints as ``10,240 MB``. The data
lie beside this file as TOML, one file per kind.
"""

from __future__ import annotations

from lambdalab.facts.event import Event
from lambdalab.facts.fact import Fact
from lambdalab.facts.message import Message
from lambdalab.facts.runtime import Runtime
from lambdalab.facts.service import Service
from lambdalab.facts.tables import UnknownFactError, find, table
from lambdalab.facts.variable import Variable

__all__ = [
    "Event",
    "Fact",
    "Message",
    "Runtime",
    "Service",
    "UnknownFactError",
    "Variable",
    "example_event",
    "example_events",
    "message",
    "messages",
    "price",
    "prices",
    "quota",
    "quotas",
    "reserved_variables",
    "runtime",
    "runtimes",
    "service",
    "services",
    "variables",
]


def quota(name: str) -> Fact:
    """Return the quota or limit of that name; UnknownFactError names the nearest ones."""
    return find("quotas.toml", Fact, name)


def quotas() -> tuple[Fact, ...]:
    """Return all quotas and limits."""
    return tuple(table("quotas.toml", Fact).values())


def example_event(name: str) -> Event:
    """Return the example event of a source or service that the lab lacks, such as ``msk``."""
    return find("events.toml", Event, name)


def example_events() -> tuple[Event, ...]:
    """Return the example events of all such sources and services."""
    return tuple(table("events.toml", Event).values())


def price(name: str) -> Fact:
    """Return the price of that name in US dollars (us-east-1), or a part of the free tier."""
    return find("prices.toml", Fact, name)


def prices() -> tuple[Fact, ...]:
    """Return all prices, and the free tier."""
    return tuple(table("prices.toml", Fact).values())


def message(name: str) -> Message:
    """Return the error message or log line of that name; UnknownFactError if there is none."""
    return find("messages.toml", Message, name)


def messages() -> tuple[Message, ...]:
    """Return all error messages and log lines."""
    return tuple(table("messages.toml", Message).values())


def runtime(name: str) -> Runtime:
    """Return the runtime of that identifier, with its dates; UnknownFactError if none."""
    return find("runtimes.toml", Runtime, name)


def runtimes() -> tuple[Runtime, ...]:
    """Return all runtimes, those of the AWS table of today first, then the retired ones."""
    return tuple(table("runtimes.toml", Runtime).values())


def service(name: str) -> Service:
    """Return how the service of that short name invokes functions; UnknownFactError if none."""
    return find("services.toml", Service, name)


def services() -> tuple[Service, ...]:
    """Return all services that invoke functions, or from which Lambda reads."""
    return tuple(table("services.toml", Service).values())


def variables() -> tuple[Variable, ...]:
    """Return all environment variables that Lambda sets."""
    return tuple(table("environment.toml", Variable).values())


def reserved_variables() -> tuple[str, ...]:
    """Return names of the variables that a function's configuration may not set."""
    return tuple(variable.name for variable in variables() if variable.reserved)
