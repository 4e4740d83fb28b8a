"""Remarks on the variables that lead to the memory of the fault."""

from __future__ import annotations

from collections.abc import Iterable

from coresnap.analysis.aliases.chase import Found
from coresnap.analysis.aliases.type_conflicts import CONFLICT
from coresnap.model import Annotation

__all__ = ["add_marks"]


def add_marks(remarks: dict[int, list[Annotation]], found: Iterable[Found]) -> None:
    """Add annotations by ``id()`` of the variable: what it leads to, and what of that
    is wrong."""
    marked: set[int] = set()
    for one in found:
        variable = None if one.held is None else one.held.variable
        if variable is None or id(variable) in marked:
            continue
        marked.add(id(variable))
        # What the register was loaded from holds the same pointer, of course.
        if one.target.block is not None or id(variable) not in remarks:
            remarks.setdefault(id(variable), []).append(_annotation(one))


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
