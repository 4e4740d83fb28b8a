"""Remarks on the variables that lead to the memory of the fault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coresnap.analysis.aliases.chase import Found
from coresnap.analysis.aliases.targets import Target
from coresnap.analysis.aliases.type_conflicts import CONFLICT
from coresnap.model import Annotation

__all__ = ["marks"]


def marks(
    found: Iterable[Found], targets: Sequence[Target]
) -> dict[int, list[Annotation]]:
    """Annotations by ``id()`` of the variable: what it leads to, and what of that is
    wrong."""
    remarks: dict[int, list[Annotation]] = {}
    for one in found:
        held = one.held
        if held is None or held.variable is None:
            continue
        own = remarks.setdefault(id(held.variable), [])
        if not own:
            own.append(_annotation(one))
    return remarks


def _annotation(one: Found) -> Annotation:
    alias, target = one.alias, one.target
    verb = "points into" if target.block is not None or alias.offset else "holds"
    text = f"{verb} {target.description}"
    if alias.offset:
        text += f" (+{alias.offset})"
    text += f", {target.relation}"
    # That the block is free was just said.
    conflict = (alias.remark or "").partition(CONFLICT)
    if conflict[1]:
        text += f"; {conflict[1]}{conflict[2]}"
    return Annotation("comment" if alias.remark is None else "warning", text)
