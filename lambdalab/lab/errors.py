"""The lab's own refusals. AWS's errors come from botocore and are not touched.

    LabError                  everything below
      ArgumentError           an argument cannot be used (also a ValueError)
      CloudStartError         the cloud's process did not get ready
      CloudLostError          the cloud's process ended, or does not answer
      LabStoppedError         the lab was stopped
      NotIdleError            something on the platform waits longer than one wanted to wind
      PackageError            something cannot be packed for Lambda
      RequestRefusedError     the guard kept a request on this machine
      ServiceRefusedError     Lambda does not let a service call a function

None of them is an OSError or a botocore error: botocore retries or swallows some of those.
"""

from __future__ import annotations

__all__ = [
    "ArgumentError",
    "CloudLostError",
    "CloudStartError",
    "LabError",
    "LabStoppedError",
    "NotIdleError",
    "PackageError",
    "RequestRefusedError",
    "ServiceRefusedError",
]


class LabError(Exception):
    """Says in one line what was wrong and what to do."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in place of frames that lie in the lab and in botocore.
        return [f"{type(self).__name__}: {self}"]


class ArgumentError(LabError, ValueError):
    """An argument cannot be used."""


class CloudStartError(LabError):
    """The cloud's process did not get ready."""


class CloudLostError(LabError):
    """The cloud's process ended, or does not answer."""


class LabStoppedError(LabError):
    """The lab was stopped."""


class NotIdleError(LabError):
    """Something on the platform waits longer than one wanted to wind."""


class PackageError(LabError):
    """Something cannot be packed for Lambda."""


class RequestRefusedError(LabError):
    """The guard kept a request on this machine."""


class ServiceRefusedError(LabError):
    """Lambda does not let a service call a function; ``code`` is Lambda's name for the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
