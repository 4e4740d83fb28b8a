"""The memory that a fault is about."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from classify.cases import access, case
from classify.heaps import heaps

from coresnap.analysis.aliases.operands import Operand, operands
from coresnap.analysis.aliases.targets import Target, find_targets
from coresnap.analysis.classify.case import Case
from coresnap.analysis.messages.message import Message
from coresnap.model import Access, Block, Classifier, Instruction, Variable
from coresnap.model import VariableKind as Kind

FREED = Block(0x5000_02A0, 24, "free", "glibc")
LIVE = Block(0x5000_0300, 48, "live", "glibc")
OBJECT = Variable("next", "struct node *", Kind.MEMBER, value=0, address=0x5000_0310)


def targets_of(crash: Case, concluded: Sequence[Classifier]) -> tuple[Target, ...]:
    return find_targets(crash, operands(crash), concluded)


def words(targets: tuple[Target, ...]) -> list[str]:
    return [f"{target.description}, {target.relation}" for target in targets]


def test_the_block_that_the_failed_register_points_into() -> None:
    crash = case(
        address=0x5000_02A8,
        instruction=access("rax"),
        registers={"rax": 0x5000_02A8},
        heaps=heaps(FREED, LIVE),
    )
    (target,) = targets_of(crash, ())
    assert target.block == FREED
    assert (target.start, target.end) == (0x5000_02A0, 0x5000_02B8)
    assert target.description == "the freed 24-byte block at 0x500002a0"
    assert target.relation == "as the faulting rax does"


def test_the_block_whose_link_word_the_register_holds() -> None:
    link = 0x5_6301_6B35
    crash = case(
        address=link,
        instruction=access("rax"),
        registers={"rax": link},
        heaps=heaps(FREED, links={link: FREED}),
    )
    (target,) = targets_of(crash, ())
    assert target.block == FREED
    assert "link word the faulting rax holds" in target.relation


def test_a_pointer_to_no_block_is_compared_by_itself() -> None:
    one = Access("read", 8, "[rdx + 16]", ("rdx",), 16, 0x4141_4141_4151)
    crash = case(
        address=0x4141_4141_4151,
        instruction=Instruction(0x401000, "mov", b"", (one,), 0),
        registers={"rdx": 0x4141_4141_4141},
    )
    (target,) = targets_of(crash, ())
    # The displacement and what is read there: what else points so near is the same.
    assert (target.start, target.end) == (0x4141_4141_4141, 0x4141_4141_4141 + 24)


@pytest.mark.parametrize("value", [0, 1, 0xFFFF, (1 << 64) - 1, 0x4141_4141_4141_4141])
def test_what_is_no_pointer_is_not_looked_for(value: int) -> None:
    crash = case(address=value, instruction=access("rax"), registers={"rax": value})
    assert targets_of(crash, ()) == ()


def test_the_stack_pointer_is_no_bad_pointer() -> None:
    value = 0x7FFF_0000_0FF8
    crash = case(address=value, instruction=access("rsp"), registers={"rsp": value})
    assert targets_of(crash, ()) == ()


def test_nothing_failed_in_a_signal_that_was_sent() -> None:
    assert targets_of(case(11, 0, 0x5000_02A8, heaps=heaps(FREED)), ()) == ()
    assert targets_of(case(signal=None, heaps=heaps(FREED)), ()) == ()


def test_a_null_pointer_leads_to_the_object_that_it_is_in() -> None:
    node = Variable("node", "struct node *", Kind.LOCAL, value=LIVE.address)
    target = Variable("*", "struct node", Kind.TARGET, members=(OBJECT,))
    crash = case(
        address=8,
        instruction=access("rax"),
        registers={"rax": 0},
        heaps=heaps(LIVE),
        variables=(msgspec.structs.replace(node, target=target),),
    )
    assert words(targets_of(crash, ())) == [
        "the 48-byte block at 0x50000300, which the faulting rax was loaded from"
    ]


def test_of_two_null_pointers_nobody_knows_which_it_was() -> None:
    other = msgspec.structs.replace(OBJECT, name="previous", address=0x5000_0318)
    crash = case(
        address=8,
        instruction=access("rax"),
        registers={"rax": 0},
        heaps=heaps(LIVE),
        variables=(OBJECT, other),
    )
    assert targets_of(crash, ()) == ()


def test_a_slot_behind_its_object_is_about_the_object() -> None:
    neighbour = Block(0x5000_0340, 48, "live", "glibc")
    crash = case(address=0x51, heaps=heaps(LIVE, neighbour))
    pointer = Operand("rax", 0x51, slot=0x5000_0348, owner=0x5000_0300)
    assert words(find_targets(crash, [pointer], ())) == [
        "the 48-byte block at 0x50000300, behind which the faulting rax was loaded from"
    ]
    pointer = Operand("rax", 0x51, slot=0x5000_0308, owner=0x5000_0300)
    assert words(find_targets(crash, [pointer], ())) == [
        "the 48-byte block at 0x50000300, which the faulting rax was loaded from"
    ]


def test_what_free_refused_is_about_its_block() -> None:
    text = "free(): double free detected in tcache 2"
    said = Message("abort", text, 0, "symbol", 1, {"pointer": "0x500002a0"})
    crash = case(6, -6, None, heaps=heaps(FREED), messages=(said,))
    assert words(targets_of(crash, ())) == [
        "the freed 24-byte block at 0x500002a0, which was to be freed"
    ]


def test_a_conclusion_about_a_block_and_none_about_anything_else() -> None:
    crash = case(6, -6, None, heaps=heaps(FREED, LIVE))
    concluded = (
        Classifier("assert", "certain", (), 1, 0x5000_0300),
        Classifier("double-free", "strong", (), 1, 0x5000_02A0),
    )
    assert [target.block for target in targets_of(crash, concluded)] == [FREED]


def test_one_block_is_one_target() -> None:
    concluded = (Classifier("use-after-free", "strong", (), 1, 0x5000_02A0),)
    crash = case(
        address=0x5000_02A8,
        instruction=access("rax"),
        registers={"rax": 0x5000_02A8},
        heaps=heaps(FREED),
    )
    assert len(targets_of(crash, concluded)) == 1


def test_what_an_allocator_has_for_itself_is_no_target() -> None:
    crash = case(
        address=0x5000_02A8,
        instruction=access("rax"),
        registers={"rax": 0x5000_02A8},
        heaps=heaps(msgspec.structs.replace(FREED, state="metadata")),
    )
    assert [target.block for target in targets_of(crash, ())] == [None]
