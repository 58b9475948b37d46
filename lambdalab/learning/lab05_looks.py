"""Lab 05, hit every limit: how its checks look at the cloud, and what they compare."""

import hashlib
import random
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from lambdalab import facts
from lambdalab.learning.checks import includes
from lambdalab.learning.probe import Inputs, Probe

MB = 1 << 20
ENOUGH_CPU = "a quarter of a vCPU or more"
SMALL_ARCHIVE = 3
LARGE_ARCHIVE = 150
MANY_LETTERS = 8
SECRET = "shop/login"  # noqa: S105 - the name of a secret
HIDDEN = "no variable holds the password"
KNOWN = "the fingerprint of the password that the secret holds"
PRICES = {f"article-{number:03}": 100 + number * 37 % 900 for number in range(1, 301)}
"""A price list whose JSON is longer than all variables of a function may be."""

LAST_ARTICLE = max(PRICES)
PASSWORD = "open sesame"  # noqa: S105 - the lab's own, and it says so
TEXTS = "texts"
BUCKETS = (TEXTS, "results", "packages")
LIBRARIES = 6
WEIGHTS_BYTES = 51 * MB
WEIGHTS_SEED = 5


def make_world(lab: Any) -> None:
    """Make what the tasks need: three buckets and a secret. Harmless when they are there."""
    for bucket in BUCKETS:
        lab.client("s3").create_bucket(Bucket=bucket)
    secrets = lab.client("secretsmanager")
    with suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=SECRET, SecretString=PASSWORD)


def setting(function: str, key: str) -> Any:
    """Look at one setting of a function."""
    return lambda probe, _: {key: probe.settings(function)[key]}


def cpu_seconds(inputs: Inputs) -> float:
    """How long the CPU has to work: too long for the time limit with the least memory."""
    return round(0.15 + inputs.number / 2000, 3)


def cpu_of_busy(probe: Probe, _: Inputs) -> str:
    """Say which part of a vCPU comes with the memory of busy."""
    memory = probe.settings("busy")["MemorySize"]
    full = facts.quota("memory.per-vcpu").value
    return ENOUGH_CPU if memory >= full // 4 else f"{memory / full:.2f} of a vCPU"


def errors_in(inputs: Inputs, megabytes: int) -> int:
    """Count the errors of an archive as its generator in the lab makes them."""
    names = (f"{inputs.word} {number}" for number in range(megabytes))
    return sum(hashlib.sha256(name.encode()).digest()[0] for name in names)


def counted(megabytes: int) -> Any:
    """Let count-errors count an archive of so many megabytes."""
    return lambda probe, inputs: probe.result(
        "count-errors", {"name": inputs.word, "megabytes": megabytes}
    )


def letters(inputs: Inputs, count: int) -> list[str]:
    """Make letters that differ from run to run."""
    return [f"{inputs.word}-{number}" for number in range(count)]


def sent_in_turns(probe: Probe, inputs: Inputs) -> list[Any]:
    """Send what is left again until nothing is left, or until there are more turns than letters."""
    left: Any = letters(inputs, MANY_LETTERS)
    sent: list[Any] = []
    for _ in range(MANY_LETTERS):
        if not left:
            break
        answer = probe.result("send-letters", {"items": left})
        sent, left = sent + list(answer["sent"]), answer["left"]
    return sent


def fingerprint(password: str) -> str:
    """Tell a password without giving it away, as the function does that is given."""
    return hashlib.sha256(password.encode()).hexdigest()[:12]


def password_in_settings(probe: Probe, _: Inputs) -> str:
    """Look for the password among the variables of login."""
    variables = probe.settings("login").get("Environment", {}).get("Variables", {})
    shown = [name for name, value in variables.items() if _password(probe) in value]
    return f"the variable {shown[0]} holds the password" if shown else HIDDEN


def knows_password(probe: Probe, _: Inputs) -> Any:
    """Ask login for the fingerprint of the password."""
    return _told(probe, "login", _password(probe))


def knows_changed_password(probe: Probe, inputs: Inputs) -> Any:
    """Change the secret for a moment, and ask a copy of login, with environments of its own."""
    password = f"{inputs.word}-{inputs.number}"
    with _changed_password(probe, password), probe.copy("login") as twin:
        return _told(probe, twin, password)


def _told(probe: Probe, function: str, password: str) -> Any:
    answer = probe.result(function, {})
    return KNOWN if includes(answer, {"fingerprint": fingerprint(password)}) else answer


def _password(probe: Probe) -> str:
    secrets = probe.client("secretsmanager")
    return str(secrets.get_secret_value(SecretId=SECRET)["SecretString"])


@contextmanager
def _changed_password(probe: Probe, password: str) -> Iterator[None]:
    secrets, before = probe.client("secretsmanager"), _password(probe)
    secrets.put_secret_value(SecretId=SECRET, SecretString=password)
    try:
        yield
    finally:
        secrets.put_secret_value(SecretId=SECRET, SecretString=before)


def article(inputs: Inputs) -> str:
    """Choose an article of the list."""
    return f"article-{2 * inputs.number:03}"


def text(inputs: Inputs, number: int) -> str:
    """Make a short text; another number gives another text."""
    return f"{inputs.name} wrote letter {number} about {inputs.word}."


def large_text(inputs: Inputs) -> str:
    """Make a text of more bytes than an event and an answer may have."""
    line = f"{inputs.word} and so on\n"
    return line * (7 * MB // len(line))


def summary(found: str) -> str:
    """Tell a large text in a few words, by which two of them can be compared."""
    return f"{len(found)} characters from {found[:12]!r} on, checksum {zlib.crc32(found.encode())}"


def shouted(probe: Probe, given: str) -> str:
    """Let shout make capital letters of a text, and read the result where it says that it is."""
    with _shout(probe, given) as result:
        return _read(probe, result)


def kept_after_another(probe: Probe, inputs: Inputs) -> str:
    """Read the result of one text after another one has come."""
    with _shout(probe, text(inputs, 2)) as first, _shout(probe, text(inputs, 3)):
        return _read(probe, first)


@contextmanager
def _shout(probe: Probe, given: str) -> Iterator[dict[str, str]]:
    """Put a text into S3 and invoke shout; what both leave there is taken away at the end."""
    s3 = probe.client("s3")
    source = {"Bucket": TEXTS, "Key": f"check-{zlib.crc32(given.encode()):08x}.txt"}
    s3.put_object(**source, Body=given.encode())
    try:
        answer = probe.result("shout", {"bucket": source["Bucket"], "key": source["Key"]})
        result = {"Bucket": answer["bucket"], "Key": answer["key"]}
        yield result
        s3.delete_object(**result)
    finally:
        s3.delete_object(**source)


def _read(probe: Probe, where: dict[str, str]) -> str:
    return str(probe.client("s3").get_object(**where)["Body"].read().decode())


def weights() -> bytes:
    """Make the weights of the model: always the same bytes, which no zip makes smaller."""
    return random.Random(WEIGHTS_SEED).randbytes(WEIGHTS_BYTES)  # noqa: S311 - data, not a secret


def place(inputs: Inputs) -> dict[str, int]:
    """Choose where in the weights a piece is read: near their end, past what fits an upload."""
    return {"at": WEIGHTS_BYTES - 1000 * inputs.number}


def piece_of_weights(inputs: Inputs) -> dict[str, str]:
    """Read the piece that the function should read."""
    return {"piece": _piece(place(inputs)["at"])}


@cache
def _piece(at: int) -> str:
    return weights()[at : at + 8].hex()


def libraries(lab: Any) -> list[bytes]:
    """Make the zips of the six libraries, each as a layer has to be."""
    return [
        lab.zip({f"python/part{number}.py": f'name = "part {number}"\n'})
        for number in range(1, LIBRARIES + 1)
    ]


def parts(inputs: Inputs, count: int) -> list[str]:
    """Name some of the libraries, in an order that differs from run to run."""
    chosen = [f"part {number}" for number in range(1, count + 1)]
    turn = inputs.number % count
    return chosen[turn:] + chosen[:turn]


def assembled(probe: Probe, inputs: Inputs, count: int) -> Any:
    """Let assembly import these libraries."""
    names = [name.replace(" ", "") for name in parts(inputs, count)]
    return probe.result("assembly", {"names": names})
