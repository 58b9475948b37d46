"""The objects that Amazon Data Firehose writes into S3: what they are called, how they are packed.

Source: https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from lambdalab.draws import identifier

__all__ = ["name_of", "packed"]

_EXPRESSION = re.compile(r"!\{(firehose|timestamp):([^}]*)\}")
# The letters of Java's date patterns that prefixes are written with.
_DATES = {
    "yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "DDD": "%j",
    "YYYY": "%G",
}  # fmt: skip
_LETTERS = re.compile(r"'([^']*)'|yyyy|YYYY|MM|DDD|dd|HH|mm|ss")
_FAILED = "processing-failed"
_EXTENSIONS = {"GZIP": ".gz", "ZIP": ".zip"}


def name_of(
    destination: Mapping[str, Any],
    stream: str,
    version: str,
    time: float,
    random: Random,
    *,
    failed: bool,
) -> str:
    """The key of an object that is written at a time, in platform seconds."""
    zone = destination.get("CustomTimeZone") or "UTC"
    now = datetime.fromtimestamp(time, UTC).astimezone(ZoneInfo(zone))
    prefix = destination.get("Prefix") or ""
    if failed:
        prefix = destination.get("ErrorOutputPrefix") or f"{prefix}{_FAILED}/"
    folder = _evaluated(prefix, now, random)
    if "!{" not in prefix:
        folder = f"{folder}{now:%Y/%m/%d/%H}/"
    packing = "" if failed else _EXTENSIONS.get(destination.get("CompressionFormat") or "", "")
    extension = destination.get("FileExtension") or packing
    return f"{folder}{stream}-{version}-{now:%Y-%m-%d-%H-%M-%S}-{identifier(random)}{extension}"


def packed(content: bytes, compression: str | None) -> bytes:
    """The content in the form that a destination asks for."""
    if compression == "GZIP":
        return gzip.compress(content, mtime=0)
    if compression == "ZIP":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("records", content)
        return archive.getvalue()
    return content


def _evaluated(prefix: str, now: datetime, random: Random) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] == "timestamp":
            return _LETTERS.sub(lambda part: _date(part, now), found[2])
        if found[2] == "error-output-type":
            return _FAILED
        return "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=11))

    return _EXPRESSION.sub(value, prefix)


def _date(part: re.Match[str], now: datetime) -> str:
    return part[1] if part[1] is not None else now.strftime(_DATES[part[0]])
