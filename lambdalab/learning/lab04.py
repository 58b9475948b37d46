"""Lab 04, thumbnails from S3, a cron job: its tasks, their hints, and what must hold."""

from lambdalab.learning import lab04_looks as looks
from lambdalab.learning.checks import Criterion, Task

__all__ = ["TASKS", "TITLE"]

TITLE = "thumbnails from S3; a cron job"

TASKS = (
    Task(
        "thumbnails",
        hints=(
            "Three things are needed: code that fetches, shrinks and puts; a permission; a "
            "notification configuration. See sections 1 and 11 of notebook 04.",
            "The key in the event is URL-encoded. The permission names the bucket and the account, "
            "and the filter of the configuration has a prefix and a suffix.",
            'unquote_plus(record["s3"]["object"]["key"]); add_permission with Principal='
            '"s3.amazonaws.com", SourceArn="arn:aws:s3:::pictures", SourceAccount=lab.account; '
            'FilterRules=[{"Name": "prefix", "Value": "in/"}, '
            '{"Name": "suffix", "Value": ".png"}].',
        ),
        criteria=(
            Criterion(
                "a picture gets its thumbnail",
                wanted=lambda inputs: looks.shrunk(looks.plain_key(inputs)),
                found=lambda probe, inputs: looks.thumbnail(probe, looks.plain_key(inputs)),
            ),
            Criterion(
                "so does one whose name has blanks and foreign letters",
                wanted=lambda inputs: looks.shrunk(looks.foreign_key(inputs)),
                found=lambda probe, inputs: looks.thumbnail(probe, looks.foreign_key(inputs)),
            ),
            Criterion(
                "one picture is one invocation",
                wanted=lambda _: 1,
                found=lambda probe, inputs: looks.invokes_for(probe, looks.next_key(inputs)),
            ),
            Criterion(
                "other objects start nothing",
                wanted=lambda _: 0,
                found=lambda probe, inputs: looks.invokes_for(probe, *looks.other_keys(inputs)),
            ),
            Criterion(
                "no other bucket may call the function",
                wanted=lambda _: "refused",
                found=looks.another_bucket,
            ),
        ),
    ),
    Task(
        "one topic, two functions",
        hints=(
            "Each subscription needs a permission of its own, and only one of them a filter. See "
            "section 2 of notebook 04.",
            "sns.subscribe takes Attributes; FilterPolicy is JSON text. The permission's SourceArn "
            "is that of the topic.",
            '{"amount": [{"numeric": [">", 1000]}]} as FilterPolicy of the subscription of alarm.',
        ),
        criteria=(
            Criterion(
                "every order is booked once",
                wanted=lambda inputs: looks.all_orders(inputs),
                found=lambda probe, inputs: looks.told_of(probe, "ledger", inputs),
            ),
            Criterion(
                "the alarm hears of the large ones only",
                wanted=lambda inputs: looks.large_orders(inputs),
                found=lambda probe, inputs: looks.told_of(probe, "alarm", inputs),
            ),
            Criterion(
                "no other topic may call the ledger",
                wanted=lambda _: "refused",
                found=looks.another_topic,
            ),
        ),
    ),
    Task(
        "a cron job",
        hints=(
            "A schedule starts the function, either a rule of EventBridge or a schedule of the "
            "Scheduler. See sections 12 and 13 of notebook 04.",
            "A rule: put_rule with ScheduleExpression, a permission for events.amazonaws.com, "
            "put_targets. The event's time tells when it was meant to run.",
            '"cron(0 3 * * ? *)". Which carts are old: datetime.fromisoformat(event["time"]) '
            "minus a day, compared with each cart's touched.",
        ),
        criteria=(
            Criterion(
                "carts that nobody has touched for a day are thrown away",
                wanted=lambda _: [],
                found=lambda probe, inputs: looks.carts_left(probe, inputs, hours=(25, 49, 300)),
            ),
            Criterion(
                "the others stay",
                wanted=lambda inputs: looks.cart_names(inputs, (0, 5, 20)),
                found=lambda probe, inputs: looks.carts_left(probe, inputs, hours=(0, 5, 20)),
            ),
            Criterion(
                "it runs once a night, at three",
                wanted=lambda _: ["03:00"] * 3,
                found=looks.runs_in_three_days,
            ),
        ),
    ),
    Task(
        "a shelf of books behind a URL",
        hints=(
            "A function URL needs two statements in the policy, since October 2025. Which path and "
            "which method was asked for? See section 4 of notebook 04.",
            'event["rawPath"], event["requestContext"]["http"]["method"], event.get("body"); the '
            "answer has statusCode, headers and body, a string.",
            'add_permission twice: Action="lambda:InvokeFunctionUrl" with '
            'FunctionUrlAuthType="NONE", and Action="lambda:InvokeFunction" with '
            'InvokedViaFunctionUrl=True; both with Principal="*".',
        ),
        criteria=(
            Criterion(
                "a book of the table can be fetched",
                wanted=lambda inputs: [200, looks.book(inputs, "kept")],
                found=lambda probe, inputs: looks.fetch_kept(probe, looks.book(inputs, "kept")),
            ),
            Criterion(
                "one that is not there is not found",
                wanted=lambda _: 404,
                found=lambda probe, inputs: looks.ask(probe, "GET", f"books/{inputs.word}-none")[0],
            ),
            Criterion(
                "a book that is posted is created, and is there",
                wanted=lambda inputs: [201, 200, looks.book(inputs, "new")],
                found=lambda probe, inputs: looks.post(probe, looks.book(inputs, "new")),
            ),
            Criterion(
                "what is no JSON is a bad request",
                wanted=lambda _: 400,
                found=lambda probe, _: looks.ask(probe, "POST", "books", b"no JSON")[0],
            ),
        ),
    ),
)
