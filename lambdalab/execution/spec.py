"""What an execution environment is made from, and what goes through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lambdalab.execution.streaming import ResponseSink
from lambdalab.neighbours.identity.sts import Credentials

__all__ = [
    "ON_DEMAND",
    "PROVISIONED",
    "SNAP_START",
    "Invocation",
    "Outcome",
    "RuntimeSpec",
]

# How an environment comes to be, as AWS_LAMBDA_INITIALIZATION_TYPE tells the function.
ON_DEMAND = "on-demand"
PROVISIONED = "provisioned-concurrency"
SNAP_START = "snap-start"


@dataclass(frozen=True)
class RuntimeSpec:
    """One version of one function, as an execution environment needs it.

    ``memory`` is in MB, ``timeout`` in seconds; ``task_root`` holds the unpacked code, ``opt`` what
    its layers put under /opt.
    ``log_level`` is the least level of logs as JSON, None for logs as text; ``system_log_level``
    that of the platform's own; ``storage`` is the size of /tmp in MB. ``initialization`` is how the
    environment comes to be.
    """

    account: str
    region: str
    name: str
    arn: str
    version: str
    runtime: str
    runtime_version_arn: str
    handler: str
    memory: int
    timeout: int
    log_group: str
    task_root: Path
    variables: dict[str, str]
    credentials: Credentials
    endpoint_url: str
    log_level: str | None = None
    system_log_level: str = "INFO"
    opt: Path | None = None
    storage: int = 512
    initialization: str = ON_DEMAND


@dataclass(frozen=True)
class Invocation:
    """One event on its way to a handler.

    ``invocation_id`` names this attempt; ``sink`` takes the parts of a response that is streamed;
    ``answered`` hears of the runtime's answer while extensions may still be at work; ``earlier``
    counts the function's runs before this one in a chain of calls; ``queued`` says that it comes
    from the queue of asynchronous invocations; ``traced`` that X-Ray hears of it, with the segment
    ``upstream`` as its parent.
    """

    request_id: str
    event: bytes
    arn: str
    trace_id: str
    client_context: str | None = None
    invocation_id: str = ""
    cognito_identity: str | None = None
    tenant_id: str | None = None
    sink: ResponseSink | None = None
    answered: Callable[[Outcome], None] | None = None
    earlier: int = 0
    traced: bool = False
    upstream: str = ""
    queued: bool = False


@dataclass
class Outcome:
    """What became of an invocation.

    ``status`` is success, error (the handler's own), init-error, timeout, crash or out-of-memory;
    ``error_type`` is set for all but success; ``began`` is platform time; ``duration`` is in
    seconds, ``memory_used`` in MB. ``init_duration`` and ``restore_duration`` are what the caller
    waited for an environment, in seconds.
    """

    payload: bytes
    status: str = "success"
    error_type: str | None = None
    began: float = 0.0
    duration: float = 0.0
    cold: bool = False
    init_duration: float | None = None
    restore_duration: float | None = None
    memory_used: int = 0
    log: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the caller sees a function error."""
        return self.status != "success"

    @property
    def platform_error(self) -> bool:
        """Whether the REPORT line names the error: not for errors that the function raised."""
        return self.status not in ("success", "error")
