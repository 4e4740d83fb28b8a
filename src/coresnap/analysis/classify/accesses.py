"""What the failed access says: which kind it was, and why the address is bad."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import STRONG, Rule
from coresnap.analysis.signals import is_fault
from coresnap.model import Classifier

__all__ = ["RULES"]

# No Linux or FreeBSD maps the first page by default (vm.mmap_min_addr, map_at_zero),
# so an access below it is an offset from a null pointer.
_FIRST_PAGE = 4096


class NullPointer(Rule):
    """The failed address lies in the first page: an offset from a null pointer."""

    names = ("null",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for unmapped addresses only."""
        signal = case.signal
        if signal is None or not is_fault(signal.name):
            return
        address = signal.address
        if signal.code_name != "SEGV_MAPERR" or address is None:
            return
        if address < _FIRST_PAGE:
            evidence = f"fault address {address:#x} is in the first page"
            yield Classifier("null", STRONG, (evidence,), case.tid, address)


RULES: tuple[Rule, ...] = (NullPointer(),)
