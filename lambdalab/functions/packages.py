"""Deployment packages: checked, unpacked, and kept for as long as somebody runs them."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import tempfile
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error

__all__ = ["Package", "PackageStore"]


@dataclass(frozen=True)
class Package:
    """An unpacked deployment package; ``sha256`` is base64 as in CodeSha256, sizes are in bytes."""

    root: Path
    archive: Path
    size: int
    sha256: str
    key: str


class PackageStore:
    """The deployment packages of one cloud, in one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._packages: dict[str, Package] = {}

    def add(self, archive: bytes) -> Package:
        """Check and unpack a zip archive; raises AWS's errors and then leaves nothing behind."""
        if len(archive) > facts.quota("package.zip-upload").bytes:
            raise aws_error("package.zip-too-large")
        return self.unpack(archive)

    def unpack(self, archive: bytes) -> Package:
        """As ``add``, for an archive from S3, whose zipped size has no limit of its own."""
        self._directory.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix="package-", dir=self._directory))
        try:
            _extract(archive, place / "task")
            (place / "package.zip").write_bytes(archive)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        digest = base64.b64encode(hashlib.sha256(archive).digest()).decode("ascii")
        key = uuid.uuid4().hex
        package = Package(place / "task", place / "package.zip", len(archive), digest, key)
        self._packages[key] = package
        return package

    def find(self, key: str) -> Package | None:
        """The package behind a download address, or None."""
        return self._packages.get(key)

    def remove(self, package: Package) -> None:
        """Delete a package from disk; harmless when it is gone."""
        self._packages.pop(package.key, None)
        shutil.rmtree(package.root.parent, ignore_errors=True)

    def clear(self) -> None:
        """Delete all packages."""
        for package in list(self._packages.values()):
            self.remove(package)


def _extract(archive: bytes, root: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            _check(opened)
            root.mkdir()
            for member in opened.infolist():
                _extract_member(opened, member, root)
    except AwsError:
        raise
    except Exception as error:  # zipfile and its decoders stumble over bad archives in many ways
        raise aws_error("package.not-a-zip") from error


def _check(opened: zipfile.ZipFile) -> None:
    """Refuse by the directory of the archive alone, before a byte is unpacked."""
    members = opened.infolist()
    largest = facts.quota("package.unzipped").bytes
    # zipfile never reads more of a member than its directory says, so the sum is a bound.
    if sum(member.file_size for member in members) > largest:
        raise aws_error("package.unzipped-too-large")
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\0" in member.filename:
            raise aws_error("package.not-a-zip")


def _extract_member(opened: zipfile.ZipFile, member: zipfile.ZipInfo, root: Path) -> None:
    target = Path(opened.extract(member, root))
    mode = member.external_attr >> 16 & 0o777
    # Archives made without Unix modes say 0: readable, as the Lambda console makes them.
    target.chmod((mode or 0o644) | (0o700 if target.is_dir() else 0o400))
