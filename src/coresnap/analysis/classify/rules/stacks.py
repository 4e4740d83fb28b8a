"""Stacks that ran full: the fault below a stack's end, and the cycle that filled it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import PROBABLE, STRONG, Rule
from coresnap.analysis.classify.rules.accesses import access_evidence
from coresnap.model import Classifier, Frame, Mapping

__all__ = ["RULES"]

_PAGE = 4096
_LARGEST_FRAME = 64 << 20
"""Bytes below a stack that one function's local variables may reach."""
_LONGEST_CYCLE = 10
_LEAST_TURNS = 3
_LEAST_DEPTH = 200
"""Frames of a stack that recursion has filled, unless each is very large."""
_GUARD_LIMIT = 64 << 20


class _Overflow(msgspec.Struct, frozen=True):
    """A stack and what lies below it."""

    stack: Mapping
    limit: int | None
    """Bytes that it may have; None if nothing tells."""
    is_main: bool
    guard: Mapping | None = None


class StackOverflow(Rule):
    """The fault lies just below the crashed thread's stack, or in its guard (a
    thread's, on FreeBSD also the main stack's); of the main thread the stack has
    reached its limit (RLIMIT_STACK, where core or capture kept it)."""

    names = ("stack-overflow",)
    confidence = (STRONG, PROBABLE)
    replaces = (
        "bit-flip",
        "inconsistent",
        "invalid-pointer",
        "memory.protection",
        "memory.unmapped",
        "null",
    )

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the stack pointer and the fault's address together."""
        fault = case.fault
        if fault is None or fault.signal.name not in ("SIGSEGV", "SIGBUS"):
            return
        address, sp = fault.address, fault.machine.sp
        if address is None or sp is None:
            return
        found = _overflow(case, address, sp)
        if found is None:
            return
        sure = _confidence(case, found, address, sp)
        if sure is None:
            return
        size = found.stack.end - found.stack.start
        evidence = [
            *access_evidence(case),
            f"stack pointer {sp:#x}, stack {found.stack.start:#x}–{found.stack.end:#x}",
            f"the stack has {size:#x} bytes",
        ]
        if found.limit is not None:
            evidence.append(f"its limit is {found.limit:#x} bytes")
        if found.guard is not None:
            evidence.append(f"{address:#x} is in the guard below it")
        if fault.kernel_address is None:
            evidence.append("there was no room to deliver the signal to its handler")
        whose = "its main stack" if found.is_main else "a thread's stack"
        yield Classifier(
            "stack-overflow",
            sure,
            tuple(evidence),
            case.tid,
            address,
            case.failed_frame,
            summary=f"used up {whose} of {size // 1024} KiB",
        )


def _overflow(case: Case, address: int, sp: int) -> _Overflow | None:
    mappings = case.core.memory.mappings
    at = case.core.memory.find_mapping(address)
    if at is not None and at.permissions not in ("---", "???"):
        return None
    above = next((m for m in mappings if m.start >= (at.end if at else address)), None)
    if above is None or "w" not in above.permissions:
        return None
    is_main = above.path == "[stack]"
    limit = _stack_limit(case) if is_main or at is None else None
    if at is not None:
        # FreeBSD's main stack grows into a guard of half a gigabyte.
        small = at.end - at.start <= _GUARD_LIMIT
        is_guard = above.start == at.end and (small or is_main)
        return _Overflow(above, limit, is_main, at) if is_guard else None
    return _Overflow(above, limit, is_main)


def _confidence(case: Case, found: _Overflow, address: int, sp: int) -> str | None:
    """How sure it is; None if the stack pointer is elsewhere."""
    stack = found.stack
    lowest = min(address, found.guard.start if found.guard is not None else address)
    # Frames larger than the guard are probed page by page, or jump over it.
    if not lowest - _LARGEST_FRAME <= sp <= stack.end:
        return None
    if sp >= stack.start + 2 * _PAGE:
        return None
    if found.is_main:
        return _main_confidence(found, address, sp)
    if found.guard is not None:
        return STRONG
    return PROBABLE if _is_deep(case.frames) else None


def _main_confidence(found: _Overflow, address: int, sp: int) -> str | None:
    """The kernel lets the main stack grow to its limit: what it refuses is beyond."""
    stack = found.stack
    if found.limit is not None:
        full = stack.end - address >= found.limit - 16 * _PAGE
        return STRONG if full else None
    distance = stack.start - address
    if distance > _LARGEST_FRAME:
        return None
    is_close = distance <= 2 * _PAGE or abs(sp - address) <= 16 * _PAGE
    return STRONG if is_close else PROBABLE


def _stack_limit(case: Case) -> int | None:
    """RLIMIT_STACK's soft limit, from the captured ``/proc/PID/limits``."""
    for line in (
        case.assets.get("process/limits", b"").decode("utf-8", "replace").splitlines()
    ):
        if line.startswith("Max stack size"):
            words = line.removeprefix("Max stack size").split()
            return int(words[0]) if words and words[0].isdecimal() else None
    return None


class Recursion(Rule):
    """The stack ran full, and its innermost frames repeat in a cycle of at most ten
    functions, three times or more: the cycle is what filled it."""

    names = ("recursion",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for stacks that are full."""
        if case.fault is None:
            return
        full = any(True for _ in StackOverflow().apply(case))
        found = _cycle(case.frames[case.failed_frame :])
        if found is None or not full:
            return
        start, names, turns = found
        left_out = sum(frame.left_out for frame in case.frames)
        more = f", and {left_out} frames more" if left_out else ""
        way = " → ".join(reversed(names))
        yield Classifier(
            "recursion",
            STRONG,
            (f"cycle of {len(names)}: {way}", f"{turns} turns{more}"),
            case.tid,
            None,
            case.failed_frame + start,
            summary=(
                f"called {names[0]} from itself"
                if len(names) == 1
                else f"called {' and '.join(names)} from each other"
            )
            + " without an end",
        )


def _cycle(frames: Sequence[Frame]) -> tuple[int, list[str], int] | None:
    """(first frame, names of one turn, turns) of the shortest repetition."""
    names = [_name(frame) for frame in frames[:500]]
    for start in range(min(len(names), _LONGEST_CYCLE)):
        for length in range(1, _LONGEST_CYCLE + 1):
            turns = _turns(names, start, length)
            if turns >= _LEAST_TURNS:
                return start, names[start : start + length], turns
    return None


def _turns(names: Sequence[str], start: int, length: int) -> int:
    one = names[start : start + length]
    if len(one) < length or "" in one:
        return 0
    turns = 1
    while names[start + turns * length : start + (turns + 1) * length] == one:
        turns += 1
    return turns


def _name(frame: Frame) -> str:
    if frame.function is not None:
        return frame.function
    offset = frame.module_offset
    return "" if offset is None else f"{frame.module}+{offset:#x}"


def _is_deep(frames: Sequence[Frame]) -> bool:
    return len(frames) + sum(frame.left_out for frame in frames) >= _LEAST_DEPTH


RULES: tuple[Rule, ...] = (StackOverflow(), Recursion())
