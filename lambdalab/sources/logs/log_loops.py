"""Functions that write into each other's logs in a circle.

AWS stops no such circle: its loop detection follows queues, topics and buckets. It would run, and
cost, until somebody notices. The lab lets a chain come back to its subscriptions as often as Lambda
lets the others go round, and says so. A chain is followed by the request ids in the platform's
lines of a log stream.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from lambdalab import facts

__all__ = ["Chain", "LogLoops"]

_MOST = facts.quota("recursion.rounds").value
_REQUEST = re.compile(r'(?:RequestId: |"requestId":\s*")([0-9a-f-]{36})')
# How many requests, streams and chains are remembered.
_KEPT = 10_000

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
Edge = tuple[str, str]


class Chain(NamedTuple):
    """The request with which a chain began, and the subscriptions that have led on.

    A subscription is told by its log group and its destination.
    """

    root: str
    edges: frozenset[Edge] = frozenset()


class LogLoops:
    """Knows which subscriptions have led to what is written into a log stream."""

    def __init__(self) -> None:
        self._requests: OrderedDict[str, Chain] = OrderedDict()
        self._streams: OrderedDict[tuple[str, ...], Chain] = OrderedDict()
        # By account, Region and log group: what its function was last called for.
        self._groups: OrderedDict[tuple[str, ...], Chain] = OrderedDict()
        self._returns: OrderedDict[str, int] = OrderedDict()

    def clear(self) -> None:
        """Forget all requests."""
        for kept in (self._requests, self._streams, self._groups, self._returns):
            kept.clear()

    def chain(self, stream: tuple[str, ...], messages: Iterable[str], edge: Edge) -> Chain:
        """The chain behind messages that a stream has got; one with that subscription in it first.

        A stream belongs to one environment: lines without an id are those of its last request,
        or of the one for which it was started.
        """
        ids = [one for message in messages for one in _REQUEST.findall(message)]
        known = [self._requests.get(one) or Chain(one) for one in dict.fromkeys(ids)]
        if not known:
            started = self._groups.get(stream[:3]) or Chain("/".join(stream))
            return self._streams.get(stream) or started
        _keep(self._streams, stream, known[-1])
        return next((one for one in known if edge in one.edges), known[-1])

    def goes_on(self, chain: Chain, edge: Edge) -> bool:
        """Whether a subscription may lead on; one that a chain comes back to may so often only."""
        if edge not in chain.edges:
            return True
        returns = self._returns.get(chain.root, 0) + 1
        _keep(self._returns, chain.root, returns)
        return bool(returns <= _MOST)

    def sent(self, request_id: str, chain: Chain, edge: Edge, group: tuple[str, ...]) -> None:
        """A subscription has led to a request of a function that logs into a group."""
        longer = Chain(chain.root, chain.edges | {edge})
        _keep(self._requests, request_id, longer)
        _keep(self._groups, group, longer)


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _KEPT:
        kept.popitem(last=False)
