"""The ``lambdalab`` command: a cloud in the foreground, and what this machine can do."""

from __future__ import annotations

import argparse
import os
import shlex
import socket
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, TextIO

from lambdalab.lab.errors import ArgumentError, LabError
from lambdalab.lab.exports import aws_variables
from lambdalab.lab.settings import Settings

__all__ = ["main"]

USAGE_ERROR = 2
INTERRUPTED = 130

_SERVE_HELP = """\
Runs a cloud in the foreground until it is interrupted. Once it is ready it prints the variables
that point AWS clients at it, one export a line:

    eval "$(lambdalab serve --port 4566 &)"
    aws lambda list-functions

The aws command, SAM, CDK, Terraform and every AWS SDK read these variables.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_ERROR, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (default: the process's own); gives the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is None:
        parser.print_help()
        return USAGE_ERROR
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (LabError, OSError) as error:
        print(f"lambdalab {options.command}: {error}", file=sys.stderr)
        return USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lambdalab", description="A local AWS Lambda to learn with.")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    _add_serve(commands.add_parser(
        "serve", help="run a cloud for the aws command, SAM, CDK, Terraform, any SDK",
        description=_SERVE_HELP, formatter_class=argparse.RawDescriptionHelpFormatter,
    ))  # fmt: skip
    text = "tell what works on this machine, what does not, and how to get it"
    doctor = commands.add_parser("doctor", help=text, description=f"{text.capitalize()}.")
    doctor.add_argument("--json", action="store_true", help="as JSON, for programs")
    doctor.set_defaults(run=_doctor)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    for name, kind, text in (
        ("port", int, "TCP port on 127.0.0.1, 0 for any free one"),
        ("speed", float, "platform seconds that pass in a real one while no handler runs"),
        ("region", str, "the AWS Region the cloud plays"),
        ("account", str, "the number of the AWS account it plays, 12 digits"),
        ("seed", int, "makes ids and delays the same on each run"),
        ("concurrency", int, "concurrent executions that the account has in a Region"),
        (
            "unreserved_floor",
            int,
            "what of that nobody can reserve or provision (default 100, or all if less)",
        ),
        ("latency", str, '"aws" for starts that take as long as they do there'),
        ("secret", str, "requests must be signed with it; without it any signature will do"),
    ):
        default = getattr(Settings, name)
        help_text = text if default is None else f"{text} (default {default})"
        option = name.replace("_", "-")
        parser.add_argument(f"--{option}", type=kind, default=default, help=help_text)
    parser.add_argument(
        "--no-cpu", dest="cpu", action="store_false",
        help="give each function a whole CPU instead of the share its memory earns",
    )  # fmt: skip
    parser.add_argument(
        "--rates", action="store_true",
        help="let the API be called only as often as AWS lets an account: 15 requests a second",
    )  # fmt: skip
    parser.add_argument(
        "--no-rooms", dest="rooms", action="store_false",
        help="let functions see this machine's paths, as where there are no namespaces",
    )  # fmt: skip
    parser.add_argument(
        "--harden", action="store_true", help="keep functions from this machine's files by Landlock"
    )
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    names = Settings.__dataclass_fields__
    settings = Settings(**{name: getattr(options, name) for name in names})
    _check_port(settings.port)
    from lambdalab.cloud import process  # only now: it takes long to import

    process.serve(settings.as_json(), _announcer(settings, _own_stdout()))
    return 0


def _announcer(settings: Settings, stdout: TextIO) -> Callable[[int], None]:
    def on_ready(port: int) -> None:
        for name, value in aws_variables(f"http://127.0.0.1:{port}", settings).items():
            print(f"export {name}={shlex.quote(value)}", file=stdout)
        stdout.close()  # whoever reads, such as eval "$(...)", need not wait for the end
        print("ready", file=sys.stderr, flush=True)

    return on_ready


def _own_stdout() -> TextIO:
    """Keep the standard output for the exports: whatever else is written there goes to stderr."""
    sys.stdout.flush()
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return kept


def _check_port(port: int) -> None:
    """ArgumentError if nothing can listen on ``port`` of 127.0.0.1."""
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            raise ArgumentError(f"port {port} cannot be used: {error.strerror}") from None


def _doctor(options: argparse.Namespace) -> int:
    from lambdalab import doctor

    findings = doctor.examine()
    print(doctor.as_json(findings) if options.json else doctor.as_text(findings))
    return doctor.exit_status(findings)


def _version(_: argparse.Namespace) -> int:
    import lambdalab

    print(f"lambdalab {lambdalab.__version__}")
    return 0
