"""Names of functions and types, with the namespaces and classes around them."""

from __future__ import annotations

from coresnap.analysis.debuginfo.constants import Language, Tag
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.records import Die
from coresnap.analysis.demangle import display_name

__all__ = ["function_name", "qualified_name"]

_DEPTH_LIMIT = 64
"""Scopes around one another."""


def function_name(
    file: DebugFile, handle: int, language: int
) -> tuple[str, str | None]:
    """(name for people, linkage name if it differs) of a function's DIE."""
    chain = file.integrated(handle)
    linkage = next((die.linkage_name for die in chain if die.linkage_name), None)
    if linkage is not None and language != Language.RUST:
        name = display_name(linkage)
        if name != linkage:
            return name, linkage
    name = qualified_name(file, chain)
    return name, linkage if linkage != name else None


def qualified_name(file: DebugFile, chain: list[Die]) -> str:
    """The name with the namespaces and classes around its declaration."""
    own = next((die.name for die in chain if die.name), None)
    if own is None:
        return "(unnamed)"
    # The last of the chain is the declaration: it stands where the name belongs.
    around = [
        die.name or _UNNAMED[die.tag]
        for die in _scopes_around(file, chain[-1].handle)
        if die.tag in _UNNAMED
    ]
    return "::".join([*around, own])


_UNNAMED: dict[int, str] = {
    Tag.NAMESPACE: "(anonymous namespace)",
    Tag.CLASS_TYPE: "(anonymous class)",
    Tag.STRUCTURE_TYPE: "(anonymous struct)",
    Tag.UNION_TYPE: "(anonymous union)",
    Tag.MODULE: "(anonymous module)",
    Tag.ENUMERATION_TYPE: "(anonymous enum)",
}


def _scopes_around(file: DebugFile, handle: int) -> list[Die]:
    """The DIEs around ``handle`` below its unit, outermost first."""
    unit, split = file.unit_of(handle)
    parent = split or unit
    around: list[Die] = []
    while len(around) < _DEPTH_LIMIT:
        parent = _child_around(file, parent, handle)
        if parent in (0, handle):
            break
        around.append(file.die(parent))
    return around


def _child_around(file: DebugFile, parent: int, handle: int) -> int:
    # DIEs stand in tree order, so that a DIE is below the last sibling before it.
    children = file.every_child(parent)
    low, high = 0, len(children)
    while low < high:
        middle = (low + high) // 2
        if children[middle][0] <= handle:
            low = middle + 1
        else:
            high = middle
    return children[low - 1][0] if low else 0
