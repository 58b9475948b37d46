"""Lab 02, init code, /tmp, layers, extensions: its tasks, their hints, and what must hold."""

from lambdalab.learning import lab02_looks as looks
from lambdalab.learning.checks import Criterion, Task

__all__ = ["TASKS", "TITLE"]

TITLE = "init code, /tmp, layers, extensions"

TASKS = (
    Task(
        "work that is done once",
        hints=(
            "The table is the same for every event. Which part of a module runs only once for each "
            "environment? See sections 1 and 3 of notebook 02.",
            "What stands outside of the handler runs in INIT. Who loads the table with the first "
            "event only moves the wait to the first caller.",
            "table = load() below the definition of load, outside of the handler; the handler then "
            'needs only table[event["zone"]].',
        ),
        criteria=(
            Criterion(
                "it tells the price of a zone",
                wanted=lambda inputs: {"price": looks.TARIFF[looks.zone(inputs)]},
                found=lambda probe, inputs: probe.result("tariff", {"zone": looks.zone(inputs)}),
            ),
            Criterion(
                "the next invoke in the same environment is fast",
                wanted=lambda _: looks.FAST,
                found=looks.warm_invoke_of_tariff,
            ),
            Criterion(
                "so is the first invoke in a new environment, once INIT is over",
                wanted=lambda _: looks.FAST,
                found=looks.cold_invoke_of_tariff,
            ),
            Criterion(
                "a new environment knows a new price",
                wanted=looks.new_price,
                found=looks.price_in_new_environment,
            ),
        ),
    ),
    Task(
        "a cache in /tmp",
        hints=(
            "Three cases: the copy is there, the copy is not there yet, and two letters whose keys "
            "end in the same name. See section 5 of notebook 02.",
            "Make a file name of the whole key: a slash in it would ask for a folder that is not "
            "there. If there is no file of that name, fetch the letter; then read the file.",
            'copy = Path("/tmp", event["key"].replace("/", "--")), then if not copy.exists(): '
            's3.download_file("letters", event["key"], str(copy)), then copy.read_text().',
        ),
        criteria=(
            Criterion(
                "it reads a letter",
                wanted=lambda inputs: {"text": looks.letter(inputs, 1)},
                found=lambda probe, inputs: looks.read_and_take_away(probe, inputs, 1),
            ),
            Criterion(
                "it still knows the letter when it is gone from S3",
                wanted=lambda inputs: {"text": looks.letter(inputs, 2)},
                found=looks.read_when_gone,
            ),
            Criterion(
                "also after the environment has crashed",
                wanted=lambda inputs: {"text": looks.letter(inputs, 3)},
                found=looks.read_after_crash,
            ),
            Criterion(
                "of two letters with the same name in different folders each is itself",
                wanted=lambda inputs: [{"text": looks.letter(inputs, n)} for n in (4, 5)],
                found=lambda probe, inputs: [
                    looks.read_and_take_away(probe, inputs, number) for number in (4, 5)
                ],
            ),
            Criterion(
                "a new environment, which has no copy, fetches the letter",
                wanted=lambda inputs: {"text": looks.letter(inputs, 6)},
                found=looks.read_in_new_environment,
            ),
        ),
    ),
    Task(
        "a library in a layer",
        hints=(
            "A layer is unpacked under /opt. In which of its folders does Python look for modules? "
            "See section 8 of notebook 02.",
            'lab.zip({"python/greetings.py": library}) packs a layer, and '
            "lam.publish_layer_version answers with LayerVersionArn.",
            'deploy(lab, "welcome", welcome, Handler="welcome.handler", Layers=[arn]), and the '
            "same for farewell with the same arn.",
        ),
        criteria=(
            Criterion(
                "welcome greets",
                wanted=lambda inputs: {"message": f"Good day, {inputs.name}."},
                found=lambda probe, inputs: probe.result("welcome", {"name": inputs.name}),
            ),
            Criterion(
                "farewell takes leave",
                wanted=lambda inputs: {"message": f"Safe travels, {inputs.other}."},
                found=lambda probe, inputs: probe.result("farewell", {"name": inputs.other}),
            ),
            Criterion(
                "without layers neither of them finds the library: no package holds it",
                wanted=lambda _: ["Runtime.ImportModuleError"] * 2,
                found=looks.without_layers,
            ),
            Criterion(
                "both use the same version of a layer",
                wanted=lambda _: looks.SHARED,
                found=looks.common_layer,
            ),
        ),
    ),
    Task(
        "an extension that counts",
        hints=(
            "Registering tells which events the extension wants; then it asks for the next event, "
            "again and again, until the event is SHUTDOWN. See section 9 of notebook 02.",
            "The identifier is a header of the answer to register, and each later request must "
            "carry it. Count the events of type INVOKE, print when SHUTDOWN comes, and end.",
            'while json.load(ask(f"{api}/event/next", headers=me))["eventType"] == "INVOKE": '
            "count += 1. Print with flush=True. In the layer the file lies in the folder "
            "extensions, and its first line begins with #!.",
        ),
        criteria=(
            Criterion(
                "the function answers as before",
                wanted=lambda inputs: {"echo": inputs.word},
                found=lambda probe, inputs: probe.result("watched", {"echo": inputs.word}),
            ),
            Criterion(
                "an extension is ready for INVOKE and SHUTDOWN",
                wanted=lambda _: looks.READY,
                found=looks.extension_of_watched,
            ),
            Criterion(
                "at the end of an environment the log tells once how often it was invoked",
                wanted=lambda inputs: [looks.counted(looks.some(inputs))],
                found=lambda probe, inputs: looks.counts_at_the_end(probe, looks.some(inputs)),
            ),
            Criterion(
                "another environment counts for itself",
                wanted=lambda inputs: [looks.counted(looks.some(inputs) + 1)],
                found=lambda probe, inputs: looks.counts_at_the_end(probe, looks.some(inputs) + 1),
            ),
            Criterion(
                "the extension does not lengthen the invoke much",
                wanted=lambda _: looks.FAST,
                found=looks.warm_invoke_of_watched,
            ),
        ),
    ),
)
