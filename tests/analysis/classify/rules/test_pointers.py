"""What is wrong with a pointer, where the code cannot be read."""

from __future__ import annotations

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rules.pointers import NoncanonicalAddress

from ..cases import concluded
from ..faults import faulted

SI_KERNEL = 128
ODD = 0x5A5A_5A5A_5A5A_5A5A


def codeless(**registers: int) -> Case:
    """A general protection fault at code that is not in the core."""
    return faulted("", 11, SI_KERNEL, registers=registers)


def test_the_only_register_that_cannot_be_an_address_probably_was_taken_for_one() -> (
    None
):
    found = concluded(codeless(rax=ODD, rdi=0x5000_0000), NoncanonicalAddress())
    assert found == {"noncanonical": "probable"}


def test_of_several_nobody_knows_which() -> None:
    found = codeless(rax=ODD, rbx=0x4141_4141_4141_4141)
    assert concluded(found, NoncanonicalAddress()) == {}


def test_a_fault_with_an_address_is_another() -> None:
    mapped = faulted("", 11, 1, 0x9000, registers={"rax": ODD})
    assert concluded(mapped, NoncanonicalAddress()) == {}
