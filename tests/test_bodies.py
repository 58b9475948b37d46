"""Large bodies of JSON: they hold what they would hold, read in the ordinary way."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab.functions import bodies

BYTES = bytes(range(256)) * 12
TEXT = base64.b64encode(BYTES).decode()


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LARGE", 1000)
    monkeypatch.setattr(bodies, "PIECE", 256)


def as_text(value: Any) -> Any:
    """A document with decoded packages as the base64 that they came in."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: as_text(item) for name, item in value.items()}
    return [as_text(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "document",
    [
        {"ZipFile": TEXT},
        {"FunctionName": "f", "Code": {"ZipFile": TEXT}, "Description": 'a "ZipFile": "x"'},
        {"Content": {"ZipFile": TEXT}, "LicenseInfo": TEXT},
    ],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", " : \n")])
def test_a_large_package_comes_decoded(document: Any, separators: tuple[str, str]) -> None:
    body = json.dumps(document, separators=separators).encode()
    found = bodies.document(body)
    holder = found.get("Code") or found.get("Content") or found
    assert holder["ZipFile"] == BYTES
    assert as_text(found) == document


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"ZipFile": TEXT[:-3]}),
        json.dumps({"ZipFile": TEXT[:500] + "==" + TEXT[500:]}),
        json.dumps({"ZipFile": TEXT[:500] + "\n" + TEXT[500:]}),
        json.dumps({"ZipFile": TEXT}).replace("/", "\\/"),
        json.dumps({"ZipFile": "short", "More": TEXT}),
        json.dumps({"Description": "ZipFile", "More": TEXT}),
        json.dumps({"Description": '"ZipFile":"' + TEXT}),
        json.dumps({"ZipFile": [TEXT]}),
        json.dumps([TEXT]),
    ],
    ids=range(9),
)
def test_whatever_else_is_large_is_read_as_it_is(body: str) -> None:
    assert bodies.document(body.encode()) == json.loads(body)


@pytest.mark.parametrize("body", ["", "{", '{"ZipFile":"' + TEXT, '{"ZipFile":"' + TEXT + '"'])
def test_what_is_no_json_is_told(body: str) -> None:
    with pytest.raises(ValueError):
        bodies.document(body.encode())


pieces = st.sampled_from(["ZipFile", '"ZipFile"', ':"', "\\", '"', "A" * 1500, TEXT, "=", "é", ","])
texts = st.lists(pieces, max_size=4).map("".join)
documents = st.recursive(
    st.one_of(texts, st.integers(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.just("ZipFile"), texts), inner, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(document=documents, ascii_only=st.booleans())
def test_any_document_is_what_json_says_it_is(document: Any, ascii_only: bool) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    assert as_text(bodies.document(body)) == document
