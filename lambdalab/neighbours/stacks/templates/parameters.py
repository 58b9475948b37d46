"""The parameters of a template: what was given for them, checked, and what it stands for.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lambdalab.errors import AwsError, aws_error
from lambdalab.neighbours.stacks.templates.structure import section

__all__ = ["hidden", "resolved", "stored", "values"]

Json = dict[str, Any]

_STORED = "AWS::SSM::Parameter::Value<"
_NAMED = "AWS::SSM::Parameter::Name"


def values(template: Json, given: Json) -> dict[str, str]:
    """The value of each parameter as a text; raises AwsError where one is not as declared."""
    declared = section(template, "Parameters")
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise aws_error("template.parameters-unknown", names=", ".join(unknown))
    missing = [name for name, one in declared.items() if name not in given | _default(name, one)]
    if missing:
        raise aws_error("template.parameters-missing", names=", ".join(missing))
    found = {name: plain((_default(name, one) | given)[name]) for name, one in declared.items()}
    for name, one in declared.items():
        _check(name, one, found[name])
    return found


def _default(name: str, declared: Json) -> Json:
    return {name: declared["Default"]} if "Default" in declared else {}


def plain(value: Any) -> str:
    """A value of a template as the text that a request would give."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(plain(one) for one in value)
    return str(value)


def hidden(template: Json) -> list[str]:
    """The parameters that nobody is shown."""
    declared = section(template, "Parameters").items()
    return [name for name, one in declared if plain(one.get("NoEcho", "")).lower() == "true"]


def stored(template: Json) -> list[str]:
    """The parameters whose values stand in the parameter store."""
    declared = section(template, "Parameters").items()
    return [name for name, one in declared if one["Type"].startswith(_STORED)]


def resolved(template: Json, found: dict[str, str], place: tuple[str, str]) -> Json:
    """What ``Ref`` gives for each: texts, lists, numbers, or what the parameter store holds."""
    declared = section(template, "Parameters")
    return {name: _resolved(name, declared[name]["Type"], found[name], place) for name in found}


def _resolved(name: str, kind: str, value: str, place: tuple[str, str]) -> Any:
    if kind.startswith(_STORED):
        kind, value = kind.removeprefix(_STORED)[:-1], _fetched(value, place)
    elif kind == _NAMED:
        _fetched(value, place)
    if _is_list(kind):
        return [_number(name, one) if "Number" in kind else one for one in _items(value)]
    return _number(name, value) if kind == "Number" else value


def _is_list(kind: str) -> bool:
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _items(value: str) -> list[str]:
    return [one.strip() for one in value.split(",")] if value else []


def _fetched(name: str, place: tuple[str, str]) -> str:
    from moto.ssm.models import ssm_backends

    found = ssm_backends[place[0]][place[1]].get_parameter(name)
    if found is None:
        raise aws_error("template.parameter-ssm", names=name)
    text: str = found.value
    return text


# ---- constraints


def _check(name: str, declared: Json, value: str) -> None:
    refusal = next(_refusals(name, declared, value), None)
    if refusal is None:
        return
    described = declared.get("ConstraintDescription")
    if described is not None:
        raise aws_error("template.parameter-constraint", name=name, constraint=described)
    raise refusal


def _refusals(name: str, declared: Json, value: str) -> Iterator[AwsError]:
    kind = declared["Type"]
    single = [value] if not _is_list(kind) else _items(value)
    allowed = [plain(one) for one in declared.get("AllowedValues", [])]
    if allowed and any(one not in allowed for one in single):
        yield aws_error("template.parameter-allowed", name=name)
    if "Number" in kind and not kind.startswith(_STORED):
        for one in single:
            yield from _number_refusals(name, declared, one)
    elif not _is_list(kind):
        yield from _text_refusals(name, declared, value)


def _text_refusals(name: str, declared: Json, value: str) -> Iterator[AwsError]:
    pattern = declared.get("AllowedPattern")
    if pattern is not None and not _matches(str(pattern), value):
        yield aws_error("template.parameter-pattern", name=name, pattern=pattern)
    least, most = declared.get("MinLength"), declared.get("MaxLength")
    if least is not None and len(value) < int(least):
        yield aws_error("template.parameter-short", name=name, least=least)
    if most is not None and len(value) > int(most):
        yield aws_error("template.parameter-long", name=name, most=most)


def _matches(pattern: str, value: str) -> bool:
    """Whether a value is as a pattern says; one that only Java knows holds nobody up."""
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return True


def _number_refusals(name: str, declared: Json, value: str) -> Iterator[AwsError]:
    try:
        number = float(value)
    except ValueError:
        yield aws_error("template.parameter-number", name=name)
        return
    least, most = declared.get("MinValue"), declared.get("MaxValue")
    if least is not None and number < float(least):
        yield aws_error("template.parameter-least", name=name, least=least)
    if most is not None and number > float(most):
        yield aws_error("template.parameter-most", name=name, most=most)


def _number(name: str, value: str) -> int | float:
    """Moto's resources want numbers; CloudFormation converts as a property needs it."""
    try:
        return int(value)
    except ValueError:
        try:
            return float(value)
        except ValueError as error:
            raise aws_error("template.parameter-number", name=name) from error
