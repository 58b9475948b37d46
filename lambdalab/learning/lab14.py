"""Lab 14, an order workflow: its tasks, their hints, and what must hold."""

from lambdalab.learning import lab14_looks as looks
from lambdalab.learning.checks import Criterion, Task

__all__ = ["TASKS", "TITLE"]

TITLE = "an order workflow"

TASKS = (
    Task(
        "one after the other",
        hints=(
            "A Task state needs Resource, and Next or End. What does the next state get as its "
            "input, and what do reserve, charge and ship need? See section 3 of notebook 14.",
            "Each function needs the whole order, so its result must not take the order's place: "
            "ResultPath says where in the input the result is put.",
            'With arn:aws:states:::lambda:invoke: Parameters={"FunctionName": "reserve", '
            '"Payload.$": "$"}, ResultSelector={"shelf.$": "$.Payload.shelf"}, '
            'ResultPath="$.reserved".',
        ),
        criteria=(
            Criterion(
                "an order is reserved, charged and shipped, once each and in this order",
                wanted=lambda _: ["reserve", "charge", "ship"],
                found=lambda probe, inputs: looks.steps_of(
                    probe, "orders", looks.order(inputs, "one")
                ),
            ),
            Criterion(
                "the output is the order with its tracking number",
                wanted=lambda inputs: {
                    "status": "SUCCEEDED",
                    "output": looks.order(inputs, "two", gift=True)
                    | {"tracking": f"t-{looks.order(inputs, 'two')['id']}"},
                },
                found=lambda probe, inputs: looks.outcome(
                    probe, "orders", looks.order(inputs, "two", gift=True)
                ),
            ),
            Criterion(
                "what cannot be charged is not shipped",
                wanted=lambda _: ["reserve"],
                found=lambda probe, inputs: looks.steps_of(
                    probe, "orders", looks.order(inputs, "three", card="declined")
                ),
            ),
        ),
    ),
    Task(
        "what fails is tried again, or undone",
        hints=(
            "The name of an error is the name of the function's exception. A retrier and a catcher "
            "each name the errors that they are for. See section 5 of notebook 14.",
            'Retry=[{"ErrorEquals": ["BankBusy"], "IntervalSeconds": 5, "MaxAttempts": 3}]; '
            "two catchers, the second one for States.ALL, lead to states that call release.",
            "Give the catchers ResultPath, or release gets the error in place of the order. After "
            'release one way ends with a Pass state that makes {"status": "declined"}, the other '
            "with a Fail state.",
        ),
        criteria=(
            Criterion(
                "an order that can be charged is paid",
                wanted=lambda _: ["reserve", "charge"],
                found=lambda probe, inputs: looks.steps_of(
                    probe, "payments", looks.order(inputs, "good")
                ),
            ),
            Criterion(
                "a busy bank is asked again, three times in all here",
                wanted=lambda _: 3,
                found=lambda probe, inputs: looks.attempts(
                    probe, looks.order(inputs, "busy", card="busy")
                ),
            ),
            Criterion(
                "it is given time: five seconds, then more",
                wanted=lambda _: "at least 10 seconds",
                found=lambda probe, inputs: looks.patience(
                    probe, looks.order(inputs, "time", card="busy"), 10
                ),
            ),
            Criterion(
                "a declined card is not tried again",
                wanted=lambda _: 1,
                found=lambda probe, inputs: looks.attempts(
                    probe, looks.order(inputs, "once", card="declined")
                ),
            ),
            Criterion(
                "its goods are released, and the output says so",
                wanted=lambda _: [["reserve", "release"], "SUCCEEDED", "declined"],
                found=lambda probe, inputs: looks.undone(
                    probe, looks.order(inputs, "back", card="declined")
                ),
            ),
            Criterion(
                "after any other error the goods are released and the execution fails",
                wanted=lambda _: [["reserve", "release"], "FAILED", None],
                found=lambda probe, inputs: looks.undone(
                    probe, looks.order(inputs, "broken", card="broken")
                ),
            ),
        ),
    ),
    Task(
        "somebody must say yes",
        hints=(
            "A Choice state compares; a Task state whose Resource ends in .waitForTaskToken waits "
            "until somebody sends its token back. See sections 4 and 7 of notebook 14.",
            'Choices=[{"Variable": "$.total", "NumericGreaterThan": 1000, "Next": "Ask"}], '
            'Default="Charge"; the token stands in the context object: "token.$": '
            '"$$.Task.Token".',
            "TimeoutSeconds=86400 with a catcher for States.Timeout. Put the answer at $.answer "
            "with ResultPath, and let a second Choice look at $.answer.approved with "
            "BooleanEquals.",
        ),
        criteria=(
            Criterion(
                "a small order is charged without a question",
                wanted=lambda _: ["charge"],
                found=lambda probe, inputs: looks.steps_of(
                    probe, "approvals", looks.order(inputs, "small", total=1000)
                ),
            ),
            Criterion(
                "a large one waits",
                wanted=lambda _: ["RUNNING", []],
                found=lambda probe, inputs: looks.before_an_answer(
                    probe, looks.order(inputs, "large", total=1001)
                ),
            ),
            Criterion(
                "after a yes it is charged",
                wanted=lambda _: ["paid", ["charge"]],
                found=lambda probe, inputs: looks.after_an_answer(
                    probe, looks.order(inputs, "yes", total=5000), {"approved": True}
                ),
            ),
            Criterion(
                "after a no it is refused",
                wanted=lambda _: ["refused", []],
                found=lambda probe, inputs: looks.after_an_answer(
                    probe, looks.order(inputs, "no", total=5000), {"approved": False}
                ),
            ),
            Criterion(
                "after a day without an answer it has expired",
                wanted=lambda _: ["expired", []],
                found=lambda probe, inputs: looks.without_an_answer(
                    probe, looks.order(inputs, "silence", total=5000)
                ),
            ),
        ),
    ),
    Task(
        "many items, two at once",
        hints=(
            "A Map state runs the same states for each item of a list. See section 4 of "
            "notebook 14.",
            "ItemsPath says where the list is, MaxConcurrency how many run at once; pack wants an "
            'object, so ItemSelector makes one: {"item.$": "$$.Map.Item.Value"}.',
            "A Catch inside of the Map keeps one item's error from the others: it leads to a Pass "
            'state that gives {"failed": <the item>}.',
        ),
        criteria=(
            Criterion(
                "each item becomes a parcel, and they keep their order",
                wanted=lambda inputs: {
                    "status": "SUCCEEDED",
                    "output": looks.packed(looks.items(inputs, "tea", "cup", "pot")),
                },
                found=lambda probe, inputs: looks.outcome(
                    probe,
                    "parcels",
                    looks.order(inputs, "all", items=looks.items(inputs, "tea", "cup", "pot")),
                ),
            ),
            Criterion(
                "two are packed at once, and no more",
                wanted=lambda _: "two",
                found=lambda probe, inputs: looks.at_once(
                    probe, looks.order(inputs, "two", items=looks.items(inputs, *["cup"] * 5))
                ),
            ),
            Criterion(
                "an item that cannot be packed does not spoil the others",
                wanted=lambda inputs: {
                    "status": "SUCCEEDED",
                    "output": [
                        *looks.packed(looks.items(inputs, "tea")),
                        {"failed": looks.items(inputs, "tea", "broken")[1]},
                    ],
                },
                found=lambda probe, inputs: looks.outcome(
                    probe,
                    "parcels",
                    looks.order(inputs, "some", items=looks.items(inputs, "tea", "broken")),
                ),
            ),
        ),
    ),
)
