"""An example event of a source."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Event"]


@dataclass(frozen=True)
class Event:
    """An event as AWS gives it to functions; its values are made up.

    Attributes:
        name: what sends it, such as ``msk``.
        event: the event as JSON text.
        source: where its shape stands: a public address.
        checked: day on which it was last compared with the source.

    """

    name: str
    event: str
    source: str
    checked: datetime.date

    @property
    def value(self) -> Any:
        """The event as a handler gets it: an object, or a list."""
        return json.loads(self.event)
