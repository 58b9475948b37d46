"""Lab 13, find the cheapest memory size: its tasks, their hints, and what must hold."""

from lambdalab.learning import lab13_looks as looks
from lambdalab.learning.checks import Criterion, Task

__all__ = ["TASKS", "TITLE"]

TITLE = "find the cheapest memory size"

TASKS = (
    Task(
        "as much memory as is needed",
        hints=(
            "REPORT tells how much memory a run has used at most. Which run needs the most? See "
            "section 2 of notebook 13.",
            "With the largest album the function ends for lack of memory. Give it plenty, run it, "
            "and read Max Memory Used; then give it that, and some room.",
            'lam.update_function_configuration(FunctionName="album", MemorySize=...), with a '
            "quarter to a half more than was used.",
        ),
        criteria=(
            Criterion(
                "the largest album is made",
                wanted=lambda _: {"kept": looks.LARGEST_ALBUM},
                found=lambda probe, _: probe.result("album", {"megabytes": looks.LARGEST_ALBUM}),
            ),
            Criterion(
                "a tenth to a half of the memory is left then, in percent",
                wanted=lambda _: looks.ROOM,
                found=looks.album_left,
                accept=looks.within,
            ),
        ),
    ),
    Task(
        "the cheapest memory size",
        hints=(
            "One function waits, the other computes. Which of them gets faster with more memory? "
            "See section 8 of notebook 13.",
            "For the one that waits, time does not depend on memory. For the one that computes, "
            "the price hardly does, up to one vCPU: go as far as the time asks for.",
            'tuning(lab, "reporter", {"cpu_seconds": 0.15}) measures and shows both; then set '
            "MemorySize of the functions with lam.update_function_configuration.",
        ),
        criteria=(
            Criterion(
                "mails are sent",
                wanted=lambda inputs: {"sent": inputs.name},
                found=lambda probe, inputs: probe.result("mailer", {"to": inputs.name}),
            ),
            Criterion(
                "with its memory, a million mails cost at most, in dollars",
                wanted=lambda _: looks.cheap_mail(),
                found=looks.mail_price,
                accept=looks.at_most,
            ),
            Criterion(
                "reports are made",
                wanted=lambda _: {"done": looks.REPORT_CPU_SECONDS},
                found=lambda probe, _: probe.result(
                    "reporter", {"cpu_seconds": looks.REPORT_CPU_SECONDS}
                ),
            ),
            Criterion(
                "with its CPU share, a report takes at most, in ms",
                wanted=lambda _: looks.REPORT_WITHIN_MS,
                found=looks.report_time,
                accept=looks.at_most,
            ),
            Criterion(
                "and a million reports cost at most, in dollars",
                wanted=lambda _: looks.cheap_report(),
                found=looks.report_price,
                accept=looks.at_most,
            ),
        ),
    ),
    Task(
        "a metric of your own",
        hints=(
            "A line in the log can become a metric, if it is written in a certain form. See "
            "section 4 of notebook 13.",
            "print(json.dumps({...})) with the member _aws, which names Namespace, Dimensions and "
            "Metrics; the values of all of them are members beside it.",
            'Dimensions is a list of lists: [["country"]]. Timestamp is event["at"]. The order\'s '
            "number is one more member, which no dimension names.",
        ),
        criteria=(
            Criterion(
                "amounts are counted by country",
                wanted=looks.wanted_counts,
                found=looks.counted,
            ),
            Criterion(
                "and by nothing else",
                wanted=lambda _: ["country"],
                found=looks.dimensions,
            ),
            Criterion(
                "the log tells which orders they were",
                wanted=lambda inputs: [order["id"] for order in looks.orders_of(inputs)],
                found=looks.orders_in_the_log,
            ),
        ),
    ),
    Task(
        "an alarm that rings when it should",
        hints=(
            "Which metric counts failed runs, and what does it say while nobody calls? See "
            "section 5 of notebook 13.",
            "cloudwatch.put_metric_alarm for Errors of the function, Sum over 60 seconds, with "
            "AlarmActions. What about OKActions, and TreatMissingData?",
            'OKActions=[topic_arn(lab)] tells the end; TreatMissingData="notBreaching" makes it '
            "come: otherwise the alarm only finds that there is no data.",
        ),
        criteria=(
            Criterion(
                "nobody is paged while all is well, or while nobody orders",
                wanted=lambda _: [],
                found=looks.pages_when_all_is_well,
            ),
            Criterion(
                "an order that fails pages within minutes, once",
                wanted=lambda _: ["ALARM"],
                found=looks.pages_of_a_failure,
            ),
            Criterion(
                "the end is told, too",
                wanted=lambda _: ["ALARM", "OK"],
                found=looks.pages_of_an_incident,
            ),
        ),
    ),
)
