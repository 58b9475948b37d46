"""How SNS signs what it sends: with one key, whose certificate anybody can get.

moto, whose library signs, makes a key for each subscription and a certificate for each message,
keeps them all, and leaves the subject out of what is signed.
Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from lambdalab.wire import Request, Response

__all__ = ["answer", "certificate", "certificate_name", "signature"]

_FILE = "SimpleNotificationService"
_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_lock = threading.Lock()


def signature(notification: Mapping[str, str | None], version: str) -> str:
    """The signature of a notification: with SHA-1 in version 1, with SHA-256 in version 2."""
    from moto.sns.models import hashes, padding

    told = "".join(
        f"{name}\n{notification[name]}\n" for name in _SIGNED if notification.get(name) is not None
    )
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()
    return b64encode(_key().sign(told.encode(), padding.PKCS1v15(), digest)).decode()


def certificate_name() -> str:
    """The name of the file in which SNS publishes the certificate."""
    return f"{_FILE}-{_certificate().serial_number:032x}.pem"


def certificate() -> bytes:
    """The certificate, as PEM."""
    from moto.sns.models import serialization

    pem: bytes = _certificate().public_bytes(serialization.Encoding.PEM)
    return pem


def answer(request: Request) -> Response | None:
    """The certificate, where a request without a signature is for it."""
    if request.method != "GET" or not request.path.startswith(f"/{_FILE}-"):
        return None
    if request.path != f"/{certificate_name()}":
        return Response(404)
    return Response(200, certificate(), (("Content-Type", "application/x-pem-file"),))


def _key() -> Any:
    with _lock:  # the first messages may come at one time
        return _new_key()


@cache
def _new_key() -> Any:
    from moto.sns.models import rsa

    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _certificate() -> Any:
    from moto.core.utils import utcnow
    from moto.sns.models import Name, NameAttribute, NameOID, cryptography, hashes

    x509 = cryptography.x509
    name = Name([NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    key = _key()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number() >> 32)
        .not_valid_before(utcnow() - timedelta(days=1))
        .not_valid_after(utcnow() + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
