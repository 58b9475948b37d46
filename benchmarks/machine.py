"""The machine and the versions that the figures belong to, read from the system."""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path


def description() -> dict[str, str]:
    """Describe the processor, its cores, the memory, the system and the versions in use."""
    one, five, fifteen = os.getloadavg()
    return {
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in ("boto3", "awslambdaric")),
        "load before": f"{one:.2f} {five:.2f} {fifteen:.2f} (1, 5, 15 minutes)",
    }


def processor() -> str:
    """Give the processor's own name where Linux tells it, or what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def busy(seconds: float = 0.5) -> float | None:
    """Give the share of all cores that was busy while this process slept; None off Linux."""
    try:
        before = processor_times()
        time.sleep(seconds)
        return busy_share(before, processor_times())
    except OSError:
        return None


def processor_times() -> list[int]:
    """Read the time that the cores have spent on each kind of work since the machine started."""
    first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    return [int(word) for word in first.split()[1:]]


def busy_share(before: list[int], after: list[int]) -> float:
    """Give the share of the time between two readings that was not idle.

    The fourth and fifth figures are idle time; guests (the last two) are counted in the first two.
    """
    spent = [b - a for a, b in zip(before, after, strict=True)][:8]
    return 1 - sum(spent[3:5]) / max(sum(spent), 1)
