"""Compile the simulator ahead: ``python -m lambdalab.simulator``; ``make lab`` does it too.

Whoever does not do it waits some seconds at the first simulation of each kind on a machine.
"""

from __future__ import annotations

import sys
import time

from lambdalab.simulator import ASYNCHRONOUS, Poisson, Queue, Stream, simulate

__all__ = ["main"]


def main() -> int:
    """Run one workload for each function that is compiled; 1 where that cannot be done."""
    began = time.monotonic()
    try:
        for workload in (
            Poisson(1, seconds=1),
            Poisson(1, seconds=1, retry=ASYNCHRONOUS),
            Queue(1),
            Stream(1),
        ):
            simulate(workload)
    except Exception as error:  # whatever a compiler on some machine may raise: all else works
        sys.stderr.write(f"The simulator cannot be compiled here: {error}\n")
        return 1
    sys.stdout.write(f"The simulator is compiled ({time.monotonic() - began:.1f} s).\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
