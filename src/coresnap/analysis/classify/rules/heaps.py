"""What the allocators' own data says: overruns, blocks freed twice, wrong frees."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.callers import first_outside_libraries
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import HINT, PROBABLE, STRONG, Rule
from coresnap.analysis.classify.suspects import FIRST_POINTER, is_inside_freed
from coresnap.analysis.classify.words import block_words
from coresnap.model import Classifier, Frame, HeapDamage

__all__ = ["RULES"]

_MOST = 4
"""Damaged places that are told: what was overrun first, the rest follows from it."""
_OVERRUN_REACH = 256
"""Bytes behind an overwritten header that the same overrun explains."""
_TEXT_MIN = 4
_FREEING = frozenset({"free", "cfree", "realloc", "_int_free", "_int_realloc"})
_POINTERS = ("mem", "ptr", "oldmem")
"""What glibc calls the pointer that it is given."""
_CHUNKS = ("p", "ptr")
_CHUNK_TYPES = ("mchunkptr", "struct malloc_chunk *")
_INNERMOST = 8


class HeapOverrun(Rule):
    """A block's header was overwritten: the block before it was written past its end,
    unless it was free."""

    names = ("heap.overflow", "heap.corrupt")
    confidence = (PROBABLE, HINT)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for a process that failed, not for one that was stopped."""
        for damage in _damages(case, "header", "count"):
            block = damage.overrun
            evidence = (f"{damage.address:#x}: {damage.what}", *_written(damage))
            # Where the core left lists out nobody knows which blocks are free.
            if block is not None and block.state in ("live", "unknown"):
                yield Classifier(
                    "heap.overflow",
                    PROBABLE,
                    (*evidence, f"behind the {block_words(block)}"),
                    case.tid,
                    damage.address,
                    summary=f"wrote past the end of the {block_words(block)}",
                )
            else:
                yield Classifier(
                    "heap.corrupt",
                    PROBABLE if damage.kind == "header" else HINT,
                    evidence,
                    case.tid,
                    damage.address,
                    summary=f"damaged its heap at {damage.address:#x}",
                )


class FreedWritten(Rule):
    """The link word of a free block leads nowhere, or the mark behind it is gone: it
    was written to after it was freed, or past the end of the one before."""

    names = ("use-after-free",)
    confidence = (PROBABLE,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for a process that failed, unless an overrun explains it."""
        overruns = [d for d in _damages(case, "header") if d.overrun is not None]
        for damage in _damages(case, "link", "key"):
            if any(_reaches(overrun, damage.address) for overrun in overruns):
                continue
            yield Classifier(
                "use-after-free",
                PROBABLE,
                (f"{damage.address:#x}: {damage.what}", *_written(damage)),
                case.tid,
                damage.address,
                summary="wrote to a heap block after it was freed, at "
                f"{damage.address:#x}",
            )


class FreedTwice(Rule):
    """A block is in the allocator's lists two times."""

    names = ("double-free",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for a process that failed."""
        for damage in _damages(case, "twice"):
            yield Classifier(
                "double-free",
                STRONG,
                (f"{damage.address:#x}: {damage.what}",),
                case.tid,
                damage.address,
                summary=f"freed the block at {damage.address:#x} twice",
            )


class FailedFree(Rule):
    """free or realloc failed on the pointer that it was given: a block that is free
    already, or no block at all."""

    names = ("double-free", "invalid-free")
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where a fault happened inside of them; an abort has a message."""
        if case.fault is None or case.heaps is None:
            return
        given = _given(case)
        if given is None:
            return
        index, pointer = given
        caller = first_outside_libraries(case.frames)
        placement = case.heaps.place(pointer)
        evidence = [f"{case.frames[index].function} was called with {pointer:#x}"]
        name, summary = "invalid-free", f"freed {pointer:#x}, which is no heap block"
        if placement is None:
            mapping = case.core.memory.find_mapping(pointer)
            where = f"in {mapping.path or 'a mapping'}" if mapping else "not mapped"
            evidence.append(f"it is in no heap, and {where}")
        elif is_inside_freed(placement) and placement.offset == 0:
            name = "double-free"
            evidence.append(f"it is the {block_words(placement.block)}")
            summary = f"freed the {block_words(placement.block)} again"
        elif placement.offset == 0 and placement.block.state == "live":
            return
        else:
            evidence.append(
                f"it lies {placement.offset} bytes into the "
                f"{block_words(placement.block)}"
            )
            summary = (
                f"freed {pointer:#x}, {placement.offset} bytes into the "
                f"{block_words(placement.block)}"
            )
        yield Classifier(
            name, STRONG, tuple(evidence), case.tid, pointer, caller, summary=summary
        )


def _damages(case: Case, *kinds: str) -> list[HeapDamage]:
    """Damage of these kinds that nothing else explains, where the process failed of
    itself."""
    if case.heaps is None or not _failed(case):
        return []
    damage = (d for report in case.heaps.reports() for d in report.damage)
    found = [d for d in damage if d.kind in kinds and not d.doubt]
    return found[:_MOST]


def _failed(case: Case) -> bool:
    """A fault, or an abort that was no assertion of the program's own."""
    if case.fault is not None:
        return True
    said = (m for m in case.messages if m.kind == "abort")
    return any("expression" not in message.parts for message in said)


def _reaches(overrun: HeapDamage, address: int) -> bool:
    """Whether what overwrote a header may have gone on to ``address``."""
    return 0 <= address - overrun.address <= _OVERRUN_REACH


def _written(damage: HeapDamage) -> list[str]:
    """What was written, as text if it is one."""
    text = damage.data.partition(b"\0")[0]
    if len(text) < _TEXT_MIN or not all(0x20 <= byte < 0x7F for byte in text):
        return []
    return [f"the bytes there are the text “{text.decode('ascii')}”"]


def _given(case: Case) -> tuple[int, int] | None:
    """(index of the frame, pointer) of the outermost call that frees, among the
    innermost frames."""
    found = chunk = None
    start = case.failed_frame
    for index, frame in enumerate(case.frames[start : start + _INNERMOST], start):
        chunk = _chunk_of(case, frame) or chunk
        if _name(frame) not in _FREEING:
            continue
        # The call's own argument is often optimized out; what it made of it is not.
        pointer = _argument(frame) or chunk or _behind_header(case)
        if pointer is not None:
            found = index, pointer
    return found


def _argument(frame: Frame) -> int | None:
    for variable in frame.variables:
        value = variable.value
        if variable.name in _POINTERS and type(value) is int and value >= FIRST_POINTER:
            return value
    return None


def _behind_header(case: Case) -> int | None:
    """The block whose header the failed access was to read: glibc's free begins with
    the size, one word before the block (``mem2chunk``, ``chunksize``)."""
    access = case.access
    if access is None or not access.registers or access.kind != "read":
        return None
    value = case.registers.get(access.registers[0], 0)
    is_header = access.displacement == -case.core.architecture.pointer_size
    return value if is_header and value >= FIRST_POINTER else None


def _chunk_of(case: Case, frame: Frame) -> int | None:
    """The block of the chunk that a function of glibc's malloc works on."""
    for variable in frame.variables:
        value = variable.value
        if variable.type not in _CHUNK_TYPES or variable.name not in _CHUNKS:
            continue
        if type(value) is int and value >= FIRST_POINTER:
            return value + 2 * case.core.architecture.pointer_size
    return None


def _name(frame: Frame) -> str:
    return (frame.function or "").removeprefix("__GI_").removeprefix("__libc_")


RULES: tuple[Rule, ...] = (HeapOverrun(), FreedWritten(), FreedTwice(), FailedFree())
