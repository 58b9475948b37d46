"""Who may call a function URL.

Two statements of the function's policy must let everybody in where nobody has to sign: one for the
URL, one for the function behind it. Source:
https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from lambdalab.access import signing
from lambdalab.access.statements import Asking, judge
from lambdalab.errors import AwsError, aws_error
from lambdalab.functions.permissions import KIND, URL_ACTION, place_of
from lambdalab.functions.policies import Policy
from lambdalab.functions.urls import FunctionUrl
from lambdalab.neighbours.callers import Signer, signer_of
from lambdalab.neighbours.identity import sts
from lambdalab.sources.pushed import INVOKE
from lambdalab.wire import Request

__all__ = ["Gate"]

_SERVICE = "lambda"


class Gate:
    """Lets callers in or refuses them.

    ``account`` is whose a lab's dummy keys are; ``secret`` is what requests must be signed with,
    None where any signature will do that is not one of a key which this cloud has given out.
    """

    def __init__(self, account: str, secret: str | None) -> None:
        self._account = account
        self._secret = secret
        # Whether a policy lets everybody in, at one revision of it.
        self._open: WeakKeyDictionary[Policy, tuple[str, bool]] = WeakKeyDictionary()

    def admit(self, url: FunctionUrl, request: Request) -> Signer | None:
        """Who calls, where that must be told; raises AwsError for who may not."""
        auth_type = url.settings["AuthType"]
        if auth_type == "NONE":
            if not self._is_open(url):
                raise _forbidden()
            return None
        caller = self._signer(url, request)
        named = {("AWS", caller.arn), ("AWS", f"arn:aws:iam::{caller.account}:root")}
        verdicts = _verdicts(url, auth_type, frozenset(named))
        # What the policies of a caller's own say is not judged yet: who belongs to the account of
        # the function comes in, unless the function's policy says no.
        stranger = caller.account != url.function.id.account
        if "Deny" in verdicts or (stranger and verdicts != {"Allow"}):
            raise _forbidden()
        return caller

    def _is_open(self, url: FunctionUrl) -> bool:
        policy = url.function.attachments(KIND).get(url.key)
        if not policy:
            return False
        revision, is_open = self._open.get(policy, ("", False))
        if revision != policy.revision_id:
            is_open = _verdicts(url, "NONE", frozenset()) == {"Allow"}
            self._open[policy] = policy.revision_id, is_open
        return is_open

    def _signer(self, url: FunctionUrl, request: Request) -> Signer:
        signed_for = signing.scope(request)
        if signed_for is None:
            raise _forbidden()
        if signed_for.service != _SERVICE:
            raise _bare("url.wrong-service", service=_SERVICE)
        if signed_for.region != url.function.id.region:
            raise _bare("url.wrong-region")
        secret = sts.secret_of(signed_for.access_key) or self._secret
        if secret is not None:
            signing.check_signature(request, signed_for, lambda _: secret)
        return signer_of(signed_for.access_key, self._account)


def _verdicts(
    url: FunctionUrl, auth_type: str, principals: frozenset[tuple[str, str]]
) -> set[str | None]:
    """What the function's policy says to the two actions that a call needs."""
    function = url.function
    policy = place_of(function, function.id._replace(qualifier=url.qualifier)).policy
    statements = policy.statements if policy else []
    needed = (
        (URL_ACTION, {"lambda:FunctionUrlAuthType": auth_type}),
        (INVOKE, {"lambda:InvokedViaFunctionUrl": "true"}),
    )
    return {
        judge(statements, Asking(principals, action, url.arn, context))
        for action, context in needed
    }


def _forbidden() -> AwsError:
    error = aws_error("url.forbidden")
    error.members = {"Message": error.message}
    return error


def _bare(name: str, **fields: str) -> AwsError:
    error = aws_error(name, **fields)
    error.members = {"message": error.message}
    return error
