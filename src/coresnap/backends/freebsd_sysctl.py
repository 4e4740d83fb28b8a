"""What is asked of a FreeBSD kernel: settings, processes, jails. Nothing else asks it.

sysctl(3) and jail_get(2) stand in libc, so ctypes is enough. ``FreeBSDKernel`` is the
whole of it; tests give the backend a kernel that answers what a real one answered.
"""

from __future__ import annotations

import ctypes
import enum
import errno
import os
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from coresnap.errors import AccessError, CaptureError, MissingError

__all__ = [
    "COREDUMP",
    "COREDUMP_DEVCTL",
    "COREFILE",
    "FreeBSDKernel",
    "ProcessFact",
    "SystemKernel",
    "write_all",
]

COREFILE = "kern.corefile"
COREDUMP = "kern.coredump"
COREDUMP_DEVCTL = "kern.coredump_devctl"

_TEXTS = (COREFILE,)
"""Settings that are strings; all others that we ask for are integers."""
_CTL_KERN, _KERN_PROC = 1, 14
_SIZE_LIMIT = 16 << 20
_PATH_SIZE = 1024  # MAXPATHLEN
_JAIL_LIMIT = 4096


class ProcessFact(enum.IntEnum):
    """The third number of {CTL_KERN, KERN_PROC, x, pid} (sys/sys/sysctl.h)."""

    PROCESS = 1
    """struct kinfo_proc."""
    ARGUMENTS = 7
    """Each with a NUL behind it."""
    PATH = 12
    """Of the executable."""
    LIMIT = 37
    """struct rlimit of the resource whose number follows the pid."""


class FreeBSDKernel(Protocol):
    """A running FreeBSD."""

    def read(self, name: str) -> str | None:
        """Return a setting; None if this kernel has none of that name.

        Raises CaptureError.
        """

    def write(self, name: str, value: str) -> None:
        """Set it. Raises AccessError or CaptureError."""

    def process(self, fact: ProcessFact, pid: int, *more: int) -> bytes:
        """Return what the kernel says of a process.

        Raises MissingError if there is none, AccessError, CaptureError.
        """

    def jails(self) -> Mapping[int, str]:
        """Return the root directories of the jails that run, by jid."""


def write_all(kernel: FreeBSDKernel, wanted: Mapping[str, str]) -> None:
    """Write settings in order and read each back; on an error all are as they were.

    Raises AccessError or CaptureError.
    """
    before = {name: kernel.read(name) for name in wanted}
    done: list[str] = []
    try:
        for name, value in wanted.items():
            done.append(name)
            kernel.write(name, value)
            if (kept := kernel.read(name)) != value:
                raise CaptureError(f"{name} does not keep {value!r}, it is {kept!r}")
    except (AccessError, CaptureError):
        for name in reversed(done):
            if (old := before[name]) is not None:
                kernel.write(name, old)
        raise


class SystemKernel:
    """The kernel that this runs on, through libc."""

    def __init__(self, libc: Any = None) -> None:  # noqa: ANN401 - ctypes
        """Use libc's functions; ``libc`` is another in tests."""
        self._libc: Any = libc or ctypes.CDLL(None, use_errno=True)

    def read(self, name: str) -> str | None:
        """Read by sysctlbyname(3)."""
        data = self._read(name)
        if data is None:
            return None
        if name in _TEXTS:
            return os.fsdecode(data.split(b"\0")[0])
        return str(int.from_bytes(data, sys.byteorder, signed=True))

    def _read(self, name: str) -> bytes | None:
        key = name.encode()

        def ask(buffer: Any, size: Any) -> int:  # noqa: ANN401 - ctypes
            none = ctypes.c_size_t(0)
            return int(self._libc.sysctlbyname(key, buffer, size, None, none))

        try:
            return _answer(ask)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            raise CaptureError(f"cannot read {name}: {error.strerror}") from error

    def write(self, name: str, value: str) -> None:
        """Write by sysctlbyname(3), an integer in the size that the kernel reads it."""
        before = self._read(name)
        if before is None:
            raise CaptureError(f"this kernel has no {name}")
        if name in _TEXTS:
            data = os.fsencode(value) + b"\0"
        else:
            data = int(value).to_bytes(len(before), sys.byteorder, signed=True)
        done = self._libc.sysctlbyname(
            name.encode(), None, None, data, ctypes.c_size_t(len(data))
        )
        if done == 0:
            return
        number = ctypes.get_errno()
        if number == errno.EPERM:
            raise AccessError(f"may not set {name}: {os.strerror(number)}")
        raise CaptureError(f"cannot set {name}: {os.strerror(number)}")

    def process(self, fact: ProcessFact, pid: int, *more: int) -> bytes:
        """Read by sysctl(3)."""
        numbers = (_CTL_KERN, _KERN_PROC, int(fact), pid, *more)
        mib = (ctypes.c_int * len(numbers))(*numbers)

        def ask(buffer: Any, size: Any) -> int:  # noqa: ANN401 - ctypes
            none, count = ctypes.c_size_t(0), ctypes.c_uint(len(numbers))
            return int(self._libc.sysctl(mib, count, buffer, size, None, none))

        try:
            return _answer(ask)
        except OSError as error:
            if error.errno in (errno.ESRCH, errno.ENOENT):
                raise MissingError(f"there is no process {pid}") from error
            if error.errno in (errno.EPERM, errno.EACCES):
                raise AccessError(
                    f"may not look at process {pid}",
                    remedy="Run the command as root, or as the user of the process.",
                ) from error
            what = f"cannot ask for process {pid}: {error.strerror}"
            raise CaptureError(what) from error

    def jails(self) -> Mapping[int, str]:
        """Ask jail_get(2) for the jail behind each one that is known."""
        found: dict[int, str] = {}
        last = 0
        while len(found) < _JAIL_LIMIT:
            last, path = self._jail_after(last)
            if last <= 0:
                return found
            found[last] = path
        return found

    def _jail_after(self, jid: int) -> tuple[int, str]:
        path = ctypes.create_string_buffer(_PATH_SIZE)
        parts = (
            ctypes.create_string_buffer(b"lastjid"),
            ctypes.c_int(jid),
            ctypes.create_string_buffer(b"path"),
            path,
        )
        # They hold addresses only: what they lead to lives as long as ``parts``.
        segments = [_Segment(ctypes.addressof(p), ctypes.sizeof(p)) for p in parts]
        vector = (_Segment * len(segments))(*segments)
        count = ctypes.c_uint(len(segments))
        found = int(self._libc.jail_get(vector, count, 0))
        return found, os.fsdecode(path.value)


class _Segment(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


def _answer(ask: Any) -> bytes:  # noqa: ANN401 - ctypes
    """Ask for the size, then for the bytes; again if it has grown. Raises OSError."""
    size = ctypes.c_size_t(0)
    if ask(None, ctypes.byref(size)):
        raise _error()
    while size.value <= _SIZE_LIMIT:
        room = size.value + size.value // 4 + 64
        buffer = ctypes.create_string_buffer(room)
        size = ctypes.c_size_t(room)
        if ask(buffer, ctypes.byref(size)) == 0:
            return buffer.raw[: size.value]
        if ctypes.get_errno() != errno.ENOMEM:
            raise _error()
        size = ctypes.c_size_t(2 * room)
    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
