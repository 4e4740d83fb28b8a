"""What the notes of a core say, the same for every operating system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from coresnap.elfcore.process_state import MappingState, ProcessState

__all__ = [
    "CoreFacts",
    "CoreThread",
    "MappedFile",
    "ProcessInfo",
    "SignalInfo",
    "StartPlaces",
]


class CoreThread(msgspec.Struct, frozen=True):
    """One thread at the moment of the dump."""

    tid: int
    registers: dict[int, int]
    """DWARF register number to unsigned value; empty if they could not be read."""
    signal: int
    """Signal being delivered to this thread; 0 for none."""
    name: str | None = None
    """None where the core does not say."""


class ProcessInfo(msgspec.Struct, frozen=True):
    """The process; every field is None where the core does not say."""

    pid: int | None = None
    uid: int | None = None
    gid: int | None = None
    command: str | None = None
    """Short name (comm), cut by the kernel: at 15 bytes by Linux, at 19 by FreeBSD."""
    arguments: str | None = None
    """Command line, its NULs made spaces and cut by the kernel: at 79 or 80 bytes."""


class SignalInfo(msgspec.Struct, frozen=True):
    """The siginfo that killed the process, uninterpreted.

    Address and sender share their bytes on Linux: the signal and its code say which of
    them means something.
    """

    number: int
    code: int | None = None
    address: int | None = None
    sender_pid: int | None = None
    sender_uid: int | None = None
    union: bytes = b""
    """The fields that depend on signal and code, as they lie in siginfo_t, at most 32
    bytes; empty where the system keeps each in a place of its own."""
    trap: int | None = None
    """Number of the processor's trap, by the kernel's own list; None where it does not
    say, and where nothing was trapped."""


class MappedFile(msgspec.Struct, frozen=True):
    """A part of a file in the address space."""

    start: int
    end: int
    offset: int
    """Bytes into the file."""
    path: bytes
    """As the kernel names it: process-chosen, possibly with `` (deleted)``."""

    @property
    def display_path(self) -> str:
        """The path as text; what is not UTF-8 is escaped."""
        return self.path.decode("utf-8", "backslashreplace")


class StartPlaces(msgspec.Struct, frozen=True):
    """Where the kernel put things when it started the program; None if unknown.

    Mostly from the auxiliary vector, whose numbers above 14 each system has given out
    by itself.
    """

    vdso: int | None = None
    """First byte of the ELF image that the kernel maps into every process."""
    path: int | None = None
    """The path that the program was started by, a string."""
    stack: int | None = None
    """An address in the first thread's stack, above all of its frames."""
    strings: int | None = None
    """Where the strings of arguments and environment begin, at the stack's end, or at
    most a few words before."""
    ps_strings: int | None = None
    """FreeBSD's ``struct ps_strings``, which leads to those strings."""
    clock: int | None = None
    """FreeBSD's ``struct vdso_timekeep``, the time for programs to read."""


class CoreFacts(msgspec.Struct, frozen=True, eq=False):
    """All that one system's notes say."""

    threads: tuple[CoreThread, ...] = ()
    """The one that crashed first, then in the order of the notes."""
    process: ProcessInfo = msgspec.field(default_factory=ProcessInfo)
    signal: SignalInfo | None = None
    auxv: Mapping[int, int] = msgspec.field(default_factory=dict)
    """AT_* to value; of a repeated type the first. The numbers up to 14 mean the same
    everywhere, those above are in ``start``, if they are needed."""
    mapped_files: tuple[MappedFile, ...] = ()
    """By start address."""
    problems: tuple[str, ...] = ()
    """What the reader should know about damaged notes."""
    code_mask: int | None = None
    """The bits of a return address that are its address, where a note says that others
    authenticate it."""
    start: StartPlaces = msgspec.field(default_factory=StartPlaces)
    state: ProcessState | None = None
    """What else the notes say of the process; None where the system puts none of it
    into its cores."""

    @property
    def regions(self) -> tuple[MappingState, ...]:
        """The kernel's own list of mappings, by start address; empty where the system
        puts none into its cores."""
        return self.state.mappings if self.state is not None else ()
