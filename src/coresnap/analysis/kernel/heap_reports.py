"""What the kernel's heap checkers report: REDZONE, UMA with INVARIANTS, MemGuard.

``sys/vm/redzone.c``, ``sys/vm/uma_dbg.c``, ``sys/vm/uma_core.c``,
``sys/vm/memguard.c``, ``sys/kern/kern_malloc.c``. The wording changed
between releases; a pattern takes all that are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from coresnap.analysis.classify.rule import CERTAIN
from coresnap.analysis.kernel.backtrace import read_backtrace
from coresnap.analysis.kernel.case import KernelCase
from coresnap.analysis.kernel.rule import KernelRule, conclude, cut
from coresnap.model import Classifier

__all__ = ["RULES"]

_MOST_REPORTS = 8
_ADDRESSES = (1 << 64) - 1
_HEX = r"0x[0-9a-f]{1,16}"
_CHECKER = frozenset(
    {"redzone_setup", "redzone_check", "malloc", "free", "stack_save", "realloc"}
)


class Redzone(KernelRule):
    """DEBUG_REDZONE found its marks beside a block overwritten, when it was freed: by
    how many bytes, how large the block is, who allocated and who freed it."""

    names = ("heap.overflow", "heap.underflow")
    confidence = (CERTAIN,)
    _REPORT = re.compile(
        r"REDZONE: Buffer (overflow|underflow) detected\. ([0-9]{1,10}) bytes? "
        rf"corrupted (?:after|before) ({_HEX}) \(([0-9]{{1,20}}) bytes allocated\)"
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from each report, with the functions of its backtraces."""
        lines = case.panic.lines
        found = [
            (at, m) for at, one in enumerate(lines) if (m := self._REPORT.match(one))
        ]
        # The last one is what made it panic, if it did.
        for at, match in found[-_MOST_REPORTS:]:
            kind, count, address, size = match.groups()
            who = _stack_evidence(lines[at + 1 :])
            side = "behind" if kind == "overflow" else "before"
            unit = "byte" if count == "1" else "bytes"
            summary = f"wrote {count} {unit} {side} a block of {size} bytes"
            evidence = (cut(lines[at]), *who)
            yield conclude(f"heap.{kind}", CERTAIN, evidence, summary, int(address, 16))


class ModifiedAfterFree(KernelRule):
    """UMA's check of freed items (INVARIANTS) found other bytes than its junk: somebody
    wrote to memory that was freed, and when is not known."""

    names = ("use-after-free",)
    confidence = (CERTAIN,)
    _REPORT = re.compile(
        rf"Memory modified after free ({_HEX}) ?"
        r"\(([0-9]{1,10})(?:, ([^)]{0,80}))?\)"
        rf"(?: val=([0-9a-f]{{1,16}}) @ ({_HEX})"
        r"| \+ ([0-9]{1,10}) = ([0-9a-f]{1,16}))?"
    )
    _USER = re.compile(r"Most recently used by (.{1,80})")

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic, or from a report that did not stop the kernel."""
        user = next(
            (m[1] for x in case.panic.lines if (m := self._USER.search(x))), None
        )
        for line in case.panic.lines:
            match = self._REPORT.search(line)
            if match is None:
                continue
            start, size, zone = int(match[1], 16), match[2], match[3]
            address = int(match[5], 16) if match[5] else start + int(match[6] or 0)
            address &= _ADDRESSES
            value = match[4] or match[7]
            where = f" of zone {zone}" if zone else ""
            summary = f"wrote to freed memory, an item of {size} bytes{where}"
            summary += f" last used by {user}" if user and user != "none" else ""
            evidence = [cut(line)]
            if value is not None:
                evidence.append(f"{value} stands where 0xdeadc0de should")
            evidence += [f"Most recently used by {user}"] if user else []
            yield conclude("use-after-free", CERTAIN, evidence, summary, address)
            return


class DoubleFree(KernelRule):
    """UMA's bookkeeping of freed items, or MemGuard: a block was freed twice."""

    names = ("double-free",)
    confidence = (CERTAIN,)
    _REPORTS = (
        re.compile(
            rf"Duplicate free of (?:item )?({_HEX}) from zone {_HEX} ?\((.{{1,64}}?)\)"
        ),
        re.compile(rf"MemGuard detected double-free of ({_HEX})"),
        re.compile(rf"Freeing free item ({_HEX})"),
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic."""
        for pattern in self._REPORTS:
            for line in case.panic.lines:
                if match := pattern.search(line):
                    zone = match[2] if pattern.groups > 1 else None
                    summary = "freed a block twice" + (f", of {zone}" if zone else "")
                    address = int(match[1], 16)
                    yield conclude(
                        "double-free", CERTAIN, (cut(line),), summary, address
                    )
                    return


class InvalidFree(KernelRule):
    """free(9) of what was never allocated."""

    names = ("invalid-free",)
    confidence = (CERTAIN,)
    _REPORT = re.compile(
        rf"free: address ({_HEX})\(({_HEX})\) has not been allocated"
        rf"|Freed item ({_HEX}) .*?(?:not from|does not belong|is not in) "
        rf"|free\(\): invalid malloc cookie"
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic."""
        if match := self._REPORT.search(case.text):
            address = match[1] or match[3]
            yield conclude(
                "invalid-free",
                CERTAIN,
                (cut(case.said),),
                "freed what was not allocated",
                int(address, 16) if address else None,
            )


def _stack_evidence(lines: Sequence[str]) -> Iterator[str]:
    """The functions of a report's two backtraces, without the checker's own."""
    for heading, did in (("Allocation", "allocated"), ("Free", "freed")):
        for at, line in enumerate(lines[:64]):
            if line.startswith("REDZONE:"):
                break
            if line.startswith(f"{heading} backtrace:"):
                frames = read_backtrace(lines[at + 1 :]).frames
                names = [f.function for f in frames if f.function]
                own = [n for n in names if n not in _CHECKER]
                if own:
                    yield f"{did} by {' < '.join(own[:4])}"
                break


RULES: tuple[KernelRule, ...] = (
    Redzone(),
    ModifiedAfterFree(),
    DoubleFree(),
    InvalidFree(),
)
