"""Applies the rules about kernels to a panic."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.classify.rule import CONFIDENCES
from coresnap.analysis.classify.usefulness import by_usefulness
from coresnap.analysis.kernel import heap_reports, locks, panics, traps
from coresnap.analysis.kernel.case import KernelCase
from coresnap.analysis.kernel.rule import KernelRule
from coresnap.model import Classifier, Note

__all__ = ["judge_kernel", "kernel_rules"]

_MOST = 64
_FAMILIES = (heap_reports, traps, locks, panics)


def kernel_rules() -> Iterator[KernelRule]:
    """Yield every rule; ``docs/classifiers.md`` has a table of them."""
    for family in _FAMILIES:
        yield from family.RULES


def judge_kernel(case: KernelCase) -> tuple[tuple[Classifier, ...], tuple[Note, ...]]:
    """Return what the rules conclude, the most useful first, and which of them failed.

    Of one name the surest conclusion at each address is kept.
    """
    best: dict[tuple[str, int | None], Classifier] = {}
    notes: list[Note] = []
    for rule in kernel_rules():
        name = type(rule).__name__
        # As in classify.verdict: a buffer holds what anybody wrote there.
        try:
            for one in rule.apply(case):
                key = one.name, one.address
                if key not in best or _rank(one) < _rank(best[key]):
                    best[key] = msgspec.structs.replace(one, rule=name)
        except Exception as error:
            notes.append(Note(f"kernel.{name}", f"{type(error).__name__}: {error}"))
    return tuple(by_usefulness(best.values())[:_MOST]), tuple(notes)


def _rank(classifier: Classifier) -> int:
    return CONFIDENCES.index(classifier.confidence)
