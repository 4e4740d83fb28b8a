"""Follows a function's code in a straight line from its start to a pc.

Compilers lay out code so that this is nearly enough: a forward branch carries its
frame to its target, and behind a return or a jump whose target nobody named the frame
is again what it was before the epilogue began.
"""

from __future__ import annotations

from coresnap.analysis.unwind.prologue.layout import Decoder, Flow, FrameLayout

__all__ = ["SWEEP_LIMIT", "sweep"]

SWEEP_LIMIT = 1 << 16
"""Bytes of code that are followed at most."""
_BRANCH_LIMIT = 4096
_ALIGNMENT = 16
"""Of functions, as compilers place them."""


def sweep(
    decode: Decoder, code: bytes, start: int, lookup: int, *, alone: bool
) -> FrameLayout | None:
    """The frame before the instruction at, or that ends behind, ``lookup``.

    ``code`` is that of the function from its ``start`` on. If it may not be ``alone``,
    another one begins where nothing leads further: behind a return, a jump, or a call
    with padding behind, with no branch beyond. None if the code does not lead to an
    instruction there: then ``start`` is no function's, or it is no code.
    """
    address, position = start, 0
    branches: dict[int, FrameLayout] = {}
    body = FrameLayout()
    layout: FrameLayout | None = body.copy()
    last, furthest = Flow.NEXT, start
    while address <= lookup:
        carried = branches.pop(address, None)
        if carried is not None and (layout is None or layout.depth != carried.depth):
            # Where paths meet they agree; else one of them is none: it came from
            # behind a call that does not return.
            layout = carried
        if layout is None:
            layout = body.copy()
        before = layout.copy()
        instruction = decode(code, position, address, layout)
        if instruction is None:
            return before if address == lookup else None
        if layout.repeated and not alone:
            layout = body = FrameLayout()
            before = layout.copy()
            decode(code, position, address, layout)
        end = address + instruction.size
        if address == lookup or end == lookup + 1:
            return before
        target = instruction.target
        if target is not None and target > address and len(branches) < _BRANCH_LIMIT:
            branches.setdefault(target, layout.copy())
            furthest = max(furthest, target)
        if _is_larger(layout, body):
            body = layout.copy()
        flow = instruction.flow
        ended = flow in (Flow.JUMP, Flow.RETURN)
        padded = flow is Flow.PAD and last is Flow.CALL
        if ended or (padded and not alone and end % _ALIGNMENT == 0):
            layout = None
            if not alone and furthest <= address:
                body = FrameLayout()
        if not padded:
            last = flow
        address, position = end, position + instruction.size
    return None


def _is_larger(layout: FrameLayout, body: FrameLayout) -> bool:
    """Whether the prologue goes on: more is saved, or it has a base at last."""
    if layout.known != body.known:
        return layout.known > body.known
    if (layout.depth is None) != (body.depth is None):
        return len(layout.bases) >= len(body.bases)
    return layout.depth is not None and layout.depth > (body.depth or 0)
