"""Lab 15, ship a change safely: its tasks, their hints, and what must hold."""

from lambdalab.learning import lab15_looks as looks
from lambdalab.learning.checks import Criterion, Task

__all__ = ["TASKS", "TITLE"]

TITLE = "ship a change safely"

TASKS = (
    Task(
        "one layer for two functions",
        hints=(
            "A layer is a zip of its own. In which of its folders does Python look for modules? "
            "See section 2 of notebook 15.",
            'lam.publish_layer_version(LayerName="rates", Content={"ZipFile": ...}) wants a zip '
            "with python/rates.py.",
            "Its answer has LayerVersionArn: give it to deploy as Layers=[...], for both "
            "functions, and leave rates.py out of their packages.",
        ),
        criteria=(
            Criterion(
                "tax answers with the rate of a country",
                wanted=lambda inputs: looks.RATES[looks.country(inputs)],
                found=lambda probe, inputs: probe.result("tax", {"country": looks.country(inputs)}),
            ),
            Criterion(
                "gross answers with the price and its tax",
                wanted=lambda inputs: 100 + looks.RATES[looks.country(inputs)],
                found=lambda probe, inputs: probe.result(
                    "gross", {"country": looks.country(inputs), "net": 100}
                ),
            ),
            Criterion(
                "both use the layer",
                wanted=lambda _: [[looks.LAYER], [looks.LAYER]],
                found=lambda probe, _: [looks.layers(probe, name) for name in ("tax", "gross")],
            ),
            Criterion(
                "neither brings the rates in its own package",
                wanted=lambda _: [["tax.py"], ["gross.py"]],
                found=lambda probe, _: [looks.files(probe, name) for name in ("tax", "gross")],
            ),
        ),
    ),
    Task(
        "a template for a function, its queue and its table",
        hints=(
            "A template of SAM begins with Transform. Which type stands for a function, and where "
            "does it say what calls it? See section 5 of notebook 15.",
            "Events: {Parcels: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn}}}; the table is "
            "an AWS::Serverless::SimpleTable, the queue an AWS::SQS::Queue.",
            "The function gets the table's name by Environment: {Variables: {TABLE: !Ref Table}}, "
            "may write by the policy template DynamoDBWritePolicy, and AutoPublishAlias: live "
            "makes the alias, which the queue then calls.",
        ),
        criteria=(
            Criterion(
                "the stack parcels is made from a SAM template",
                wanted=lambda _: looks.SAM,
                found=lambda probe, _: looks.transform(probe, "parcels"),
            ),
            Criterion(
                "a parcel that is sent to its queue is in its table within a minute",
                wanted=lambda inputs: [f"{inputs.word}-1", f"{inputs.word}-2"],
                found=looks.packed,
            ),
            Criterion(
                "the queue calls the alias live",
                wanted=lambda _: ["live"],
                found=lambda probe, _: looks.called_by_queue(probe),
            ),
        ),
    ),
    Task(
        "a canary that goes back",
        hints=(
            "Which property of AWS::Serverless::Function says how the alias moves to a new "
            "version? It needs another one, which makes the alias. See section 6 of notebook 15.",
            "DeploymentPreference: {Type: ..., Alarms: [...]} and AutoPublishAlias: live. Any "
            "canary or linear type will do.",
            "The alarm is an AWS::CloudWatch::Alarm on the metric Errors of AWS/Lambda, with the "
            "dimension FunctionName, Statistic Sum, Period 60, EvaluationPeriods 1, Threshold 1.",
        ),
        criteria=(
            Criterion(
                "a good change gets a part of the traffic first, and all in the end",
                wanted=lambda _: {"after a minute": "a part", "in the end": "all"},
                found=looks.good_change,
            ),
            Criterion(
                "a change that fails gets a part, and is taken back",
                wanted=lambda _: {
                    "after a minute": "a part",
                    "in the end": "none",
                    "stack": "UPDATE_ROLLBACK_COMPLETE",
                },
                found=looks.broken_change,
            ),
        ),
    ),
    Task(
        "tests that find what is wrong",
        hints=(
            "A test calls postage.handler(event, None) and asserts what comes back. Which events "
            "lie just at a limit? See section 7 of notebook 15.",
            "Limits: a weight of 0 and of 1; a total of 99 and of 100. And each rule by itself: "
            "another weight, express and not.",
            "with pytest.raises(ValueError): ... is the test of a refusal. Hand the text over: "
            "tasks.check(4, tests=TESTS).",
        ),
        criteria=(
            Criterion(
                "they pass with a handler that is right",
                wanted=lambda _: True,
                found=lambda probe, _: looks.accepted(probe),
            ),
            Criterion(
                "they fail with each handler that is wrong",
                wanted=lambda _: list(looks.WRONG),
                found=lambda probe, _: looks.caught(probe),
            ),
        ),
    ),
)
