"""While a lab runs, nothing that botocore sends leaves this machine.

All that botocore sends over HTTP goes through ``URLLib3Session.send``, also the fetching of
credentials from instance metadata; two smaller ways out beside it are closed too. botocore is
patched when it is imported (or at once, if it is loaded), never imported for it, and put back as
it was when the last lab stops. Other HTTP libraries are not watched.
"""

from __future__ import annotations

import functools
import importlib
import ipaddress
import socket
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from lambdalab.imports import AfterLoad
from lambdalab.lab.errors import RequestRefusedError

__all__ = ["install", "remove"]

_ADVICE = (
    "while a lab runs, nothing leaves this machine: take endpoint_url away, or use lab.client(...);"
    " after lab.stop() the guard is gone"
)


def is_loopback(host: str) -> bool:
    """Whether a connection to ``host`` stays on this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return _resolves_to_loopback(name)
    return _is_loopback_address(name)


def _is_loopback_address(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _resolves_to_loopback(name: str) -> bool:
    # These names are loopback by convention; a hosts file or a resolver may say something else.
    try:
        found = socket.getaddrinfo(name, None)
    except OSError:
        return True  # no such name: the connection fails by itself and goes nowhere
    return all(_is_loopback_address(str(entry[4][0])) for entry in found)


def _check(session: Any, url: str) -> None:
    """RequestRefusedError unless ``session`` would send ``url`` to this machine."""
    host = _host(url)
    if not is_loopback(host):
        raise RequestRefusedError(f"a request to {host or repr(url)} was refused: {_ADVICE}")
    proxy = session._proxy_config.proxy_url_for(url)  # noqa: SLF001 - decides as send() will
    if proxy and not is_loopback(_host(proxy)):
        raise RequestRefusedError(
            f"a request to {host} through the proxy {_host(proxy)} was refused: {_ADVICE}"
        )


def _host(url: str) -> str:
    """Return the host in ``url`` as urllib3, which connects, reads it; "" if it cannot."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        return parse_url(url).host or ""
    except LocationParseError:
        return ""


Function = Callable[..., Any]


def _guard_send(original: Function) -> Function:
    @functools.wraps(original)
    def send(self: Any, request: Any) -> Any:
        if _state.labs:
            _check(self, request.url)
        return original(self, request)

    return send


def _guard_publish(original: Function) -> Function:
    """Drop the datagrams that client-side monitoring sends elsewhere about each call."""

    @functools.wraps(original)
    def publish(self: Any, event: Any) -> Any:
        if _state.labs and not is_loopback(self._address[0]):
            return None
        return original(self, event)

    return publish


def _guard_transfer(original: Function) -> Function:
    """Keep S3 transfers on the plain client: the native one has an HTTP stack of its own."""

    @functools.wraps(original)
    def should_use(config: Any) -> Any:
        return False if _state.labs else original(config)

    return should_use


# module -> (path of the attribute in it, what makes its guarded form)
_PATCHES: dict[str, tuple[str, Callable[[Function], Function]]] = {
    "botocore.httpsession": ("URLLib3Session.send", _guard_send),
    "botocore.monitoring": ("SocketPublisher.publish", _guard_publish),
    "boto3.s3.transfer": ("_should_use_crt", _guard_transfer),
}


class _State:
    """How many labs run, and what undoes each patch."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.labs = 0
        self.undo: dict[str, Callable[[], None]] = {}


_state = _State()


def install() -> None:
    """One more lab runs."""
    with _state.lock:
        _state.labs += 1
        if _state.labs == 1:
            sys.meta_path.insert(0, _finder)
            for name in _PATCHES.keys() & sys.modules.keys():
                # Loaded already, or another thread is at it: then this waits until it is done.
                _patch(importlib.import_module(name))


def remove() -> None:
    """One lab fewer runs; with the last, everything is as it was."""
    with _state.lock:
        _state.labs -= 1
        if _state.labs == 0:
            sys.meta_path.remove(_finder)
            while _state.undo:
                _state.undo.popitem()[1]()


def _patch(module: ModuleType) -> None:
    with _state.lock:
        path, guarded = _PATCHES[module.__name__]
        if not _state.labs:
            return
        *parents, name = path.split(".")
        owner = functools.reduce(getattr, parents, module)
        original = getattr(owner, name)
        replacement = guarded(original)
        setattr(owner, name, replacement)
        _state.undo[module.__name__] = functools.partial(
            _put_back, owner, name, replacement, original
        )


def _put_back(owner: Any, name: str, replacement: Function, original: Function) -> None:
    # Another tool may have wrapped ours meanwhile: then ours stays beneath it and lets all pass.
    if getattr(owner, name) is replacement:
        setattr(owner, name, original)


_finder = AfterLoad(_PATCHES.__contains__, _patch)
