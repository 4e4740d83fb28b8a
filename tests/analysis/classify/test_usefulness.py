"""A cause is told before a mechanism, and both before the signal's name."""

from __future__ import annotations

from coresnap.analysis.classify.usefulness import by_usefulness
from coresnap.model import Classifier


def order(*names: str, confidence: str = "strong") -> list[str]:
    found = [Classifier(name, confidence, ()) for name in names]
    return [c.name for c in by_usefulness(found)]


def test_causes_mechanisms_circumstances_signals() -> None:
    assert order("segv", "memory.unmapped", "memory.write", "use-after-free") == [
        "use-after-free",
        "memory.write",
        "memory.unmapped",
        "segv",
    ]


def test_who_sent_a_signal_is_all_there_is_to_know() -> None:
    assert order("segv", "signal.sent") == ["signal.sent", "segv"]


def test_a_sure_mechanism_goes_before_a_guessed_cause() -> None:
    sure = Classifier("memory.write", "certain", ())
    guess = Classifier("heap.overflow", "probable", ())
    assert by_usefulness([guess, sure]) == [sure, guess]
