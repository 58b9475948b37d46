"""Settings that moto stores and nothing in the lab acts on, refused by their names.

What would change what a function gets, or whether it is called at all, must not be accepted in
silence. Settings without such an effect (encryption, tags, descriptions) are left to moto.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lambdalab.errors import AwsError, not_implemented
from lambdalab.wire import Request

__all__ = ["refusal"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")

# By service and operation, or method and path: members of the request, the parts of a name with
# dots between them; without any the operation itself is refused.
_BY_TARGET: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "cognito-idp": {
        name: tuple(
            f"LambdaConfig.{one}"
            for one in ("CustomEmailSender", "CustomSMSSender", "InboundFederation")
        )
        for name in ("CreateUserPool", "UpdateUserPool")
    },
    "logs": {
        "PutSubscriptionFilter": (
            "applyOnTransformedLogs", "emitSystemFields", "fieldSelectionCriteria",
        ),
    },
    "events": {"CreateEventBus": ("DeadLetterConfig",), "UpdateEventBus": ("DeadLetterConfig",)},
    "config": {"PutConfigRule": ("ConfigRule.Source.SourceDetails",)},
}  # fmt: skip
_BY_PATH: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "pipes": (("POST", r"/v1/pipes/[^/]+", ()),),
    "iot": (("POST", r"/rules/[^/]+", ()),),
    "apigateway": (
        ("POST", r"/restapis", ("minimumCompressionSize",)),
        ("GET", r"/restapis/[^/]+/stages/[^/]+/exports/oas30", ()),
        ("POST", r"/restapis/[^/]+/deployments", ("cacheClusterEnabled", "canarySettings")),
        ("POST", r"/restapis/[^/]+/stages", ("cacheClusterEnabled", "canarySettings")),
        ("PUT", r"/restapis/.+/integration", ("connectionId",)),
        ("POST", r"/v2/apis/[^/]+/integrations", ("connectionId",)),
    ),
}
# Members with one value among several.
_VALUES: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "apigateway": (
        ("PUT", r"/restapis/.+/integration", "responseTransferMode", "STREAM"),
        ("POST", r"/v2/apis", "protocolType", "WEBSOCKET"),
    ),
}
# Paths of patch operations, of stages of REST APIs.
_PATCHES = re.compile(
    r"/(cacheClusterEnabled|canarySettings/.*|minimumCompressionSize|.*/caching/enabled)"
)
# Of query protocols: names that stand among the values of an operation's parameters.
_BY_ACTION: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    "sns": {
        "SetTopicAttributes": re.compile(r"\w+FeedbackRoleArn|ArchivePolicy"),
        "CreateTopic": re.compile(r"\w+FeedbackRoleArn|ArchivePolicy"),
        "SetSubscriptionAttributes": re.compile(r"ReplayPolicy"),
        "Subscribe": re.compile(r"ReplayPolicy"),
    },
    "elasticloadbalancing": {
        "ModifyLoadBalancerAttributes": re.compile(r"(access|connection)_logs\.s3\.bucket"),
    },
    "ses": {"CreateReceiptRule": re.compile(r"arn:[^:]*:lambda:.*")},
}
# Of query protocols: parameters of an operation, by their names.
_BY_NAME: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    "elasticloadbalancing": {
        name: re.compile(r"(Transforms)\..+|.*\b(RegexValues)\..+")
        for name in ("CreateRule", "ModifyRule")
    },
}


def refusal(request: Request, service: str) -> AwsError | None:
    """Why a request for a service is refused; None where it is not."""
    for look in (_by_target, _by_path, _by_action):
        found = next(look(request, service), None)
        if found is not None:
            return not_implemented(f"{found} of {service}")
    return None


def _by_target(request: Request, service: str) -> Iterator[str]:
    operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
    members = _BY_TARGET.get(service, {}).get(operation)
    if members:
        yield from _given(_read(request), members)


def _by_path(request: Request, service: str) -> Iterator[str]:
    for verb, path, members in _BY_PATH.get(service, ()):
        if request.method == verb and re.fullmatch(path, request.path):
            if not members:
                yield f"{verb} {request.path}"
            yield from _given(_read(request), members)
    for verb, path, member, value in _VALUES.get(service, ()):
        fits = request.method == verb and re.fullmatch(path, request.path)
        if fits and str(_read(request).get(member)).upper() == value:
            yield f"{member} {value}"
    if service == "apigateway" and request.method == "PATCH":
        for one in _read(request).get("patchOperations") or []:
            path, value = str(one.get("path")), str(one.get("value")).lower()
            if _PATCHES.fullmatch(path) and one.get("op") != "remove" and value != "false":
                yield path


def _by_action(request: Request, service: str) -> Iterator[str]:
    if service not in _BY_ACTION or b"Action=" not in request.body[:2000]:
        return
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    action = form.get("Action", "")
    pattern = _BY_ACTION[service].get(action)
    for value in form.values() if pattern else ():
        if pattern is not None and pattern.fullmatch(value):
            yield f"{action} with {value}"
    names = _BY_NAME.get(service, {}).get(action)
    for found in filter(None, map(names.fullmatch, form)) if names else ():
        yield f"{found[1] or found[2]} of {action}"
    if (service, action) == ("sns", "Subscribe") and not _reached(form):
        yield f"subscriptions with the protocol {form.get('Protocol')}"


def _reached(form: Mapping[str, str]) -> bool:
    """Whether what is subscribed can be reached without leaving the machine."""
    protocol = form.get("Protocol", "")
    if protocol in ("http", "https"):
        return urlsplit(form.get("Endpoint", "")).hostname in _LOOPBACK
    return protocol != "firehose"


def _read(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _given(given: Mapping[str, Any], members: tuple[str, ...]) -> Iterator[str]:
    """The members that a request has, with a value that means something."""
    for member in members:
        here: Any = given
        for part in member.split("."):
            here = here.get(part) if isinstance(here, Mapping) else None
        if here:
            yield member
