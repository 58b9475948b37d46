"""What the service keeps of layers: their versions, and who may use them.

Source: https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.lookup import Caller
from lambdalab.functions.packages import Package
from lambdalab.functions.policies import Policy
from lambdalab.neighbours.identity import organizations

__all__ = ["Layer", "LayerId", "LayerRegistry", "LayerVersion", "identify"]

ACTION = "lambda:GetLayerVersion"

_ARN = re.compile(
    r"arn:[^:]+:lambda:(?P<region>[^:]+):(?P<account>\d{12}):layer:(?P<name>[^:]+)"
    r"(?::(?P<number>\d+))?"
)


class LayerId(NamedTuple):
    """Which layer of which account and Region."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The ARN of the layer, without a version."""
        return f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"


@dataclass(eq=False)
class LayerVersion:
    """One version of a layer; ``members`` are those of the API's LayerVersionsListItem."""

    layer: LayerId
    number: int
    package: Package
    members: dict[str, Any]
    policy: Policy

    @property
    def arn(self) -> str:
        """The ARN of this version."""
        return f"{self.layer.arn}:{self.number}"

    def fits(self, runtime: str | None, architecture: str | None) -> bool:
        """Whether its publisher says that it is for a runtime and an architecture."""
        return (runtime is None or runtime in self.members.get("CompatibleRuntimes", [])) and (
            architecture is None or architecture in self.members.get("CompatibleArchitectures", [])
        )

    def open_to(self, account: str) -> bool:
        """Whether an account may use it: its owner, and whom the policy names."""
        return account == self.layer.account or any(
            _names(statement, account) for statement in self.policy.statements
        )


@dataclass(eq=False)
class Layer:
    """A layer: its versions by number, and how many have ever been published."""

    id: LayerId
    versions: dict[int, LayerVersion] = field(default_factory=dict)
    published: int = 0

    def newest_first(
        self, runtime: str | None = None, architecture: str | None = None
    ) -> list[LayerVersion]:
        """The versions for a runtime and an architecture."""
        versions = [self.versions[number] for number in sorted(self.versions, reverse=True)]
        return [version for version in versions if version.fits(runtime, architecture)]


class LayerRegistry:
    """The layers of all accounts and Regions of one cloud."""

    def __init__(self) -> None:
        self._layers: dict[LayerId, Layer] = {}

    def get(self, wanted: LayerId) -> Layer | None:
        """The layer, or None; one that has lost all its versions is still known."""
        return self._layers.get(wanted)

    def of(self, caller: Caller) -> list[Layer]:
        """The layers of an account in a Region, by name."""
        mine = (wanted for wanted in self._layers if wanted[:2] == (caller.account, caller.region))
        return [self._layers[wanted] for wanted in sorted(mine)]

    def version(self, wanted: LayerId, number: int) -> LayerVersion | None:
        """A version of a layer, or None."""
        layer = self._layers.get(wanted)
        return layer.versions.get(number) if layer else None

    def usable(self, caller: Caller, arn: str) -> LayerVersion | None:
        """The version that an ARN names, None where there is none.

        Raises AWS's refusal for another account's that is not shared with the caller: AWS does not
        tell such a one from one that does not exist or is in another Region.
        """
        found = _ARN.fullmatch(arn)
        if found is None or found["number"] is None:
            return None
        wanted = LayerId(found["account"], found["region"], found["name"])
        version = self.version(wanted, int(found["number"]))
        if wanted.account == caller.account:
            return version
        near = wanted.region == caller.region
        if version is None or not near or not version.open_to(caller.account):
            raise not_authorized(caller, ACTION, arn)
        return version

    def versions(self, caller: Caller) -> Iterator[LayerVersion]:
        """All versions of all layers of an account in a Region."""
        for layer in self.of(caller):
            yield from layer.versions.values()

    def publish(self, wanted: LayerId) -> tuple[Layer, int]:
        """The layer, new or not, and the number of its next version; none is given twice."""
        layer = self._layers.setdefault(wanted, Layer(wanted))
        layer.published += 1
        return layer, layer.published

    def clear(self) -> None:
        """Forget all layers."""
        self._layers.clear()


def identify(caller: Caller, given: str, action: str) -> LayerId:
    """The layer that a parameter LayerName names, by name or by ARN.

    Nobody may do anything with another account's layer but get its versions.
    """
    found = _ARN.fullmatch(given)
    if found is None:
        return LayerId(caller.account, caller.region, given)
    wanted = LayerId(found["account"], found["region"], found["name"])
    if wanted.account != caller.account and action != ACTION:
        raise not_authorized(caller, action, given)
    if wanted.region != caller.region:
        raise aws_error("resource.missing")
    return wanted


def not_authorized(caller: Caller, action: str, arn: str) -> AwsError:
    """The refusal of an action on another account's layer."""
    user = f"arn:aws:iam::{caller.account}:root"
    return aws_error("access.no-resource-policy", user=user, action=action, arn=arn)


def _names(statement: dict[str, Any], account: str) -> bool:
    """Whether a statement of a layer's policy lets an account in."""
    principal = statement["Principal"]
    if principal != "*" and principal != {"AWS": f"arn:aws:iam::{account}:root"}:
        return False
    wanted = statement.get("Condition", {}).get("StringEquals", {}).get("aws:PrincipalOrgID")
    return wanted is None or organizations.organization_of(account) == wanted
