"""What the memory behind an address did, and the guards that processors have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, HINT, PROBABLE, STRONG, Rule
from coresnap.analysis.classify.rules.accesses import access_evidence
from coresnap.model import Classifier

if TYPE_CHECKING:
    from coresnap.model import Mapping

__all__ = ["RULES"]

_PAGE = 4096


def _code(case: Case) -> str | None:
    return None if case.fault is None else case.fault.signal.code_name


def _field(case: Case, offset: int, size: int) -> int | None:
    """An unsigned number at ``offset`` pointers into the siginfo's union."""
    info = None if case.fault is None else case.fault.siginfo
    architecture = case.core.architecture
    start = offset * architecture.pointer_size
    data = b"" if info is None else info.union[start : start + size]
    return int.from_bytes(data, architecture.byte_order) if len(data) == size else None


def _made(case: Case, name: str, sure: str, summary: str, *evidence: str) -> Classifier:
    address = None if case.fault is None else case.fault.address
    found = (*access_evidence(case), *evidence)
    frame = case.failed_frame
    return Classifier(name, sure, found, case.tid, address, frame, summary=summary)


class MissingFilePage(Rule):
    """BUS_ADRERR in the mapping of a file: the page lies behind the file's end, which
    is strong where the file is still here and that short."""

    names = ("bus.eof",)
    confidence = (STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it, unless the file is here and long enough."""
        mapping = _unbacked(case)
        if mapping is None or case.fault is None or not _is_file(mapping):
            return
        address = case.fault.signal.address or 0
        offset = (mapping.offset or 0) + address - mapping.start
        size = _size(mapping)
        if size is not None and offset < size + -size % _PAGE:
            return
        evidence = [f"{address:#x} is offset {offset:#x} of {mapping.path}"]
        if size is not None:
            evidence.append(f"the file has {size:#x} bytes now")
        summary = f"used memory of {mapping.path} behind the end of the file"
        sure = PROBABLE if size is None else STRONG
        yield _made(case, "bus.eof", sure, summary, *evidence)


class FailedMemory(Rule):
    """BUS_ADRERR elsewhere: the memory could not be had (I/O error, no huge page, a
    memory limit). A hint where it is a file that is here and long enough."""

    names = ("bus.memory",)
    confidence = (PROBABLE, HINT)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for what is no short file."""
        from coresnap.analysis.classify.places import mapping_words

        mapping = _unbacked(case)
        if mapping is None or case.fault is None:
            return
        sure = PROBABLE
        if _is_file(mapping):
            address = case.fault.signal.address or 0
            offset = (mapping.offset or 0) + address - mapping.start
            size = _size(mapping)
            if size is None or offset >= size + -size % _PAGE:
                return
            sure = HINT
        where = mapping_words(mapping)
        summary = "used memory that the system could not provide"
        yield _made(case, "bus.memory", sure, summary, f"BUS_ADRERR in {where}")


def _unbacked(case: Case) -> Mapping | None:
    """The mapping that has no memory at the fault's address."""
    fault = case.fault
    if fault is None or fault.signal.name != "SIGBUS" or fault.kernel_address is None:
        return None
    # FreeBSD says BUS_OBJERR for a page behind the end of a file.
    freebsd = case.core.system == "FreeBSD"
    if fault.signal.code_name != ("BUS_OBJERR" if freebsd else "BUS_ADRERR"):
        return None
    return case.core.memory.find_mapping(fault.kernel_address)


def _is_file(mapping: Mapping) -> bool:
    path = mapping.path or ""
    return path.startswith("/") and not path.startswith("/anon_hugepage")


def _size(mapping: Mapping) -> int | None:
    """Bytes of the mapped file today; None if it is not here."""
    try:
        return os.stat(mapping.path or "").st_size
    except (OSError, ValueError):
        return None


class MachineCheck(Rule):
    """The hardware found memory that it could not correct (BUS_MCEERR_*)."""

    names = ("machine-check",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the code; ``si_addr_lsb`` says how much is lost."""
        code = _code(case)
        if code not in ("BUS_MCEERR_AR", "BUS_MCEERR_AO"):
            return
        bits = _field(case, 1, 2)
        lost = f"{1 << bits:#x} bytes are lost" if bits and bits < 48 else ""
        summary = "met a memory error of the hardware"
        yield _made(
            case, "machine-check", CERTAIN, summary, code, *filter(None, [lost])
        )


class ProtectionKey(Rule):
    """The thread's protection keys do not allow the access (SEGV_PKUERR)."""

    names = ("pkey",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the code, which brings the key."""
        if _code(case) != "SEGV_PKUERR":
            return
        key = _field(case, 2, 4)
        which = "" if key is None else f" {key}"
        summary = f"used memory that its protection key{which} does not allow"
        yield _made(case, "pkey", CERTAIN, summary, f"SEGV_PKUERR, key{which}")


class MemoryTag(Rule):
    """Pointer and memory have different tags (Arm's MTE, SPARC's ADI)."""

    names = ("mte",)
    confidence = (CERTAIN,)
    _CODES = (
        "SEGV_MTEAERR",
        "SEGV_MTESERR",
        "SEGV_ACCADI",
        "SEGV_ADIDERR",
        "SEGV_ADIPERR",
    )

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the code; an asynchronous one comes after the access."""
        code = _code(case)
        if code in self._CODES:
            late = ", at some time before" if code == "SEGV_MTEAERR" else ""
            summary = f"used memory through a pointer with another tag{late}"
            yield _made(case, "mte", CERTAIN, summary, code)


class ShadowStack(Rule):
    """A return or an indirect jump is not as the processor's control-flow protection
    wants it (SEGV_CPERR)."""

    names = ("shadow-stack",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the code."""
        if _code(case) == "SEGV_CPERR":
            summary = "went where the processor's control-flow protection forbids it"
            yield _made(case, "shadow-stack", CERTAIN, summary, "SEGV_CPERR")


class BoundsCheck(Rule):
    """The processor's own check of bounds failed (SEGV_BNDERR; ``bound``)."""

    names = ("bounds",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the code, which brings both bounds."""
        if _code(case) != "SEGV_BNDERR":
            return
        size = case.core.architecture.pointer_size
        lower, upper = _field(case, 2, size), _field(case, 3, size)
        known = lower is not None and upper is not None
        bounds = f"bounds {lower:#x}–{upper:#x}" if known else "bounds not known"
        summary = "used an address outside of the bounds that it is checked against"
        yield _made(case, "bounds", CERTAIN, summary, bounds)


RULES: tuple[Rule, ...] = (
    MissingFilePage(),
    FailedMemory(),
    MachineCheck(),
    ProtectionKey(),
    MemoryTag(),
    ShadowStack(),
    BoundsCheck(),
)
