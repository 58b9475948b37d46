"""Whose a connection on loopback is: the Runtime API of an environment is for its processes only.

All environments share the machine's loopback. The kernel tells which socket is at the other end of
a connection (sock_diag), and /proc which process has it. Linux only.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys

__all__ = ["Address", "is_of"]

Address = tuple[str, int]

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, NLMSG_ERROR = 4, 20, 1, 2
ALL_STATES = NO_COOKIE = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI")
_SOCKET = struct.Struct("!HH4s12x4s12x")
_IDENTITY = struct.Struct("=III")
# Of the answer: after its header and 4 + 48 bytes come four numbers, then the inode.
_INODE = struct.Struct("=16xI")
_ERROR = struct.Struct("=i")
_BEFORE_NUMBERS = _HEADER.size + 4 + 48


def is_of(pids: list[int], client: Address, server: Address) -> bool:
    """Whether the client end of a connection belongs to one of the processes.

    True where the system does not tell.
    """
    if sys.platform != "linux":
        return True
    try:
        inode = _inode(client, server)
    except OSError:
        return True
    return any(_has(pid, f"socket:[{inode}]") for pid in pids)


def _inode(client: Address, server: Address) -> int:
    """The number of the client's socket; 0 when it is closed."""
    place = _SOCKET.pack(
        client[1], server[1], socket.inet_aton(client[0]), socket.inet_aton(server[0])
    )
    body = _REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, ALL_STATES)
    body += place + _IDENTITY.pack(0, NO_COOKIE, NO_COOKIE)
    size = _HEADER.size + len(body)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(_HEADER.pack(size, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0) + body)
        answer = kernel.recv(4096)
    if _HEADER.unpack_from(answer)[1] == NLMSG_ERROR:
        if _ERROR.unpack_from(answer, _HEADER.size)[0] == -errno.ENOENT:
            return 0
        raise OSError("sock_diag is refused")
    return int(_INODE.unpack_from(answer, _BEFORE_NUMBERS)[0])


def _has(pid: int, link: str) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)  # noqa: PTH208 - many, and a connection waits
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            if os.readlink(f"{folder}/{descriptor}") == link:  # noqa: PTH115
                return True
        except OSError:
            continue
    return False
