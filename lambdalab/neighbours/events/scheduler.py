"""The schedules of moto's EventBridge Scheduler: moto stores them, and nothing ever happens.

It also fails at groups that do not exist, takes any name, deletes the group that every account has,
and forgets what is to be done after completion when a schedule is updated. Here every change is
told to the ``Bridge``, which judges it beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error, validation_error
from lambdalab.imports import after_load
from lambdalab.neighbours.request_checks import checked

__all__ = ["Bridge", "Schedule", "delete", "find", "install"]

_NAME = r"[0-9a-zA-Z-_.]+"
_LONGEST_NAME = facts.quota("scheduler.name").value
# What a target without a retry policy, or with a part of one, is read back with.
_POLICY = {
    "MaximumEventAgeInSeconds": int(facts.quota("events.age-default").seconds),
    "MaximumRetryAttempts": facts.quota("events.retries-default").value,
}


class Schedule(NamedTuple):
    """A schedule as it is now; times are in seconds since the epoch, the window in minutes."""

    arn: str
    account: str
    region: str
    expression: str
    zone: str
    enabled: bool
    window: int
    start: float | None
    end: float | None
    created: float
    deleted_after: bool
    target: Mapping[str, Any]


class Bridge(Protocol):
    """Who acts for the schedules. All is called in moto's threads."""

    def check(self, wanted: Mapping[str, Any]) -> None:
        """A schedule is about to be stored; raises AwsError. Members as the backend names them."""

    def changed(self, arn: str) -> None:
        """A schedule was stored or deleted."""


_make: Callable[[], Bridge]


def install(make: Callable[[], Bridge]) -> None:
    """Let a bridge act for moto's schedules; the last one counts.

    ``make`` is called whenever it is asked, and always gives the same one.
    """
    global _make
    _make = make
    after_load("moto.scheduler.models", _mend_models)
    after_load("moto.scheduler.responses", _mend_responses)


def find(arn: str) -> Schedule | None:
    """The schedule of that ARN as it is now; None where there is none."""
    from moto.scheduler.models import scheduler_backends

    region, account, path = arn.split(":", 5)[3:6]
    _, group_name, name = path.split("/")
    group = scheduler_backends[account][region].schedule_groups.get(group_name)
    found = None if group is None else group.schedules.get(name)
    if found is None:
        return None
    window = found.flexible_time_window or {}
    return Schedule(
        found.arn,
        account,
        region,
        found.schedule_expression,
        found.schedule_expression_timezone,
        found.state != "DISABLED",
        int(window.get("MaximumWindowInMinutes") or 0),
        _seconds(found.start_date),
        _seconds(found.end_date),
        float(found.creation_date),
        found.action_after_completion == "DELETE",
        found.target,
    )


def delete(arn: str) -> None:
    """Delete a schedule that is over."""
    from moto.scheduler.models import scheduler_backends

    region, account, path = arn.split(":", 5)[3:6]
    _, group_name, name = path.split("/")
    group = scheduler_backends[account][region].schedule_groups.get(group_name)
    if group is not None:
        group.schedules.pop(name, None)


def _seconds(given: Any) -> float | None:
    return None if given is None else float(given)


def _asked(call: Callable[[Bridge], Any]) -> None:
    try:
        call(_make())
    except AwsError as error:
        _refuse(error)


def _refuse(error: AwsError) -> None:
    """Raise an error as one of moto's."""
    from moto.core.exceptions import JsonRESTError

    refused = JsonRESTError(error.code, error.message)
    refused.code = error.status
    raise refused from None


def _changed(arn: str) -> None:
    _asked(lambda bridge: bridge.changed(arn))


def _mend_models(module: ModuleType) -> None:
    backend = module.EventBridgeSchedulerBackend
    module.ScheduleExists.code = 409
    for name, mend in (
        ("create_schedule", _storing),
        ("update_schedule", _storing),
        ("delete_schedule", _deleting),
        ("delete_schedule_group", _deleting_group),
        ("create_schedule_group", _creating_group),
        ("list_tags_for_resource", _of_a_group),
        ("tag_resource", _of_a_group),
        ("untag_resource", _of_a_group),
    ):
        setattr(backend, name, mend(getattr(backend, name)))
    module.ScheduleGroup.__init__ = _dated(module.ScheduleGroup.__init__)


def _storing(original: Callable[..., Any]) -> Callable[..., Any]:
    def store(self: Any, **given: Any) -> Any:
        self.get_schedule_group(given.get("group_name"))
        _asked(lambda bridge: bridge.check(given))
        schedule = original(self, **given)
        schedule.state = schedule.state or "ENABLED"
        schedule.action_after_completion = schedule.action_after_completion or "NONE"
        schedule.target["RetryPolicy"] = _POLICY | (schedule.target.get("RetryPolicy") or {})
        _changed(schedule.arn)
        return schedule

    return store


def _deleting(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete_schedule(self: Any, group_name: str | None, name: str) -> None:
        arn = self.get_schedule(group_name, name).arn
        original(self, group_name, name)
        _changed(arn)

    return delete_schedule


def _deleting_group(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete_schedule_group(self: Any, name: str | None) -> None:
        if name == "default":
            _refuse(aws_error("scheduler.group-default"))
        arns = [one.arn for one in self.get_schedule_group(name).schedules.values()]
        original(self, name)
        for arn in arns:
            _changed(arn)

    return delete_schedule_group


def _creating_group(original: Callable[..., Any]) -> Callable[..., Any]:
    def create_schedule_group(self: Any, name: str, tags: Any) -> Any:
        if name in self.schedule_groups:
            _refuse(aws_error("scheduler.group-exists", group=name))
        return original(self, name, tags or [])

    return create_schedule_group


def _of_a_group(original: Callable[..., Any]) -> Callable[..., Any]:
    """Only groups have tags."""

    def act(self: Any, arn: str, *given: Any) -> Any:
        self.get_schedule_group(arn.rpartition("/")[2])
        return original(self, arn, *given)

    return act


def _dated(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *given: Any, **options: Any) -> None:
        from moto.core.utils import unix_time

        original(self, *given, **options)
        self.created_on = self.last_modified = unix_time()

    return init


def _mend_responses(module: ModuleType) -> None:
    handler = module.EventBridgeSchedulerResponse
    original = handler.update_schedule

    def update_schedule(self: Any) -> Any:
        answer = original(self)
        schedule = self.scheduler_backend.get_schedule(self._get_param("GroupName"), _name(self))
        schedule.action_after_completion = self._get_param("ActionAfterCompletion") or "NONE"
        return answer

    handler.update_schedule = update_schedule
    for name in ("create_schedule", "update_schedule", "create_schedule_group"):
        setattr(handler, name, _naming(getattr(handler, name)))
    for name in ("list_schedules", "list_schedule_groups"):
        setattr(handler, name, _paging(getattr(handler, name)))
    operations = {
        "create_schedule": "CreateSchedule",
        "tag_resource": "TagResource",
        "update_schedule": "UpdateSchedule",
    }
    checked(handler, "scheduler", operations)


def _name(request: Any) -> str:
    """The name that stands at the end of a path."""
    return unquote(str(request.uri).split("?")[0].rpartition("/")[2])


def _naming(original: Callable[..., Any]) -> Callable[..., Any]:
    """Names in paths, which the checks of bodies do not see."""

    def act(self: Any) -> Any:
        name, wrong = _name(self), []
        if len(name) > _LONGEST_NAME:
            wrong.append(facts.message("validation.length-at-most").format(bound=_LONGEST_NAME))
        if not re.fullmatch(_NAME, name):
            wrong.append(facts.message("validation.pattern").format(pattern=_NAME))
        if wrong:
            said = facts.message("validation.value")
            _refuse(
                validation_error(
                    [said.format(value=name, path="name", constraint=one) for one in wrong]
                )
            )
        return original(self)

    return act


def _paging(original: Callable[..., Any]) -> Callable[..., Any]:
    def act(self: Any) -> Any:
        given = self._get_param("MaxResults")
        if given is not None and not str(given).isdecimal():
            _refuse(aws_error("serialization.wrong-type", found="STRING_VALUE", wanted="Integer"))
        return original(self)

    return act
