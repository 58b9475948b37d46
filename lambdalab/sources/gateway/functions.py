"""How an API calls a function: by the URI of its integration, for so long and no longer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lambdalab.execution.spec import Outcome
from lambdalab.sources.pushed import Pushes, Sender, within

__all__ = ["PRINCIPAL", "Backend", "BadUriError", "TooSlowError", "filled", "function_of"]

PRINCIPAL = "apigateway.amazonaws.com"

_INVOCATIONS = re.compile(
    r"arn:[^:]+:apigateway:[^:]+:lambda:path/+\d{4}-\d{2}-\d{2}/functions/(?P<arn>.+)/invocations"
)
_FUNCTION = re.compile(r"arn:[^:]+:lambda:[^:]+:\d+:function:[^:/]+(?::[^:/]+)?")
_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")


class TooSlowError(Exception):
    """The function has not answered in time; it runs on."""


class BadUriError(Exception):
    """An integration's URI names no function."""


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A text with the stage's variables in it."""
    return _VARIABLE.sub(lambda found: variables.get(found[1], ""), text)


def function_of(uri: str) -> str:
    """The ARN of the function that a URI names."""
    found = _INVOCATIONS.fullmatch(uri)
    arn = found["arn"] if found else uri
    if not _FUNCTION.fullmatch(arn):
        raise BadUriError(uri)
    return arn


@dataclass(frozen=True)
class Backend:
    """A function behind an API: who it is, and as whom it is called."""

    function: str
    sender: Sender

    @classmethod
    def of(
        cls,
        uri: str,
        variables: Mapping[str, str],
        *,
        credentials: str | None,
        source_arn: str,
        account: str,
    ) -> Backend:
        """The function that an integration or an authorizer names.

        With ``credentials`` it is called with that role. Raises AwsError where the role does not
        trust API Gateway, BadUriError where the URI names no function.
        """
        role = filled(credentials, variables) if credentials else None
        if role and not role.endswith(":user/*"):
            Pushes.check_role(role, PRINCIPAL)
        sender = Sender(PRINCIPAL, source_arn, account, by_role=bool(role))
        return cls(function_of(filled(uri, variables)), sender)

    async def ask(self, pushes: Pushes, payload: bytes, *, seconds: float, trace: str) -> Outcome:
        """Call the function and wait so many real seconds; TooSlowError after them."""
        call = pushes.call(self.function, payload, self.sender, trace=trace)
        outcome = await within(call, seconds)
        if outcome is None:
            raise TooSlowError
        return outcome

    def tell(self, pushes: Pushes, payload: bytes, *, trace: str) -> None:
        """Leave an event for the function."""
        pushes.send(self.function, payload, self.sender, trace=trace)
