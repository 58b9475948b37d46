"""The modules by which inline code answers for custom resources: ``cfnresponse``, ``cfn-response``.

moto brings a copy of AWS's for Python; that for Node.js is the lab's own.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["of"]


def of(family: str) -> tuple[str, str]:
    """The name and the source of the module for a family of runtimes: nodejs or python."""
    if family == "nodejs":
        return "cfn-response.js", Path(__file__).with_name("cfn-response.js").read_text()
    from moto.utilities.utils import load_resource_as_str

    return "cfnresponse.py", load_resource_as_str("awslambda/resources/cfnresponse.py.txt")
