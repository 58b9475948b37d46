"""The cloud as a check sees it: invoked and read through boto3, like any other client would."""

import json
import random
import re
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from botocore import exceptions as boto
from botocore.config import Config

from lambdalab.lab.errors import LabError
from lambdalab.learning.deploy import wait_until_settled

__all__ = ["FunctionFailedError", "Inputs", "Probe", "explain", "fresh_inputs", "out_of_reach"]

ANSWER_WITHIN_SECONDS = 20
_AGAIN_AFTER_SECONDS = 0.05
_SETTLE_MINUTES = 5

# A learner knows a function by its name; in a table the rest of its ARN is only in the way.
_ARN_HEAD = re.compile(r"arn:aws:lambda:[\w-]*:\d*:function:")
_COPIED = ("Runtime", "Role", "Handler", "Timeout", "MemorySize", "Architectures")
NAMES = ("Ada", "Zoë", "Łukasz", "Grace", "Nguyễn", "Amara", "Linus", "Sofía", "Priya", "Otto")


class FunctionFailedError(Exception):
    """An invoke came back with FunctionError; the text names the error as the caller sees it."""


@dataclass(frozen=True)
class Inputs:
    """What one run of a check sends: new at each run, so that no fixed answer fits."""

    name: str
    other: str
    number: int
    word: str


def fresh_inputs(seed: str) -> Inputs:
    """Draw inputs from a seed: new for a new seed, the same when a notebook is run again."""
    draw = random.Random(seed)  # noqa: S311 - variety is wanted here, not secrecy
    name, other = draw.sample(NAMES, 2)
    word = "".join(draw.choices("bdfghklmnprst", k=6))
    return Inputs(name, other, draw.randint(3, 99), word)


class Probe:
    """One check's view of the lab.

    lab: the lab that is looked at; handed: what the learner passed to the check by hand.
    """

    def __init__(self, lab: Any, handed: Mapping[str, Any] | None = None) -> None:
        self._lab = lab
        self.handed = dict(handed or {})

    @cached_property
    def lam(self) -> Any:
        """The boto3 client for Lambda, which gives up on an answer instead of asking twice."""
        patience = Config(read_timeout=ANSWER_WITHIN_SECONDS, retries={"total_max_attempts": 1})
        return self._lab.client("lambda", config=patience)

    @cached_property
    def logs(self) -> Any:
        """The boto3 client for CloudWatch Logs."""
        return self.client("logs")

    def client(self, service: str, **options: Any) -> Any:
        """Make a boto3 client for another service of the lab."""
        return self._lab.client(service, **options)

    def resource(self, service: str) -> Any:
        """Make a boto3 resource for a service of the lab."""
        return self._lab.resource(service)

    @property
    def http(self) -> Any:
        """A requests session that finds AWS's web addresses in the lab."""
        return self._lab.http

    @property
    def region(self) -> str:
        """The Region of the lab."""
        return str(self._lab.region)

    @property
    def account(self) -> str:
        """The account of the lab."""
        return str(self._lab.account)

    def now(self) -> datetime:
        """Platform time now, in UTC."""
        told: datetime = self._lab.clock.now()
        return told

    def story(self, name: str) -> Any:
        """What has happened to a function, oldest first: its records of the timeline."""
        return self._lab.timeline.of(name)

    def runs(self, name: str) -> list[datetime]:
        """When a function has run, oldest first, in platform time (UTC)."""
        story = self.story(name).kind("invoke")
        return [datetime.fromtimestamp(record.time, UTC) for record in story]

    def settle(self) -> None:
        """Wait until all that was started is over, by some minutes of platform time."""
        self.wind(_SETTLE_MINUTES)

    def wind(self, minutes: float) -> None:
        """Wind the clock: what falls due on the way, such as a retry, is over afterwards."""
        self._lab.clock.advance(minutes=minutes)

    def settings(self, name: str) -> dict[str, Any]:
        """Read the configuration of a function, once no creation or update is under way."""
        wait_until_settled(self.lam, name)
        return dict(self.lam.get_function_configuration(FunctionName=name))

    def invoke(self, name: str, event: Any) -> dict[str, Any]:
        """Invoke a function and wait: boto3's answer, with the payload already read as JSON."""
        self.settings(name)
        answer = self.lam.invoke(FunctionName=name, Payload=json.dumps(event))
        return {**answer, "Payload": json.loads(answer["Payload"].read())}

    def result(self, name: str, event: Any) -> Any:
        """Return what the function returns.

        Raises:
            FunctionFailedError: the answer carries FunctionError.

        """
        answer = self.invoke(name, event)
        if "FunctionError" in answer:
            raise FunctionFailedError(_error_text(answer["Payload"]))
        return answer["Payload"]

    def error(self, name: str, event: Any) -> dict[str, Any]:
        """Return FunctionError, errorType and errorMessage of an invoke that is meant to fail."""
        answer = self.invoke(name, event)
        payload = answer["Payload"]
        if "FunctionError" not in answer:
            return {"FunctionError": None, "result": payload}
        kept = {key: payload.get(key) for key in ("errorType", "errorMessage")}
        return {"FunctionError": answer["FunctionError"], **kept}

    @contextmanager
    def copy(self, name: str, **changes: Any) -> Iterator[str]:
        """Make a short-lived twin of a function, with a name and environments of its own.

        changes: settings that shall differ, as CreateFunction names them.
        """
        settings = self.settings(name)
        given = {key: settings[key] for key in _COPIED if key in settings}
        if variables := settings.get("Environment", {}).get("Variables"):
            given["Environment"] = {"Variables": variables}
        if layers := settings.get("Layers"):
            given["Layers"] = [layer["Arn"] for layer in layers]
        twin = f"check-of-{name[:40]}-{uuid.uuid4().hex[:8]}"
        code = {"ZipFile": self._package(name)}
        self.lam.create_function(FunctionName=twin, Code=code, **{**given, **changes})
        try:
            yield twin
        finally:
            self.lam.delete_function(FunctionName=twin)

    def end_environments(self, name: str) -> None:
        """Change a function, so that its environments end; return when they have, or have not."""
        self.settings(name)
        self.lam.update_function_configuration(FunctionName=name, Description="ends environments")
        self.settings(name)
        patience = time.monotonic() + ANSWER_WITHIN_SECONDS
        while time.monotonic() < patience:
            story = self._lab.timeline.of(name)
            lived = {record.environment for record in story.kind("init")}
            if lived == {record.environment for record in story.kind("end")}:
                return
            time.sleep(_AGAIN_AFTER_SECONDS)

    def log_lines(self, name: str) -> list[str]:
        """List the lines in the log group of a function, oldest first; none without a group."""
        pages = self.logs.get_paginator("filter_log_events")
        lines: list[str] = []
        with suppress(self.logs.exceptions.ResourceNotFoundException):
            for page in pages.paginate(logGroupName=f"/aws/lambda/{name}"):
                lines += [event["message"].rstrip("\n") for event in page["events"]]
        return lines

    def _package(self, name: str) -> bytes:
        location = self.lam.get_function(FunctionName=name)["Code"]["Location"]
        with urllib.request.urlopen(location, timeout=ANSWER_WITHIN_SECONDS) as reply:  # noqa: S310 - the lab's own address
            return bytes(reply.read())


def out_of_reach(error: Exception) -> bool:
    """Whether the lab itself does not answer, so that asking again would only cost time."""
    return isinstance(error, boto.ConnectionError | boto.HTTPClientError | LabError)


def explain(error: Exception) -> str:
    """One line for a learner in place of a traceback."""
    if isinstance(error, FunctionFailedError):
        return f"the function failed: {error}"
    if isinstance(error, boto.ReadTimeoutError):
        return f"no answer within {ANSWER_WITHIN_SECONDS} seconds"
    if isinstance(error, boto.ConnectionError | boto.HTTPClientError):
        return "the lab does not answer: start it again with lab = start()"
    if isinstance(error, LabError):
        return str(error)
    if isinstance(error, boto.ClientError):
        told = error.response["Error"]
        return f"{told['Code']}: {_ARN_HEAD.sub('', told['Message'])}"
    return f"{type(error).__name__}: {error}"


def _error_text(payload: Any) -> str:
    if not isinstance(payload, dict):
        return json.dumps(payload)
    return f"{payload.get('errorType')}: {payload.get('errorMessage')}".removesuffix(": ")
