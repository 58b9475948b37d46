"""From the text of a template to its parts."""

from __future__ import annotations

import re
from functools import lru_cache

from lambdalab.sources.velocity.nodes import (
    Block,
    Break,
    Foreach,
    If,
    Set,
    Stop,
    Template,
    Text,
)
from lambdalab.sources.velocity.reader import REFERENCE, Reader, TemplateError
from lambdalab.sources.velocity.references import Reference
from lambdalab.sources.velocity.scope import Node, Value

__all__ = ["parsed"]

_WORD = "set|if|elseif|else|end|foreach|break|stop|return"
_DIRECTIVE = re.compile(rf"#(?:\{{({_WORD})\}}|({_WORD})\b)")
_PLAIN = re.compile(r"[^$#\\]+|.", re.DOTALL)
# Behind a directive, the rest of an empty line goes with it.
_REST_OF_LINE = re.compile(r"[ \t]*\r?\n")
_ENDS = {"elseif", "else", "end"}


@lru_cache(maxsize=256)
def parsed(text: str) -> Template:
    """The template; TemplateError where it is none."""
    reader = _Reader(text, parsed)
    try:
        block, ended = reader.block()
    except RecursionError:
        raise TemplateError("the template is nested too deeply") from None
    if ended:
        raise TemplateError(f"#{ended} without a beginning")
    return Template(block)


class _Reader(Reader):
    """Reads a template from its beginning to its end."""

    def block(self) -> tuple[Block, str]:
        """The parts up to the directive that ends them, and its name."""
        parts: list[Node] = []
        while self._at < len(self._text):
            if self._comment():
                continue
            found = _DIRECTIVE.match(self._text, self._at)
            if found:
                name = found[1] or found[2]
                if name in _ENDS:
                    self._at = found.end()
                    return Block(parts), name
                parts.append(self._directive(found))
                continue
            parts.append(self._reference() or self._plain())
        return Block(parts), ""

    def _comment(self) -> bool:
        for opening, closing in (("##", "\n"), ("#*", "*#")):
            if self._text.startswith(opening, self._at):
                end = self._text.find(closing, self._at + 2)
                self._at = len(self._text) if end < 0 else end + len(closing)
                return True
        return False

    def _plain(self) -> Text:
        if self._text.startswith("#[[", self._at):
            end = self._text.find("]]#", self._at)
            end = len(self._text) if end < 0 else end
            text, self._at = self._text[self._at + 3 : end], end + 3
            return Text(text)
        if self._text.startswith(("\\$", "\\#"), self._at):
            self._at += 2
            return Text(self._text[self._at - 1])
        found = _PLAIN.match(self._text, self._at)
        if found is None:
            raise TemplateError("the template ends unexpectedly")
        self._at = found.end()
        return Text(found[0])

    def _directive(self, found: re.Match[str]) -> Node:
        self._at = found.end()
        name = found[1] or found[2]
        if name in ("break", "stop", "return"):
            self._skip_line()
            return Break() if name == "break" else Stop()
        return {"set": self._set, "if": self._if, "foreach": self._foreach}[name]()

    def _set(self) -> Node:
        self._expect("(")
        self._blanks()
        target = self._reference()
        if not isinstance(target, Reference):
            raise TemplateError("#set needs a reference")
        self._expect("=")
        value = self.expression()
        self._expect(")")
        self._skip_line()
        return Set(target, value)

    def _if(self) -> Node:
        branches: list[tuple[Value | None, Block]] = []
        ended = "elseif"
        while ended != "end":
            condition = self._condition() if ended == "elseif" else None
            self._skip_line()
            block, ended = self.block()
            if not ended:
                raise TemplateError("#if without #end")
            branches.append((condition, block))
        self._skip_line()
        return If(branches)

    def _condition(self) -> Value:
        self._expect("(")
        condition = self.expression()
        self._expect(")")
        return condition

    def _foreach(self) -> Node:
        self._expect("(")
        self._blanks()
        name = REFERENCE.match(self._text, self._at)
        if name is None:
            raise TemplateError("#foreach needs a variable")
        self._at = name.end() + bool(name[2])
        self._expect("in")
        items = self.expression()
        self._expect(")")
        self._skip_line()
        block, ended = self.block()
        if ended != "end":
            raise TemplateError("#foreach without #end")
        self._skip_line()
        return Foreach(name[3], items, block)

    def _skip_line(self) -> None:
        found = _REST_OF_LINE.match(self._text, self._at)
        if found:
            self._at = found.end()
