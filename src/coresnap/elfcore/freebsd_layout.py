"""Where the members of FreeBSD's structures lie in the cores of one machine."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from coresnap.elfcore.elfheader import ElfHeader
from coresnap.model.freebsd_structures import MACHINES, OFFSETS, SIZES

__all__ = ["offsets", "size"]

_MACHINES = {
    (62, 8): "amd64",
    (183, 8): "arm64",
    (3, 4): "i386",
    (40, 4): "arm",
    (243, 8): "riscv64",
}
"""By e_machine and the bytes of a pointer."""


def size(structure: str, header: ElfHeader) -> int:
    """Bytes of ``struct structure``."""
    return SIZES[structure][_column(header.machine, header.pointer_size)]


def offsets(structure: str, header: ElfHeader) -> Mapping[str, int]:
    """Members of ``struct structure`` to their offsets in bytes."""
    return _offsets(structure, _column(header.machine, header.pointer_size))


def _column(machine: int, pointer_size: int) -> int:
    # A machine that is not known is read as one with the same words.
    like = "amd64" if pointer_size == 8 else "i386"
    return MACHINES.index(_MACHINES.get((machine, pointer_size), like))


@functools.lru_cache(maxsize=64)
def _offsets(structure: str, column: int) -> Mapping[str, int]:
    found = OFFSETS[structure]
    return {member: places[column] for member, places in found.items()}
