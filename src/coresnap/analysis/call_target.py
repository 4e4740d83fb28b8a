"""Which library function a call leads to, by the name that the linker was given.

The C library chooses among several functions for one name when the program starts
(STT_GNU_IFUNC): a stripped library has no names for those. But the caller's module has
the name, in the relocation of the slot that the call goes through. Stubs: System V
psABI of x86-64, "Procedure Linkage Table"; AArch64: ``adrp``, ``ldr``, ``add``, ``br``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coresnap.elfcore.elffile import SHT_DYNSYM, ElfFile, string_at

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import CoreFile, LoadedModule

__all__ = ["called_name"]

_MOST_RELOCATIONS = 1 << 18
_SYMBOL_SIZE = 24
_RELOCATION_SIZE = 24
_STUB_SIZE = 16
_ENDBR64 = b"\xf3\x0f\x1e\xfa"


def called_name(core: CoreFile, return_address: int) -> str | None:
    """Name of the function that the call before ``return_address`` was bound to.

    None for calls that go through no slot, and for machines that are not known.
    """
    if core.architecture.name == "x86-64":
        slot = _x86_slot(core, return_address)
    elif core.architecture.name == "aarch64" and core.memory.byte_order == "little":
        slot = _aarch64_slot(core, return_address)
    else:
        return None
    for module in core.modules:
        if slot is not None and module.start <= slot < module.end:
            return _name_of_slot(module, slot - module.load_bias)
    return None


def _x86_slot(core: CoreFile, return_address: int) -> int | None:
    code = core.memory.read_some(return_address - 6, 6)
    if len(code) < 6:
        return None
    displacement = int.from_bytes(code[2:], "little", signed=True)
    if code[:2] == b"\xff\x15":  # call [rip + d]
        return return_address + displacement
    if code[1] != 0xE8:
        return None
    target = return_address + displacement
    stub = core.memory.read_some(target, _STUB_SIZE)
    at = len(_ENDBR64) if stub.startswith(_ENDBR64) else 0
    at += stub[at : at + 1] == b"\xf2"  # bnd
    if stub[at : at + 2] != b"\xff\x25" or len(stub) < at + 6:  # jmp [rip + d]
        return None
    displacement = int.from_bytes(stub[at + 2 : at + 6], "little", signed=True)
    return target + at + 6 + displacement


def _aarch64_slot(core: CoreFile, return_address: int) -> int | None:
    call = int.from_bytes(core.memory.read_some(return_address - 4, 4), "little")
    if call >> 26 != 0b100101:  # bl
        return None
    offset = (call & 0x3FFFFFF) << 2
    offset -= (offset >> 27) << 28
    target = return_address - 4 + offset
    code = core.memory.read_some(target, 8)
    first, second = (int.from_bytes(code[at : at + 4], "little") for at in (0, 4))
    # adrp x16, page; ldr x17, [x16, #offset]
    if first & 0x9F00001F != 0x90000010 or second & 0xFFC003FF != 0xF9400211:
        return None
    pages = (first >> 5 & 0x7FFFF) << 2 | first >> 29 & 3
    pages -= (pages >> 20) << 21
    return (target & ~0xFFF) + (pages << 12) + ((second >> 10 & 0xFFF) << 3)


def _name_of_slot(module: LoadedModule, offset: int) -> str | None:
    elf = module.elf
    if elf is None:
        return None
    wanted = offset.to_bytes(8, elf.byte_order)
    for name in (".rela.plt", ".rela.dyn"):
        section = elf.section(name)
        if section is None:
            continue
        size = _MOST_RELOCATIONS * _RELOCATION_SIZE
        data = bytes(elf.section_data(section)[:size])
        at = data.find(wanted)
        while at >= 0 and at % _RELOCATION_SIZE:
            at = data.find(wanted, at + 1)
        if at >= 0:
            info = int.from_bytes(data[at + 8 : at + 16], elf.byte_order)
            return _dynamic_name(elf, info >> 32)
    return None


def _dynamic_name(elf: ElfFile, index: int) -> str | None:
    for section in elf.sections:
        if section.type == SHT_DYNSYM and section.link < len(elf.sections):
            row = elf.section_data(section)[index * _SYMBOL_SIZE :][:4]
            strings = elf.section_data(elf.sections[section.link])
            offset = int.from_bytes(row, elf.byte_order)
            return string_at(strings, offset) or None
    return None
