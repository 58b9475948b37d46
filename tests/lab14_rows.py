"""Right and wrong answers to lab 14: data for tests/test_checks.py."""

from collections.abc import Callable
from typing import Any

from lambdalab.learning import lab14_looks as looks
from tests.check_rows import Row

# Its functions are given: the answers are state machines.
FUNCTIONS: tuple[str, ...] = ()
INVOKE = "arn:aws:states:::lambda:invoke"
States = dict[str, Any]

world = looks.make_world


def step(function: str, **members: Any) -> States:
    """A task that hands its whole input to a function."""
    parameters = {"FunctionName": function, "Payload.$": "$"}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, **members}


def direct(function: str, **members: Any) -> States:
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
    return {"Type": "Task", "Resource": arn, **members}


def word(status: str) -> States:
    return {"Type": "Pass", "Result": {"status": status}, "End": True}


def saved(name: str, states: States) -> Callable[[Any], None]:
    def act(lab: Any) -> None:
        looks.save(lab, name, {"StartAt": next(iter(states)), "States": states})

    return act


# ---- task 1

CHAIN = {
    "Reserve": step("reserve", ResultPath=None, Next="Charge"),
    "Charge": step("charge", ResultPath=None, Next="Ship"),
    "Ship": step("ship", ResultPath="$.shipped", Next="Tell"),
    "Tell": {
        "Type": "Pass",
        "InputPath": "$.shipped.Payload.tracking",
        "ResultPath": "$.tracking",
        "End": True,
    },
}
DIRECT = {
    "Reserve": direct("reserve", ResultPath="$.reserved", Next="Charge"),
    "Charge": direct("charge", ResultPath="$.charged", Next="Ship"),
    "Ship": direct("ship", ResultPath="$.shipped", Next="Tell"),
    "Tell": {**CHAIN["Tell"], "InputPath": "$.shipped.tracking"},
}
REPLACED = {
    "Reserve": direct("reserve", Next="Charge"),
    "Charge": direct("charge", Next="Ship"),
    "Ship": direct("ship", End=True),
}
NOTHING_KEPT = {**CHAIN, "Ship": step("ship", OutputPath="$.Payload", End=True)}
NOTHING_KEPT.pop("Tell")
AT_ONCE = {
    "All": {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": name, "States": {name: step(name, End=True)}}
            for name in ("reserve", "ship")
        ],
        "End": True,
    }
}
SWALLOWED = {
    **CHAIN,
    "Charge": step(
        "charge",
        ResultPath=None,
        Next="Ship",
        Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Ship"}],
    ),
}

# ---- task 2


def payments(
    retry: States | None = None,
    declined: str = "GiveBack",
    other: str = "GiveBackAndFail",
    path: str | None = "$.error",
) -> Callable[[Any], None]:
    where = {"ResultPath": path} if path else {}
    catch = [
        {"ErrorEquals": ["CardDeclined"], **where, "Next": declined},
        {"ErrorEquals": ["States.ALL"], **where, "Next": other},
    ]
    busy = {"ErrorEquals": ["BankBusy"], "IntervalSeconds": 5, "MaxAttempts": 3}
    states = {
        "Reserve": step("reserve", ResultPath=None, Next="Charge"),
        "Charge": step("charge", Retry=[busy if retry is None else retry], Catch=catch, End=True),
        "GiveBack": step("release", Next="Declined"),
        "Declined": word("declined"),
        "GiveBackAndFail": step("release", Next="Broken"),
        "Broken": {"Type": "Fail", "Error": "ChargeFailed"},
    }
    used = {"GiveBack": {"GiveBack", "Declined"}, "Declined": {"Declined"}}
    ways = {**used, "GiveBackAndFail": {"GiveBackAndFail", "Broken"}, "Broken": {"Broken"}}
    kept = {"Reserve", "Charge"} | ways[declined] | ways[other]
    return saved("payments", {name: state for name, state in states.items() if name in kept})


EVERYTHING = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 3}
HASTY = {"ErrorEquals": ["BankBusy"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}
ONCE = {"ErrorEquals": ["BankBusy"], "IntervalSeconds": 5, "MaxAttempts": 1}

# ---- task 3


def approvals(
    limit: int = 1000,
    hours: float = 24,
    *,
    looks_at: bool = True,
    wait: bool = True,
    turned: bool = False,
):
    question = {"FunctionName": "ask", "Payload": {"id.$": "$.id", "token.$": "$$.Task.Token"}}
    late = {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "Expired"}
    ask: States = {
        "Type": "Task",
        "Resource": f"{INVOKE}.waitForTaskToken",
        "Parameters": question,
        "Catch": [late],
        "ResultPath": "$.answer",
        "Next": "Answered",
        **({"TimeoutSeconds": int(hours * 3600)} if hours else {}),
    }
    if not wait:
        payload = {"id.$": "$.id", "token": "none"}
        ask |= {"Resource": INVOKE, "Parameters": {"FunctionName": "ask", "Payload": payload}}
    yes = {"Variable": "$.answer.approved", "BooleanEquals": True, "Next": "Charge"}
    rules = [yes] if looks_at else [{"Variable": "$.id", "IsPresent": True, "Next": "Charge"}]
    large = {"Variable": "$.total", "NumericGreaterThan": limit, "Next": "Ask"}
    small = {"Variable": "$.total", "NumericLessThanEquals": limit, "Next": "Charge"}
    return saved(
        "approvals",
        {
            "Large": {
                "Type": "Choice",
                "Choices": [small if turned else large],
                "Default": "Ask" if turned else "Charge",
            },
            "Ask": ask,
            "Answered": {"Type": "Choice", "Choices": rules, "Default": "Refused"},
            "Charge": step("charge", Next="Paid"),
            "Paid": word("paid"),
            "Refused": word("refused"),
            "Expired": word("expired"),
        },
    )


# ---- task 4


def parcels(concurrency: int = 2, *, caught: bool = True, inline: bool = True):
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed"}]
    inner: States = {"Pack": step("pack", OutputPath="$.Payload", End=True)}
    if caught:
        inner["Pack"]["Catch"] = catch
        inner["Failed"] = {"Type": "Pass", "Parameters": {"failed.$": "$.item"}, "End": True}
    each = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "MaxConcurrency": concurrency,
        "End": True,
        "ItemSelector" if inline else "Parameters": {"item.$": "$$.Map.Item.Value"},
        "ItemProcessor" if inline else "Iterator": {"StartAt": "Pack", "States": inner},
    }
    return saved("parcels", {"Each": each})


ROWS = [
    Row(1, "a chain", set(), done=saved("orders", CHAIN)),
    Row(1, "by their ARNs", set(), done=saved("orders", DIRECT)),
    Row(1, "the result replaces the order", {1, 2}, done=saved("orders", REPLACED)),
    Row(1, "only the tracking number", {2}, done=saved("orders", NOTHING_KEPT)),
    Row(1, "two at once", {1, 2, 3}, done=saved("orders", AT_ONCE)),
    Row(1, "errors are swallowed", {3}, done=saved("orders", SWALLOWED)),
    Row(2, "retried, caught, undone", set(), done=payments()),
    Row(2, "the error kept elsewhere", set(), done=payments(path="$.bank.said")),
    Row(2, "everything is tried again", {4}, done=payments(EVERYTHING)),
    Row(2, "too hasty", {3}, done=payments(HASTY)),
    Row(2, "tried again once", {2, 3}, done=payments(ONCE)),
    Row(2, "nothing is released", {5, 6}, done=payments(declined="Declined", other="Broken")),
    Row(2, "the error takes the order's place", {5, 6}, done=payments(path=None)),
    Row(3, "asks, and waits a day", set(), done=approvals()),
    Row(3, "the small ones first", set(), done=approvals(turned=True)),
    Row(3, "waits for ever", {5}, done=approvals(hours=0)),
    Row(3, "waits half an hour", {2, 3, 4}, done=approvals(hours=0.5)),
    Row(3, "asks about every order", {1}, done=approvals(limit=0)),
    Row(3, "takes any answer for a yes", {4}, done=approvals(looks_at=False)),
    Row(3, "asks and does not wait", {2, 3, 4, 5}, done=approvals(wait=False)),
    Row(4, "two at once, and caught", set(), done=parcels()),
    Row(4, "with the older names", set(), done=parcels(inline=False)),
    Row(4, "all at once", {2}, done=parcels(0)),
    Row(4, "one after the other", {2}, done=parcels(1)),
    Row(4, "one spoils all", {3}, done=parcels(caught=False)),
]
