"""Checks, hints and progress for the lab notebooks.

    tasks = checks.open_lab("01", lab)
    tasks.check(1)       # a table for each criterion: start, wanted, found
    tasks.hint(1)        # the next hint, one more at each call
    tasks.progress()     # what is done

A check judges what the cloud does with inputs that the learner has not seen, never the text of
the code, so every right way passes. A lab is a module ``lab01.py``, ``lab02.py``, ... beside this
one that holds ``TITLE`` and ``TASKS``, a tuple of :class:`Task`: data, to which a lab adds only
the small functions that look and that compare.
"""

import importlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambdalab.learning.probe import Inputs, Probe, explain, fresh_inputs, out_of_reach
from lambdalab.learning.progress import NOT_VALID, Progress
from lambdalab.learning.report import CheckFailedError, Finding, Message, Overview, Report

__all__ = ["Criterion", "LabTasks", "Task", "available", "includes", "open_lab"]

SHOWN_CHARACTERS = 300
_NOT_VALID = "Not valid: this entry was not made by a check on this machine. Check the task again."


def includes(found: Any, wanted: Any) -> bool:
    """Whether found is wanted; an object may hold more members than those that are wanted."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(key in found and includes(found[key], wanted[key]) for key in wanted)
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


@dataclass(frozen=True)
class Criterion:
    """One thing that must hold.

    title: a short statement; wanted: what should be found, given the inputs of this run;
    found: what the cloud does, and it may raise anything; accept(found, wanted): the verdict.
    """

    title: str
    wanted: Callable[[Inputs], Any]
    found: Callable[[Probe, Inputs], Any]
    accept: Callable[[Any, Any], bool] = includes


@dataclass(frozen=True)
class Task:
    """One task of a lab: its title, its hints from gentle to plain, and what must hold."""

    title: str
    hints: Sequence[str]
    criteria: Sequence[Criterion]


class LabTasks:
    """The tasks of one lab, opened against one running lab. Its methods never raise.

    number: such as ``"01"``; title, tasks: from the lab's module; lab: the running lab;
    folder: where progress is kept, by default the learner's own (see progress.home).
    """

    def __init__(
        self, number: str, title: str, tasks: Sequence[Task], lab: Any, folder: Path | None = None
    ) -> None:
        self.number = number
        self.title = title
        self._tasks = {str(n): task for n, task in enumerate(tasks, 1)}
        self._lab = lab
        self._progress = Progress(folder)
        self._hints_given = dict.fromkeys(self._tasks, 0)
        self._runs = dict.fromkeys(self._tasks, 0)
        self._start = {name: [shown for shown, _ in self._look(name, {})] for name in self._tasks}

    def check(self, task: int | str, **handed: Any) -> Report | Message:
        """Judge a task now, and enter it in the progress when every criterion is met.

        handed: answers that a task asks for by name, such as a line that the learner found.
        Under nbgrader a failed check raises CheckFailedError, for nbgrader knows no other failure.
        """
        name = str(task)
        if name not in self._tasks:
            return self._no_such_task(name)
        self._runs[name] += 1
        report = self._judge(name, handed)
        if not report.passed and "NBGRADER_EXECUTION" in os.environ:
            raise CheckFailedError(repr(report))
        return report

    def hint(self, task: int | str) -> Message:
        """Give the next hint for a task; after the last one, the last one again."""
        name = str(task)
        if name not in self._tasks:
            return self._no_such_task(name)
        hints = self._tasks[name].hints
        number = self._hints_given[name] = min(self._hints_given[name] + 1, len(hints))
        return Message(f"Hint {number} of {len(hints)}: {hints[number - 1]}")

    def progress(self) -> Overview:
        """Show every task of this lab with its state: done, open, or not valid."""
        try:
            kept, remarks = self._progress.states(self.number), []
        except OSError as error:
            kept, remarks = {}, [f"Your progress could not be read: {error}"]
        rows = [(n, task.title, kept.get(n, "open")) for n, task in self._tasks.items()]
        remarks += [_NOT_VALID] if NOT_VALID in kept.values() else []
        return Overview(f"Lab {self.number}, {self.title}", rows, remarks)

    def __repr__(self) -> str:
        return repr(self.progress())

    def _repr_html_(self) -> str:
        return self.progress()._repr_html_()

    def _judge(self, name: str, handed: dict[str, Any]) -> Report:
        task, inputs = self._tasks[name], self._inputs(name)
        found = self._look(name, handed)
        findings = [
            Finding(criterion.title, start, _shown(criterion.wanted(inputs)), shown, met)
            for criterion, start, (shown, met) in zip(
                task.criteria, self._start[name], found, strict=True
            )
        ]
        report = Report(f"Task {name}, {task.title}", findings)
        return Report(
            report.title, findings, self._enter(name) if report.passed else self._help(name)
        )

    def _look(self, name: str, handed: dict[str, Any]) -> list[tuple[str, bool]]:
        """Return what is found for each criterion, as text, and whether it is accepted."""
        probe, inputs = Probe(self._lab, handed), self._inputs(name)
        seen: list[tuple[str, bool]] = []
        gone = ""
        for criterion in self._tasks[name].criteria:
            if gone:
                seen.append((f"not looked at: {gone}", False))
                continue
            try:
                found = criterion.found(probe, inputs)
                seen.append((_shown(found), criterion.accept(found, criterion.wanted(inputs))))
            except Exception as error:  # a learner's code may do anything; a check must not raise
                gone = explain(error) if out_of_reach(error) else ""
                seen.append((_shown(explain(error)), False))
        return seen

    def _inputs(self, name: str) -> Inputs:
        return fresh_inputs(f"{self.number}/{name}/{self._runs[name]}")

    def _enter(self, name: str) -> list[str]:
        try:
            self._progress.record(self.number, name)
        except OSError as error:
            return [f"The task is done, but your progress could not be saved: {error}"]
        return []

    def _help(self, name: str) -> list[str]:
        left = len(self._tasks[name].hints) - self._hints_given[name]
        return [f"For a hint, run tasks.hint({name})."] if left else []

    def _no_such_task(self, name: str) -> Message:
        return Message(
            f"Lab {self.number} has the tasks {', '.join(self._tasks)}, but no task {name}."
        )


def available() -> list[str]:
    """List the numbers of the labs that exist, such as ``["01"]``."""
    return sorted(path.stem[3:] for path in Path(__file__).parent.glob("lab[0-9][0-9].py"))


def open_lab(number: str, lab: Any, *, folder: Path | None = None) -> LabTasks:
    """Open a lab's tasks and look at the cloud as it is now: that is the start of every check.

    Raises:
        ValueError: there is no lab of that number.

    """
    if number not in available():
        raise ValueError(f"there is no lab {number!r}; there are: {', '.join(available())}")
    module = importlib.import_module(f"lambdalab.learning.lab{number}")
    return LabTasks(number, module.TITLE, module.TASKS, lab, folder)


def _shown(value: Any) -> str:
    """Write a value as one line of text: JSON as an event would show it, cut when it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    text = " ".join(text.split()) or "(empty)"
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}... (cut)"
