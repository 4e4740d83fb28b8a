"""Entries of page tables, as far as a minidump's kernel map needs them.

amd64: ``sys/amd64/include/pmap.h`` (PG_V, PG_PS) and the Intel SDM, volume 3, 4.5;
i386 with and without PAE: the same, 4.3 and 4.4; arm64: ``sys/arm64/include/pte.h``.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

__all__ = ["FORMATS", "MapFormat", "walk_amd64"]

_PRESENT, _LARGE = 1, 1 << 7
_X86_FRAME = 0x000F_FFFF_FFFF_F000
_ARM_FRAME = 0x0000_FFFF_FFFF_F000
_ARM_PAGE = 3

ReadPhysical = Callable[[int, int], bytes | None]
"""Address and size to bytes; None if they are not there."""


class MapFormat(msgspec.Struct, frozen=True):
    """How the kernel map of a minidump says where a virtual address is."""

    shift: int
    """One entry is for ``1 << shift`` bytes."""
    entry_size: int
    frame: int
    """The bits of an entry that are a physical address."""
    valid_mask: int
    valid: int
    has_tables: bool = False
    """Entries are of page directories: they point to page tables, or large pages."""

    def locate(self, entry: int, address: int, read: ReadPhysical) -> int | None:
        """The physical address of ``address``, whose entry of the map is ``entry``."""
        if entry & self.valid_mask != self.valid:
            return None
        if not self.has_tables:
            return (entry & self.frame) + address % (1 << self.shift)
        if entry & _LARGE:
            # PG_PS_FRAME has none of the bits below 2 MB, of which one is PG_PAT.
            return (entry & self.frame & -(1 << 21)) + address % (1 << 21)
        table = read((entry & self.frame) + (address >> 12) % 512 * 8, 8)
        if table is None:
            return None
        last = int.from_bytes(table, "little")
        return (last & _X86_FRAME) + address % 4096 if last & _PRESENT else None


FORMATS = {
    ("amd64", 1): MapFormat(12, 8, _X86_FRAME, _PRESENT, _PRESENT),
    ("amd64", 2): MapFormat(21, 8, _X86_FRAME, _PRESENT, _PRESENT, has_tables=True),
    ("arm64", 1): MapFormat(12, 8, _ARM_FRAME, _ARM_PAGE, _ARM_PAGE),
    ("arm64-16k", 3): MapFormat(14, 8, _ARM_FRAME & -(1 << 14), _ARM_PAGE, _ARM_PAGE),
    ("i386", 1): MapFormat(12, 4, 0xFFFF_F000, _PRESENT, _PRESENT),
    ("i386-pae", 1): MapFormat(12, 8, _X86_FRAME, _PRESENT, _PRESENT),
}
"""By machine and the first version of the minidump that has it."""


def walk_amd64(root: int, address: int, read: ReadPhysical) -> int | None:
    """The physical address of ``address``, through the four levels below ``root``."""
    table = root
    for shift in (39, 30, 21, 12):
        word = read(table + (address >> shift) % 512 * 8, 8)
        entry = 0 if word is None else int.from_bytes(word, "little")
        if not entry & _PRESENT:
            return None
        is_last = shift == 12 or (shift < 39 and bool(entry & _LARGE))
        if is_last:
            size = 1 << shift
            return (entry & _X86_FRAME & -size) + address % size
        table = entry & _X86_FRAME
    return None
