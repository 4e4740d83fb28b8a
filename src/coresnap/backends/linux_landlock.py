"""Landlock: reading is all that a worker has left of the file system, the sender
changes files in few places, and who watches reads no crash.

Structures and rights: ``include/uapi/linux/landlock.h``. Each version of its ABI can
deny more; what this kernel does not know is left out and not claimed.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from coresnap.backends.linux_syscalls import NUMBERS

__all__ = [
    "landlock_version",
    "restrict_files",
    "restrict_reading",
    "restrict_writing",
]

_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_O_PATH = 0o10000000  # include/uapi/asm-generic/fcntl.h; the same for both machines
_EXECUTE, _WRITE_FILE = 1 << 0, 1 << 1
_READ_FILE, _READ_DIRECTORY = 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_FILE, _TRUNCATE = 1 << 5, 1 << 8, 1 << 14
_FILE_RIGHTS = (
    (1, 0x1FFF),  # execute, write, read, remove and make whatever there is
    (2, 1 << 13),  # move between directories
    (3, 1 << 14),  # truncate
    (5, 1 << 15),  # ioctl of devices
)
_BIND_TCP, _CONNECT_TCP = 0x1, 0x2
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
    rules = [(Path("/"), _READ_FILE | _READ_DIRECTORY)]
    return _restrict(libc, rules, _BIND_TCP | _CONNECT_TCP)


def restrict_writing(libc: ctypes.CDLL, writable: Sequence[Path]) -> tuple[str, ...]:
    """Leave the calling thread files to make and change below ``writable`` alone.

    It may read, start programs and open connections. Returns what was achieved, under
    the same condition as ``restrict_files``.
    """
    change = _READ_FILE | _WRITE_FILE | _TRUNCATE
    rules = [
        (Path("/"), _READ_FILE | _READ_DIRECTORY | _EXECUTE),
        (Path(os.devnull), change),
        *((path, change | _MAKE_FILE | _REMOVE_FILE) for path in writable),
    ]
    return _restrict(libc, rules, _BIND_TCP)


def restrict_reading(
    libc: ctypes.CDLL, unreadable: Path, writable: Sequence[Path]
) -> tuple[str, ...]:
    """Leave the calling thread files to read, but for those below ``unreadable``.

    It may list directories, and change and make files below ``writable``. What is made
    later beside ``unreadable``, or beside a directory that it is in, stays out of
    reach. Returns what was achieved, under the same condition as ``restrict_files``.
    """
    change = _READ_FILE | _WRITE_FILE | _TRUNCATE
    rules = [
        (Path("/"), _READ_DIRECTORY),
        *((path, _READ_FILE) for path in _beside(unreadable)),
        *((path, change | _MAKE_FILE | _REMOVE_FILE) for path in writable),
    ]
    return _restrict(libc, rules, _BIND_TCP | _CONNECT_TCP)


def _beside(directory: Path) -> Iterator[Path]:
    """Yield everything that neither is in ``directory`` nor has it within.

    Rules hold for all below a path, and cannot take anything out of it again.
    """
    directory = directory.resolve()
    way = (directory, *directory.parents)
    for path, parent in itertools.pairwise(way):
        with contextlib.suppress(OSError), os.scandir(parent) as entries:
            for entry in entries:
                # What a link leads to is allowed by its own name, or not at all.
                if entry.path != str(path) and not entry.is_symlink():
                    yield Path(entry.path)


def _restrict(
    libc: ctypes.CDLL, rules: Sequence[tuple[Path, int]], network: int
) -> tuple[str, ...]:
    """Deny all of files but what ``rules`` allow, and of TCP what ``network`` says."""
    version = landlock_version(libc)
    if not version:
        return ()
    files = sum(right for since, right in _FILE_RIGHTS if version >= since)
    network = network if version >= _NETWORK_SINCE else 0
    scope = _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPE_SINCE else 0
    attributes = struct.pack("=QQQ", files, network, scope)
    known = [(path, right & files) for path, right in rules]
    if not _enforce(libc, attributes, known):
        return ()
    return tuple(_achieved(files, network, scope))


def _achieved(files: int, network: int, scope: int) -> Iterator[str]:
    if files:
        yield "landlock-files"
    if network & _CONNECT_TCP:
        yield "landlock-tcp"
    elif network:
        yield "landlock-tcp-servers"
    if scope:
        yield "landlock-signals"


def _enforce(
    libc: ctypes.CDLL, attributes: bytes, rules: Sequence[tuple[Path, int]]
) -> bool:
    ruleset = _call(libc, "landlock_create_ruleset", attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    try:
        for path, allowed in rules:
            try:
                place = os.open(path, _O_PATH | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # what is not there any more needs no rule
            try:
                # struct landlock_path_beneath_attr is packed.
                rule = struct.pack("=Qi", allowed, place)
                if _call(
                    libc, "landlock_add_rule", ruleset, _RULE_PATH_BENEATH, rule, 0
                ):
                    return False
            finally:
                os.close(place)
        return _call(libc, "landlock_restrict_self", ruleset, 0) == 0
    except OSError:
        return False
    finally:
        os.close(ruleset)


def _call(libc: ctypes.CDLL, name: str, *arguments: int | bytes | None) -> int:
    numbers = NUMBERS.get(os.uname().machine)
    if numbers is None:
        return -1
    values = (
        a if a is None or isinstance(a, bytes) else ctypes.c_ulong(a) for a in arguments
    )
    return int(libc.syscall(ctypes.c_long(numbers[name]), *values))
