"""Filters of system calls for worker and sender, written as classic BPF.

Layout and constants: ``include/uapi/linux/{seccomp,filter,bpf_common,audit}.h``. A call
of the worker that is on no list fails with EPERM, so that a library can go on without
it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator, Mapping, Sequence

import attrs

from coresnap.backends.linux_syscalls import DANGEROUS, HARMLESS, NUMBERS

__all__ = [
    "dangerous_program",
    "filter_dangerous_calls",
    "filter_program",
    "filter_system_calls",
]

_SET_MODE_FILTER = 1
_FLAG_TSYNC = 1
_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_REFUSE = 0x00050000 | errno.EPERM
_PRETEND_OLD_KERNEL = 0x00050000 | errno.ENOSYS

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_* by ``uname -m``; both are little-endian with 64 bits."""
_X32_BIT = 0x40000000

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST = 0x15, 0x35
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

_EXECUTE, _WRITE = 4, 2  # PROT_*
# O_ACCMODE, O_CREAT, O_TRUNC and the bit of O_TMPFILE that is not O_DIRECTORY's:
# include/uapi/asm-generic/fcntl.h, the same for both machines.
_OPEN_TO_CHANGE = 0o3 | 0o100 | 0o1000 | 0o20000000
_CLONE_THREAD = 0x10000
# CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID
# and musl's DETACHED: what makes a thread, and nothing that makes a namespace.
_THREAD_FLAGS = 0x7D0F00
# CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET
_NAMESPACE_FLAGS = 0x7E020000
_ALL = 0xFFFFFFFF
_STARTS_PROGRAMS = ("execve", "execveat")
"""Dangerous in a worker, and what a sender has to do."""


@attrs.frozen
class _Test:
    """``argument & mask == value``, of its lower 32 bits: all these are ints."""

    argument: int
    value: int
    mask: int = _ALL


def _one_of(argument: int, *values: int) -> tuple[tuple[_Test, ...], ...]:
    return tuple((_Test(argument, value),) for value in values)


def _conditions(pid: int) -> Mapping[str, Sequence[Sequence[_Test]]]:
    """Calls allowed when every test of one alternative holds."""
    return {
        "open": ((_Test(1, 0, _OPEN_TO_CHANGE),),),
        "openat": ((_Test(2, 0, _OPEN_TO_CHANGE),),),
        # Libraries that are loaded late need executable pages, but of a file's bytes.
        "mmap": ((_Test(2, 0, _EXECUTE),), (_Test(2, 0, _WRITE),)),
        "mprotect": ((_Test(2, 0, _EXECUTE),),),
        # TCGETS, FIONREAD, FIONCLEX, FIOCLEX
        "ioctl": _one_of(1, 0x5401, 0x541B, 0x5450, 0x5451),
        # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
        "fcntl": _one_of(1, 0, 1, 2, 3, 1030),
        "clone": (
            (_Test(0, 0, _ALL ^ _THREAD_FLAGS), _Test(0, _CLONE_THREAD, _CLONE_THREAD)),
        ),
        "kill": _one_of(0, pid),
        "tgkill": _one_of(0, pid),
        # PR_SET_NAME, PR_SET_VMA
        "prctl": _one_of(0, 15, 0x53564D41),
        "prlimit64": _one_of(0, 0, pid),
    }


def filter_system_calls(libc: ctypes.CDLL) -> bool:
    """Install the worker's filter for all threads; False if that cannot be.

    The process must have given up new privileges, or be allowed to administer.
    """
    machine = os.uname().machine
    return machine in NUMBERS and _install(libc, filter_program(machine, os.getpid()))


def filter_dangerous_calls(libc: ctypes.CDLL) -> bool:
    """Install the sender's filter for all threads; False if that cannot be.

    The process must have given up new privileges, or be allowed to administer.
    """
    machine = os.uname().machine
    return machine in NUMBERS and _install(libc, dangerous_program(machine))


def _install(libc: ctypes.CDLL, program: bytes) -> bool:
    code = ctypes.create_string_buffer(program, len(program))
    count = len(program) // 8
    header = struct.pack("@HP", count, ctypes.addressof(code))  # struct sock_fprog
    number = NUMBERS[os.uname().machine]["seccomp"]
    arguments = (ctypes.c_ulong(_SET_MODE_FILTER), ctypes.c_ulong(_FLAG_TSYNC))
    # With TSYNC a thread that cannot be filtered is the answer: its id, above zero.
    return int(libc.syscall(ctypes.c_long(number), *arguments, header)) == 0


def filter_program(machine: str, pid: int) -> bytes:
    """Return the filter as an array of ``struct sock_filter``."""
    numbers = NUMBERS[machine]
    program = list(_of_this_machine(machine))
    for name in HARMLESS:
        program += _when(numbers.get(name), [_answer(_ALLOW)])
    for name, alternatives in _conditions(pid).items():
        program += _when(numbers.get(name), list(_any_of(alternatives)))
    # Its flags are in memory, out of a filter's sight; libraries then use clone.
    program += _when(numbers["clone3"], [_answer(_PRETEND_OLD_KERNEL)])
    for name in DANGEROUS:
        program += _when(numbers.get(name), [_answer(_KILL_PROCESS)])
    program.append(_answer(_REFUSE))
    return b"".join(program)


def dangerous_program(machine: str) -> bytes:
    """Return the filter that ends whoever tries what nobody here has to do.

    What it starts inherits it, and takes more from itself: a worker's confinement asks
    for a network of its own, which is refused here and ends nothing.
    """
    numbers = NUMBERS[machine]
    program = list(_of_this_machine(machine))
    program += _when(numbers["unshare"], [_answer(_REFUSE)])
    program += _when(numbers["clone3"], [_answer(_PRETEND_OLD_KERNEL)])
    no_namespace = ((_Test(0, 0, _NAMESPACE_FLAGS),),)
    program += _when(numbers["clone"], list(_any_of(no_namespace)))
    for name in DANGEROUS:
        if name not in _STARTS_PROGRAMS:
            program += _when(numbers.get(name), [_answer(_KILL_PROCESS)])
    program.append(_answer(_ALLOW))
    return b"".join(program)


def _of_this_machine(machine: str) -> Iterator[bytes]:
    """Leave the number of a call that is this machine's; end whoever makes others."""
    yield _load(_ARCHITECTURE)
    yield _jump(_JUMP_IF_EQUAL, _ARCHITECTURES[machine], 1, 0)
    yield _answer(_KILL_PROCESS)
    yield _load(_NUMBER)
    if machine == "x86_64":
        # x32 calls have numbers, and structures, of their own.
        yield _jump(_JUMP_IF_AT_LEAST, _X32_BIT, 0, 1)
        yield _answer(_KILL_PROCESS)


def _when(number: int | None, body: Sequence[bytes]) -> Iterator[bytes]:
    """Run ``body``, which ends in an answer, if the call is this one."""
    if number is not None:
        yield _jump(_JUMP_IF_EQUAL, number, 0, len(body))
        yield from body


def _any_of(alternatives: Sequence[Sequence[_Test]]) -> Iterator[bytes]:
    for tests in alternatives:
        left = 3 * len(tests) + 1
        for test in tests:
            left -= 3
            yield _load(_ARGUMENTS + 8 * test.argument)
            yield struct.pack("=HBBI", _AND, 0, 0, test.mask)
            yield _jump(_JUMP_IF_EQUAL, test.value, 0, left)
        yield _answer(_ALLOW)
    yield _answer(_REFUSE)


def _load(offset: int) -> bytes:
    return struct.pack("=HBBI", _LOAD, 0, 0, offset)


def _jump(code: int, value: int, if_true: int, if_false: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _answer(action: int) -> bytes:
    return struct.pack("=HBBI", _RETURN, 0, 0, action)
