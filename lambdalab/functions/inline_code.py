"""Code that stands in a template itself, packed as CloudFormation packs it.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
"""

from __future__ import annotations

import io
import zipfile

from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.stacks import cfnresponse

__all__ = ["packed"]

_FILES = {"nodejs": "index.js", "python": "index.py"}
# Of a file in the archive: an ordinary one that everybody may read.
_MODE = 0o644 << 16


def packed(source: str, runtime: str) -> bytes:
    """The deployment package, the same bytes for the same code.

    Beside the code lies the module that answers for custom resources.
    """
    family = runtime.rstrip("0123456789.x")
    if family not in _FILES:
        raise _refusal(runtime)
    answers, module = cfnresponse.of(family)
    files = {_FILES[family]: source, answers: module}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in files.items():
            # Without a date of its own: the code's SHA-256 changes only with the code.
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type = _MODE, zipfile.ZIP_DEFLATED
            package.writestr(entry, text)
    return archive.getvalue()


def _refusal(runtime: str) -> AwsError:
    return aws_error("stack.no-inline-code", runtime=runtime)
