"""Signals are named as the crashed system means them."""

from __future__ import annotations

import signal as host

import pytest

from coresnap.analysis.signals import explain_signal, is_fault, is_sent


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


@pytest.mark.parametrize(
    ("number", "code", "trap", "words"),
    [
        (10, 3, 9, "general protection fault"),
        (10, 2, 27, "general protection fault"),
        (10, 3, 12, "the object behind the address failed"),
        (10, 3, None, "the object behind the address failed"),
        (8, 2, 18, "integer division"),
        (12, 0x10006, None, "there is no such system call"),
    ],
)
def test_freebsds_trap_tells_what_a_code_means(
    number: int, code: int, trap: int | None, words: str
) -> None:
    found = explain_signal("FreeBSD", number, code, 0x1234, trap=trap)
    assert words in found.description


def test_freebsds_lost_siginfo_has_no_address() -> None:
    found = explain_signal("FreeBSD", 11, 0, 0)
    assert (found.code_name, found.address) == ("SI_NOINFO", None)


@pytest.mark.parametrize(
    ("system", "code", "sent"),
    [
        ("Linux", 0, True),
        ("Linux", -6, True),
        ("Linux", 128, False),
        ("Linux", 1, False),
        ("FreeBSD", 0x10001, True),
        ("FreeBSD", 0x10007, True),
        ("FreeBSD", 0x10006, False),
        ("FreeBSD", 3, False),
    ],
)
def test_who_sent_a_signal_is_told_by_its_code(
    system: str, code: int, sent: bool
) -> None:
    assert is_sent(system, code) is sent
