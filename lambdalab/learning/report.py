"""What a learner sees of a check, a hint or the progress: HTML, and a plain twin of it."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from lambdalab.lab.tables import html_table

__all__ = ["CheckFailedError", "Finding", "Message", "Overview", "Report"]

_MARKS = {True: ("✓", "met"), False: ("✗", "not met")}
_STATES = {"done": "✓", "not valid": "✗", "open": "○"}


class CheckFailedError(AssertionError):
    """A failed check where a failure has to raise: nbgrader counts nothing else as failed."""


@dataclass(frozen=True)
class Message:
    """One sentence, or a few."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text)}</p>"


@dataclass(frozen=True)
class Finding:
    """One criterion of a task, judged. The three states are texts for people."""

    criterion: str
    start: str
    wanted: str
    found: str
    met: bool

    @property
    def mark(self) -> str:
        """Tick or cross, with the word that says the same."""
        return " ".join(_MARKS[self.met])


@dataclass(frozen=True)
class Report:
    """The outcome of a check: one finding for each criterion.

    title: names the task; remarks: sentences below the table, such as why nothing was saved.
    """

    title: str
    findings: Sequence[Finding]
    remarks: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether every criterion is met."""
        return all(finding.met for finding in self.findings)

    @property
    def heading(self) -> str:
        """The outcome in words: ``Task 1, a greeting: not yet, 2 of 4 criteria met``."""
        met = sum(finding.met for finding in self.findings)
        outcome = "done" if self.passed else "not yet"
        return f"{self.title}: {outcome}, {met} of {len(self.findings)} criteria met"

    def __repr__(self) -> str:
        blocks = [
            f"{finding.mark}: {finding.criterion}\n"
            f"    start:  {finding.start}\n"
            f"    wanted: {finding.wanted}\n"
            f"    found:  {finding.found}"
            for finding in self.findings
        ]
        return "\n".join([self.heading, *blocks, *self.remarks])

    def _repr_html_(self) -> str:
        columns = {
            "Criterion": [finding.criterion for finding in self.findings],
            "Start": [finding.start for finding in self.findings],
            "Wanted": [finding.wanted for finding in self.findings],
            "Found": [finding.found for finding in self.findings],
            "Verdict": [finding.mark for finding in self.findings],
        }
        return html_table(columns, self.heading) + _paragraphs(self.remarks)


@dataclass(frozen=True)
class Overview:
    """The tasks of a lab, each as (number, title, state); states: done, not valid, open."""

    title: str
    tasks: Sequence[tuple[str, str, str]]
    remarks: Sequence[str] = ()

    @property
    def heading(self) -> str:
        """The lab and how many of its tasks are done."""
        done = sum(state == "done" for _, _, state in self.tasks)
        return f"{self.title}: {done} of {len(self.tasks)} tasks done"

    def __repr__(self) -> str:
        rows = [f"{_STATES[state]} {state}: task {n}, {title}" for n, title, state in self.tasks]
        return "\n".join([self.heading, *rows, *self.remarks])

    def _repr_html_(self) -> str:
        columns = {
            "Task": [f"{n}. {title}" for n, title, _ in self.tasks],
            "State": [f"{_STATES[state]} {state}" for _, _, state in self.tasks],
        }
        return html_table(columns, self.heading) + _paragraphs(self.remarks)


def _paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts)
