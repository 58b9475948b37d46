"""moto's Kinesis, mended where its streams are not yet like AWS's.

- Sequence numbers have AWS's length and rise over a reshard; moto counts from 1 in each shard.
- A split or merged shard keeps its records and takes no more; moto goes on writing into the parent
  of a split, and copies the records of a merge.
- The last hash key of a shard belongs to it.
- Records leave a stream when its retention is over; moto keeps them for ever.
- A consumer's ARN ends in the second in which it was made, and deregistering it by name removes it.
- Whoever listens hears of records, reshards and deletions.

Source: https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from lambdalab.neighbours.streams.stream_hooks import changed, gathering

__all__ = ["LOCK", "install", "trim"]

# moto answers in several threads, and its shards are not made for that.
LOCK = threading.RLock()

# A sequence number of AWS has 56 digits; its lowest bits hold the number of the shard.
_FIRST = 721_700_000_000_000_000_000_000_000_000_000_000_000_000_000
_SHARD_BITS = 32


@cache
def install() -> None:
    """Mend moto's Kinesis; once in a process."""
    from moto.kinesis import models

    _mend_shards(models.Shard)
    _mend_streams(models.Stream)
    _mend_backend(models)


def trim(stream: Any) -> None:
    """Drop what a stream has kept for its retention period."""
    from moto.core.utils import unix_time

    oldest = unix_time() - stream.retention_period_hours * 3600
    for shard in stream.shards.values():
        gone = bisect_right(shard.ordered, oldest, key=lambda one: one.created_at)
        for record in shard.ordered[:gone]:
            del shard.records[record.sequence_number]
        del shard.ordered[:gone]


def _mend_shards(kind: Any) -> None:
    make = kind.__init__

    def init(shard: Any, *given: Any, **named: Any) -> None:
        make(shard, *given, **named)
        # The records once more, as a list: one that is asked for is found without a walk.
        shard.ordered = []
        shard.written = 0

    def put_record(shard: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
        from moto.kinesis.models import Record

        number = ((_FIRST + shard.written) << _SHARD_BITS + 4) | (shard._shard_id << 4) | 2
        shard.written += 1
        record = Record(partition_key, data, number, explicit_hash_key)
        shard.records[number] = record
        shard.ordered.append(record)
        return str(number)

    def get_records(
        shard: Any, last_sequence_id: str, limit: int | None
    ) -> tuple[list[Any], int, int]:
        kept = shard.ordered
        begin = bisect_right(kept, int(last_sequence_id), key=lambda one: one.sequence_number)
        found = kept[begin : None if limit is None else begin + limit]
        if not found:
            return [], int(last_sequence_id), 0
        behind = kept[-1].created_at - found[-1].created_at
        return found, found[-1].sequence_number, int(behind * 1000)

    kind.__init__, kind.put_record, kind.get_records = init, put_record, get_records


def _mend_streams(kind: Any) -> None:
    def get_shard_for_key(stream: Any, partition_key: str, explicit_hash_key: str) -> Any:
        """Let moto check the keys, then find the open shard that the hash belongs to."""
        find(stream, partition_key, explicit_hash_key)
        if explicit_hash_key:
            wanted = int(explicit_hash_key)
        else:
            from moto.utilities.utils import md5_hash

            wanted = int(md5_hash(partition_key.encode()).hexdigest(), 16)
        return next(
            one
            for one in stream.shards.values()
            if one.is_open and one.starting_hash <= wanted <= one.ending_hash
        )

    find = kind.get_shard_for_key
    kind.get_shard_for_key = get_shard_for_key
    kind.put_record = _telling(kind.put_record)
    for name in ("split_shard", "merge_shards"):
        setattr(kind, name, _keeping_records(getattr(kind, name)))


def _telling(act: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a stream, one at a time, that is heard of."""

    @wraps(act)
    def told(stream: Any, *given: Any, **named: Any) -> Any:
        with LOCK:
            trim(stream)
            answer = act(stream, *given, **named)
        changed(stream.arn)
        return answer

    return told


def _keeping_records(reshard: Callable[..., None]) -> Callable[..., None]:
    """A reshard that leaves the records where they are: in the parents, which are read first."""

    @wraps(reshard)
    def kept(stream: Any, *given: Any) -> None:
        with LOCK:
            before = {name: (one, one.records) for name, one in stream.shards.items()}
            for shard, _ in before.values():
                shard.records = OrderedDict()
            try:
                reshard(stream, *given)
            finally:
                for shard, records in before.values():
                    shard.records = records
            for name, shard in stream.shards.items():
                if name not in before:
                    parents = (shard.parent, shard.adjacent_parent)
                    shard.written = max(before[one][0].written for one in parents if one)
        changed(stream.arn)

    return kept


def _mend_backend(models: Any) -> None:
    kind = models.KinesisBackend
    get_records, delete_stream = kind.get_records, kind.delete_stream
    put_records = kind.put_records
    deregister, make_consumer = kind.deregister_stream_consumer, models.Consumer.__init__

    def get(backend: Any, *given: Any, **named: Any) -> Any:
        with LOCK:
            for stream in backend.streams.values():
                trim(stream)
            return get_records(backend, *given, **named)

    def put(backend: Any, *given: Any, **named: Any) -> Any:
        # The records of one request come together.
        with gathering(), LOCK:
            return put_records(backend, *given, **named)

    def delete(backend: Any, *given: Any, **named: Any) -> Any:
        stream = delete_stream(backend, *given, **named)
        changed(stream.arn)
        return stream

    def deregister_by_arn(
        backend: Any, stream_arn: str, consumer_name: str, consumer_arn: str
    ) -> None:
        found = backend.describe_stream_consumer(stream_arn, consumer_name, consumer_arn)
        deregister(backend, "", "", found.consumer_arn)
        changed(found.stream_arn)

    def consumer(made: Any, *given: Any, **named: Any) -> None:
        make_consumer(made, *given, **named)
        made.consumer_arn += f":{int(models.unix_time(made.created))}"

    kind.get_records, kind.put_records, kind.delete_stream = get, put, delete
    kind.deregister_stream_consumer = deregister_by_arn
    models.Consumer.__init__ = consumer
