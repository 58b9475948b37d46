"""The life of a runtime identifier: preview, supported, deprecated, blocked."""

from __future__ import annotations

import datetime
from dataclasses import dataclass


@dataclass(frozen=True)
class Runtime:
    """A runtime identifier of the Lambda API.

    Attributes:
        name: the identifier, such as ``python3.13``.
        language: programming language, or what one may bring.
        system: operating system under it.
        source: where the dates stand.
        checked: day on which they were last compared with the source.
        deprecation: end of support; None while none is scheduled.
        block_create: first day on which CreateFunction refuses it; None if not published.
        block_update: first day on which an update refuses it; None if not published.
        preview: True for a public preview, without support.
        image_only: True where only container images may use it.
        snapstart: True where SnapStart supports it.

    """

    name: str
    language: str
    system: str
    source: str
    checked: datetime.date
    deprecation: datetime.date | None = None
    block_create: datetime.date | None = None
    block_update: datetime.date | None = None
    preview: bool = False
    image_only: bool = False
    snapstart: bool = False

    def __str__(self) -> str:
        """Return the identifier."""
        return self.name

    def deprecated(self, day: datetime.date) -> bool:
        """Whether support has ended on that day."""
        return self.deprecation is not None and day >= self.deprecation

    def creatable(self, day: datetime.date) -> bool:
        """Whether CreateFunction takes it for a zip package on that day."""
        return not self.image_only and (self.block_create is None or day < self.block_create)

    def updatable(self, day: datetime.date) -> bool:
        """Whether a function that uses it may be updated on that day."""
        return self.block_update is None or day < self.block_update
