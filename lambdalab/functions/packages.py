"""Deployment packages and layers: unpacked, and kept for as long as somebody runs them.

Unpacking, merging and deleting 250 MB take seconds: they go through one thread, in the order in
which they were asked for, while the cloud goes on answering.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error
from lambdalab.functions import archives, merging

__all__ = ["Merged", "Package", "PackageStore"]

T = TypeVar("T")


@dataclass(frozen=True)
class Package:
    """An unpacked archive; ``sha256`` is base64 as in CodeSha256.

    ``size`` is that of the archive, ``unpacked`` that of its content, both in bytes.
    """

    root: Path
    archive: Path
    size: int
    sha256: str
    key: str
    unpacked: int


@dataclass(frozen=True)
class Merged:
    """What lies under /opt: the content of layers in one directory; ``unpacked`` is in bytes."""

    root: Path
    unpacked: int


class PackageStore:
    """The deployment packages of one cloud, in one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._packages: dict[str, Package] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="packages")
        self._emptied = threading.Event()

    async def add(self, archive: bytes) -> Package:
        """Check and unpack a zip archive; raises AWS's errors and then leaves nothing behind."""
        if len(archive) > facts.quota("package.zip-upload").bytes:
            raise aws_error("package.zip-too-large")
        return await self.unpack(archive)

    async def unpack(self, archive: bytes) -> Package:
        """As ``add``, for an archive from S3, whose zipped size has no limit of its own."""
        stopped = self._emptied.is_set

        def work(place: Path) -> Package:
            unpacked = archives.unpack(archive, place / "task", stopped)
            (place / "package.zip").write_bytes(archive)
            digest = base64.b64encode(hashlib.sha256(archive).digest()).decode("ascii")
            key = uuid.uuid4().hex
            names = place / "task", place / "package.zip"
            return Package(*names, len(archive), digest, key, unpacked)

        package = await self._made("package-", work)
        self._packages[package.key] = package
        return package

    async def merge(self, layers: Sequence[Package]) -> Merged:
        """The content of layers in one directory; of what several have, the last one's counts."""

        def work(place: Path) -> Merged:
            merging.merge([layer.root for layer in layers], place / "opt")
            return Merged(place / "opt", sum(layer.unpacked for layer in layers))

        return await self._made("layers-", work)

    def find(self, key: str) -> Package | None:
        """The package behind a download address, or None."""
        return self._packages.get(key)

    def remove(self, gone: Package | Merged | None) -> None:
        """Delete a package or merged layers from disk, soon; harmless when they are gone."""
        if gone is None:
            return
        if isinstance(gone, Package):
            self._packages.pop(gone.key, None)
        self._delete(gone.root.parent)

    def clear(self) -> None:
        """Delete everything, also what is being unpacked."""
        self._emptied.set()
        self._emptied = threading.Event()
        self._packages.clear()
        for place in list(self._directory.glob("*")):
            self._delete(place)

    def close(self) -> None:
        """Take nothing more, and wait until what is being done is over."""
        self._emptied.set()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _delete(self, place: Path) -> None:
        # After the end of the cloud there is nobody to do it, and nothing to be deleted any more.
        with contextlib.suppress(RuntimeError):
            self._thread.submit(shutil.rmtree, place, ignore_errors=True)

    async def _made(self, prefix: str, work: Callable[[Path], T]) -> T:
        """What ``work`` makes in a directory of its own, in the thread."""
        emptied = self._emptied
        self._directory.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=prefix, dir=self._directory))
        loop = asyncio.get_running_loop()
        try:
            made = await loop.run_in_executor(self._thread, _or_nothing, work, place)
        except InterruptedError:
            raise _interrupted() from None
        if emptied.is_set():
            # The cloud was emptied while the result was on its way here; its directory is gone.
            raise _interrupted()
        return made


def _or_nothing(work: Callable[[Path], T], place: Path) -> T:
    try:
        return work(place)
    except BaseException as error:
        shutil.rmtree(place, ignore_errors=True)
        if isinstance(error, OSError) and not isinstance(error, InterruptedError):
            raise AwsError("ServiceException", f"The lab has no room: {error}", 500) from error
        raise


def _interrupted() -> AwsError:
    return AwsError("ServiceException", "The cloud was emptied meanwhile.", 500)
