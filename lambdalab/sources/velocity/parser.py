"""From the text of a template to its parts."""

from __future__ import annotations

import re
from functools import lru_cache

from lambdalab.sources.velocity.nodes import (
    Block,
    Break,
    Define,
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

_WORD = "set|if|elseif|else|end|foreach|break|stop|define|macro"
_DIRECTIVE = re.compile(rf"#(?:\{{({_WORD})\}}|({_WORD})\b)")
# What would call a macro. There are none at API Gateway, so it is shown as it stands.
_MACRO = re.compile(r"#\w+[ \t]*\(")
_PLAIN = re.compile(r"[^$#\\]+|.", re.DOTALL)
_ESCAPES = re.compile(r"\\+")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
# Behind a directive, the rest of an empty line goes with it.
_REST_OF_LINE = re.compile(r"[ \t]*\r?\n")
_ENDS = {"elseif", "else", "end"}


@lru_cache(maxsize=256)
def parsed(text: str) -> Template:
    """The template; TemplateError where it is none."""
    reader = _Reader(text, _quoted)
    try:
        block, ended = reader.block()
    except RecursionError:
        raise TemplateError("the template is nested too deeply") from None
    if ended:
        raise TemplateError(f"#{ended} without a beginning")
    return Template(block)


def _quoted(text: str) -> Node:
    """What stands in double quotes may end with a sign; a template may not."""
    if text.endswith(("$", "#")):
        return Block([parsed(text[:-1]), Text(text[-1])])
    return parsed(text)


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
        if self._text[self._at :] in ("$", "#"):
            raise TemplateError("the template ends unexpectedly")
        if self._text.startswith("\\", self._at):
            return Text(self._escaped())
        if _MACRO.match(self._text, self._at):
            return Text(self._call())
        found = _PLAIN.match(self._text, self._at)
        if found is None:
            raise TemplateError("the template ends unexpectedly")
        self._at = found.end()
        return Text(found[0])

    def _escaped(self) -> str:
        """Backslashes: two stand for one, and an odd one takes what is behind it as text."""
        start = self._at
        found = _ESCAPES.match(self._text, start)
        size = len(found[0]) if found else 0
        self._at += size
        directive = _DIRECTIVE.match(self._text, self._at)
        if directive is None and REFERENCE.match(self._text, self._at) is None:
            return self._text[start : self._at]
        here = self._at
        if size % 2 and directive:
            self._at = directive.end()
        elif size % 2:
            self._reference()
        return "\\" * (size // 2) + self._text[here : self._at]

    def _call(self) -> str:
        """The call of a macro, up to the parenthesis that ends it."""
        start, depth = self._at, 0
        self._at = self._text.index("(", start)
        while self._at < len(self._text):
            letter = self._text[self._at]
            quoted = _QUOTED.match(self._text, self._at)
            depth += {"(": 1, ")": -1}.get(letter, 0)
            self._at = quoted.end() if quoted else self._at + 1
            if depth == 0:
                return self._text[start : self._at]
        raise TemplateError("a parenthesis without an end")

    def _directive(self, found: re.Match[str]) -> Node:
        self._at = found.end()
        name = found[1] or found[2]
        if name in ("break", "stop"):
            self._skip_line()
            return Break() if name == "break" else Stop()
        return {
            "set": self._set, "if": self._if, "foreach": self._foreach, "define": self._define,
            "macro": self._macro,
        }[name]()  # fmt: skip

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
            after_else = ended == "else"
            block, ended = self.block()
            if not ended or (after_else and ended != "end"):
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
        self._at = name.end() + bool(name[1])
        self._expect("in")
        items = self.expression()
        self._expect(")")
        return Foreach(name[2], items, self._body())

    def _define(self) -> Node:
        self._expect("(")
        self._blanks()
        name = REFERENCE.match(self._text, self._at)
        if name is None:
            raise TemplateError("#define needs a variable")
        self._at = name.end() + bool(name[1])
        self._expect(")")
        return Define(name[2], self._body())

    def _macro(self) -> Node:
        """A macro is read, and forgotten: API Gateway has none."""
        self._expect("(")
        end = self._text.find(")", self._at)
        if end < 0:
            raise TemplateError("a parenthesis without an end")
        self._at = end + 1
        self._body()
        return Text("")

    def _body(self) -> Block:
        """What stands between a directive and its ``#end``."""
        self._skip_line()
        block, ended = self.block()
        if ended != "end":
            raise TemplateError("a directive without #end")
        self._skip_line()
        return block

    def _skip_line(self) -> None:
        found = _REST_OF_LINE.match(self._text, self._at)
        if found:
            self._at = found.end()
