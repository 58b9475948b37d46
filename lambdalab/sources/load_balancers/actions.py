"""What rules do with requests by themselves: answer, and send elsewhere.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html
"""

from __future__ import annotations

import re
from random import Random
from typing import Any

from lambdalab.sources.load_balancers.answers import made, page
from lambdalab.sources.load_balancers.arriving import Arrival
from lambdalab.wire import Response

__all__ = ["chosen_group", "fixed", "last_action", "redirected"]

Action = dict[str, Any]

_FIRST = 1
_TEXT = "text/plain"
_WORD = re.compile(r"#\{(protocol|host|port|path|query)\}")
_UNCHANGED = {
    "Protocol": "#{protocol}",
    "Host": "#{host}",
    "Port": "#{port}",
    "Path": "/#{path}",
    "Query": "#{query}",
}


def last_action(actions: list[Action]) -> Action:
    """The action that answers: the last in order; those before it would look at who the user is."""
    return max(actions, key=lambda action: int(action.get("Order") or _FIRST), default={})


def fixed(action: Action) -> Response:
    """A fixed response."""
    config = action["FixedResponseConfig"]
    body = (config.get("MessageBody") or "").encode()
    kind = config.get("ContentType") or _TEXT
    return made(int(config["StatusCode"]), body, [("Content-Type", f"{kind}; charset=utf-8")])


def redirected(action: Action, arrival: Arrival) -> Response:
    """A redirection; what it does not name stays as it was asked."""
    given = action["RedirectConfig"]
    asked = {
        "protocol": arrival.listener.protocol.lower(),
        "host": arrival.host,
        "port": str(arrival.listener.port),
        "path": arrival.path.removeprefix("/"),
        "query": arrival.request.query_string,
    }
    said = {
        name: _WORD.sub(lambda word: asked[word[1]], given.get(name, default))
        for name, default in _UNCHANGED.items()
    }
    query = f"?{said['Query']}" if said["Query"] else ""
    where = f"{said['Protocol'].lower()}://{said['Host']}:{said['Port']}{said['Path']}{query}"
    status = int(str(given["StatusCode"]).removeprefix("HTTP_"))
    return page(status, [("Location", where)])


def chosen_group(action: Action, random: Random) -> str | None:
    """The ARN of the target group that gets a request; None where none has any weight."""
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or []
    if not groups:
        return action.get("TargetGroupArn")
    weights = [int(group.get("Weight", 1)) for group in groups]
    if not any(weights):
        return None
    arn: str = random.choices(groups, weights)[0]["TargetGroupArn"]
    return arn
