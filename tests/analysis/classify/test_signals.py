"""What the signal alone allows us to conclude, and what it does not."""

from __future__ import annotations

from coresnap.analysis.classify.signals import RULES, of_signal

from .cases import case, concluded


def test_a_fault_has_its_signals_name() -> None:
    assert concluded(case(11, 1, 0x1000), *RULES) == {"segv": "certain"}


def test_a_sent_signal_is_not_called_a_memory_fault() -> None:
    assert concluded(case(11, 0, 0)) == {"segv": "certain", "signal.sent": "certain"}


def test_abort_is_abort_and_nothing_else() -> None:
    assert concluded(case(6, -6, None)) == {"abort": "certain"}


def test_a_live_process_has_no_verdict() -> None:
    assert concluded(case(signal=None)) == {}


def test_a_crash_without_a_core_is_judged_by_its_signal() -> None:
    signal = case(11, 0, 0).signal
    assert [c.name for c in of_signal(signal, 42)] == ["segv", "signal.sent"]
    assert {c.tid for c in of_signal(signal, 42)} == {42}
