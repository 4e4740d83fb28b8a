"""Applies the rules to a case: conclusions, the most certain and useful first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.catalogue import rules
from coresnap.analysis.classify.rule import CONFIDENCES, Rule
from coresnap.analysis.classify.usefulness import by_usefulness
from coresnap.model import Classifier, Note

__all__ = ["Verdict", "judge"]

_MOST = 64
"""Conclusions kept: a forged core may provoke any number."""


class Verdict(msgspec.Struct, frozen=True):
    """What the rules concluded, and which of them failed."""

    classifiers: tuple[Classifier, ...] = ()
    notes: tuple[Note, ...] = ()


def judge(case: Case, applied: Iterable[Rule] | None = None) -> Verdict:
    """Apply every rule of the catalogue, or those given, to ``case``."""
    found: list[tuple[Rule, Classifier]] = []
    notes: list[Note] = []
    for rule in rules() if applied is None else applied:
        name = type(rule).__name__
        # A rule reads attacker-chosen memory: what it trips over costs its own answer
        # and nobody else's.
        try:
            for classifier in rule.apply(case):
                named = msgspec.structs.replace(classifier, rule=name)
                found.append((rule, named))
        except Exception as error:
            notes.append(Note(f"classify.{name}", f"{type(error).__name__}: {error}"))
    kept = by_usefulness(_distinct(_without_replaced(found)))
    return Verdict(tuple(kept[:_MOST]), tuple(notes))


def _without_replaced(
    found: Sequence[tuple[Rule, Classifier]],
) -> list[Classifier]:
    gone = {(name, c.tid) for rule, c in found for name in rule.replaces}
    return [c for _, c in found if (c.name, c.tid) not in gone]


def _distinct(found: Iterable[Classifier]) -> list[Classifier]:
    """One conclusion of each name, thread and address: the surest."""
    best: dict[tuple[str, int | None, int | None], Classifier] = {}
    for one in found:
        key = one.name, one.tid, one.address
        other = best.get(key)
        if other is None or _rank(one) < _rank(other):
            best[key] = one
    return list(best.values())


def _rank(classifier: Classifier) -> int:
    return CONFIDENCES.index(classifier.confidence)
