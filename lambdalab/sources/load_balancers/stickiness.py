"""Clients who stay with the target group that they were given.

A forward action with weights may send a client to the same group for a time: two cookies of the
balancer's say which one, the second for pages of other sites. What they hold is nobody's business.
Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
"""

from __future__ import annotations

import hmac
from email.utils import formatdate
from http.cookies import CookieError, SimpleCookie
from typing import Any

from lambdalab.sources.load_balancers.arriving import Arrival

__all__ = ["Stickiness"]

_COOKIE, _CORS_COOKIE = "AWSALBTG", "AWSALBTGCORS"


class Stickiness:
    """Writes and reads the cookies of one cloud's balancers; ``key`` is a secret of theirs."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def kept(self, action: dict[str, Any], arrival: Arrival, now: float) -> str | None:
        """The group that a client is to stay with; None where there is none, or no more."""
        if _seconds(action) is None:
            return None
        values = [value for name, value in arrival.fields if name == "cookie"]
        cookies = _read("; ".join(values))
        arns = [group["TargetGroupArn"] for group in action["ForwardConfig"]["TargetGroups"]]
        for name in (_COOKIE, _CORS_COOKIE):
            for arn in arns:
                if self._holds(cookies.get(name, ""), arn, now):
                    return str(arn)
        return None

    def cookies(self, action: dict[str, Any], arn: str, now: float) -> list[tuple[str, str]]:
        """The headers that let a client stay with a group."""
        seconds = _seconds(action)
        if seconds is None:
            return []
        expires = int(now) + seconds
        value = f"{expires:x}{self._seal(expires, arn)}"
        rest = f"Expires={formatdate(expires, usegmt=True)}; Path=/"
        return [
            ("Set-Cookie", f"{_COOKIE}={value}; {rest}"),
            ("Set-Cookie", f"{_CORS_COOKIE}={value}; {rest}; SameSite=None; Secure"),
        ]

    def _holds(self, value: str, arn: str, now: float) -> bool:
        stamp, seal = value[:-64], value[-64:]
        try:
            expires = int(stamp, 16)
        except ValueError:
            return False
        own = self._seal(expires, arn)
        return expires > now and hmac.compare_digest(seal.encode(), own.encode())

    def _seal(self, expires: int, arn: str) -> str:
        return hmac.new(self._key, f"{expires} {arn}".encode(), "sha256").hexdigest()


def _seconds(action: dict[str, Any]) -> int | None:
    """For how long clients stay; None where they do not."""
    config = (action.get("ForwardConfig") or {}).get("TargetGroupStickinessConfig") or {}
    enabled = str(config.get("Enabled")).lower() == "true"
    return int(config.get("DurationSeconds") or 1) if enabled else None


def _read(text: str) -> dict[str, str]:
    try:
        return {name: one.value for name, one in SimpleCookie(text).items()}
    except CookieError:
        return {}
