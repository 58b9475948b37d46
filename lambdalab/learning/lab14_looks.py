"""Lab 14, an order workflow: what is given, and how its checks look at the cloud."""

import json
from collections.abc import Sequence
from typing import Any

from lambdalab.learning.deploy import deploy
from lambdalab.learning.probe import Inputs, Probe

ROLE = "orders-role"
BOTH = 2

_HEAD = """
import time


def note(order, step):
    print("step", order, step, time.time())
"""
_STEP = """

def handler(event, context):
    note(event["id"], "{step}")
    return {answer}
"""
_CHARGE = """

class CardDeclined(Exception):
    pass


class BankBusy(Exception):
    pass


tries = {}


def handler(event, context):
    card, order = event.get("card", "good"), event["id"]
    tries[order] = tries.get(order, 0) + 1
    print("charging", order)
    if card == "declined":
        raise CardDeclined("no money on this card")
    if card == "busy" and tries[order] < 3:
        raise BankBusy("too many customers")
    if card == "broken":
        raise KeyError("number")
    note(order, "charge")
    return {"receipt": f"r-{order}"}
"""
_ASK = """
def handler(event, context):
    print("asked", event["id"], event["token"])  # in life: a mail with a link
"""
_PACK = """
import time


def handler(event, context):
    time.sleep(0.2)
    if event["item"].startswith("broken"):
        raise ValueError("cannot be packed")
    return f"parcel of {event['item']}"
"""
SOURCES = {
    "reserve": _HEAD + _STEP.format(step="reserve", answer='{"shelf": 7}'),
    "release": _HEAD + _STEP.format(step="release", answer="None"),
    "ship": _HEAD + _STEP.format(step="ship", answer='{"tracking": "t-" + event["id"]}'),
    "charge": _HEAD + _CHARGE,
    "ask": _ASK,
    "pack": _PACK,
}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "states.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
_DAY = 24 * 60
STARTED = ("LambdaFunctionStarted", "TaskStarted")
ENDED = (
    "LambdaFunctionSucceeded",
    "LambdaFunctionFailed",
    "TaskSucceeded",
    "TaskFailed",
)


def make_world(lab: Any) -> None:
    """Make what the tasks need: functions and a role. Harmless when they are there."""
    for name, source in SOURCES.items():
        package = lab.zip({"app.py": source})
        deploy(lab, name, package, Handler="app.handler", MemorySize=1769, Timeout=20)
    workflow_role(lab)


def workflow_role(lab: Any, name: str = ROLE) -> str:
    """Tell the ARN of a role that Step Functions may assume; it is made if it is not there."""
    iam = lab.client("iam")
    try:
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName=name)
    return str(made["Role"]["Arn"])


def save(lab: Any, name: str, definition: dict[str, Any]) -> str:
    """Make a state machine, or bring the one of that name up to date; tell its ARN.

    Raises:
        botocore.exceptions.ClientError: what AWS refuses, such as a state that is not there.

    """
    sfn, text = lab.client("stepfunctions"), json.dumps(definition)
    arn = _arn(sfn, name)
    if arn is None:
        made = sfn.create_state_machine(name=name, roleArn=workflow_role(lab), definition=text)
        return str(made["stateMachineArn"])
    sfn.update_state_machine(stateMachineArn=arn, definition=text)
    return arn


def run(lab: Any, name: str, order: dict[str, Any], minutes: float = 0) -> dict[str, Any]:
    """Start an execution, wind the clock by some minutes, and tell how it stands then."""
    sfn = lab.client("stepfunctions")
    try:
        execution = _start(sfn, name, order)
    except LookupError as error:
        return {"status": str(error)}
    lab.clock.advance(minutes=minutes)
    return told(sfn, execution)


def begin(probe: Probe, name: str, asked: dict[str, Any], minutes: float) -> str:
    """Start an execution, and wind the clock by some minutes; tell its ARN."""
    execution = _start(probe.client("stepfunctions"), name, asked)
    probe.wind(minutes)
    return execution


def _start(sfn: Any, name: str, order: dict[str, Any]) -> str:
    arn = _arn(sfn, name)
    if arn is None:
        raise LookupError(f"there is no state machine {name}")
    made = sfn.start_execution(stateMachineArn=arn, input=json.dumps(order))
    return str(made["executionArn"])


def told(sfn: Any, execution: str) -> dict[str, Any]:
    """Tell of an execution: its status, its output read as JSON, its error."""
    shown = sfn.describe_execution(executionArn=execution)
    kept: dict[str, Any] = {"status": shown["status"]}
    if "output" in shown:
        kept["output"] = json.loads(shown["output"])
    return kept | {name: shown[name] for name in ("error",) if name in shown}


def _arn(sfn: Any, name: str) -> str | None:
    found = sfn.list_state_machines()["stateMachines"]
    return next((one["stateMachineArn"] for one in found if one["name"] == name), None)


def order(inputs: Inputs, kind: str, **members: Any) -> dict[str, Any]:
    """Write an order that nobody has seen before."""
    return {"id": f"{kind}-{inputs.word}-{inputs.number}", **members}


def steps(probe: Probe, asked: dict[str, Any]) -> list[str]:
    """List what was done for an order, in this order."""
    found: list[tuple[float, str]] = []
    for name in ("reserve", "charge", "ship", "release"):
        lines = (line.split() for line in probe.log_lines(name))
        found += [(float(line[3]), line[2]) for line in lines if line[:2] == ["step", asked["id"]]]
    return [step for _, step in sorted(found)]


# Task 1.


def steps_of(probe: Probe, name: str, asked: dict[str, Any], minutes: float = 5) -> list[str]:
    """Run an order through a workflow; list what was done for it."""
    begin(probe, name, asked, minutes)
    return steps(probe, asked)


def outcome(probe: Probe, name: str, asked: dict[str, Any], minutes: float = 5) -> Any:
    """Run an order through a workflow; tell how it ended."""
    return told(probe.client("stepfunctions"), begin(probe, name, asked, minutes))


# Task 2.


def attempts(probe: Probe, asked: dict[str, Any]) -> int:
    """Run an order through ``payments``; tell how often its card was charged, or nearly."""
    begin(probe, "payments", asked, 5)
    return probe.log_lines("charge").count(f"charging {asked['id']}")


def patience(probe: Probe, asked: dict[str, Any], seconds: float) -> str:
    """Run an order through ``payments``; tell whether it took so many seconds."""
    sfn = probe.client("stepfunctions")
    shown = sfn.describe_execution(executionArn=begin(probe, "payments", asked, 5))
    taken = (shown.get("stopDate", shown["startDate"]) - shown["startDate"]).total_seconds()
    return f"at least {seconds} seconds" if taken >= seconds else f"{taken:.0f} seconds"


def undone(probe: Probe, asked: dict[str, Any]) -> list[Any]:
    """Run an order through ``payments``; tell what was done, how it ended, and its word for it."""
    shown = outcome(probe, "payments", asked)
    output = shown.get("output")
    word = output.get("status") if isinstance(output, dict) else None
    return [steps(probe, asked), shown["status"], word]


# Task 3.


def before_an_answer(probe: Probe, asked: dict[str, Any]) -> list[Any]:
    """Begin with an order that somebody must approve; tell where it stands after an hour."""
    execution = begin(probe, "approvals", asked, 60)
    return [told(probe.client("stepfunctions"), execution)["status"], steps(probe, asked)]


def after_an_answer(probe: Probe, asked: dict[str, Any], answer: dict[str, Any]) -> list[Any]:
    """Begin with an order, answer its question, and tell how it ends."""
    sfn = probe.client("stepfunctions")
    execution = begin(probe, "approvals", asked, 60)
    sfn.send_task_success(taskToken=_token(probe, asked), output=json.dumps(answer))
    probe.wind(1)
    return [_status_in(told(sfn, execution)), steps(probe, asked)]


def without_an_answer(probe: Probe, asked: dict[str, Any]) -> list[Any]:
    """Begin with an order, answer nothing for more than a day, and tell how it ends."""
    execution = begin(probe, "approvals", asked, _DAY + 60)
    return [_status_in(told(probe.client("stepfunctions"), execution)), steps(probe, asked)]


def _token(probe: Probe, asked: dict[str, Any]) -> str:
    lines = (line.split() for line in probe.log_lines("ask"))
    tokens = [line[2] for line in lines if line[:2] == ["asked", asked["id"]]]
    if not tokens:
        raise LookupError(f"nobody was asked about {asked['id']}")
    return tokens[-1]


def _status_in(shown: dict[str, Any]) -> Any:
    """The word in the output of an execution that says what became of an order."""
    output = shown.get("output")
    return output.get("status", shown) if isinstance(output, dict) else shown


# Task 4.


def items(inputs: Inputs, *kinds: str) -> list[str]:
    """Write items of these kinds."""
    return [f"{kind}-{inputs.word}-{place}" for place, kind in enumerate(kinds)]


def packed(wanted: Sequence[str]) -> list[str]:
    """Tell what shall be packed of items that are whole."""
    return [f"parcel of {item}" for item in wanted]


def at_once(probe: Probe, asked: dict[str, Any]) -> str:
    """Run an order through ``parcels``; tell whether more than two items were packed at once."""
    sfn = probe.client("stepfunctions")
    execution = begin(probe, "parcels", asked, 1)
    found = sfn.get_execution_history(executionArn=execution)["events"]
    running = most = 0
    for event in found:
        running += (event["type"] in STARTED) - (event["type"] in ENDED)
        most = max(most, running)
    return "two" if most == BOTH else f"{most}"
