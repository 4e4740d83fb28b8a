"""What a panic's own words say.

``sys/kern/kern_shutdown.c``, ``sys/vm/vm_fault.c``, ``sys/ufs``, and their callers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from coresnap.analysis.classify.rule import CERTAIN, STRONG
from coresnap.analysis.kernel.case import KernelCase
from coresnap.analysis.kernel.rule import KernelRule, conclude
from coresnap.model import Classifier

__all__ = ["RULES"]

_HEX = r"0x[0-9a-f]{1,16}"


class Assertion(KernelRule):
    """KASSERT or MPASS of a kernel with INVARIANTS."""

    names = ("assert",)
    confidence = (CERTAIN,)
    _REPORT = re.compile(r"Assertion (.{1,200}) failed at (\S{1,200}:[0-9]{1,7})")

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic, else from its function in the stack."""
        if match := self._REPORT.match(case.text):
            summary = f"failed an assertion at {match[2]}: {match[1]}"
            yield conclude("assert", CERTAIN, (case.said,), summary)
        elif case.stack and any(
            frame.function == "kassert_panic" for frame in case.stack.frames[:8]
        ):
            evidence = (case.said, "kassert_panic is in the stack")
            summary = f"failed an assertion: {case.text}"
            yield conclude("assert", CERTAIN, evidence, summary)


class OutOfMemory(KernelRule):
    """The kernel's address space or memory was exhausted, and who asked could not do
    without."""

    names = ("oom",)
    confidence = (CERTAIN,)
    _REPORT = re.compile(
        r"kmem_(?:malloc|map|suballoc|alloc)\S*: ?(?:kmem_map )?too small"
        r"|vm_thread_new: kstack allocation"
        r"|out of (?:kernel )?(?:memory|swap|kva)"
        r"|a thread waited too long to allocate a page"
        r"|pmap_growkernel: no memory|get_pv_entry: increase vm\.pmap"
    )  # fmt: skip

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic."""
        if self._REPORT.match(case.text):
            evidence = (case.said,)
            yield conclude("oom", CERTAIN, evidence, "had no memory left")


class Filesystem(KernelRule):
    """A file system found its own data on the disk to be wrong."""

    names = ("filesystem.corrupt",)
    confidence = (STRONG,)
    _REPORT = re.compile(
        r"(?:ffs_\w+|ufs_\w+|softdep_\w+|handle_\w+): .{0,160}?(?:bad|freeing free|dup|"
        r"mangled|corrupt|inconsistent|not in|bad dir)|ufs_dirbad|ffs_\w+: bad \w+"
        r"|VERIFY[03]?\(.{0,160}\) failed|solaris assert: "
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic."""
        match = self._REPORT.match(case.text)
        if match is None:
            return
        if match[0].startswith(("VERIFY", "solaris")):
            yield conclude(
                "assert",
                CERTAIN,
                (case.said,),
                f"failed a check of ZFS or the SPL: {case.text}",
            )
            return
        evidence = (case.said,)
        yield conclude(
            "filesystem.corrupt", STRONG, evidence, "found a damaged file system"
        )


class ListCorrupt(KernelRule):
    """A linked list whose neighbours do not agree (INVARIANTS): an element was freed or
    linked while it still was in a list, or overwritten."""

    names = ("list.corrupt",)
    confidence = (STRONG,)
    _REPORT = re.compile(
        rf"Bad (?:link elm|list head|tailq head|tailq NEXT\(|head) ?({_HEX})"
        r"|.{0,80}tailq next elm|Bad tailq"
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic (``sys/sys/queue.h``)."""
        if match := self._REPORT.match(case.text):
            address = int(match[1], 16) if match[1] else None
            evidence = (case.said,)
            summary = "found a linked list whose neighbours do not agree"
            yield conclude("list.corrupt", STRONG, evidence, summary, address)


class StackProtector(KernelRule):
    """The word that the compiler put in front of a return address was overwritten
    (``sys/kern/stack_protector.c``)."""

    names = ("stack-smash",)
    confidence = (CERTAIN,)

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic."""
        if case.text.startswith("stack overflow detected"):
            evidence = (case.said,)
            summary = "wrote beyond a buffer on its stack"
            yield conclude("stack-smash", CERTAIN, evidence, summary)


class Hardware(KernelRule):
    """The machine reported that it is broken (``sys/x86/x86/mca.c``, ``intr.c``)."""

    names = ("machine-check",)
    confidence = (CERTAIN,)
    _REPORT = re.compile(
        r"(?:Unrecoverable|Fatal) machine check|NMI indicates hardware failure"
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic, with what MCA printed before it."""
        if self._REPORT.match(case.text):
            told = [line for line in case.panic.before if line.startswith("MCA: ")]
            evidence = [case.said, *told[-6:]]
            summary = "was stopped by a fault of the machine"
            yield conclude("machine-check", CERTAIN, evidence, summary)


class Watchdog(KernelRule):
    """Nobody came by in time: the watchdog's panic, or that of ZFS's deadman."""

    names = ("hang",)
    confidence = (STRONG,)
    _REPORT = re.compile(
        r"watchdog timeout|NMI watchdog|I/O to pool .{1,80} appears to be hung"
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic."""
        if self._REPORT.match(case.text):
            evidence = (case.said,)
            yield conclude("hang", STRONG, evidence, "did not answer its watchdog")


class NoFault(KernelRule):
    """A fault in memory that the kernel had promised to be there."""

    names = ("memory",)
    confidence = (CERTAIN,)
    _REPORT = re.compile(
        rf"vm_fault\w*: (?:fault on nofault entry, addr: |pager read error|failed: )"
        rf"({_HEX}|[0-9a-f]{{8,16}})?"
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic."""
        match = self._REPORT.match(case.text.replace("entry addr", "entry, addr"))
        if match and (case.trap is None or case.trap.address is None):
            address = int(match[1], 16) if match[1] else None
            at = f" at {address:#x}" if address is not None else ""
            evidence = (case.said,)
            yield conclude(
                "memory",
                CERTAIN,
                evidence,
                f"accessed memory that it may not{at}",
                address,
            )


class Panicked(KernelRule):
    """What it was that panic(9) was called with."""

    names = ("panic",)
    confidence = (CERTAIN,)

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the message buffer, else from the dump's header."""
        if case.panic.text is not None:
            text = case.text or "(no words)"
            at = f"on cpu {case.cpu}" if case.cpu is not None else ""
            evidence = tuple(x for x in (f"panic: {text}", at) if x)
            yield conclude("panic", CERTAIN, evidence, f"panicked: {text}")


RULES: tuple[KernelRule, ...] = (
    Assertion(),
    OutOfMemory(),
    Filesystem(),
    ListCorrupt(),
    StackProtector(),
    Hardware(),
    Watchdog(),
    NoFault(),
    Panicked(),
)
