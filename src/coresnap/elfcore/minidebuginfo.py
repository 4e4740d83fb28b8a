"""The ELF file inside ``.gnu_debugdata``: what distributions leave of a stripped file.

An xz-compressed ELF file with the functions that .dynsym lacks, and often with a
.debug_frame (GDB manual, "Debugging information in a special section").
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import msgspec

from coresnap.elfcore.elffile import ElfFile
from coresnap.errors import InputError

__all__ = ["MiniDebugInfo", "minidebuginfo"]

_SIZE_LIMIT = 1 << 26
_MEMORY_LIMIT = 1 << 28


class MiniDebugInfo(msgspec.Struct, frozen=True, eq=False):
    """What became of a ``.gnu_debugdata`` section."""

    elf: ElfFile | None
    problem: str | None = None
    """Why it cannot be read."""


_FOUND: WeakKeyDictionary[ElfFile, MiniDebugInfo | None] = WeakKeyDictionary()
"""Names and frames are asked for separately; to decompress takes 10 ms."""


def minidebuginfo(elf: ElfFile) -> MiniDebugInfo | None:
    """The file inside; None if ``elf`` has no such section."""
    if elf not in _FOUND:
        _FOUND[elf] = _read(elf)
    return _FOUND[elf]


def _read(elf: ElfFile) -> MiniDebugInfo | None:
    section = elf.section(".gnu_debugdata")
    if section is None:
        return None
    import lzma  # not before: most files have no such section

    decompressor = lzma.LZMADecompressor(memlimit=_MEMORY_LIMIT)
    try:
        data = decompressor.decompress(elf.section_data(section), _SIZE_LIMIT)
        return MiniDebugInfo(ElfFile(data))
    except (lzma.LZMAError, EOFError) as error:
        return MiniDebugInfo(None, f"cannot be decompressed: {error}")
    except InputError as error:
        return MiniDebugInfo(None, f"what is inside {str(error).removeprefix('ELF ')}")
