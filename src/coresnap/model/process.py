"""What surrounded the fault: signal, modules, mappings, memory; and doubts."""

from __future__ import annotations

import msgspec

__all__ = [
    "Dropped",
    "Mapping",
    "MemoryRange",
    "Module",
    "Note",
    "Search",
    "Signal",
]


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that the reader must know: a step that failed, a doubt, a limit."""

    step: str
    """Analysis step or check that speaks, e.g. ``unwind``, ``check.build-id``."""
    message: str


class Signal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why the kernel stopped the process."""

    number: int
    name: str
    """``SIGSEGV``; ``signal 77`` for a number without a name."""
    code: int | None = None
    """si_code; None if the core has no siginfo."""
    code_name: str | None = None
    """``SEGV_MAPERR``; None for a code without a name."""
    address: int | None = None
    """Faulting address; None where this signal and code carry none."""
    sender_pid: int | None = None
    """Who sent it, if it was sent rather than raised by the hardware."""
    sender_uid: int | None = None
    description: str = ""
    """One sentence for people."""


class Search(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place where a file for a module was looked for."""

    what: str
    """``executable``, ``debug-link``, ``build-id``, ``debugdata``, ``alternate``,
    ``split``, ``debuginfod``."""
    place: str
    """Path, URL, or ``[core]`` for the memory itself."""
    result: str
    """``used``, or why not: ``not there``, ``has build-id …``, …"""


class Module(msgspec.Struct, frozen=True, omit_defaults=True):
    """One executable or library, and how much of it could be read."""

    path: str
    """As it was mapped in the process."""
    start: int
    end: int
    load_bias: int
    """Add it to an address in the file to get one in the process."""
    build_id: str | None = None
    """As found in the core's memory, else in the file."""
    file: str | None = None
    """File that was read here; None if none fits."""
    debug_file: str | None = None
    """File that the debug information came from."""
    symbols: str = "none"
    """``dwarf``, ``symtab``, ``dynsym`` or ``none``."""
    problem: str | None = None
    """Why it is worse than it could be: missing file, build-id mismatch, …"""
    searches: tuple[Search, ...] = ()
    """What was looked for to read it, in order."""


class Mapping(msgspec.Struct, frozen=True, omit_defaults=True):
    """One mapping of the address space."""

    start: int
    end: int
    permissions: str
    """``rwx``, with ``-`` for what is not allowed."""
    offset: int | None = None
    """Byte offset in ``path``."""
    path: str | None = None
    stored: int = 0
    """Bytes of it that the core holds."""


class Dropped(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that was found and left out of the snapshot."""

    what: str
    """``threads`` (their variables), ``frames``, ``variables``, ``values`` (members and
    elements), ``memory``, ``globals``, ``aliases``."""
    count: int
    """How many of it; of memory, bytes."""
    reason: str
    """The budget that it did not fit, in words."""
    tid: int | None = None
    """The thread it belongs to; None for the process."""


class MemoryRange(msgspec.Struct, frozen=True):
    """Bytes of the process kept in the snapshot."""

    address: int
    data: bytes
