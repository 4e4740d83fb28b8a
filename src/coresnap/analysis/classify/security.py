"""What protects a process and did not hold: changed code, pointers that lead out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import HINT, PROBABLE, STRONG, Rule
from coresnap.analysis.signals import is_fault
from coresnap.model import Classifier, Mapping

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import LoadedModule
    from coresnap.elfcore.elfheader import ProgramHeader

__all__ = ["RULES"]

_PF_X, _PF_W = 1, 2
_PT_DYNAMIC, _PT_GNU_STACK = 2, 0x6474E551
_DT_TEXTREL, _DT_FLAGS, _DF_TEXTREL = 22, 30, 4
_BREAKPOINT = 0xCC
_MOST_MODULES = 256
_MOST_TEXT = 1 << 28
"""Bytes of text that are compared."""
_MOST_SLOTS = 1 << 15
_MOST_SHOWN = 16
_STEP = 1 << 20
_STACK_REACH = 1 << 20
"""A stack pointer so far below a stack belongs to it: it overflowed."""


class WritableAndExecutable(Rule):
    """A part of an executable or library can be written and executed, though its file
    does not ask for it. Anonymous memory of the kind belongs to compilers at run time
    and is not looked at."""

    names = ("security.wx",)
    confidence = (STRONG, HINT)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the permissions of mappings and of program headers."""
        for mapping in case.core.mappings:
            if mapping.permissions != "rwx":
                continue
            if mapping.path == "[stack]":
                if _wants_plain_stack(case):
                    yield _writable(case, mapping, HINT, "a stack that can be executed")
                continue
            module = _module_at(case, mapping.start)
            load = None if module is None else _load_at(module, mapping.start)
            if module is None or load is None or module.elf is None:
                continue
            if not load.flags & _PF_W or not load.flags & _PF_X:
                text = f"code of {module.path} that can be written"
                yield _writable(case, mapping, STRONG, text)
            elif not _relocates_text(module):
                text = f"code of {module.path} that can be written, as it was linked"
                yield _writable(case, mapping, HINT, text)


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
            if module.build_id != module.file_build_id or _relocates_text(module):
                continue
            for mapping in _code_of(case, module):
                load = _load_at(module, mapping.start)
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
                        _place(case.core.memory.find_mapping(value)),
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


class PivotedStack(Rule):
    """The stack pointer of the crashed thread leads to a module's data or to read-only
    memory: no stack is there, unless the program made one itself."""

    names = ("security.pivot",)
    confidence = (PROBABLE, HINT)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it after a fault, where no overflow explains it."""
        signal, stacks = case.signal, case.stacks
        if signal is None or not is_fault(signal.name):
            return
        if not stacks or not stacks[0].frames:
            return
        number = case.core.architecture.stack_pointer
        pointer = stacks[0].frames[0].registers.get(number)
        mapping = None if pointer is None else case.core.memory.find_mapping(pointer)
        if pointer is None or mapping is None or mapping.permissions == "???":
            return
        if _belongs_to_stack(case, pointer):
            return
        if mapping.permissions[1] == "-":
            sure, what = PROBABLE, "memory that cannot be written"
        elif (mapping.path or "").startswith("/"):
            sure, what = HINT, f"data of {mapping.path}"
        else:
            return
        evidence = (f"stack pointer {pointer:#x}", _place(mapping))
        summary = f"had its stack pointer in {what}"
        yield Classifier(
            "security.pivot", sure, evidence, case.tid, pointer, summary=summary
        )


def _writable(case: Case, mapping: Mapping, sure: str, what: str) -> Classifier:
    return Classifier(
        "security.wx",
        sure,
        (_place(mapping),),
        None,
        mapping.start,
        summary=f"had {what}",
    )


def _wants_plain_stack(case: Case) -> bool:
    """Whether the executable says that its stack need not be executable. Libraries may
    want it otherwise, and those without a word get what the machine's default is."""
    executable = case.core.executable
    elf = None if executable is None else executable.elf or executable.image
    header = None if elf is None else elf.segment(_PT_GNU_STACK)
    return header is not None and not header.flags & _PF_X


def _module_at(case: Case, address: int) -> LoadedModule | None:
    for module in case.core.modules:
        if module.start <= address < module.end:
            return module
    return None


def _load_at(module: LoadedModule, address: int) -> ProgramHeader | None:
    if module.elf is None:
        return None
    page = 0xFFF
    for load in module.elf.loads:
        start = module.load_bias + load.vaddr
        if start & ~page <= address < start + load.memsz:
            return load
    return None


def _relocates_text(module: LoadedModule) -> bool:
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
    if _module_at(case, address) is not None:
        return False
    mapping = case.core.memory.find_mapping(address)
    return mapping is None or mapping.permissions[2] == "-"


def _belongs_to_stack(case: Case, pointer: int) -> bool:
    """Whether a stack is at the address, or right above it: then it overflowed."""
    for mapping in case.core.mappings:
        if mapping.path == "[stack]" and (
            mapping.start - _STACK_REACH <= pointer < mapping.end
        ):
            return True
    # A thread's guard pages lie below anonymous memory that can be written.
    above = case.core.memory.find_mapping(pointer | 0xFFFF)
    own = case.core.memory.find_mapping(pointer)
    if own is not None and own.path is None and own.permissions.startswith("---"):
        return True
    return above is not None and above.path is None and above.permissions[1] == "w"


def _place(mapping: Mapping | None) -> str:
    if mapping is None:
        return "nothing is mapped there"
    name = mapping.path or "anonymous memory"
    return f"{mapping.start:#x}-{mapping.end:#x} {mapping.permissions} {name}"


RULES: tuple[Rule, ...] = (
    WritableAndExecutable(),
    ChangedText(),
    RedirectedCall(),
    PivotedStack(),
)
