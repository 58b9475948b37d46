"""moto's DynamoDB Streams, mended where their records are not yet like AWS's.

- A record keeps the item as it was; moto's refer to values that later writes may change.
- UpdateItem of an item that is not there gives one INSERT; moto gives two.
- A write that changes nothing gives no record.
- The Region is the table's, the version 1.1, the size counted as AWS counts it.
- A stream that was turned off takes no record, and can be turned on again: then it is a new one.
- Records leave a stream after 24 hours; moto keeps them for ever.
- Whoever listens hears of records, and of tables that are deleted.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

import base64
import json
import threading
from bisect import bisect_right
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from functools import cache, wraps
from typing import Any

from lambdalab.neighbours.streams.stream_hooks import changed, gathering

__all__ = ["LOCK", "RETENTION", "first_kept", "install", "size_of"]

# A stream keeps its records for a day, in seconds.
RETENTION = 24 * 3600.0

# A transaction that fails takes its records back: nobody may read them before.
LOCK = threading.RLock()
VERSION = "1.1"

# The writes of an UpdateItem that is under way: together they are one change of one item.
_update: ContextVar[list[tuple[Any, Any, Any]] | None] = ContextVar("update", default=None)


@cache
def install() -> None:
    """Mend moto's DynamoDB; once in a process."""
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models.table import StreamShard

    StreamShard.add, StreamShard.get = _add, _get
    DynamoDBBackend.update_item = _as_one_change(DynamoDBBackend.update_item)
    DynamoDBBackend.transact_write_items = _as_a_whole(DynamoDBBackend.transact_write_items)
    DynamoDBBackend.update_table_streams = _from_anew(DynamoDBBackend.update_table_streams)
    DynamoDBBackend.delete_table = _telling(DynamoDBBackend.delete_table)


def _add(shard: Any, old: Any, new: Any) -> None:
    """Write a record, in place of ``StreamShard.add``."""
    update = _update.get()
    if update is not None:
        update.append((shard, old, new))
        return
    specification = shard.table.stream_specification or {}
    if not specification.get("StreamEnabled") or _attributes(old) == _attributes(new):
        return
    with LOCK:
        shard.items.append(_record(shard, specification["StreamViewType"], old, new))
    changed(f"{shard.table.table_arn}/stream/{shard.table.latest_stream_label}")


def first_kept(shard: Any) -> int:
    """The place of the oldest record that a stream still has."""
    from moto.core.utils import utcnow

    oldest = utcnow() - timedelta(seconds=RETENTION)
    return bisect_right(
        shard.items, oldest, key=lambda one: one.record["dynamodb"]["ApproximateCreationDateTime"]
    )


def _get(shard: Any, start: int, quantity: int) -> list[dict[str, Any]]:
    """Read records, in place of ``StreamShard.get``."""
    begin = max(start - shard.starting_sequence_number, first_kept(shard))
    return [one.record for one in shard.items[begin : begin + quantity]]


def _record(shard: Any, view: str, old: Any, new: Any) -> Any:
    from moto.dynamodb.models.table import StreamRecord

    name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    number = shard.starting_sequence_number + len(shard.items)
    made = StreamRecord(shard.table, view, name, old, new, number)
    told = made.record["dynamodb"]
    for part in ("Keys", "NewImage", "OldImage"):
        if part in told:
            told[part] = _plain(told[part])
    told["SizeBytes"] = sum(
        size_of(told[part]) for part in ("Keys", "NewImage", "OldImage") if part in told
    )
    made.record |= {"awsRegion": shard.table.region_name, "eventVersion": VERSION}
    return made


def _attributes(item: Any) -> Any:
    return None if item is None else _plain(item.to_json()["Attributes"])


def _plain(value: Any) -> Any:
    """A copy without moto's objects."""
    from moto.dynamodb.models.utilities import dynamo_json_dump

    return json.loads(dynamo_json_dump(value))


def size_of(attributes: dict[str, dict[str, Any]]) -> int:
    """The size of attributes in bytes, names included, as DynamoDB counts.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _size(value) for name, value in attributes.items())


def _size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind in ("SS", "NS", "BS"):
        return sum(_size({kind[0]: one}) for one in content)
    sizes: dict[str, Callable[[], int]] = {
        "S": lambda: len(content.encode()),
        "N": lambda: (len(content.strip("-").replace(".", "").strip("0")) + 1) // 2 + 1,
        "B": lambda: len(base64.b64decode(content)),
        "L": lambda: 3 + sum(1 + _size(one) for one in content),
        "M": lambda: 3 + len(content) + size_of(content),
    }
    return sizes.get(kind, lambda: 1)()


def _as_one_change(update_item: Callable[..., Any]) -> Callable[..., Any]:
    """UpdateItem with one record at most; with none where it fails."""

    @wraps(update_item)
    def updated(*given: Any, **named: Any) -> Any:
        token = _update.set([])
        try:
            answer = update_item(*given, **named)
            writes = _update.get() or []
        finally:
            _update.reset(token)
        if writes:
            _add(writes[-1][0], writes[0][1], writes[-1][2])
        return answer

    return updated


def _as_a_whole(transact: Callable[..., Any]) -> Callable[..., Any]:
    """A transaction whose records are seen together, or not at all."""

    @wraps(transact)
    def transacted(*given: Any, **named: Any) -> Any:
        with gathering(), LOCK:
            return transact(*given, **named)

    return transacted


def _from_anew(update_streams: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(update_streams)
    def updated(backend: Any, table: Any, specification: dict[str, Any]) -> None:
        enabled = (table.stream_specification or {}).get("StreamEnabled")
        label = table.latest_stream_label
        if not enabled and specification.get("StreamEnabled"):
            table.latest_stream_label = None
        view = (table.stream_specification or {}).get("StreamViewType")
        update_streams(backend, table, specification)
        if view:
            # Asked of a stream that is off, too: without it, DescribeStream fails.
            table.stream_specification.setdefault("StreamViewType", view)
        if label:
            changed(f"{table.table_arn}/stream/{label}")

    return updated


def _telling(delete_table: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(delete_table)
    def deleted(*given: Any, **named: Any) -> Any:
        table = delete_table(*given, **named)
        changed(f"{table.table_arn}/stream/{table.latest_stream_label}")
        return table

    return deleted
