"""Lab 01, your first function: how its checks look at the cloud, and what they compare."""

from typing import Any

from lambdalab.learning.checks import Criterion
from lambdalab.learning.probe import Inputs, Probe

OWN_REQUEST_ID = "the request id of that very invoke, twice"
OWN_NAME = "the name under which the function runs"
LOG_GROUP = "the name of the log group of payments"
FAILED_LINE = "the [ERROR] line of a failed invoke"
FAILED_ID = "the request id of a failed invoke"
TWIN_MEMORY_MB = 256
TWIN_TIMEOUT_SECONDS = 9


def state(probe: Probe, _: Inputs) -> Any:
    """Read the state of greeter."""
    return probe.settings("greeter")["State"]


def failure_without(key: str) -> Criterion:
    """Demand that leaving out one key fails with the error type of the task."""
    return Criterion(
        f"without {key!r} the invoke fails with the type OrderError",
        wanted=lambda _: {"FunctionError": "Unhandled", "errorType": "OrderError"},
        found=lambda probe, inputs: probe.error("order-total", order_without(key, inputs)),
    )


def message_without(key: str) -> Criterion:
    """Demand that the message names the key that is missing, and not the one that is there."""
    present = ({"quantity", "price"} - {key}).pop()
    return Criterion(
        f"the message says that {key!r} is missing",
        wanted=lambda _: f"an error message with the word {key}, without the word {present}",
        found=lambda probe, inputs: probe.error("order-total", order_without(key, inputs)).get(
            "errorMessage"
        ),
        accept=lambda found, _: key in str(found) and present not in str(found),
    )


def order_without(key: str, inputs: Inputs) -> dict[str, int]:
    """Make an order that lacks one key."""
    order = {"quantity": inputs.number, "price": 100 + inputs.number}
    del order[key]
    return order


def request_ids(probe: Probe, _: Inputs) -> Any:
    """Compare what two invokes tell with the request ids in the headers of their answers."""
    answers = [probe.invoke("who-am-i", {}) for _ in range(2)]
    told = [member(answer["Payload"], "request_id") for answer in answers]
    true = [answer["ResponseMetadata"]["RequestId"] for answer in answers]
    return OWN_REQUEST_ID if told == true else told


def own_name(probe: Probe, _: Inputs) -> Any:
    """Ask a copy for its name, for the name of the original may be written in the code."""
    with probe.copy("who-am-i") as twin:
        told = member(probe.result(twin, {}), "function_name")
        return OWN_NAME if told == twin else f"{told}, in a copy named {twin}"


def twin_member(key: str) -> Any:
    """Look at what a copy of who-am-i with other settings tells: fixed answers do not fit it."""

    def found(probe: Probe, _: Inputs) -> Any:
        changes = {"MemorySize": TWIN_MEMORY_MB, "Timeout": TWIN_TIMEOUT_SECONDS}
        with probe.copy("who-am-i", **changes) as twin:
            return {key: member(probe.result(twin, {}), key)}

    return found


def remaining_is_near(found: Any, _: Any) -> bool:
    """Accept more than half of the timeout: a slow machine must not fail a learner."""
    value = found["remaining_ms"]
    limit = 1000 * TWIN_TIMEOUT_SECONDS
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and limit / 2 < value <= limit
    )


def variables(probe: Probe, _: Inputs) -> Any:
    """Read the environment variables of slow-report."""
    return probe.settings("slow-report").get("Environment", {}).get("Variables", {})


def setting(key: str) -> Any:
    """Look at one setting of slow-report."""
    return lambda probe, _: {key: probe.settings("slow-report")[key]}


def counts(probe: Probe, twin: str, times: int) -> list[dict[str, Any]]:
    """Invoke one after the other, so that one environment serves all."""
    answers = [probe.result(twin, {}) for _ in range(times)]
    return [{key: member(answer, key) for key in ("cold", "count")} for answer in answers]


def three_in_a_row(probe: Probe, _: Inputs) -> Any:
    """Invoke a copy of counter three times."""
    with probe.copy("counter") as twin:
        return counts(probe, twin, 3)


def before_and_after_a_change(probe: Probe, _: Inputs) -> Any:
    """Count on each side of a changed setting, which ends the environments of a function."""
    with probe.copy("counter") as twin:
        before = counts(probe, twin, 2)
        probe.lam.update_function_configuration(FunctionName=twin, Description="changed")
        return [before[-1], *counts(probe, twin, 1)]


def member(result: Any, key: str) -> Any:
    """Return one member of a result, or words for what is there in its place."""
    return result.get(key, f"no member {key!r}") if isinstance(result, dict) else result


def failures(probe: Probe) -> list[tuple[str, str]]:
    """List (request id, first line of the error) of each failed invoke in the log of payments."""
    failures, current = [], ""
    for message in probe.log_lines("payments"):
        if message.startswith("START RequestId: "):
            current = message.split()[2]
        if message.startswith("[ERROR]"):
            failures.append((current, message.splitlines()[0].strip()))
    return failures


def handed_group(probe: Probe, _: Inputs) -> str:
    """Say what the log group is that the learner handed in, without naming the right one."""
    handed = str(probe.handed.get("log_group") or "").strip()
    if not handed:
        return "nothing handed in as log_group"
    return LOG_GROUP if handed == "/aws/lambda/payments" else f"another text: {handed}"


def handed_line(probe: Probe, _: Inputs) -> str:
    """Say what the line is that the learner handed in, without giving the right one away."""
    handed = str(probe.handed.get("error_line") or "").strip()
    if not handed:
        return "nothing handed in as error_line"
    first = handed.splitlines()[0]
    known = any(error in first for _, error in failures(probe))
    return FAILED_LINE if known else f"another text: {handed}"


def handed_id(probe: Probe, _: Inputs) -> str:
    """Say what the request id is that the learner handed in."""
    handed = str(probe.handed.get("request_id") or "").strip()
    if not handed:
        return "nothing handed in as request_id"
    known = handed in {request_id for request_id, _ in failures(probe)}
    return FAILED_ID if known else f"another text: {handed}"
