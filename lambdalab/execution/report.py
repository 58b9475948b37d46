"""The lines that the platform writes into a function's log, and the errors that it reports.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html and recorded
answers. Fields are separated by TABs; a REPORT line ends with TAB and line break.
"""

from __future__ import annotations

import json
import math
import signal

from lambdalab.execution.spec import Outcome, RuntimeSpec

__all__ = [
    "end",
    "exit_error",
    "init_report",
    "init_start",
    "out_of_memory",
    "report",
    "response_too_large",
    "start",
    "timed_out",
]


def init_start(spec: RuntimeSpec) -> str:
    """The first line of a new environment."""
    version = spec.runtime.removeprefix("python") or spec.runtime
    return (
        f"INIT_START Runtime Version: python:{version}.v1\t"
        f"Runtime Version ARN: {spec.runtime_version_arn}\n"
    )


def start(request_id: str, version: str) -> str:
    """The line before an invocation."""
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str) -> str:
    """The line after an invocation."""
    return f"END RequestId: {request_id}\n"


def report(request_id: str, outcome: Outcome, memory: int) -> str:
    """The line that sums an invocation up; since August 2025 INIT is billed with it."""
    total = (outcome.duration + (outcome.init_duration or 0)) * 1000
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {outcome.duration * 1000:.2f} ms",
        f"Billed Duration: {math.ceil(round(total, 2))} ms",
        f"Memory Size: {memory} MB",
        f"Max Memory Used: {outcome.memory_used} MB",
    ]
    if outcome.init_duration is not None:
        fields.append(f"Init Duration: {outcome.init_duration * 1000:.2f} ms")
    fields += _status(outcome)
    return "\t".join(fields) + "\t\n"


def init_report(duration: float, phase: str, outcome: Outcome) -> str:
    """The line after an INIT that failed; ``duration`` in seconds."""
    fields = [f"INIT_REPORT Init Duration: {duration * 1000:.2f} ms", f"Phase: {phase}"]
    return "\t".join(fields + _status(outcome)) + "\t\n"


def _status(outcome: Outcome) -> list[str]:
    if not outcome.platform_error:
        return []
    if outcome.status == "timeout":
        return ["Status: timeout"]
    return ["Status: error", f"Error Type: {outcome.error_type}"]


def timed_out(request_id: str, timeout: int) -> Outcome:
    """The outcome of an invocation that ran longer than the function's timeout."""
    return _platform_error(
        "timeout", "Sandbox.Timedout", request_id, f"Task timed out after {timeout:.2f} seconds"
    )


def out_of_memory(request_id: str) -> Outcome:
    """The outcome of an invocation that used more memory than the function has."""
    return _platform_error(
        "out-of-memory",
        "Runtime.OutOfMemory",
        request_id,
        "Runtime exited with error: signal: killed",
    )


def response_too_large(largest: int) -> Outcome:
    """The outcome of an invocation whose result is longer than a response may be."""
    # AWS counts 100 bytes of its own envelope into the figure that it prints.
    message = (
        f"Response payload size exceeded maximum allowed payload size ({largest + 100} bytes)."
    )
    error = {"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}
    return Outcome(
        json.dumps(error, separators=(",", ":")).encode(), "error", "Function.ResponseSizeTooLarge"
    )


def exit_error(request_id: str, status: int) -> Outcome:
    """The outcome of an invocation whose process ended; a negative status is a signal's number."""
    reason = "Runtime exited without providing a reason"
    if status < 0:
        reason = f"Runtime exited with error: signal: {_signal_name(-status)}"
    elif status > 0:
        reason = f"Runtime exited with error: exit status {status}"
    return _platform_error("crash", "Runtime.ExitError", request_id, reason)


def _platform_error(status: str, kind: str, request_id: str, reason: str) -> Outcome:
    error = {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {reason}"}
    return Outcome(json.dumps(error, separators=(",", ":")).encode(), status, kind)


def _signal_name(number: int) -> str:
    """A signal as Go's runtime, which writes AWS's line, describes it."""
    if number == signal.SIGKILL:
        return "killed"
    return (signal.strsignal(number) or f"signal {number}").lower()
