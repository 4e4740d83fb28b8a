"""Signals are named as the crashed system means them."""

from __future__ import annotations

import signal as host

import pytest

from coresnap.analysis.signals import explain_signal, is_fault


def test_a_fault_has_its_code_name_and_address() -> None:
    found = explain_signal("Linux", 11, 1, 0x123)
    assert (
        found.name,
        found.code_name,
        found.address,
    ) == ("SIGSEGV", "SEGV_MAPERR", 0x123)
    assert "not mapped" in found.description


def test_a_sent_signal_names_its_sender_and_has_no_address() -> None:
    found = explain_signal("Linux", 11, 0, 0x3E800001234, (4660, 1000))
    assert found.address is None
    assert (
        found.sender_pid,
        found.sender_uid,
        found.code_name,
    ) == (4660, 1000, "SI_USER")
    assert "process 4660 of user 1000" in found.description


@pytest.mark.parametrize(("system", "code"), [("Linux", 128), ("FreeBSD", 0x10006)])
def test_a_signal_from_the_kernel_does_not_claim_an_address(
    system: str, code: int
) -> None:
    found = explain_signal(system, 11, code, 0)
    assert found.address is None
    assert found.code_name == "SI_KERNEL"


def test_the_same_number_means_another_signal_on_the_other_system() -> None:
    assert explain_signal("Linux", 10, None, None).name == "SIGUSR1"
    assert explain_signal("FreeBSD", 10, None, None).name == "SIGBUS"
    assert explain_signal("Linux", 8, 1, 7).code_name == "FPE_INTDIV"
    assert explain_signal("FreeBSD", 8, 1, 7).code_name == "FPE_INTOVF"


@pytest.mark.skipif(not hasattr(host, "SIGPWR"), reason="the host is not Linux")
def test_linux_names_are_those_of_the_c_library() -> None:
    for number in range(1, 32):
        assert explain_signal("Linux", number, None, None).name in {
            name for name, value in host.__dict__.items() if value == number
        }


def test_real_time_and_unknown_numbers_still_have_a_name() -> None:
    assert explain_signal("Linux", 34, None, None).name == "SIGRTMIN"
    assert explain_signal("FreeBSD", 66, None, None).name == "SIGRTMIN+1"
    assert explain_signal("Linux", 99, None, None).name == "signal 99"


def test_only_signals_of_the_hardware_count_as_faults() -> None:
    assert is_fault("SIGSEGV")
    assert not is_fault("SIGABRT")


def test_an_abort_that_somebody_else_asked_for_was_not_giving_up() -> None:
    own = explain_signal("Linux", 6, -6, None, (7, 0), 7)
    assert own.description == "the process gave up (abort)"
    other = explain_signal("Linux", 6, 0, None, (8, 0), 7)
    assert other.description == "sent by process 8 of user 0"
