"""Lists by the page: a marker names the last item shown, so that changes lose or repeat none."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, TypeVar

from lambdalab import facts
from lambdalab.errors import AwsError

__all__ = ["page"]

T = TypeVar("T")


def page(
    given: dict[str, Any], items: list[T], key: Callable[[T], str], largest: int | None = None
) -> tuple[list[T], dict[str, str]]:
    """The items of the page that a request asks for, and the member NextMarker where more follow.

    ``key`` gives each item's place in the order, which ``items`` must have already. A page has at
    most ``largest`` items (default: 50, whatever MaxItems says).
    """
    longest = largest or facts.quota("list.page-size-returned").value
    size = min(given.get("MaxItems") or longest, longest)
    start = _start(given.get("Marker"), [key(item) for item in items])
    chosen = items[start : start + size]
    more = start + size < len(items)
    return chosen, {"NextMarker": _marker(key(chosen[-1]))} if more else {}


def _start(marker: str | None, keys: list[str]) -> int:
    if not marker:
        return 0
    after = _read(marker)
    if after in keys:
        return keys.index(after) + 1
    # What the marker names is gone: go on with what comes after it in the order.
    return sum(1 for key in keys if key <= after)


def _marker(last: str) -> str:
    return base64.b64encode(json.dumps({"after": last}).encode()).decode("ascii")


def _read(marker: str) -> str:
    try:
        return str(json.loads(base64.b64decode(marker, validate=True))["after"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AwsError(
            "InvalidParameterValueException", "Invalid marker. Please use the one returned."
        ) from error
