"""What stacks give to other stacks: outputs that are exported, and imported by their names.

moto registers exports when a stack is made, and never again; nobody knows who imports them.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation import models, parsing

from lambdalab import facts
from lambdalab.errors import AwsError

__all__ = ["forget", "importers", "names", "publish", "used"]


def names(stack: Any) -> dict[str, str]:
    """The names under which a stack exports its outputs, by the outputs' keys."""
    known = stack.resource_map.lazy_condition_map
    found = {}
    for key, output in (stack.output_map._output_json_map or {}).items():
        if "Export" in output and known.get(output.get("Condition"), True):
            name = parsing.clean_json(output["Export"]["Name"], stack.resource_map)
            found[key] = str(name)
    return found


def publish(stack: Any) -> None:
    """Export what a stack exports now; raises AwsError where that cannot be."""
    backend = _backend(stack)
    outputs = {output.key: output.value for output in stack.output_map.values() if output}
    wanted = {name: outputs[key] for key, name in names(stack).items()}
    for name in wanted:
        other = backend.exports.get(name)
        if other is not None and other.exporting_stack_id != stack.stack_id:
            owner = backend.get_stack(other.exporting_stack_id).name
            raise _failure("stack.export-exists", export=name, stack=owner)
    for name, export in _own(backend, stack).items():
        if export.value != wanted.get(name):
            message = "stack.export-updated" if name in wanted else "stack.export-deleted"
            _refuse_used(backend, name, message)
    forget(backend, stack)
    for name, value in wanted.items():
        backend.exports[name] = parsing.Export(stack.stack_id, name, value)


def used(backend: Any, stack: Any) -> str:
    """Why a stack cannot be deleted: others import what it exports; empty where they do not."""
    for name in _own(backend, stack):
        try:
            _refuse_used(backend, name, "stack.export-deleted")
        except AwsError as error:
            return error.message
    return ""


def forget(backend: Any, stack: Any) -> None:
    """A stack exports nothing any more."""
    for name in _own(backend, stack):
        del backend.exports[name]


def importers(backend: Any, name: str) -> list[str]:
    """The names of the stacks that import an export."""
    return [stack.name for stack in backend.stacks.values() if name in stack.resource_map.imports]


def _own(backend: Any, stack: Any) -> dict[str, Any]:
    return {
        name: export
        for name, export in backend.exports.items()
        if export.exporting_stack_id == stack.stack_id
    }


def _refuse_used(backend: Any, name: str, message: str) -> None:
    found = importers(backend, name)
    if found:
        raise _failure(message, export=name, stacks=", ".join(found))


def _failure(name: str, **gaps: str) -> AwsError:
    """A failure of a stack, which has no code."""
    return AwsError("", facts.message(name).format(**gaps))


def _backend(stack: Any) -> Any:
    return models.cloudformation_backends[stack.account_id][stack.region_name]
