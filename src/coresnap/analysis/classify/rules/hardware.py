"""What the memory behind an address did, and the guards that processors have."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, HINT, PROBABLE, STRONG, Rule
from coresnap.analysis.classify.rules.accesses import access_evidence
from coresnap.model import Classifier, Mapping

__all__ = ["RULES"]

_PAGE = 4096
_NO_MEMORY = {"Linux": "BUS_ADRERR", "FreeBSD": "BUS_OBJERR"}
"""What is said where there is no memory behind an address that is mapped."""


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


class _Place(msgspec.Struct, frozen=True):
    """What is mapped where there was no memory."""

    mapping: Mapping
    address: int
    offset: int
    """Bytes into the file."""
    name: str | None
    """Of the file; None if it is none."""
    size: int | None
    """Bytes of the file; None if that is not known."""
    when: str
    """When it had them, in words."""

    @property
    def is_behind_end(self) -> bool:
        return self.size is not None and self.offset >= self.size + -self.size % _PAGE


class MissingFilePage(Rule):
    """No memory behind an address in the mapping of a file: the page lies behind the
    file's end, which is strong where the core says how long the file was, or it is
    still here and that short."""

    names = ("bus.eof",)
    confidence = (STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it, unless the file is known and long enough."""
        place = _unbacked(case)
        if place is None or place.name is None:
            return
        if place.size is not None and not place.is_behind_end:
            return
        name = place.name
        evidence = [f"{place.address:#x} is offset {place.offset:#x} of {name}"]
        if place.size is not None:
            evidence.append(f"the file {place.when} {place.size:#x} bytes")
        summary = f"used memory of {name} behind the end of the file"
        sure = PROBABLE if place.size is None else STRONG
        yield _made(case, "bus.eof", sure, summary, *evidence)


class FailedMemory(Rule):
    """No memory behind another address: it could not be had (I/O error, no huge page, a
    memory limit). A hint where it is a file that is here and long enough."""

    names = ("bus.memory",)
    confidence = (PROBABLE, HINT)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for what is no short file."""
        from coresnap.analysis.classify.places import mapping_words

        place = _unbacked(case)
        if place is None:
            return
        if place.name is not None and (place.size is None or place.is_behind_end):
            return
        sure = PROBABLE if place.name is None else HINT
        where = f"{_code(case)} in {mapping_words(place.mapping)}"
        summary = "used memory that the system could not provide"
        yield _made(case, "bus.memory", sure, summary, where)


def _unbacked(case: Case) -> _Place | None:
    """The mapping that has no memory at the fault's address."""
    fault = case.fault
    if fault is None or fault.signal.name != "SIGBUS" or fault.kernel_address is None:
        return None
    if fault.signal.code_name != _NO_MEMORY.get(case.core.system):
        return None
    address = fault.kernel_address
    mapping = case.core.memory.find_mapping(address)
    return None if mapping is None else _place(case, mapping, address)


def _place(case: Case, mapping: Mapping, address: int) -> _Place:
    """With what the core says of the file, or else what it is today."""
    path = mapping.path or ""
    is_file = path.startswith("/") and not path.startswith("/anon_hugepage")
    for region in case.core.facts.regions:
        if region.start <= address < region.end and region.file_size is not None:
            name = path if is_file else "a file whose path the system had forgotten"
            offset = region.offset + address - region.start
            return _Place(mapping, address, offset, name, region.file_size, "had")
    offset = (mapping.offset or 0) + address - mapping.start
    size = _size(path) if is_file else None
    return _Place(mapping, address, offset, path if is_file else None, size, "has now")


def _size(path: str) -> int | None:
    """Bytes of a file today; None if it is not here."""
    try:
        return os.stat(path).st_size
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
