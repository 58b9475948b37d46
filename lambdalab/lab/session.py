"""A boto3 session that reaches one cloud, whatever environment and profile files say."""

from __future__ import annotations

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from lambdalab.lab.settings import ACCESS_KEY_ID, Settings

__all__ = ["make_session"]

_NO_FILES = {"config_file": os.devnull, "credentials_file": os.devnull}

# Each would bend or refuse the address: proxies, other endpoint variants, "sync-" before the host.
_CONFIG: dict[str, Any] = {
    "proxies": {},
    "use_fips_endpoint": False,
    "use_dualstack_endpoint": False,
    "inject_host_prefix": False,
}


# boto3's presigned URLs for us-east-1 tell when they end, but not when they were made: nothing then
# tells how far the lab's clock was wound in between. With Signature Version 4 they tell both.
_DATED = Config(signature_version="s3v4")


class _LabSession(botocore.session.Session):
    """A botocore session whose clients go to the lab unless they are told otherwise."""

    lab_endpoint_url: str

    def create_client(self, *args: Any, **options: Any) -> Any:
        if options.get("endpoint_url") is None:
            options["endpoint_url"] = self.lab_endpoint_url
        if "s3" in (*args[:1], options.get("service_name")):
            options["config"] = _DATED.merge(options.get("config") or Config())
        return super().create_client(*args, **options)


def make_session(endpoint_url: str, settings: Settings) -> boto3.Session:
    """Make a session for the cloud at ``endpoint_url``; nothing of the user's is read for it."""
    session = _LabSession(session_vars=_without_environment())
    session.lab_endpoint_url = endpoint_url
    session.set_default_client_config(Config(**_CONFIG))
    session.set_credentials(ACCESS_KEY_ID, settings.secret_key, account_id=settings.account)
    return boto3.Session(botocore_session=session, region_name=settings.region)


def _without_environment() -> dict[str, Any]:
    """Return botocore's variables without the environment variables that set them."""
    return {
        name: (in_file, None, _NO_FILES.get(name, default), convert)
        for name, (in_file, _, default, convert) in (
            botocore.session.Session.SESSION_VARIABLES.items()
        )
    }
