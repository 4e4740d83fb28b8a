"""Whether a process that ran out of memory had lost track of it."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.aliases.regions import LiveRegions
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import HINT, Rule
from coresnap.analysis.classify.rules.allocation import AllocationFailed
from coresnap.analysis.classify.rules.limits import SizeLimit
from coresnap.elfcore.pointer_scan import SPAN_LIMIT, AddressSpan, scan_pointers
from coresnap.model import Classifier

__all__ = ["RULES"]

_MOST_BLOCKS = 200_000
_MOST_BYTES = 512 << 20
_MOST_POINTERS = 2_000_000
"""A larger heap is not searched: the rule is a hint, and never worth minutes."""
_LEAST_BLOCKS = 100
_LEAST_SHARE = 0.5
"""Of the live blocks that nothing points to. Allocators count some of their own blocks
as live, and programs hide pointers, so few of them say nothing."""


class LeakSuspected(Rule):
    """Memory ran out, and nothing points to most of the live heap blocks: probably
    they were forgotten. Blocks that only lost ones lead to do not count."""

    names = ("leak.suspect",)
    confidence = (HINT,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it by a search of all memory that is not too large for it."""
        if case.heaps is None or not _ran_out(case):
            return
        reports = case.heaps.reports()
        live = sum(report.live_blocks for report in reports)
        if not _LEAST_BLOCKS <= live <= _MOST_BLOCKS:
            return
        held = _held_blocks(case)
        if held is None or live - len(held) < live * _LEAST_SHARE:
            return
        lost = live - len(held)
        size = sum(report.live_bytes for report in reports) - sum(held.values())
        yield Classifier(
            "leak.suspect",
            HINT,
            (
                f"{lost} of {live} live blocks, about {max(size, 0)} bytes, have no "
                "pointer to them in stacks, globals, registers or other blocks",
            ),
            case.tid,
            summary=f"had lost track of {lost} of its {live} heap blocks",
        )


def _ran_out(case: Case) -> bool:
    return any(AllocationFailed().apply(case)) or any(SizeLimit().apply(case))


def _held_blocks(case: Case) -> dict[int, int] | None:
    """Live blocks that something points to, as address and size; None: too much to
    search."""
    heaps, spans = case.heaps, _spans(case)
    if heaps is None or not spans:
        return None
    values = _pointers(case, spans)
    if values is None:
        return None
    held: dict[int, int] = {}
    for value in values:
        placement = heaps.place(value)
        if placement is not None and placement.block.state == "live":
            held[placement.block.address] = placement.block.size
    return held


def _spans(case: Case) -> list[AddressSpan]:
    """Where heap blocks may be: writable memory of no file."""
    spans: list[AddressSpan] = []
    for mapping in case.core.memory.mappings:
        if "w" not in mapping.permissions or mapping.offset is not None:
            continue
        if spans and spans[-1][1] == mapping.start:
            spans[-1] = (spans[-1][0], mapping.end)
        else:
            spans.append((mapping.start, mapping.end))
    return spans if len(spans) <= SPAN_LIMIT else []


def _pointers(case: Case, spans: list[AddressSpan]) -> set[int] | None:
    core = case.core
    values = {v for stack in case.stacks for v in stack.frames[0].registers.values()}
    left = _MOST_BYTES
    for region in LiveRegions(core, case.stacks, case.heaps).nearest_to(0):
        for _, view in core.memory.stored_views(region.start, region.end):
            left -= len(view)
            if left < 0:
                return None
            matches = scan_pointers(
                view,
                spans,
                pointer_size=core.architecture.pointer_size,
                byte_order=core.memory.byte_order,
                limit=_MOST_POINTERS,
            )
            values.update(value for _, value in matches)
            if len(values) >= _MOST_POINTERS:
                return None
    return values


RULES: tuple[Rule, ...] = (LeakSuspected(),)
