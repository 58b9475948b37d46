"""The room of an execution environment on Linux: what its processes see of the machine.

A room is a mount and a PID namespace. In it the code is at /var/task, the layers are at /opt and
AWS's packages at /var/runtime, all read-only; /tmp is the environment's own and as large as it may
be; no process outside is seen, and of the machine's files only programs and libraries. An ordinary
user gets a user namespace for this, root does not need one.

The zygote enters a template once, in which everything is that all rooms have in common; a room is
then a copy with a few mounts of its own, which takes about a millisecond. Like the zygote, this
module imports nothing of the lab.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from typing import Any

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER = 0x20000, 0x20000000, 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE, MS_UNBINDABLE = 0x1000, 0x4000, 0x40000, 0x20000
MNT_DETACH = 2
MOUNT_SETATTR, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, 0x8000, 1
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
LINUX_CAPABILITY_VERSION_3 = 0x20080522

# AWS's user inside an environment (sbx_user1051), and its name.
USER, USER_NAME = 993, "sbx_user1051"
# Where root puts the processes of environments, one number each: nobody's by common convention.
FIRST_USER, USERS = 60_578, 606

TASK, OPT, TMP, RUNTIME = "/var/task", "/opt", "/tmp", "/var/runtime"  # noqa: S108
# Where AWS has Python itself: leads to where it is here.
LANG = "/var/lang"
# The lab's own scripts, for interpreters that start anew.
SCRIPTS = "/run/lambdalab"
# The whole machine, as the zygote sees it; environments find it empty.
HOST = "/.host"


def _users(rest: str) -> str:
    """A line for every user that processes of environments can be."""
    users = [USER, *(FIRST_USER + number for number in range(USERS))]
    return "".join(f"{USER_NAME}:x:{user}{rest.format(user, USER_NAME)}\n" for user in users)


SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_DEVICES = ("null", "zero", "full", "random", "urandom")
CONFIGURATION = (
    "alternatives", "ca-certificates", "crypto-policies", "ld.so.cache", "ld.so.conf",
    "ld.so.conf.d", "localtime", "mime.types", "pki", "ssl",
)  # fmt: skip
_FILES = {
    "passwd": "root:x:0:0:root:/root:/sbin/nologin\n" + _users(":{0}::/home/{1}:/sbin/nologin"),
    "group": "root:x:0:\n" + _users(":"),
    "hosts": "127.0.0.1 localhost sandbox.localdomain sandbox\n::1 localhost\n",
    # Names are looked up in this file alone: no question leaves the machine.
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
}


class _Kernel:
    """The calls that Python does not offer; an OSError with what was tried where one fails."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def unshare(self, flags: int) -> None:
        self._checked(self._libc.unshare(flags), "unshare")

    def mount(
        self, source: str, target: str, kind: str = "", flags: int = 0, options: str = ""
    ) -> None:
        result = self._libc.mount(
            source.encode(),
            target.encode(),
            kind.encode() or None,
            ctypes.c_ulong(flags),
            options.encode() or None,
        )
        self._checked(result, f"mount {target}")

    def pivot(self, root: str, old: str) -> None:
        """Make ``root`` the root; nothing of the old one can be reached any more."""
        self._checked(self._libc.pivot_root(root.encode(), f"{root}{old}".encode()), "pivot_root")
        os.chdir("/")
        self._checked(self._libc.umount2(old.encode(), MNT_DETACH), "umount")
        os.rmdir(old)  # noqa: PTH106

    def make_read_only(self, path: str) -> None:
        """Every mount under a path; needs Linux 5.12."""
        attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY, 0, 0, 0)
        result = self._libc.syscall(
            MOUNT_SETATTR, -100, path.encode(), AT_RECURSIVE, attributes, ctypes.sizeof(attributes)
        )
        self._checked(result, "mount_setattr")

    def prctl(self, option: int, value: int = 0) -> int:
        return int(self._libc.prctl(option, value, 0, 0, 0))

    def drop_capabilities(self) -> None:
        """Nothing is left of what a namespace or root gave, and no program can bring it back."""
        header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
        nothing = (ctypes.c_uint32 * 6)()
        self._checked(self._libc.capset(header, nothing), "capset")
        self.prctl(PR_SET_NO_NEW_PRIVS, 1)

    def _checked(self, result: int, what: str) -> None:
        if result != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"{what}: {os.strerror(number)}")


def enter_template(scratch: str, visible: list[str], scripts: dict[str, str]) -> None:
    """Make the calling process see what all rooms have in common.

    ``scratch`` is the lab's directory, with AWS's packages as links in ``runtime``; ``visible``
    are directories that stay where they are, ``scripts`` files by the name they get.
    """
    kernel = _Kernel()
    _unshare(kernel, CLONE_NEWNS)
    root = os.path.join(scratch, "room")  # noqa: PTH118
    os.makedirs(root, exist_ok=True)  # noqa: PTH103
    kernel.mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=4m")
    kernel.mount("none", root, "", MS_UNBINDABLE)
    for path in _outermost([*SYSTEM, *visible]):
        _show(kernel, path, root)
    _furnish(kernel, root)
    packages = os.path.join(scratch, "runtime")  # noqa: PTH118
    for name in os.listdir(packages):  # noqa: PTH208
        _bind(kernel, os.path.realpath(f"{packages}/{name}"), f"{root}{RUNTIME}/{name}")
    for name, path in scripts.items():
        _bind(kernel, path, f"{root}{SCRIPTS}/{name}")
    _bind(kernel, "/", f"{root}{HOST}")
    os.mkdir(f"{root}/.old")  # noqa: PTH102
    kernel.pivot(root, "/.old")


def make_places(paths: list[str]) -> None:
    """Make the places for directories that only some rooms show; called in the template."""
    for path in paths:
        os.makedirs(path, exist_ok=True)  # noqa: PTH103


def enter(room: dict[str, Any]) -> None:
    """Make the calling process, seen from which others are made, the first of a new room.

    Called in the template; afterwards the process is number 1 of its PID namespace. ``room`` has
    ``task`` and ``opt`` (directories of the machine, or nothing), ``reads`` (more of them, that
    stay where they are), ``storage``, the size of /tmp in MB, and ``user``, whose /tmp it is.
    """
    kernel = _Kernel()
    _unshare(kernel, CLONE_NEWNS | CLONE_NEWPID)
    if os.fork():
        os._exit(0)  # The zygote adopts who has no parent.
    shown = [(path, path) for path in room["reads"]]
    for source, target in ((room["task"], TASK), (room["opt"], OPT), *shown):
        if source:
            kernel.mount(HOST + source, target, "", MS_BIND)
    kernel.make_read_only("/")
    kernel.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    owner = f"mode=700,size={room['storage']}m,uid={room['user']},gid={room['user']}"
    kernel.mount("tmpfs", TMP, "tmpfs", MS_NOSUID | MS_NODEV, owner)
    for path in room["reads"]:
        if path.startswith(f"{TMP}/"):  # it was hidden just now
            os.makedirs(path)  # noqa: PTH103
            kernel.mount(HOST + path, path, "", MS_BIND)
            kernel.make_read_only(path)
    kernel.mount("tmpfs", HOST, "tmpfs", MS_RDONLY, "mode=000,size=4k")
    # Nothing in the room may look into the process that holds it.
    kernel.prctl(PR_SET_DUMPABLE, 0)


def user_of(number: int) -> int:
    """Whose processes those of an environment are; ``number`` counts the environments."""
    return FIRST_USER + number % USERS if os.geteuid() == 0 else USER


def give_up_rights(user: int) -> None:
    """Become the environment's user, for good; whoever is not root is it already."""
    kernel = _Kernel()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    kernel.drop_capabilities()
    # Else its own /proc/self belongs to root.
    kernel.prctl(PR_SET_DUMPABLE, 1)


def _unshare(kernel: _Kernel, flags: int) -> None:
    """Get namespaces: root has the right to, all others get it from a user namespace."""
    if os.geteuid() == 0:
        kernel.unshare(flags)
    else:
        user, group = os.geteuid(), os.getegid()
        kernel.unshare(CLONE_NEWUSER | flags)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{USER} {user} 1")
        _write("/proc/self/gid_map", f"{USER} {group} 1")
    kernel.mount("none", "/", "", MS_REC | MS_PRIVATE)


def _outermost(paths: list[str]) -> list[str]:
    """Those that exist and do not lie in another one."""
    found = sorted({path for path in paths if os.path.lexists(path)})
    return [
        path
        for path in found
        if not any(path.startswith(f"{other}/") and not os.path.islink(other) for other in found)  # noqa: PTH114
    ]


def _show(kernel: _Kernel, path: str, root: str) -> None:
    if os.path.islink(path):  # noqa: PTH114
        os.makedirs(os.path.dirname(root + path), exist_ok=True)  # noqa: PTH103, PTH120
        os.symlink(os.readlink(path), root + path)  # noqa: PTH115, PTH211
    else:
        _bind(kernel, path, root + path)


def _furnish(kernel: _Kernel, root: str) -> None:
    """What every room has besides programs: a few devices, a little configuration, empty places."""
    for path in (TASK, OPT, TMP, RUNTIME, SCRIPTS, "/etc", "/dev"):
        os.makedirs(root + path)  # noqa: PTH103
    os.symlink(sys.base_prefix, root + LANG)  # noqa: PTH211
    for name in _DEVICES:
        _bind(kernel, f"/dev/{name}", f"{root}/dev/{name}")
    for name, number in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{number}", f"{root}/dev/{name}")  # noqa: PTH211
    for name in CONFIGURATION:
        if os.path.exists(f"/etc/{name}"):  # noqa: PTH110
            _bind(kernel, os.path.realpath(f"/etc/{name}"), f"{root}/etc/{name}")
    for name, text in _FILES.items():
        _write(f"{root}/etc/{name}", text)
    # As it is: where nothing hides parts of it, rooms may have one of their own.
    _bind(kernel, "/proc", f"{root}/proc")


def _bind(kernel: _Kernel, source: str, target: str) -> None:
    if os.path.isdir(source):  # noqa: PTH112
        os.makedirs(target, exist_ok=True)  # noqa: PTH103
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        _write(target, "")
    kernel.mount(source, target, "", MS_BIND | MS_REC)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def can_be_made(scratch: str, visible: list[str], scripts: dict[str, str]) -> str:
    """Try it in a process of its own: nothing when all is well, else why there are no rooms."""
    if sys.platform != "linux":
        return f"{platform.system()} has no namespaces"
    ours, theirs = os.pipe()
    if os.fork() == 0:
        _try(theirs, scratch, visible, scripts)
    os.close(theirs)
    with os.fdopen(ours, "rb") as told:
        return told.read().decode().removesuffix("ok") or ""


def _try(told: int, scratch: str, visible: list[str], scripts: dict[str, str]) -> None:
    reason = "ok"
    try:
        enter_template(scratch, visible, scripts)
        user = user_of(0)
        enter({"task": "", "opt": "", "reads": [], "storage": 1, "user": user})
        give_up_rights(user)
        for path in (*visible, RUNTIME, *(f"{RUNTIME}/{name}" for name in os.listdir(RUNTIME))):  # noqa: PTH208
            os.listdir(path) if os.path.isdir(path) else os.stat(path)  # noqa: PTH112, PTH116, PTH208
    except OSError as error:
        reason = error.strerror or str(error)
    finally:
        os.write(told, reason.encode())
        os._exit(0)
