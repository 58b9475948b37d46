"""How states read their data: paths and variables.

- A path that can lead to one place only gives what is there; any other gives a list. moto tells
  them apart by what it finds, and takes ``$.items[0].name`` for a list.
- moto reads variables as JSONata does. Here a variable is followed by a path where a state is
  written with paths.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
"""

from __future__ import annotations

import importlib
import re
import sys
from functools import cache, lru_cache
from typing import Any

__all__ = ["install", "variables"]

_PACKAGE = "moto.stepfunctions.parser."
_NAME = r"\.[^.\[\]*?()\s]+"
_DEFINITE = re.compile(rf"\$(?:{_NAME}|\['[^']*'\]|\[\"[^\"]*\"\]|\[-?\d+\])*")
_VARIABLE = re.compile(r"\$(?P<name>[A-Za-z_]\w*)(?P<path>.*)", re.DOTALL)


@lru_cache(maxsize=128)
def variables(definition: str) -> dict[str, list[str]]:
    """Which variables each state of a machine reads."""
    from moto.stepfunctions.parser.asl.static_analyser import variable_references_static_analyser

    analyser = variable_references_static_analyser.VariableReferencesStaticAnalyser()
    analyser.analyse(definition)
    return {state: sorted(names) for state, names in analyser.get_variable_references().items()}


@cache
def install() -> None:
    """Mend how the interpreter reads data."""
    from moto.stepfunctions.parser.asl.component.common.string import string_expression

    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGE) and hasattr(module, "extract_json"):
            module.extract_json = _extract  # type: ignore[attr-defined]
    sample = string_expression.StringVariableSample
    sample._eval_body = _sampled(sample._eval_body)


@lru_cache(maxsize=512)
def _parsed(path: str) -> Any:
    ext: Any = importlib.import_module("jsonpath_ng.ext")
    return ext.parse(path)


def _extract(path: str, data: Any) -> Any:
    """In place of ``extract_json``."""
    from moto.stepfunctions.parser.asl.utils import json_path

    values = [match.value for match in _parsed(path).find(data)]
    if _DEFINITE.fullmatch(path):
        if not values:
            raise json_path.NoSuchJsonPathError(json_path=path, data=data)
        return values[0]
    if not values and not json_path._contains_slice_or_wildcard_array(path):
        raise json_path.NoSuchJsonPathError(json_path=path, data=data)
    return values


def _sampled(evaluate: Any) -> Any:
    """A variable, and what a path finds in it; in JSONata it is an expression like any other."""

    def run(sample: Any, env: Any) -> None:
        found = _VARIABLE.fullmatch(sample.expression)
        if (
            found is None
            or found["name"] == "states"
            or "JSONata" in str(sample.query_language_mode)
        ):
            evaluate(sample, env)
            return
        value = env.variable_store.get(found["name"])
        env.stack.append(_extract(f"${found['path']}", value) if found["path"] else value)

    return run
