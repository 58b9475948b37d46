"""What is refused, and in which words: one row for each rule, and whatever anybody may send."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdalab import Lab, facts
from lambdalab.functions import model, validate
from tests.engine import SIGNED_FOR_LAMBDA, Reply, port_of, refusal, request
from tests.shapes import NOT_ACTED, NOT_ACTED_FAMILIES

ROWS = tomllib.loads((Path(__file__).parent / "rows" / "validation.toml").read_text("utf-8"))["row"]
PATHS = {
    "create_function": ("POST", "/2015-03-31/functions"),
    "update_function_configuration": ("PUT", "/2015-03-31/functions/known/configuration"),
    "update_function_code": ("PUT", "/2015-03-31/functions/known/code"),
}


@pytest.fixture(scope="module")
def known(shared_lab: Lab) -> Iterator[Lab]:
    """A lab with one function ``known`` that no row changes."""
    shared_lab.reset()
    lam = shared_lab.client("lambda")
    lam.create_function(
        FunctionName="known", Runtime="python3.13", Role=shared_lab.role(), Handler="a.b",
        Code={"ZipFile": shared_lab.zip({"a.py": "x = 1"})},
    )  # fmt: skip
    shared_lab.clock.advance(seconds=1)
    yield shared_lab
    assert [f["FunctionName"] for f in lam.list_functions()["Functions"]] == ["known"]


def good(lab: Lab) -> dict[str, Any]:
    from base64 import b64encode

    return {
        "FunctionName": "new",
        "Runtime": "python3.13",
        "Role": lab.role(),
        "Handler": "a.b",
        "Code": {"ZipFile": b64encode(lab.zip({"a.py": "x = 1"})).decode()},
    }


def filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items()}
    if isinstance(value, str) and (times := re.fullmatch(r"@(.)\*(\d+)", value)):
        return times[1] * int(times[2])
    return value


def sent(lab: Lab, operation: str, parameters: dict[str, Any]) -> tuple[int, str, str]:
    """Send a request past the checks of boto3, and read the refusal."""
    if operation in PATHS:
        method, path = PATHS[operation]
        return told(call(lab, method, path, json.dumps(parameters).encode()))
    from botocore.config import Config

    lam = lab.client("lambda", config=Config(parameter_validation=False))
    return refusal(getattr(lam, operation), **parameters)


def call(lab: Lab, method: str, path: str, body: bytes = b"") -> Reply:
    return request(port_of(lab), method, path, body, Authorization=SIGNED_FOR_LAMBDA)


def told(reply: Reply) -> tuple[int, str, str]:
    document = reply.json
    text = document.get("Message", document.get("message"))
    return reply.status, reply.headers.get("x-amzn-errortype", ""), text


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_request_is_refused_in_awss_words(row: dict[str, Any], known: Lab) -> None:
    operation = row.get("operation", "create_function")
    base = good(known) if operation == "create_function" else {"FunctionName": "known"}
    parameters = base | filled(row.get("set", {}))
    for name in row.get("drop", []):
        parameters.pop(name)
    status, code, text = sent(known, operation, parameters)
    assert (status, code) == (row.get("status", 400), row.get("code", "ValidationException")), text
    assert text == row.get("text", text)
    assert text.startswith(row.get("beginning", ""))
    assert text.endswith(row.get("ending", ""))


def test_the_largest_values_are_accepted(known: Lab) -> None:
    lam = known.client("lambda")
    largest = {
        "FunctionName": "n" * 64,
        "Description": "d" * 256,
        "MemorySize": 10240,
        "Timeout": 900,
        "EphemeralStorage": {"Size": 10240},
        "Environment": {"Variables": {"LARGE_VAR": "a" * 4080}},
        "Tags": {f"key {n} é漢:/=+-@_.": "v" * 256 for n in range(50)},
        "Code": {"ZipFile": known.zip({"a.py": "x = 1"})},
    }
    made = lam.create_function(**good(known) | largest)
    try:
        assert made["Environment"] == largest["Environment"]
        assert lam.get_function(FunctionName="n" * 64)["Tags"] == largest["Tags"]
    finally:
        lam.delete_function(FunctionName="n" * 64)


def test_a_51st_tag_is_refused(known: Lab) -> None:
    parameters = good(known) | {"Tags": {f"k{n}": "v" for n in range(51)}}
    assert sent(known, "create_function", parameters) == (
        400,
        "InvalidParameterValueException",
        "Number of tags exceeds resource tag limit.",
    )


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'"text"',
        b"[]",
        b"null",
        b"1" * 5000,
        b'{"FunctionName": "\\ud800", "Description": "\\ud800"}',
        b'{"Tags": {"\\udfff": "x"}}',
        b"\0",
    ],
    ids=repr,
)
def test_a_body_that_cannot_be_read_is_refused(body: bytes, known: Lab) -> None:
    status, code, text = told(call(known, "POST", "/2015-03-31/functions", body))
    assert (status, code) == (400, "SerializationException")
    assert text


def test_members_that_are_null_or_unknown_are_as_if_absent(known: Lab) -> None:
    parameters = good(known) | {"Description": None, "Timeout": None, "Colour": "red", "Role": "r1"}
    _, code, text = sent(known, "create_function", parameters)
    assert code == "ValidationException"
    assert text.startswith("1 validation error detected: Value 'r1' at 'role'")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/2015-03-31/nothing"),
        ("PATCH", "/2015-03-31/functions"),
        ("GET", "/1999-01-01/functions"),
        ("GET", "/2015-03-31/functions/a/b/c/d"),
        ("GET", "/"),
    ],
)
def test_what_is_no_operation_is_told(method: str, path: str, known: Lab) -> None:
    assert told(call(known, method, path))[:2] == (404, "UnknownOperationException")


@pytest.mark.parametrize("family", NOT_ACTED_FAMILIES)
def test_what_the_lab_does_not_act_on_says_so_by_its_name(family: str, known: Lab) -> None:
    for name in NOT_ACTED_FAMILIES[family]:
        assert told(bare(known, name)) == (
            501,
            "NotImplementedException",
            f"Lambda Lab does not act on {name} yet.",
        )


def test_every_other_operation_acts(known: Lab) -> None:
    silent = [
        name
        for name in model.operations()
        if name not in NOT_ACTED and bare(known, name).status >= 500
    ]
    assert silent == []
    assert len(NOT_ACTED) + 70 == len(model.operations()) == 91


def bare(lab: Lab, name: str) -> Reply:
    """A request for an operation that says nothing but which it is."""
    http = model.operation(name).http
    return call(lab, http["method"], re.sub(r"\{\w+\}", "1", http["requestUri"]))


# ---- whatever anybody may send

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just("@role")
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
members = st.sampled_from(
    [
        *model.operation("CreateFunction").input_shape.members,
        *("Runtime", "Code", "Environment", "Tags", "FunctionName"),
    ]
)


@given(changes=st.dictionaries(members, documents, min_size=1, max_size=4))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_is_sent_the_answer_is_a_function_or_an_error_with_a_name(
    changes: dict[str, Any], known: Lab
) -> None:
    reply = call(known, "POST", "/2015-03-31/functions", json.dumps(good(known) | changes).encode())
    if reply.status == 201:
        name = reply.json["FunctionName"]
        known.client("lambda").delete_function(FunctionName=name)
    else:
        status, code, text = told(reply)
        assert status in (400, 403, 404, 409, 413, 501), (status, text)
        assert code.endswith("Exception")
        assert text


@given(path=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
@settings(max_examples=60, deadline=None)
def test_whatever_path_is_asked_for_routing_answers(path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        found = model.match(method, "/2015-03-31/functions/" + path, "")
        assert found is None or found[0] in model.operations()


# ---- what the rows stand on


def test_every_pattern_of_the_service_model_can_be_read() -> None:
    shapes = model.service_model()
    patterns = {shapes.shape_for(name).metadata.get("pattern") for name in shapes.shape_names}
    assert len([validate._pattern(text) for text in patterns if text]) > 50


@pytest.mark.parametrize(
    ("tag", "fits"),
    [("Größe 漢字 ١٢", True), ("a:b/c=d+e-f@g_h.i", True), ("no!", False), ("tab\t", False)],
)
def test_letters_and_digits_of_all_scripts_are_allowed_in_tags(tag: str, fits: bool) -> None:
    pattern = model.service_model().shape_for("TagKey").metadata["pattern"]
    assert bool(validate._pattern(pattern).fullmatch(tag)) is fits


def test_the_rows_say_what_the_facts_say() -> None:
    texts = {row["name"]: row["text"] for row in ROWS if "text" in row}
    for name, message, fields in [
        ("memory below the least", "configuration.memory-below-minimum", {"value": 127}),
        ("memory above the most", "configuration.memory-above-maximum", {"value": 10241}),
        ("timeout above the most", "configuration.timeout-above-maximum", {"value": 901}),
        ("a role that is no ARN", "role.bad-arn", {"value": "r1"}),
        ("two architectures", "function.two-architectures", {"values": "x86_64, arm64"}),
        ("a blocked runtime", "runtime.blocked", {"runtime": "python3.7"}),
    ]:
        assert facts.message(message).format(**fields) == texts[name]
