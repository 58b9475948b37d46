"""What a cloud is started with, checked before anything is started."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lambdalab.lab.errors import ArgumentError

__all__ = ["ACCESS_KEY_ID", "Settings"]

# Of the form that SDKs and tools expect, and visibly nobody's: requests carry it as their signer.
ACCESS_KEY_ID = "AKIALAMBDALABEXAMPLE"
_DUMMY_SECRET = "lambda-lab/not-a-secret/never-leaves-you"  # noqa: S105

# The partition the cloud plays: its ARNs begin with arn:aws.
_PARTITION = "aws"


@dataclass(frozen=True)
class Settings:
    """How one cloud is started.

    ``port``: TCP port on 127.0.0.1, 0 for any free one. ``region``, ``account``: where the cloud
    says it is. ``speed``: platform seconds that pass in a real one while no handler runs. ``cpu``:
    whether a function's share of a CPU follows its memory. ``seed``: makes ids and delays the same
    on each run. ``secret``: requests must be signed with it; None accepts any signature.
    ``rates``: whether the API may be called only as often as AWS lets an account. ``rooms``:
    whether functions see AWS's paths and a /tmp of their own, where the machine can do that.
    ``harden``: whether functions are kept from the machine's files by the kernel's Landlock too.
    ``concurrency``: concurrent executions that an account has in a Region. ``unreserved_floor``:
    what of that nobody can reserve or provision; None for AWS's 100, or all where there is less.
    ``latency``: "aws" for starts that take as long as they do there, None for as long as here.
    """

    port: int = 0
    region: str = "us-east-1"
    account: str = "123456789012"
    speed: float = 1.0
    cpu: bool = True
    seed: int = 0
    secret: str | None = None
    rates: bool = False
    rooms: bool = True
    harden: bool = False
    concurrency: int = 1000
    unreserved_floor: int | None = None
    latency: str | None = None

    def __post_init__(self) -> None:
        for name, fits, wanted in _RULES:
            value = getattr(self, name)
            if not fits(value):
                raise ArgumentError(f"{name} is {wanted}, not {value!r}")
        if self.unreserved_floor is not None and self.unreserved_floor > self.concurrency:
            raise ArgumentError(
                f"unreserved_floor is at most the concurrency of {self.concurrency}, "
                f"not {self.unreserved_floor}"
            )

    @property
    def secret_key(self) -> str:
        """The secret access key that clients of this cloud sign with."""
        return self.secret or _DUMMY_SECRET

    def as_json(self) -> dict[str, Any]:
        """Return the settings in the form that the cloud's process reads."""
        return asdict(self)


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_port(value: Any) -> bool:
    return _integer(value) and 0 <= value <= 65535


def _is_speed(value: Any) -> bool:
    number = _integer(value) or isinstance(value, float)
    return number and math.isfinite(value) and value > 0


def _is_account(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9]{12}", value) is not None


def _is_secret(value: Any) -> bool:
    return value is None or (isinstance(value, str) and bool(value.strip()) and value.isprintable())


def _is_concurrency(value: Any) -> bool:
    return _integer(value) and value > 0


def _is_floor(value: Any) -> bool:
    return value is None or (_integer(value) and value >= 0)


def _is_region(value: Any) -> bool:
    return isinstance(value, str) and value in _regions()


@cache
def _regions() -> frozenset[str]:
    """Return the Regions botocore knows; its data file is read 50 times faster than it imports."""
    spec = find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        raise ArgumentError("botocore is not installed: run `lambdalab doctor`")
    file = Path(spec.submodule_search_locations[0], "data", "partitions.json")
    partitions = json.loads(file.read_text(encoding="utf-8"))["partitions"]
    regions = next(entry["regions"] for entry in partitions if entry["id"] == _PARTITION)
    return frozenset(regions) - {"aws-global"}


_RULES = (
    ("port", _is_port, "a number from 0 (any free port) to 65535"),
    ("region", _is_region, "the code of an AWS Region such as 'us-east-1'"),
    ("account", _is_account, "a string of 12 digits"),
    ("speed", _is_speed, "a number above 0"),
    ("cpu", lambda value: isinstance(value, bool), "True or False"),
    ("seed", _integer, "a whole number"),
    ("secret", _is_secret, "None or one line of text that is not empty"),
    ("rates", lambda value: isinstance(value, bool), "True or False"),
    ("rooms", lambda value: isinstance(value, bool), "True or False"),
    ("harden", lambda value: isinstance(value, bool), "True or False"),
    ("concurrency", _is_concurrency, "a whole number above 0"),
    (
        "unreserved_floor",
        _is_floor,
        "None or a whole number from 0",
    ),
    ("latency", lambda value: value in (None, "aws"), 'None or "aws"'),
)
