"""A resource that is made by calls to its service, as moto's CloudFormation handles it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, ClassVar

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.neighbours.stacks.services import documents
from lambdalab.neighbours.stacks.services.calls import Calls, input_shape
from lambdalab.neighbours.stacks.services.roles import shortened
from lambdalab.neighbours.stacks.services.service_type import ServiceType, Work
from lambdalab.neighbours.stacks.services.shapes import fitted, member_of

__all__ = ["ServiceResource"]

Json = dict[str, Any]


class ServiceResource:
    """One resource; a subclass for each type."""

    CALLS: ClassVar[Calls]
    ROW: ClassVar[ServiceType]
    TYPE: ClassVar[str]

    def __init__(self, place: tuple[str, str], properties: Json, known: Json) -> None:
        self.place = place
        self.properties = properties
        self.known = known
        # What this one has taken the place of: it is deleted once nothing refers to it any more.
        self.replaces: ServiceResource | None = None

    # What moto asks of a resource.

    @property
    def physical_resource_id(self) -> str:
        """What ``Ref`` gives."""
        return filled(self.ROW.reference, self.known)

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """What ``Fn::GetAtt`` gives."""
        if not self.has_cfn_attr(attribute_name):
            raise UnformattedGetAttTemplateException
        return filled(self.ROW.attributes[attribute_name], self.known)

    def is_created(self) -> bool:
        """Whether it is there: each call has been waited for."""
        return True

    @staticmethod
    def cloudformation_name_type() -> str:
        """The property that names the resource; the row knows it."""
        return ""

    @classmethod
    def cloudformation_type(cls) -> str:
        """The resource type."""
        return cls.TYPE

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether ``Fn::GetAtt`` knows the attribute."""
        return attr in cls.ROW.attributes

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Json,
        account_id: str,
        region_name: str,
        **ids: Any,
    ) -> ServiceResource:
        """Create the resource."""
        row, properties = cls.ROW, cls._properties(cloudformation_json, account_id)
        cls._refuse_unknown(properties)
        given = {"_account": account_id, "_region": region_name, "_name": resource_name}
        named = {row.named: cls._name(resource_name)} if row.named else {}
        sent = cls._members(row.create, named | properties)
        cls._require(row.create, sent, ids["LogicalId"])
        made = cls((account_id, region_name), properties, given | sent)
        if row.create:
            made.known |= _flat(made._act(row.create, **sent))
        try:
            made._steps({})
        except AwsError:
            made.delete(account_id, region_name)
            raise
        return made

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: ServiceResource,
        new_resource_name: str,
        cloudformation_json: Json,
        account_id: str,
        region_name: str,
    ) -> ServiceResource:
        """Update the resource in place, or replace it."""
        row, after = cls.ROW, cls._properties(cloudformation_json, account_id)
        before = original_resource.properties
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        if changed & row.replaced or (not row.update and changed - row.stepped):
            made = cls.create_from_cloudformation_json(
                new_resource_name, cloudformation_json, account_id, region_name, LogicalId=""
            )
            made.replaces = original_resource
            return made
        cls._refuse_unknown(after)
        made = cls(original_resource.place, after, dict(original_resource.known))
        if row.update and changed - row.stepped:
            sent = cls._members(row.update, after) | made._key(row.update)
            made.known |= sent | _flat(made._act(row.update, **sent))
        made._steps(before)
        return made

    def delete(self, account_id: str, region: str) -> None:  # noqa: ARG002
        """Delete the resource; one that is gone is no error."""
        try:
            for step in self.ROW.undo:
                step(self._work({}))
            key = self._key(self.ROW.delete) if self.ROW.delete else {}
            # Without one, nothing has been made yet.
            if key:
                self._act(self.ROW.delete, **key)
        except AwsError as error:
            if error.status != 404 and not _is_missing(error.code):
                raise

    @classmethod
    def delete_from_cloudformation_json(cls, *given: Any) -> None:
        """Never called: a resource deletes itself."""
        raise NotImplementedError(given)

    # The steps.

    @classmethod
    def _name(cls, generated: str) -> str:
        """A name that was made up, as long as the service takes it, and with its end."""
        row = cls.ROW
        members = input_shape(row.service, row.create).members if row.create else {}
        member = member_of(members, row.renamed.get(row.named, row.named))
        most = members[member].metadata.get("max") if member else None
        return row.name_form(shortened(most)(generated) if most else generated)

    @classmethod
    def _properties(cls, described: Json, account: str) -> Json:
        given = described.get("Properties")
        found = dict(given) if isinstance(given, dict) else {}
        for place, name in cls.ROW.located.items():
            if place in found:
                found[name] = documents.at(account, found.pop(place))
        return cls.ROW.prepare(found)

    def _act(self, operation: str, /, **given: Any) -> Json:
        service = self.ROW.service
        shape = input_shape(service, operation)
        sent = fitted(shape, given) if shape is not None else given
        answer = self.CALLS.act(*self.place, service, operation, sent)
        answer.pop("ResponseMetadata", None)
        return answer

    def _work(self, before: Json) -> Work:
        return Work(self._act, self.known, self.properties, before)

    def _steps(self, before: Json) -> None:
        for step in self.ROW.steps:
            step(self._work(before))

    def _key(self, operation: str) -> Json:
        """The members by which an operation names this resource."""
        members = input_shape(self.ROW.service, operation).members
        found = {name: filled(text, self.known) for name, text in self.ROW.key.items()}
        return {
            name: fitted(members[name], value)
            for name, value in found.items()
            if name in members and value
        }

    @classmethod
    def _members(cls, operation: str, properties: Json) -> Json:
        """What an operation takes of the properties."""
        row = cls.ROW
        if not operation:
            return {}
        members = input_shape(row.service, operation).members
        found: Json = {}
        for name, value in properties.items():
            member = member_of(members, row.renamed.get(name, name))
            if member is not None:
                found[member] = fitted(members[member], value)
        return found

    @classmethod
    def _refuse_unknown(cls, properties: Json) -> None:
        """Refuse, by name, a property that nothing would act on."""
        row = cls.ROW
        operations = [one for one in (row.create, row.update) if one]
        members = [name for one in operations for name in input_shape(row.service, one).members]
        for name, value in properties.items():
            known = name in row.stepped or member_of(members, row.renamed.get(name, name))
            if value and not known:
                raise not_implemented(f"the property {name} of {cls.TYPE}")

    @classmethod
    def _require(cls, operation: str, sent: Json, logical_id: str) -> None:
        """Refuse a resource that lacks what the call needs, as CloudFormation does before it."""
        needed = input_shape(cls.ROW.service, operation).required_members if operation else ()
        missing = [name for name in needed if name not in sent]
        if missing:
            names = [f"{name[0].upper()}{name[1:]}" for name in missing]
            failures = ", ".join(f"#: required key [{name}] not found" for name in names)
            raise aws_error("stack.bad-properties", resource=logical_id, failures=failures)


def filled(text: str, known: Json) -> str:
    """A text of the table with what is known in its gaps; nothing where something is not."""
    return text.format_map(defaultdict(str, known))


def _flat(answer: Json) -> Json:
    """An answer with the members of its one structure, where services wrap what they tell.

    Some put it into a list.
    """
    inner = [value for value in answer.values() if isinstance(value, dict)]
    if not inner:
        lists = [value for value in answer.values() if isinstance(value, list)]
        inner = [one for found in lists for one in found if isinstance(one, dict)]
    return answer | (inner[0] if len(inner) == 1 else {})


def _is_missing(code: str) -> bool:
    return any(word in code for word in ("NotFound", "DoesNotExist", "NonExistent", "NoSuch"))
