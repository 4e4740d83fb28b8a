"""What the signal alone allows us to conclude, and what it does not."""

from __future__ import annotations

from coresnap.analysis.classify import classify
from coresnap.analysis.signals import explain_signal


def names(number: int, code: int | None, address: int | None) -> dict[str, str]:
    signal = explain_signal("Linux", number, code, address, (77, 0))
    return {c.name: c.confidence for c in classify(signal, 1)}


def test_an_access_in_the_first_page_is_a_null_pointer() -> None:
    assert names(11, 1, 0) == {"segv": "certain", "null": "strong"}
    assert names(11, 1, 0xFF8) == {"segv": "certain", "null": "strong"}


def test_other_addresses_are_not() -> None:
    assert names(11, 1, 0x1000) == {"segv": "certain"}
    assert names(11, 2, 0x10) == {"segv": "certain"}


def test_a_sent_signal_is_not_called_a_memory_fault() -> None:
    assert names(11, 0, 0) == {"segv": "certain", "signal.sent": "certain"}


def test_abort_is_abort_and_nothing_else() -> None:
    assert names(6, -6, None) == {"abort": "certain"}


def test_a_live_process_has_no_verdict() -> None:
    assert classify(None, 1) == ()


def test_evidence_can_be_checked() -> None:
    signal = explain_signal("Linux", 11, 1, 0x10)
    null = next(c for c in classify(signal, 42) if c.name == "null")
    assert ("0x10" in null.evidence[0], 42, 0x10) == (True, null.tid, null.address)
