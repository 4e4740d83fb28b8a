"""How the conclusions of many rules become one verdict."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import HINT, STRONG, Rule
from coresnap.analysis.classify.verdict import judge
from coresnap.model import Classifier

from .cases import case


class Guess(Rule):
    """Concludes the same as Proof, less surely."""

    names = ("null", "invalid-pointer")
    confidence = (HINT,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        yield Classifier("null", HINT, ("it may be",), case.tid, 8)
        yield Classifier("invalid-pointer", HINT, ("it is odd",), case.tid)


class Proof(Rule):
    """Knows more than Guess."""

    names = ("null",)
    confidence = (STRONG,)
    replaces = ("invalid-pointer",)

    def apply(self, case: Case) -> Iterator[Classifier]:
        yield Classifier("null", STRONG, ("it is",), case.tid, 8)


class Broken(Rule):
    """Trips over the core."""

    names = ("null",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        yield from ()
        raise ZeroDivisionError("of the core's making")


def test_of_the_same_conclusion_the_surest_is_kept_with_its_rule() -> None:
    verdict = judge(case(), (Guess(), Proof()))
    kept = [(c.name, c.confidence, c.rule) for c in verdict.classifiers]
    assert kept == [("null", "strong", "Proof")]


class Elsewhere(Rule):
    """Concludes the same of another address, as surely as Proof."""

    names = ("null",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        yield Classifier("null", STRONG, ("it is",), case.tid, 16)


def test_equally_sure_conclusions_of_several_addresses_all_stay() -> None:
    verdict = judge(case(), (Guess(), Proof(), Elsewhere()))
    assert [c.address for c in verdict.classifiers] == [8, 16]


def test_what_says_less_stays_where_nothing_says_more() -> None:
    names = [c.name for c in judge(case(), (Guess(),)).classifiers]
    assert names == ["null", "invalid-pointer"]


def test_a_rule_that_fails_costs_its_own_answer_alone() -> None:
    verdict = judge(case(), (Broken(), Proof()))
    assert [c.name for c in verdict.classifiers] == ["null"]
    assert [note.step for note in verdict.notes] == ["classify.Broken"]
