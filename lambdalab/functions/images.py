"""Container images: functions are made from them as records; the lab runs no containers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdalab.errors import aws_error
from lambdalab.functions.packages import Package
from lambdalab.neighbours import ecr

__all__ = ["Image", "image", "taken"]

_ARCHIVE = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion")

# Under what is no directory: whoever deletes or renames it does nothing.
_NOWHERE = Path(os.devnull, "image", "nowhere")


@dataclass(frozen=True)
class Image(Package):
    """An image as the code of a function. Nothing of it lies on disk, and its size shows as 0.

    ``sha256`` is the digest in hexadecimal, as AWS shows it in CodeSha256; ``resolved`` names the
    image by its digest: what the tag means later changes nothing.
    """

    uri: str
    resolved: str


def taken(region: str, given: dict[str, Any], missing: str) -> Image:
    """The image that a request names; ``missing`` is the refusal of one that names none.

    A request that gives a zip archive too is refused in the same way.
    """
    uri = given.get("ImageUri")
    if not uri or any(given.get(name) is not None for name in _ARCHIVE):
        raise aws_error(missing)
    return image(region, uri)


def image(region: str, uri: str) -> Image:
    """The image that a URI names in a Region; raises AWS's errors about it."""
    algorithm, _, digest = ecr.image_digest(region, uri).partition(":")
    repository = uri.partition("@")[0] if "@" in uri else uri.rpartition(":")[0]
    return Image(
        root=_NOWHERE,
        archive=_NOWHERE,
        size=0,
        sha256=digest,
        key="",
        unpacked=0,
        uri=uri,
        resolved=f"{repository}@{algorithm}:{digest}",
    )
