"""Lab 01, your first function: its tasks, their hints, and what must hold for each."""

from lambdalab.learning import lab01_looks as looks
from lambdalab.learning.checks import Criterion, Task

__all__ = ["TASKS", "TITLE"]

TITLE = "your first function"

TASKS = (
    Task(
        "a greeting",
        hints=(
            "The handler is a function of two parameters, event and context. The event is a dict; "
            "what the handler returns becomes the answer.",
            'event.get("name", "world") gives the name, or "world" when there is none.',
            'The zip that %%handler makes is in the variable greeter, and its handler is called "'
            'greeter.handler". Pass both to lam.create_function, with Runtime, Role=lab.role() and '
            "FunctionName, then wait with the waiter function_active_v2.",
        ),
        criteria=(
            Criterion("the function greeter is ready", lambda _: "Active", looks.state),
            Criterion(
                "it greets a name",
                wanted=lambda inputs: {"message": f"Hello, {inputs.name}!"},
                found=lambda probe, inputs: probe.result("greeter", {"name": inputs.name}),
            ),
            Criterion(
                "it greets another name straight after",
                wanted=lambda inputs: {"message": f"Hello, {inputs.other}!"},
                found=lambda probe, inputs: probe.result("greeter", {"name": inputs.other}),
            ),
            Criterion(
                "without a name it greets the world",
                wanted=lambda _: {"message": "Hello, world!"},
                found=lambda probe, inputs: probe.result("greeter", {"colour": inputs.word}),
            ),
        ),
    ),
    Task(
        "an error that tells what is wrong",
        hints=(
            "The caller sees an error when the handler raises one. The name of the exception's "
            "class becomes errorType, its text becomes errorMessage.",
            "Make a class of your own: class OrderError(Exception). Raise it when a key is not in "
            "the event, and put the name of that key into its text.",
            "Ask with if key not in event. A test such as if not event.get(key) also refuses a "
            "quantity of 0.",
        ),
        criteria=(
            Criterion(
                "an order has a total",
                wanted=lambda inputs: {"total": inputs.number * 250},
                found=lambda probe, inputs: probe.result(
                    "order-total", {"quantity": inputs.number, "price": 250}
                ),
            ),
            Criterion(
                "a quantity of 0 is a quantity",
                wanted=lambda _: {"total": 0},
                found=lambda probe, inputs: probe.result(
                    "order-total", {"quantity": 0, "price": inputs.number}
                ),
            ),
            looks.failure_without("quantity"),
            looks.message_without("quantity"),
            looks.failure_without("price"),
            looks.message_without("price"),
        ),
    ),
    Task(
        "what the context tells",
        hints=(
            "The second parameter, context, is an object. Its attributes and methods are in the "
            "section on the context of notebook 01.",
            "You need aws_request_id, function_name, memory_limit_in_mb and "
            "get_remaining_time_in_millis(), which is a method: call it.",
            "memory_limit_in_mb is a text in Python. int() makes a number of it.",
        ),
        criteria=(
            Criterion("request_id", lambda _: looks.OWN_REQUEST_ID, looks.request_ids),
            Criterion("function_name", lambda _: looks.OWN_NAME, looks.own_name),
            Criterion(
                f"memory_mb is a number, seen in a copy with {looks.TWIN_MEMORY_MB} MB",
                wanted=lambda _: {"memory_mb": looks.TWIN_MEMORY_MB},
                found=looks.twin_member("memory_mb"),
            ),
            Criterion(
                f"remaining_ms, seen in a copy with a timeout of {looks.TWIN_TIMEOUT_SECONDS} s",
                wanted=lambda _: f"{1000 * looks.TWIN_TIMEOUT_SECONDS} or a little less",
                found=looks.twin_member("remaining_ms"),
                accept=looks.remaining_is_near,
            ),
        ),
    ),
    Task(
        "settings instead of code",
        hints=(
            "One call of lam.update_function_configuration changes Timeout (seconds), MemorySize "
            "(MB) and Environment together. The code stays as it is.",
            'Environment={"Variables": {...}} replaces all variables: name the old one too.',
            "Wait for the end of the update with the waiter function_updated_v2.",
        ),
        criteria=(
            Criterion(
                "the time limit is 10 seconds", lambda _: {"Timeout": 10}, looks.setting("Timeout")
            ),
            Criterion(
                "the memory is 512 MB", lambda _: {"MemorySize": 512}, looks.setting("MemorySize")
            ),
            Criterion(
                "both variables are there",
                wanted=lambda _: {"TITLE": "Sales", "CURRENCY": "EUR"},
                found=looks.variables,
            ),
            Criterion(
                "the report comes in time",
                wanted=lambda inputs: {
                    "title": "Sales",
                    "currency": "EUR",
                    "rows": inputs.number,
                    "memory_mb": 512,
                },
                found=lambda probe, inputs: probe.result("slow-report", {"rows": inputs.number}),
            ),
        ),
    ),
    Task(
        "proof that environments are used again",
        hints=(
            "Code outside the handler runs once for each environment; the handler runs at each "
            "invoke. What lives outside survives from one invoke to the next.",
            "Keep the count in a variable of the module, and say global count in the handler "
            "before you change it.",
            "The first invoke of an environment is the one that finds the count at zero.",
        ),
        criteria=(
            Criterion(
                "three invokes of one new environment",
                wanted=lambda _: [
                    {"cold": True, "count": 1},
                    {"cold": False, "count": 2},
                    {"cold": False, "count": 3},
                ],
                found=looks.three_in_a_row,
            ),
            Criterion(
                "a changed setting brings a new environment, and the count begins again",
                wanted=lambda _: [{"cold": False, "count": 2}, {"cold": True, "count": 1}],
                found=looks.before_and_after_a_change,
            ),
        ),
    ),
    Task(
        "the log line of a failed invoke",
        hints=(
            "The log group of a function is named after it: /aws/lambda/ and the name.",
            "lab.tail prints the newest lines. logs.filter_log_events finds lines by a pattern, "
            'for example filterPattern="ERROR".',
            "The error line carries no request id. The START line before it, and the END and "
            "REPORT lines after it, do.",
        ),
        criteria=(
            Criterion("log_group", lambda _: looks.LOG_GROUP, looks.handed_group),
            Criterion("error_line", lambda _: looks.FAILED_LINE, looks.handed_line),
            Criterion("request_id", lambda _: looks.FAILED_ID, looks.handed_id),
        ),
    ),
)
