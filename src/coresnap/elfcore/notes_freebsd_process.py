"""What FreeBSD's NT_PROCSTAT_* notes say about the process, as one ``ProcessState``.

Each begins with an int: the size of the structure that follows (``sys/kern/
imgact_elf.c``). libprocstat(3) refuses a size that is not its own; here it is taken for
what it says, where a note's content does not say it better.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

import msgspec

from coresnap.elfcore.elfheader import ElfHeader
from coresnap.elfcore.notes_freebsd_files import read_files
from coresnap.elfcore.notes_freebsd_kinfo import read_process
from coresnap.elfcore.notes_freebsd_kqueues import count_events, read_events
from coresnap.elfcore.notes_freebsd_mappings import read_mappings
from coresnap.elfcore.notes_freebsd_records import SIZE_FIELD
from coresnap.elfcore.process_state import Limit, ProcessState

__all__ = ["read_process_state"]

NT_PROC, NT_FILES, NT_VMMAP, NT_GROUPS, NT_UMASK = 8, 9, 10, 11, 12
NT_RLIMIT, NT_OSREL, NT_KQUEUES = 13, 14, 18
_LIMITS = (
    *("cpu", "fsize", "data", "stack", "core", "rss", "memlock", "nproc"),
    *("nofile", "sbsize", "vmem", "npts", "swap", "kqueues", "umtxp", "pipebuf"),
)
"""13 of them in 9 and 10, 15 from 11 on, 16 in 15 (``sys/sys/resource.h``)."""
_LIMITS_READ = 64
_INFINITY = (1 << 63) - 1
_GROUP_LIMIT = 1 << 16


def read_process_state(
    notes: Mapping[int, memoryview], header: ElfHeader, release: int | None = None
) -> ProcessState:
    """Read the notes: NT_PROCSTAT_* to the description with its leading int.

    Of notes of a type that comes once, the first. ``release`` is the kernel's
    ``__FreeBSD_version``, from AT_OSRELDATE or pr_osreldate. A note that is cut or
    damaged is read as far as it goes, and ``problems`` says so.
    """
    problems: list[str] = []
    empty = memoryview(b"")
    process = ProcessState(kernel_release=release)
    if NT_PROC in notes:
        process = read_process(notes[NT_PROC], header, release, problems)
    files = read_files(notes.get(NT_FILES, empty), problems)
    mappings = read_mappings(notes.get(NT_VMMAP, empty), problems)
    limits = _limits(notes.get(NT_RLIMIT, empty), problems)
    kqueues = notes.get(NT_KQUEUES, empty)
    watched = read_events(kqueues, header, problems)
    groups = _groups(notes.get(NT_GROUPS, empty), problems)
    return msgspec.structs.replace(
        process,
        # The structure has no room for more than sixteen.
        groups=groups or process.groups,
        umask=_number(notes.get(NT_UMASK, empty), "<H"),
        program_release=_number(notes.get(NT_OSREL, empty), "<i"),
        limits=limits,
        files=files,
        mappings=mappings,
        kqueue_events=count_events(kqueues),
        watched=watched,
        problems=tuple(dict.fromkeys(problems)),
    )


def _number(data: memoryview, code: str) -> int | None:
    if len(data) < SIZE_FIELD + struct.calcsize(code):
        return None
    number: int = struct.unpack_from(code, data, SIZE_FIELD)[0]
    return number


def _groups(data: memoryview, problems: list[str]) -> tuple[int, ...]:
    """gid_t[]."""
    count = max(len(data) - SIZE_FIELD, 0) // 4
    if count > _GROUP_LIMIT:
        problems.append(f"only {_GROUP_LIMIT} groups are read")
    end = SIZE_FIELD + 4 * min(count, _GROUP_LIMIT)
    return tuple(group for (group,) in struct.iter_unpack("<I", data[SIZE_FIELD:end]))


def _limits(data: memoryview, problems: list[str]) -> tuple[Limit, ...]:
    """struct rlimit[]: two signed 64-bit numbers each, on all machines."""
    count = max(len(data) - SIZE_FIELD, 0) // 16
    if data and (not count or (len(data) - SIZE_FIELD) % 16):
        problems.append("the note of limits is cut")
    if count > _LIMITS_READ:
        problems.append(f"only {_LIMITS_READ} limits are read")
    found = []
    for index in range(min(count, _LIMITS_READ)):
        soft, hard = struct.unpack_from("<qq", data, SIZE_FIELD + 16 * index)
        name = _LIMITS[index] if index < len(_LIMITS) else str(index)
        found.append(Limit(name, _bounded(soft), _bounded(hard)))
    return tuple(found)


def _bounded(value: int) -> int | None:
    return None if value == _INFINITY or value < 0 else value
