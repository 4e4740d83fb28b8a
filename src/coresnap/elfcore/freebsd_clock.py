"""The time of a FreeBSD crash, from the page that the kernel shares with programs.

A core has that page, and AT_TIMEKEEP is the address of its ``struct vdso_timekeep``
(``sys/sys/vdso.h``), in which the kernel keeps the time of its last tick for programs
that read the clock by themselves. It is as of when the page was written into the core.
"""

from __future__ import annotations

import struct

from coresnap.elfcore.elfheader import ElfHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.process_state import Clock
from coresnap.errors import MemoryReadError

__all__ = ["read_clock"]

_VERSION = 1
_COUNT = 4
"""VDSO_TH_NUM."""
_HEAD = struct.Struct("<III")
"""Version, whether programs may read the clock by it, current record."""
_FIRST, _FIRST_I386 = 16, 12
"""Bytes before the first record."""
_MACHINE_PART = 32
"""VDSO_TIMEHANDS_MD, behind the fields that are read here; on all machines."""
_EM_ARM = 40
_FRACTION = 1 << 64
_LATEST = 1 << 40
"""Seconds: what is later is no time."""


def read_clock(memory: Memory, header: ElfHeader, address: int | None) -> Clock | None:
    """Read the clock at AT_TIMEKEEP; None where the core does not have one."""
    if not address:
        return None
    wide = header.pointer_size == 8
    # time_t has 64 bits everywhere but on i386, where none of it is padded.
    aligned = wide or header.machine == _EM_ARM
    record = struct.Struct("<4xI8x8x" + ("qQqQ" if aligned else "iQiQ"))
    try:
        version, _, current = _HEAD.unpack(memory.read(address, _HEAD.size))
        if version != _VERSION or current >= _COUNT:
            return None
        first = _FIRST
        if not aligned and memory.read_word(address + _FIRST_I386):
            # An i386 kernel; that of amd64 has a gap there, as for its own programs.
            first = _FIRST_I386
        place = address + first + current * (record.size + _MACHINE_PART)
        fields = record.unpack(memory.read(place, record.size))
    except MemoryReadError:
        return None
    generation, uptime, fraction, boot, boot_fraction = fields
    if not generation or not 0 < boot < _LATEST or not 0 <= uptime < _LATEST:
        return None
    return Clock(boot + boot_fraction / _FRACTION, uptime + fraction / _FRACTION)
