"""Lab 07, reserve, provision, throttle: its tasks, their hints, and what must hold."""

from lambdalab.learning import lab07_looks as looks
from lambdalab.learning.checks import Criterion, Task

__all__ = ["TASKS", "TITLE"]

TITLE = "reserve, provision, throttle"

TASKS = (
    Task(
        "reserve, and switch off",
        hints=(
            "One setting of a function is a guarantee and a limit at the same time. Which one? See "
            "section 3 of notebook 07.",
            "lam.put_function_concurrency takes ReservedConcurrentExecutions. Nobody can run what "
            "has none.",
            'lam.put_function_concurrency(FunctionName="checkout", ReservedConcurrentExecutions=4),'
            ' and the same with 0 for "report". Leave newsletter as it is.',
        ),
        criteria=(
            Criterion(
                "of five checkouts at the same moment, four are served",
                wanted=lambda _: {"served": looks.CHECKOUTS, looks.NO_MORE: 1},
                found=lambda probe, _: looks.tally(probe, "checkout", looks.CHECKOUTS + 1),
            ),
            Criterion(
                "four are, too, while newsletters take all that they can get",
                wanted=lambda _: {"served": looks.CHECKOUTS},
                found=lambda probe, _: looks.checkouts_beside_newsletters(probe),
            ),
            Criterion(
                "no report runs, whoever asks for it",
                wanted=lambda _: {looks.NO_MORE: 1},
                found=lambda probe, _: looks.tally(probe, "report", 1),
            ),
            Criterion(
                "newsletters find room for four",
                wanted=lambda _: {"served": looks.OTHERS},
                found=lambda probe, _: looks.tally(probe, "newsletter", looks.OTHERS),
            ),
        ),
    ),
    Task(
        "no waiting for INIT",
        hints=(
            "Who keeps environments ready whose INIT is over? See section 5 of notebook 07.",
            "lam.put_provisioned_concurrency_config wants a Qualifier: which one do the callers "
            "use, and at which version is it?",
            'lam.put_provisioned_concurrency_config(FunctionName="prices", Qualifier="live", '
            "ProvisionedConcurrentExecutions=3), and minutes of the clock until it is READY.",
        ),
        criteria=(
            Criterion(
                "three callers of live find environments that are ready",
                wanted=lambda _: {looks.AHEAD: looks.READY},
                found=lambda probe, _: looks.kinds(probe, "prices:live", looks.READY),
            ),
            Criterion(
                "a fourth is served as well, after its INIT",
                wanted=lambda _: {looks.ON_DEMAND: 1, looks.AHEAD: looks.READY},
                found=lambda probe, _: looks.kinds(probe, "prices:live", looks.READY + 1),
            ),
            Criterion(
                "three are paid for, and no more",
                wanted=lambda _: looks.READY,
                found=lambda probe, _: looks.claimed(probe, "prices"),
            ),
        ),
    ),
    Task(
        "ready for lunch",
        hints=(
            "Application Auto Scaling has actions that come by a schedule. See section 6 of "
            "notebook 07.",
            "First register_scalable_target for the resource function:lunch:live. A scheduled "
            "action then changes MinCapacity and MaxCapacity, at one time of the day each.",
            'put_scheduled_action(**target, ScheduledActionName="open", Schedule="cron(45 10 * * ? '
            '*)", ScalableTargetAction={"MinCapacity": 3, "MaxCapacity": 3}), and one that sets '
            "both to 0 at two.",
        ),
        criteria=(
            Criterion(
                "at eleven, three are ready",
                wanted=lambda _: {looks.AHEAD: looks.READY},
                found=lambda probe, _: looks.kinds_at(probe, 11, 0),
            ),
            Criterion(
                "at half past two, nothing is paid for",
                wanted=lambda _: {looks.ON_DEMAND: looks.READY},
                found=lambda probe, _: looks.kinds_at(probe, 14, 30),
            ),
            Criterion(
                "nor at night",
                wanted=lambda _: {looks.ON_DEMAND: looks.READY},
                found=lambda probe, _: looks.kinds_at(probe, 23, 15),
            ),
            Criterion(
                "nor early in the morning",
                wanted=lambda _: {looks.ON_DEMAND: looks.READY},
                found=lambda probe, _: looks.kinds_at(probe, 9, 30),
            ),
            Criterion(
                "the next day at half past one, three are ready",
                wanted=lambda _: {looks.AHEAD: looks.READY},
                found=lambda probe, _: looks.kinds_at(probe, 13, 30),
            ),
        ),
    ),
    Task(
        "a queue that does not flood",
        hints=(
            "The poller may be told how many batches it has under way at a time, so that it does "
            "not fetch what would be refused. See section 8 of notebook 07.",
            "lam.update_event_source_mapping takes ScalingConfig. Reserved concurrency would limit "
            "other callers too, and refuse what the poller has fetched already.",
            "lam.update_event_source_mapping(UUID=queue_mapping(lab), "
            'ScalingConfig={"MaximumConcurrency": 2}).',
        ),
        criteria=(
            Criterion(
                "each order is imported once",
                wanted=lambda _: {"once": looks.ORDERS},
                found=lambda probe, inputs: looks.imports(probe, inputs).often,
            ),
            Criterion(
                "two at a time at most",
                wanted=lambda _: looks.AT_ONCE,
                found=lambda probe, inputs: looks.imports(probe, inputs).most_at_a_time,
                accept=lambda found, wanted: 1 <= found <= wanted,
            ),
            Criterion(
                "no batch is fetched and then refused",
                wanted=lambda _: 0,
                found=lambda probe, inputs: looks.imports(probe, inputs).refused,
            ),
            Criterion(
                "four other callers at the same moment are served",
                wanted=lambda _: {"served": looks.OTHERS},
                found=lambda probe, _: looks.tally(probe, "importer", looks.OTHERS),
            ),
        ),
    ),
)
