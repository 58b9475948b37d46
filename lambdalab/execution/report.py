"""The lines that the platform writes into a function's log, and the errors that it reports.

The wording stands in ``facts``; here it is filled in.
"""

from __future__ import annotations

import json
import math
import signal
from functools import cache

from lambdalab import facts
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


@cache
def _message(name: str) -> facts.Message:
    return facts.message(name)


def init_start(spec: RuntimeSpec) -> str:
    """The first line of a new environment."""
    version = f"python:{spec.runtime.removeprefix('python')}.v1"
    line = _message("log.init-start").format(version=version, arn=spec.runtime_version_arn)
    return f"{line}\n"


def start(request_id: str, version: str) -> str:
    """The line before an invocation."""
    return _message("log.start").format(request_id=request_id, version=version) + "\n"


def end(request_id: str) -> str:
    """The line after an invocation."""
    return _message("log.end").format(request_id=request_id) + "\n"


def report(request_id: str, outcome: Outcome, memory: int) -> str:
    """The line that sums an invocation up; since August 2025 INIT is billed with it."""
    total = (outcome.duration + (outcome.init_duration or 0)) * 1000
    line = _message("log.report").format(
        request_id=request_id,
        duration=f"{outcome.duration * 1000:.2f}",
        billed=math.ceil(round(total, 2)),
        memory=memory,
        used=outcome.memory_used,
    )
    if outcome.init_duration is not None:
        line += _message("log.report-init").format(init=f"{outcome.init_duration * 1000:.2f}")
    if outcome.status == "timeout":
        line += _message("log.report-timeout").text
    elif outcome.platform_error:
        line += _message("log.report-error").format(error_type=outcome.error_type)
    return line + "\n"


def init_report(duration: float, phase: str, outcome: Outcome) -> str:
    """The line after an INIT that failed; ``duration`` in seconds."""
    init = f"{duration * 1000:.2f}"
    if outcome.status == "timeout":
        return _message("log.init-report-timeout").format(init=init, phase=phase) + "\n"
    error = _message("log.init-report-error")
    return error.format(init=init, phase=phase, error_type=outcome.error_type) + "\n"


def timed_out(request_id: str, timeout: int) -> Outcome:
    """The outcome of an invocation that ran longer than the function's timeout."""
    reason = _message("timeout").format(seconds=f"{timeout:.2f}")
    return _platform_error("timeout", _message("timeout"), request_id, reason)


def out_of_memory(request_id: str) -> Outcome:
    """The outcome of an invocation that used more memory than the function has."""
    message = _message("out-of-memory")
    return _platform_error("out-of-memory", message, request_id, message.text)


def exit_error(request_id: str, status: int) -> Outcome:
    """The outcome of an invocation whose process ended; a negative status is a signal's number."""
    if status < 0:
        message = _message("exit-signal")
        reason = message.format(signal=_signal_name(-status))
    elif status > 0:
        message = _message("exit-status")
        reason = message.format(exit_status=status)
    else:
        message = _message("exit")
        reason = message.text
    return _platform_error("crash", message, request_id, reason)


def response_too_large() -> Outcome:
    """The outcome of an invocation whose result is longer than a response may be."""
    message = _message("payload.response-too-large")
    error = {"errorMessage": message.text, "errorType": message.code}
    return Outcome(_json(error), "error", message.code)


def _platform_error(status: str, message: facts.Message, request_id: str, reason: str) -> Outcome:
    text = _message("function-error").format(request_id=request_id, reason=reason)
    error = {"errorType": message.code, "errorMessage": text}
    return Outcome(_json(error), status, message.code)


def _json(error: dict[str, str | None]) -> bytes:
    return json.dumps(error, separators=(",", ":")).encode()


def _signal_name(number: int) -> str:
    """A signal as Go's runtime, which writes AWS's line, describes it."""
    if number == signal.SIGKILL:
        return "killed"
    return (signal.strsignal(number) or f"signal {number}").lower()
