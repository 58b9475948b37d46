"""Who may call a method of a REST API: the API's policy, signatures, user pools, functions.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html
and answers recorded on AWS in 2026 (https://github.com/radkawar/stackd).
"""

from __future__ import annotations

from typing import Any

from lambdalab.errors import AwsError
from lambdalab.neighbours.api_gateway.rest_apis import Authorizer, Deployed
from lambdalab.neighbours.callers import Signer
from lambdalab.sources.api_gateway import token_pools
from lambdalab.sources.api_gateway.events import signed
from lambdalab.sources.api_gateway.lambda_authorizers import Judges
from lambdalab.sources.api_gateway.refusals import RefusedError
from lambdalab.sources.api_gateway.resources import Found
from lambdalab.sources.gateway.call import SOURCE_IP, Call, Place
from lambdalab.sources.gateway.policies import BadPolicyError, judged
from lambdalab.sources.gateway.signers import signer

__all__ = ["Authorizing", "method_arn"]


def method_arn(call: Call, place: Place) -> str:
    """A request as policies name it: its stage, method and path."""
    return f"{place.arn}/{call.method}{call.path.rstrip('/') or '/'}"


class Authorizing:
    """Lets requests in and tells the context who they are from; RefusedError for others."""

    def __init__(self, judges: Judges) -> None:
        self._judges = judges

    async def admit(
        self, call: Call, place: Place, found: Found, deployed: Deployed, context: dict[str, Any]
    ) -> None:
        """Judge one request."""
        kind = found.method.authorization
        caller = _signer(call, place) if kind == "AWS_IAM" else None
        if caller is not None:
            signed(context, caller)
        elif kind in ("CUSTOM", "COGNITO_USER_POOLS"):
            authorizer = deployed.authorizers.get(found.method.authorizer or "")
            if authorizer is None:
                raise RefusedError("authorizer-configuration-error")
            context["authorizer"] = await self._asked(authorizer, call, place, found, context)
        _check_policy(deployed.policy, call, place, caller)

    async def _asked(
        self, authorizer: Authorizer, call: Call, place: Place, found: Found,
        context: dict[str, Any],
    ) -> dict[str, Any]:  # fmt: skip
        if authorizer.kind == "COGNITO_USER_POOLS":
            return await token_pools.claims(authorizer, call, found.method.scopes)
        return await self._judges.ask(authorizer, call, place, found, context)


def _signer(call: Call, place: Place) -> Signer:
    try:
        found = signer(call, place.account)
    except AwsError:
        raise RefusedError("invalid-signature") from None
    if found is None:
        raise RefusedError("missing-authentication-token")
    return found


def _check_policy(policy: Any, call: Call, place: Place, caller: Signer | None) -> None:
    """The resource policy of the API, where it has one, must let the caller in."""
    if not policy:
        return
    arn = method_arn(call, place)
    names = _names(caller)
    known = {"aws:SourceIp": SOURCE_IP, "aws:UserAgent": call.header("user-agent") or ""}
    try:
        verdict = judged(_expanded(policy, place), arn, known, names)
    except BadPolicyError:
        return
    same_account = caller is not None and caller.account == place.account
    if verdict == "Deny" or (verdict is None and not same_account):
        name = "policy-denied-explicitly" if verdict == "Deny" else "policy-denied"
        raise RefusedError(name, user=caller.arn if caller else "anonymous", arn=arn)


def _names(caller: Signer | None) -> frozenset[tuple[str, str]]:
    if caller is None:
        return frozenset()
    root = f"arn:aws:iam::{caller.account}:root"
    return frozenset({("AWS", caller.arn), ("AWS", root), ("AWS", caller.account)})


def _expanded(policy: Any, place: Place) -> Any:
    """``execute-api:/stage/method/path`` is short for the ARN of this API."""
    if not isinstance(policy, dict):
        return policy
    api = place.arn.rpartition("/")[0]
    statements = policy.get("Statement")
    listed = statements if isinstance(statements, list) else [statements]
    return policy | {"Statement": [_full(one, api) for one in listed]}


def _full(statement: Any, api: str) -> Any:
    if not isinstance(statement, dict):
        return statement
    changed = dict(statement)
    for member in ("Resource", "NotResource"):
        given = statement.get(member)
        if given is not None:
            every = given if isinstance(given, list) else [given]
            changed[member] = [str(one).replace("execute-api:/", f"{api}/", 1)
                               if str(one).startswith("execute-api:/") else one
                               for one in every]  # fmt: skip
    return changed
