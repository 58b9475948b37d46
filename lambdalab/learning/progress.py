"""Which tasks a learner has finished, kept in one file of the learner's own.

The folder (:func:`home`) holds three files:

=================  =========================================================================
``progress.json``  ``{lab: {task: {"done": ISO time, "seal": HMAC}}}``, replaced in one step
``progress.key``   32 random bytes that make the seals, readable by its owner only
``progress.lock``  held while one of the other two is written, so that notebooks take turns
=================  =========================================================================

A seal shows that an entry was earned by a check on this machine. An entry that was edited, or
copied from somebody else, no longer fits its seal: it counts as not valid until it is earned again.
"""

import hashlib
import hmac
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["DONE", "NOT_VALID", "Progress", "home"]

DONE = "done"
NOT_VALID = "not valid"
_KEY_BYTES = 32
_DATA_FOLDERS = {
    "darwin": ("", "~/Library/Application Support"),
    "win32": ("LOCALAPPDATA", "~/AppData/Local"),
}
_XDG = ("XDG_DATA_HOME", "~/.local/share")


def home() -> Path:
    """Return the learner's folder: ``LAMBDALAB_HOME``, or one in the platform's data folder."""
    if chosen := os.environ.get("LAMBDALAB_HOME"):
        return Path(chosen).expanduser()
    variable, usual = _DATA_FOLDERS.get(sys.platform, _XDG)
    return Path(os.environ.get(variable) or usual).expanduser() / "lambdalab"


class Progress:
    """The learner's record. Every method may raise OSError (a full or read-only disk), no other.

    folder: where the files are; by default :func:`home`, read once, when the object is made.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or home()

    def states(self, lab: str) -> dict[str, str]:
        """Return the tasks of a lab that have an entry, each ``DONE`` or ``NOT_VALID``."""
        entries = self._load().get(lab, {})
        key = self._key()
        return {task: _state(key, lab, task, entry) for task, entry in entries.items()}

    def record(self, lab: str, task: str) -> None:
        """Enter a task as done, now; a valid entry stays as it is, with its first time."""
        with self._alone():
            entries, key = self._load(alone=True), self._key() or self._new_key()
            mine = entries.setdefault(lab, {})
            if _state(key, lab, task, mine.get(task)) == NOT_VALID:
                entry = {"done": datetime.now(UTC).isoformat(timespec="seconds")}
                mine[task] = entry | {"seal": _seal(key, lab, task, entry)}
                self._replace("progress.json", json.dumps(entries, indent=1).encode())

    def _load(self, *, alone: bool = False) -> dict[str, dict[str, Any]]:
        """Read all entries. What cannot be read is set aside under another name, not lost."""
        try:
            entries, whole = _sound((self.folder / "progress.json").read_bytes())
        except FileNotFoundError:
            return {}
        if whole:
            return entries
        if alone:
            self._set_aside("progress.json")
            self._replace("progress.json", json.dumps(entries, indent=1).encode())
            return entries
        with self._alone():  # look again: another notebook may have mended it by now
            return self._load(alone=True)

    def _key(self) -> bytes | None:
        """Read the key of the seals; None when there is none, or none that could be one."""
        path = self.folder / "progress.key"
        with suppress(FileNotFoundError):
            key = path.read_bytes()
            if os.name == "posix" and path.stat().st_mode & 0o077:
                path.chmod(0o600)
            return key if len(key) == _KEY_BYTES else None
        return None

    def _new_key(self) -> bytes:
        if (self.folder / "progress.key").exists():
            self._set_aside("progress.key")
        key = secrets.token_bytes(_KEY_BYTES)
        self._replace("progress.key", key)
        return key

    def _set_aside(self, name: str) -> None:
        path = self.folder / name
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        path.replace(path.with_name(f"{path.stem}.set-aside-{stamp}{path.suffix}"))

    def _replace(self, name: str, content: bytes) -> None:
        """Write beside, then move over: a crash leaves the old file or the new one, never half."""
        beside = self.folder / f"{name}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.folder / name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Take turns with every other notebook; the system frees the lock when a holder dies."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "progress.lock").open("a+b") as file:
            _lock(file.fileno())
            yield


def _sound(content: bytes) -> tuple[dict[str, dict[str, Any]], bool]:
    """Return the labs that can be read, and whether that was all there is."""
    try:
        loaded = json.loads(content)
    except (ValueError, RecursionError):
        return {}, False
    if not isinstance(loaded, dict):
        return {}, False
    entries = {lab: tasks for lab, tasks in loaded.items() if isinstance(tasks, dict)}
    return entries, entries == loaded


def _state(key: bytes | None, lab: str, task: str, entry: Any) -> str:
    if key is None or not isinstance(entry, dict):
        return NOT_VALID
    earned = {name: value for name, value in entry.items() if name != "seal"}
    given = str(entry.get("seal")).encode(errors="replace")
    fits = hmac.compare_digest(given, _seal(key, lab, task, earned).encode())
    return DONE if fits else NOT_VALID


def _seal(key: bytes, lab: str, task: str, entry: dict[str, Any]) -> str:
    text = json.dumps([lab, task, entry], sort_keys=True)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
