"""Lambda's resources in CloudFormation's stacks: made, changed and deleted by the API's operations.

moto builds a stack in a thread of its own; the Lambda service lives in the event loop. Each
operation is checked by the service model as a request is, and waited for where it takes its time;
provisioned concurrency alone is not, for it takes minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from inspect import isawaitable
from typing import Any, TypeVar

from botocore import xform_name

from lambdalab.errors import AwsError, aws_error, not_implemented
from lambdalab.functions import model, validate
from lambdalab.functions.lookup import Directory
from lambdalab.functions.stack_properties import check, ignored, parameters
from lambdalab.functions.stack_resource import Made, Place
from lambdalab.functions.stack_type import Update
from lambdalab.functions.stack_types import TYPES

__all__ = ["StackResources"]

T = TypeVar("T")
Members = dict[str, Any]


class StackResources:
    """Makes, changes and deletes resources for stacks, from other threads."""

    def __init__(
        self, services: Iterable[object], directory: Directory, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._services = list(services)
        self._directory = directory
        self._loop = loop

    @staticmethod
    def attributes() -> dict[str, frozenset[str]]:
        """The types of resources, and what ``Fn::GetAtt`` knows of each."""
        return {name: frozenset(row.attributes) for name, row in TYPES.items()}

    @staticmethod
    def place(
        account: str, region: str, stack_id: str, logical_id: str, stack_tags: dict[str, str]
    ) -> Place:
        """Where a resource is to stand."""
        return Place(account, region, stack_id, logical_id, stack_tags)

    def create(self, kind: str, place: Place, name: str, properties: Members) -> Made:
        """Make a resource; ``name`` is for one that the template does not name."""
        return self._run(self._create(Made(kind, place, properties, {}), name))

    def update(self, made: Made, name: str, properties: Members) -> Made:
        """Change a resource, or make another one where CloudFormation replaces it.

        What has been replaced is still there, and has another key than the new one.
        """
        return self._run(self._update(made, name, replace(made, properties=properties)))

    def delete(self, made: Made) -> None:
        """Delete a resource; one that is gone is no error."""
        self._run(self._delete(made))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # Making, changing, deleting.

    async def _create(self, wanted: Made, name: str) -> Made:
        row, place = wanted.row, wanted.place
        check(row, place.logical_id, wanted.properties)
        _refuse_ignored(wanted, [row.create], wanted.properties)
        given = _parameters(wanted, row.create, wanted.properties)
        if row.named is not None:
            member, longest = row.named
            given = {member: _shortened(name, longest)} | given
        if row.tagged:
            given["Tags"] = place.tags | given.get("Tags", {})
        made = await self._new(replace(wanted, known=given))
        try:
            await self._settled(made)
            await self._accompany(made, {})
        except AwsError:
            await self._delete(made)
            raise
        return made

    async def _new(self, wanted: Made) -> Made:
        """Make what is not there yet; ``wanted`` knows what is to be sent."""
        operation, given = wanted.row.create, wanted.known
        validate.check(model.operation(operation), given)
        await self._refuse_existing(wanted)
        versions = self._versions(wanted)
        answer = await self._act(wanted, operation, given)
        if answer.get("Version") in versions:
            raise aws_error("stack.version-exists", version=answer["Version"])
        # Not the code: it would be kept for as long as the stack.
        known = {key: value for key, value in given.items() if key not in ("Code", "Content")}
        return replace(wanted, known=known | answer)

    async def _update(self, made: Made, name: str, wanted: Made) -> Made:
        row, before, after = made.row, made.properties, wanted.properties
        check(row, made.place.logical_id, after)
        if any(before.get(one) != after.get(one) for one in row.replaced):
            custom = after.get(row.custom_named)
            if custom is not None and custom == before.get(row.custom_named):
                raise aws_error("stack.custom-named", name=custom)
            return await self._create(replace(wanted, known={}), name)
        changed = [one for one in row.properties if before.get(one) != after.get(one)]
        operations = [update.operation for update in row.updates]
        _refuse_ignored(wanted, operations, {one: after.get(one, True) for one in changed})
        try:
            return await self._change(wanted, before)
        except AwsError:
            # Back again; a change that has not come to pass may refuse to be taken back.
            with contextlib.suppress(AwsError):
                await self._change(made, after)
            raise

    async def _change(self, wanted: Made, before: Members) -> Made:
        """Give a resource that had the properties ``before`` those of ``wanted``."""
        await self._settled(wanted)
        known = dict(wanted.known)
        for update in wanted.row.updates:
            given = _changes(wanted, update, before)
            if given:
                known |= await self._act(wanted, update.operation, wanted.key | given)
                await self._settled(wanted)
        await self._accompany(wanted, before)
        await self._tag(wanted, before)
        return replace(wanted, known=known)

    async def _delete(self, made: Made) -> None:
        await self._settled(made)
        try:
            await self._act(made, made.row.delete, _parameters(made, made.row.delete, made.key))
        except AwsError as error:
            if error.status != 404:
                raise
        await self._settled(made)

    # The steps.

    async def _act(self, made: Made, operation: str, given: Members) -> Members:
        """Call an operation as a request would."""
        validate.check(model.operation(operation), given)
        method = xform_name(operation)
        for service in self._services:
            act = getattr(service, method, None)
            if act is not None:
                done = act(made.place.caller, given)
                answer: Members = await done if isawaitable(done) else done
                return answer
        raise not_implemented(operation)

    async def _settled(self, made: Made) -> None:
        """Wait until what an operation has set going has come through."""
        registry, key = self._directory.registry, made.key
        if made.row.settles == "function":
            function = registry.get(self._directory.identify(made.place.caller, key))
            if function is not None:
                await function.settled()
        elif made.row.settles == "mapping":
            mapping = registry.mappings.get(key["UUID"])
            if mapping is not None:
                await mapping.at_rest.wait()

    async def _accompany(self, wanted: Made, before: Members) -> None:
        """Set the properties that have operations of their own."""
        for name, companion in wanted.row.companions.items():
            value, last = wanted.properties.get(name), before.get(name)
            if value == last or (companion.in_create and not before):
                continue
            if value is None and companion.remove:
                await self._act(wanted, companion.remove, wanted.target)
            else:
                chosen = {name: companion.default if value is None else value}
                given = _parameters(wanted, companion.put, chosen)
                await self._act(wanted, companion.put, wanted.target | given)
            await self._settled(wanted)

    async def _tag(self, wanted: Made, before: Members) -> None:
        """Change the tags of a resource."""
        if not wanted.tagged:
            return
        tags, last = (
            _parameters(wanted, "TagResource", {"Tags": one.get("Tags", [])})["Tags"]
            for one in (wanted.properties, before)
        )
        new = {key: value for key, value in tags.items() if last.get(key) != value}
        gone = [key for key in last if key not in tags]
        resource = {"Resource": wanted.tagged}
        if new:
            await self._act(wanted, "TagResource", {**resource, "Tags": new})
        if gone:
            await self._act(wanted, "UntagResource", {**resource, "TagKeys": gone})

    # Rules.

    async def _refuse_existing(self, wanted: Made) -> None:
        """Refuse to write over what is there already."""
        if not wanted.row.known_by:
            return
        try:
            await self._act(wanted, wanted.row.known_by, wanted.key)
        except AwsError:
            return
        raise aws_error("stack.exists", type=wanted.type, identifier=wanted.reference)

    def _versions(self, wanted: Made) -> set[str]:
        """The versions that a function has: publishing none anew is an error of a stack."""
        if wanted.row.create != "PublishVersion":
            return set()
        caller = wanted.place.caller
        function = self._directory.registry.get(self._directory.identify(caller, wanted.known))
        return set(function.versions) if function else set()


def _parameters(made: Made, operation: str, properties: Members) -> Members:
    return parameters(made.row, operation, made.place.logical_id, properties)


def _changes(wanted: Made, update: Update, before: Members) -> Members:
    """What an operation is to change; what is not given any more goes back to its default."""
    gone = {name: value for name, value in wanted.row.cleared.items() if name in before}
    now = _parameters(wanted, update.operation, gone | wanted.properties)
    last = _parameters(wanted, update.operation, before)
    if update.whole:
        return now if now != last else {}
    return {name: value for name, value in now.items() if name not in last or last[name] != value}


def _refuse_ignored(wanted: Made, operations: list[str], properties: Members) -> None:
    """Refuse, by name, a property that nothing would act on."""
    for name in ignored(wanted.row, operations):
        if properties.get(name):
            raise not_implemented(f"the property {name} of {wanted.type} here")


def _shortened(name: str, longest: int) -> str:
    """A generated name that fits; its random end stays."""
    start, _, end = str(name).rpartition("-")
    return f"{start[: longest - len(end) - 1]}-{end}"
