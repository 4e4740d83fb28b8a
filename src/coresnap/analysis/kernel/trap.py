"""What the kernel reports of a trap before it panics.

``trap_fatal`` in ``sys/amd64/amd64/trap.c`` and ``sys/i386/i386/trap.c``;
``data_abort`` and ``print_registers`` in ``sys/arm64/arm64/trap.c``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

__all__ = ["Trap", "TrappedProcess", "read_cpu", "read_tid", "read_time", "read_trap"]

_FATAL = re.compile(
    r"Fatal trap ([0-9]{1,5}): (.{1,80}) while in (kernel|user|vm86) mode"
)
_ABORT = re.compile(r"Fatal (data|instruction) abort:")
_FIELD = re.compile(r"([a-z][a-z ]{2,24}?)\s*= (.*)")
_POINTER = re.compile(r"0x[0-9a-f]{1,4}:0x([0-9a-f]{1,16})")
_PROCESS = re.compile(r"([0-9]{1,10}) \((.*)\)")
_CPU = re.compile(r"cpuid = ([0-9]{1,6})\b")
_THREAD = re.compile(r"\[ thread pid [0-9]{1,10} tid ([0-9]{1,10}) \]")
_TIME = re.compile(r"time = ([0-9]{1,12})")
_ARM_REGISTER = re.compile(r"\s*(far|elr|sp|esr|lr): +(?:0x)?([0-9a-f]{1,16})\b")
_AMD64_REGISTER = re.compile(r"\b(r[a-ds][ixp]|r[bs]p|r[0-9]{1,2}): +([0-9a-f]{16})\b")
_PAGE_FAULT = 12


class TrappedProcess(msgspec.Struct, frozen=True):
    """Who ran when it happened."""

    pid: int
    name: str
    """Process name; with the thread's behind a colon where it has one."""


class Trap(msgspec.Struct, frozen=True):
    """One trap of the processor; None for what was not reported."""

    number: int | None
    """The machine's: 12 is a page fault on amd64 and i386 (``machine/trap.h``)."""
    what: str
    """``page fault``, ``general protection fault``, ``data abort``, …"""
    mode: str = "kernel"
    address: int | None = None
    """What was accessed; page faults and aborts only."""
    access: str | None = None
    """``read``, ``write`` or ``execute``."""
    code: str | None = None
    """``supervisor read data, page not present``, as reported."""
    instruction: int | None = None
    stack: int | None = None
    frame: int | None = None
    cpu: int | None = None
    process: TrappedProcess | None = None
    registers: dict[str, int] = {}
    """As far as they were printed, as FreeBSD 14 does."""


def read_trap(lines: Sequence[str]) -> Trap | None:
    """Read the report that ``lines`` begin with or hold; None if there is none."""
    for at, line in enumerate(lines):
        if match := _FATAL.match(line):
            return _amd64(int(match[1]), match[2], match[3], lines[at + 1 :])
        if match := _ABORT.match(line):
            return _arm64(f"{match[1]} abort", lines[at + 1 :])
    return None


def read_cpu(lines: Sequence[str]) -> int | None:
    """Return the processor that panicked, of the line behind ``panic:``."""
    return next((int(m[1]) for line in lines if (m := _CPU.match(line))), None)


def read_tid(lines: Sequence[str]) -> int | None:
    """Return the thread that the debugger was entered in (``kdb_enter``)."""
    return next((int(m[1]) for line in lines if (m := _THREAD.match(line))), None)


def read_time(lines: Sequence[str]) -> int | None:
    """Return when it panicked, UTC seconds since the epoch."""
    return next((int(m[1]) for line in lines if (m := _TIME.match(line))), None)


def _amd64(number: int, what: str, mode: str, lines: Sequence[str]) -> Trap:
    fields: dict[str, str] = {}
    registers: dict[str, int] = {}
    for line in lines:
        if match := _FIELD.match(line):
            fields.setdefault(match[1].strip(), match[2])
        registers |= {m[1]: int(m[2], 16) for m in _AMD64_REGISTER.finditer(line)}
    code = fields.get("fault code")
    pointers = {
        name: _pointer(fields.get(f"{name} pointer"))
        for name in ("instruction", "stack", "frame")
    }
    return Trap(
        number,
        what.strip(),
        mode,
        _number(fields.get("fault virtual address")),
        _access(code) if number == _PAGE_FAULT or code else None,
        code,
        cpu=read_cpu(lines),
        process=_process(fields.get("current process")),
        registers=registers,
        **pointers,
    )


def _arm64(what: str, lines: Sequence[str]) -> Trap:
    found: dict[str, int] = {}
    for line in lines:
        if match := _ARM_REGISTER.match(line):
            found.setdefault(match[1], int(match[2], 16))
    return Trap(
        None,
        what,
        address=found.get("far"),
        access=_abort_access(what, found.get("esr")),
        instruction=found.get("elr"),
        stack=found.get("sp"),
        cpu=read_cpu(lines),
    )


def _abort_access(what: str, syndrome: int | None) -> str | None:
    """ESR_ELx.WnR, bit 6 of a data abort's syndrome (Arm ARM, D24.2.40)."""
    if what.startswith("instruction"):
        return "execute"
    if syndrome is None:
        return None
    return "write" if syndrome & 1 << 6 else "read"


def _access(code: str | None) -> str | None:
    if code is None:
        return None
    if "instruction" in code:
        return "execute"
    words = code.split()
    return next((word for word in words if word in ("read", "write")), None)


def _number(text: str | None) -> int | None:
    match = re.match(r"0x([0-9a-f]{1,16})\b", text or "")
    return int(match[1], 16) if match else None


def _pointer(text: str | None) -> int | None:
    match = _POINTER.match(text or "")
    return int(match[1], 16) if match else _number(text)


def _process(text: str | None) -> TrappedProcess | None:
    match = _PROCESS.match(text or "")
    return TrappedProcess(int(match[1]), match[2]) if match else None
