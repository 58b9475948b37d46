"""How asynchronous invocations are retried, how old they get, and where their records go.

The queue (``invocation/queue.py``) acts on them as they are when an attempt ends.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

from typing import Any

from lambdalab.clock import LabClock
from lambdalab.errors import aws_error
from lambdalab.functions.arns import LATEST
from lambdalab.functions.destinations import check_destinations, shown_destinations
from lambdalab.functions.lookup import Caller, Directory
from lambdalab.functions.paging import page

__all__ = ["EVENT_CONFIG", "EventConfigService"]

# The kind under which a config is attached.
EVENT_CONFIG = "event invoke config"

_MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
_NO_FUNCTION = "function.missing-for-event-config"


class EventConfigService:
    """The operations on the configuration of asynchronous invocations."""

    def __init__(self, directory: Directory, clock: LabClock) -> None:
        self._directory = directory
        self._clock = clock

    def put_function_event_invoke_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """PutFunctionEventInvokeConfig: what is not given is given up."""
        return self._write(caller, given, renew=True)

    def update_function_event_invoke_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """UpdateFunctionEventInvokeConfig: only what is given changes."""
        return self._write(caller, given, renew=False)

    def get_function_event_invoke_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """GetFunctionEventInvokeConfig."""
        configs, qualifier = self._find(caller, given)
        config: dict[str, Any] = configs[qualifier]
        return config

    def delete_function_event_invoke_config(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """DeleteFunctionEventInvokeConfig."""
        configs, qualifier = self._find(caller, given)
        del configs[qualifier]
        return {}

    def list_function_event_invoke_configs(
        self, caller: Caller, given: dict[str, Any]
    ) -> dict[str, Any]:
        """ListFunctionEventInvokeConfigs."""
        function = self._directory.function(caller, given, _NO_FUNCTION)
        configs = sorted(function.attachments(EVENT_CONFIG).items())
        rows, more = page(given, configs, lambda row: row[0])
        return {**more, "FunctionEventInvokeConfigs": [config for _, config in rows]}

    def _write(self, caller: Caller, given: dict[str, Any], *, renew: bool) -> dict[str, Any]:
        wanted = {name: given[name] for name in _MEMBERS if name in given}
        if not wanted:
            raise aws_error("event-config.empty")
        found = self._directory.locate(caller, given, _NO_FUNCTION)
        before = {} if renew else self._find(caller, given)[0][found.key]
        destinations = wanted.get("DestinationConfig") or {}
        check_destinations(self._directory.registry, found.function, destinations)
        if renew or "DestinationConfig" in wanted:
            wanted["DestinationConfig"] = shown_destinations(destinations)
        config = {
            **before,
            **wanted,
            "FunctionArn": found.function.qualified_arn(found.key),
            "LastModified": round(self._clock.now(), 3),
        }
        found.function.attachments(EVENT_CONFIG)[found.key] = config
        return config

    def _find(self, caller: Caller, given: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The configs of a function and the qualifier of the one that is meant, which is there."""
        wanted = self._directory.identify(caller, given)
        qualifier = wanted.qualifier or LATEST
        function = self._directory.registry.get(wanted)
        configs = function.attachments(EVENT_CONFIG) if function else {}
        if qualifier not in configs:
            raise aws_error("event-config.missing", arn=f"{wanted.arn}:{qualifier}")
        return configs, qualifier
