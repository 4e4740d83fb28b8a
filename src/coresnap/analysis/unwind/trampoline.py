"""Signal frames recognised by the code that the handler returns to.

A signal handler returns to a few instructions that call sigreturn; what the kernel
saved lies at the stack pointer. Layouts: ``setup_rt_frame`` and ``struct sigcontext``
in Linux's ``arch/*/kernel/signal.c`` and ``arch/*/include/uapi/asm/sigcontext.h``;
``struct sigframe`` and ``mcontext_t`` in FreeBSD's
``sys/x86/include/{sigframe,ucontext}.h`` and ``sys/arm64/include/{frame,ucontext}.h``,
whose ``sigcode`` the kernel puts into the page that it shares with programs.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from coresnap.analysis.unwind.step import Apply, Registers
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture

__all__ = ["trampoline_at"]


class _Trampoline(msgspec.Struct, frozen=True, eq=False):
    code: bytes
    place: Callable[[Memory, int], int]
    """From memory and stack pointer to where the saved registers are."""
    registers: tuple[int | None, ...]
    """DWARF numbers of what is saved there, one word each."""
    before: bytes = b""
    """Code before it, where its own may stand elsewhere, too: the handler's call."""


def _at(offset: int) -> Callable[[Memory, int], int]:
    return lambda memory, sp: sp + offset


def _behind(pointer: int, offset: int) -> Callable[[Memory, int], int]:
    """Behind a pointer that is at the stack pointer plus ``pointer``."""
    return lambda memory, sp: memory.read_word(sp + pointer) + offset


_X86_64 = (8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16)
_I386 = (None, None, None, None, 7, 6, 5, 4, 3, 2, 1, 0, None, None, 8)
_AARCH64 = tuple(range(33))
_ARM = tuple(range(16))
_RISCV = (0x10000, *range(1, 32))
_PPC64 = (*range(32), 0x10000, None, None, 66, 65)
_S390X = (64, 65, *range(16))
_AMD64 = (5, 4, 1, 2, 8, 9, 0, 3, 6, *range(10, 16), None, None, None, None, 16)
_AMD64 += (None, None, 7)
"""From mc_rdi on; among them trapno, segments, address and error, and flags."""
_IA32 = (7, 6, 5, None, 3, 2, 1, 0, None, None, 8, None, None, 4)
"""From mc_edi on."""

_TRAMPOLINES: dict[str, tuple[_Trampoline, ...]] = {
    "x86-64": (
        # mov $15, %rax (or %eax); syscall: uc_mcontext is at 40 in the ucontext.
        _Trampoline(bytes.fromhex("48c7c00f0000000f05"), _at(40), _X86_64),
        _Trampoline(bytes.fromhex("b80f0000000f05"), _at(40), _X86_64),
        # FreeBSD: lea 16(%rsp), %rdi; push $0; mov $417, %rax; syscall.
        _Trampoline(
            bytes.fromhex("488d7c24106a0048c7c0a10100000f05"), _at(40), _AMD64
        ),
    ),
    "i386": (
        # rt_sigreturn: signal number, siginfo, ucontext; sigreturn behind a pop.
        _Trampoline(bytes.fromhex("b8ad000000cd80"), _behind(8, 20), _I386),
        _Trampoline(bytes.fromhex("58b877000000cd80"), _at(4), _I386),
        # FreeBSD: call *16(%esp); lea 32(%esp), %eax; push %eax.
        _Trampoline(
            bytes.fromhex("8d44242050"), _at(68), _IA32, bytes.fromhex("ff542410")
        ),
    ),
    "aarch64": (
        # mov x8, #139; svc #0: siginfo, then the ucontext with x0 at 184.
        _Trampoline(bytes.fromhex("681180d2010000d4"), _at(312), _AARCH64),
        # FreeBSD: mov x0, sp; add x0, x0, #80; mov x8, #417; svc #0.
        _Trampoline(
            bytes.fromhex("e003009100400191283480d2010000d4"), _at(96), _AARCH64
        ),
    ),
    "arm": (
        # A32 and T32: mov r7, #173 or #119; svc #0. r0 is at 32 in the ucontext.
        _Trampoline(bytes.fromhex("ad70a0e3000000ef"), _at(160), _ARM),
        _Trampoline(bytes.fromhex("7770a0e3000000ef"), _at(32), _ARM),
        _Trampoline(bytes.fromhex("ad2700df"), _at(160), _ARM),
        _Trampoline(bytes.fromhex("772700df"), _at(32), _ARM),
        _Trampoline(bytes.fromhex("4ff0ad0700df"), _at(160), _ARM),
        _Trampoline(bytes.fromhex("4ff0770700df"), _at(32), _ARM),
    ),
    "riscv64": (
        # li a7, 139; ecall: siginfo, then the ucontext with pc at 176.
        _Trampoline(bytes.fromhex("9308b00873000000"), _at(304), _RISCV),
    ),
    "ppc64le": (
        # addi r1, r1, 128; li r0, 172; sc: a pointer to pt_regs is in the sigcontext.
        # qemu-user has no addi, and lays out its frame in its own way.
        _Trampoline(bytes.fromhex("80002138ac00003802000044"), _behind(352, 0), _PPC64),
        _Trampoline(bytes.fromhex("ac00003802000044"), _behind(368, 0), _PPC64),
    ),
    "s390x": (
        # svc 173: save area, svc, siginfo, then the ucontext; svc 119: a pointer.
        _Trampoline(bytes.fromhex("0aad"), _at(336), _S390X),
        _Trampoline(bytes.fromhex("0a77"), _behind(168, 0), _S390X),
    ),
}  # fmt: skip
_X32 = (
    # mov $0x40000201, %rax (or %eax); syscall: pointers are short, registers are not.
    _Trampoline(bytes.fromhex("48c7c0010200400f05"), _at(24), _X86_64),
    _Trampoline(bytes.fromhex("b8010200400f05"), _at(24), _X86_64),
)

_LONGEST = 16
"""Bytes of a trampoline's code."""


def trampoline_at(
    pc: int, arch: Architecture, memory: Memory, code_mask: int
) -> Apply | None:
    """What the kernel saved for the code that a signal interrupted.

    None if ``pc`` is not the first instruction of a sigreturn trampoline.
    """
    known = _X32 if arch.name == "x32" else _TRAMPOLINES.get(arch.name, ())
    if not known:
        return None
    code = memory.read_some(pc, _LONGEST)
    for trampoline in known:
        before = trampoline.before
        if code.startswith(trampoline.code) and (
            not before or memory.read_some(pc - len(before), len(before)) == before
        ):
            return _compile(trampoline, arch, memory, code_mask)
    return None


def _compile(
    trampoline: _Trampoline, arch: Architecture, memory: Memory, code_mask: int
) -> Apply:
    pc, sp = arch.program_counter, arch.stack_pointer
    # A slot is as wide as a register, which on x32 is wider than a pointer.
    size = arch.layout.slot_size if arch.layout is not None else arch.pointer_size

    def apply(registers: Registers, full: bool) -> tuple[int, Registers, bool]:
        own = registers.get(sp, 0)
        place = trampoline.place(memory, own)
        count = len(trampoline.registers)
        data = memory.read(place & arch.pointer_mask, size * count)
        caller = {
            number: int.from_bytes(data[size * i : size * i + size], arch.byte_order)
            for i, number in enumerate(trampoline.registers)
            if number is not None
        }
        caller[pc] &= code_mask
        return own, caller, True

    return apply
