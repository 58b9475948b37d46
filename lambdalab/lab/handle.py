"""``start()`` and the ``Lab``: one local cloud, and what a learner does with it."""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lambdalab.lab import guard
from lambdalab.lab.control import Control
from lambdalab.lab.errors import LabError, LabStoppedError
from lambdalab.lab.exports import Exports
from lambdalab.lab.magics import register_magics
from lambdalab.lab.process import CloudProcess
from lambdalab.lab.settings import Settings

if TYPE_CHECKING:
    import boto3

    from lambdalab.lab.clock_view import Clock
    from lambdalab.lab.packages import Source
    from lambdalab.lab.tail import Tail
    from lambdalab.lab.timeline_view import Timeline, TimelineReader
    from lambdalab.lab.web import BrowserUrl, LabHttp

__all__ = ["Lab", "start"]

_STOP_ANSWER_SECONDS = 2.0
_BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

_lock = threading.RLock()
_labs: list[Lab] = []


def start(
    *,
    export: bool = True,
    port: int = 0,
    speed: float = 1.0,
    region: str = "us-east-1",
    account: str = "123456789012",
    cpu: bool = True,
    seed: int = 0,
    secret: str | None = None,
    rates: bool = False,
    rooms: bool = True,
    harden: bool = False,
    concurrency: int = 1000,
    unreserved_floor: int | None = None,
    latency: str | None = None,
) -> Lab:
    """Start a local cloud and return the handle on it, which is a context manager too.

    With ``export`` the AWS_* variables of this process point at it until ``lab.stop()``, so plain
    ``boto3.client("lambda")`` reaches it; starting again stops the lab exported before. With
    ``export=False`` the environment is left alone and labs stand side by side: ``lab.client(...)``
    and ``lab.session`` reach that very lab.

    ``port``: on 127.0.0.1, 0 for a free one. ``speed``: platform seconds that pass in a real one
    while no handler runs. ``region``, ``account``: where the cloud says it is. ``cpu``: whether a
    function's share of a CPU follows its memory, as on AWS. ``seed``: makes ids and delays the same
    on each run. ``secret``: requests must be signed with it; None takes any signature. ``rates``:
    whether the API may be called only as often as AWS lets an account (15 requests a second, 100
    for GetFunction); invocations have limits of their own. ``rooms``: functions see AWS's paths and
    a /tmp of their own, where the machine can do that (``lambdalab doctor`` says so). ``harden``:
    the kernel's Landlock keeps functions from the machine's files too. ``concurrency``: concurrent
    executions of the account in a Region, so ``start(concurrency=5, unreserved_floor=1)`` shows
    throttling with five environments. ``unreserved_floor``: what of that nobody can reserve or
    provision; None for AWS's 100, or all of it where the account has less, as new accounts do.
    ``latency``: with "aws" a start takes as long as it does there, drawn from published ranges
    (``facts.quotas()``, start-latency) in platform time; None adds nothing.

    While a lab runs, a guard refuses each request of botocore that would leave this machine.
    Raises ArgumentError for values that cannot be, CloudStartError if the cloud does not get ready.
    """
    settings = Settings(
        port=port,
        region=region,
        account=account,
        speed=speed,
        cpu=cpu,
        seed=seed,
        secret=secret,
        rates=rates,
        rooms=rooms,
        harden=harden,
        concurrency=concurrency,
        unreserved_floor=unreserved_floor,
        latency=latency,
    )
    with _lock:
        if export:
            _stop_all(exported=True)
        lab = Lab(settings, export)
        _labs.append(lab)
    register_magics()
    return lab


class Lab:
    """One running cloud. ``start()`` makes it.

    ``endpoint_url``, ``region`` and ``account`` say where it is.
    """

    def __init__(self, settings: Settings, export: bool) -> None:
        self._owner = os.getpid()
        self._stopped = False
        self._settings = settings
        self._exports: Exports | None = None
        self._session: boto3.Session | None = None
        self._reader: TimelineReader | None = None
        self._http: LabHttp | None = None
        token = secrets.token_urlsafe(24)
        with contextlib.ExitStack() as undo:
            guard.install()
            undo.callback(guard.remove)
            self._process = CloudProcess({**settings.as_json(), "token": token})
            undo.callback(self._process.end)
            port = self._process.port
            self._control = Control(port, token, self._check, self._process.last_words)
            self.endpoint_url = f"http://127.0.0.1:{port}"
            if export:
                self._exports = Exports(self.endpoint_url, settings)
                undo.callback(self._exports.restore)
            self._undo = undo.pop_all()

    @property
    def region(self) -> str:
        """The Region that clients use unless they name another."""
        return self._settings.region

    @property
    def account(self) -> str:
        """The number of the AWS account that the cloud plays."""
        return self._settings.account

    @property
    def unreserved_floor(self) -> int | None:
        """What of the account's concurrency nobody can reserve; None for AWS's own rule."""
        return self._settings.unreserved_floor

    def stop(self) -> None:
        """End the cloud with all that runs in it and restore the environment variables.

        Doing it twice does no harm. In a forked child it does nothing: the lab is the parent's.
        """
        if self._owner != os.getpid():
            return
        with _lock:
            if self._stopped:
                return
            self._stopped = True
            if self in _labs:
                _labs.remove(self)
            with self._undo, contextlib.suppress(LabError):
                self._control.stop(_STOP_ANSWER_SECONDS)

    def reset(self) -> None:
        """Empty the cloud: no functions, no buckets, no records; the address stays."""
        self._control.reset()
        if self._reader is not None:
            self._reader.forget()
        if self._http is not None:
            self._http.cookies.clear()

    @property
    def session(self) -> boto3.Session:
        """A boto3 session that reaches this very lab, whatever environment and profiles say."""
        self._check()
        if self._session is None:
            from lambdalab.lab.session import make_session

            self._session = make_session(self.endpoint_url, self._settings)
        return self._session

    def client(self, service: str, **options: Any) -> Any:
        """Make a boto3 client of this very lab; ``options`` as ``boto3.client`` takes them."""
        make: Any = self.session.client
        return make(service, **options)

    def resource(self, service: str, **options: Any) -> Any:
        """Make a boto3 resource of this very lab; ``options`` as ``boto3.resource`` takes them."""
        make: Any = self.session.resource
        return make(service, **options)

    @property
    def http(self) -> LabHttp:
        """A requests session for the lab's web addresses, as they are at AWS.

        ``lab.http.get(url)``, where ``url`` is that of a function URL, an API or a load balancer,
        with https too. Names outside AWS and this machine raise RequestRefusedError.
        """
        self._check()
        if self._http is None:
            from lambdalab.lab.web import LabHttp

            self._http = LabHttp(self._process.port, self._check)
        return self._http

    def browser_url(self, aws_url: str) -> BrowserUrl:
        """Return the address on this machine that a browser opens in place of one at AWS.

        A notebook shows it as a link. ArgumentError for what is not the address of a function URL,
        an API or a load balancer.
        """
        from lambdalab.lab.web import browser_url

        return browser_url(self.endpoint_url, aws_url)

    def zip(self, *sources: Source) -> bytes:
        """Return the bytes of a deployment package, for ``Code={"ZipFile": ...}`` or a layer.

        A function becomes ``lambda_function.py`` with what it uses of the notebook (imports, other
        functions, constants): Handler is "lambda_function.<its name>". A dict gives files by name,
        ``{"app.py": "..."}``. Paths are files, or folders whose content is packed. Several go into
        one package. The same content gives the same bytes, so CodeSha256 stays.
        Raises PackageError for what cannot be packed.
        """
        from lambdalab.lab.packages import make_zip

        return make_zip(sources)

    def library(self, name: str, folder: str = "") -> dict[str, bytes]:
        """Return the files of a library that is installed beside the lab, for ``zip``.

        ``name`` is that of the distribution ("pillow"); in a layer a library stands in the folder
        "python". Its compiled parts fit this machine. Raises PackageError when it is not installed.
        """
        from lambdalab.lab.libraries import library

        return library(name, folder)

    def role(
        self,
        name: str = "lambda-role",
        policies: Sequence[str] = (_BASIC,),
        service: str = "lambda.amazonaws.com",
    ) -> str:
        """Return the ARN of an execution role, made if it is not there.

        ``service`` is who may take it: another than Lambda for a role with which that one calls.

        The long way::

        iam = boto3.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                           "Principal": {"Service": "lambda.amazonaws.com"}}]}))
        iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/...")
        role["Role"]["Arn"]
        """
        from lambdalab.lab.roles import make_role

        return make_role(self.client("iam"), name, policies, service)

    def send_event(self, service: str, function: str, event: Any = None) -> dict[str, Any]:
        """Call a function as a service that the lab does not have, such as ``"ses"``.

        ``service`` is a name in ``facts.services()``; it comes with the ARN and the account of its
        ``permission_example``, and with its example event where no other is given. The answer is
        Invoke's, its Payload read as JSON. ServiceRefusedError where Lambda does not let it.
        """
        from lambdalab.lab.sample_events import send_event

        self._check()
        named = function.startswith("arn:")
        place = f"arn:aws:lambda:{self.region}:{self.account}:function:"
        return send_event(self._control, service, function if named else place + function, event)

    def tail(self, name: str, lines: int = 20) -> Tail:
        """Return the newest log lines of a function, of all its environments.

        The long way::

        logs = boto3.client("logs")
        group = lam.get_function_configuration(FunctionName=name)["LoggingConfig"]["LogGroup"]
        streams = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime",
                                            descending=True)["logStreams"]
        logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])
        """
        from lambdalab.lab.tail import read_tail

        return read_tail(self.client("logs"), self.client("lambda"), name, lines)

    @property
    def timeline(self) -> Timeline:
        """What has happened until now: a sequence of records, a table, a picture."""
        if self._reader is None:
            from lambdalab.lab.timeline_view import TimelineReader

            self._reader = TimelineReader(self._control)
        return self._reader.read()

    @property
    def clock(self) -> Clock:
        """The platform's time: ``now()``, ``speed``, ``advance(minutes=6)``."""
        from lambdalab.lab.clock_view import Clock

        self._check()
        return Clock(self._control)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = ", stopped" if self._stopped else ""
        return f"<Lab {self.endpoint_url}, {self.region}, account {self.account}{state}>"

    def _repr_html_(self) -> str:
        from lambdalab.lab.tables import html_table

        facts = {
            "Endpoint": self.endpoint_url,
            "Region": self.region,
            "Account": self.account,
            "State": "stopped" if self._stopped else "running",
        }
        columns = {"What": list(facts), "Value": list(facts.values())}
        return html_table(columns, "Lambda Lab: a cloud on this machine")

    @property
    def exported(self) -> bool:
        """Whether the environment variables of this process point at this lab."""
        return self._exports is not None and not self._stopped

    def _check(self) -> None:
        if self._stopped:
            raise LabStoppedError("this lab was stopped: lab = start() makes a new one")


def _stop_all(exported: bool = False) -> None:
    """Stop the labs of this process, or the exported one only."""
    for lab in [lab for lab in _labs if lab.exported or not exported]:
        lab.stop()


atexit.register(_stop_all)
