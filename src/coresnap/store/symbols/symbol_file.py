"""What a file that was sent as symbols is, by its own bytes.

They are anybody's: this runs where a crash or a hang costs nothing but the answer.
"""

from __future__ import annotations

import re
from typing import BinaryIO

import msgspec
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

from coresnap.errors import InputError

__all__ = ["SymbolFile", "read_symbol_file"]

_BUILD_ID = re.compile(r"(?:[0-9a-f]{2}){3,64}")
_MOST_SECTIONS = 4096
_REMEDY = (
    "Send executables, libraries or debug files that were linked with --build-id:"
    " `readelf -n FILE` shows it."
)


class SymbolFile(msgspec.Struct, frozen=True):
    """An ELF file that can be found by its build-id."""

    build_id: str
    """Hex digits."""
    kind: str
    """``executable``: it has its code; ``debuginfo``: what was stripped from one."""
    machine: str
    """``EM_X86_64``, …"""
    has_debug_information: bool


def read_symbol_file(stream: BinaryIO) -> SymbolFile:
    """Say what the ELF file in ``stream`` is; raises InputError if it is of no use."""
    try:
        elf = ELFFile(stream)
        if elf.num_sections() > _MOST_SECTIONS:
            raise InputError(f"the file has more than {_MOST_SECTIONS} sections")
        return _described(elf)
    # pyelftools trusts offsets: construct, struct and its own asserts raise all sorts.
    except (ELFError, ValueError, KeyError, AssertionError, OverflowError) as error:
        raise InputError(
            f"the file is no ELF file, or a damaged one: {error}", remedy=_REMEDY
        ) from error


def _described(elf: ELFFile) -> SymbolFile:
    build_id = _build_id(elf)
    if build_id is None:
        raise InputError("the file has no build-id", remedy=_REMEDY)
    text = elf.get_section_by_name(".text")
    is_stripped = text is not None and text["sh_type"] == "SHT_NOBITS"
    names = (".debug_info", ".zdebug_info")
    return SymbolFile(
        build_id=build_id,
        kind="debuginfo" if is_stripped or text is None else "executable",
        machine=str(elf["e_machine"]),
        has_debug_information=any(elf.get_section_by_name(name) for name in names),
    )


def _build_id(elf: ELFFile) -> str | None:
    for section in elf.iter_sections():
        if not isinstance(section, NoteSection):
            continue
        for note in section.iter_notes():
            if note["n_type"] == "NT_GNU_BUILD_ID":
                found = str(note["n_desc"]).lower()
                return found if _BUILD_ID.fullmatch(found) else None
    return None
