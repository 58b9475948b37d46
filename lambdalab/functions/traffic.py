"""What steers the invocations of functions: concurrency, asynchronous settings, URLs, mappings."""

from __future__ import annotations

from lambdalab.clock import LabClock
from lambdalab.draws import Draws
from lambdalab.functions.concurrency import ConcurrencyService
from lambdalab.functions.event_configs import EventConfigService
from lambdalab.functions.lookup import Directory
from lambdalab.functions.mappings import MappingService
from lambdalab.functions.provisioned import ProvisionedService
from lambdalab.functions.urls import UrlService

__all__ = ["Traffic"]


class Traffic:
    """The services of this kind, put together; what they keep goes with the functions."""

    def __init__(self, directory: Directory, clock: LabClock, draws: Draws) -> None:
        self.provisioned = ProvisionedService(
            directory, clock, draws.stream("provisioned concurrency")
        )
        self.mappings = MappingService(directory, clock, draws.stream("mappings"))
        self.urls = UrlService(directory, clock, draws.stream("urls"))
        self.services: list[object] = [
            ConcurrencyService(directory),
            self.provisioned,
            EventConfigService(directory, clock),
            self.urls,
            self.mappings,
        ]
