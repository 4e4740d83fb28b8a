"""Landlock for the worker: reading is all that is left of the file system.

Structures and rights: ``include/uapi/linux/landlock.h``. Each version of its ABI can
deny more; what this kernel does not know is left out and not claimed.
"""

from __future__ import annotations

import ctypes
import os
import struct

from coresnap.backends.linux_syscalls import NUMBERS

__all__ = ["landlock_version", "restrict_files"]

_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_READ_FILE, _READ_DIRECTORY = 1 << 2, 1 << 3
_FILE_RIGHTS = (
    (1, 0x1FFF),  # execute, write, read, remove and make whatever there is
    (2, 1 << 13),  # move between directories
    (3, 1 << 14),  # truncate
    (5, 1 << 15),  # ioctl of devices
)
_BIND_AND_CONNECT_TCP = 0x3
_NETWORK_SINCE = 4
_ABSTRACT_SOCKETS_AND_SIGNALS = 0x3
_SCOPE_SINCE = 6


def landlock_version(libc: ctypes.CDLL) -> int:
    """Return the version of the kernel's ABI; 0 if there is none, or it is off."""
    answer = _call(libc, "landlock_create_ruleset", None, 0, _CREATE_RULESET_VERSION)
    return max(0, answer)


def restrict_files(libc: ctypes.CDLL) -> tuple[str, ...]:
    """Leave the calling thread nothing but reading; return what was achieved.

    The process must have given up new privileges, or be allowed to administer.
    """
    version = landlock_version(libc)
    if not version:
        return ()
    rights = sum(right for since, right in _FILE_RIGHTS if version >= since)
    network = _BIND_AND_CONNECT_TCP if version >= _NETWORK_SINCE else 0
    scope = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPE_SINCE else 0
    if not _restrict(libc, struct.pack("=QQQ", rights, network, scope)):
        return ()
    achieved = {"landlock-files": rights, "landlock-tcp": network}
    achieved["landlock-signals"] = scope
    return tuple(name for name, denied in achieved.items() if denied)


def _restrict(libc: ctypes.CDLL, attributes: bytes) -> bool:
    ruleset = _call(libc, "landlock_create_ruleset", attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # struct landlock_path_beneath_attr is packed.
        rule = struct.pack("=Qi", _READ_FILE | _READ_DIRECTORY, root)
        if _call(libc, "landlock_add_rule", ruleset, _RULE_PATH_BENEATH, rule, 0):
            return False
        return _call(libc, "landlock_restrict_self", ruleset, 0) == 0
    finally:
        os.close(root)
        os.close(ruleset)


def _call(libc: ctypes.CDLL, name: str, *arguments: int | bytes | None) -> int:
    numbers = NUMBERS.get(os.uname().machine)
    if numbers is None:
        return -1
    values = (
        a if a is None or isinstance(a, bytes) else ctypes.c_ulong(a) for a in arguments
    )
    return int(libc.syscall(ctypes.c_long(numbers[name]), *values))
