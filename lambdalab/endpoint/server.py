"""One port: the Lambda service, moto for every other service, and the lab's own calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from lambdalab.access import signing
from lambdalab.endpoint import guards
from lambdalab.endpoint.control import PREFIX, ControlApi
from lambdalab.endpoint.operations import LambdaOperations
from lambdalab.endpoint.presigned import PresignedUrls
from lambdalab.endpoint.web import Web
from lambdalab.errors import AwsError
from lambdalab.functions import model, serialize
from lambdalab.functions.lookup import Caller
from lambdalab.functions.packages import PackageStore
from lambdalab.neighbours import application
from lambdalab.neighbours.buckets import s3_calls
from lambdalab.neighbours.identity import sts
from lambdalab.neighbours.messages import sns_signatures, sqs_calls
from lambdalab.wire import Request, Response

__all__ = ["CODE", "Endpoint"]

CODE = f"{PREFIX}code/"
# Where functions answer for custom resources of stacks.
CUSTOM = f"{PREFIX}custom-resource/"
# The request id of an answer to a request that was not let in.
_NO_REQUEST = "00000000-0000-0000-0000-000000000000"
# moto's calls block: a handler that waits for one must not keep another from coming in.
THREADS = 16


class Endpoint:
    """Where every request arrives.

    ``before`` is called with the name of a service before moto answers for it: what the lab holds
    back for a moment (log events, metrics) must be there when somebody asks. ``prepare`` is called
    after it in the thread in which moto runs, where it may take its time.
    """

    def __init__(
        self,
        *,
        account: str,
        region: str,
        secret: str | None,
        base_url: str,
        control: ControlApi,
        operations: LambdaOperations,
        packages: PackageStore,
        presigned: PresignedUrls,
        web: Web,
        before: Callable[[str], None],
        prepare: Callable[[str], None],
    ) -> None:
        self._account = account
        self._region = region
        self._secret = secret
        self._base_url = base_url
        self._control = control
        self._operations = operations
        self._packages = packages
        self._presigned = presigned
        self._web = web
        self._before = before
        self._prepare = prepare
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="moto")
        # Stacks call the lab themselves: they must not keep all threads from answering them.
        self._stack_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="stacks")
        self._accounts: dict[str, str] = {}

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer one request."""
        route = self._web.route(request)
        refused = guards.refusal(request, public=route is not None)
        if refused is not None:
            return refused
        if route is not None:
            return self._web.answer(request, route)
        if request.path.startswith(PREFIX):
            return self._own(request)
        return self._api(request)

    def _api(self, request: Request) -> Response | Awaitable[Response]:
        """Answer a request for the API of a service."""
        signed_for = signing.scope(request)
        if self._secret is not None:
            try:
                signing.check_signature(request, signed_for, self._secret_of)
            except AwsError as error:
                return serialize.refusal(error, _NO_REQUEST)
        if signed_for is None and model.match(request.method, request.path, request.query_string):
            return serialize.refusal(signing.missing_token(), _NO_REQUEST)
        certificate = sns_signatures.answer(request) if signed_for is None else None
        if certificate is not None:
            return certificate
        if signed_for is not None and signed_for.service == "lambda":
            caller = Caller(
                self._account_of(signed_for.access_key), signed_for.region or self._region
            )
            return self._operations.handle(request, caller)
        expired = self._presigned.refusal(request)
        if expired is not None:
            return expired
        service = signed_for.service if signed_for else ""
        if signed_for is not None and service in ("sqs", "s3"):
            account = self._account_of(signed_for.access_key)
            if service == "s3":
                plain = s3_calls.answer(request, account)
            else:
                plain = sqs_calls.answer(request, account, signed_for.region or self._region)
            if plain is not None:
                return plain
        self._before(service)
        return self._moto(request, service)

    def close(self) -> None:
        """Take no more calls for moto."""
        for threads in (self._threads, self._stack_threads):
            threads.shutdown(wait=False, cancel_futures=True)

    def _own(self, request: Request) -> Response | Awaitable[Response]:
        if request.path.startswith(CODE):
            return self._code(request.path[len(CODE) :])
        if request.path.startswith(CUSTOM):
            return _custom_resource(request)
        return self._control.handle(request)

    def _code(self, key: str) -> Response:
        package = self._packages.find(key)
        if package is None:
            return Response(404)
        return Response(200, package.archive.read_bytes(), (("Content-Type", "application/zip"),))

    async def _moto(self, request: Request, service: str) -> Response:
        loop = asyncio.get_running_loop()
        threads = self._stack_threads if service == "cloudformation" else self._threads
        return await loop.run_in_executor(threads, self._call_moto, request, service)

    def _call_moto(self, request: Request, service: str) -> Response:
        self._prepare(service)
        return application.call(request, self._base_url)

    def _secret_of(self, access_key: str) -> str | None:
        return sts.secret_of(access_key) or self._secret

    def _account_of(self, access_key: str) -> str:
        """The caller's account; a key never changes its account, so it is looked up once."""
        known = self._accounts.get(access_key)
        if known is None:
            known = sts.account_of(access_key, self._account)
            self._accounts[access_key] = known
        return known

    def forget_callers(self) -> None:
        """The cloud has been emptied: keys may belong to nobody now."""
        self._accounts.clear()
        self._presigned.clear()


def _custom_resource(request: Request) -> Response:
    """The answer of a function to CloudFormation; whoever knows the address may give it."""
    # Loaded by then: somebody has made a stack.
    from lambdalab.neighbours.stacks import custom

    taken = request.method == "PUT" and custom.answer(request.path[len(CUSTOM) :], request.body)
    return Response(200 if taken else 404)
