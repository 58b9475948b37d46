"""Function URLs: an HTTP address for a function or an alias of it.

The addresses are kept here; ``sources/function_urls`` answers on them.
Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

from __future__ import annotations

import string
from random import Random
from typing import Any, NamedTuple

from lambdalab.clock import LabClock
from lambdalab.errors import aws_error
from lambdalab.functions.arns import LATEST
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.paging import page
from lambdalab.functions.records import Function

__all__ = ["URL", "FunctionUrl", "UrlService"]

# The kind under which a URL is attached.
URL = "function URL"

_ID_LETTERS = string.ascii_lowercase + string.digits
_ID_LENGTH = 32
_NO_FUNCTION = "function.missing-for-url"
# The same words for whatever does not exist.
_MISSING = "resource.missing"


class FunctionUrl(NamedTuple):
    """One address: the function, the qualifier under which the URL is kept, and its settings."""

    function: Function
    key: str
    settings: dict[str, Any]

    @property
    def qualifier(self) -> str | None:
        """The alias that the address is for; None for the function itself."""
        return None if self.key == LATEST else self.key

    @property
    def arn(self) -> str:
        """The ARN of what it invokes."""
        return self.function.qualified_arn(self.qualifier)


class UrlService:
    """The operations on function URLs."""

    def __init__(self, directory: Directory, clock: LabClock, draw: Random) -> None:
        self._directory = directory
        self._clock = clock
        self._random = draw
        self._places: dict[str, tuple[Function, str]] = {}

    def find(self, name: str) -> FunctionUrl | None:
        """The URL whose address begins with that name; None where there is none (any more)."""
        place = self._places.get(name)
        if place is None:
            return None
        function, key = place
        settings = function.attachments(URL).get(key)
        if function.deleted or settings is None or _name(settings) != name:
            del self._places[name]
            return None
        return FunctionUrl(function, key, settings)

    def create_function_url_config(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """CreateFunctionUrlConfig."""
        function, key = self._target(caller, given)
        urls = function.attachments(URL)
        arn = function.qualified_arn(None if key == LATEST else key)
        if key in urls:
            raise aws_error("url.exists", arn=arn)
        now = self._now()
        chosen = {name: given[name] for name in ("AuthType", "InvokeMode") if name in given}
        urls[key] = {
            "FunctionUrl": self._address(function),
            "FunctionArn": arn,
            **chosen,
            **_cors(given),
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        self._places[_name(urls[key])] = (function, key)
        return _without(urls[key], "LastModifiedTime")

    def get_function_url_config(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """GetFunctionUrlConfig."""
        urls, key = self._find(caller, given)
        return _complete(urls[key])

    def update_function_url_config(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """UpdateFunctionUrlConfig: only what is given changes; the address never does."""
        self._target(caller, given)
        urls, key = self._find(caller, given)
        chosen = {name: given[name] for name in ("AuthType", "InvokeMode") if name in given}
        before = _without(urls[key], "Cors") if "Cors" in given else urls[key]
        urls[key] = {**before, **chosen, **_cors(given), "LastModifiedTime": self._now()}
        changed: dict[str, Any] = urls[key]
        return changed

    def delete_function_url_config(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """DeleteFunctionUrlConfig; the function's policy stays as it is."""
        urls, key = self._find(caller, given)
        del urls[key]
        return {}

    def list_function_url_configs(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """ListFunctionUrlConfigs."""
        function = self._directory.function(caller, given, _NO_FUNCTION)
        urls = sorted(function.attachments(URL).items())
        rows, more = page(given, urls, lambda row: row[0])
        return {**more, "FunctionUrlConfigs": [_complete(url) for _, url in rows]}

    def _target(self, caller: Caller, given: dict[str, Any]) -> tuple[Function, str]:
        """The function, and the qualifier under which its URL is kept."""
        wanted = self._directory.identify(caller, given)
        function = self._directory.registry.get(wanted)
        if function is None or (wanted.qualifier and wanted.qualifier not in function.aliases):
            raise aws_error(_NO_FUNCTION)
        return function, wanted.qualifier or LATEST

    def _find(self, caller: Caller, given: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The URLs of a function and the qualifier of the one that is meant, which is there."""
        wanted = self._directory.identify(caller, given)
        key = wanted.qualifier or LATEST
        function = self._directory.registry.get(wanted)
        urls = function.attachments(URL) if function else {}
        if key not in urls:
            raise aws_error(_MISSING)
        return urls, key

    def _address(self, function: Function) -> str:
        name = "".join(self._random.choices(_ID_LETTERS, k=_ID_LENGTH))
        return f"https://{name}.lambda-url.{function.id.region}.on.aws/"

    def _now(self) -> str:
        return f"{self._clock.utc():%Y-%m-%dT%H:%M:%S.%fZ}"


def _name(settings: dict[str, Any]) -> str:
    """The first part of an address."""
    address: str = settings["FunctionUrl"]
    return address.removeprefix("https://").partition(".")[0]


def _cors(given: dict[str, Any]) -> dict[str, Any]:
    """The settings for other origins, where there are any."""
    return {"Cors": given["Cors"]} if given.get("Cors") else {}


def _complete(url: dict[str, Any]) -> dict[str, Any]:
    """A URL as it is read: the invoke mode is told even when nobody has chosen it."""
    return {"InvokeMode": "BUFFERED", **url}


def _without(url: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: value for name, value in url.items() if name != member}
