"""Code, and pointers to code, that are not what the modules' files say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.module_code import (
    described,
    load_at,
    module_at,
    relocates_text,
)
from coresnap.analysis.classify.rule import PROBABLE, STRONG, Rule
from coresnap.analysis.signals import is_fault
from coresnap.model import Classifier, Mapping

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import LoadedModule
    from coresnap.elfcore.elfheader import ProgramHeader

__all__ = ["RULES"]

_PF_W = 2
_BREAKPOINT = 0xCC
_MOST_MODULES = 256
_MOST_TEXT = 1 << 28
"""Bytes of text that are compared."""
_MOST_SLOTS = 1 << 15
_MOST_SHOWN = 16
_STEP = 1 << 20


class ChangedText(Rule):
    """Code in the core differs from the file with the same build-id: someone wrote to
    it. Breakpoints, and libraries that are linked with relocated text, do not count."""

    names = ("security.text",)
    confidence = (STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from pages of code that the core holds."""
        left = _MOST_TEXT
        for module in case.core.modules[:_MOST_MODULES]:
            if module.elf is None or module.build_id is None:
                continue
            if module.build_id != module.file_build_id or relocates_text(module):
                continue
            for mapping in _code_of(case, module):
                load = load_at(module, mapping.start)
                left -= mapping.stored
                if left < 0:
                    return
                if load is not None and not load.flags & _PF_W:
                    yield from _differences(case, module, load, mapping)


class RedirectedCall(Rule):
    """A slot through which a module calls functions of others (its GOT) leads to memory
    that belongs to no module."""

    names = ("security.got",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the relocations of the modules' files, after a fault."""
        if case.signal is None or not is_fault(case.signal.name):
            return
        left = _MOST_SLOTS
        for module in case.core.modules[:_MOST_MODULES]:
            for slot, value in _slots(case, module, left):
                left -= 1
                if value and _is_data(case, value):
                    evidence = (
                        f"slot {slot:#x} of {module.path} holds {value:#x}",
                        described(case.core.memory.find_mapping(value)),
                    )
                    summary = "had a pointer to a library function overwritten"
                    yield Classifier(
                        "security.got",
                        STRONG,
                        evidence,
                        case.tid,
                        slot,
                        summary=summary,
                    )
            if left <= 0:
                return


def _code_of(case: Case, module: LoadedModule) -> Iterator[Mapping]:
    """Mappings of the module's code of which the core holds something. Part of a file
    may be mapped by itself, with anything behind it."""
    for mapping in case.core.mappings:
        inside = module.start <= mapping.start and mapping.end <= module.end
        code = mapping.permissions[2] == "x" and mapping.path == module.path
        if inside and code and mapping.stored:
            yield mapping


def _differences(
    case: Case, module: LoadedModule, load: ProgramHeader, mapping: Mapping
) -> Iterator[Classifier]:
    start = module.load_bias + load.vaddr
    first, last = max(start, mapping.start), min(start + load.filesz, mapping.end)
    changed: list[tuple[int, int, int]] = []
    for address, view in case.core.memory.stored_views(first, last):
        for at in range(0, len(view), _STEP):
            offset = load.offset + address + at - start
            own = view[at : at + _STEP]
            other = _file_bytes(module, offset, len(own))
            if len(other) == len(own) and own != other:
                changed += _bytes_that_differ(bytes(own), bytes(other), address + at)
            if len(changed) > _MOST_SHOWN:
                break
    real = [one for one in changed if one[1] != _BREAKPOINT]
    if not real:
        return
    evidence = tuple(
        f"{address:#x}: {now:#04x} in the core, {then:#04x} in the file"
        for address, now, then in real[:4]
    )
    summary = f"ran code of {module.path} that differs from its file"
    yield Classifier(
        "security.text",
        STRONG if len(real) > 1 else PROBABLE,
        evidence,
        None,
        real[0][0],
        summary=summary,
    )


def _file_bytes(module: LoadedModule, offset: int, size: int) -> memoryview:
    return memoryview(b"") if module.elf is None else module.elf.slice(offset, size)


def _bytes_that_differ(
    own: bytes, other: bytes, address: int
) -> list[tuple[int, int, int]]:
    """(address, in the core, in the file) of the first bytes that differ."""
    found = []
    for page in range(0, len(own), 4096):
        if own[page : page + 4096] == other[page : page + 4096]:
            continue
        for at in range(page, min(page + 4096, len(own))):
            if own[at] != other[at]:
                found.append((address + at, own[at], other[at]))
                if len(found) > _MOST_SHOWN:
                    return found
    return found


def _slots(case: Case, module: LoadedModule, most: int) -> Iterator[tuple[int, int]]:
    """(address, value) of the slots that .rela.plt or .rel.plt relocates."""
    elf = module.elf
    if elf is None or module.build_id != module.file_build_id:
        return
    size = elf.pointer_size
    for name, words in ((".rela.plt", 3), (".rel.plt", 2)):
        section = elf.section(name)
        if section is None:
            continue
        data = bytes(elf.section_data(section)[: most * words * size])
        for at in range(0, len(data) - words * size + 1, words * size):
            offset = int.from_bytes(data[at : at + size], elf.byte_order)
            slot = module.load_bias + offset
            value = case.core.memory.read_some(slot, size)
            if module.start <= slot < module.end and len(value) == size:
                yield slot, int.from_bytes(value, elf.byte_order)


def _is_data(case: Case, address: int) -> bool:
    """Whether the address is certainly no code: unmapped, or not executable."""
    if module_at(case, address) is not None:
        return False
    mapping = case.core.memory.find_mapping(address)
    return mapping is None or mapping.permissions[2] == "-"


RULES: tuple[Rule, ...] = (ChangedText(), RedirectedCall())
