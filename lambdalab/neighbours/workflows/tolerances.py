"""How many iterations of a map may fail before the map does.

moto reads what a map tolerates and does nothing about it: a distributed map with failures succeeds.
Where both a count and a percentage are given, the smaller one holds.
Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.workflows.failures import failure

__all__ = ["allowed", "exceeded", "install"]

_STATE = "lambdalab_map_state"
_PERCENTAGE = "ToleratedFailurePercentage"


def install() -> None:
    """Let maps fail when more has failed than they tolerate."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_map import state_map
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
        distributed_iteration_component,
    )
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

    state_map.StateMap._eval_execution = _known(state_map.StateMap._eval_execution)
    distributed = distributed_iteration_component.DistributedIterationComponent
    distributed._map_run = _counted(distributed._map_run)
    AmazonStateLanguageParser.parse = staticmethod(_reading(AmazonStateLanguageParser.parse))


def allowed(env: Any, items: int) -> int | None:
    """How many of the items of the map that runs here may fail; None where it does not say."""
    state = getattr(env, _STATE)
    count, percentage = (
        _value(env, part)
        for part in (state.tolerated_failure_count_decl, state.tolerated_failure_percentage_decl)
    )
    return _smaller(count, percentage, items)


def exceeded(env: Any) -> Exception:
    """More has failed than the map tolerates."""
    cause = facts.message("workflow.tolerance").text
    return failure(env, "States.ExceedToleratedFailureThreshold", cause)


def _smaller(count: float, percentage: float, items: int) -> int | None:
    said = [int(count)] if count else []
    if percentage:
        said.append(math.floor(items * percentage / 100))
    return min(said, default=None)


def _value(env: Any, part: Any) -> float:
    frame = env.open_frame()
    frame.states.reset(env.states.get_input())
    frame.stack = [env.states.get_input()]
    try:
        part.eval(env=frame)
        return float(frame.stack.pop())
    finally:
        env.delete_frame(frame)


def _known(evaluate: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def run(state: Any, env: Any) -> None:
        setattr(env, _STATE, state)
        evaluate(state, env)

    return run


def _counted(run_map: Callable[[Any, Any, Any], None]) -> Callable[[Any, Any, Any], None]:
    """A distributed map that tolerates nothing fails with its first item."""

    def run(component: Any, env: Any, eval_input: Any) -> None:
        run_map(component, env, eval_input)
        record = eval_input.map_run_record
        counts = record.item_counter.describe()
        tolerated = _smaller(
            record.tolerated_failure_count, record.tolerated_failure_percentage, counts["total"]
        )
        if counts["failed"] > (tolerated or 0):
            raise exceeded(env)

    return run


def _reading(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Moto's grammar wants a point in each percentage."""

    @wraps(parse)
    def run(definition: str) -> Any:
        if _PERCENTAGE in definition:
            definition = json.dumps(json.loads(definition, object_hook=_with_points))
        return parse(definition)

    return run


def _with_points(member: dict[str, Any]) -> dict[str, Any]:
    if isinstance(member.get(_PERCENTAGE), int):
        member[_PERCENTAGE] = float(member[_PERCENTAGE])
    return member
