"""The dynamic linker's own list of what it loaded: r_debug and link_map.

``/usr/include/link.h`` of glibc, the same on FreeBSD (``sys/sys/link_elf.h``). The list
lives in memory that the crash may have overwritten, so it is walked within bounds.
"""

from __future__ import annotations

import msgspec

from coresnap.elfcore.dynamic_section import DT_DEBUG, read_dynamic
from coresnap.elfcore.memory import Memory
from coresnap.errors import MemoryReadError

__all__ = ["LinkMapEntry", "walk_link_map"]

_ENTRY_LIMIT = 10_000
_NAME_LIMIT = 4096


class LinkMapEntry(msgspec.Struct, frozen=True, eq=False):
    """One loaded object."""

    load_bias: int
    """On FreeBSD the address of the first segment: the same but for executables that
    are loaded where they were linked."""
    name: bytes
    """Empty for the executable on Linux."""
    dynamic: int
    """Address of its dynamic section: certainly within the object."""
    address: int
    """Of the entry itself."""


def walk_link_map(memory: Memory, dynamic: int) -> list[LinkMapEntry]:
    """Walk the list that the DT_DEBUG of the executable's dynamic section points to.

    ``dynamic`` is that section's address. Ends quietly where the list is damaged.
    """
    entries: list[LinkMapEntry] = []
    seen: set[int] = set()
    word = memory.pointer_size
    try:
        debug = read_dynamic(memory, dynamic).value(DT_DEBUG)
        address = memory.read_word(debug + word) if debug else 0
        while address and address not in seen and len(entries) < _ENTRY_LIMIT:
            seen.add(address)
            bias, name, section, following = (
                memory.read_word(address + index * word) for index in range(4)
            )
            text = memory.read_string(name, _NAME_LIMIT) or b""
            entries.append(LinkMapEntry(bias, text, section, address))
            address = following
    except MemoryReadError:
        pass
    return entries
