"""What the signal alone allows us to conclude, and what it does not."""

from __future__ import annotations

from coresnap.analysis.classify.rules.signals import RULES, of_signal
from coresnap.analysis.classify.verdict import judge
from coresnap.analysis.signals import explain_signal

from ..cases import case, concluded


def test_a_fault_has_its_signals_name() -> None:
    assert concluded(case(11, 1, 0x1000), *RULES) == {"segv": "certain"}


def test_a_sent_signal_is_not_called_a_memory_fault() -> None:
    assert concluded(case(11, 0, 0)) == {"segv": "certain", "signal.sent": "certain"}


def test_an_abort_is_the_process_own_work() -> None:
    own = explain_signal("Linux", 6, -6, None, (1, 0))
    assert concluded(case(6, signal=own)) == {"abort": "certain", "stop": "certain"}


def test_an_abort_that_another_process_asked_for_is_not() -> None:
    found = concluded(case(6, 0, None), *RULES)
    assert found == {"abort": "certain", "signal.sent": "certain"}


def test_a_process_may_send_itself_any_signal() -> None:
    own = explain_signal("Linux", 11, 0, None, (1, 0))
    found = judge(case(signal=own)).classifiers
    assert [c.name for c in found] == ["stop", "segv"]
    assert found[0].summary == "sent itself SIGSEGV"


def test_a_live_process_has_no_verdict() -> None:
    assert concluded(case(signal=None)) == {}


def test_a_crash_without_a_core_is_judged_by_its_signal() -> None:
    signal = case(11, 0, 0).signal
    assert [c.name for c in of_signal(signal, 42)] == ["segv", "signal.sent"]
    assert {c.tid for c in of_signal(signal, 42)} == {42}
