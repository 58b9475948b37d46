"""Whatever is sent to any operation: an answer in time, an error with a name, and no traces of it."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from lambdalab import Lab, facts, start
from tests.fuzz_stage import LIMIT, Reply, Stage
from tests.shapes import OPERATIONS, SERVICE, Call, calls, expected, spots

LONG = os.environ.get("LAMBDALAB_FUZZ") == "long"
PROFILE = settings(
    database=None,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


def examples(name: str) -> int:
    """How many requests an operation gets: the more, the more it takes."""
    if name in NOT_ACTED:
        return 2
    return (20 if LONG else 1) * (6 + min(60, len(spots(name)) * 2))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A lab whose clock stands still: what is on its way to another state stays on it."""
    scratch = tmp_path_factory.mktemp("cloud")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(scratch))
        lab = start(export=False, speed=1e-6, cpu=False)
    with lab:
        yield Stage(lab, scratch)


NOT_ACTED = {
    name for name in OPERATIONS
    if re.search("Durable|CapacityProvider|ScalingConfig|InvokeAsync|WithResponseStream", name)
}  # fmt: skip
SAFE = {name for name in OPERATIONS if SERVICE.operation_model(name).http["method"] == "GET"} | NOT_ACTED


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_request_is_answered_and_a_refused_one_leaves_nothing(name: str, stage: Stage) -> None:
    @settings(PROFILE, max_examples=examples(name))
    @given(call=calls(name, known(stage)))
    def holds(call: Call) -> None:
        stage.ready()
        try:
            check(call, stage)
        except BaseException:
            stage.changed = True
            raise

    holds()
    stage.ready()
    assert stage.seen() == stage.before


def known(stage: Stage) -> dict[str, list[Any]]:
    stage.ready()
    return stage.known


LAST = None


def check(call: Call, stage: Stage) -> None:
    global LAST
    LAST = None
    (reply,) = stage.wire.send(call)
    LAST = reply
    assert reply.seconds < LIMIT
    if reply.status < 300:
        stage.changed = call.operation not in SAFE or not call.plain
        check_answer(call, reply)
        return
    check_refusal(call, reply)
    if call.operation not in SAFE:
        assert stage.seen() == stage.before, "the refused call has left something behind"
        deadline = time.monotonic() + LIMIT
        while more := stage.entries() - stage.files:
            assert time.monotonic() < deadline, f"the refused call has left files behind: {more}"


FRONT = {"form": {"SerializationException"}, "null": {"SerializationException", "ValidationException"}, "bounds": {"ValidationException"}}
GENERAL = {"SerializationException", "ValidationException", "AccessDeniedException", "NotImplementedException", "RequestEntityTooLargeException", "InvalidRequestContentException"}


def check_refusal(call: Call, reply: Reply) -> None:
    code, body = reply.headers.get("x-amzn-errortype", ""), reply.json
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-amzn-requestid"]
    texts = [body[name] for name in ("message", "Message") if name in body]
    assert texts, body
    assert texts[0] or code == "AccessDeniedException", body
    allowed = {error.name for error in SERVICE.operation_model(call.operation).error_shapes} | GENERAL
    if not call.plain:
        allowed |= set(SERVICE.shape_names) | {"UnknownOperationException"}
    assert code in allowed, (reply.status, code, body)
    if code == "NotImplementedException":
        assert reply.status == 501
        assert "does not act on" in texts[0]
    elif code == "InvalidRuntimeException":
        assert call.operation == "Invoke"
    else:
        assert 400 <= reply.status < 500, reply
    if call.operation in NOT_ACTED:
        assert not call.plain or texts[0] == f"Lambda Lab does not act on {call.operation} yet."
        return
    assert code != "NotImplementedException" or call.operation not in texts[0], texts
    fault = expected(call)
    if fault:
        assert code in FRONT[fault], (fault, code, texts)
    elif call.plain:
        assert code != "SerializationException", texts
        assert "validation error detected" not in (texts[0] or "") or code != "x"


def check_answer(call: Call, reply: Reply) -> None:
    if not call.plain:
        return
    assert expected(call) is None, (expected(call), reply)
    model = SERVICE.operation_model(call.operation)
    if call.operation not in ("Invoke", "DeleteFunction"):
        assert reply.status == model.http.get("responseCode", 200)
    if model.output_shape is None or reply.status == 204:
        assert reply.body == b""
    elif "payload" not in model.output_shape.serialization:
        assert fits(model.output_shape, reply.json) == [], reply.json


def fits(shape: Any, value: Any, path: str = "") -> list[str]:
    """Where an answer is not as the model says."""
    from tests.shapes import _FORMS
    if value is None:
        return []
    if not _FORMS[shape.type_name](value):
        return [f"{path}: {value!r} is no {shape.type_name}"]
    if shape.type_name == "structure":
        located = {n for n, m in shape.members.items() if "location" in m.serialization}
        unknown = [f"{path}.{name} is unknown" for name in value if name not in shape.members or name in located]
        return unknown + [w for name in value if name in shape.members for w in fits(shape.members[name], value[name], f"{path}.{name}")]
    if shape.type_name == "list":
        return [w for item in value for w in fits(shape.member, item, f"{path}[]")]
    if shape.type_name == "map":
        return [w for key, item in value.items() for w in fits(shape.value, item, f"{path}.{key}")]
    return []
