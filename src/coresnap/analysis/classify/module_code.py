"""Where a module's code is, and what its file says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coresnap.analysis.classify.case import Case
from coresnap.model import Mapping

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import LoadedModule
    from coresnap.elfcore.elfheader import ProgramHeader

__all__ = ["described", "load_at", "module_at", "relocates_text"]

_PT_DYNAMIC = 2
_DT_TEXTREL, _DT_FLAGS, _DF_TEXTREL = 22, 30, 4


def module_at(case: Case, address: int) -> LoadedModule | None:
    """The module that an address lies in."""
    for module in case.core.modules:
        if module.start <= address < module.end:
            return module
    return None


def load_at(module: LoadedModule, address: int) -> ProgramHeader | None:
    """The segment of the module's file that is mapped at an address."""
    if module.elf is None:
        return None
    page = 0xFFF
    for load in module.elf.loads:
        start = module.load_bias + load.vaddr
        if start & ~page <= address < start + load.memsz:
            return load
    return None


def relocates_text(module: LoadedModule) -> bool:
    """Whether the dynamic linker had to write to code (DT_TEXTREL)."""
    segment = None if module.elf is None else module.elf.segment(_PT_DYNAMIC)
    if module.elf is None or segment is None:
        return False
    elf, size = module.elf, module.elf.pointer_size
    data = bytes(elf.slice(segment.offset, min(segment.filesz, 1 << 14)))
    for at in range(0, len(data) - 2 * size + 1, 2 * size):
        tag = int.from_bytes(data[at : at + size], elf.byte_order)
        value = int.from_bytes(data[at + size : at + 2 * size], elf.byte_order)
        if tag == _DT_TEXTREL or (tag == _DT_FLAGS and value & _DF_TEXTREL):
            return True
    return False


def described(mapping: Mapping | None) -> str:
    """The mapping as evidence shows it."""
    if mapping is None:
        return "nothing is mapped there"
    name = mapping.path or "anonymous memory"
    return f"{mapping.start:#x}-{mapping.end:#x} {mapping.permissions} {name}"
