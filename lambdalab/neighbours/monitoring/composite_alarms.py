"""The rules of composite alarms, such as ``ALARM(errors) AND NOT ALARM(deploying)``.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html,
and what AWS answered: testdata/aws/cloudwatch/alarm_composites.json of
https://github.com/radkawar/stackd
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil
from typing import NamedTuple, NoReturn

from lambdalab import facts

__all__ = ["RuleError", "holds", "named"]

_STATES = "ALARM|OK|INSUFFICIENT_DATA"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_NAME = rf'(?:{_QUOTED}|[^()",\s]+)'
_WORDS = re.compile(
    rf"""\s*(?:
    (?P<state>{_STATES})\s*\(\s*(?P<name>{_NAME})\s*\)
    |AT_LEAST\s*\(\s*(?P<least>[^\s,()]+)\s*,\s*(?P<not>NOT\s+)?(?P<kind>[^\s,()]+)\s*,
        \s*\(\s*(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)\s*\)\s*\)
    |(?P<word>[(),]|[^\s(),]+)
    )""",
    re.VERBOSE,
)
# The name of an alarm that has a blank must stand in quotes.
_UNCLOSED = re.compile(rf"\s*(?:{_STATES})\s*\(\s*[^()\"\s]+\s+")
_TOKEN = re.compile(r"\s*([(),]|[^\s(),]+)")
_END = "<EOF>"
_KINDS = frozenset(_STATES.split("|"))


class RuleError(ValueError):
    """A text is no rule; the message says it as CloudWatch does."""


class _Word(NamedTuple):
    """A word of the rule, or a question to alarms: how many of them must have a state."""

    place: int
    text: str
    names: tuple[str, ...] = ()
    least: int = 1
    without: bool = False

    def holds(self, states: Mapping[str, str]) -> bool:
        """Whether enough of the alarms have the state, or have it not."""
        having = sum((states.get(name) == self.text) is not self.without for name in self.names)
        return having >= self.least


def named(rule: str) -> list[str]:
    """The alarms that a rule names, by their names or ARNs; raises RuleError where it is none."""
    words = _split(rule)
    _Reading(rule, words, {}).whole()
    return list(dict.fromkeys(name for word in words for name in word.names))


def holds(rule: str, states: Mapping[str, str]) -> bool | None:
    """Whether a rule is true for alarms in these states; None where it cannot be read."""
    try:
        return _Reading(rule, _split(rule), states).whole()
    except (RuleError, RecursionError):
        return None


def _split(rule: str) -> list[_Word]:
    words, place, text = [], 0, rule.rstrip()
    while place < len(text):
        match = _WORDS.match(text, place)
        if match is None:
            _refuse(rule, place, "rule-operand")
        begin = match.end() - len(match[0].lstrip())
        if match["state"]:
            words.append(_Word(begin, match["state"], (_bare(match["name"]),)))
        elif match["least"]:
            words.append(_at_least(match, begin))
        else:
            words.append(_Word(begin, match["word"]))
        place = match.end()
    return words


def _at_least(match: re.Match[str], begin: int) -> _Word:
    """The question how many of some alarms have a state: a number of them, or a percentage."""
    names = tuple(_bare(one) for one in re.findall(_NAME, match["names"]))
    count, percent = match["least"].removesuffix("%"), match["least"].endswith("%")
    if not re.fullmatch("[0-9]+", count):
        _refuse(match.string, match.start("least"), "rule-count")
    if match["kind"] not in _KINDS:
        _refuse(match.string, match.start("kind"), "rule-state")
    least = int(count)
    if percent and least not in range(1, 101):
        raise RuleError(str(facts.message("alarm.rule-percentage")))
    if not percent and least not in range(1, len(names) + 1):
        raise RuleError(facts.message("alarm.rule-threshold").format(count=len(names)))
    needed = ceil(least * len(names) / 100) if percent else least
    return _Word(begin, match["kind"], names, needed, bool(match["not"]))


def _bare(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith('"') else name


def _refuse(rule: str, place: int, wanted: str) -> NoReturn:
    """Say which word stands where another one must."""
    unclosed = _UNCLOSED.match(rule, place)
    found = _TOKEN.match(rule, unclosed.end() if unclosed else place)
    if found is None:
        raise RuleError(str(facts.message("alarm.rule-end")))
    if wanted == "rule-operator" and not rule[found.end() :].strip():
        wanted = "rule-over"
    words = facts.message("alarm.rule-unclosed" if unclosed else f"alarm.{wanted}")
    filled = {"end": _END} if wanted in ("rule-operator", "rule-over") and not unclosed else {}
    raise RuleError(words.format(token=found[1], place=found.start(1), **filled))


class _Reading:
    """One way through the words; AND binds more than OR."""

    def __init__(self, rule: str, words: list[_Word], states: Mapping[str, str]) -> None:
        self._rule = rule
        self._left = list(words)
        self._states = states

    def whole(self) -> bool:
        value = self._either()
        if self._left:
            _refuse(self._rule, self._left[0].place, "rule-operator")
        return value

    def _next(self) -> str:
        return self._left[0].text if self._left and not self._left[0].names else ""

    def _either(self) -> bool:
        value = self._both()
        while self._next() == "OR":
            self._left.pop(0)
            value = self._both() or value
        return value

    def _both(self) -> bool:
        value = self._one()
        while self._next() == "AND":
            self._left.pop(0)
            value = self._one() and value
        return value

    def _one(self) -> bool:
        if not self._left:
            _refuse(self._rule, len(self._rule), "rule-operand")
        word = self._left.pop(0)
        if word.names:
            return word.holds(self._states)
        if word.text in ("TRUE", "FALSE"):
            return word.text == "TRUE"
        if word.text == "NOT":
            return not self._one()
        if word.text != "(":
            _refuse(self._rule, word.place, "rule-operand")
        value = self._either()
        if self._next() != ")":
            place = self._left[0].place if self._left else len(self._rule)
            _refuse(self._rule, place, "rule-operator")
        self._left.pop(0)
        return value
