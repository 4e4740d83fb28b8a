"""What those who point to the same memory say against each other.

These rules run behind the others, when it is known who holds the pointers of the fault.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.aliases.type_conflicts import reaches_beyond
from coresnap.analysis.callers import is_of_a_runtime
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import PROBABLE, Rule
from coresnap.analysis.classify.suspects import suspects
from coresnap.analysis.classify.words import accessed, block_words
from coresnap.analysis.variable_paths import variable_paths
from coresnap.model import Alias, Block, Classifier, Variable

__all__ = ["RULES"]

_CONFLICT = "type conflict"
_FRAMES = 4
"""Frames whose pointers are compared with the blocks that they lead to."""
_PATHS = 5000


class StalePointer(Rule):
    """The failed access went through a live block that pointers of unrelated types lead
    to: one of them is older than the block."""

    names = ("stale-pointer",)
    confidence = (PROBABLE,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where at least two typed aliases of one block disagree."""
        block = _live_block(case)
        if block is None:
            return
        typed = [a for a in case.aliases if a.level == 1 and _leads_to(a, block)]
        told = [a for a in typed if a.remark is not None and _CONFLICT in a.remark]
        if len({alias.type for alias in told}) < 2:
            return
        yield Classifier(
            "stale-pointer",
            PROBABLE,
            (
                f"the {block_words(block)} is pointed to as different things",
                *(f"{alias.name} is a {alias.type}" for alias in told[:4]),
            ),
            case.tid,
            block.address,
            case.failed_frame,
            summary=f"{accessed(case)} through a block that is used as two different "
            "types: one of the pointers to it is stale",
        )


class TypeViolation(Rule):
    """A pointer of the failed code leads to a live block that is smaller than what it
    points to."""

    names = ("type-violation",)
    confidence = (PROBABLE,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where a member lies behind the block's end."""
        if case.heaps is None or case.access is None:
            return
        start = case.failed_frame
        for index, frame in enumerate(case.frames[start : start + _FRAMES], start):
            if is_of_a_runtime(frame):
                continue  # an allocator's own view of its blocks
            for path, variable in variable_paths(frame.variables, _PATHS):
                block = _too_small(case, variable)
                if block is None:
                    continue
                target = variable.target.type if variable.target else variable.type
                yield Classifier(
                    "type-violation",
                    PROBABLE,
                    (
                        f"{path} of {frame.function} points to a {target}",
                        f"members of it lie behind the end of the {block_words(block)}",
                    ),
                    case.tid,
                    block.address,
                    index,
                    summary=f"used the {block_words(block)} as a {target}, which is "
                    "larger",
                )
                return


def _live_block(case: Case) -> Block | None:
    """The live block that the failed access was made through."""
    if case.heaps is None:
        return None
    for suspect in suspects(case):
        placement = case.heaps.place(suspect.value)
        if placement is not None and placement.block.state == "live":
            return placement.block
    return None


def _leads_to(alias: Alias, block: Block) -> bool:
    return block.address <= alias.value < block.address + block.size


def _too_small(case: Case, variable: Variable) -> Block | None:
    """The block that a pointer leads to, if that is smaller than the pointee."""
    value = variable.value
    if case.heaps is None or variable.target is None or type(value) is not int:
        return None
    placement = case.heaps.place(value)
    if placement is None or placement.offset != 0 or placement.block.state != "live":
        return None
    block = placement.block
    return block if reaches_beyond(variable, block.address + block.size) else None


RULES: tuple[Rule, ...] = (StalePointer(), TypeViolation())
