"""Lab 03, retries, destinations, partial failures: its tasks, their hints, and what must hold."""

from lambdalab.learning import lab03_looks as looks
from lambdalab.learning.checks import Criterion, Task

__all__ = ["TASKS", "TITLE"]

TITLE = "retries, destinations, partial failures"

TASKS = (
    Task(
        "retries and destinations",
        hints=(
            "Both are settings of asynchronous invocation, and neither is one of the function "
            "itself. See sections 3 and 4 of notebook 03.",
            "lam.put_function_event_invoke_config takes MaximumRetryAttempts, which does not count "
            "the first attempt, and DestinationConfig.",
            'DestinationConfig={"OnSuccess": {"Destination": queue_arn(lab, "invoices-done")}, '
            '"OnFailure": {...}}, with MaximumRetryAttempts=1.',
        ),
        criteria=(
            Criterion(
                "an invoice that succeeds is recorded as done, and only there",
                wanted=lambda inputs: looks.success_of_invoice(inputs, 20),
                found=lambda probe, inputs: looks.records_of_invoice(probe, inputs, 20),
            ),
            Criterion(
                "an invoice that fails is recorded as failed, with its event and its error",
                wanted=lambda inputs: looks.failure_of_invoice(inputs, -20),
                found=lambda probe, inputs: looks.records_of_invoice(probe, inputs, -20),
            ),
            Criterion(
                "it was tried twice",
                wanted=lambda _: 2,
                found=lambda probe, inputs: looks.attempts_with_invoice(probe, inputs, -30),
            ),
            Criterion(
                "one that succeeds is not tried again",
                wanted=lambda _: 1,
                found=lambda probe, inputs: looks.attempts_with_invoice(probe, inputs, 30),
            ),
        ),
    ),
    Task(
        "one bad message of a batch",
        hints=(
            "When the function raises an error, all messages of the batch come back. How does it "
            "tell that only some of them failed? See section 5 of notebook 03.",
            "Catch the error of each message, also that of json.loads, collect the messageId, and "
            'return {"batchItemFailures": [{"itemIdentifier": ...}]}.',
            "The answer is heeded only if the mapping was made with "
            'FunctionResponseTypes=["ReportBatchItemFailures"].',
        ),
        criteria=(
            Criterion(
                "good parcels are packed once each",
                wanted=lambda inputs: looks.packed_once(looks.parcels(inputs, 3, 1, 2)),
                found=lambda probe, inputs: looks.packed(
                    probe, inputs, looks.parcels(inputs, 3, 1, 2)
                ),
            ),
            Criterion(
                "so are those that come with a bad one",
                wanted=lambda inputs: looks.packed_once(looks.parcels(inputs, 3, 1, 0, 2, 4)),
                found=lambda probe, inputs: looks.packed(
                    probe, inputs, looks.parcels(inputs, 3, 1, 0, 2, 4)
                ),
            ),
            Criterion(
                "only the bad one ends in the dead-letter queue",
                wanted=lambda inputs: looks.parcels(inputs, 3, 0, 5)[1:2],
                found=lambda probe, inputs: looks.dead_parcels(
                    probe, looks.parcels(inputs, 3, 0, 5)
                ),
            ),
            Criterion(
                "so does a message that cannot be read",
                wanted=lambda _: [looks.NO_JSON],
                found=lambda probe, inputs: looks.dead_parcels(
                    probe, [*looks.parcels(inputs, 3, 5), looks.NO_JSON]
                ),
            ),
        ),
    ),
    Task(
        "a poison record in a stream",
        hints=(
            "Without limits a mapping tries the same batch again until its records expire. Which "
            "settings limit that? See section 6 of notebook 03.",
            "A limit alone gives up the whole batch, the good records too. One more setting splits "
            "a batch that fails; or a batch may be small from the beginning.",
            "connect takes MaximumRetryAttempts, BisectBatchOnFunctionError, and DestinationConfig="
            '{"OnFailure": {"Destination": queue_arn(lab, "readings-lost")}}.',
        ),
        criteria=(
            Criterion(
                "good readings are read in order",
                wanted=lambda inputs: looks.readings(inputs, "good", 4),
                found=lambda probe, inputs: looks.read_in_order(
                    probe, looks.readings(inputs, "good", 4)
                ),
            ),
            Criterion(
                "so are those before and after a poison, within minutes",
                wanted=lambda inputs: [
                    name
                    for name in looks.readings(inputs, "mixed", 7)
                    if name != looks.readings(inputs, "mixed", 7)[3]
                ],
                found=lambda probe, inputs: looks.read_in_order(
                    probe, looks.readings(inputs, "mixed", 7), 3
                ),
            ),
            Criterion(
                "one failure record tells of one lost record",
                wanted=lambda _: [1],
                found=lambda probe, inputs: looks.lost_readings(
                    probe, looks.readings(inputs, "lost", 6), 2
                ),
            ),
            Criterion(
                "what comes later is not held up",
                wanted=lambda inputs: looks.readings(inputs, "later", 2),
                found=lambda probe, inputs: looks.read_later(
                    probe, looks.readings(inputs, "first", 2), looks.readings(inputs, "later", 2)
                ),
            ),
        ),
    ),
    Task(
        "a handler that may get the same event twice",
        hints=(
            "What tells that two messages are the same charge? Where can that be kept, so that "
            "every environment knows it? See section 8 of notebook 03.",
            "Write the id of the charge into the table with the condition that it is not there "
            "yet, in one step; if the condition fails, the charge is known: skip it.",
            'table.put_item(Item={"id": ...}, ConditionExpression="attribute_not_exists(id)"), '
            "then charge. If charge raises, delete the item and raise again, so that the next "
            "attempt may charge.",
        ),
        criteria=(
            Criterion(
                "a charge is charged once",
                wanted=lambda _: 1,
                found=lambda probe, inputs: looks.charged(probe, looks.charge(inputs, "one"), 1),
            ),
            Criterion(
                "also when it is sent three times at once",
                wanted=lambda _: 1,
                found=lambda probe, inputs: looks.charged(probe, looks.charge(inputs, "three"), 3),
            ),
            Criterion(
                "also when it is sent again to another environment",
                wanted=lambda _: 1,
                found=lambda probe, inputs: looks.charged_by_two_environments(
                    probe, looks.charge(inputs, "again")
                ),
            ),
            Criterion(
                "also when two environments have it at the same time",
                wanted=lambda _: 1,
                found=lambda probe, inputs: looks.charged_at_the_same_time(
                    probe, looks.charge(inputs, "both", takes=1.5)
                ),
            ),
            Criterion(
                "when the bank did not answer at first, the next attempt charges",
                wanted=lambda _: 1,
                found=lambda probe, inputs: looks.charged(
                    probe, looks.charge(inputs, "flaky", flaky=True), 1
                ),
            ),
        ),
    ),
)
