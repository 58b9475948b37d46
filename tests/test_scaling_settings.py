"""What a lab is started with for scaling: concurrency, the unreserved floor, latency."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from lambdalab import Lab, facts
from lambdalab.execution.latency import StartLatency
from lambdalab.execution.spec import ON_DEMAND, SNAP_START
from lambdalab.functions.limits import Limits
from lambdalab.lab.errors import ArgumentError
from lambdalab.lab.settings import Settings
from tests.conftest import StartLab, wait_until_settled
from tests.engine import RUNTIME, invoke, wait_until

CODE = "def b(event, context): pass\n"


def make(lab: Lab, name: str = "f") -> Any:
    lam = lab.client("lambda", config=Config(retries={"total_max_attempts": 1}))
    lam.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Handler="a.b",
        Role=lab.role(),
        Code={"ZipFile": lab.zip({"a.py": CODE})},
    )
    return lam


# ---- what may be


@pytest.mark.parametrize(
    ("given", "floor"),
    [((), 100), ((10,), 10), ((5,), 5), ((5, 1), 1), ((5, 0), 0), ((3000,), 100), ((3000, 7), 7)],
)
def test_the_floor_is_a_hundred_or_all_there_is(given: tuple[int, ...], floor: int) -> None:
    assert Limits(*given).unreserved_floor == floor


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"concurrency": 0}, "concurrency is a whole number above 0, not 0"),
        ({"concurrency": 2.5}, "concurrency is a whole number above 0, not 2.5"),
        ({"concurrency": True}, "concurrency is a whole number above 0, not True"),
        ({"unreserved_floor": -1}, "unreserved_floor is None or a whole number from 0, not -1"),
        (
            {"concurrency": 5, "unreserved_floor": 6},
            "unreserved_floor is at most the concurrency of 5, not 6",
        ),
        ({"latency": "slow"}, "latency is None or \"aws\", not 'slow'"),
        ({"latency": True}, 'latency is None or "aws", not True'),
    ],
)
def test_settings_that_cannot_be(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{re.escape(text)}$"):
        Settings(**given)


def test_serve_takes_them_too() -> None:
    command = [sys.executable, "-m", "lambdalab", "serve"]
    limits = ["--concurrency", "7", "--unreserved-floor", "2", "--latency", "aws"]
    with subprocess.Popen(
        [*command, *limits], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        exports = dict(
            line.removeprefix("export ").strip().split("=", 1) for line in process.stdout
        )
        lam = boto3.client(
            "lambda",
            endpoint_url=exports["AWS_ENDPOINT_URL"],
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )
        limit = lam.get_account_settings()["AccountLimit"]
        process.terminate()
    assert limit["ConcurrentExecutions"] == 7
    done = subprocess.run(
        [*command, "--unreserved-floor", "8", "--concurrency", "7"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "unreserved_floor is at most the concurrency of 7, not 8" in done.stderr


# ---- latency


@pytest.mark.parametrize(
    ("runtime", "kind", "name"),
    [
        ("python3.13", ON_DEMAND, "scripted"),
        ("nodejs22.x", ON_DEMAND, "scripted"),
        ("provided.al2023", ON_DEMAND, "os-only"),
        ("java21", ON_DEMAND, "java"),
        ("dotnet8", ON_DEMAND, "dotnet"),
        ("java21", SNAP_START, "restore"),
    ],
)
def test_starts_are_drawn_from_the_published_range(runtime: str, kind: str, name: str) -> None:
    least, most = (
        facts.quota(f"start-latency.{name}-{end}").seconds for end in ("shortest", "longest")
    )
    spec: Any = SimpleNamespace(runtime=runtime, initialization=kind)

    def drawn(seed: int) -> list[float]:
        latency = StartLatency(random.Random(seed))
        return [latency.draw(spec) for _ in range(200)]

    found = drawn(1)
    assert least <= min(found) < least + (most - least) / 10
    assert most - (most - least) / 10 < max(found) <= most
    assert drawn(1) == found != drawn(2)


@pytest.fixture(scope="module")
def as_on_aws(start_lab: StartLab) -> Iterator[Lab]:
    with start_lab(latency="aws", speed=100) as lab:
        yield lab


@pytest.fixture
def lab(as_on_aws: Lab) -> Lab:
    as_on_aws.reset()
    return as_on_aws


def test_a_cold_start_takes_as_long_as_it_does_on_aws_and_a_warm_one_does_not(lab: Lab) -> None:
    lam = make(lab)
    wait_until_settled(lam, "f")
    log = invoke(lam, "f").log
    found = re.search(r"Init Duration: (\d+\.\d\d) ms", log)
    assert found is not None
    assert float(found[1]) >= 100
    assert "Init Duration" not in invoke(lam, "f").log
    (init,) = [one for one in lab.timeline if one.kind == "init"]
    assert init.duration is not None
    # It is platform time: the invocation began when the delay was over, on the lab's clock.
    run = next(one for one in lab.timeline if one.kind == "invoke")
    assert run.time - init.time >= 0.1


def test_environments_that_are_made_ahead_take_their_time_too(lab: Lab) -> None:
    lam = make(lab)
    wait_until_settled(lam, "f")
    lam.publish_version(FunctionName="f")
    lam.put_provisioned_concurrency_config(
        FunctionName="f", Qualifier="1", ProvisionedConcurrentExecutions=2
    )
    lab.clock.advance(seconds=130)
    inits = [one.duration for one in lab.timeline if one.kind == "init"]
    assert len(inits) == 2
    assert all(duration is not None and duration >= 0.1 for duration in inits)


def test_emptying_the_lab_ends_a_start_that_waits(start_lab: StartLab) -> None:
    with start_lab(latency="aws", speed=0.001) as lab:
        lam = make(lab)
        lab.clock.advance(seconds=1)
        with ThreadPoolExecutor(1) as caller:
            waiting = caller.submit(lam.invoke, FunctionName="f")
            wait_until(lambda: "INIT_START" in str(lab.tail("f")))
            lab.reset()
            assert waiting.exception() is not None or "FunctionError" in waiting.result()
