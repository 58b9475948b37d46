"""The functions of templates: Ref, Fn::GetAtt and the rest, evaluated in a scope.

moto's own evaluation stops with an internal error at many a wrong argument, and lacks some
functions. A scope says what names stand for; what is not known before its stack is made is
``UNKNOWN``, and so is whatever comes of it: so a template is checked by evaluating it.
Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.stacks.templates import cidr
from lambdalab.neighbours.stacks.templates.terms import NOTHING, UNKNOWN, Scope, arguments, text_of

__all__ = ["evaluate", "gaps", "holds"]

Json = dict[str, Any]

# ${Name}, ${Name.Attribute} in Fn::Sub; ${!Name} stands for ${Name}.
_GAP = re.compile(r"\$\{([^!}][^}]*)\}")
_LITERAL = re.compile(r"\$\{!([^}]*)\}")


def evaluate(value: Any, scope: Scope) -> Any:
    """A value of a template with its functions evaluated; raises AwsError as AWS refuses."""
    found = _evaluate(value, scope)
    return None if found is NOTHING else found


def gaps(text: str) -> list[str]:
    """The names in a text of Fn::Sub."""
    return [name.strip() for name in _GAP.findall(text)]


def _evaluate(value: Any, scope: Scope) -> Any:
    if isinstance(value, str):
        return scope.text(value)
    if isinstance(value, list):
        listed = [_evaluate(item, scope) for item in value]
        return [item for item in listed if item is not NOTHING]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name in _FUNCTIONS:
            return _FUNCTIONS[name](argument, scope)
        _refuse_function(name)
    items = {name: _evaluate(item, scope) for name, item in value.items()}
    return {name: item for name, item in items.items() if item is not NOTHING}


def _refuse_function(name: str) -> None:
    if name == "Fn::Transform":
        raise not_implemented("Fn::Transform in a template")
    if name.startswith("Fn::"):
        raise aws_error("template.unknown-function", function=name)


# ---- the functions


def _ref(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, str):
        raise aws_error("template.ref")
    return NOTHING if argument == "AWS::NoValue" else scope.ref(argument)


def _get_att(argument: Any, scope: Scope) -> Any:
    name, *rest = arguments(argument, 2, 9, "template.get-att")
    parts = [_evaluate(part, scope) for part in rest]
    if UNKNOWN in parts:
        return UNKNOWN
    attribute = ".".join(text_of(part, "template.get-att") for part in parts)
    if not isinstance(name, str) or not name or not attribute:
        raise aws_error("template.get-att")
    return scope.attribute(name, attribute)


def _sub(argument: Any, scope: Scope) -> Any:
    text, *given = argument if isinstance(argument, list) and argument else [argument]
    if not isinstance(text, str) or len(given) > 1 or not all(isinstance(g, dict) for g in given):
        raise aws_error("template.sub")
    own = {name: _evaluate(item, scope) for name, item in (given[0] if given else {}).items()}
    found: Json = {}
    for name in gaps(text):
        resource, _, attribute = name.partition(".")
        if name in own:
            found[name] = own[name]
        elif attribute:
            found[name] = scope.attribute(resource, attribute)
        else:
            found[name] = _ref(name, scope)
    if any(item is UNKNOWN for item in found.values()):
        return UNKNOWN
    texts = {
        name: "" if item is NOTHING else text_of(item, "template.sub")
        for name, item in found.items()
    }
    filled = _GAP.sub(lambda gap: texts[gap[1].strip()], text)
    return scope.text(_LITERAL.sub(r"${\1}", filled))


def _join(argument: Any, scope: Scope) -> Any:
    delimiter, listed = arguments(argument, 2, 2, "template.join")
    items = _evaluate(listed, scope)
    items = [] if items is NOTHING else items
    if not isinstance(delimiter, str) or (items is not UNKNOWN and not isinstance(items, list)):
        raise aws_error("template.join")
    if items is UNKNOWN or UNKNOWN in items:
        return UNKNOWN
    return scope.text(delimiter.join(text_of(item, "template.join") for item in items))


def _split(argument: Any, scope: Scope) -> Any:
    delimiter, source = arguments(argument, 2, 2, "template.split")
    text = _evaluate(source, scope)
    if text is UNKNOWN:
        return UNKNOWN
    if not isinstance(delimiter, str) or not delimiter or not isinstance(text, str):
        raise aws_error("template.split")
    return text.split(delimiter)


def _select(argument: Any, scope: Scope) -> Any:
    number, listed = arguments(argument, 2, 2, "template.select")
    number, items = _evaluate(number, scope), _evaluate(listed, scope)
    if number is UNKNOWN or items is UNKNOWN:
        return UNKNOWN
    try:
        index = int(text_of(number, "template.select"))
    except ValueError as error:
        raise aws_error("template.select") from error
    if not isinstance(items, list):
        raise aws_error("template.select")
    if not 0 <= index < len(items):
        raise aws_error("template.select-index", index=index)
    return items[index]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    given = [_evaluate(item, scope) for item in arguments(argument, 3, 3, "template.find-in-map")]
    if UNKNOWN in given:
        raise aws_error("template.find-in-map")
    name, key, attribute = (text_of(item, "template.find-in-map") for item in given)
    found = scope.mapping(name)
    if found is None:
        raise aws_error("template.no-mapping", name=name)
    try:
        return found[key][attribute]
    except KeyError as error:
        gaps = {"mapping": name, "key": key, "attribute": attribute}
        raise aws_error("template.mapping-key", **gaps) from error


def _if(argument: Any, scope: Scope) -> Any:
    name, yes, no = arguments(argument, 3, 3, "template.if")
    if not isinstance(name, str):
        raise aws_error("template.if")
    return _evaluate(yes if scope.condition(name) else no, scope)


def _base64(argument: Any, scope: Scope) -> Any:
    text = _evaluate(argument, scope)
    if text is UNKNOWN:
        return UNKNOWN
    return base64.b64encode(text_of(text, "template.base64").encode()).decode()


def _get_azs(argument: Any, scope: Scope) -> Any:
    region = _evaluate(argument, scope)
    return UNKNOWN if region is UNKNOWN else scope.zones(text_of(region, "template.get-azs"))


def _cidr(argument: Any, scope: Scope) -> Any:
    given = [_evaluate(item, scope) for item in arguments(argument, 2, 3, "template.cidr")]
    return UNKNOWN if UNKNOWN in given else cidr.blocks(*given)


def _import_value(argument: Any, scope: Scope) -> Any:
    name = _evaluate(argument, scope)
    if name is UNKNOWN:
        raise aws_error("template.import-value")
    return scope.imported(text_of(name, "template.import-value"))


# ---- conditions


def holds(definition: Any, scope: Scope) -> bool:
    """Whether a condition's definition holds; raises AwsError where it is none."""
    return _boolean(definition, scope, aws_error("template.condition"))


def _equals(argument: Any, scope: Scope) -> bool:
    pair = [_evaluate(item, scope) for item in arguments(argument, 2, 2, "template.equals")]
    if UNKNOWN in pair:
        return False
    one, other = (text_of(item, "template.equals") for item in pair)
    return one == other


def _not(argument: Any, scope: Scope) -> bool:
    (one,) = arguments(argument, 1, 1, "template.not")
    return not _boolean(one, scope, aws_error("template.not"))


def _all_or_any(name: str, decide: Callable[[list[bool]], bool]) -> Callable[[Any, Scope], bool]:
    def function(argument: Any, scope: Scope) -> bool:
        refusal = aws_error("template.and-or", function=name)
        if not isinstance(argument, list) or not 2 <= len(argument) <= 10:
            raise refusal
        return decide([_boolean(one, scope, refusal) for one in argument])

    return function


def _of_members(name: str, decide: Callable[[list[Any], Any], bool]) -> Any:
    """A function of rules: of a list and a text or another list."""

    def function(argument: Any, scope: Scope) -> bool:
        pair = argument if isinstance(argument, list) and len(argument) == 2 else [None, None]
        listed, other = (_evaluate(item, scope) for item in pair)
        if not isinstance(listed, list) or other is None:
            raise aws_error("template.rule-function", function=name)
        return decide([str(one) for one in listed], other)

    return function


def _boolean(value: Any, scope: Scope, refusal: AwsError) -> bool:
    if isinstance(value, dict) and list(value) == ["Condition"]:
        name = value["Condition"]
        if not isinstance(name, str):
            raise refusal
        return scope.condition(name)
    found = _evaluate(value, scope)
    if not isinstance(found, bool):
        raise refusal
    return found


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::And": _all_or_any("Fn::And", all),
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Contains": _of_members("Fn::Contains", lambda listed, one: str(one) in listed),
    "Fn::EachMemberEquals": _of_members(
        "Fn::EachMemberEquals", lambda listed, one: all(item == str(one) for item in listed)
    ),
    "Fn::EachMemberIn": _of_members(
        "Fn::EachMemberIn", lambda listed, others: set(listed) <= set(map(str, others))
    ),
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Not": _not,
    "Fn::Or": _all_or_any("Fn::Or", any),
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
