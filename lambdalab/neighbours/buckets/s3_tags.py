"""moto's S3: a set of tags without tags, which takes away those that an object has."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

__all__ = ["mend"]

_EMPTY = re.compile(rb"<TagSet\s*/>|<TagSet>\s*</TagSet>")


def mend(module: ModuleType) -> None:
    """Let an empty set be one; moto looks for the first tag in it."""
    kind = module.S3Response
    read = kind._tagging_from_xml

    def tagging(self: Any) -> dict[str, str]:
        body = self.body if isinstance(self.body, bytes) else str(self.body).encode()
        return {} if _EMPTY.search(body) else read(self)

    kind._tagging_from_xml = tagging
