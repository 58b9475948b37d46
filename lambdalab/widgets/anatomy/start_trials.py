"""Cold starts that are measured here: real functions in a lab of their own.

For each remedy the function is changed, so that it has to start cold, and invoked; what it took
stands in the REPORT line of that invocation, in the function's own answer, and on the timeline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from botocore.config import Config

from lambdalab import Lab, facts, start
from lambdalab.clock import stopwatch
from lambdalab.widgets.anatomy.start_measured import Answer, Measured, Trial, report_of, trial_of
from lambdalab.widgets.anatomy.start_parts import LANGUAGES, LAYER_MB, StartSettings

__all__ = ["measure_cold_start"]

_MS = 1000.0
_MB = 1024 * 1024
_LONGEST: int = facts.quota("timeout.maximum").value
# Within this many seconds of platform time one provisioned environment is there.
_ALLOCATED = 2 * facts.quota("provisioned.first-wait-longest").seconds
# What a zip needs beside its content, so that the largest one may still be uploaded.
_AROUND = 8 * 1024
# Python counts the CPU time of its process, which begins with the runtime.
_PROGRAM = """\
import time
runtime, began = time.process_time(), time.perf_counter()
import os

def work(milliseconds):
    until = time.process_time() + float(milliseconds) / 1000
    while time.process_time() < until:
        pass

for number in range(int(os.environ.get("LAYERS", "0"))):
    __import__(f"layer_{number}")
work(os.environ.get("INIT_MS", "0"))
function, cpu = time.perf_counter() - began, time.process_time()

def handler(event, context):
    work(os.environ.get("HANDLER_MS", "0"))
    return {"runtime": runtime * 1000, "function": function * 1000, "cpu": cpu * 1000}
"""


def measure_cold_start(
    settings: StartSettings | None = None,
    *,
    times: int = 3,
    tell: Callable[[str], None] = lambda _: None,
    stopping: Callable[[], bool] = lambda: False,
    **changes: Any,
) -> Measured:
    """Measure the cold start of a function as it is, and with each remedy, ``times`` each.

    ``settings`` or their fields say which function; it is one in Python, whatever its language.
    Starts a lab beside any other and stops it again: the clock and the timeline of the reader's
    stay as they are. Takes some ten seconds. ``tell`` hears how far it is; ``stopping`` is asked
    between trials: then the rounds that are complete are kept. Raises ValueError for settings that
    cannot be, and when it was stopped before one round was complete.
    """
    wanted = settings or StartSettings(**changes)
    if times < 1:
        raise ValueError(f"times is {times}: measure at least once")
    variants = wanted.variants()
    with start(export=False) as lab:
        tell("deploying")
        stage = _Stage(lab, variants)
        rounds = list(_rounds(stage, times, tell, stopping))
    if not rounds:
        raise ValueError("the measurement was stopped before its first round was complete")
    trials = {name: [each[name] for each in rounds] for name in variants}
    deployed = {name: stage.deployed(each) for name, each in variants.items()}
    return Measured(wanted, trials, deployed)


def _rounds(
    stage: _Stage, times: int, tell: Callable[[str], None], stopping: Callable[[], bool]
) -> list[dict[str, Trial]]:
    """All variants in turn, again and again: what disturbs the machine disturbs them alike."""
    rounds: list[dict[str, Trial]] = []
    for number in range(times):
        tell(f"measuring, round {number + 1} of {times}")
        trials = {}
        for name in stage.variants:
            if stopping():
                return rounds
            trials[name] = stage.trial(name)
        rounds.append(trials)
    return rounds


class _Stage:
    """The functions and layers of one measurement, in a lab of its own, so its clock is wound."""

    def __init__(self, lab: Lab, variants: Mapping[str, StartSettings]) -> None:
        self.variants = variants
        self._lab = lab
        self._role = lab.role()
        self._lam = lab.client("lambda", config=Config(retries={"total_max_attempts": 1}))
        self._changes = 0
        # What each package and each layer took to deploy, in ms.
        self._took: dict[float, float] = {}
        self._layer_took: list[float] = []
        self._layers: list[str] = []
        for megabytes in {settings.package_mb for settings in variants.values()}:
            self._create(megabytes)
        for number in range(max(settings.layers for settings in variants.values())):
            self._publish_layer(number)

    def deployed(self, settings: StartSettings) -> float:
        """What the lab took to take the package and the layers of a variant in, in ms."""
        return self._took[settings.package_mb] + sum(self._layer_took[: settings.layers])

    def trial(self, variant: str) -> Trial:
        """Have a function start cold, and say what that took."""
        settings = self.variants[variant]
        name = _name(settings.package_mb)
        qualifier = self._ready(name, settings)
        cold, warm = self._invoke(name, qualifier), self._invoke(name, qualifier)
        inits = self._lab.timeline.of(name).kind("init")
        ahead = (inits[-1].duration or 0.0) * _MS if settings.provisioned else None
        return trial_of(settings, cold, warm, ahead)

    def _create(self, megabytes: float) -> None:
        package = self._lab.zip({"app.py": _PROGRAM, "ballast": _ballast(megabytes)})
        began = stopwatch()
        self._lam.create_function(
            FunctionName=_name(megabytes), Runtime=LANGUAGES["python"].runtime, Role=self._role,
            Handler="app.handler", Code={"ZipFile": package}, Timeout=_LONGEST,
        )  # fmt: skip
        self._took[megabytes] = (stopwatch() - began) * _MS
        self._lab.clock.advance(seconds=1)
        # The first environment of all has the lab start Python, which no later one waits for.
        self._invoke(_name(megabytes), "$LATEST")

    def _publish_layer(self, number: int) -> None:
        files: dict[str, str | bytes] = {
            f"python/layer_{number}.py": "",
            f"ballast_{number}": _ballast(LAYER_MB),
        }
        content = {"ZipFile": self._lab.zip(files)}
        began = stopwatch()
        made = self._lam.publish_layer_version(LayerName=f"layer-{number}", Content=content)
        self._layer_took.append((stopwatch() - began) * _MS)
        self._layers.append(made["LayerVersionArn"])

    def _ready(self, name: str, settings: StartSettings) -> str:
        """Change the function, which ends its environments; return what is to be invoked."""
        self._changes += 1
        variables = {
            "CHANGE": str(self._changes),
            "LAYERS": str(settings.layers),
            "INIT_MS": str(settings.init_ms),
            "HANDLER_MS": str(settings.handler_ms),
        }
        self._lam.update_function_configuration(
            FunctionName=name,
            MemorySize=settings.memory,
            Layers=self._layers[: settings.layers],
            SnapStart={"ApplyOn": "PublishedVersions" if settings.snap_start else "None"},
            Environment={"Variables": variables},
        )
        self._lab.clock.advance(seconds=1)
        if not (settings.snap_start or settings.provisioned):
            return "$LATEST"
        version = str(self._lam.publish_version(FunctionName=name)["Version"])
        self._lab.clock.advance(seconds=1)
        if settings.provisioned:
            self._lam.put_provisioned_concurrency_config(
                FunctionName=name, Qualifier=version, ProvisionedConcurrentExecutions=1
            )
            self._lab.clock.advance(seconds=_ALLOCATED)
        return version

    def _invoke(self, name: str, qualifier: str) -> Answer:
        began = stopwatch()
        answer = self._lam.invoke(FunctionName=name, Qualifier=qualifier, LogType="Tail")
        told = json.load(answer["Payload"])
        waited = (stopwatch() - began) * _MS
        if "FunctionError" in answer:
            raise ValueError(f"the measured function failed: {told.get('errorMessage')}")
        return Answer(waited, told, report_of(answer["LogResult"]))


def _name(megabytes: float) -> str:
    return f"starts-with-{megabytes:g}-mb".replace(".", "-")


def _ballast(megabytes: float) -> bytes:
    """What no compression makes smaller, the same on each run."""
    return Random(0).randbytes(int(megabytes * _MB) - _AROUND)  # noqa: S311 - no secret
