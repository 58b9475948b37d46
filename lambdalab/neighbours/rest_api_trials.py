"""TestInvokeMethod: a method is called as it is now, deployed or not, and whoever may call it.

Source: https://docs.aws.amazon.com/apigateway/latest/api/API_TestInvokeMethod.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from lambdalab.imports import after_load
from lambdalab.neighbours.rest_apis import Deployed, RestApi, find, read

__all__ = ["Trial", "Trier", "install", "listen"]

_Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Trial:
    """The request that is to be tried; ``target`` is its path with its query string."""

    verb: str
    target: str
    headers: _Values
    body: str
    variables: Mapping[str, str]


class Trier(Protocol):
    """Tries a method."""

    def __call__(self, api: RestApi, now: Deployed, trial: Trial) -> dict[str, Any]:
        """The members of the operation's answer; blocks, for it is called in a thread of moto's."""


_triers: list[Trier] = []


def listen(trier: Trier) -> None:
    """Let methods be tried by ``trier``."""
    _triers[:] = [trier]


def install() -> None:
    """Complete moto's module as soon as it is loaded."""
    after_load("moto.apigateway.responses", _mend)


def _mend(module: ModuleType) -> None:
    from moto.apigateway.exceptions import MethodNotFoundException

    def test_invoke_method(request: Any) -> Any:
        _, api_id, _, resource_id, _, verb = request.path.strip("/").split("/")
        given = json.loads(request.body or "{}")
        resource = request.backend.get_resource(api_id, resource_id)
        if not {verb, "ANY"} & resource.resource_methods.keys():
            raise MethodNotFoundException
        headers = {name: [value] for name, value in (given.get("headers") or {}).items()}
        trial = Trial(
            "GET" if verb == "ANY" else verb,
            given.get("pathWithQueryString") or resource.get_path(),
            headers | (given.get("multiValueHeaders") or {}),
            given.get("body") or "",
            given.get("stageVariables") or {},
        )
        now = read(request.backend.get_rest_api(api_id), "")
        api = find(api_id)
        answers = [trier(api, now, trial) for trier in _triers if api is not None]
        return 200, {}, json.dumps(answers[0] if answers else {})

    module.APIGatewayResponse.test_invoke_method = test_invoke_method
