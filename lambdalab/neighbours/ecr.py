"""Container images in moto's ECR."""

from __future__ import annotations

import re

from lambdalab.errors import aws_error

__all__ = ["image_digest"]

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
    r"(?P<repository>[a-z0-9]+(?:[._/-][a-z0-9]+)*)"
    r"(?::(?P<tag>[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})|@(?P<digest>sha256:[0-9a-f]{64}))"
)


def image_digest(region: str, uri: str) -> str:
    """The digest of the image that a URI names; raises Lambda's errors about it.

    The image has to be in a private registry of the function's Region, and named with a tag or a
    digest; the registry may be another account's.
    """
    from moto.ecr.exceptions import ImageNotFoundException, RepositoryNotFoundException
    from moto.ecr.models import ecr_backends

    found = _URI.fullmatch(uri)
    if found is None or found["region"] != region:
        raise aws_error("package.image-invalid", image=uri)
    wanted = {"imageTag": found["tag"], "imageDigest": found["digest"]}
    backend = ecr_backends[found["account"]][region]
    try:
        (image,) = backend.describe_images(found["repository"], image_ids=[wanted])
    except (ImageNotFoundException, RepositoryNotFoundException):
        raise aws_error("package.image-missing", image=uri) from None
    return str(image.get_image_digest())
