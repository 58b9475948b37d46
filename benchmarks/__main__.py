"""Run the benchmarks: `python -m benchmarks [NAME ...] [--write]`.

The exit status is 0 when all bounds held, 1 when one did not or could not be measured, and 2
when the command line was wrong.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks import (
    asynchronous,
    buckets,
    cold,
    environments,
    machine,
    memory,
    queues,
    simulator,
    startup,
    throughput,
    urls,
    warm,
    widgets,
)
from benchmarks.report import Result, Table, UnmeasuredError

SUITE: Mapping[str, Callable[[], Result]] = {
    "warm": warm.run,
    "throughput": throughput.run,
    "cold": cold.run,
    "startup": startup.run,
    "memory": memory.run,
    "environments": environments.run,
    "queues": queues.run,
    "asynchronous": asynchronous.run,
    "buckets": buckets.run,
    "urls": urls.run,
    "simulator": simulator.run,
    "widgets": widgets.run,
}
PAGE = Path(__file__).with_name("results.md")


def main(
    arguments: Sequence[str] | None = None,
    suite: Mapping[str, Callable[[], Result]] = SUITE,
    page: Path = PAGE,
) -> int:
    """Run the benchmarks named, or all; give the exit status."""
    options = read(arguments, suite)
    described = machine.description()
    results = [measured(name, suite[name]) for name in options.names or suite]
    found = [result for result in results if result]
    if options.write and len(found) == len(results):
        page.write_text(page_text(described, found), encoding="utf-8")
    return 0 if len(found) == len(results) and all(result.held for result in found) else 1


def read(arguments: Sequence[str] | None, suite: Mapping[str, object]) -> argparse.Namespace:
    """Read the command line; a wrong one ends the program with status 2 and a line of why."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(suite)}")
    parser.add_argument("--write", action="store_true", help=f"renew benchmarks/{PAGE.name}")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in suite]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}: there are {', '.join(suite)}")
    if options.write and options.names:
        parser.error("--write renews the whole page: name no benchmarks with it")
    return options


def measured(name: str, run: Callable[[], Result]) -> Result | None:
    """Run one benchmark and print it; None where it could not be measured."""
    busy = machine.busy()
    try:
        result = replace(run(), busy=busy)
    except (UnmeasuredError, BotoCoreError, ClientError, ImportError, OSError) as reason:
        print(f"{name} could not be measured: {reason}", file=sys.stderr)
        return None
    print(f"{result.text}\n", flush=True)
    return result


def page_text(described: Mapping[str, str], results: Sequence[Result]) -> str:
    """Set out the results page."""
    rows = (("date", f"{datetime.now(UTC):%Y-%m-%d}"), *described.items())
    title = "# Benchmark results\n\nWritten by `python -m benchmarks --write`."
    parts = [title, Table(("machine", ""), tuple(rows)).text, *(each.page for each in results)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
