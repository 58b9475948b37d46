"""Reads the expressions of templates, and the references in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lambdalab.sources.velocity import operators
from lambdalab.sources.velocity.expressions import (
    Constant,
    Interpolated,
    ListOf,
    MapOf,
    Operation,
    RangeOf,
)
from lambdalab.sources.velocity.references import Call, Index, Member, Reference
from lambdalab.sources.velocity.scope import Node, Value

__all__ = ["REFERENCE", "Reader", "TemplateError"]

REFERENCE = re.compile(r"\$!?(\{?)([A-Za-z_][A-Za-z0-9_-]*)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_BLANKS = re.compile(r"\s*")
_NUMBER = re.compile(r"(?:\d+(?P<part>\.\d+)?|(?P<only>\.\d+))(?!\.?\d)")
_UNICODE = re.compile(r"\\u([0-9A-Fa-f]{4})")
_WORDS = {"true": True, "false": False, "null": None}


class TemplateError(Exception):
    """A text that is no template."""


class Reader:
    """Reads a text from a place on; ``inner`` reads the text of double quotes."""

    def __init__(self, text: str, inner: Callable[[str], Node]) -> None:
        self._text = text
        self._at = 0
        self._inner = inner

    def _reference(self) -> Reference | None:
        found = REFERENCE.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        steps: list[Member | Index | Call] = []
        while (step := self._step()) is not None:
            steps.append(step)
        if found[1]:
            self._expect("}")
        return Reference(found[2], steps)

    def _step(self) -> Member | Index | Call | None:
        if self._text.startswith("[", self._at):
            self._at += 1
            key = self.expression()
            self._expect("]")
            return Index(key)
        if not self._text.startswith(".", self._at):
            return None
        name = _NAME.match(self._text, self._at + 1)
        if name is None:
            return None
        self._at = name.end()
        if not self._text.startswith("(", self._at):
            return Member(name[0])
        self._at += 1
        return Call(name[0], self._list(")"))

    def expression(self, level: int = 0) -> Value:
        """An expression whose operators are at least that strong."""
        if level == len(operators.LEVELS):
            return self._operand()
        left = self.expression(level + 1)
        while (act := self._operator(level)) is not None:
            left = Operation(act, [left, self.expression(level + 1)])
        return left

    def _operator(self, level: int) -> Callable[..., Any] | None:
        self._blanks()
        for name, act in operators.LEVELS[level].items():
            if self._text.startswith(name, self._at) and not self._goes_on(name):
                self._at += len(name)
                return act
        return None

    def _goes_on(self, name: str) -> bool:
        """Whether a word is longer than the operator, or the end of a loop's range."""
        behind = self._text[self._at + len(name) : self._at + len(name) + 1]
        return name.isalpha() and (behind.isalnum() or behind == "_")

    def _operand(self) -> Value:
        self._blanks()
        here = self._text[self._at : self._at + 1]
        read = {
            "(": self._in_parentheses, "[": self._list_or_range, "{": self._map, "!": self._not,
            "-": self._minus, "'": self._quoted, '"': self._quoted, "$": self._referred,
        }.get(here)  # fmt: skip
        return read() if read is not None else self._constant()

    def _in_parentheses(self) -> Value:
        self._at += 1
        value = self.expression()
        self._expect(")")
        return value

    def _referred(self) -> Value:
        found = self._reference()
        if found is None:
            raise TemplateError(f"no reference at position {self._at}")
        return found

    def _not(self) -> Value:
        self._at += 1
        return Operation(operators.negation, [self._operand()])

    def _minus(self) -> Value:
        self._at += 1
        return Operation(operators.negative, [self._operand()])

    def _quoted(self) -> Value:
        quote = self._text[self._at]
        start = end = self._at + 1
        while True:
            end = self._text.find(quote, end)
            if end < 0:
                raise TemplateError("a text without an end")
            if self._text[end + 1 : end + 2] != quote:
                break
            end += 2
        self._at = end + 1
        text = self._text[start:end].replace(quote * 2, quote)
        text = _UNICODE.sub(lambda found: chr(int(found[1], 16)), text)
        if quote == '"' and ("$" in text or "#" in text):
            return Interpolated(self._inner(text))
        return Constant(text)

    def _constant(self) -> Value:
        number = _NUMBER.match(self._text, self._at)
        if number:
            self._at = number.end()
            whole = number["part"] is None and number["only"] is None
            return Constant(int(number[0]) if whole else float(number[0]))
        word = _NAME.match(self._text, self._at)
        if word and word[0] == "not":
            self._at = word.end()
            return Operation(operators.negation, [self._operand()])
        if word is None or word[0] not in _WORDS:
            raise TemplateError(f"no value at position {self._at}")
        self._at = word.end()
        return Constant(_WORDS[word[0]])

    def _list_or_range(self) -> Value:
        self._at += 1
        self._blanks()
        if self._text.startswith("]", self._at):
            self._at += 1
            return ListOf([])
        first = self.expression()
        self._blanks()
        if self._text.startswith("..", self._at):
            self._at += 2
            last = self.expression()
            self._expect("]")
            return RangeOf(first, last)
        if self._text.startswith(",", self._at):
            self._at += 1
            return ListOf([first, *self._list("]")])
        self._expect("]")
        return ListOf([first])

    def _map(self) -> Value:
        self._at += 1
        pairs: list[tuple[Value, Value]] = []
        self._blanks()
        while not self._text.startswith("}", self._at):
            name = self.expression()
            self._expect(":")
            pairs.append((name, self.expression()))
            self._blanks()
            if not self._text.startswith(",", self._at):
                break
            self._at += 1
            self._blanks()
        self._expect("}")
        return MapOf(pairs)

    def _list(self, closing: str) -> list[Value]:
        found: list[Value] = []
        self._blanks()
        while not self._text.startswith(closing, self._at):
            found.append(self.expression())
            self._blanks()
            if not self._text.startswith(",", self._at):
                break
            self._at += 1
            self._blanks()
        self._expect(closing)
        return found

    # Letters.

    def _blanks(self) -> None:
        found = _BLANKS.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _expect(self, wanted: str) -> None:
        self._blanks()
        if not self._text.startswith(wanted, self._at):
            raise TemplateError(f"{wanted!r} is missing at position {self._at}")
        self._at += len(wanted)
