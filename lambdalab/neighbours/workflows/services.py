"""How the tasks of a state machine call the services beside Lambda.

moto sends each call to a server that it takes for itself, with the names as the state machine has
them. Here a service is reached at the lab's own address, with the credentials of the machine's
role, and names and dates are written as Step Functions does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore import xform_name

from lambdalab import facts
from lambdalab.neighbours.identity import sts
from lambdalab.neighbours.workflows.attempts import check
from lambdalab.neighbours.workflows.failures import named, runtime
from lambdalab.neighbours.workflows.moments import now
from lambdalab.neighbours.workflows.waiting import wait_for

__all__ = ["install", "requiring", "service_model"]

_PACKAGE = "moto.stepfunctions.parser."
# The session's name in the ARN of whoever calls with the role.
_SESSION = "states"


def install(base_url: str) -> None:
    """Let tasks call the services at this address."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
        state_task_service,
        state_task_service_lambda,
        state_task_service_sfn,
        state_task_service_sqs,
    )

    state_task.StateTask._eval_parameters = _parameters
    state_task_service_sfn._SUPPORTED_API_PARAM_BINDINGS["startexecution"].add("TraceHeader")
    state_task_service.StateTaskService._normalise_parameters = _as_clients_write
    state_task_service.StateTaskService._normalise_response = _as_states_read
    # What a function answered is told as it is.
    state_task_service_lambda.StateTaskServiceLambda._normalise_response = lambda *_, **__: None
    for name in ("_build_sync_resolver", "_build_sync2_resolver"):
        kind = state_task_service_sfn.StateTaskServiceSfn
        setattr(kind, name, _when_ended(getattr(kind, name)))
    queues = state_task_service_sqs.StateTaskServiceSqs
    queues._from_error = _as_queues_fail(queues._from_error)
    clients = _Clients(base_url)
    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGE) and hasattr(module, "boto_client_for"):
            module.boto_client_for = clients.client  # type: ignore[attr-defined]


def _parameters(state: Any, env: Any) -> Any:
    """In place of ``StateTask._eval_parameters``, which leaves out what it does not know."""
    if state.parargs is None:
        return {}
    state.parargs.eval(env=env)
    parameters = env.stack.pop()
    known = state._get_supported_parameters()
    for name in parameters if known else ():
        if name not in known:
            raise runtime(env, facts.message("workflow.unknown-field").format(field=name))
    return parameters


def _as_queues_fail(from_error: Any) -> Any:
    """What SQS refuses has the name of its exception, and says where it comes from."""

    def tell(state: Any, env: Any, ex: Exception) -> Any:
        event = from_error(state, env, ex)
        answer = getattr(ex, "response", None)
        if answer is not None:
            code, status = answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]
            shapes = service_model("sqs").operation_model("SendMessage").error_shapes
            known = [one.name for one in shapes if code in (one.name, one.error_code)]
            error = f"SQS.{known[0]}Exception" if known else "SQS.AmazonSQSException"
            details = event.event_details["taskFailedEventDetails"]
            details["error"], event.error_name = error, named(error)
            details["cause"] += (
                f" (Service: AmazonSQS; Status Code: {status}; Error Code: {code}; "
                f"Request ID: {answer['ResponseMetadata']['RequestId']}; Proxy: null)"
            )
        return event

    return tell


def requiring(evaluate: Any, name: str) -> Any:
    """The same, where one of the parameters must be there."""

    def run(state: Any, env: Any) -> Any:
        parameters = evaluate(state, env)
        if parameters.get(name) is None:
            raise runtime(env, facts.message("workflow.missing-field").format(field=name))
        return parameters

    return run


def _when_ended(build: Any) -> Any:
    """Look at an inner execution when it has ended, not twice a second until then.

    Whoever waits no more stops it.
    """

    def run(state: Any, env: Any, *given: Any, **options: Any) -> Any:
        from lambdalab.neighbours.workflows import executions

        arn = env.stack[-1]["ExecutionArn"]
        resolve = build(state, env, *given, **options)

        def wait() -> Any:
            inner = executions.by_arn(arn)
            if wait_for([inner.ended, env.program_state_event]) is not inner.ended:
                outer = env.states.context_object.context_object_data["Execution"]["Id"]
                cause = facts.message("workflow.child-aborted").format(execution=outer)
                inner.stop(stop_date=now(), error=None, cause=cause)
                inner.cause = cause
            check(env)
            return resolve()

        return wait

    return run


def _as_clients_write(
    state: Any,
    parameters: dict[str, Any],
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    """Let parameters have the names and types that the service model gives them."""
    shape = _operation(state, boto_service_name, service_action_name).input_shape
    if shape is not None:
        state._to_boto_request(parameters, shape)


def _as_states_read(
    state: Any,
    response: Any,
    boto_service_name: str | None = None,
    service_action_name: str | None = None,
) -> None:
    """Let an answer have the names that Step Functions gives its members."""
    shape = _operation(state, boto_service_name, service_action_name).output_shape
    if shape is not None:
        state._from_boto_response(response, shape)
    optimized = not type(state).__name__.endswith("AwsSdk")
    _write_dates(response, _in_milliseconds if optimized else _in_text)


def _write_dates(value: Any, write: Callable[[datetime], Any]) -> None:
    """Write the dates in an answer, in place: a state's output is JSON."""
    rows = value.items() if isinstance(value, dict) else enumerate(value or [])
    for key, one in list(rows):
        if isinstance(one, datetime):
            value[key] = write(one)
        elif isinstance(one, dict | list):
            _write_dates(one, write)


def _in_milliseconds(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def _in_text(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _operation(state: Any, service: str | None, action: str | None) -> Any:
    name = state._get_boto_service_name(service)
    wanted = state._get_boto_service_action(action)
    model = service_model(name)
    return model.operation_model(
        next(one for one in model.operation_names if xform_name(one) == wanted)
    )


@cache
def service_model(name: str) -> Any:
    """What botocore knows of a service."""
    import botocore.session

    return botocore.session.get_session().get_service_model(name)


class _Clients:
    """Clients of the services beside Lambda, as the role of a state machine."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def client(self, region: str, service: str, state_credentials: Any = None) -> Any:
        """In place of ``boto_client_for``."""
        from boto3.session import Session
        from botocore.config import Config

        role_arn = state_credentials.role_arn
        account = role_arn.split(":")[4]
        keys = sts.role_credentials(account, region, role_arn, _SESSION)
        session: Any = Session()
        return session.client(
            service,
            region_name=region,
            endpoint_url=self._base_url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            config=Config(
                parameter_validation=False,
                inject_host_prefix=False,
                retries={"total_max_attempts": 1},
                proxies={},
            ),
        )
