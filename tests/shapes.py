"""What may be sent to the API, by botocore's service model, and what is to be said to it.

For each operation there are values that fit, values on a bound, beside it and far beyond it, values
of the wrong form, and requests over HTTP that carry them, some of them badly written. What the
model forbids is judged here a second time, on its own: ``fault`` tells the form (no JSON value of
that kind can be read), the bounds (the front layer refuses it) and neither (anything may follow).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from sys import float_info
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from hypothesis import strategies as st

from lambdalab.functions.validate import _pattern

__all__ = ["OPERATIONS", "SERVICE", "Call", "calls", "edges", "fault", "spots", "written"]

SERVICE = ServiceModel(Loader().load_service_model("lambda", "service-2"), "lambda")
OPERATIONS: list[str] = list(SERVICE.operation_names)

# By the name of a member or of a shape: values that name what there is, or that fit where no other
# would be found by chance. A member's name goes before that of its shape.
Known = Mapping[str, Sequence[Any]]

# The service itself judges runtimes, in words of its own.
_NOT_GENERIC = {"Runtime"}
_HUGE = 100_000
_BIG = 10**400
# Letters and digits of other scripts, marks, the end of a line, what no text can hold.
_ODD = ["", " ", "\0", "\ud800", "é漢🙂\u202e", "a\n", "\n", "\u0661\u0662", "%00", "..", "a/b", "'\"<&"]


class Spot(NamedTuple):
    """A place in the input of an operation; ``[]``, ``{k}`` and ``{v}`` are items, keys, values."""

    path: tuple[str, ...]
    shape: Shape


@cache
def spots(name: str) -> list[Spot]:
    """Every place in the input of an operation, each shape of a recursion once."""
    shape = SERVICE.operation_model(name).input_shape
    return [] if shape is None else list(_spots(shape, ()))


def _spots(shape: Any, path: tuple[str, ...]) -> Iterator[Spot]:
    for step, inner in _inside(shape):
        yield Spot((*path, step), inner)
        yield from _spots(inner, (*path, step))


def _inside(shape: Any) -> list[tuple[str, Any]]:
    if shape.type_name == "structure":
        return list(shape.members.items())
    if shape.type_name == "list":
        return [("[]", shape.member)]
    if shape.type_name == "map":
        return [("{k}", shape.key), ("{v}", shape.value)]
    return []


# ---- what the model says of a value


def fault(shape: Any, value: Any) -> str | None:
    """What is wrong with a JSON value: its ``form``, ``null`` items, its ``bounds``, or nothing."""
    found = set(_faults(shape, value))
    return next((kind for kind in ("form", "null", "bounds") if kind in found), None)


def _faults(shape: Any, value: Any) -> Iterator[str]:
    if not _FORMS[shape.type_name](value):
        yield "null" if value is None else "form"
        return
    if _breaks(shape, value):
        yield "bounds"
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield "bounds"
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _faults(member, value[name])
    elif shape.type_name == "list":
        for item in value:
            yield from _faults(shape.member, item)
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _faults(shape.key, key)
            yield from _faults(shape.value, item)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() | (value == value.encode("utf-8", "replace").decode())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= float_info.max


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) or isinstance(value, float) and value.is_integer()


def _is_blob(value: Any) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        return False
    return True


_FORMS: dict[str, Any] = {
    "structure": lambda value: isinstance(value, dict),
    "map": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "string": _is_text,
    "blob": _is_blob,
    "integer": _is_whole,
    "long": _is_whole,
    "double": _is_number,
    "float": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "timestamp": _is_number,
}


def _breaks(shape: Shape, value: Any) -> bool:
    limits = shape.metadata
    kind = shape.type_name
    measured = len(value) if kind in ("string", "list", "map") else value
    if kind not in ("structure", "boolean", "blob") and (
        measured < limits.get("min", measured) or measured > limits.get("max", measured)
    ):
        return True
    if "pattern" in limits and not _pattern(limits["pattern"]).fullmatch(value):
        return True
    return "enum" in limits and shape.name not in _NOT_GENERIC and value not in limits["enum"]


# ---- values


def fitting(shape: Any, known: Known, name: str = "") -> st.SearchStrategy[Any]:
    """Values that fit: mostly such as name what there is."""
    ready = known.get(name) or known.get(shape.name)
    if ready:
        return st.sampled_from(ready)
    return _MAKERS[shape.type_name](shape, known)


def _structures(shape: Any, known: Known) -> st.SearchStrategy[Any]:
    needed = {name: fitting(shape.members[name], known, name) for name in shape.required_members}
    others = {name: member for name, member in shape.members.items() if name not in needed}
    if not others:
        return st.fixed_dictionaries(needed)

    @st.composite
    def filled(draw: st.DrawFn) -> dict[str, Any]:
        chosen = draw(st.lists(st.sampled_from(sorted(others)), max_size=4, unique=True))
        more = {name: draw(fitting(others[name], known, name)) for name in chosen}
        return draw(st.fixed_dictionaries(needed)) | more

    return filled()


def _texts(shape: Any, known: Known) -> st.SearchStrategy[str]:  # noqa: ARG001
    limits = shape.metadata
    least, most = limits.get("min", 0), limits.get("max", 30)
    if "enum" in limits:
        return st.sampled_from(limits["enum"])
    if "pattern" not in limits:
        return st.text(min_size=least, max_size=min(most, max(least, 30)))
    pattern = _pattern(limits["pattern"])
    texts = st.from_regex(pattern, fullmatch=True)
    return texts.filter(lambda text: least <= len(text) <= most and pattern.fullmatch(text))


def _numbers(shape: Any, known: Known) -> st.SearchStrategy[int]:  # noqa: ARG001
    least = shape.metadata.get("min", 0)
    return st.integers(least, shape.metadata.get("max", least + 1000))


def _lists(shape: Any, known: Known) -> st.SearchStrategy[list[Any]]:
    least = shape.metadata.get("min", 0)
    most = min(shape.metadata.get("max", 3), least + 3)
    return st.lists(fitting(shape.member, known), min_size=least, max_size=most)


def _maps(shape: Any, known: Known) -> st.SearchStrategy[dict[str, Any]]:
    keys, values = fitting(shape.key, known), fitting(shape.value, known)
    return st.dictionaries(keys, values, min_size=shape.metadata.get("min", 0), max_size=2)


_MAKERS: dict[str, Any] = {
    "structure": _structures,
    "string": _texts,
    "integer": _numbers,
    "long": _numbers,
    "double": lambda shape, _: st.floats(shape.metadata["min"], shape.metadata["max"]),
    "boolean": lambda *_: st.booleans(),
    "timestamp": lambda *_: st.integers(0, 2_000_000_000),
    "blob": lambda *_: st.binary(max_size=40).map(lambda data: base64.b64encode(data).decode()),
    "list": _lists,
    "map": _maps,
}


def filler(shape: Any, known: Known, name: str = "") -> Any:
    """One plain value, for what stands around a place."""
    ready = known.get(name) or known.get(shape.name)
    if ready:
        return ready[0]
    limits = shape.metadata
    if shape.type_name == "structure":
        return {one: filler(shape.members[one], known, one) for one in shape.required_members}
    if shape.type_name == "list":
        return [filler(shape.member, known)] * limits.get("min", 0)
    if shape.type_name == "map":
        return {filler(shape.key, known): filler(shape.value, known)} if limits.get("min") else {}
    if shape.type_name in ("string", "blob"):
        return limits.get("enum", ["a" * limits.get("min", 3)])[0]
    return False if shape.type_name == "boolean" else limits.get("min", 1)


def edges(shape: Any, known: Known, name: str = "") -> list[Any]:
    """What is on a bound, beside it, far beyond it, or has the wrong form."""
    return [*_EDGES[shape.type_name](shape, filler(shape, known, name)), *_WRONG_FORMS]


_WRONG_FORMS: list[Any] = [
    None, True, 1, 1.5, -1, "text", [], {}, [None], {"a": None}, [[1]], {"": {}}, _BIG, float("nan"),
    float("inf"),
]  # fmt: skip


def _text_edges(shape: Shape, plain: str) -> list[Any]:
    limits = shape.metadata
    lengths = [limits[name] + step for name in ("min", "max") if name in limits for step in (-1, 0, 1)]
    letter = plain[-1:] or "a"
    grown = [(plain + letter * length)[:length] for length in lengths if 0 <= length <= _HUGE]
    beside = [plain.upper(), plain.lower(), f" {plain}", f"{plain}\n", f"{plain}é", plain * 2, plain[:-1]]
    digits = plain.translate({ord("0") + n: 0x660 + n for n in range(10)})
    return [*_ODD, *grown, *beside, digits, letter * _HUGE, plain * (_HUGE // (len(plain) or 1))]


def _number_edges(shape: Shape, plain: Any) -> list[Any]:
    limits = shape.metadata
    near = [limits[name] + step for name in ("min", "max") if name in limits for step in (-1, 0, 1)]
    return [*near, 0, 2**31 - 1, 2**31, 2**63, -(2**63) - 1, float(plain), 0.5, 1e308, -_BIG, "1"]


def _list_edges(shape: Any, plain: list[Any]) -> list[Any]:
    item = (plain or [None])[0]
    sizes = [size + step for size in (shape.metadata.get("max", 5),) for step in (0, 1)]
    return [*([item] * size for size in sizes), [*plain, None], [plain], [item, *plain], [""]]


def _map_edges(shape: Shape, plain: dict[str, Any]) -> list[Any]:
    key, value = next(iter(plain.items()), ("key", "value"))
    many = {f"{key}{n}": value for n in range(60)}
    return [many, {"": value}, {key: ""}, {key: None}, {"\ud800": value}, {"\0": value}, {key: "x" * 5000}]


def _structure_edges(shape: Any, plain: dict[str, Any]) -> list[Any]:
    return [dict.fromkeys(shape.members), {**plain, "Unknown": {"a": [1]}}, {"unknown": 1}, list(plain)]


def _blob_edges(shape: Shape, plain: Any) -> list[Any]:
    if isinstance(plain, bytes):
        return [b"", b"\xff", b"{", b"[" * 50_000, b'"' + b"a" * _HUGE + b'"']
    return ["", "é", "no base64", plain[:-3], plain[: len(plain) // 8 * 4], "UEsFBg==", plain + "\n", "A" * _HUGE]


_EDGES: dict[str, Any] = {
    "string": _text_edges,
    "integer": _number_edges,
    "long": _number_edges,
    "double": _number_edges,
    "timestamp": _number_edges,
    "boolean": lambda *_: ["true", 0],
    "blob": _blob_edges,
    "list": _list_edges,
    "map": _map_edges,
    "structure": _structure_edges,
}


def put(shape: Any, document: Any, path: Sequence[str], value: Any, known: Known) -> Any:
    """A document with a value at a place; what must stand around it is filled in."""
    if not path:
        return value
    step, *rest = path
    inner = dict(_inside(shape))[step]
    if step == "[]":
        first = document[0] if isinstance(document, list) and document else filler(inner, known)
        return [put(inner, first, rest, value, known)]
    if step == "{k}":
        changed = put(inner, None, rest, value, known)
        key = changed if isinstance(changed, str) else json.dumps(changed)
        return {key: filler(shape.value, known)}
    if step == "{v}":
        return {filler(shape.key, known): put(inner, None, rest, value, known)}
    before = document if isinstance(document, dict) else filler(shape, known)
    here = before.get(step)
    if here is None and rest:
        here = filler(inner, known, step)
    return {**before, step: put(inner, here, rest, value, known)}


# ---- requests


@dataclass
class Call:
    """A request for an operation. ``wanted`` is the fault of what it gives; ``plain`` says whether
    it arrives as it was meant to."""

    operation: str
    given: dict[str, Any]
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    plain: bool = True
    noise: str = ""

    @property
    def target(self) -> str:
        fixed, _, more = self.path.partition("?")
        both = "&".join(part for part in (more, urlencode(self.query, errors="surrogatepass")) if part)
        return f"{fixed}?{both}" if both else fixed

    def __repr__(self) -> str:
        body = self.body if len(self.body) < 1000 else self.body[:1000] + b"..."
        return f"<{self.noise or 'plain'} {self.operation}: {self.method} {self.target[:500]} {self.headers} {body!r}>"


def written(name: str, given: dict[str, Any]) -> Call:
    """The request for an operation with these members."""
    model: OperationModel = SERVICE.operation_model(name)
    call = Call(name, given, model.http["method"], model.http["requestUri"], [])
    body: dict[str, Any] = {}
    members = model.input_shape.members if model.input_shape is not None else {}
    payload = model.input_shape.serialization.get("payload") if members else None
    for member, value in given.items():
        place = members[member].serialization if member in members else {}
        if member == payload:
            call.body = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
        elif "location" in place and value is not None:
            _locate(call, members[member], value, place.get("name", member))
        elif "location" not in place:
            body[place.get("name", member)] = value
    if body and payload is None:
        call.body = json.dumps(body).encode()
    call.plain = call.plain and "{" not in call.path
    return call


def _locate(call: Call, shape: Any, value: Any, wire: str) -> None:
    location, several = shape.serialization["location"], shape.type_name == "list"
    if location == "uri":
        text = str(value)
        call.plain = call.plain and text not in ("", ".", "..")
        call.path = call.path.replace("{" + wire + "}", quote(text, safe="", errors="surrogatepass"))
    elif location == "querystring":
        items = value if several and isinstance(value, list) else [value]
        call.query += [(wire, str(item)) for item in items]
    else:
        text = "".join(c for c in str(value) if c.isprintable()).encode("latin-1", "ignore").decode("latin-1")
        call.plain = call.plain and text == str(value) == text.strip()
        call.headers[wire] = text


def expected(call: Call) -> str | None:
    """The fault for which a request must be refused before the service itself sees it."""
    shape: Any = SERVICE.operation_model(call.operation).input_shape
    if shape is None or not call.plain:
        return None
    found = {_located_fault(shape, name, call.given.get(name)) for name in shape.members}
    found |= {"bounds" for name in shape.required_members if call.given.get(name) is None}
    return next((kind for kind in ("form", "null", "bounds") if kind in found), None)


def _located_fault(shape: Any, name: str, value: Any) -> str | None:
    member = shape.members[name]
    if value is None or name == shape.serialization.get("payload"):
        return None
    if "location" not in member.serialization:
        return fault(member, value)
    text = str(value)
    if any(0xD800 <= ord(c) < 0xE000 for c in text):
        return None  # arrives as something else
    if member.type_name in ("integer", "long"):
        if not (text.isascii() and text.removeprefix("-").isdecimal()):
            return "form"
        return "null" if len(text) > 19 else fault(member, int(text))
    return fault(member, text) if member.type_name == "string" else None


NOISES = (
    "twice", "unknown query", "label", "unknown members", "garbled body", "no body", "form body",
    "slash", "chunked", "other region", "marker",
)  # fmt: skip
_LABELS = (
    "%", "%zz", "%ff%fe", "%00", "%2f", "%2F..%2F", "%C0%AF", "%ed%a0%80", "%25", "+", "a+b", "%20",
    "fn%0d%0aX: y", "fn;x=1", "fn%3Alive", "fn:live", "%66n", "fn%", "", "?", "#x", "{FunctionName}",
)  # fmt: skip
_BODIES = (
    b"", b"{", b"null", b"[]", b'"a"', b"1", b"\xff\xfe", b"\0", b"[" * 50_000, b'{"a":' * 50_000,
    b"\xef\xbb\xbf{}", '{"Tags": {}}'.encode("utf-16"), b'{"Description": "\\ud800"}', b"{}{}",
    b'{"FunctionName": NaN}', b'{"Timeout": 1e999}', b'{"Name": "a", "Name": "b"}',
)  # fmt: skip


@st.composite
def calls(draw: st.DrawFn, name: str, known: Known) -> Call:
    """Requests for an operation: most with something wrong in one or two places."""
    shape: Any = SERVICE.operation_model(name).input_shape
    if shape is None:
        return _noisy(draw, written(name, {}))
    given = draw(fitting(shape, known))
    places = spots(name)
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2])) if places else 0):
        place = draw(st.sampled_from(places))
        value = draw(st.sampled_from(edges(place.shape, known, place.path[-1])))
        given = put(shape, given, place.path, value, known)
    call = written(name, given)
    return _noisy(draw, call) if draw(st.integers(0, 4)) == 4 else call


def _noisy(draw: st.DrawFn, call: Call) -> Call:
    call.noise = draw(st.sampled_from(NOISES))
    call.plain = call.plain and call.noise in ("unknown query", "chunked")
    if call.noise == "twice":
        call.query = [*call.query, *((name, draw(st.sampled_from(["", "0", "fn", "é", value]))) for name, value in call.query)]
    elif call.noise == "unknown query":
        call.query.append(("colour", "red"))
    elif call.noise == "label":
        head, _, _ = call.path.partition("?")
        parts = head.split("/")
        parts[draw(st.integers(2, max(2, len(parts) - 1)))] = draw(st.sampled_from(_LABELS))
        call.path = call.path.replace(head, "/".join(parts))
    elif call.noise == "unknown members":
        call.body = b'{"Colour": {"a": [1, null]}, "' + call.body.removeprefix(b'{"') if call.body.startswith(b'{"') else b'{"Colour": 1}'
    elif call.noise == "garbled body":
        call.body = draw(st.sampled_from([*_BODIES, call.body[:-1], call.body + b" ", call.body * 2]))
    elif call.noise == "no body":
        call.body = b""
    elif call.noise == "form body":
        call.headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif call.noise == "slash":
        head, _, _ = call.path.partition("?")
        call.path = call.path.replace(head, head + draw(st.sampled_from(["/", "//", "/x", "/%2e"])))
    elif call.noise == "marker":
        call.query.append(("Marker", draw(st.sampled_from(MARKERS))))
    elif call.noise == "other region":
        call.headers["region"] = "eu-west-1"
    return call


def _marker(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


MARKERS = ("", "x", "é", _marker({"after": "fn"}), _marker({"after": ""}), _marker({"after": [1]}), _marker([1]), _marker(1), _marker({}), base64.b64encode(b"[" * 60_000).decode())
