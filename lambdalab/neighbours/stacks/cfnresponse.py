"""The module ``cfnresponse`` of AWS, which inline code may import; moto brings a copy."""

from __future__ import annotations

__all__ = ["source"]


def source() -> str:
    """The source of the module for Python."""
    from moto.utilities.utils import load_resource_as_str

    text: str = load_resource_as_str("awslambda/resources/cfnresponse.py.txt")
    return text
