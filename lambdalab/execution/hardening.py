"""Landlock: the kernel keeps a process and all that it starts from files it has no business with.

For ``start(harden=True)``. Programs and libraries can be read and run, the function's code, its
layers and the runtime read; /tmp, and where there is no room the machine's temporary directory, can
be written; all else is out of reach, and so are abstract sockets of other processes. Like the
zygote, this module imports nothing of the lab.
Source: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION, PATH_BENEATH = 1, 1
PR_SET_NO_NEW_PRIVS = 38
EXECUTE, WRITE, READ, READ_DIR, TRUNCATE, IOCTL = 1, 2, 4, 8, 1 << 14, 1 << 15
# All rights of each version of Landlock, and from version 6 on the scope of abstract sockets.
RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
ABSTRACT_SOCKETS = 1
ONLY_READ = EXECUTE | READ | READ_DIR
OF_FILES = EXECUTE | WRITE | READ | TRUNCATE | IOCTL


def version() -> int:
    """Which version of Landlock this kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(int(ctypes.CDLL(None, use_errno=True).syscall(CREATE_RULESET, 0, 0, VERSION)), 0)


def confine(readable: list[str], writable: list[str]) -> None:
    """Let this process, for good, only read and run ``readable`` and do all with ``writable``.

    Raises OSError where the kernel has no Landlock.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    known = version()
    every = RIGHTS[max((number for number in RIGHTS if number <= known), default=1)]
    attributes = struct.pack("=QQQ", every, 0, ABSTRACT_SOCKETS if known >= 6 else 0)
    # Older kernels know only the first of the three.
    size = 8 if known < 4 else 16 if known < 6 else 24
    rules = _checked(libc.syscall(CREATE_RULESET, attributes, size, 0))
    for paths, rights in ((readable, ONLY_READ), (writable, every)):
        for path in paths:
            _allow(libc, rules, path, rights & every)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _checked(libc.syscall(RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not os.path.isdir(path):  # noqa: PTH112
        rights &= OF_FILES
    try:
        rule = struct.pack("=Qi", rights, place)
        _checked(libc.syscall(ADD_RULE, rules, PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
