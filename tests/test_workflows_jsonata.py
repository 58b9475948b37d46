"""State machines whose query language is JSONata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.conftest import StartLab
from tests.workflow_stage import Flows, flows

QUERY = "States.QueryEvaluationError"


@pytest.fixture(scope="module")
def stage(start_lab: StartLab) -> Iterator[Flows]:
    with flows(start_lab) as made:
        yield made


def passing(output: Any, **members: Any) -> dict[str, Any]:
    return {"P": {"Type": "Pass", "Output": output, "End": True, **members}}


def invoking(payload: Any, **members: Any) -> dict[str, Any]:
    arguments = {"FunctionName": "worker", "Payload": payload}
    state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": arguments}
    return state | members


def result(stage: Flows, states: dict[str, Any], given: Any = None) -> Any:
    return stage.result(states, given, QueryLanguage="JSONata")


@pytest.mark.parametrize(
    ("output", "given", "wanted"),
    [
        ("{% $states.input.a + 1 %}", {"a": 1}, 2),
        ({"x": ["{% $sum($states.input.l) %}"], "y": "as it is"}, {"l": [1, 2]},
         {"x": [3], "y": "as it is"}),
        ("{% $states.input.l %}", {"l": [1]}, [1]),
        ("{% $states.input.l[$ > 2] %}", {"l": [1, 2, 3, 4]}, [3, 4]),
        ("{% 'a\"b' & $states.input.s %}", {"s": '" \\ back\nline'}, 'a"b" \\ back\nline'),
        ("{% $states.context.Execution.RedriveCount %}", None, 0),
        ("{% $range(0, 10, 5) %}", None, [0, 5, 10]),
        ("{% $partition([1, 2, 3], 2) %}", None, [[1, 2], [3]]),
        ("{% $hash('abc', 'SHA-384') %}", None, hashlib.sha384(b"abc").hexdigest()),
        ("{% $parse($states.input.t).a %}", {"t": '{"a": [1, null]}'}, [1, None]),
        ("{% $random(7) = $random(7) %}", None, True),
        ("{% $length($uuid()) %}", None, 36),
        (" {% not an expression %} ", None, " {% not an expression %} "),
    ],
)  # fmt: skip
def test_an_expression_and_its_value(stage: Flows, output: Any, given: Any, wanted: Any) -> None:
    assert result(stage, passing(output), given) == wanted


def test_arguments_go_to_a_function_and_its_result_comes_back(stage: Flows) -> None:
    payload = {"name": "{% $states.input.name %}", "twice": "{% $states.input.n * 2 %}"}
    states = {
        "Call": invoking(
            payload, Assign={"kept": "{% $states.result.Payload.got.twice %}"},
            Output="{% $states.result.Payload.got %}", Next="P",
        ),
        **passing({"kept": "{% $kept %}", "name": "{% $states.input.name %}"}),
    }  # fmt: skip
    told = result(stage, states, {"n": 4, "name": 'a "quoted" \\ one'})
    assert told == {"kept": 8, "name": 'a "quoted" \\ one'}


def test_variables_may_hold_any_text(stage: Flows) -> None:
    states = {
        "Set": {"Type": "Pass", "Assign": {"v": "{% $states.input.s %}"}, "Next": "P"},
        **passing("{% $v & '!' %}"),
    }
    assert result(stage, states, {"s": 'it\'s "x"\n\\'}) == 'it\'s "x"\n\\!'


def test_conditions_items_and_waits(stage: Flows) -> None:
    choice = {"Condition": "{% $states.input.n > 3 and $states.input.on %}", "Next": "Each"}
    states = {
        "Choose": {"Type": "Choice", "Choices": [choice], "Default": "Never"},
        "Never": {"Type": "Fail"},
        "Each": {
            "Type": "Map", "Items": "{% [1..$states.input.n] %}", "Next": "Wait",
            "ItemProcessor": {"StartAt": "One", "States": {
                "One": {"Type": "Pass", "Output": "{% $states.input * 10 %}", "End": True},
            }},
        },
        "Wait": {"Type": "Wait", "Seconds": "{% $count($states.input) * 15 %}", "Next": "P"},
        **passing("{% $sum($states.input) %}"),
    }  # fmt: skip
    machine = stage.machine(states, QueryLanguage="JSONata")
    execution = stage.start(machine, {"n": 4, "on": True})
    stage.wind(59)
    assert stage.status(execution) == "RUNNING"
    stage.wind(2)
    assert stage.output(execution) == 100


def test_the_time_is_the_platforms(stage: Flows) -> None:
    before = stage.lab.clock.now()
    stage.lab.clock.advance(hours=2)
    now = datetime.fromisoformat(result(stage, passing("{% $now() %}")))
    assert timedelta(hours=2) <= now - before < timedelta(hours=2, minutes=5)


def test_chance_is_drawn_anew_each_time(stage: Flows) -> None:
    drawn = {result(stage, passing("{% $random() %}")) for _ in range(3)}
    assert len(drawn) == 3
    assert all(0 <= one < 1 for one in drawn)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'a' + 1", "T2001"),
        ("$states.input.", "S0211"),
        ("$states.input.nothing", "returned nothing (undefined)"),
        ("$", "returned nothing (undefined)"),
        ("$eval('1 + 1')", "$eval is not supported"),
        ("$hash('a', 'ROT13')", "not ROT13"),
        ("$parse('{')", "$parse"),
        ("($f := function($x){ $f($x) + 1 }; $f(1))", "D1011"),
        ("$sum", "returned an unsupported result type"),
    ],
)
def test_an_expression_that_is_wrong_fails_its_state(
    stage: Flows, expression: str, words: str
) -> None:
    machine = stage.machine(passing(f"{{% {expression} %}}"), QueryLanguage="JSONata")
    execution = stage.start(machine)
    error, cause = stage.failure(execution)
    assert error == QUERY
    assert words in cause
    assert "EvaluationFailed" in stage.types(execution)


FIELDS: list[tuple[dict[str, Any], str]] = [
    (passing({"a": {"b": [1, "{% $x %}"]}}), "Output/a/b[1]"),
    (passing(1, Assign={"v": "{% $x %}"}), "Assign/v"),
    ({"Call": invoking("{% $x %}", End=True)}, "Arguments/Payload"),
    ({"W": {"Type": "Wait", "Seconds": "{% $x %}", "End": True}}, "Seconds"),
    ({"F": {"Type": "Fail", "Cause": "{% $x %}"}}, "Cause"),
    ({"M": {"Type": "Map", "Items": "{% $x %}", "End": True, "ItemProcessor": {
        "StartAt": "P", "States": passing(1)}}}, "Items"),
    ({"C": {"Type": "Choice", "Default": "P", "Choices": [
        {"Condition": "{% false %}", "Next": "P"}, {"Condition": "{% $x %}", "Next": "P"}]},
      **passing(1)}, "Choices[1]/Condition"),
]  # fmt: skip


@pytest.mark.parametrize(("states", "field"), FIELDS)
def test_a_failed_expression_is_told_of_once_with_its_field(
    stage: Flows, states: dict[str, Any], field: str
) -> None:
    execution = stage.run(states, QueryLanguage="JSONata")
    (event,) = (one for one in stage.events(execution) if one["type"] == "EvaluationFailed")
    cause = (
        f"An error occurred while executing the state '{next(iter(states))}' (entered at the event "
        f"id #2). The JSONata expression '$x' specified for the field '{field}' returned nothing "
        "(undefined)."
    )
    assert event["evaluationFailedEventDetails"] == {
        "error": QUERY, "cause": cause, "location": field, "state": next(iter(states)),
    }  # fmt: skip
    assert stage.failure(execution) == (QUERY, cause)


def test_a_condition_is_true_or_false(stage: Flows) -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% 5 %}", "Next": "P"}]}
    error, cause = stage.failure(stage.run({"C": choice, **passing(1)}, QueryLanguage="JSONata"))
    assert error == QUERY
    assert cause.endswith(
        "The JSONata expression '5' specified for the field 'Choices[0]/Condition' returned an "
        "unexpected result type. Expected 'boolean', but was 'number' for value: 5"
    )


@pytest.mark.parametrize("kind", ["Parallel", "Map"])
def test_what_fails_within_is_told_of_without(stage: Flows, kind: str) -> None:
    inner = {"StartAt": "U", "States": {"U": {**passing("{% $x %}")["P"]}}}
    catch = [{"ErrorEquals": [QUERY], "Next": "P"}]
    work: dict[str, Any] = {"Type": kind, "Catch": catch, "End": True}
    work |= {"Branches": [inner]} if kind == "Parallel" else {
        "Items": [1], "ItemProcessor": inner,
    }  # fmt: skip
    told = result(stage, {"A": work, **passing("{% $states.input %}")})
    assert told["Error"] == QUERY
    assert "the state 'U'" in told["Cause"]


def test_what_is_wrong_in_an_expression_can_be_caught(stage: Flows) -> None:
    catch = [{"ErrorEquals": [QUERY], "Output": "{% $states.errorOutput.Error %}", "Next": "P"}]
    states = {"Call": invoking("{% 1 + 'a' %}", Catch=catch, End=True)}
    states |= passing({"caught": "{% $states.input %}"})
    assert result(stage, states) == {"caught": QUERY}


def test_one_state_may_have_another_language(stage: Flows) -> None:
    states = {
        "Path": {"Type": "Pass", "Parameters": {"n.$": "$.n"}, "Next": "P"},
        **passing("{% $states.input.n + 1 %}", QueryLanguage="JSONata"),
    }
    assert stage.result(states, {"n": 1}) == 2
    assert json.dumps(stage.result(states, {"n": 41})) == "42"
