"""Which integrations of HTTP APIs moto takes, and AWS refuses.

Sources: refusals recorded on AWS in September 2026, at https://github.com/radkawar/stackd and
https://github.com/badmintoncryer/cdk-preflight, and public reports.
"""

from __future__ import annotations

import re
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.api_gateway.http_api_refusals import Given, changed, refused
from lambdalab.neighbours.api_gateway.http_api_services import LACKING, SUBTYPES

__all__ = ["create", "delete", "update"]

_OF_REQUESTS = re.compile(r"(append|overwrite|remove):(header|querystring)\.\S+|overwrite:path")
_OF_RESPONSES = re.compile(r"(append|overwrite|remove):header\.\S+|overwrite:statuscode")
_STATUS = re.compile("[2-5][0-9]{2}")


def create(_: Any, given: Given) -> None:
    """Refuse an integration that cannot be."""
    kind, version = given.get("integration_type"), given.get("payload_format_version")
    if kind not in ("AWS_PROXY", "HTTP_PROXY"):
        raise refused("integration-kind")
    if not version:
        raise refused("payload-version")
    if kind == "HTTP_PROXY" and version != "1.0":
        raise refused("payload-of-http", version=version)
    if kind == "HTTP_PROXY" and not given.get("integration_method"):
        raise refused("integration-method")
    _check_subtype(given)
    if version not in ("1.0", "2.0"):
        raise refused("payload-unsupported", version=version)
    most = int(facts.quota("api-gateway.http-timeout").seconds * 1000)
    timeout = given.get("timeout_in_millis")
    if timeout is not None and not 50 <= int(timeout) <= most:
        raise refused("timeout")
    _check_mappings(given)


def _check_subtype(given: Given) -> None:
    """An integration with another service needs a role, and the parameters of its operation."""
    name = given.get("integration_subtype")
    if not name:
        return
    if name not in SUBTYPES.keys() | LACKING:
        raise refused("subtype-unknown", subtype=name)
    if given["payload_format_version"] != "1.0":
        raise refused("payload-unsupported", version=given["payload_format_version"])
    if not given.get("credentials_arn"):
        raise refused("subtype-credentials", subtype=name)
    known = SUBTYPES.get(name)
    parameters = given.get("request_parameters") or {}
    if known and any(one not in parameters for one in known.needed):
        raise refused("subtype-parameters", subtype=name, names=", ".join(known.needed))


def _check_mappings(given: Given) -> None:
    if not given.get("integration_subtype"):
        for rule in given.get("request_parameters") or ():
            if not _OF_REQUESTS.fullmatch(rule):
                raise refused("request-mapping", rule=rule)
    for status, rules in (given.get("response_parameters") or {}).items():
        if not _STATUS.fullmatch(str(status)):
            raise refused("response-status", status=status)
        for rule in rules:
            if not _OF_RESPONSES.fullmatch(rule):
                raise refused("response-mapping", rule=rule)


def update(api: Any, given: Given) -> None:
    """Refuse a change that leads to an integration that cannot be."""
    create(api, changed(api.get_integration(given["integration_id"]), given))


def delete(api: Any, given: Given) -> None:
    """Refuse to delete an integration that is not there, or that routes use."""
    key = given["integration_id"]
    api.get_integration(key)
    users = [one.route_id for one in api.routes.values() if one.target == f"integrations/{key}"]
    if users:
        raise refused("integration-used", routes=", ".join(users))
