"""What may be sent to the API, by botocore's service model, and what is to be said to it.

For each operation there are values that fit, values on a bound, beside it and far beyond it, values
of the wrong form, and requests over HTTP that carry them, some of them badly written. What the
model forbids is judged here a second time, in a few lines of their own: see ``fault``.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from sys import float_info
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from hypothesis import strategies as st

from lambdalab.functions.validate import _pattern

__all__ = [
    "FORMS", "NOT_ACTED", "NOT_ACTED_FAMILIES", "OPERATIONS", "SERVICE", "Call", "Known", "calls",
    "edges", "expected", "filler", "put", "spots", "written",
]  # fmt: skip

SERVICE = ServiceModel(Loader().load_service_model("lambda", "service-2"), "lambda")
OPERATIONS: list[str] = list(SERVICE.operation_names)

# What the lab does not act on, by family: each answers that by its name.
NOT_ACTED_FAMILIES: dict[str, tuple[str, ...]] = {
    "durable executions": (
        "CheckpointDurableExecution",
        "DeleteDurableExecution",
        "GetDurableExecution",
        "GetDurableExecutionHistory",
        "GetDurableExecutionState",
        "ListDurableExecutionsByFunction",
        "PauseDurableExecution",
        "ResumeDurableExecution",
        "SendDurableExecutionCallbackFailure",
        "SendDurableExecutionCallbackHeartbeat",
        "SendDurableExecutionCallbackSuccess",
        "StopDurableExecution",
    ),
    "capacity providers": (
        "CreateCapacityProvider",
        "DeleteCapacityProvider",
        "GetCapacityProvider",
        "ListCapacityProviders",
        "ListFunctionVersionsByCapacityProvider",
        "UpdateCapacityProvider",
    ),
    "scaling of managed instances": ("GetFunctionScalingConfig", "PutFunctionScalingConfig"),
    "invocation as it once was": ("InvokeAsync",),
}
NOT_ACTED = {name for names in NOT_ACTED_FAMILIES.values() for name in names}

# Values that name what there is, by the name of a shape or else of a member.
Known = Mapping[str, Sequence[Any]]

# Of a runtime the service itself says that it does not know it, in words of its own.
_NOT_GENERIC = {"Runtime"}
_HUGE = 100_000
_BIG = 10**400


class Spot(NamedTuple):
    """A place in the input of an operation; ``[]``, ``{k}`` and ``{v}`` are items, keys, values."""

    path: tuple[str, ...]
    shape: Any


@cache
def spots(name: str) -> list[Spot]:
    """Every place in the input of an operation."""
    shape = SERVICE.operation_model(name).input_shape
    return [] if shape is None else list(_spots(shape, ()))


def _spots(shape: Any, path: tuple[str, ...]) -> Iterator[Spot]:
    for step, inner in _inside(shape).items():
        yield Spot((*path, step), inner)
        yield from _spots(inner, (*path, step))


def _inside(shape: Any) -> dict[str, Any]:
    if shape.type_name == "structure":
        return dict(shape.members)
    if shape.type_name == "list":
        return {"[]": shape.member}
    if shape.type_name == "map":
        return {"{k}": shape.key, "{v}": shape.value}
    return {}


# ---- what the model says of a value


def fault(shape: Any, value: Any) -> str | None:
    """What is wrong with a JSON value, the worst first.

    ``form``: it cannot be read. ``either``: it has null where none may be. ``bounds``: the front
    layer refuses it. None: the service itself has to say what it makes of it.
    """
    return _worst(set(_faults(shape, value)))


def _worst(found: set[str | None]) -> str | None:
    return next((kind for kind in ("form", "either", "bounds") if kind in found), None)


def _faults(shape: Any, value: Any) -> Iterator[str]:
    if not FORMS[shape.type_name](value):
        yield "either" if value is None else "form"
        return
    if _breaks(shape, value):
        yield "bounds"
    if shape.type_name == "structure":
        members = {name: value.get(name) for name in shape.members}
        yield from (
            "bounds" for name, inner in members.items() if inner is None and _needed(shape, name)
        )
        parts = [(shape.members[name], one) for name, one in members.items() if one is not None]
    elif shape.type_name == "list":
        parts = [(shape.member, item) for item in value]
    elif shape.type_name == "map":
        parts = [(shape.key, key) for key in value] + [(shape.value, one) for one in value.values()]
    else:
        parts = []
    for inner, part in parts:
        yield from _faults(inner, part)


def _needed(shape: Any, name: str) -> bool:
    return name in shape.required_members


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value == value.encode("utf-8", "ignore").decode()


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= float_info.max


def _is_whole(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _is_blob(value: Any) -> bool:
    try:
        b64decode(value, validate=True)
    except (ValueError, TypeError):
        return False
    return True


FORMS: dict[str, Callable[[Any], bool]] = {
    "structure": lambda value: isinstance(value, dict),
    "map": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "string": _is_text,
    "blob": _is_blob,
    "integer": _is_whole,
    "long": _is_whole,
    "double": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "timestamp": _is_number,
}


def _breaks(shape: Shape, value: Any) -> bool:
    limits, kind = shape.metadata, shape.type_name
    if kind in ("structure", "boolean", "blob"):
        return False
    measured = len(value) if kind in ("string", "list", "map") else value
    if not limits.get("min", measured) <= measured <= limits.get("max", measured):
        return True
    if "pattern" in limits and not _pattern(limits["pattern"]).fullmatch(value):
        return True
    return "enum" in limits and shape.name not in _NOT_GENERIC and value not in limits["enum"]


# ---- values that fit


def _ready(shape: Shape, known: Known, name: str) -> Sequence[Any]:
    return known.get(shape.name) or known.get(name) or ()


def fitting(shape: Any, known: Known, name: str = "") -> st.SearchStrategy[Any]:
    """Values that fit; where any are known, such as name what there is."""
    ready = _ready(shape, known, name)
    return st.sampled_from(ready) if ready else _MAKERS[shape.type_name](shape, known)


def _structures(shape: Any, known: Known) -> st.SearchStrategy[dict[str, Any]]:
    members = {name: fitting(member, known, name) for name, member in shape.members.items()}
    needed = {name: member for name, member in members.items() if _needed(shape, name)}
    return st.builds(
        lambda some, more: more | some,
        st.fixed_dictionaries(needed),
        _some({name: member for name, member in members.items() if name not in needed}),
    )


@st.composite
def _some(draw: st.DrawFn, members: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """A few members, and what they are."""
    if not members:
        return {}
    names = draw(st.lists(st.sampled_from(sorted(members)), max_size=3, unique=True))
    return {name: draw(members[name]) for name in names}


def _texts(shape: Any, known: Known) -> st.SearchStrategy[str]:
    limits = shape.metadata
    least, most = limits.get("min", 0), limits.get("max", 30)
    if "enum" in limits:
        return st.sampled_from(limits["enum"])
    if "pattern" not in limits:
        return st.text(min_size=least, max_size=min(most, max(least, 30)))
    pattern = _pattern(limits["pattern"])
    return st.from_regex(pattern, fullmatch=True).filter(lambda text: least <= len(text) <= most)


def _numbers(shape: Any, known: Known) -> st.SearchStrategy[int]:
    least = shape.metadata.get("min", 0)
    return st.integers(least, shape.metadata.get("max", least + 1000))


def _lists(shape: Any, known: Known) -> st.SearchStrategy[list[Any]]:
    least = shape.metadata.get("min", 0)
    most = min(shape.metadata.get("max", 3), least + 3)
    return st.lists(fitting(shape.member, known), min_size=least, max_size=most)


def _maps(shape: Any, known: Known) -> st.SearchStrategy[dict[str, Any]]:
    keys, values = fitting(shape.key, known), fitting(shape.value, known)
    return st.dictionaries(keys, values, min_size=shape.metadata.get("min", 0), max_size=2)


_MAKERS: dict[str, Callable[[Any, Known], st.SearchStrategy[Any]]] = {
    "structure": _structures,
    "string": _texts,
    "integer": _numbers,
    "long": _numbers,
    "double": lambda shape, _: st.floats(shape.metadata["min"], shape.metadata["max"]),
    "boolean": lambda *_: st.booleans(),
    "timestamp": lambda *_: st.integers(0, 2_000_000_000),
    "blob": lambda *_: st.binary(max_size=40).map(lambda data: b64encode(data).decode()),
    "list": _lists,
    "map": _maps,
}


def filler(shape: Any, known: Known, name: str = "") -> Any:
    """One plain value, for what stands around a place."""
    ready = _ready(shape, known, name)
    if ready:
        return ready[0]
    limits, kind = shape.metadata, shape.type_name
    if kind == "structure":
        return {one: filler(shape.members[one], known, one) for one in shape.required_members}
    if kind == "list":
        return [filler(shape.member, known)] * limits.get("min", 0)
    if kind == "map":
        return {filler(shape.key, known): filler(shape.value, known)} if limits.get("min") else {}
    if kind in ("string", "blob"):
        return limits.get("enum", ["a" * limits.get("min", 3)])[0]
    return False if kind == "boolean" else limits.get("min", 1)


# ---- values on the edge and beyond it

_WRONG_FORMS: list[Any] = [
    None, True, 1, 1.5, -1, "text", [], {}, [None], {"a": None}, [[1]], {"": {}}, _BIG,
    float("nan"), float("inf"),
]  # fmt: skip
# Letters and digits of other scripts, the end of a line, what no text and what no path can hold.
_ODD = [
    "", " ", "\0", "\ud800", "é漢🙂\u202e", "a\n", "\n", "\u0661\u0662", "%00", "..", "a/b", "'\"<",
    "1_0", "+1",
]  # fmt: skip


def edges(shape: Any, known: Known, name: str = "") -> list[Any]:
    """What is on a bound, beside it, far beyond it, or has the wrong form."""
    return [*_own_edges(shape, known, name), *_WRONG_FORMS]


def _own_edges(shape: Any, known: Known, name: str) -> list[Any]:
    return _EDGES[shape.type_name](shape, filler(shape, known, name))


def _edge(spot: Spot, known: Known) -> st.SearchStrategy[Any]:
    """The edges of a place; wrong forms, which are the same everywhere, are not so many."""
    own = st.sampled_from(_own_edges(spot.shape, known, spot.path[-1]))
    return st.one_of(own, own, st.sampled_from(_WRONG_FORMS))


def _near(limits: Mapping[str, Any]) -> list[Any]:
    return [limits[end] + step for end in ("min", "max") if end in limits for step in (-1, 0, 1)]


def _text_edges(shape: Shape, plain: str) -> list[Any]:
    letter = plain[-1:] or "a"
    lengths = [length for length in _near(shape.metadata) if length >= 0]
    grown = [(plain + letter * length)[:length] for length in lengths]
    other = [plain.upper(), plain.lower(), plain * 2, plain[:-1]]
    around = [f" {plain}", f"{plain}\n", f"{plain}é", f"{plain}\u00a0"]
    digits = plain.translate({ord("0") + digit: 0x660 + digit for digit in range(10)})
    # The last is JSON in base64: lists in lists in lists.
    huge = [letter * _HUGE, (plain or "a") * (_HUGE // (len(plain) or 1)), "W1tb" * 15_000]
    return [*_ODD, *grown, *other, *around, digits, *huge]


def _number_edges(shape: Shape, plain: Any) -> list[Any]:
    far = [0, 2**31 - 1, 2**31, 2**63, -(2**63) - 1, 1e308, -_BIG]
    return [*_near(shape.metadata), *far, float(plain), 0.5, "1"]


def _list_edges(shape: Any, plain: list[Any]) -> list[Any]:
    item = (plain or [None])[0]
    most = shape.metadata.get("max", 5)
    return [[item] * most, [item] * (most + 1), [*plain, None], [plain], [item, *plain], [""]]


def _map_edges(shape: Shape, plain: dict[str, Any]) -> list[Any]:
    key, value = next(iter(plain.items()), ("key", "value"))
    keys: list[Any] = [{odd: value} for odd in ("", "\ud800", "\0", key * 200)]
    return [
        *keys,
        {f"{key}{n}": value for n in range(60)},
        {key: ""},
        {key: None},
        {key: "x" * 5000},
    ]


def _structure_edges(shape: Any, plain: dict[str, Any]) -> list[Any]:
    return [dict.fromkeys(shape.members), {**plain, "Unknown": {"a": [1]}}, list(plain)]


def _blob_edges(shape: Shape, plain: str) -> list[Any]:
    cut = plain[: len(plain) // 8 * 4]
    return ["", "é", "no base64", plain[:-3], cut, "UEsFBg==", f"{plain}\n", "A" * _HUGE]


_EDGES: dict[str, Callable[[Any, Any], list[Any]]] = {
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
    inner = _inside(shape)[step]
    if step == "[]":
        return [put(inner, filler(inner, known), rest, value, known)]
    if step == "{k}":
        key = value if isinstance(value, str) else json.dumps(value)
        return {key: filler(shape.value, known)}
    if step == "{v}":
        return {filler(shape.key, known): put(inner, filler(inner, known), rest, value, known)}
    before = document if isinstance(document, dict) else filler(shape, known)
    here = before.get(step)
    if here is None and rest:
        here = filler(inner, known, step)
    return {**before, step: put(inner, here, rest, value, known)}


# ---- requests


@dataclass
class Call:
    """A request for an operation.

    ``plain``: it says what ``given`` says; ``noise`` is what was done to it otherwise.
    """

    operation: str
    given: dict[str, Any]
    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    plain: bool = True
    noise: str = ""
    region: str = "us-east-1"

    @property
    def target(self) -> str:
        path, _, fixed = self.path.partition("?")
        query = "&".join(filter(None, (fixed, urlencode(self.query, errors="surrogatepass"))))
        return f"{path}?{query}" if query else path

    def encoded(self, port: int) -> bytes:
        """The request as it is sent; nobody looks at its signature."""
        scope = f"AKIALAMBDALABEXAMPLE/20260101/{self.region}/lambda/aws4_request"
        body, length = self.body, {"Content-Length": str(len(self.body))}
        if self.noise == "chunked":
            half = len(body) // 2
            parts = [part for part in (body[:half], body[half:]) if part]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
            length = {"Transfer-Encoding": "chunked"}
        headers = {
            "Host": f"127.0.0.1:{port}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=a, Signature=0",
            "Content-Type": "application/json",
            **self.headers,
            **length,
        }
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([f"{self.method} {self.target} HTTP/1.1", *lines, "", ""])
        return head.encode("latin-1") + body

    def __repr__(self) -> str:
        shown = f"{self.method} {self.target[:500]} {self.headers} {self.body[:1000]!r}"
        return f"<{self.operation}, {self.noise or 'as it should be'}: {shown}>"


def written(name: str, given: dict[str, Any]) -> Call:
    """The request for an operation with these members."""
    model = SERVICE.operation_model(name)
    call = Call(name, given, model.http["method"], model.http["requestUri"])
    shape: Any = model.input_shape
    if shape is None:
        return call
    body = {}
    for member, value in given.items():
        place = shape.members[member].serialization if member in shape.members else {}
        if member == shape.serialization.get("payload"):
            call.body = str(value).encode("utf-8", "replace")
        elif "location" not in place:
            body[place.get("name", member)] = value
        elif value is not None:
            _PLACES[place["location"]](call, place.get("name", member), value)
    if body:
        call.body = json.dumps(body).encode()
    call.plain = call.plain and "{" not in call.path
    return call


def _into_path(call: Call, name: str, value: Any) -> None:
    text = str(value)
    call.plain = call.plain and text != ""
    call.path = call.path.replace(f"{{{name}}}", quote(text, safe="", errors="surrogatepass"))


def _into_query(call: Call, name: str, value: Any) -> None:
    several = isinstance(value, list) and name == "tagKeys"
    call.query += [(name, str(item)) for item in (value if several else [value])]


def _into_header(call: Call, name: str, value: Any) -> None:
    text = "".join(filter(str.isprintable, str(value))).encode("ascii", "ignore").decode()
    call.plain = call.plain and text == str(value) == text.strip()
    call.headers[name] = text


_PLACES: dict[str, Callable[[Call, str, Any], None]] = {
    "uri": _into_path,
    "querystring": _into_query,
    "header": _into_header,
}


def expected(call: Call) -> str | None:
    """The fault for which a request must be refused before the service itself sees it."""
    shape: Any = SERVICE.operation_model(call.operation).input_shape
    if shape is None or not call.plain:
        return None
    found = {_fault_of(shape, name, call.given.get(name)) for name in shape.members}
    return _worst(found)


def _fault_of(shape: Any, name: str, value: Any) -> str | None:
    member = shape.members[name]
    if value is None:
        return "bounds" if _needed(shape, name) else None
    if name == shape.serialization.get("payload"):
        return None
    if "location" not in member.serialization:
        return fault(member, value)
    text = str(value)
    if member.type_name in ("integer", "long"):
        if not (text.isascii() and text.removeprefix("-").isdecimal()) and text != "+1":
            return "form"
        return fault(member, int(text)) if -(2**63) <= int(text) < 2**63 else "form"
    # What is no text arrives as another one.
    return fault(member, text) if member.type_name == "string" and _is_text(text) else None


# ---- requests that are badly written


def _marker(document: Any) -> str:
    return b64encode(json.dumps(document).encode()).decode()


_LABELS = (
    "%", "%zz", "%ff%fe", "%00", "%2f", "%2F..%2F", "%C0%AF", "%ed%a0%80", "%25", "+", "a+b", "%20",
    "fn%0d%0aX:%20y", "fn;x=1", "fn%3Alive", "fn:live", "%66n", "fn%", "", "?", "#x", "{Name}",
)  # fmt: skip
_BODIES = (
    b"", b"{", b"null", b"[]", b'"a"', b"1", b"\xff\xfe", b"\0", b"[" * 50_000, b'{"a":' * 50_000,
    b"\xef\xbb\xbf{}", '{"Tags": {}}'.encode("utf-16"), b'{"Description": "\\ud800"}', b"{}{}",
    b'{"FunctionName": NaN}', b'{"Timeout": 1e999}', b'{"Name": "a", "Name": "b"}',
    b'{"ZipFile": "' + b"A" * 1_100_000 + b'"}', b'{"ZipFile": "' + b"=" * 1_100_000 + b'"}',
    b'{"Tags": {"ZipFile": "' + b"A" * 1_100_000 + b'"}}',
)  # fmt: skip
_MARKERS = (
    "", "x", "é", _marker({"after": ""}), _marker({"after": [1]}), _marker([1]), _marker(1),
    _marker({}), b64encode(b"[" * 60_000).decode(),
)  # fmt: skip
_TAILS = ("/", "//", "/x", "/%2e")


def _twice(draw: st.DrawFn, call: Call) -> None:
    values = st.sampled_from(["", "0", "fn", "é"])
    call.query += [(name, draw(values)) for name, _ in call.query]


def _bad_label(draw: st.DrawFn, call: Call) -> None:
    path, mark, fixed = call.path.partition("?")
    parts = path.split("/")
    parts[draw(st.integers(2, len(parts) - 1))] = draw(st.sampled_from(_LABELS))
    call.path = "/".join(parts) + mark + fixed


def _bad_tail(draw: st.DrawFn, call: Call) -> None:
    path, mark, fixed = call.path.partition("?")
    call.path = path + draw(st.sampled_from(_TAILS)) + mark + fixed


def _bad_body(draw: st.DrawFn, call: Call) -> None:
    own = [call.body[:-1], call.body + b" ", call.body * 2, b""]
    call.body = draw(st.sampled_from([*_BODIES, *own]))


def _bad_marker(draw: st.DrawFn, call: Call) -> None:
    call.query.append(("Marker", draw(st.sampled_from(_MARKERS))))


def _unknown(draw: st.DrawFn, call: Call) -> None:
    call.query.append(("colour", "red"))
    if call.body.startswith(b'{"'):
        call.body = b'{"Colour": {"a": [1, null]}, ' + call.body[1:]


def _as_a_form(draw: st.DrawFn, call: Call) -> None:
    call.headers["Content-Type"] = "application/x-www-form-urlencoded"


def _elsewhere(draw: st.DrawFn, call: Call) -> None:
    call.region = "eu-west-1"


NOISES: dict[str, Callable[[st.DrawFn, Call], None]] = {
    "twice": _twice,
    "bad label": _bad_label,
    "bad tail": _bad_tail,
    "bad body": _bad_body,
    "bad marker": _bad_marker,
    "elsewhere": _elsewhere,
    # What changes nothing.
    "unknown": _unknown,
    "as a form": _as_a_form,
    "chunked": lambda *_: None,
}
_HARMLESS = {"unknown", "as a form", "chunked"}


def calls(name: str, known: Known, plausible: Known) -> st.SearchStrategy[Call]:
    """Requests for an operation, most of them with something wrong in one or two places."""
    shape: Any = SERVICE.operation_model(name).input_shape
    if not spots(name):
        return _sent(name, st.just({}), None, [], known)
    given = fitting(shape, known)
    if name in plausible:
        starts = st.sampled_from([{}, *plausible[name], *plausible[name]])
        given = st.builds(lambda start, more: more | start, starts, given)
    values = [(place, _edge(place, known)) for place in spots(name)]
    return _sent(name, given, shape, values, known)


@st.composite
def _sent(
    draw: st.DrawFn,
    name: str,
    start: st.SearchStrategy[dict[str, Any]],
    shape: Any,
    values: list[tuple[Spot, st.SearchStrategy[Any]]],
    known: Known,
) -> Call:
    given = draw(start)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2])) if values else 0):
        place, edge = draw(st.sampled_from(values))
        given = put(shape, given, place.path, draw(edge), known)
    call = written(name, given)
    if draw(st.integers(0, 4)) == 0:
        call.noise = draw(st.sampled_from(sorted(NOISES)))
        NOISES[call.noise](draw, call)
        call.plain = call.plain and call.noise in _HARMLESS
    return call
