"""A real run and a simulated one: the same kinds of records, and one fitted to the other."""

from __future__ import annotations

import pytest
from botocore.config import Config

from lambdalab.simulator import Empirical, Function, Policy, Trace, simulate
from tests.engine import RUNTIME

CODE = "import time\n\ndef handler(event, context):\n    time.sleep(event['seconds'])\n"


@pytest.fixture(scope="module")
def real(start_lab):
    """Records of a function that was cold, warm, refused, and whose environment was taken back."""
    with start_lab() as lab:
        lam = lab.client("lambda", config=Config(retries={"total_max_attempts": 1}))
        lam.create_function(
            FunctionName="f",
            Runtime=RUNTIME,
            Handler="lambda_function.handler",
            Role=lab.role(),
            Code={"ZipFile": lab.zip({"lambda_function.py": CODE})},
        )
        lam.get_waiter("function_active_v2").wait(FunctionName="f")
        for seconds in (b"0.2", b"0.05", b"0.1"):
            lam.invoke(FunctionName="f", Payload=b'{"seconds": %s}' % seconds)
        lam.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
        with pytest.raises(lam.exceptions.TooManyRequestsException):
            lam.invoke(FunctionName="f", Payload=b'{"seconds": 0}')
        lab.clock.advance(minutes=20)
        return list(lab.timeline.of("f"))


def shape(record):
    """What there is of a record, whatever its values."""
    given = [record.environment, record.request_id, record.duration]
    detail = {name: type(value) for name, value in record.detail.items() if name != "memory_mb"}
    return record.kind, [value is not None for value in given], detail


def test_a_simulated_run_has_the_records_of_a_real_one(real) -> None:
    policy = Policy(account=1, floor=0, idle=5, age=1e9)
    run = simulate(Trace([0.0, 0.1, 2.0, 60.0]), Function(1, init=0.5, name="f"), policy)
    wanted = {"init", "invoke", "throttle", "end"}
    theirs = [shape(record) for record in real if record.kind in wanted]
    ours = [shape(record) for record in run.timeline()]
    assert {kind for kind, *_ in theirs} == wanted
    for kind in wanted:
        told = next(each for each in theirs if each[0] == kind)
        # The machine it ran on may have something to note.
        told[2].pop("note", None)
        assert next(each for each in ours if each[0] == kind) == told


def test_a_function_fitted_to_the_labs_timeline_runs_as_it_did(real) -> None:
    function = Function.fitted(real, "f")
    lasted = [record.duration for record in real if record.kind == "invoke"]
    assert function.duration == Empirical(tuple(lasted))
    assert min(lasted) >= 0.05
    assert function.init.mean > 0


def test_a_trace_of_the_labs_timeline_has_its_requests(real) -> None:
    trace = Trace.from_timeline(real, "f")
    run = simulate(trace, Function.fitted(real, "f"), Policy(account=1, floor=0))
    assert len(run) == 4
    assert run.cold.tolist() == [True, False, False, False]
    assert run.end[0] - run.start[0] == pytest.approx(0.2, abs=0.15)
