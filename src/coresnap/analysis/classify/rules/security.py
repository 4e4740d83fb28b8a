"""What protects a process and did not hold: permissions of memory, the stack."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.module_code import (
    described,
    load_at,
    module_at,
    relocates_text,
)
from coresnap.analysis.classify.rule import HINT, PROBABLE, STRONG, Rule
from coresnap.analysis.signals import is_fault
from coresnap.model import Classifier, Mapping

__all__ = ["RULES"]

_PF_X, _PF_W = 1, 2
_PT_GNU_STACK = 0x6474E551
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
            module = module_at(case, mapping.start)
            load = None if module is None else load_at(module, mapping.start)
            if module is None or load is None or module.elf is None:
                continue
            if not load.flags & _PF_W or not load.flags & _PF_X:
                text = f"code of {module.path} that can be written"
                yield _writable(case, mapping, STRONG, text)
            elif not relocates_text(module):
                text = f"code of {module.path} that can be written, as it was linked"
                yield _writable(case, mapping, HINT, text)


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
        evidence = (f"stack pointer {pointer:#x}", described(mapping))
        summary = f"had its stack pointer in {what}"
        yield Classifier(
            "security.pivot", sure, evidence, case.tid, pointer, summary=summary
        )


def _writable(case: Case, mapping: Mapping, sure: str, what: str) -> Classifier:
    return Classifier(
        "security.wx",
        sure,
        (described(mapping),),
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


RULES: tuple[Rule, ...] = (WritableAndExecutable(), PivotedStack())
