"""Request validation: parameters that must be there, bodies that must fit a model.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lambdalab import facts
from lambdalab.neighbours.api_gateway.rest_apis import Deployed, Method
from lambdalab.sources.api_gateway.refusals import RefusedError
from lambdalab.sources.api_gateway.resources import Found
from lambdalab.sources.gateway.call import Call

__all__ = ["check", "violations"]

_MODEL = "/models/"
_JSON = "application/json"
# Words of schemas, and what the text is called that says they are not met.
_WORDED = {
    "required": "required", "type": "type", "enum": "enum", "pattern": "pattern",
    "minimum": "minimum", "maximum": "maximum", "minLength": "short", "maxLength": "long",
    "minItems": "few-items", "maxItems": "many-items", "additionalProperties": "additional",
}  # fmt: skip


def check(call: Call, found: Found, deployed: Deployed) -> None:
    """RefusedError for a request that the method's validator does not let through."""
    body, parameters = deployed.validators.get(found.method.validator or "", (False, False))
    if parameters:
        missing = [
            name.rpartition(".")[2]
            for name, needed in sorted(found.method.parameters.items())
            if needed and not _given(name, call, found)
        ]
        if missing:
            raise RefusedError("bad-request-parameters", names=", ".join(missing))
    if body:
        _check_body(call, found.method, deployed.models)


def _given(name: str, call: Call, found: Found) -> bool:
    part, _, member = name.removeprefix("method.request.").partition(".")
    if part == "path":
        return bool(found.parameters.get(member))
    if part in ("querystring", "multivaluequerystring"):
        return any(call.query.get(member) or ())
    return bool(call.header(member))


def _check_body(call: Call, method: Method, models: Mapping[str, str]) -> None:
    kind = (call.header("content-type") or _JSON).partition(";")[0].strip().lower()
    name = method.models.get(kind) or method.models.get("$default")
    if name is None or name not in models:
        return
    try:
        # An empty body is an empty object.
        found = violations(json.loads(call.body or b"{}"), name, models)
    except (ValueError, RecursionError):
        found = [""]
    if found:
        refused = RefusedError("bad-request-body")
        refused.validation = f"[{', '.join(found)}]"
        raise refused


def violations(value: Any, name: str, models: Mapping[str, str]) -> list[str]:
    """What is wrong with a value by a model, as AWS words it; ValueError where that is none."""
    from jsonschema import Draft4Validator
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import NoSuchResource, Unresolvable
    from referencing.jsonschema import DRAFT4

    def model(address: str) -> Any:
        """The model of that address; schemas name each other, and themselves, by those."""
        found = address.rpartition(_MODEL)[2]
        if found not in models:
            raise NoSuchResource(address)
        return DRAFT4.create_resource(json.loads(models[found]))

    # The checker knows the word by its field's name only.
    registry: Any = Registry(retrieve=model)  # type: ignore[call-arg]
    try:
        validator = Draft4Validator({"$ref": f"{_MODEL}{name}"}, registry=registry)
        return list(dict.fromkeys(_worded(one) for one in validator.iter_errors(value)))
    except (SchemaError, Unresolvable) as error:
        raise ValueError(str(error)) from error


def _worded(error: Any) -> str:
    """An error of the checker's in the words of AWS's, which is Java's."""
    wanted, value = error.validator_value, error.instance
    if error.validator not in _WORDED:
        return str(error.message)
    fields = {"wanted": _shown(wanted), "value": _shown(value)}
    if error.validator == "required":
        fields = {"wanted": _shown(sorted(set(wanted) - value.keys()))}
    elif error.validator == "additionalProperties":
        fields = {"value": _shown(sorted(value.keys() - error.schema.get("properties", {}).keys()))}
    elif error.validator == "type":
        kinds = {wanted} if isinstance(wanted, str) else set(wanted)
        kinds |= {"integer"} if "number" in kinds else set()
        fields = {"wanted": _shown(sorted(kinds)), "value": _kind(value)}
    elif isinstance(value, str | list):
        fields["size"] = str(len(value))
    message = facts.message(f"rest-api-validation.{_WORDED[error.validator]}")
    return message.format(**{name: fields[name] for name in message.fields})


def _shown(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _kind(value: Any) -> str:
    """The type of a value of JSON."""
    if isinstance(value, bool):
        return "boolean"
    return {
        dict: "object", list: "array", str: "string", int: "integer", float: "number",
    }.get(type(value), "null")  # fmt: skip
