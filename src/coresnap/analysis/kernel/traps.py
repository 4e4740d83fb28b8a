"""What the processor refused: traps, by their report.

``trap_fatal`` in ``sys/amd64/amd64/trap.c`` and its kin on other machines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from coresnap.analysis.classify.rule import CERTAIN, PROBABLE, STRONG
from coresnap.analysis.kernel.case import KernelCase
from coresnap.analysis.kernel.rule import KernelRule, conclude, first_line
from coresnap.analysis.kernel.trap import Trap
from coresnap.model import Classifier

__all__ = ["RULES"]

_NULL_END = 4096
"""The first page, which ``security.bsd.map_at_zero`` keeps from being mapped."""
_UMA_JUNK = 0xDEADC0DE
"""``uma_junk``: what INVARIANTS fills freed items with (``sys/vm/uma_dbg.c``)."""


class JunkAddress(KernelRule):
    """A page fault near UMA's junk pattern: the pointer came from a freed item."""

    names = ("use-after-free",)
    confidence = (STRONG,)

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the address that the trap reported."""
        trap = case.trap
        if trap is None or trap.address is None or not _is_junk(trap.address):
            return
        evidence = (_report(trap), "0xdeadc0de is what UMA fills freed items with")
        yield conclude(
            "use-after-free",
            STRONG,
            evidence,
            "used a pointer from freed memory",
            trap.address,
        )


class PageFault(KernelRule):
    """A trap that touched memory which is not there, or not so: the processor said what
    was accessed and how. Below the first page the pointer was null."""

    names = (
        "memory.read",
        "memory.write",
        "memory.exec",
        "null",
        "null.read",
        "null.write",
        "null.exec",
        "memory",
    )
    confidence = (CERTAIN, STRONG)

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the trap's report."""
        trap = case.trap
        if trap is None or trap.address is None:
            return
        did = {"read": "read", "write": "wrote", "execute": "executed"}.get(
            trap.access or "", "accessed"
        )
        suffix = {"execute": "exec"}.get(trap.access or "", trap.access or "")
        evidence = (_report(trap), *_code(trap))
        if trap.address < _NULL_END:
            summary = f"{did} memory through a null pointer"
            summary += f" (offset {trap.address:#x})" if trap.address else ""
            for name in ("null", f"null.{suffix}" if suffix else ""):
                if name:
                    yield conclude(name, STRONG, evidence, summary, trap.address)
        name = f"memory.{suffix}" if suffix else "memory"
        text = f"{did} memory that it may not, at {trap.address:#x}"
        yield conclude(name, CERTAIN, evidence, text, trap.address)


class ProtectionFault(KernelRule):
    """A general protection fault: on amd64 as a rule an address that is no address.
    A register that holds UMA's junk says that it was read from freed memory."""

    names = ("noncanonical", "use-after-free")
    confidence = (STRONG, PROBABLE)

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the trap's report and its registers."""
        trap = case.trap
        if trap is None or "general protection" not in trap.what:
            return
        junk = [n for n, value in trap.registers.items() if _is_junk(value)]
        if junk:
            held = ", ".join(f"{n} {trap.registers[n]:#x}" for n in junk)
            evidence = (_report(trap), f"UMA fills freed items with this: {held}")
            yield conclude(
                "use-after-free", STRONG, evidence, "used a pointer from freed memory"
            )
        wild = [n for n, v in trap.registers.items() if not _is_canonical(v)]
        held = ", ".join(f"{n} {trap.registers[n]:#x}" for n in wild)
        evidence = (_report(trap), *((f"no addresses: {held}",) if wild else ()))
        yield conclude(
            "noncanonical",
            STRONG if wild else PROBABLE,
            evidence,
            "used an address that cannot exist",
        )


class OtherTrap(KernelRule):
    """A trap of the processor that names its cause itself."""

    names = ("divide", "illegal-instruction", "trap", "machine-check")
    confidence = (CERTAIN,)
    _WORDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("divide", "divide", "divided by zero"),
        ("privileged instruction", "illegal-instruction", "ran no instruction"),
        ("invalid opcode", "illegal-instruction", "ran no instruction"),
        ("breakpoint", "trap", "ran into a breakpoint"),
        ("machine check", "machine-check", "was stopped by a machine check"),
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the trap's name."""
        trap = case.trap
        if trap is None:
            return
        for word, name, summary in self._WORDS:
            if word in trap.what:
                yield conclude(name, CERTAIN, (_report(trap),), summary)
                return


class DoubleFault(KernelRule):
    """A double fault: as a rule the kernel's stack was exhausted."""

    names = ("stack-overflow",)
    confidence = (PROBABLE,)

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic or the report before it."""
        said = first_line(case, re.compile(r"(?:panic: |Fatal )?double fault"))
        if said is not None:
            yield conclude(
                "stack-overflow", PROBABLE, (said,), "exhausted a kernel stack"
            )


def _report(trap: Trap) -> str:
    number = f" {trap.number}" if trap.number is not None else ""
    at = f" at {trap.instruction:#x}" if trap.instruction is not None else ""
    by = f" in process {trap.process.pid} ({trap.process.name})" if trap.process else ""
    return f"trap{number}, {trap.what}{at}{by}"


def _code(trap: Trap) -> tuple[str, ...]:
    return () if trap.code is None else (f"fault code: {trap.code}",)


def _is_junk(value: int) -> bool:
    """The pattern as a pointer of 64 or 32 bits, plus an offset in a structure."""
    for pattern in (_UMA_JUNK << 32 | _UMA_JUNK, _UMA_JUNK):
        if 0 <= value - pattern < _NULL_END:
            return True
    return False


def _is_canonical(value: int) -> bool:
    return value >> 47 in (0, (1 << 17) - 1)


RULES: tuple[KernelRule, ...] = (
    JunkAddress(),
    PageFault(),
    ProtectionFault(),
    OtherTrap(),
    DoubleFault(),
)
