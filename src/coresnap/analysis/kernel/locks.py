"""What locks check themselves, and WITNESS.

``sys/kern/kern_mutex.c``, ``sys/kern/subr_turnstile.c``, ``sys/kern/subr_witness.c``,
``sys/kern/subr_sleepqueue.c``, ``sys/kern/kern_clock.c`` (deadlkres).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from coresnap.analysis.classify.rule import CERTAIN, HINT
from coresnap.analysis.kernel.case import KernelCase
from coresnap.analysis.kernel.rule import KernelRule, conclude
from coresnap.model import Classifier

__all__ = ["RULES"]

_SLEPT = "slept with a lock that must not be slept with"
_RECURSED = "took a lock that it held already"
_REPORTS = (
    (
        r"\S+\(\) (?:of|on) destroyed \S+",
        "lock.destroyed",
        "used a lock that was destroyed",
    ),
    (
        r"lock \(\S+\) .{1,80} is not initialized",
        "lock.destroyed",
        "used a lock that is not initialized",
    ),
    (r".{0,60}recursed on non-recursive", "lock.recursion", _RECURSED),
    (r"recurs(?:e|ing|ed) .{0,80}non-recursive", "lock.recursion", _RECURSED),
    (r"spin lock held too long", "lock.held", "waited too long for a spin lock"),
    (r"sleeping thread", "lock.sleeping", _SLEPT),
    (r"Sleeping (?:on|in) .{1,80} with the following", "lock.sleeping", _SLEPT),
    (
        r"Trying sleep, but thread marked as sleeping prohibited",
        "lock.sleeping",
        "slept where sleep is prohibited",
    ),
    (
        r"blockable sleep lock",
        "lock.misuse",
        "took a lock that may sleep where none may",
    ),
    (
        r"(?:mutex|lock|rwlock|sx) .{1,120} not owned at",
        "lock.misuse",
        "worked without the lock that it needs",
    ),
    (
        r".{0,40}possible deadlock detected",
        "deadlock",
        "waited for a lock for too long",
    ),
    (r"[Dd]eadlock detected", "deadlock", "waited for a lock in a circle"),
)
"""What the panic says, the conclusion, and that in words."""


class Lock(KernelRule):
    """What locks check themselves: a destroyed or wrong lock, one that is held too long
    or by a thread that sleeps, recursion that is not allowed."""

    names = (
        "lock.destroyed",
        "lock.recursion",
        "lock.held",
        "lock.sleeping",
        "lock.misuse",
        "deadlock",
    )
    confidence = (CERTAIN,)
    _DETAIL = re.compile(
        r"spin lock .* held by .* too long|Sleeping thread \(tid [0-9]+, pid [0-9]+\)"
    )

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the panic and the line that was printed before it."""
        for pattern, name, summary in _REPORTS:
            if re.match(pattern, case.text):
                detail = [x for x in case.panic.before if self._DETAIL.match(x)][-1:]
                evidence = [case.said, *detail]
                yield conclude(name, CERTAIN, evidence, summary)
                return


class LockOrder(KernelRule):
    """WITNESS saw locks taken in two orders: a deadlock that may come, seldom the
    reason of a panic."""

    names = ("lock.order",)
    confidence = (HINT,)

    def apply(self, case: KernelCase) -> Iterator[Classifier]:
        """Conclude it from the last report before the panic."""
        lines = case.panic.before
        places = [
            at for at, x in enumerate(lines) if x.startswith("lock order reversal")
        ]
        if places:
            at = places[-1]
            evidence = [x.strip() for x in lines[at : at + 3]]
            yield conclude("lock.order", HINT, evidence, "took locks in two orders")


RULES: tuple[KernelRule, ...] = (
    Lock(),
    LockOrder(),
)
