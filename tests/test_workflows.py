"""Step Functions: states, data, errors, histories, and how functions are called from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from botocore.config import Config

from tests.conftest import StartLab
from tests.engine import refusal
from tests.workflow_stage import INVOKE, Flows, flows, invoke, task

PASS = {"Type": "Pass", "End": True}


@pytest.fixture(scope="module")
def stage(start_lab: StartLab) -> Iterator[Flows]:
    with flows(start_lab) as stage:
        yield stage


# ---- functions as tasks


def test_a_function_is_called_by_its_arn_or_by_the_optimized_integration(stage: Flows) -> None:
    states = {
        "A": task(stage.worker, Next="B"),
        "B": invoke("worker", OutputPath="$.Payload"),
    }
    execution = stage.run(states, {"n": 1})
    assert stage.output(execution) == {"got": {"got": {"n": 1}}}
    assert stage.types(execution) == [
        "ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled",
        "LambdaFunctionStarted", "LambdaFunctionSucceeded", "TaskStateExited",
        "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited",
        "ExecutionSucceeded",
    ]  # fmt: skip


def test_events_tell_what_came_before_and_hold_what_went_in_and_out(stage: Flows) -> None:
    events = stage.events(stage.run({"A": invoke("worker")}, {"n": 1}))
    assert [(event["id"], event["previousEventId"]) for event in events] == [
        (1, 0), (2, 0), (3, 2), (4, 3), (5, 4), (6, 5), (7, 6),
    ]  # fmt: skip
    assert events[0]["executionStartedEventDetails"] == {
        "input": '{"n":1}', "inputDetails": {"truncated": False}, "roleArn": stage.role,
    }  # fmt: skip
    assert events[2]["taskScheduledEventDetails"] == {
        "resourceType": "lambda", "resource": "invoke", "region": "us-east-1",
        "parameters": '{"FunctionName":"worker","Payload":{"n":1}}',
    }  # fmt: skip
    output = json.loads(events[4]["taskSucceededEventDetails"]["output"])
    assert output["Payload"] == {"got": {"n": 1}}
    assert output["StatusCode"] == output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert output["ExecutedVersion"] == "$LATEST"
    assert list(output["SdkHttpMetadata"]["HttpHeaders"]) == [
        "X-Amz-Executed-Version", "x-amzn-Remapped-Content-Length", "Connection",
        "x-amzn-RequestId", "Content-Length", "Date", "X-Amzn-Trace-Id", "Content-Type",
    ]  # fmt: skip


def test_the_push_is_on_the_timeline(stage: Flows) -> None:
    stage.run({"A": task(stage.worker)})
    last = [record for record in stage.lab.timeline if record.kind == "push"][-1]
    assert (last.function, last.detail["how"]) == ("worker", "synchronous")


@pytest.mark.parametrize("name", ["worker:1", "worker", "123456789012:function:worker", "arn"])
def test_a_function_has_many_names(stage: Flows, name: str) -> None:
    if name == "worker:1":
        assert stage.lam.publish_version(FunctionName="worker")["Version"] == "1"
    parameters = {"FunctionName": stage.worker if name == "arn" else name, "Payload": {"n": 1}}
    told = stage.result({"A": task(INVOKE, Parameters=parameters)})
    assert told["Payload"] == {"got": {"n": 1}}
    assert told["ExecutedVersion"] == ("1" if name == "worker:1" else "$LATEST")


def test_an_event_is_left_behind_where_the_task_says_so(stage: Flows) -> None:
    parameters = {"FunctionName": "keeper", "InvocationType": "Event", "Payload": {"token": "t9"}}
    told = stage.result({"A": task(INVOKE, Parameters=parameters)})
    stage.wind()
    assert told["StatusCode"] == 202
    assert stage.token() == "t9"


# ---- errors


def test_an_error_of_the_function_keeps_its_type(stage: Flows) -> None:
    direct = stage.run({"A": task(stage.worker)}, {"fail": "OutOfStock"})
    error, cause = stage.failure(direct)
    assert error == "OutOfStock"
    assert json.loads(cause)["errorMessage"] == "as the event wants it"
    assert ', "errorType": ' in cause  # as the function gave it
    assert stage.types(direct)[-2:] == ["LambdaFunctionFailed", "ExecutionFailed"]
    optimized = stage.run({"A": invoke("worker")}, {"fail": "OutOfStock"})
    assert stage.failure(optimized)[0] == "OutOfStock"
    assert ',"errorType":' in stage.failure(optimized)[1]  # as Step Functions writes it
    assert stage.types(optimized)[-2:] == ["TaskFailed", "ExecutionFailed"]


def test_errors_of_the_lambda_service_have_its_name_before_theirs(stage: Flows) -> None:
    error, cause = stage.failure(stage.run({"A": invoke("nobody")}))
    arn = stage.worker.replace("worker", "nobody")
    assert error == "Lambda.ResourceNotFoundException"
    assert cause.startswith(f"Function not found: {arn} (Service: AWSLambda; Status Code: 404; ")
    stage.lam.put_function_concurrency(FunctionName="keeper", ReservedConcurrentExecutions=0)
    error, _ = stage.failure(stage.run({"A": invoke("keeper")}))
    stage.lam.delete_function_concurrency(FunctionName="keeper")
    assert error == "Lambda.TooManyRequestsException"


def test_a_timeout_of_the_function_is_an_error_of_its_sandbox(stage: Flows) -> None:
    code = "import time\ndef handler(event, context):\n    time.sleep(9)"
    stage.function("slow", code, Timeout=1)
    execution = stage.run({"A": invoke("slow")})
    assert stage.failure(execution)[0] == "Sandbox.Timedout"


def test_an_error_without_a_type_is_unknown(stage: Flows) -> None:
    caught = {"ErrorEquals": ["Lambda.Unknown"], "Next": "B"}
    code = """
def handler(event, context):
    class Odd(Exception):
        pass
    Odd.__name__ = ""
    raise Odd("odd")
"""
    stage.function("odd", code)
    states = {"A": invoke("odd", Catch=[caught]), "B": PASS}
    found = stage.run(states)
    assert stage.status(found) in ("SUCCEEDED", "FAILED")


def test_a_catcher_takes_the_first_error_that_it_names(stage: Flows) -> None:
    catch = [
        {"ErrorEquals": ["OutOfStock"], "ResultPath": "$.error", "Next": "Sorry"},
        {"ErrorEquals": ["States.ALL"], "Next": "Broken"},
    ]
    states = {
        "A": invoke("worker", Catch=catch),
        "Sorry": {"Type": "Pass", "Result": "sorry", "ResultPath": "$.told", "End": True},
        "Broken": {"Type": "Pass", "Result": "broken", "End": True},
    }
    told = stage.result(states, {"fail": "OutOfStock"})
    assert (told["told"], told["error"]["Error"]) == ("sorry", "OutOfStock")
    assert json.loads(told["error"]["Cause"])["errorType"] == "OutOfStock"
    assert stage.result(states, {"fail": "Other"}) == "broken"


def test_task_failed_stands_for_every_error_but_a_timeout(stage: Flows) -> None:
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "B"}]
    assert stage.result({"A": invoke("worker", Catch=catch), "B": PASS}, {"fail": "X"})


def test_too_large_a_result_fails(stage: Flows) -> None:
    execution = stage.run({"A": task(stage.worker)}, {"big": 300_000})
    assert stage.failure(execution)[0] == "States.DataLimitExceeded"


@pytest.mark.parametrize("name", ["States.ALL", "States.TaskFailed"])
def test_no_wildcard_stands_for_what_is_too_large(stage: Flows, name: str) -> None:
    catch = [{"ErrorEquals": [name], "Next": "B"}]
    states = {"A": task(stage.worker, Catch=catch), "B": PASS}
    execution = stage.run(states, {"big": 300_000})
    assert stage.failure(execution)[0] == "States.DataLimitExceeded"


# ---- other states


def test_a_choice_looks_at_its_input(stage: Flows) -> None:
    rules = [
        {"Variable": "$.n", "NumericGreaterThan": 10, "Next": "Large"},
        {
            "And": [
                {"Variable": "$.name", "IsPresent": True},
                {"Variable": "$.name", "StringMatches": "a*"},
            ],
            "Next": "Named",
        },
    ]
    states: dict[str, Any] = {"C": {"Type": "Choice", "Choices": rules, "Default": "Other"}}
    states |= {name: {**PASS, "Result": name} for name in ("Large", "Named", "Other")}
    machine = stage.machine(states)
    given = [{"n": 11}, {"n": 1, "name": "anna"}, {"n": 1}]
    told = [stage.output(stage.start(machine, one)) for one in given]
    assert told == ["Large", "Named", "Other"]


def test_a_map_calls_a_function_for_each_item_and_keeps_their_order(stage: Flows) -> None:
    inner = {"StartAt": "I", "States": {"I": task(stage.worker)}}
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, **inner}
    mapped = {
        "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "End": True,
        "ItemSelector": {"item.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index"},
        "ItemProcessor": processor,
    }  # fmt: skip
    execution = stage.run({"M": mapped}, {"items": ["a", "b", "c"]})
    assert stage.output(execution) == [
        {"got": {"item": item, "index": index}} for index, item in enumerate("abc")
    ]
    types = stage.types(execution)
    assert types.count("MapIterationSucceeded") == types.count("MapIterationStarted") == 3


def test_a_map_that_fails_fails_as_its_item_did(stage: Flows) -> None:
    inner = {"StartAt": "I", "States": {"I": task(stage.worker)}}
    mapped = {"Type": "Map", "Iterator": inner, "End": True}
    execution = stage.run({"M": mapped}, [{"n": 1}, {"fail": "Odd"}])
    assert stage.failure(execution)[0] == "Odd"
    assert "MapIterationFailed" in stage.types(execution)


def test_branches_run_side_by_side_and_the_first_error_ends_all(stage: Flows) -> None:
    wait = {"Type": "Wait", "Seconds": 3600, "End": True}
    branches = [
        {"StartAt": "W", "States": {"W": wait}},
        {"StartAt": "T", "States": {"T": task(stage.worker)}},
    ]
    catch = [{"ErrorEquals": ["Odd"], "ResultPath": "$.error", "Next": "P"}]
    both = {"Type": "Parallel", "Branches": branches, "Catch": catch, "End": True}
    execution = stage.run({"B": both, "P": PASS}, {"fail": "Odd"})
    assert stage.output(execution)["error"]["Error"] == "Odd"
    assert stage.times(execution, "ExecutionSucceeded") == [0]


def test_a_machine_may_end_in_failure(stage: Flows) -> None:
    states = {"F": {"Type": "Fail", "Error": "Refused", "Cause": "no stock"}}
    execution = stage.run(states)
    assert stage.failure(execution) == ("Refused", "no stock")
    assert stage.types(execution) == ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]


def test_data_are_selected_shaped_and_put_where_they_belong(stage: Flows) -> None:
    shaped = invoke(
        "worker",
        InputPath="$.order",
        Parameters={
            "FunctionName": "worker",
            "Payload": {
                "text.$": "States.Format('{} for {}', $.item, $$.Execution.Name)",
                "parts.$": "States.StringSplit('a,b', ',')",
            },
        },
        ResultSelector={"text.$": "$.Payload.got.text", "parts.$": "$.Payload.got.parts"},
        ResultPath="$.result",
        OutputPath="$.result",
    )
    machine = stage.machine({"A": shaped})
    execution = stage.start(machine, {"order": {"item": "tea"}}, name="n-1")
    assert stage.output(execution) == {"text": "tea for n-1", "parts": ["a", "b"]}


def test_a_path_gives_a_value_where_it_can_lead_to_one_place_only(stage: Flows) -> None:
    read = {"first.$": "$.rows[0].n", "all.$": "$.rows[*].n", "some.$": "$.rows[?(@.n > 1)].n"}
    states = {"A": {"Type": "Pass", "Parameters": read, "End": True}}
    machine = stage.machine(states)
    rows = [{"n": 1}, {"n": 2}]
    told = stage.output(stage.start(machine, {"rows": rows}))
    assert told == {"first": 1, "all": [1, 2], "some": [2]}
    told = stage.output(stage.start(machine, {"rows": rows[1:]}))
    assert told == {"first": 2, "all": [2], "some": [2]}


def test_a_path_that_leads_nowhere_is_an_error_of_the_runtime(stage: Flows) -> None:
    error, cause = stage.failure(stage.run({"A": invoke("worker", InputPath="$.nothing")}))
    assert error == "States.Runtime"
    assert "$.nothing" in cause


def test_variables_are_kept_from_state_to_state(stage: Flows) -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"n.$": "$.n"}, "Next": "B"},
        "B": {"Type": "Pass", "Result": {}, "Next": "C"},
        "C": {"Type": "Pass", "Parameters": {"n.$": "$n"}, "End": True},
    }
    assert stage.result(states, {"n": 5}) == {"n": 5}


# ---- other services


def test_tasks_reach_the_services_of_the_lab_as_their_role(stage: Flows) -> None:
    url = stage.lab.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    sent = {"QueueUrl": url, "MessageBody": {"n": 1}}
    read = {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]}
    states = {
        "A": task("arn:aws:states:::sqs:sendMessage", Parameters=sent, Next="B"),
        "B": task("arn:aws:states:::aws-sdk:sqs:getQueueAttributes", Parameters=read),
    }
    told = stage.result(states)
    assert told == {"Attributes": {"ApproximateNumberOfMessages": "1"}}


def test_a_machine_waits_for_another(stage: Flows) -> None:
    inner = stage.machine(
        {"W": {"Type": "Wait", "Seconds": 60, "Next": "A"}, "A": invoke("worker")}
    )
    outer = {
        "A": task(
            "arn:aws:states:::states:startExecution.sync:2",
            Parameters={"StateMachineArn": inner, "Input": {"n": 1}},
        )
    }
    execution = stage.run(outer)
    assert stage.status(execution) == "RUNNING"
    stage.wind(60)
    told = stage.output(execution)
    assert (told["Status"], told["Output"]["Payload"]) == ("SUCCEEDED", {"got": {"n": 1}})


# ---- what is refused


def of(state: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": {"A": state}, **members}


ROWS: list[tuple[Any, str]] = [
    ({}, "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /"),
    ({"StartAt": "A"}, "SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /"),
    (
        {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Z"}}},
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: Z at /States/A/Next",
    ),
    (
        {"StartAt": "A", "States": {"A": PASS, "B": PASS}},
        'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B',
    ),
    (
        {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "x", "End": True}}},
        "SCHEMA_VALIDATION_FAILED: Value is not a valid resource ARN at /States/A/Resource",
    ),
    (
        "not a definition",
        "INVALID_JSON_DESCRIPTION: Unrecognized token 'not': was expecting "
        "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n"
        ' at [Source: (String)"not a definition"; line: 1, column: 4]',
    ),
    (
        {"StartAt": "A", "States": {"A": PASS}, "Foo": 1},
        "SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /",
    ),
    (
        of({**PASS, "_note": 1}),
        "SCHEMA_VALIDATION_FAILED: Field '_note' is not supported at /States/A",
    ),
    (
        of({**PASS, "Catch": []}),
        "SCHEMA_VALIDATION_FAILED: Field 'Catch' is not supported at /States/A",
    ),
    (
        of({**PASS, "Parameters": {"n": {"a.$": "a"}}}),
        "SCHEMA_VALIDATION_FAILED: The value for the field 'a.$' must be a valid JSONPath or a "
        "valid intrinsic function call at /States/A/Parameters/n",
    ),
    (
        of({"Type": "Choice", "Default": "A"}),
        "SCHEMA_VALIDATION_FAILED: These fields are required: [Choices] at /States/A",
    ),
    (
        of(task(f"{INVOKE}.sync")),
        f"SCHEMA_VALIDATION_FAILED: The resource provided {INVOKE}.sync is not recognized. The "
        "value is not a valid resource ARN, or the resource is not available in this region. "
        "at /States/A/Resource",
    ),
    (
        of(task("arn:aws:states:::http:invoke")),
        "SCHEMA_VALIDATION_FAILED: Lambda Lab does not act on the service integration http yet. "
        "at /States/A/Resource",
    ),
]


@pytest.mark.parametrize(("definition", "problem"), ROWS)
def test_a_wrong_definition_is_refused_with_its_place(
    stage: Flows, definition: Any, problem: str
) -> None:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    found = refusal(stage.define, definition=text)
    assert found.code == "InvalidDefinition"
    assert found.message == f"Invalid State Machine Definition: '{problem}'"
    validated = stage.sfn.validate_state_machine_definition(definition=text)
    assert (validated["result"], len(validated["diagnostics"])) == ("FAIL", 1)


MISSHAPEN: list[Any] = [
    5, [], "text", {"StartAt": ["A"], "States": {"A": PASS}}, {"StartAt": "A", "States": ["A"]},
    {"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": 5}}},
    {"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [{"Next": {}}]}}},
    {"StartAt": "A", "States": {"A": {"Type": "Parallel", "Branches": 5, "End": True}}},
    {"StartAt": "A", "States": {"A": {"Type": "Map", "Iterator": [], "End": True}}},
    {"StartAt": "A", "States": {"A": {**PASS, "Catch": "x"}}},
    {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": -5, "End": True}}},
    {"StartAt": "A", "States": {"A": {"Type": "Wait", "Timestamp": "soon", "End": True}}},
    of({**PASS, "Next": "A"}), of({"Type": "Fail", "Next": "A"}), of({"Type": "Wait", "End": True}),
    of({"Type": "Wait", "Seconds": 1, "SecondsPath": "$.n", "End": True}),
    of({**PASS, "ResultPath": "$.l[*]"}), of({**PASS, "Parameters": {"a.$": "States.Foo(1)"}}),
    of({**PASS, "InputPath": "$"}, QueryLanguage="JSONata"), of({**PASS, "Output": 1}),
    of(task(INVOKE, TimeoutSeconds=0)), of(task(INVOKE, Catch=[{"ErrorEquals": ["X"]}])),
    of(task(INVOKE, Retry=[{"ErrorEquals": ["States.ALL", "X"]}])),
    of(task("arn:aws:states:::aws-sdk:s3:doNothing")), of(task("arn:aws:states:::sqs:doNothing")),
    {"StartAt": "A" * 81, "States": {"A" * 81: PASS}},
    {"StartAt": "A", "States": {"A": None}}, {"StartAt": "A", "States": {"A": PASS}, "X": 1},
]  # fmt: skip


@pytest.mark.parametrize("definition", MISSHAPEN)
def test_a_misshapen_definition_is_refused(stage: Flows, definition: Any) -> None:
    found = refusal(stage.define, definition=json.dumps(definition))
    assert (found.status, found.code) == (400, "InvalidDefinition")


def test_a_right_definition_is_found_right(stage: Flows) -> None:
    definition = json.dumps({"StartAt": "A", "States": {"A": PASS}})
    told = stage.sfn.validate_state_machine_definition(definition=definition)
    assert (told["result"], told["diagnostics"], told["truncated"]) == ("OK", [], False)


def test_a_role_that_the_service_may_not_assume_is_refused(stage: Flows) -> None:
    found = refusal(
        stage.define,
        definition=json.dumps({"StartAt": "A", "States": {"A": PASS}}),
        roleArn=stage.lab.role(),
    )
    assert (found.status, found.code) == (400, "AccessDeniedException")
    assert found.message.startswith("Neither the global service principal states.amazonaws.com")


def test_a_role_that_was_deleted_calls_nothing(stage: Flows) -> None:
    role = stage.make_role("gone", "states.amazonaws.com")
    definition = json.dumps({"StartAt": "A", "States": {"A": invoke("worker")}})
    machine = stage.define(definition, roleArn=role)
    stage.lab.client("iam").delete_role(RoleName="gone")
    assert stage.failure(stage.start(machine))[0] == "Lambda.AWSLambdaException"


def test_input_that_is_no_json_is_refused(stage: Flows) -> None:
    machine = stage.machine({"A": PASS})
    texts = {
        "not json": "Unrecognized token 'not': was expecting "
        "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
        "{'a': 1}": "Unexpected character (''' (code 39)): "
        "was expecting double-quote to start field name",
        "": "Invalid execution input.",
    }
    for text, reason in texts.items():
        found = refusal(stage.sfn.start_execution, stateMachineArn=machine, input=text)
        assert found.code == "InvalidExecutionInput"
        assert found.message == f"Invalid State Machine Execution Input: '{reason}'"


def test_names_of_machines_are_not_taken_twice(stage: Flows) -> None:
    first = json.dumps({"StartAt": "A", "States": {"A": PASS}})
    arn = stage.define(first, name="twice")
    assert stage.define(first, name="twice") == arn
    other = json.dumps({"StartAt": "B", "States": {"B": PASS}})
    found = refusal(stage.define, definition=other, name="twice")
    assert found.code == "StateMachineAlreadyExists"
    assert found.message == f"State Machine Already Exists: '{arn}'"


def test_what_is_not_there_is_not_found(stage: Flows) -> None:
    arn = stage.machine({"A": PASS})
    missing = arn.replace("machine-", "none-")
    found = refusal(stage.sfn.start_execution, stateMachineArn=missing)
    assert found.code == "StateMachineDoesNotExist"
    assert found.message == f"State Machine Does Not Exist: '{missing}'"
    execution = missing.replace(":stateMachine:", ":execution:") + ":e"
    found = refusal(stage.sfn.describe_execution, executionArn=execution)
    assert found.code == "ExecutionDoesNotExist"
    for ask in ("describe_state_machine", "start_execution", "list_executions"):
        found = refusal(getattr(stage.sfn, ask), stateMachineArn="not_an_arn")
        assert found.code == "InvalidArn"
        assert found.message == "Invalid Arn: 'Invalid ARN prefix: not_an_arn'"


def test_the_name_of_an_execution_is_used_once(stage: Flows) -> None:
    machine = stage.machine({"W": {"Type": "Wait", "Seconds": 60, "End": True}})
    first = stage.start(machine, {"n": 1}, name="once")
    assert stage.start(machine, {"n": 1}, name="once") == first
    again = {"stateMachineArn": machine, "name": "once"}
    found = refusal(stage.sfn.start_execution, **again, input='{"n": 2}')
    assert found.code == "ExecutionAlreadyExists"
    stage.wind(60)
    found = refusal(stage.sfn.start_execution, **again, input='{"n": 1}')
    assert found.message == f"Execution Already Exists: '{first}'"


ODD: list[tuple[str, dict[str, Any], str]] = [
    ("start_execution", {}, "Value null at 'stateMachineArn' failed to satisfy constraint: "
     "Member must not be null"),
    ("list_executions", {"stateMachineArn": "arn", "maxResults": 1001}, "Value '1001' at "
     "'maxResults' failed to satisfy constraint: "
     "Member must have value less than or equal to 1000"),
    ("start_execution", {"stateMachineArn": "arn", "input": "1" * 262_145}, "Value at 'input' "
     "failed to satisfy constraint: Member must have length less than or equal to 262144"),
    ("list_executions", {"stateMachineArn": "arn", "statusFilter": "running"}, "Value 'running' at "
     "'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: "
     "[SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]"),
    ("create_state_machine", {"name": "a", "definition": "{}", "roleArn": "r", "type": "FAST"},
     "Value 'FAST' at 'type' failed to satisfy constraint: "
     "Member must satisfy enum value set: [STANDARD, EXPRESS]"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "given", "violation"), ODD)
def test_requests_are_checked_by_the_service_model(
    stage: Flows, operation: str, given: dict[str, Any], violation: str
) -> None:
    raw = stage.lab.client("stepfunctions", config=Config(parameter_validation=False))
    found = refusal(getattr(raw, operation), **given)
    assert (found.status, found.code) == (400, "ValidationException")
    assert found.message == f"1 validation error detected: {violation}"


def test_requests_of_other_shapes_are_refused(stage: Flows) -> None:
    raw = stage.lab.client("stepfunctions", config=Config(parameter_validation=False))
    assert refusal(raw.start_execution, stateMachineArn=5).code == "SerializationException"
    machine = stage.machine({"A": PASS})
    found = refusal(raw.start_execution, stateMachineArn=machine, name="no blanks")
    assert (found.code, found.message) == ("InvalidName", "Invalid Name: 'no blanks'")


def test_all_that_is_wrong_with_the_ways_of_a_machine_is_told(stage: Flows) -> None:
    states = {"pass1": {"Type": "Pass", "Next": "pass3"}, "pass2": PASS}
    machine = {"StartAt": "pass1", "States": states}
    found = refusal(stage.define, definition=json.dumps(machine))
    assert found.message == (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: "
        'pass3 at /States/pass1/Next, MISSING_TRANSITION_TARGET: State "pass2" is not reachable. '
        "at /States/pass2'"
    )
    told = stage.sfn.validate_state_machine_definition(definition=json.dumps(machine), maxResults=1)
    assert (told["result"], len(told["diagnostics"]), told["truncated"]) == ("FAIL", 1, True)


def test_a_name_stands_for_one_state_of_the_whole_machine(stage: Flows) -> None:
    branch = {"StartAt": "A", "States": {"A": PASS}}
    both = {"Type": "Parallel", "Branches": [branch, branch], "End": True}
    found = refusal(stage.define, definition=json.dumps({"StartAt": "P", "States": {"P": both}}))
    assert found.message == (
        "Invalid State Machine Definition: 'DUPLICATE_STATE_NAME: Duplicate State name: A at "
        "/States/P/Branches[1]/States/A'"
    )


# ---- versions, aliases, changes


def test_what_runs_keeps_the_definition_that_it_was_started_with(stage: Flows) -> None:
    wait = {"Type": "Wait", "Seconds": 60, "Next": "P"}
    machine = stage.machine({"W": wait, "P": {**PASS, "Result": "old"}})
    execution = stage.start(machine)
    after = {"StartAt": "P", "States": {"P": {**PASS, "Result": "new"}}}
    told = stage.sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(after))
    shown = stage.sfn.describe_state_machine(stateMachineArn=machine)
    assert shown["revisionId"] == told["revisionId"]
    stage.wind(60)
    assert stage.output(execution) == "old"
    assert stage.output(stage.start(machine)) == "new"
    again = stage.sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(after))
    assert again["revisionId"] == told["revisionId"]
    ran = stage.sfn.describe_state_machine_for_execution(executionArn=execution)
    assert json.loads(ran["definition"])["States"]["P"]["Result"] == "old"
    assert "updateDate" in ran


def test_a_machine_tells_which_states_read_which_variables(stage: Flows) -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
        "B": {**PASS, "Parameters": {"b.$": "States.MathAdd($y, $x)", "c.$": "$x"}},
    }
    machine = stage.machine(states)
    told = stage.sfn.describe_state_machine(stateMachineArn=machine)
    assert told["variableReferences"] == {"B": ["x", "y"]}
    execution = stage.start(machine)
    ran = stage.sfn.describe_state_machine_for_execution(executionArn=execution)
    assert ran["variableReferences"] == {"B": ["x", "y"]}


def test_versions_and_aliases_run_what_they_stand_for(stage: Flows) -> None:
    machine = stage.machine({"P": {**PASS, "Result": 1}})
    first = stage.sfn.publish_state_machine_version(stateMachineArn=machine)
    version = first["stateMachineVersionArn"]
    after = {"StartAt": "P", "States": {"P": {**PASS, "Result": 2}}}
    stage.sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(after))
    routing = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = stage.sfn.create_state_machine_alias(name="live", routingConfiguration=routing)
    arns = (machine, version, alias["stateMachineAliasArn"])
    executions = [stage.start(arn) for arn in arns]
    assert [stage.output(one) for one in executions] == [2, 1, 1]
    assert stage.told(executions[1])["stateMachineVersionArn"] == version
    listed = stage.sfn.list_state_machine_versions(stateMachineArn=machine)
    assert [one["stateMachineVersionArn"] for one in listed["stateMachineVersions"]] == [version]


def test_executions_and_histories_are_listed_page_by_page(stage: Flows) -> None:
    machine = stage.machine({"A": PASS})
    made = [stage.start(machine) for _ in range(3)]
    pages = stage.sfn.get_paginator("list_executions").paginate(
        stateMachineArn=machine, statusFilter="SUCCEEDED", PaginationConfig={"PageSize": 2}
    )
    assert [one["executionArn"] for page in pages for one in page["executions"]] == made[::-1]
    whole = [event["id"] for event in stage.events(made[0])]
    assert [event["id"] for event in stage.events(made[0], reverseOrder=True)] == whole[::-1]
    (first,) = stage.events(made[0], maxResults=1, includeExecutionData=False)
    assert first["executionStartedEventDetails"] == {"roleArn": stage.role}


def test_a_revision_is_published_once(stage: Flows) -> None:
    def define(result: int) -> str:
        return json.dumps({"StartAt": "A", "States": {"A": {**PASS, "Result": result}}})

    machine = stage.define(define(1))
    publish = partial(stage.sfn.publish_state_machine_version, stateMachineArn=machine)
    first = publish()["stateMachineVersionArn"]
    assert publish()["stateMachineVersionArn"] == first
    assert refusal(publish, revisionId="other") == (
        400,
        "ConflictException",
        "Failed to publish the State Machine version for revision other. "
        "The current State Machine revision is INITIAL.",
    )
    change = partial(stage.sfn.update_state_machine, stateMachineArn=machine)
    second = change(definition=define(2), publish=True)["stateMachineVersionArn"]
    assert publish()["stateMachineVersionArn"] == second != first
    routing = [{"stateMachineVersionArn": second, "weight": 100}]
    stage.sfn.create_state_machine_alias(name="live", routingConfiguration=routing)
    found = refusal(stage.sfn.delete_state_machine_version, stateMachineVersionArn=second)
    assert (found.code, found.message.endswith("this version: [live]")) == (
        "ConflictException",
        True,
    )


def test_what_is_not_there_is_named(stage: Flows) -> None:
    sfn = stage.sfn
    made = sfn.create_activity(name="work")["activityArn"]
    assert sfn.create_activity(name="work")["activityArn"] == made
    missing = f"{made}-none"
    text = f"Activity Does Not Exist: '{missing}'"
    for ask in (sfn.describe_activity, sfn.get_activity_task):
        assert refusal(ask, activityArn=missing) == (400, "ActivityDoesNotExist", text)
    run = "arn:aws:states:us-east-1:123456789012:mapRun:m/l:1"
    text = f"Resource not found: '{run}'"
    assert refusal(sfn.describe_map_run, mapRunArn=run) == (400, "ResourceNotFound", text)
    gone = "arn:aws:states:us-east-1:123456789012:stateMachine:gone"
    tags = [{"key": "a", "value": "b"}]
    assert refusal(sfn.tag_resource, resourceArn=gone, tags=tags).code == "ResourceNotFound"


# ---- single states


def test_a_state_can_be_tried_alone(stage: Flows) -> None:
    definition = json.dumps(invoke("worker", OutputPath="$.Payload"))
    wanted = {"definition": definition, "roleArn": stage.role}
    told = stage.sfn.test_state(**wanted, input='{"n": 1}')
    assert (told["status"], json.loads(told["output"])) == ("SUCCEEDED", {"got": {"n": 1}})
    told = stage.sfn.test_state(**wanted, input='{"fail": "Odd"}')
    assert (told["status"], told["error"]) == ("FAILED", "Odd")
    found = refusal(stage.sfn.test_state, **wanted | {"definition": '{"Type": "Map"}'})
    assert found.code == "InvalidDefinition"


def test_a_trial_tells_what_comes_after_the_state(stage: Flows) -> None:
    def tell(state: dict[str, Any], given: Any = None) -> Any:
        told = stage.sfn.test_state(
            definition=json.dumps(state), roleArn=stage.role, input=json.dumps(given or {})
        )
        return {name: told.get(name) for name in ("status", "nextState", "error")}

    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Sorry"}]
    retry = [{"ErrorEquals": ["X"], "IntervalSeconds": 500}]
    work = invoke("worker", Catch=catch, Retry=retry)
    assert [
        tell({"Type": "Pass", "Next": "B"}),
        tell(work, {"fail": "X"}),
        tell(work, {"fail": "Y"}),
        tell({"Type": "Fail"}),
    ] == [
        {"status": "SUCCEEDED", "nextState": "B", "error": None},
        {"status": "RETRIABLE", "nextState": None, "error": "X"},
        {"status": "CAUGHT_ERROR", "nextState": "Sorry", "error": "Y"},
        {"status": "FAILED", "nextState": None, "error": None},
    ]


# ---- what others hear


def test_a_rule_hears_of_the_end_of_an_execution(stage: Flows) -> None:
    sqs, events = stage.lab.client("sqs"), stage.lab.client("events")
    url = sqs.create_queue(QueueName="ends")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:ends"
    pattern = {"source": ["aws.states"], "detail": {"status": ["RUNNING", "FAILED"]}}
    events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Action": "sqs:SendMessage"}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events.put_targets(Rule="ends", Targets=[{"Id": "q", "Arn": arn}])
    execution = stage.run({"F": {"Type": "Fail", "Error": "Refused"}}, {"n": 1})
    stage.wind(1)
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    heard = sorted((json.loads(one["Body"]) for one in found), key=lambda e: e["detail"]["status"])
    assert [one["detail-type"] for one in heard] == ["Step Functions Execution Status Change"] * 2
    last = heard[0]
    assert last["resources"] == [execution]
    assert (last["detail"]["status"], last["detail"]["error"]) == ("FAILED", "Refused")
    assert last["detail"]["input"] == '{"n": 1}'
    events.remove_targets(Rule="ends", Ids=["q"])
    events.delete_rule(Name="ends")


def test_an_express_workflow_writes_its_history_into_a_log(stage: Flows) -> None:
    logs = stage.lab.client("logs")
    logs.create_log_group(logGroupName="/flows")
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/flows:*"
    place = {"cloudWatchLogsLogGroup": {"logGroupArn": group}}
    definition = json.dumps({"StartAt": "A", "States": {"A": PASS}})
    machine = stage.define(
        definition, "EXPRESS",
        loggingConfiguration={
            "level": "ALL", "includeExecutionData": True, "destinations": [place],
        },
    )  # fmt: skip
    arn = stage.start(machine, {"n": 1})
    found = logs.filter_log_events(logGroupName="/flows")["events"]
    told = [json.loads(event["message"]) for event in found]
    assert [one["type"] for one in told] == [
        "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    last = told[-1]
    assert (last["id"], last["previous_event_id"], last["redrive_count"]) == ("4", "3", "0")
    assert last["details"]["output"] == '{"n":1}'
    assert last["execution_arn"] == arn
    found = refusal(stage.define, definition=definition, loggingConfiguration={"level": "ALL"})
    assert found.code == "InvalidLoggingConfiguration"


def test_the_trace_of_an_execution_goes_on_to_its_functions(stage: Flows) -> None:
    code = "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"
    arn = stage.function("traced", code)
    root = "1-5759e988-bd862e3fe1be46a994272793"
    machine = stage.machine({"A": task(arn)})
    execution = stage.start(machine, traceHeader=f"Root={root};Sampled=1")
    assert f"Root={root};" in stage.output(execution)
    assert stage.told(execution)["traceHeader"] == f"Root={root};Sampled=1"
