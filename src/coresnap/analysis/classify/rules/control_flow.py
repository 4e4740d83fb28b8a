"""Where control went wrong: jumps, calls and returns to what is no code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import PROBABLE, STRONG, Rule
from coresnap.model import Classifier

if TYPE_CHECKING:
    from coresnap.analysis.instruction.origin import Origin

__all__ = ["RULES"]

_FIRST_PAGE = 4096


def _target(case: Case) -> int | None:
    """Where control went, or wanted to; None if the fault is about data."""
    access = case.access
    if case.fault is None or access is None or access.kind != "execute":
        return None
    return access.address


def _origin(case: Case, target: int) -> Origin | None:
    from coresnap.analysis.instruction.origin import find_origin

    assert case.fault is not None
    return find_origin(case.core, case.fault, target)


def _words(case: Case, target: int) -> str:
    """What is at a target: ``in rw- [heap] …``, ``where nothing is mapped``."""
    from coresnap.analysis.classify.places import mapping_words
    from coresnap.analysis.instruction.explanation import is_noncanonical

    mapping = case.core.memory.find_mapping(target)
    if case.fault is not None and is_noncanonical(target, case.fault.machine):
        return "which is no address"
    if mapping is None:
        return "where nothing is mapped"
    return f"in {mapping_words(mapping)}"


def _evidence(case: Case, target: int, origin: Origin | None) -> tuple[str, ...]:
    from coresnap.analysis.classify.places import printable

    lines = [f"{target:#x}, {_words(case, target)}"]
    if origin is not None:
        lines.append(str(origin))
    text = printable(target, case.core.architecture.pointer_size)
    if text is not None:
        lines.append(f"its bytes are the text {text!r}")
    return tuple(lines)


class WildJump(Rule):
    """Control went to what is no code: who went there, and through which register or
    memory."""

    names = ("wild-jump",)
    confidence = (STRONG,)
    replaces = ("memory.unmapped", "invalid-pointer")

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for jumps and calls; returns have a rule of their own."""
        target = _target(case)
        if target is None or target < _FIRST_PAGE:
            return
        origin = _origin(case, target)
        if origin is not None and origin.kind == "return":
            return
        verb = "jumped to" if origin is None else origin.done
        yield Classifier(
            "wild-jump",
            STRONG,
            _evidence(case, target, origin),
            case.tid,
            target,
            case.failed_frame,
            summary=f"{verb} {target:#x}, {_words(case, target)}",
        )


class CorruptedReturn(Rule):
    """A return went to what is no code, or cannot be an address: the return address on
    the stack (in the link register) was written over. Probable, if a tail call would
    have left the same traces."""

    names = ("return-corrupted",)
    confidence = (STRONG, PROBABLE)
    replaces = ("memory.unmapped", "invalid-pointer")

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where the return can be seen."""
        target = _target(case)
        if target is None:
            return
        origin = _origin(case, target)
        if origin is None or origin.kind != "return":
            return
        yield Classifier(
            "return-corrupted",
            STRONG if origin.is_sure else PROBABLE,
            _evidence(case, target, origin),
            case.tid,
            target,
            case.failed_frame,
            summary=f"returned to {target:#x}, {_words(case, target)}",
        )


class ExecutedData(Rule):
    """Control went into memory that may be read but not executed: stack or heap."""

    names = ("security.nx",)
    confidence = (STRONG,)
    replaces = ("memory.protection",)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from SEGV_ACCERR at the program counter."""
        from coresnap.analysis.classify.places import mapping_words

        target = _target(case)
        if target is None or case.fault is None:
            return
        mapping = case.core.memory.find_mapping(target)
        if case.fault.signal.code_name != "SEGV_ACCERR" or mapping is None:
            return
        if "x" in mapping.permissions or "r" not in mapping.permissions:
            return
        where = mapping_words(mapping)
        yield Classifier(
            "security.nx",
            STRONG,
            (f"{target:#x} is in {where}",),
            case.tid,
            target,
            case.failed_frame,
            summary="tried to execute memory that is for data",
        )


class ControlLost(Rule):
    """A jump, call or return that went astray may be somebody's attempt to take over:
    worth a security engineer's look, unless it is a null pointer."""

    names = ("security",)
    confidence = (PROBABLE,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for every target that is no code and not close to null."""
        target = _target(case)
        if target is None or target < 16 * _FIRST_PAGE:
            return
        yield Classifier(
            "security",
            PROBABLE,
            (f"control went to {target:#x}, {_words(case, target)}",),
            case.tid,
            target,
            case.failed_frame,
        )


RULES: tuple[Rule, ...] = (
    WildJump(),
    CorruptedReturn(),
    ExecutedData(),
    ControlLost(),
)
