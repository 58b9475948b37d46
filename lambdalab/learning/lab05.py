"""Lab 05, hit every limit, and get round it: its tasks, their hints, and what must hold."""

from lambdalab.learning import lab05_looks as looks
from lambdalab.learning.checks import Criterion, Task

__all__ = ["TASKS", "TITLE"]

TITLE = "hit every limit, and get round it"

TASKS = (
    Task(
        "more work than the CPU does in time",
        hints=(
            "The function computes, and it gets only a small part of a CPU. Which setting decides "
            "how large that part is? See section 4 of notebook 05.",
            "One full vCPU comes with the memory that facts.quota('memory.per-vcpu') tells. A "
            "quarter of it comes with a quarter of that memory.",
            'lam.update_function_configuration(FunctionName="busy", MemorySize=...), then wait '
            "with the waiter function_updated_v2.",
        ),
        criteria=(
            Criterion(
                "the timeout is what it was",
                wanted=lambda _: {"Timeout": 1},
                found=looks.setting("busy", "Timeout"),
            ),
            Criterion(
                "it has a quarter of a vCPU or more",
                wanted=lambda _: looks.ENOUGH_CPU,
                found=looks.cpu_of_busy,
            ),
            Criterion(
                "the work is done in time",
                wanted=lambda inputs: {"done": looks.cpu_seconds(inputs)},
                found=lambda probe, inputs: probe.result(
                    "busy", {"cpu_seconds": looks.cpu_seconds(inputs)}
                ),
            ),
        ),
    ),
    Task(
        "more data than memory",
        hints=(
            "pieces(event) is a generator: it makes a piece when it is asked for the next one. "
            "What makes all of them be there at once?",
            "list(...) and b''.join(...) ask for all pieces and keep them. A for loop that keeps "
            "only a number needs the memory of one piece.",
            'sum(piece.count(b"ERROR") for piece in pieces(event)) counts and forgets.',
        ),
        criteria=(
            Criterion(
                "the memory is what it was",
                wanted=lambda _: {"MemorySize": 128},
                found=looks.setting("count-errors", "MemorySize"),
            ),
            Criterion(
                "a small archive is counted",
                wanted=lambda inputs: {"errors": looks.errors_in(inputs, looks.SMALL_ARCHIVE)},
                found=looks.counted(looks.SMALL_ARCHIVE),
            ),
            Criterion(
                "an archive larger than the memory is counted",
                wanted=lambda inputs: {"errors": looks.errors_in(inputs, looks.LARGE_ARCHIVE)},
                found=looks.counted(looks.LARGE_ARCHIVE),
            ),
        ),
    ),
    Task(
        "more work than time",
        hints=(
            "The invoke must end in good time by itself, and tell what is left. Who knows how much "
            "time is left? See section 5 of notebook 05.",
            "context.get_remaining_time_in_millis() tells it. Ask before each letter, and stop "
            "while there is still time for one and for the answer.",
            "items[len(sent):] is what is left when sent holds the letters that went out.",
        ),
        criteria=(
            Criterion(
                "the timeout is what it was",
                wanted=lambda _: {"Timeout": 1},
                found=looks.setting("send-letters", "Timeout"),
            ),
            Criterion(
                "two letters go out in one invoke",
                wanted=lambda inputs: {"sent": looks.letters(inputs, 2), "left": []},
                found=lambda probe, inputs: probe.result(
                    "send-letters", {"items": looks.letters(inputs, 2)}
                ),
            ),
            Criterion(
                "many letters go out, each once and in order, when what is left is sent again",
                wanted=lambda inputs: looks.letters(inputs, looks.MANY_LETTERS),
                found=looks.sent_in_turns,
            ),
        ),
    ),
    Task(
        "a password that the settings do not show",
        hints=(
            "Three places are better than a variable: see section 7 of notebook 05. The password "
            "already lies in one of them.",
            'boto3.client("secretsmanager").get_secret_value(SecretId="shop/login")["SecretString"]'
            " reads it, in the handler or outside of it.",
            "A variable may hold the name of the secret. Environment in a call of deploy or "
            "update_function_configuration replaces all variables, the old PASSWORD too.",
        ),
        criteria=(
            Criterion(
                "no setting shows the password",
                wanted=lambda _: looks.HIDDEN,
                found=looks.password_in_settings,
            ),
            Criterion(
                "the function knows the password",
                wanted=lambda _: looks.KNOWN,
                found=looks.knows_password,
            ),
            Criterion(
                "a new environment knows the password when it has been changed",
                wanted=lambda _: looks.KNOWN,
                found=looks.knows_changed_password,
            ),
        ),
    ),
    Task(
        "settings larger than the variables may be",
        hints=(
            "The list does not fit into the variables, and the limit cannot be raised. Where else "
            "can data lie that the code needs?",
            "A file in the package is read with open, from the folder in which the code lies. "
            "lab.zip({name: content, ...}) packs several files. An object in S3 does it as well.",
            'lab.zip({"price_of.py": source, "prices.json": json.dumps(prices)}), and in the code '
            'json.loads(Path(__file__).with_name("prices.json").read_text()).',
        ),
        criteria=(
            Criterion(
                "it tells the price of an article",
                wanted=lambda inputs: {"price": looks.PRICES[looks.article(inputs)]},
                found=lambda probe, inputs: probe.result(
                    "price-of", {"article": looks.article(inputs)}
                ),
            ),
            Criterion(
                "it tells the price of the last article",
                wanted=lambda _: {"price": looks.PRICES[looks.LAST_ARTICLE]},
                found=lambda probe, _: probe.result("price-of", {"article": looks.LAST_ARTICLE}),
            ),
            Criterion(
                "an unknown article has no price",
                wanted=lambda _: {"price": None},
                found=lambda probe, inputs: probe.result("price-of", {"article": inputs.word}),
            ),
        ),
    ),
    Task(
        "data too large for an event and for an answer",
        hints=(
            "The event names where the text is, and the answer where the result is. The text "
            "itself travels by S3 both times.",
            's3.get_object(Bucket=..., Key=...)["Body"].read() gives bytes; decode and upper make '
            "the result of them, and put_object stores it.",
            "Make the key of the result from the key of the text, so that two results do not "
            "overwrite each other.",
        ),
        criteria=(
            Criterion(
                "a short text is in capital letters",
                wanted=lambda inputs: looks.text(inputs, 1).upper(),
                found=lambda probe, inputs: looks.shouted(probe, looks.text(inputs, 1)),
            ),
            Criterion(
                "so is a text that is too large for an event and for an answer",
                wanted=lambda inputs: looks.summary(looks.large_text(inputs).upper()),
                found=lambda probe, inputs: looks.summary(
                    looks.shouted(probe, looks.large_text(inputs))
                ),
            ),
            Criterion(
                "the result of one text stays when another one comes",
                wanted=lambda inputs: looks.text(inputs, 2).upper(),
                found=looks.kept_after_another,
            ),
        ),
    ),
    Task(
        "a package too large to be uploaded",
        hints=(
            "What is refused is the upload within the request. The same zip may come from "
            "somewhere else: see section 10 of notebook 05.",
            "Put the zip into a bucket, and name bucket and key in Code.",
            'Code={"S3Bucket": "packages", "S3Key": "model.zip"} in lam.create_function, and '
            "then the waiter function_active_v2.",
        ),
        criteria=(
            Criterion(
                "the weights are all there",
                wanted=lambda _: {"size": looks.WEIGHTS_BYTES},
                found=lambda probe, inputs: probe.result("model", looks.place(inputs)),
            ),
            Criterion(
                "a piece of them is what it should be",
                wanted=looks.piece_of_weights,
                found=lambda probe, inputs: probe.result("model", looks.place(inputs)),
            ),
        ),
    ),
    Task(
        "more layers than a function may have",
        hints=(
            "The number of layers is limited, the number of libraries is not. How many of them may "
            "a layer hold?",
            "Take the files out of the six zips and put them into one: a zip file can be read with "
            "zipfile.ZipFile(io.BytesIO(library)), and lab.zip({name: content, ...}) packs.",
            'lam.publish_layer_version(LayerName="all-parts", Content={"ZipFile": merged}) answers '
            "with LayerVersionArn, and deploy takes Layers=[arn].",
        ),
        criteria=(
            Criterion(
                "five libraries can be imported",
                wanted=lambda inputs: {"parts": looks.parts(inputs, 5)},
                found=lambda probe, inputs: looks.assembled(probe, inputs, 5),
            ),
            Criterion(
                "so can all six",
                wanted=lambda inputs: {"parts": looks.parts(inputs, 6)},
                found=lambda probe, inputs: looks.assembled(probe, inputs, 6),
            ),
        ),
    ),
)
