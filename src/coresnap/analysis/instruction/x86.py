"""Memory accesses of x86 instructions, those that no operand shows included.

Intel SDM, volume 2. Capstone 5 calls many stores reads (movups, fstp, cmpxchg …), so
that what an operand is for is told by its place: the first one is the destination.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.instruction.disassembler import Decoded, Operand
from coresnap.analysis.instruction.machine import Machine, signed
from coresnap.model import Access

__all__ = ["accesses", "alignment", "divides", "is_privileged", "repeats"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SILENT = ("prefetch", "nop", "lea", "cldemote", "bndmk", "invlpg", "endbr", "ud")
"""Their memory operand is not accessed; ``leave`` has none."""
_FIRST_IS_READ = _words(
    "cmp test bt push call lcall jmp ljmp div idiv mul imul cmpsb cmpsw cmpsd cmpsq"
    " lodsb lodsw lodsd lodsq outsb outsw outsd clflush clflushopt clwb ldmxcsr"
    " vldmxcsr lgdt lidt lldt ltr lmsw verr verw xrstor xrstor64 xrstors xrstors64"
    " fxrstor fxrstor64 ptwrite vmptrld vmclear"
)
_FLOAT_STORES = ("fst", "fist", "fbstp", "fnst", "fnsave", "fsave", "fxsave")
_REPEATED = ("movs", "stos", "lods", "cmps", "scas", "ins", "outs")
_WIDTHS = {"fxsave": 512, "fxsave64": 512, "fxrstor": 512, "fxrstor64": 512}
_UNSIZED = ("xsave", "xrstor", "fnsave", "frstor", "fnstenv", "fldenv")
_PRIVILEGED = _words(
    "hlt cli sti in out insb insw insd outsb outsw outsd rdmsr wrmsr rdpmc lgdt lidt"
    " lldt ltr lmsw clts invd wbinvd invlpg invpcid iretd iretq swapgs sysexit sysexitq"
    " sysret sysretq xsetbv monitor mwait vmcall vmlaunch vmresume vmxon vmxoff"
    " wrssd wrussd wrussq"
)
_ALIGNED = _words("movaps movapd movdqa movntps movntpd movntdq movntdqa cmpxchg16b")
_STRICT_VECTORS = _words(
    "addps addpd subps subpd mulps mulpd divps divpd andps andpd orps orpd xorps xorpd"
    " minps minpd maxps maxpd sqrtps sqrtpd paddb paddw paddd paddq psubb psubw psubd"
    " psubq pand pandn por pxor pcmpeqb pcmpeqw pcmpeqd pcmpgtb pcmpgtw pcmpgtd pshufb"
    " pshufd pmuludq pmulld pminub pmaxub punpcklbw punpckhbw punpcklwd punpckhwd"
    " punpckldq punpckhdq punpcklqdq punpckhqdq packsswb packssdw packuswb unpcklps"
    " unpckhps unpcklpd unpckhpd shufps shufpd cvtdq2ps cvtps2dq cvttps2dq"
)
"""Legacy SSE: a 16-byte memory operand has to be aligned, the AVX forms' has not."""
_LANES = {"d": 4, "q": 8}


def accesses(decoded: Decoded, machine: Machine) -> tuple[Access, ...]:
    """All of them; none for a repeated instruction that has nothing left to do."""
    if repeats(decoded) and machine.value(_counter(decoded, machine)) == 0:
        return ()
    found = list(_explicit(decoded, machine))
    stack = _stack(decoded, machine)
    if decoded.mnemonic.startswith("pop"):
        return (*stack, *found)
    return (*found, *stack, *_hidden(decoded, machine))


def repeats(decoded: Decoded) -> bool:
    """Whether it is a string instruction that runs (e/r)cx times."""
    prefix = decoded.prefixes[:1]
    name = decoded.mnemonic.rpartition(" ")[2]
    return prefix in (b"\xf3", b"\xf2") and name.startswith(_REPEATED)


def alignment(decoded: Decoded, access: Access) -> int:
    """Bytes that the access has to be aligned to; 1 if it need not."""
    name = decoded.mnemonic.rpartition(" ")[2]
    plain = name.removeprefix("v")
    plain = (
        plain[:-2] if plain.startswith("movdqa") and plain[-2:].isdecimal() else plain
    )
    if plain in _ALIGNED or (name in _STRICT_VECTORS and access.width == 16):
        return max(access.width, 1)
    if name.startswith(("fxsave", "fxrstor")):
        return 16
    return 64 if name.startswith(("xsave", "xrstor")) else 1


def divides(decoded: Decoded) -> bool:
    """Whether it can raise a divide error: x86 knows it for ``div`` and ``idiv``."""
    return decoded.mnemonic in ("div", "idiv", "aam")


def is_privileged(decoded: Decoded) -> bool:
    """Whether user space may not execute it (or only with an I/O permission)."""
    name = decoded.mnemonic.rpartition(" ")[2]
    if name == "mov":
        return any(o.register[:2] in ("cr", "dr") for o in decoded.operands)
    return name in _PRIVILEGED


# --- operands -----------------------------------------------------------------


def _explicit(decoded: Decoded, machine: Machine) -> Iterator[Access]:
    name = decoded.mnemonic.rpartition(" ")[2]
    if name.startswith(_SILENT) or name.startswith("bnd"):
        return
    for place, operand in enumerate(decoded.operands):
        if operand.kind != "memory":
            continue
        kind = "write" if place == 0 and _first_is_written(name) else "read"
        if operand.index.startswith(("xmm", "ymm", "zmm")):
            yield from _lanes(decoded, operand, kind, machine)
            continue
        yield Access(
            kind,
            _width(name, operand),
            _expression(operand),
            _registers(operand),
            operand.displacement,
            _address(decoded, operand, machine),
        )


def _first_is_written(name: str) -> bool:
    if name.startswith("f"):
        return name.startswith(_FLOAT_STORES)
    return name not in _FIRST_IS_READ


def _width(name: str, operand: Operand) -> int:
    if name.startswith(_UNSIZED):
        return 0
    return _WIDTHS.get(name, operand.size)


def _expression(operand: Operand) -> str:
    index = operand.index
    if index and operand.scale != 1:
        index += f"*{operand.scale}"
    text = " + ".join(part for part in (operand.base, index) if part)
    displacement = operand.displacement
    if not text:
        text = f"{displacement & (1 << 64) - 1:#x}"
    elif displacement:
        text += f" {'-' if displacement < 0 else '+'} {abs(displacement):#x}"
    segment = f"{operand.segment}:" if operand.segment in ("fs", "gs") else ""
    return f"{segment}[{text}]"


def _registers(operand: Operand) -> tuple[str, ...]:
    segment = f"{operand.segment}.base" if operand.segment in ("fs", "gs") else ""
    return tuple(r for r in (operand.base, operand.index, segment) if r)


def _address(decoded: Decoded, operand: Operand, machine: Machine) -> int | None:
    effective = _effective(decoded, operand, machine)
    start = _segment_start(operand, machine)
    if effective is None or start is None:
        return None
    return (effective + start) & machine.mask


def _effective(decoded: Decoded, operand: Operand, machine: Machine) -> int | None:
    total = operand.displacement + _bit_offset(decoded, machine)
    for name, scale in ((operand.base, 1), (operand.index, operand.scale)):
        if name in ("", "riz", "eiz"):
            continue
        value = decoded.end if name in ("rip", "eip") else machine.value(name)
        if value is None:
            return None
        total += value * scale
    if decoded.mnemonic == "pop" and operand.base in ("rsp", "esp"):
        total += _stack_width(decoded, machine)  # it is addressed behind the pop
    return total & (1 << 8 * decoded.address_size) - 1


def _bit_offset(decoded: Decoded, machine: Machine) -> int:
    """``bt`` and its like reach as far as the register that counts bits says."""
    name = decoded.mnemonic.rpartition(" ")[2]
    if name not in ("bt", "bts", "btr", "btc") or len(decoded.operands) < 2:
        return 0
    bits = decoded.operands[1]
    value = machine.value(bits.register) if bits.kind == "register" else None
    if value is None or not bits.size:
        return 0
    return (signed(value, 8 * bits.size) // (8 * bits.size)) * bits.size


def _segment_start(operand: Operand, machine: Machine) -> int | None:
    if operand.segment not in ("fs", "gs"):
        return 0
    numbers, name = machine.architecture.numbers, f"{operand.segment}.base"
    return machine.registers.get(numbers[name]) if name in numbers else None


def _lanes(
    decoded: Decoded, operand: Operand, kind: str, machine: Machine
) -> Iterator[Access]:
    """Gather and scatter: an access for each element whose index is known (128 bits of
    a vector are), and one for all the others."""
    name, element = decoded.mnemonic, decoded.mnemonic[-1]
    if name.endswith(("ps", "pd")):
        name, element = name[:-1], "q" if element == "d" else "d"
    wide, width = _LANES.get(name[-2], 4), _LANES.get(element, 4)
    bits = machine.value(operand.index)
    base = 0 if not operand.base else machine.value(operand.base)
    start = _segment_start(operand, machine)
    known = 0 if bits is None or base is None or start is None else 16 // wide
    common = (
        kind,
        width,
        _expression(operand),
        _registers(operand),
        operand.displacement,
    )
    for lane in range(known):
        index = signed((bits or 0) >> 8 * wide * lane, 8 * wide)
        total = (
            (base or 0) + index * operand.scale + operand.displacement + (start or 0)
        )
        yield Access(*common, total & machine.mask)
    if not known or not operand.index.startswith("xmm"):
        yield Access(*common)


# --- what no operand shows ----------------------------------------------------


def _stack_width(decoded: Decoded, machine: Machine) -> int:
    if decoded.prefixes[2:3] == b"\x66":
        return 2
    return 4 if machine.architecture.name == "i386" else 8


def _stack(decoded: Decoded, machine: Machine) -> tuple[Access, ...]:
    """What push, pop, call, ret and their kind do to the stack."""
    name = decoded.mnemonic.rpartition(" ")[2]
    width = _stack_width(decoded, machine)
    is_short = machine.architecture.name == "i386"
    sp, bp = ("esp", "ebp") if is_short else ("rsp", "rbp")
    if name.startswith("pusha"):
        return (_stacked("write", 8 * width, sp, -8 * width, machine),)
    if name.startswith("popa"):
        return (_stacked("read", 8 * width, sp, 0, machine),)
    if name.startswith("push") or name in ("call", "lcall", "enter"):
        return (_stacked("write", width, sp, -width, machine),)
    if name.startswith("pop") and not name.startswith("popcnt"):
        return (_stacked("read", width, sp, 0, machine),)
    if name in ("ret", "retf", "retfq", "iretd", "iretq"):
        return (_stacked("read", width, sp, 0, machine),)
    if name == "leave":
        return (_stacked("read", width, bp, 0, machine),)
    return ()


def _stacked(
    kind: str, width: int, register: str, displacement: int, machine: Machine
) -> Access:
    value = machine.value(register)
    text = f"[{register}]"
    if displacement:
        text = f"[{register} - {-displacement:#x}]"
    address = None if value is None else (value + displacement) & machine.mask
    return Access(kind, width, text, (register,), displacement, address)


def _hidden(decoded: Decoded, machine: Machine) -> Iterator[Access]:
    name = decoded.mnemonic.rpartition(" ")[2]
    letter = "e" if machine.architecture.name == "i386" else "r"
    if name == "xlatb":
        base, index = machine.value(f"{letter}bx"), machine.value("al")
        known = base is not None and index is not None
        address = ((base or 0) + (index or 0)) & machine.mask if known else None
        yield Access("read", 1, f"[{letter}bx + al]", (f"{letter}bx", "al"), 0, address)
    if name in ("maskmovdqu", "vmaskmovdqu", "maskmovq"):
        width = 8 if name == "maskmovq" else 16
        yield _stacked("write", width, f"{letter}di", 0, machine)


def _counter(decoded: Decoded, machine: Machine) -> str:
    if decoded.address_size == 8 and machine.architecture.name != "i386":
        return "rcx"
    return "ecx" if decoded.address_size >= 4 else "cx"
