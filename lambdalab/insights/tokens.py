"""The words of a query."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from lambdalab import facts

__all__ = ["QueryError", "Token", "Words"]

_WORDS = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<regex>/(?:[^/\\\n]|\\.)+/i?(?=\s|$|\||,|\)))
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<span>\d+(?:ms|min|mo|[smhdwqy])\b)
    |(?P<name>`[^`]+`|@?[A-Za-z_][\w.@]*)
    |(?P<sign>!=|<=|>=|=~|[=<>+\-*/^%(),|\[\]{}:])""",
    re.VERBOSE,
)
# After one of these a slash begins a regular expression; after anything else it divides.
_BEFORE_REGEX = frozenset({"like", "=~", "parse"})
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class QueryError(ValueError):
    """A text is no query; ``place`` is the first character, from 0, that does not fit."""

    def __init__(self, message: str, place: int) -> None:
        super().__init__(message)
        self.place = place


class Token(NamedTuple):
    """One word: its kind (regex, string, number, span, name, sign, end), text and place."""

    kind: str
    text: str
    place: int

    @property
    def value(self) -> str:
        """A string, a name or a regular expression without what stands around it."""
        if self.kind == "string":
            return _ESCAPE.sub(r"\1", self.text[1:-1])
        return self.text.strip("`") if self.kind == "name" else self.text


class Words:
    """The words of one query, read from left to right.

    ``special`` is asked first where a value may stand: what ``stats`` reads otherwise than others.
    """

    def __init__(self, text: str) -> None:
        self.special: Callable[[], Callable[[Any], Any] | None] | None = None
        self._text = text
        self._tokens = list(self._split())
        self._next = 0

    @property
    def next(self) -> Token:
        """The word that comes next; its kind is ``end`` where there is none."""
        return self._tokens[self._next]

    @property
    def after(self) -> Token:
        """The word after the next one."""
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def since(self, place: int) -> str:
        """The text from a place up to the word that was taken last."""
        last = self._tokens[max(self._next - 1, 0)]
        return self._text[place : last.place + len(last.text)]

    def take(self) -> Token:
        """The next word, which is then behind."""
        token = self.next
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def accept(self, *texts: str) -> str | None:
        """Take the next word if it is one of these, in whatever case; strings are never."""
        token = self.next
        if token.kind in ("name", "sign") and token.text.lower() in texts:
            return self.take().text.lower()
        return None

    def expect(self, text: str) -> None:
        """Take that word; raises QueryError where another one comes."""
        if self.accept(text) is None:
            self.refuse()

    def of_kind(self, *kinds: str) -> Token:
        """Take a word of one of these kinds; raises QueryError where another one comes."""
        if self.next.kind not in kinds:
            self.refuse()
        return self.take()

    def refuse(self) -> NoReturn:
        """Raise QueryError for the next word."""
        token = self.next
        raise _unexpected(self._text, token.place, token.text or "<EOF>")

    def _split(self) -> list[Token]:
        tokens: list[Token] = []
        place = 0
        while place < len(self._text):
            match = _WORDS.match(self._text, place)
            if match is None:
                raise _unexpected(self._text, place, self._text[place])
            kind, text = match.lastgroup or "", match[0]
            if kind == "regex" and not self._may_be_regex(tokens):
                kind, text = "sign", "/"
            if kind != "space":
                tokens.append(Token(kind, text, place))
            place += len(text)
        return [*tokens, Token("end", "", len(self._text))]

    @staticmethod
    def _may_be_regex(tokens: list[Token]) -> bool:
        # The field that is parsed stands between ``parse`` and the expression.
        return any(token.text.lower() in _BEFORE_REGEX for token in tokens[-2:])


def _unexpected(text: str, place: int, found: str) -> QueryError:
    before = text[:place]
    line, column = before.count("\n") + 1, place - (before.rfind("\n") + 1) + 1
    words = facts.message("insights.unexpected")
    return QueryError(words.format(found=found, line=line, position=column), place)
