"""What the functions of templates work with: scopes, and values that are none."""

from __future__ import annotations

from typing import Any, Protocol

from lambdalab.errors import aws_error

__all__ = ["NOTHING", "UNKNOWN", "Scope", "arguments", "text_of"]

Json = dict[str, Any]

# What is known only once it has been made.
UNKNOWN: Any = type("Unknown", (), {"__repr__": lambda _: "UNKNOWN"})()
# What AWS::NoValue stands for: as if it had not been written.
NOTHING: Any = type("Nothing", (), {"__repr__": lambda _: "NOTHING"})()


class Scope(Protocol):
    """What the names of a template stand for."""

    def ref(self, name: str) -> Any:
        """The value of a parameter, a pseudo parameter or a resource."""

    def attribute(self, name: str, attribute: str) -> Any:
        """The value of a resource's attribute."""

    def condition(self, name: str) -> bool:
        """Whether a condition holds; raises AwsError where there is none."""

    def mapping(self, name: str) -> Json | None:
        """A mapping; None where there is none."""

    def imported(self, name: str) -> Any:
        """The value of another stack's export; raises AwsError."""

    def zones(self, region: str) -> list[str]:
        """The availability zones of a region, the scope's own where it is empty."""

    def text(self, value: str) -> Any:
        """A text in which dynamic references have been resolved."""


def arguments(value: Any, least: int, most: int, message: str) -> list[Any]:
    """The arguments of a function, as many as it takes; raises AwsError."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise aws_error(message)
    return value


def text_of(value: Any, message: str) -> str:
    """A plain value as text, as CloudFormation converts them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise aws_error(message)
