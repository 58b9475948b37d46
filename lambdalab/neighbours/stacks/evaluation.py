"""Templates in moto's CloudFormation are read and evaluated as CloudFormation does it.

moto's own way knows some of the functions, stops with an internal error at wrong arguments, and
takes values of parameters as they come.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.cloudformation import models, parsing

from lambdalab.neighbours.stacks.templates import parameters, text
from lambdalab.neighbours.stacks.templates.functions import evaluate
from lambdalab.neighbours.stacks.templates.scopes import Conditions, Live

__all__ = ["install", "shown_parameters"]

Json = dict[str, Any]


@cache
def install() -> None:
    """Let stacks be evaluated in this way; once is enough."""
    models.Stack.parse_template = staticmethod(text.read)
    models.ChangeSet._parse_template = _parse_change_set
    models.Stack._create_resource_map = _create_resource_map
    models.Stack.parameter_list = property(shown_parameters)
    parsing.clean_json = lambda value, resources: evaluate(value, Live(resources))
    resources = parsing.ResourceMap
    resources.load, resources.load_mapping = _load, _load_mapping
    resources.load_parameters, resources.load_conditions = _load_parameters, _load_conditions


def _parse_change_set(change_set: Any) -> None:
    change_set.template_dict = text.read(change_set.template)


def _create_resource_map(stack: Any) -> Any:
    """The resources of a stack; they know their stack, and what it takes from other ones."""
    found = parsing.ResourceMap(
        stack.stack_id,
        stack.name,
        stack.parameters,
        stack.tags,
        account_id=stack.account_id,
        region_name=stack.region_name,
        template=stack.template_dict,
        cross_stack_resources=stack.cross_stack_resources,
    )
    found.stack, found.imports = stack, set()
    found.load()
    return found


def _load(resources: Any) -> None:
    resources.load_parameters()
    resources.load_conditions()


def _load_mapping(resources: Any) -> None:
    """Mappings are not resources: whoever needs one finds it in the template."""


def _load_parameters(resources: Any) -> None:
    template, place = resources._template, (resources._account_id, resources._region_name)
    declared = template.get("Parameters", {})
    given = {name: one for name, one in resources.input_parameters.items() if name in declared}
    found = parameters.resolved(template, parameters.values(template, given), place)
    resources.resolved_parameters = found
    resources.no_echo_parameter_keys = parameters.hidden(template)
    resources._parsed_resources.update(found)


def _load_conditions(resources: Any) -> None:
    template, place = resources._template, (resources._account_id, resources._region_name)
    known = {
        name: one
        for name, one in resources._parsed_resources.items()
        if name.startswith("AWS::") and one is not None
    }
    conditions = Conditions(template, known | resources.resolved_parameters, place)
    resources.lazy_condition_map = conditions.evaluated()


def shown_parameters(stack: Any) -> list[Json]:
    """The parameters of a stack or a change set, as whoever may see it is shown them."""
    template = stack.template_dict
    if not template.get("Parameters"):
        return []
    given = {name: one for name, one in stack.parameters.items() if name in template["Parameters"]}
    hidden, stored = parameters.hidden(template), parameters.stored(template)
    found = []
    for name, value in parameters.values(template, given).items():
        shown = {"ParameterKey": name, "ParameterValue": "****" if name in hidden else value}
        if name in stored and hasattr(stack, "resource_map"):
            known = stack.resource_map.resolved_parameters.get(name)
            shown["ResolvedValue"] = parameters.plain(known)
        found.append(shown)
    return found
