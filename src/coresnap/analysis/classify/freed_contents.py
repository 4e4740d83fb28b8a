"""What freed blocks hold, and the conclusion when a bad pointer came from one."""

from __future__ import annotations

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import STRONG
from coresnap.analysis.classify.suspects import Suspect
from coresnap.analysis.classify.words import accessed, block_words
from coresnap.model import Block, Classifier

__all__ = ["SCANNED", "held_word", "through_freed"]

SCANNED = 4096
"""Bytes of a block that are searched for the bad pointer."""


def held_word(
    case: Case, block: Block, bases: list[Suspect]
) -> tuple[Suspect, int] | None:
    """Which of ``bases`` a block holds, and where."""
    size = case.core.architecture.pointer_size
    data = case.core.memory.read_some(block.address, min(block.size, SCANNED))
    for suspect in bases:
        word = suspect.value.to_bytes(size, case.core.memory.byte_order)
        at = data.find(word)
        while at >= 0 and at % size:
            at = data.find(word, at + 1)
        if at >= 0:
            return suspect, block.address + at
    return None


def through_freed(
    case: Case, block: Block, evidence: tuple[str, ...], sure: str = STRONG
) -> Classifier:
    """Return that the failed access went through a pointer from a freed ``block``."""
    return Classifier(
        "use-after-free",
        sure,
        evidence,
        case.tid,
        block.address,
        case.failed_frame,
        summary=f"{accessed(case)} through a pointer taken from freed memory: the "
        f"{block_words(block)}",
    )
