"""The lines that the platform writes into a function's log, and the errors that it reports.

The wording stands in ``facts``; here it is filled in.
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterable
from functools import cache

from lambdalab import facts
from lambdalab.execution.events import billed, billed_restore, runtime_version
from lambdalab.execution.spec import Outcome, RuntimeSpec

__all__ = [
    "end",
    "exit_error",
    "extension",
    "init_report",
    "init_start",
    "out_of_memory",
    "report",
    "response_too_large",
    "restore_report",
    "restore_start",
    "start",
    "telemetry_subscription",
    "timed_out",
]


@cache
def _message(name: str) -> facts.Message:
    return facts.message(name)


@cache
def _line(name: str) -> str:
    """A line's text with gaps for ``%``: lines are on the way of every invocation."""
    text = _message(name).text.replace("%", "%%")
    return re.sub(r"\{([a-z_]+)\}", r"%(\1)s", text) + "\n"


def init_start(spec: RuntimeSpec) -> str:
    """The first line of a new environment."""
    version = runtime_version(spec.runtime)
    return _line("log.init-start") % {"version": version, "arn": spec.runtime_version_arn}


def start(request_id: str, version: str) -> str:
    """The line before an invocation."""
    return _line("log.start") % {"request_id": request_id, "version": version}


def end(request_id: str) -> str:
    """The line after an invocation."""
    return _line("log.end") % {"request_id": request_id}


def report(request_id: str, outcome: Outcome, memory: int, trace: str = "") -> str:
    """The line that sums an invocation up; since August 2025 INIT is billed with it.

    ``trace`` is the tracing header of a run that X-Ray hears of: it adds a line.
    """
    line = _line("log.report")[:-1] % {
        "request_id": request_id,
        "duration": f"{outcome.duration * 1000:.2f}",
        "billed": billed(outcome),
        "memory": memory,
        "used": outcome.memory_used,
    }
    if outcome.init_duration is not None:
        line += _line("log.report-init")[:-1] % {"init": f"{outcome.init_duration * 1000:.2f}"}
    if outcome.restore_duration is not None:
        told = {"restore": _ms(outcome.restore_duration), "billed": billed_restore(outcome)}
        line += _line("log.report-restore")[:-1] % told
    if outcome.status == "timeout":
        line += _message("log.report-timeout").text
    elif outcome.platform_error:
        line += _message("log.report-error").format(error_type=outcome.error_type)
    return f"{line}\n{_traced(trace)}"


def _traced(trace: str) -> str:
    """The line of X-Ray, which belongs to the same log event."""
    if not trace:
        return ""
    parts = dict(part.partition("=")[::2] for part in trace.split(";"))
    trace_id = parts["Root"]
    return _line("log.report-trace") % {"trace_id": trace_id, "segment_id": parts["Parent"]}


def init_report(duration: float, phase: str, outcome: Outcome | None) -> str:
    """The line after an INIT, which failed where there is an outcome; ``duration`` in seconds."""
    return _phase_report("log.init-report", outcome, init=_ms(duration), phase=phase)


def restore_start(spec: RuntimeSpec) -> str:
    """The first line of an environment that comes back from a snapshot."""
    version = runtime_version(spec.runtime)
    return _line("log.restore-start") % {"version": version, "arn": spec.runtime_version_arn}


def restore_report(duration: float, outcome: Outcome | None) -> str:
    """The line after a RESTORE, which failed where there is an outcome."""
    return _phase_report("log.restore-report", outcome, restore=_ms(duration))


def _phase_report(name: str, outcome: Outcome | None, **told: str | None) -> str:
    if outcome is None:
        return _line(name) % told
    if outcome.status == "timeout":
        return _line(f"{name}-timeout") % told
    return _line(f"{name}-error") % (told | {"error_type": outcome.error_type})


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f}"


def extension(name: str, state: str, events: Iterable[str], error_type: str | None = None) -> str:
    """The line of an extension that is ready, or that failed."""
    line = _line("log.extension") % {"name": name, "state": state, "events": ", ".join(events)}
    if error_type is None:
        return line
    return line[:-1] + _line("log.extension-error") % {"error_type": error_type}


def telemetry_subscription(name: str, state: str, types: Iterable[str]) -> str:
    """The line of an extension that has subscribed to telemetry."""
    shown = ", ".join(kind.capitalize() for kind in types)
    return _line("log.telemetry") % {"name": name, "state": state, "types": shown}


def timed_out(request_id: str, timeout: int) -> Outcome:
    """The outcome of an invocation that ran longer than the function's timeout."""
    reason = _message("timeout").format(seconds=f"{timeout:.2f}")
    return _platform_error("timeout", _message("timeout").code, request_id, reason)


def out_of_memory(request_id: str) -> Outcome:
    """The outcome of an invocation that used more memory than the function has."""
    message = _message("out-of-memory")
    return _platform_error("out-of-memory", message.code, request_id, message.text)


def exit_error(request_id: str, status: int, error_type: str | None = None) -> Outcome:
    """The outcome of an invocation whose process ended; a negative status is a signal's number.

    ``error_type`` stands for AWS's usual one where something in the process has told it.
    """
    if status < 0:
        message = _message("exit-signal")
        reason = message.format(signal=_signal_name(-status))
    elif status > 0:
        message = _message("exit-status")
        reason = message.format(exit_status=status)
    else:
        message = _message("exit")
        reason = message.text
    return _platform_error("crash", error_type or message.code, request_id, reason)


def response_too_large() -> Outcome:
    """The outcome of an invocation whose result is longer than a response may be."""
    message = _message("payload.response-too-large")
    error = {"errorMessage": message.text, "errorType": message.code}
    return Outcome(_json(error), "error", message.code)


def _platform_error(status: str, kind: str | None, request_id: str, reason: str) -> Outcome:
    text = _message("function-error").format(request_id=request_id, reason=reason)
    return Outcome(_json({"errorType": kind, "errorMessage": text}), status, kind)


def _json(error: dict[str, str | None]) -> bytes:
    return json.dumps(error, separators=(",", ":")).encode()


def _signal_name(number: int) -> str:
    """A signal as Go's runtime, which writes AWS's line, describes it."""
    if number == signal.SIGKILL:
        return "killed"
    name = signal.strsignal(number) or f"signal {number}"
    return name if name.startswith(("CPU", "I/O")) else name[0].lower() + name[1:]
