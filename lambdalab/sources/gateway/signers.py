"""Who signed a request to an API, and whether it is genuine."""

from __future__ import annotations

from lambdalab.access import signing
from lambdalab.neighbours.callers import Signer, signer_of
from lambdalab.neighbours.identity import sts
from lambdalab.sources.gateway.call import Call

__all__ = ["signer"]

_SERVICE = "execute-api"


def signer(call: Call, account: str) -> Signer | None:
    """The identity that signed a request for ``execute-api``; None where nobody has.

    Raises AwsError where the key is one that this cloud has given out, and the signature is not
    its owner's.
    """
    signed_for = signing.scope(call.request)
    if signed_for is None or signed_for.service != _SERVICE:
        return None
    secret = sts.secret_of(signed_for.access_key)
    if secret is not None:
        signing.check_signature(call.request, signed_for, lambda _: secret)
    return signer_of(signed_for.access_key, account)
