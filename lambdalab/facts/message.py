"""What AWS says: error messages and log lines, with gaps to fill."""

from __future__ import annotations

import datetime
import html
import re
from dataclasses import dataclass

from lambdalab.facts.fact import linked

_GAP = re.compile(r"\{([a-z_]+[0-9]*)\}")


@dataclass(frozen=True)
class Message:
    """A text that AWS emits, byte for byte but for its gaps.

    Attributes:
        name: dotted name, such as ``layers.too-many``.
        text: the text; ``{name}`` is a gap, all other braces are AWS's own.
        source: where the wording stands: a public address, or words.
        checked: day on which it was last compared with the source.
        status: HTTP status of the answer that carries it, None for log lines.
        code: error code on the wire; the errorType where the status is 200.
        since: when the wording came to be so, where it was another one.
        was: the earlier wording.
        verified: False where no first source confirms the wording of today.

    """

    name: str
    text: str
    source: str
    checked: datetime.date
    status: int | None = None
    code: str | None = None
    since: str | None = None
    was: str | None = None
    verified: bool = True

    def __str__(self) -> str:
        """Return the text with its gaps."""
        return self.text

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the gaps, each once, in the order of the text."""
        return tuple(dict.fromkeys(_GAP.findall(self.text)))

    def format(self, **fields: object) -> str:
        """Return the text with its gaps filled; ValueError unless exactly the gaps are given."""
        if fields.keys() != set(self.fields):
            needed, given = ", ".join(self.fields), ", ".join(fields)
            raise ValueError(f"message {self.name} has the gaps [{needed}], given were [{given}]")
        return _GAP.sub(lambda gap: str(fields[gap[1]]), self.text)

    def _repr_html_(self) -> str:
        answer = f"{self.status or ''} {self.code or ''}".strip()
        doubt = "" if self.verified else " <em>Not verified: today's wording may differ.</em>"
        return (
            f'<p class="lambdalab-message">{answer} <code>{html.escape(self.text)}</code>{doubt}'
            f" Source: {linked(self.source)}, checked {self.checked}.</p>"
        )
