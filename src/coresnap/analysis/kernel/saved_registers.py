"""The registers that a kernel saved, in struct pcb and in struct trapframe.

``sys/amd64/include/pcb.h``, ``sys/i386/include/pcb.h``, ``sys/arm64/include/pcb.h``;
``sys/x86/include/frame.h``, ``sys/arm64/include/frame.h``. On arm64 ``pcb_x`` held 30
registers at first, and holds those from x19 on since a thread switch saves no others.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.kernel.structures import Layout
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture

__all__ = ["MACHINES", "context_registers", "trapped_registers"]

_CONTEXT = {
    "x86-64": "r15 r14 r13 r12 rbp rsp rbx rip",
    "i386": "edi esi ebp esp ebx eip",
}
_TRAPPED = {
    "x86-64": "rdi rsi rdx rcx r8 r9 rax rbx rbp r10 r11 r12 r13 r14 r15 rip rsp",
    "i386": "edi esi ebp ebx edx ecx eax eip esp",
}
MACHINES = frozenset({*_CONTEXT, "aarch64"})
"""Whose registers are known here."""
_LINK = 30
_FIRST_SAVED = 19
"""Registers that a function gives back unchanged begin with this one on arm64."""


def context_registers(
    layout: Layout, memory: Memory, address: int, architecture: Architecture
) -> dict[int, int]:
    """Return what the struct pcb at ``address`` holds, by DWARF number."""
    if architecture.name == "aarch64":
        return dict(_arm64_context(layout, memory, address, architecture))
    names = _CONTEXT.get(architecture.name, "").split()
    return _named(layout, memory, address, architecture, "pcb", names)


def trapped_registers(
    layout: Layout, memory: Memory, address: int, architecture: Architecture
) -> dict[int, int]:
    """Return what the struct trapframe at ``address`` holds, by DWARF number."""
    if architecture.name == "aarch64":
        return dict(_arm64_trapped(layout, memory, address, architecture))
    names = _TRAPPED.get(architecture.name, "").split()
    return _named(layout, memory, address, architecture, "tf", names)


def _named(
    layout: Layout,
    memory: Memory,
    address: int,
    architecture: Architecture,
    prefix: str,
    names: list[str],
) -> dict[int, int]:
    found: dict[int, int] = {}
    for name in names:
        value = layout.number(memory, address, f"{prefix}_{name}")
        if value is not None:
            found[architecture.numbers[name]] = value
    return found


def _arm64_context(
    layout: Layout, memory: Memory, address: int, architecture: Architecture
) -> Iterator[tuple[int, int]]:
    values = layout.words(memory, address, "pcb_x")
    first = 0 if len(values) > _LINK - _FIRST_SAVED + 1 else _FIRST_SAVED
    saved = {first + at: value for at, value in enumerate(values)}
    for name in ("pcb_lr", "pcb_pc"):
        value = layout.number(memory, address, name)
        if value:
            saved[_LINK] = value
    yield from saved.items()
    pointer = layout.number(memory, address, "pcb_sp")
    if pointer is not None and _LINK in saved:
        yield architecture.stack_pointer, pointer
        # It goes on behind the call of what saved it.
        yield architecture.program_counter, saved[_LINK]


def _arm64_trapped(
    layout: Layout, memory: Memory, address: int, architecture: Architecture
) -> Iterator[tuple[int, int]]:
    yield from enumerate(layout.words(memory, address, "tf_x"))
    for name, number in (
        ("tf_lr", _LINK),
        ("tf_sp", architecture.stack_pointer),
        ("tf_elr", architecture.program_counter),
    ):
        value = layout.number(memory, address, name)
        if value is not None:
            yield number, value
