"""Applies the rules to a case: conclusions, the most certain and useful first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.catalogue import (
    AFTER_ALIASES,
    FAMILIES,
    OF_FAULTS,
    OF_WORDS,
    rules,
)
from coresnap.analysis.classify.rule import CONFIDENCES, Rule
from coresnap.analysis.classify.usefulness import by_usefulness
from coresnap.analysis.messages.giving_up import gave_up
from coresnap.model import Classifier, Note

if TYPE_CHECKING:
    from coresnap.analysis.instruction.fault import Fault

__all__ = ["Verdict", "judge", "judge_again"]

_MOST = 64
"""Conclusions kept: a forged core may provoke any number."""


class Verdict(msgspec.Struct, frozen=True):
    """What the rules concluded, the most useful first, and which of them failed."""

    classifiers: tuple[Classifier, ...] = ()
    notes: tuple[Note, ...] = ()


def judge(case: Case, applied: Iterable[Rule] | None = None) -> Verdict:
    """Apply the rules that need no aliases, or those given, to ``case``."""
    found: list[tuple[Rule, Classifier]] = []
    notes: list[Note] = []
    for rule in rules(_families(case)) if applied is None else applied:
        name = type(rule).__name__
        # A rule reads attacker-chosen memory: what it trips over costs its own answer
        # and nobody else's.
        try:
            for classifier in rule.apply(case):
                named = msgspec.structs.replace(classifier, rule=name)
                found.append((rule, named))
        except Exception as error:
            notes.append(Note(f"classify.{name}", f"{type(error).__name__}: {error}"))
    return Verdict(_ordered(_without_replaced(found)), tuple(notes))


def _families(case: Case) -> list[str]:
    # What has nothing to look at is not even imported.
    silent = set(OF_FAULTS) if case.fault is None else _silent_on(case.fault)
    if not case.messages and not gave_up(case.signal, case.frames):
        silent |= OF_WORDS
    if case.fault is not None and not case.assets:
        silent.add("limits")
    if case.fault is not None and len(case.threads) == 1:
        silent.add("locks")
    if not any(frame.signal_frame for t in case.threads for frame in t.frames):
        silent.add("handlers")
    return [family for family in FAMILIES if family not in silent]


def _silent_on(fault: Fault) -> set[str]:
    """Families that this kind of fault gives nothing to look at."""
    signal, access, silent = fault.signal, fault.access, set[str]()
    if access is None or access.kind != "execute":
        silent.add("control_flow")
    if signal.name == "SIGSEGV":
        if access is not None:
            silent.add("execution")
        if signal.code_name in ("SEGV_MAPERR", "SEGV_ACCERR", "SI_KERNEL"):
            silent.add("hardware")
    if signal.name not in ("SIGSEGV", "SIGBUS"):
        silent.add("pointers")
    if "pointers" in silent or fault.address is None:
        silent.add("stacks")
    return silent


def judge_again(case: Case, verdict: Verdict) -> Verdict:
    """Add to ``verdict`` what the rules conclude now that aliases are known."""
    more = judge(case, rules(_late_families(case)))
    return Verdict(_ordered((*verdict.classifiers, *more.classifiers)), more.notes)


def _late_families(case: Case) -> list[str]:
    wanted = {"aliases": case.access is not None, "leaks": case.signal is not None}
    if case.fault is not None:
        wanted["leaks"] = bool(case.assets)
    return [family for family in AFTER_ALIASES if wanted[family]]


def _ordered(found: Iterable[Classifier]) -> tuple[Classifier, ...]:
    return tuple(by_usefulness(_distinct(found))[:_MOST])


def _without_replaced(
    found: Sequence[tuple[Rule, Classifier]],
) -> list[Classifier]:
    gone = {(name, c.tid) for rule, c in found for name in rule.replaces}
    return [c for _, c in found if (c.name, c.tid) not in gone]


def _distinct(found: Iterable[Classifier]) -> list[Classifier]:
    """Of each name and thread the surest conclusions, one for each address."""
    best: dict[tuple[str, int | None], dict[int | None, Classifier]] = {}
    for one in found:
        alike = best.setdefault((one.name, one.tid), {})
        rank = min(map(_rank, alike.values()), default=len(CONFIDENCES))
        if _rank(one) < rank:
            alike.clear()
        if _rank(one) <= rank:
            alike.setdefault(one.address, one)
    return [one for alike in best.values() for one in alike.values()]


def _rank(classifier: Classifier) -> int:
    return CONFIDENCES.index(classifier.confidence)
