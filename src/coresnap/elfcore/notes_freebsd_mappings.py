"""NT_PROCSTAT_VMMAP: struct kinfo_vmentry (``sys/sys/user.h``).

From 12 on file system and device stand behind the fields that are read here, which lie
where they lay in 9 to 11. The path is at 136 in all releases.
"""

from __future__ import annotations

import functools
import struct

from coresnap.elfcore.notes_freebsd_records import records
from coresnap.elfcore.process_state import MappingState

__all__ = ["read_mappings"]

_ENTRY = struct.Struct("<ii QQQ 8x4xi iii ii iQ")
"""Size, type, start, end, offset, flags, resident, private resident, protection,
references, shadows, type and size of the file."""
_REGULAR = 1
"""KF_VTYPE_VREG."""
_PATH = 136
_LIMIT = 1 << 18
_OFFSET_MASK = (1 << 63) - 1
_PERMISSIONS = ("---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx")
"""By VM_PROT_READ 1, VM_PROT_WRITE 2, VM_PROT_EXECUTE 4."""
_KINDS = {
    0: "none",
    1: "default",
    2: "vnode",
    3: "swap",
    4: "device",
    5: "physical",
    6: "dead",
    7: "scatter-gather",
    8: "managed-device",
    9: "guard",
}
_FLAGS = (
    (0x1, "copy-on-write"),
    (0x2, "needs-copy"),
    (0x4, "no-core"),
    (0x8, "superpages"),
    (0x10, "grows-up"),
    (0x20, "grows-down"),
    (0x40, "wired"),
    (0x80, "sysv-shared"),
    (0x100, "posix-shared"),
)


def read_mappings(data: memoryview, problems: list[str]) -> tuple[MappingState, ...]:
    """Read the mappings, by start address; empty ones are left out.

    ``data`` is the note's description, with its leading int.
    """
    found = []
    for record in records(data, _PATH, _LIMIT, problems, "mappings"):
        mapping = _mapping(record)
        if mapping.start < mapping.end:
            found.append(mapping)
    found.sort(key=lambda mapping: mapping.start)
    return tuple(found)


def _mapping(record: memoryview) -> MappingState:
    (_, kind, start, end, offset, flags, resident, private, protection, *others) = (
        _ENTRY.unpack_from(record)
    )
    references, shadows, file, file_size = others
    return MappingState(
        start=start,
        end=end,
        offset=offset & _OFFSET_MASK,
        permissions=_PERMISSIONS[protection & 7],
        kind=_KINDS.get(kind, str(kind)),
        flags=_flags(flags),
        resident=resident,
        private_resident=private,
        references=references,
        shadows=shadows,
        path=bytes(record[_PATH:]).partition(b"\0")[0],
        file_size=file_size if file == _REGULAR else None,
    )


@functools.lru_cache(maxsize=512)
def _flags(flags: int) -> tuple[str, ...]:
    return tuple(name for bit, name in _FLAGS if flags & bit)
