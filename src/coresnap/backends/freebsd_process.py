"""A live FreeBSD process by what sysctl says of it, without psutil.

What is read of struct kinfo_proc (sys/sys/user.h) lies where it lay in 10.1; flags are
those of sys/sys/proc.h and sys/sys/user.h.
"""

from __future__ import annotations

import os
import resource
import struct

import attrs

from coresnap.backends.base import ProcessDescription
from coresnap.backends.freebsd_sysctl import FreeBSDKernel, ProcessFact
from coresnap.errors import CaptureError, CoresnapError, MissingError
from coresnap.model.freebsd_structures import MACHINES, OFFSETS, SIZES

__all__ = ["FreeBSDProcess", "describe", "read_process"]

_SECOND = 1_000_000_000
_P_SUGID = 0x100
_P2_NOTRACE = 0x2
_KI_CRF_CAPABILITY_MODE = 0x1
_RLIM_INFINITY = (1 << 63) - 1


@attrs.frozen
class _Layout:
    """Where fields stand in struct kinfo_proc."""

    size: int
    pid: int
    uid: int
    group: int
    """First of ki_groups, the effective one."""
    start: int
    """struct timeval of two longs."""
    flag: int
    command: int
    flag2: int
    credential_flags: int
    jid: int
    long: str


def _layout(machine: str, long: str) -> _Layout:
    column = MACHINES.index(machine)
    places = {name: place[column] for name, place in OFFSETS["kinfo_proc"].items()}
    return _Layout(
        size=SIZES["kinfo_proc"][column],
        pid=places["ki_pid"],
        uid=places["ki_uid"],
        group=places["ki_groups"],
        start=places["ki_start"],
        flag=places["ki_flag"],
        command=places["ki_comm"],
        flag2=places["ki_flag2"],
        credential_flags=places["ki_cr_flags"],
        jid=places["ki_jid"],
        long=long,
    )


_LAYOUTS = {
    layout.size: layout for layout in (_layout("amd64", "q"), _layout("i386", "i"))
}
"""By ki_structsize: of 64 bits, and of i386."""


@attrs.frozen
class FreeBSDProcess:
    """What decides whether a process leaves a core."""

    pid: int
    command: str
    uid: int
    gid: int
    started: int
    """UTC nanoseconds."""
    jid: int
    has_changed_ids: bool
    """P_SUGID: set-id, or it gave up rights that it had."""
    is_traceless: bool
    """procctl(PROC_TRACE_CTL) forbade to trace it, and a core with that."""
    is_in_capability_mode: bool


def read_process(kernel: FreeBSDKernel, pid: int) -> FreeBSDProcess:
    """Ask for one process.

    Raises MissingError, AccessError, or CaptureError for a structure that is none.
    """
    data = kernel.process(ProcessFact.PROCESS, pid)
    if not data:
        raise MissingError(f"there is no process {pid}")
    layout = _LAYOUTS.get(_number(data, 0, "i"))
    if layout is None or len(data) < layout.size:
        raise CaptureError(f"the kernel describes process {pid} in {len(data)} bytes")
    if _number(data, layout.pid, "i") != pid:
        raise MissingError(f"there is no process {pid}")
    width = struct.calcsize(layout.long)
    seconds = _number(data, layout.start, layout.long)
    microseconds = _number(data, layout.start + width, layout.long)
    name = data[layout.command : layout.command + 20].split(b"\0")[0]
    flags = _number(data, layout.credential_flags, "I")
    return FreeBSDProcess(
        pid=pid,
        command=os.fsdecode(name),
        uid=_number(data, layout.uid, "I"),
        gid=_number(data, layout.group, "I"),
        started=seconds * _SECOND + microseconds * 1000,
        jid=_number(data, layout.jid, "i"),
        has_changed_ids=bool(_number(data, layout.flag, layout.long) & _P_SUGID),
        is_traceless=bool(_number(data, layout.flag2, "i") & _P2_NOTRACE),
        is_in_capability_mode=bool(flags & _KI_CRF_CAPABILITY_MODE),
    )


def _number(data: bytes, offset: int, code: str) -> int:
    if offset + struct.calcsize(code) > len(data):
        return 0
    value: int = struct.unpack_from("=" + code, data, offset)[0]
    return value


def describe(kernel: FreeBSDKernel, pid: int) -> ProcessDescription:
    """Describe a process. Raises what ``read_process`` does."""
    process = read_process(kernel, pid)
    path = _text(kernel, ProcessFact.PATH, pid)
    arguments = _text(kernel, ProcessFact.ARGUMENTS, pid)
    limit = _core_limit(kernel, pid)
    return ProcessDescription(
        pid=pid,
        command=process.command,
        executable=path.split("\0")[0] or None,
        arguments=tuple(arguments.removesuffix("\0").split("\0")) if arguments else (),
        uid=process.uid,
        gid=process.gid,
        core_limit=limit,
        started=process.started,
    )


def _text(kernel: FreeBSDKernel, fact: ProcessFact, pid: int) -> str:
    # A path that the name cache has lost, or arguments that are nobody's business.
    try:
        return os.fsdecode(kernel.process(fact, pid))
    except CoresnapError:
        return ""


def _core_limit(kernel: FreeBSDKernel, pid: int) -> int | None:
    data = kernel.process(ProcessFact.LIMIT, pid, resource.RLIMIT_CORE)
    soft = _number(data, 0, "q")
    return None if soft == _RLIM_INFINITY else soft
