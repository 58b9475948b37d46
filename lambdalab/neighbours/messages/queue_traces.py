"""Messages in moto's queues carry the trace of whoever sent them, as the SDK's header tells it.

moto knows a trace only where a single message names it as a system attribute of its own.
Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_MessageSystemAttributeValue.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from lambdalab.neighbours.asking import trace

__all__ = ["install"]

# The system attributes of the messages of a batch that are still to be sent.
_batch: ContextVar[Iterator[Any] | None] = ContextVar("batch", default=None)


def install(backend: Any) -> None:
    """Mend moto's class of backends."""
    backend.send_message = _tracing(backend.send_message)
    backend.send_message_batch = _keeping(backend.send_message_batch)


def _tracing(send: Callable[..., Any]) -> Callable[..., Any]:
    """SendMessage: the trace that a request came with goes along, unless it names another."""

    def sent(backend: Any, *given: Any, **named: Any) -> Any:
        header, system = (
            trace(),
            named.get("system_attributes") or next(_batch.get() or iter(()), None),
        )
        traced = {"AWSTraceHeader": {"DataType": "String", "StringValue": header}} if header else {}
        named["system_attributes"] = traced | (system or {}) or None
        return send(backend, *given, **named)

    return sent


def _keeping(send_batch: Callable[..., Any]) -> Callable[..., Any]:
    """SendMessageBatch: moto sends the entries one by one, without their system attributes."""

    def sent(backend: Any, queue_name: str, entries: dict[str, dict[str, Any]]) -> Any:
        token = _batch.set(iter([one.get("MessageSystemAttributes") for one in entries.values()]))
        try:
            return send_batch(backend, queue_name, entries)
        finally:
            _batch.reset(token)

    return sent
