"""The environment variables that point AWS clients of this process at a lab.

While they are exported, no other AWS_* variable is set, so nothing of the user's own configuration
(profile, endpoint, token) mixes with the lab; ``restore()`` puts everything back as it was.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

from lambdalab.lab.settings import ACCESS_KEY_ID, Settings

__all__ = ["Exports", "aws_variables", "drop_default_session"]

_PREFIX = "AWS_"
_LOOPBACK = ("127.0.0.1", "localhost")
_NO_PROXY = ("no_proxy", "NO_PROXY")

# Beside address and keys: no file and no metadata service is asked for anything, and operations
# with a host prefix ("sync-…" of Step Functions) keep the plain address, which has no subdomains.
_SILENCE = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
}


def aws_variables(endpoint_url: str, settings: Settings) -> dict[str, str]:
    """Return the variables any AWS client needs to reach the cloud at ``endpoint_url``."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": settings.secret_key,
        "AWS_DEFAULT_REGION": settings.region,
    }


class Exports:
    """The environment of this process, pointed at one lab until ``restore()``, called once."""

    def __init__(self, endpoint_url: str, settings: Settings) -> None:
        environ = os.environ
        self._before = {name: environ[name] for name in environ if _is_ours(name)}
        no_proxy = _extended_no_proxy(environ)
        _remove_ours(environ)
        environ |= aws_variables(endpoint_url, settings)
        environ |= {"AWS_REGION": settings.region, **_SILENCE, **no_proxy}
        drop_default_session()

    def restore(self) -> None:
        """Put every variable back as it was before."""
        _remove_ours(os.environ)
        os.environ.update(self._before)
        drop_default_session()


def drop_default_session() -> None:
    """Let ``boto3.client(...)`` read the environment anew; boto3 is not imported for it."""
    boto3 = sys.modules.get("boto3")
    if boto3 is not None:
        boto3.DEFAULT_SESSION = None  # type: ignore[attr-defined]


def _is_ours(name: str) -> bool:
    return name.startswith(_PREFIX) or name in _NO_PROXY


def _remove_ours(environ: MutableMapping[str, str]) -> None:
    for name in [name for name in environ if _is_ours(name)]:
        del environ[name]


def _extended_no_proxy(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Both spellings, each with loopback added to what it held (or to what the other one held)."""
    held = next((environ[name] for name in _NO_PROXY if name in environ), "")
    return {name: _with_loopback(environ.get(name, held)) for name in _NO_PROXY}


def _with_loopback(value: str) -> str:
    hosts = [host.strip() for host in value.split(",") if host.strip()]
    if hosts == ["*"]:  # everything goes without a proxy; a longer list would no longer say so
        return "*"
    return ",".join(hosts + [host for host in _LOOPBACK if host not in hosts])
