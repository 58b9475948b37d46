"""The objects that Amazon Data Firehose writes into S3: what they are called, how they are packed.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html, and AWS's objects as
docs/firehose.md of https://github.com/radkawar/stackd describes them
"""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from lambdalab.draws import identifier

__all__ = ["encoding_of", "name_of", "packed"]

_EXPRESSION = re.compile(r"!\{(firehose|timestamp):([^}]*)\}")
# The letters of Java's date patterns that prefixes are written with.
_DATES = {
    "yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "DDD": "%j",
    "YYYY": "%G",
}  # fmt: skip
_LETTERS = re.compile(r"'([^']*)'|yyyy|YYYY|MM|DDD|dd|HH|mm|ss")
_FAILED = "processing-failed"
# AWS's guide names another ending for Hadoop's form than its objects have.
_EXTENSIONS = {"GZIP": ".gz", "ZIP": ".zip", "Snappy": ".snappy", "HADOOP_SNAPPY": ".snappy"}
_ENCODINGS = {
    "GZIP": "gzip", "ZIP": "zip", "Snappy": "snappy-java", "HADOOP_SNAPPY": "hadoop-snappy",
}  # fmt: skip
# What the codecs of Hadoop and of Java's Snappy pack at a time, in bytes.
_BLOCK = 256 * 1024
_JAVA_BLOCK = 32 * 1024
# Before the blocks of Java's: its name, its version, and the oldest that reads it.
_JAVA_START = b"\x82SNAPPY\x00" + struct.pack(">II", 1, 1)


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
    pack = _PACKERS.get(compression or "")
    return pack(content) if pack else content


def encoding_of(compression: str | None) -> str | None:
    """The content encoding that an object says it has; None where it is as it came."""
    return _ENCODINGS.get(compression or "")


def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _zipped(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("records", content)
    return archive.getvalue()


def _snappy(content: bytes) -> bytes:
    """As snappy-java's streams write it: blocks, each with the length of its packed form."""
    import cramjam

    parts = [_JAVA_START]
    for start in range(0, len(content), _JAVA_BLOCK):
        made = bytes(cramjam.snappy.compress_raw(content[start : start + _JAVA_BLOCK]))
        parts.append(struct.pack(">I", len(made)) + made)
    return b"".join(parts)


def _hadoop_snappy(content: bytes) -> bytes:
    """In blocks, each with its length and that of its packed form before it."""
    import cramjam

    parts = []
    for start in range(0, len(content), _BLOCK):
        block = content[start : start + _BLOCK]
        made = bytes(cramjam.snappy.compress_raw(block))
        parts.append(struct.pack(">II", len(block), len(made)) + made)
    return b"".join(parts)


_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "GZIP": _gzipped,
    "ZIP": _zipped,
    "Snappy": _snappy,
    "HADOOP_SNAPPY": _hadoop_snappy,
}


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
