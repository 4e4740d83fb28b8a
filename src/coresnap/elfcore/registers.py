"""Architectures as data: register numbers, names, and how the kernel dumps them.

Numbers are DWARF's: System V psABI of x86-64 (fig. 3.36), i386 (table 2.14), AADWARF64,
AADWARF32, RISC-V DWARF, 64-bit ELF V2 for Power, s390x ABI. The program counter has no
DWARF number on some machines; ``program_counter`` is then a number of our own, above
0xFFFF. The layout of ``pr_reg`` is user_regs_struct or its like in the kernel's
``arch/*/include/uapi/asm/ptrace.h``.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping, Set

import msgspec

from coresnap.elfcore.elfheader import ByteOrder, ElfHeader

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "RegisterLayout",
    "architecture_of",
    "choose_architecture",
]

_OWN_PC = 0x10000


class RegisterLayout(msgspec.Struct, frozen=True, eq=False):
    """``pr_reg``: one register per slot."""

    slot_size: int
    slots: tuple[int | None, ...]
    """DWARF number for each slot; None: not a register that we keep."""

    @property
    def size(self) -> int:
        """Bytes of ``pr_reg``."""
        return self.slot_size * len(self.slots)

    def read(
        self, data: bytes | memoryview, offset: int, byte_order: ByteOrder
    ) -> dict[int, int]:
        """Register number to unsigned value; slots beyond ``data`` are left out."""
        count = min(len(self.slots), max(0, len(data) - offset) // self.slot_size)
        code = {4: "I", 8: "Q"}[self.slot_size]
        prefix = ">" if byte_order == "big" else "<"
        if count == 0:
            return {}
        values = struct.unpack_from(f"{prefix}{count}{code}", data, offset)
        return {
            number: value
            for number, value in zip(self.slots, values, strict=False)
            if number is not None
        }


class Architecture(msgspec.Struct, frozen=True, eq=False, dict=True):
    """One machine, at one class and byte order."""

    name: str
    machine: int
    """EM_* of the ELF header."""
    pointer_size: int
    byte_order: ByteOrder
    register_names: Mapping[int, str]
    """DWARF number to the assembler's name, vector registers included."""
    general_registers: frozenset[int]
    """Those of a register dump: not the vector registers."""
    program_counter: int
    stack_pointer: int
    frame_pointer: int
    return_address: int
    """DWARF column that CFI uses for the return address: the link register, or a
    number of its own."""
    callee_saved: frozenset[int]
    """What a function gives back unchanged: same value where CFI says nothing."""
    layout: RegisterLayout | None
    """None: the machine is known by name only."""
    return_address_on_stack: bool = False
    """A call pushes it, so that at a function's first instruction it is at [sp]."""
    cfa_is_stack_pointer: bool = True
    """The caller's stack pointer is the CFA where CFI says nothing."""
    save_area: int = 0
    """Bytes between the caller's stack pointer and the CFA."""
    prstatus_align: int = 4
    """Alignment of a 32-bit int in elf_prstatus (2 on m68k)."""

    @functools.cached_property
    def pointer_mask(self) -> int:
        """All bits of an address."""
        return (1 << 8 * self.pointer_size) - 1

    @functools.cached_property
    def numbers(self) -> Mapping[str, int]:
        """Register name to DWARF number."""
        return {name: number for number, name in self.register_names.items()}

    @property
    def is_x86(self) -> bool:
        """Whether instructions are those of x86."""
        return self.machine in (_EM_386, _EM_X86_64)

    @functools.cached_property
    def family(self) -> str:
        """Whose instructions it has: ``x86``, ``aarch64``, ``arm``, ``riscv``,
        ``ppc64``, ``s390x``; empty where we don't know them."""
        return _FAMILIES.get(self.machine, "")

    @functools.cached_property
    def code_mask(self) -> int:
        """The bits of a return address that are its address: on ARM the lowest says
        that the code is Thumb, on AArch64 the highest may authenticate it."""
        if self.machine == _EM_AARCH64:
            return (1 << _AARCH64_ADDRESS_BITS) - 1
        return self.pointer_mask & (~1 if self.machine == _EM_ARM else -1)

    @functools.cached_property
    def stack_slot(self) -> int:
        """Bytes that a push takes: on x32 more than a pointer has."""
        return self.layout.slot_size if self.layout is not None else self.pointer_size


_EM_386, _EM_68K, _EM_PPC64, _EM_S390 = 3, 4, 21, 22
_EM_ARM, _EM_X86_64, _EM_AARCH64, _EM_RISCV = 40, 62, 183, 243
_AARCH64_ADDRESS_BITS = 48
_FAMILIES = {
    _EM_386: "x86",
    _EM_X86_64: "x86",
    _EM_AARCH64: "aarch64",
    _EM_ARM: "arm",
    _EM_RISCV: "riscv",
    _EM_PPC64: "ppc64",
    _EM_S390: "s390x",
}


def _names(text: str, first: int = 0) -> dict[int, str]:
    return {first + index: name for index, name in enumerate(text.split())}


def _family(prefix: str, count: int, first: int) -> dict[int, str]:
    return {first + index: f"{prefix}{index}" for index in range(count)}


def _layout(names: Mapping[int, str], slot_size: int, text: str) -> RegisterLayout:
    numbers = {name: number for number, name in names.items()}
    return RegisterLayout(slot_size, tuple(numbers.get(n) for n in text.split()))


def _numbers(names: Mapping[int, str], text: str) -> frozenset[int]:
    return frozenset(n for n, name in names.items() if name in text.split())


_X86_64_GENERAL = {
    **_names("rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip"),
    49: "rflags",
    **_names("es cs ss ds fs gs", 50),
    58: "fs.base",
    59: "gs.base",
}
_X86_64_LAYOUT = _layout(
    _X86_64_GENERAL,
    8,
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs rflags"
    " rsp ss fs.base gs.base ds es fs gs",
)


def _x86_64(name: str, pointer_size: int) -> Architecture:
    return Architecture(
        name,
        _EM_X86_64,
        pointer_size,
        "little",
        {**_X86_64_GENERAL, **_family("xmm", 16, 17)},
        frozenset(_X86_64_GENERAL),
        program_counter=16,
        stack_pointer=7,
        frame_pointer=6,
        return_address=16,
        callee_saved=_numbers(_X86_64_GENERAL, "rbx rbp r12 r13 r14 r15"),
        layout=_X86_64_LAYOUT,
        return_address_on_stack=True,
    )


def _i386() -> Architecture:
    general = {
        **_names("eax ecx edx ebx esp ebp esi edi eip eflags"),
        **_names("es cs ss ds fs gs", 40),
    }
    return Architecture(
        "i386",
        _EM_386,
        4,
        "little",
        {**general, **_family("xmm", 8, 21), 94: "gs.base"},
        frozenset(general),
        program_counter=8,
        stack_pointer=4,
        frame_pointer=5,
        return_address=8,
        callee_saved=_numbers(general, "ebx ebp esi edi"),
        layout=_layout(
            general,
            4,
            "ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss",
        ),
        return_address_on_stack=True,
    )


def _aarch64(byte_order: ByteOrder) -> Architecture:
    general = {**_family("x", 31, 0), 31: "sp", 32: "pc"}
    return Architecture(
        "aarch64" if byte_order == "little" else "aarch64_be",
        _EM_AARCH64,
        8,
        byte_order,
        {**general, **_family("v", 32, 64), 36: "tpidr"},
        frozenset(general),
        program_counter=32,
        stack_pointer=31,
        frame_pointer=29,
        return_address=30,
        callee_saved=frozenset(range(19, 30)) | frozenset(range(72, 80)),
        layout=RegisterLayout(8, (*range(33), None)),
    )


def _arm() -> Architecture:
    general = {**_family("r", 13, 0), 13: "sp", 14: "lr", 15: "pc", 128: "spsr"}
    return Architecture(
        "arm",
        _EM_ARM,
        4,
        "little",
        {**general, **_family("d", 32, 256)},
        frozenset(general),
        program_counter=15,
        stack_pointer=13,
        frame_pointer=11,
        return_address=14,
        callee_saved=frozenset(range(4, 12)) | frozenset(range(264, 272)),
        layout=RegisterLayout(4, (*range(16), 128, None)),
    )


def _riscv64() -> Architecture:
    general = {
        **_names(
            "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7"
            " s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
        ),
        _OWN_PC: "pc",
    }
    return Architecture(
        "riscv64",
        _EM_RISCV,
        8,
        "little",
        general,
        frozenset(general),
        program_counter=_OWN_PC,
        stack_pointer=2,
        frame_pointer=8,
        return_address=1,
        callee_saved=_numbers(general, "s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 gp tp"),
        layout=RegisterLayout(8, (_OWN_PC, *range(1, 32))),
    )


def _ppc64le() -> Architecture:
    general = {
        **_family("r", 32, 0),
        65: "lr",
        66: "ctr",
        _OWN_PC: "nip",
        _OWN_PC + 1: "msr",
        _OWN_PC + 2: "xer",
        _OWN_PC + 3: "cr",
    }
    return Architecture(
        "ppc64le",
        _EM_PPC64,
        8,
        "little",
        general,
        frozenset(general),
        program_counter=_OWN_PC,
        stack_pointer=1,
        frame_pointer=31,
        return_address=65,
        callee_saved=frozenset(range(14, 32)) | {2},
        layout=RegisterLayout(
            8,
            (
                *range(32),
                *(_OWN_PC, _OWN_PC + 1, None, 66, 65, _OWN_PC + 2, _OWN_PC + 3),
                *(None,) * 9,
            ),
        ),
    )


_S390_FLOATS = "f0 f2 f4 f6 f1 f3 f5 f7 f8 f10 f12 f14 f9 f11 f13 f15"


def _s390x() -> Architecture:
    general = {**_family("r", 16, 0), 64: "pswm", 65: "pswa"}
    return Architecture(
        "s390x",
        _EM_S390,
        8,
        "big",
        {**general, **_names(_S390_FLOATS, 16)},
        frozenset(general),
        program_counter=65,
        stack_pointer=15,
        frame_pointer=11,
        return_address=14,
        callee_saved=frozenset((*range(6, 16), *range(24, 32))),
        layout=RegisterLayout(8, (64, 65, *range(16), *(None,) * 9)),
        cfa_is_stack_pointer=False,
        save_area=160,
    )


def _m68k() -> Architecture:
    general = {**_family("d", 8, 0), **_family("a", 8, 8), 24: "pc"}
    return Architecture(
        "m68k",
        _EM_68K,
        4,
        "big",
        general,
        frozenset(general),
        program_counter=24,
        stack_pointer=15,
        frame_pointer=14,
        return_address=24,
        callee_saved=frozenset((*range(2, 8), *range(10, 15))),
        # arch/m68k/include/asm/elf.h, ELF_CORE_COPY_REGS
        layout=RegisterLayout(
            4, (*range(1, 8), *range(8, 15), 0, 15, None, None, 24, None)
        ),
        return_address_on_stack=True,
        prstatus_align=2,
    )


ARCHITECTURES: tuple[Architecture, ...] = (
    _x86_64("x86-64", 8),
    _i386(),
    _aarch64("little"),
    _aarch64("big"),
    _x86_64("x32", 4),
    _arm(),
    _riscv64(),
    _ppc64le(),
    _s390x(),
    _m68k(),
)


def architecture_of(
    machine: int, pointer_size: int, byte_order: ByteOrder
) -> Architecture:
    """Find the architecture; one without registers for a machine that we don't know."""
    for known in ARCHITECTURES:
        key = (known.machine, known.pointer_size, known.byte_order)
        if key == (machine, pointer_size, byte_order):
            return known
    return Architecture(
        f"machine {machine}",
        machine,
        pointer_size,
        byte_order,
        {},
        frozenset(),
        program_counter=_OWN_PC,
        stack_pointer=_OWN_PC + 1,
        frame_pointer=_OWN_PC + 2,
        return_address=_OWN_PC,
        callee_saved=frozenset(),
        layout=None,
    )


def choose_architecture(
    header: ElfHeader, sizes: Set[int], status_size: Callable[[Architecture], int]
) -> tuple[Architecture, str | None]:
    """The architecture whose registers the threads have, and a problem if e_machine
    says something else.

    ``sizes`` are those of the threads' status notes, ``status_size`` what one has on
    an architecture: 0 if that is not known.
    """
    claimed = architecture_of(header.machine, header.pointer_size, header.byte_order)
    if not sizes or status_size(claimed) in sizes:
        return claimed, None
    for known in ARCHITECTURES:
        same = (known.pointer_size, known.byte_order) == (
            header.pointer_size,
            header.byte_order,
        )
        size = status_size(known)
        if same and size and size in sizes:
            return known, (
                f"the ELF header says {claimed.name}, but the threads have registers"
                f" of {known.name}: taken as {known.name}"
            )
    return claimed, None
