"""Code and layers in an account's storage, put together: the services of this kind."""

from __future__ import annotations

from collections.abc import Callable

from lambdalab.clock import LabClock
from lambdalab.draws import Draws
from lambdalab.functions.intake import Intake
from lambdalab.functions.layer_permissions import LayerPermissionService
from lambdalab.functions.layer_versions import LayerService
from lambdalab.functions.layers import LayerRegistry
from lambdalab.functions.packages import Package, PackageStore
from lambdalab.functions.records import Registry

__all__ = ["Storage"]


class Storage:
    """The layers of a cloud, and the way in for code.

    ``download`` gives the address under which a package can be fetched.
    """

    def __init__(
        self,
        registry: Registry,
        packages: PackageStore,
        clock: LabClock,
        draws: Draws,
        download: Callable[[Package], str],
    ) -> None:
        self._layers = LayerRegistry()
        self.intake = Intake(registry, self._layers, packages)
        draw = draws.stream("layers")
        self.services: list[object] = [
            LayerService(self._layers, self.intake, clock=clock, draw=draw, download=download),
            LayerPermissionService(self._layers),
        ]

    def clear(self) -> None:
        """Forget the layers."""
        self._layers.clear()
