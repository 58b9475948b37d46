"""The rules of composite alarms, such as ``ALARM(errors) AND NOT ALARM(deploying)``.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["holds"]

_WORDS = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]+)"|(?P<name>[^()"]+?))\s*\)
    |(?P<word>AND|OR|NOT|TRUE|FALSE|[()]))""",
    re.VERBOSE,
)


def holds(rule: str, states: Mapping[str, str]) -> bool | None:
    """Whether a rule is true for alarms in these states; None where it cannot be read."""
    words: list[str | bool] = []
    place = 0
    text = rule.strip()
    while place < len(text):
        match = _WORDS.match(text, place)
        if match is None:
            return None
        name = match["quoted"] or match["name"]
        words.append(match["word"] or states.get(name) == match["state"])
        place = match.end()
    try:
        value = _either(words)
    except (IndexError, RecursionError, TypeError):
        return None
    return None if words else value


def _either(words: list[str | bool]) -> bool:
    value = _both(words)
    while words and words[0] == "OR":
        words.pop(0)
        value = _both(words) or value
    return value


def _both(words: list[str | bool]) -> bool:
    value = _one(words)
    while words and words[0] == "AND":
        words.pop(0)
        value = _one(words) and value
    return value


def _one(words: list[str | bool]) -> bool:
    word = words.pop(0)
    if word == "NOT":
        return not _one(words)
    if word == "(":
        value = _either(words)
        if words.pop(0) != ")":
            raise TypeError
        return value
    if isinstance(word, bool):
        return word
    if word in ("TRUE", "FALSE"):
        return word == "TRUE"
    raise TypeError
