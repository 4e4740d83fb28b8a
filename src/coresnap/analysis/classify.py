"""First conclusions, drawn from the signal alone.

Each rule is one function that returns a ``Classifier`` or None; ``RULES`` is the list.
Names follow the announcement where it has one. Nothing here looks at the heap or at
the faulting instruction, so nothing here claims more than the kernel said.
"""

from __future__ import annotations

from collections.abc import Callable

from coresnap.analysis.signals import is_fault
from coresnap.model import Classifier, Signal

__all__ = ["RULES", "classify"]

# No Linux or FreeBSD maps the first page by default (vm.mmap_min_addr, map_at_zero),
# so an access below it is an offset from a null pointer.
_FIRST_PAGE = 4096

Rule = Callable[[Signal, int | None], Classifier | None]


def classify(signal: Signal | None, tid: int | None) -> tuple[Classifier, ...]:
    """Apply every rule to the signal of the crashed thread ``tid``."""
    if signal is None:
        return ()
    found = (rule(signal, tid) for rule in RULES)
    return tuple(classifier for classifier in found if classifier is not None)


def _family(signal: Signal, tid: int | None) -> Classifier | None:
    """``segv``, ``abort``, …: the signal's name, certain by definition."""
    name = signal.name.removeprefix("SIG").lower()
    name = {"abrt": "abort"}.get(name, name)
    evidence = f"{signal.name} {signal.code_name or signal.code or ''}".strip()
    return Classifier(name, "certain", (evidence,), tid, signal.address)


def _sent(signal: Signal, tid: int | None) -> Classifier | None:
    """``signal.sent``: another process stopped this one; no instruction failed."""
    if signal.sender_pid is None or signal.name == "SIGABRT":
        return None
    evidence = f"{signal.code_name}: sent by process {signal.sender_pid}"
    return Classifier("signal.sent", "certain", (evidence,), tid)


def _null(signal: Signal, tid: int | None) -> Classifier | None:
    """``null``: an unmapped address in the first page."""
    address = signal.address
    if not is_fault(signal.name) or signal.code_name != "SEGV_MAPERR":
        return None
    if address is None or address >= _FIRST_PAGE:
        return None
    evidence = f"fault address {address:#x} is in the first page"
    return Classifier("null", "strong", (evidence,), tid, address)


RULES: tuple[Rule, ...] = (_family, _sent, _null)
