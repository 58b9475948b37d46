"""Lab 02, init code, /tmp, layers, extensions: how its checks look at the cloud."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lambdalab.learning.probe import Inputs, Probe

BUCKETS = ("tariffs", "letters")
TARIFF = {f"zone-{number:02}": 100 + number * 37 % 900 for number in range(1, 100)}
FAST = "in less than a quarter of a second"
SHARED = "one layer version that both have"
READY = "an extension is ready for INVOKE and SHUTDOWN"

_FAST_MS = 250
_TARIFF = {"Bucket": "tariffs", "Key": "tariff.json"}
_DURATION = re.compile(r"^REPORT .*?\tDuration: ([\d.]+) ms", re.MULTILINE)
_EXTENSION = re.compile(r"EXTENSION\tName: [^\t]+\tState: Ready\tEvents: \[(.*)\]")
_COUNT = re.compile(r"counter: -?\d+ invocations")


def make_world(lab: Any) -> None:
    """Make what the tasks need: two buckets, and the tariff. Harmless when they are there."""
    s3 = lab.client("s3")
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket)
    s3.put_object(**_TARIFF, Body=json.dumps(TARIFF).encode())


# Task 1.


def zone(inputs: Inputs) -> str:
    """Choose a zone of the tariff."""
    return f"zone-{inputs.number:02}"


def warm_invoke_of_tariff(probe: Probe, inputs: Inputs) -> str:
    """Invoke tariff twice, and tell how long the second time took."""
    probe.result("tariff", {"zone": zone(inputs)})
    return _speed(probe, "tariff", {"zone": zone(inputs)})


def cold_invoke_of_tariff(probe: Probe, inputs: Inputs) -> str:
    """Tell how long the invoke of a cold start took, without INIT."""
    with probe.copy("tariff") as twin:
        return _speed(probe, twin, {"zone": zone(inputs)})


def new_price(inputs: Inputs) -> dict[str, int]:
    """Make a price that the tariff does not have."""
    return {"price": 1000 + inputs.number}


def price_in_new_environment(probe: Probe, inputs: Inputs) -> Any:
    """Change the tariff for a moment, and ask a copy of the function, with its own environments."""
    s3 = probe.client("s3")
    before = s3.get_object(**_TARIFF)["Body"].read()
    changed = json.loads(before) | {zone(inputs): new_price(inputs)["price"]}
    s3.put_object(**_TARIFF, Body=json.dumps(changed).encode())
    try:
        with probe.copy("tariff") as twin:
            return probe.result(twin, {"zone": zone(inputs)})
    finally:
        s3.put_object(**_TARIFF, Body=before)


def _speed(probe: Probe, name: str, event: Any) -> str:
    """Invoke a function, and say in words how long it took by its REPORT line."""
    answer = _tailed(probe, name, event)
    if "FunctionError" in answer:
        return f"the function failed: {answer['Payload'].read().decode()}"
    took = _DURATION.search(base64.b64decode(answer["LogResult"]).decode())
    if took is None:
        return "no REPORT line in the log"
    return FAST if float(took[1]) < _FAST_MS else f"in {float(took[1]):.0f} ms"


def _tailed(probe: Probe, name: str, event: Any) -> Any:
    """Invoke, and wait until the log of it is complete: extensions are done by then."""
    probe.settings(name)
    return probe.lam.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")


# Task 2.


def key(inputs: Inputs, number: int) -> str:
    """Name a letter: a folder for each number, and the same name in all of them."""
    return f"{inputs.number}-{number}/{inputs.word}.txt"


def letter(inputs: Inputs, number: int) -> str:
    """Write a letter; another number gives another text."""
    return f"{inputs.name} to {inputs.other}: no. {number}, about {inputs.word}"


def read_and_take_away(probe: Probe, inputs: Inputs, number: int) -> Any:
    """Put a letter into S3, let it be read, and take it away."""
    with _in_s3(probe, inputs, number):
        return _read(probe, inputs, number)


def read_when_gone(probe: Probe, inputs: Inputs) -> Any:
    """Let a letter be read again when it is not in S3 any more."""
    read_and_take_away(probe, inputs, 2)
    return _read(probe, inputs, 2)


def read_after_crash(probe: Probe, inputs: Inputs) -> Any:
    """Let a letter be read again, from an environment that has crashed meanwhile."""
    read_and_take_away(probe, inputs, 3)
    error = probe.error("letter", {"crash": True})
    if error.get("errorType") != "Runtime.ExitError":
        return f'the event {{"crash": true}} does not end the process: {json.dumps(error)}'
    return _read(probe, inputs, 3)


def read_in_new_environment(probe: Probe, inputs: Inputs) -> Any:
    """Let a copy of the function, with environments of its own, read a letter."""
    with _in_s3(probe, inputs, 6), probe.copy("letter") as twin:
        return probe.result(twin, {"key": key(inputs, 6)})


def _read(probe: Probe, inputs: Inputs, number: int) -> Any:
    return probe.result("letter", {"key": key(inputs, number)})


@contextmanager
def _in_s3(probe: Probe, inputs: Inputs, number: int) -> Iterator[None]:
    s3, place = probe.client("s3"), {"Bucket": "letters", "Key": key(inputs, number)}
    s3.put_object(**place, Body=letter(inputs, number).encode())
    try:
        yield
    finally:
        s3.delete_object(**place)


# Task 3.

_BOTH = ("welcome", "farewell")


def without_layers(probe: Probe, inputs: Inputs) -> list[Any]:
    """Invoke copies of both functions that have no layers; return their errors."""
    return [_without_layers(probe, name, inputs) for name in _BOTH]


def _without_layers(probe: Probe, name: str, inputs: Inputs) -> Any:
    with probe.copy(name, Layers=[]) as twin:
        told = probe.error(twin, {"name": inputs.name})
    return told.get("errorType", told)


def common_layer(probe: Probe, _: Inputs) -> str:
    """Look for a layer version that both functions have."""
    arns = [{one["Arn"] for one in probe.settings(name).get("Layers", [])} for name in _BOTH]
    if set.intersection(*arns):
        return SHARED
    names = [", ".join(sorted(arn.split(":layer:")[-1] for arn in found)) for found in arns]
    return "; ".join(f"{name}: {found or 'none'}" for name, found in zip(_BOTH, names, strict=True))


# Task 4.


def some(inputs: Inputs) -> int:
    """How many invokes one environment gets."""
    return 2 + inputs.number % 4


def counted(invocations: int) -> str:
    """Write the line that the extension shall write."""
    return f"counter: {invocations} invocations"


def extension_of_watched(probe: Probe, inputs: Inputs) -> str:
    """Read in the log of a copy of watched which extensions it has."""
    with probe.copy("watched") as twin:
        probe.error(twin, {"echo": inputs.word})
        lines = "\n".join(probe.log_lines(twin))
    events = [set(found.split(", ")) for found in _EXTENSION.findall(lines)]
    if any(found >= {"INVOKE", "SHUTDOWN"} for found in events):
        return READY
    told = "; ".join(", ".join(sorted(found)) or "no event" for found in events)
    return f"extensions that are ready: {told or 'none'}"


def counts_at_the_end(probe: Probe, invocations: int) -> list[str]:
    """Invoke a copy of watched so often, end its environment; return what the log tells."""
    with probe.copy("watched") as twin:
        for number in range(invocations):
            _tailed(probe, twin, {"echo": number})
        probe.end_environments(twin)
        return [line for line in probe.log_lines(twin) if _COUNT.fullmatch(line.strip())]


def warm_invoke_of_watched(probe: Probe, inputs: Inputs) -> str:
    """Invoke watched twice, and tell how long the second time took, extensions included."""
    _tailed(probe, "watched", {"echo": inputs.word})
    return _speed(probe, "watched", {"echo": inputs.word})
