"""What happens to objects in moto's S3: gathered for each request, and told when it is through.

A request is told of with one event for each object that it made or changed; one that is refused
with none.
Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
"""

from __future__ import annotations

from base64 import b32encode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from lambdalab.neighbours.asking import access_key, asked
from lambdalab.neighbours.buckets.s3_configurations import Rule, rules_of
from lambdalab.neighbours.callers import signer_of

__all__ = [
    "Bucket",
    "Call",
    "Gathering",
    "Hearer",
    "ObjectEvent",
    "Restored",
    "configured",
    "gathering",
    "hear",
    "objections",
    "place_of",
    "tell",
]

_CREATED = "ObjectCreated:"


class Bucket(NamedTuple):
    """A bucket: its name, whose it is, and where."""

    name: str
    account: str
    region: str

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:s3:::{self.name}"


class Call(NamedTuple):
    """The request behind an event: its two ids, and who made it, as S3 names identities."""

    request_id: str
    host_id: str
    principal: str


class Restored(NamedTuple):
    """A copy of an archived object: what that is kept in, and until when the copy is there.

    ``until`` is ISO 8601, and None while the copy is being made.
    """

    storage_class: str
    until: str | None


class ObjectEvent(NamedTuple):
    """What happened to an object; members that an event of its kind does not tell are None."""

    name: str
    bucket: Bucket
    key: str
    size: int | None
    etag: str | None
    version: str | None
    call: Call
    restored: Restored | None = None


class Hearer(Protocol):
    """Whoever is told, in the thread in which moto runs."""

    def happened(self, event: ObjectEvent, rules: list[Rule], *, bridge: bool) -> None:
        """An event, the rules that fit it, and whether EventBridge is to have it."""

    def configured(self, bucket: Bucket, rules: list[Rule], call: Call) -> None:
        """A bucket has new rules."""

    def objection(self, bucket: Bucket, rule: Rule) -> str | None:
        """Why the target of a rule cannot be notified; None where it can."""


_hearers: list[Hearer] = []


def hear(hearer: Hearer) -> None:
    """Let one hear from now on, and nobody else."""
    _hearers[:] = [hearer]


@dataclass
class Gathering:
    """What one request has done: the last that made an object stands for all that it did to it."""

    request_id: str
    host_id: str
    events: dict[tuple[str, str, str | None], list[ObjectEvent]] = field(default_factory=dict)
    buckets: dict[str, Any] = field(default_factory=dict)
    refused: bool = False

    @property
    def ids(self) -> dict[str, str]:
        """The headers of its answer that name it."""
        return {"x-amz-request-id": self.request_id, "x-amz-id-2": self.host_id}

    def call(self, account: str) -> Call:
        """As events tell it; ``account`` is whose a key is that nobody has issued."""
        return Call(self.request_id, self.host_id, _principal(account))


def _principal(account: str) -> str:
    """Who asks, as events name identities: AWS and an id, which for a role has its session."""
    request = asked()
    if request is None:
        return "AmazonS3"
    key = access_key(request)
    if key is None:
        return "Anonymous"
    found = signer_of(key, account).user_id
    return f"AWS:{_id_of_dummy(key) if found == account else found}"


@lru_cache(maxsize=64)
def _id_of_dummy(key: str) -> str:
    """The dummy keys of a lab's user have an id of their own."""
    return f"AIDA{b32encode(key.encode() * 3).decode()[:17]}"


_current: ContextVar[Gathering | None] = ContextVar("gathering", default=None)


def _new() -> Gathering:
    from moto.moto_api._internal import mock_random

    host_id = b64encode(mock_random.getrandbits(456).to_bytes(57, "big")).decode()
    return Gathering(f"{mock_random.getrandbits(64):016X}", host_id)


@contextmanager
def gathering() -> Iterator[Gathering]:
    """Gather what happens within the block, and tell it afterwards unless it was ``refused``."""
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    gathered = _new()
    token = _current.set(gathered)
    try:
        yield gathered
    finally:
        _current.reset(token)
    if not gathered.refused:
        for events in gathered.events.values():
            for event in events:
                _deliver(gathered.buckets[event.bucket.name], event)


def configured(bucket: Any, rules: list[Rule]) -> None:
    """Tell that a bucket of moto's has new rules."""
    place = place_of(bucket)
    call = (_current.get() or _new()).call(place.account)
    for hearer in _hearers:
        hearer.configured(place, rules, call)


def objections(bucket: Any, rules: list[Rule]) -> list[tuple[Rule, str]]:
    """The rules of a bucket of moto's whose targets cannot be notified, and why."""
    place = place_of(bucket)
    found = ((rule, hearer.objection(place, rule)) for rule in rules for hearer in _hearers)
    return [(rule, objection) for rule, objection in found if objection]


def place_of(bucket: Any) -> Bucket:
    """A bucket of moto's as others see it."""
    return Bucket(bucket.name, bucket.account_id, bucket.region_name)


def tell(bucket: Any, name: str, key: Any, version: str | None = None) -> None:
    """Something happened to an object of moto's; ``key`` is its name where it is gone."""
    if bucket.notification_configuration is None:
        return
    gathered = _current.get()
    now = gathered or _new()
    event = _event(bucket, name, key, version, now.call(bucket.account_id))
    if gathered is None:
        _deliver(bucket, event)
        return
    gathered.buckets[bucket.name] = bucket
    known = gathered.events.setdefault((bucket.name, event.key, event.version), [])
    if name.startswith(_CREATED):
        known.clear()
    elif known and known[0].name.startswith(_CREATED):
        return
    known.append(event)


def _event(bucket: Any, name: str, key: Any, version: str | None, call: Call) -> ObjectEvent:
    place = place_of(bucket)
    if isinstance(key, str):
        etag = "d41d8cd98f00b204e9800998ecf8427e" if name.endswith("MarkerCreated") else None
        return ObjectEvent(name, place, key, None, etag, version, call)
    shown = key.version_id if bucket.is_versioned else None
    size = None if name.startswith(("ObjectTagging", "ObjectAcl")) else key.size
    event = ObjectEvent(name, place, key.name, size, key.etag.strip('"'), shown, call)
    if not name.startswith("ObjectRestore:"):
        return event
    until = f"{key._expiry:%Y-%m-%dT%H:%M:%S}.000Z" if name.endswith(":Completed") else None
    return event._replace(restored=Restored(key.storage_class, until))


def _deliver(bucket: Any, event: ObjectEvent) -> None:
    configuration = bucket.notification_configuration
    if configuration is None:
        return
    rules = [one for one in rules_of(configuration) if one.fits(f"s3:{event.name}", event.key)]
    bridge = configuration.event_bridge is not None
    if rules or bridge:
        for hearer in _hearers:
            hearer.happened(event, rules, bridge=bridge)
