"""Which rule of a listener a request matches.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import unquote_plus

from lambdalab.neighbours.load_balancers.elbv2 import Rule
from lambdalab.sources.http_messages import SOURCE_IP
from lambdalab.sources.load_balancers.arriving import Arrival

__all__ = ["matching"]

Condition = dict[str, Any]


def matching(arrival: Arrival) -> Rule | None:
    """The first rule all of whose conditions hold; the default rule has none."""
    for rule in arrival.listener.rules:
        if all(_holds(condition, arrival) for condition in rule.conditions):
            return rule
    return None


def _holds(condition: Condition, arrival: Arrival) -> bool:
    test = _TESTS.get(condition.get("Field", ""))
    return test is not None and test(condition, arrival)


def _path(condition: Condition, arrival: Arrival) -> bool:
    wanted = _values(condition, "PathPatternConfig")
    return any(_matches(one, arrival.path, case=True) for one in wanted)


def _host(condition: Condition, arrival: Arrival) -> bool:
    return any(_matches(one, arrival.host) for one in _values(condition, "HostHeaderConfig"))


def _header(condition: Condition, arrival: Arrival) -> bool:
    config = condition["HttpHeaderConfig"]
    wanted = config["HttpHeaderName"].lower()
    given = [value for name, value in arrival.fields if name == wanted]
    return any(_matches(one, value) for one in config["Values"] for value in given)


def _method(condition: Condition, arrival: Arrival) -> bool:
    return arrival.request.method in _values(condition, "HttpRequestMethodConfig")


def _source(condition: Condition, _: Arrival) -> bool:
    own = ip_address(SOURCE_IP)
    return any(own in ip_network(one, strict=False) for one in _networks(condition))


def _networks(condition: Condition) -> list[str]:
    return [one for one in _values(condition, "SourceIpConfig") if _is_network(one)]


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _query(condition: Condition, arrival: Arrival) -> bool:
    given = [(unquote_plus(name), unquote_plus(value)) for name, value in arrival.parameters]
    return any(
        _matches(wanted["Value"], value) and _matches(wanted.get("Key") or "*", name)
        for wanted in _values(condition, "QueryStringConfig")
        for name, value in given
    )


_TESTS: dict[str, Callable[[Condition, Arrival], bool]] = {
    "path-pattern": _path,
    "host-header": _host,
    "http-header": _header,
    "http-request-method": _method,
    "source-ip": _source,
    "query-string": _query,
}


def _values(condition: Condition, config: str) -> list[Any]:
    """The values of a condition, which stand in one of two places."""
    values: list[Any] = (condition.get(config) or condition).get("Values") or []
    return values


def _matches(wanted: str, given: str, *, case: bool = False) -> bool:
    return _pattern(wanted, case).fullmatch(given) is not None


@lru_cache(maxsize=512)
def _pattern(wanted: str, case: bool) -> re.Pattern[str]:
    r"""``*`` stands for any characters, ``?`` for one, a backslash takes the meaning from them."""
    parts = re.findall(r"\\[*?\\]|.", wanted, re.DOTALL)
    said = {"*": ".*", "?": "."}
    text = "".join(said.get(one) or re.escape(one[-1]) for one in parts)
    return re.compile(text, re.DOTALL | (0 if case else re.IGNORECASE))
