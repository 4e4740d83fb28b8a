"""How conclusions speak of accesses and blocks, the same in every rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coresnap.analysis.classify.case import Case
    from coresnap.model import Block

__all__ = ["accessed", "accessed_at", "block_words"]

_DONE = {"read": "read", "write": "wrote"}
_TO = {"read": "from", "write": "to"}


def accessed(case: Case) -> str:
    """Return what the failed access did: ``wrote 1 byte``, ``jumped``."""
    access = case.access
    if access is None:
        return "used memory"
    if access.kind not in _DONE:
        return "jumped"
    unit = "byte" if access.width == 1 else "bytes"
    return f"{_DONE[access.kind]} {access.width or 'some'} {unit}"


def accessed_at(case: Case) -> str:
    """Return the same with its preposition: ``wrote 1 byte to``, ``jumped to``."""
    access = case.access
    if access is None:
        return "used"
    return f"{accessed(case)} {_TO.get(access.kind, 'to')}"


def block_words(block: Block) -> str:
    """Return what a block is: ``free 24-byte block of glibc at 0x… (tcache 32)``."""
    place = ", ".join(part for part in (block.free_list, block.arena) if part)
    text = f"{block.state} {block.size}-byte block of {block.allocator}"
    return f"{text} at {block.address:#x}" + (f" ({place})" if place else "")
