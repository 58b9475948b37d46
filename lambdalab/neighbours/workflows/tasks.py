"""How the tasks of a state machine call functions.

moto sends each call to a server that it takes for itself. A function is called here as the lab's
other services call theirs, with AWS's words for what goes wrong.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from email.utils import format_datetime
from functools import cache
from typing import Any, Protocol

from lambdalab.errors import AwsError
from lambdalab.neighbours.workflows import services
from lambdalab.neighbours.workflows.failures import named
from lambdalab.neighbours.workflows.moments import now
from lambdalab.neighbours.workflows.waiting import Interrupted

__all__ = ["Answer", "Functions", "install"]

# Errors that the service model of Invoke names; the others are all of one kind for its clients.
_OTHER = "AWSLambdaException"
_TIGHT = (",", ":")
_UNKNOWN = (
    "The cause could not be determined because Lambda did not return an error type. "
    "Returned payload: {payload}"
)


class Answer(Protocol):
    """What Invoke answers."""

    status: int
    payload: bytes
    failed: bool
    version: str
    request_id: str


class Functions(Hashable, Protocol):
    """The functions that tasks call."""

    def invoke(self, caller: Any, parameters: dict[str, Any], trace: str | None) -> Answer:
        """Invoke, from a thread; ``caller`` has account, region and role_arn. Raises AwsError."""

    def check_role(self, role_arn: str) -> None:
        """Raise AwsError unless Step Functions may assume the role."""


@cache
def install(functions: Functions, base_url: str) -> None:
    """Let tasks call these functions, and the services at this address."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import (
        lambda_eval_utils,
        state_task_lambda,
    )
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service_lambda,
    )

    lambda_eval_utils.execute_lambda_function_integration = _invocation(functions)
    for kind in (
        state_task_lambda.StateTaskLambda,
        state_task_service_lambda.StateTaskServiceLambda,
    ):
        kind._from_error = _telling(kind._from_error)
    bindings = state_task_service_lambda._SUPPORTED_API_PARAM_BINDINGS
    bindings["invoke"].add("InvocationType")
    services.install(base_url)
    task = state_task_service_lambda.StateTaskServiceLambda
    task._eval_parameters = services.requiring(task._eval_parameters, "FunctionName")


# ---- functions


def _invocation(functions: Functions) -> Any:
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils

    def invoke(env: Any, parameters: dict[str, Any], region: str, state_credentials: Any) -> None:
        if not env.is_running():
            raise Interrupted
        details = env.aws_execution_details
        caller = _Caller(details.account, region or details.region, state_credentials.role_arn)
        trace = getattr(details, "trace", None)
        answer = functions.invoke(caller, parameters, trace)
        payload = answer.payload.decode("utf-8", "replace")
        if answer.failed:
            raise lambda_eval_utils.LambdaFunctionErrorException("Unhandled", payload)
        env.stack.append(_told(answer, payload, trace))

    return invoke


class _Caller:
    """Who calls a function."""

    def __init__(self, account: str, region: str, role_arn: str) -> None:
        self.account = account
        self.region = region
        self.role_arn = role_arn


def _trace(request_id: str) -> str:
    """A trace that nobody has begun, as the service names it."""
    return f"root=1-{int(now().timestamp()):08x}-{request_id.replace('-', '')[:24]};sampled=0"


def _told(answer: Answer, payload: str, trace: str | None) -> dict[str, Any]:
    """The result of the optimized integration, as AWS's own client for Java tells an answer."""
    headers = {
        "X-Amz-Executed-Version": answer.version,
        "x-amzn-Remapped-Content-Length": "0",
        "Connection": "keep-alive",
        "x-amzn-RequestId": answer.request_id,
        "Content-Length": str(len(answer.payload)),
        "Date": format_datetime(now(), usegmt=True),
        "X-Amzn-Trace-Id": trace or _trace(answer.request_id),
        "Content-Type": "application/json",
    }
    return {
        "ExecutedVersion": answer.version,
        "Payload": _value(payload),
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": answer.status,
        },
        "SdkResponseMetadata": {"RequestId": answer.request_id},
        "StatusCode": answer.status,
    }


def _value(payload: str) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload


def _telling(from_error: Any) -> Any:
    """As moto's own, with AWS's names for errors of Lambda and of its service."""

    def tell(state: Any, env: Any, ex: Exception) -> Any:
        named = _named(ex, optimized=hasattr(state, "_get_sfn_resource"))
        return from_error(state, env, ex) if named is None else _failed(state, env, *named)

    return tell


def _named(error: Exception, *, optimized: bool) -> tuple[str, str] | None:
    """Name and cause of an error; None for what moto tells well enough.

    The optimized integration reads the function's answer, and writes it anew without blanks.
    """
    if isinstance(error, AwsError):
        return f"Lambda.{_kind(error)}", _cause(error)
    payload = getattr(error, "payload", None)
    if payload is None:
        return None
    value = _value(payload)
    if isinstance(value, dict) and isinstance(value.get("errorType"), str):
        return value["errorType"], json.dumps(value, separators=_TIGHT) if optimized else payload
    return "Lambda.Unknown", _UNKNOWN.format(payload=payload)


def _kind(error: AwsError) -> str:
    return error.code if error.code in _modelled() else _OTHER


@cache
def _modelled() -> frozenset[str]:
    model = services.service_model("lambda")
    return frozenset(shape.name for shape in model.operation_model("Invoke").error_shapes)


def _cause(error: AwsError) -> str:
    from moto.moto_api._internal import mock_random

    return (
        f"{error.message} (Service: AWSLambda; Status Code: {error.status}; "
        f"Error Code: {error.code}; Request ID: {mock_random.uuid4()}; Proxy: null)"
    )


def _failed(state: Any, env: Any, error: str, cause: str) -> Any:
    from moto.stepfunctions.parser.api import HistoryEventType
    from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
        FailureEvent,
    )

    optimized = hasattr(state, "_get_sfn_resource")
    details: dict[str, Any] = {"error": error, "cause": cause}
    if optimized:
        details |= {
            "resource": state._get_sfn_resource(),
            "resourceType": state._get_sfn_resource_type(),
        }
    member = "taskFailedEventDetails" if optimized else "lambdaFunctionFailedEventDetails"
    kind = HistoryEventType.TaskFailed if optimized else HistoryEventType.LambdaFunctionFailed
    return FailureEvent(
        env=env,
        error_name=named(error),
        event_type=kind,
        event_details={member: details},
    )
