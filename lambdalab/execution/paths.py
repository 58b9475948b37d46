"""Where things lie here, and where they lie on AWS."""

from __future__ import annotations

import sysconfig
from pathlib import Path

__all__ = ["Paths"]


class Paths:
    """Turns this machine's paths in a function's output into those of AWS."""

    def __init__(
        self,
        task_root: Path,
        runtime_packages: Path,
        runtime: str,
        opt: Path | None = None,
        shown: tuple[tuple[str, str], ...] = (),
    ) -> None:
        library = f"/var/lang/lib/{runtime}"
        pairs = [
            *((here.encode(), there.encode()) for here, there in shown),
            *([(str(opt).encode(), b"/opt")] if opt else []),
            (str(task_root).encode(), b"/var/task"),
            (str(runtime_packages).encode(), b"/var/runtime"),
            (sysconfig.get_path("stdlib").encode(), library.encode()),
        ]
        self._pairs = [(here, there) for here, there in pairs if here != there]

    def on_aws(self, text: bytes) -> bytes:
        """The text with the paths of AWS."""
        for here, there in self._pairs:
            if here in text:
                text = text.replace(here, there)
        return text
