"""The Lambda API as botocore's service model describes it.

Routes, shapes, bounds, patterns and enums all come from the model, so every operation exists and
every refusal carries AWS's words. ``OVERLAY`` holds what on-demand functions do not get of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from lambdalab import facts

__all__ = ["SERVICE_VERSION", "match", "operation", "operations", "text_member"]

SERVICE_VERSION = "2015-03-31"
# A shape that AWS's front layer has and the model does not: a runtime that layers are searched by.
LAYER_RUNTIME = "LayerRuntime"


def _overlay() -> dict[str, dict[str, Any]]:
    """Constraints of the model's shapes that differ for on-demand functions.

    The shapes' upper bounds belong to Lambda Managed Instances. An unknown runtime is refused
    later, by the service itself, in words of its own: so its enum is no generic constraint, but for
    layers, where lists of runtimes are judged as a whole and searches know more of them.
    """
    return {
        "CompatibleRuntimes": {"enum": _runtimes("layers.runtimes-published")},
        LAYER_RUNTIME: {"type": "string", "enum": _runtimes("layers.runtimes-searched")},
        "MemorySize": {"max": facts.quota("memory.maximum").value},
        "Timeout": {"max": facts.quota("timeout.maximum").value},
        "EphemeralStorageSize": {"max": facts.quota("tmp.maximum").value},
        "Runtime": {"enum": None},
        # AWS prints these in another order than that of the model.
        "EventSourcePosition": {"enum": ["LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"]},
    }


def _adapt_layers(shapes: dict[str, Any]) -> None:
    """What AWS says to requests about layers tells of a model of its own."""
    for search in ("ListLayersRequest", "ListLayerVersionsRequest"):
        shapes[search]["members"]["CompatibleRuntime"]["shape"] = LAYER_RUNTIME
    # Its order of members is the order of what is wrong with them.
    members = shapes["PublishLayerVersionRequest"]["members"]
    members["CompatibleArchitectures"] = members.pop("CompatibleArchitectures")


def _runtimes(fact: str) -> list[str]:
    return str(facts.quota(fact).value).split(", ")


@cache
def service_model() -> ServiceModel:
    """The model of Lambda with the overlay applied."""
    description = Loader().load_service_model("lambda", "service-2")
    _adapt_layers(description["shapes"])
    for shape, constraints in _overlay().items():
        definition = description["shapes"].setdefault(shape, {})
        definition.update(constraints)
        for name in [name for name, value in constraints.items() if value is None]:
            del definition[name]
    return ServiceModel(description, "lambda")


def operation(name: str) -> OperationModel:
    """One operation by name."""
    model: OperationModel = service_model().operation_model(name)
    return model


@cache
def text_member(code: str) -> str:
    """What an error's text is called in the body: ``message`` for some errors of the model."""
    known = code in service_model().shape_names
    members = getattr(service_model().shape_for(code), "members", {}) if known else {}
    return "message" if "message" in members else "Message"


def operations() -> list[str]:
    """The names of all operations."""
    return list(service_model().operation_names)


@cache
def _routes() -> list[tuple[str, re.Pattern[str], str, str]]:
    """Method, path pattern, fixed query and operation; the most literal path first."""
    routes = [_route(name) for name in operations()]
    return sorted(routes, key=lambda route: (-len(route[2]), route[1].groups, -len(route[0])))


def _route(name: str) -> tuple[str, re.Pattern[str], str, str]:
    http = operation(name).http
    path, _, query = http["requestUri"].partition("?")
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return http["method"], re.compile(pattern + "/?"), query, name


@lru_cache(maxsize=4096)
def match(method: str, path: str, query: str) -> tuple[str, dict[str, str]] | None:
    """The operation that a request names and the labels of its path, or None."""
    for found, labels in _candidates(method, path, query):
        return found, {name: unquote(value) for name, value in labels.items()}
    return None


def _candidates(method: str, path: str, query: str) -> Iterator[tuple[str, dict[str, str]]]:
    for route_method, pattern, fixed, name in _routes():
        if route_method == method and (not fixed or fixed in query.split("&")):
            found = pattern.fullmatch(path)
            if found:
                yield name, found.groupdict()
