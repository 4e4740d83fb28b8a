"""What damaged heaps allow to conclude, and when they are left alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rules.heaps import RULES
from coresnap.analysis.classify.verdict import judge
from coresnap.analysis.heap.heaps import Heaps
from coresnap.analysis.messages.message import Message
from coresnap.model import (
    Access,
    Allocator,
    Block,
    Classifier,
    HeapDamage,
    Instruction,
    Variable,
)
from coresnap.model import VariableKind as Kind

from ..cases import case, concluded
from ..heaps import FakeHeap, heaps

LIVE = Block(0x5000_02A0, 24, "live", "glibc")
FREE = Block(0x5000_0300, 24, "free", "glibc", "tcache 32 of thread 1")
FAULT = cast(Any, SimpleNamespace(frame=0, address=0x10, instruction=None))
HEADER = HeapDamage(0x5000_02B8, "size 0x41414141", "glibc", LIVE, b"AAAAAAAA")


def crash(*damage: HeapDamage, **fields: Any) -> Case:  # noqa: ANN401 - of Case
    damaged = FakeHeap((LIVE, FREE), said=Allocator("glibc", damage=damage))
    fields.setdefault("heaps", Heaps((damaged,)))
    fields.setdefault("fault", FAULT)
    return case(11, 1, 0x10, **fields)


def only(found: Case) -> Classifier:
    (classifier,) = judge(found, RULES).classifiers
    return classifier


def test_an_overwritten_header_blames_the_live_block_before_it() -> None:
    found = only(crash(HEADER))
    assert (found.name, found.confidence) == ("heap.overflow", "probable")
    assert "the bytes there are the text “AAAAAAAA”" in found.evidence
    assert "0x500002a0" in found.summary


def test_a_block_that_may_be_free_was_overrun_all_the_same() -> None:
    unknown = msgspec.structs.replace(LIVE, state="unknown")
    damage = msgspec.structs.replace(HEADER, overrun=unknown)
    assert concluded(crash(damage), *RULES) == {"heap.overflow": "probable"}


def test_without_such_a_block_the_heap_is_just_damaged() -> None:
    bare = HeapDamage(0x5000_02B8, "size 0x41414141", "glibc")
    assert concluded(crash(bare), *RULES) == {"heap.corrupt": "probable"}
    freed = HeapDamage(0x5000_02B8, "size 0x41414141", "glibc", FREE)
    assert concluded(crash(freed), *RULES) == {"heap.corrupt": "probable"}


def test_what_a_thread_was_about_to_change_is_left_alone() -> None:
    doubted = msgspec.structs.replace(HEADER, doubt="main arena was locked")
    assert concluded(crash(doubted), *RULES) == {}


@pytest.mark.parametrize("kind", ["link", "key"])
def test_a_link_that_leads_nowhere_was_written_after_the_free(kind: str) -> None:
    link = HeapDamage(0x5000_0300, "leads to 0x4141", "glibc", kind=kind)
    assert concluded(crash(link), *RULES) == {"use-after-free": "probable"}


def test_a_link_that_an_overrun_reached_is_not_blamed_on_a_free() -> None:
    link = HeapDamage(0x5000_02C0, "leads to 0x4141", "glibc", kind="link")
    assert concluded(crash(HEADER, link), *RULES) == {"heap.overflow": "probable"}
    far = HeapDamage(0x5000_0B00, "leads to 0x4141", "glibc", kind="link")
    assert concluded(crash(HEADER, far), *RULES) == {
        "heap.overflow": "probable",
        "use-after-free": "probable",
    }


def test_a_block_that_is_listed_twice_was_freed_twice() -> None:
    twice = HeapDamage(0x5000_0300, "is listed twice", "glibc", kind="twice")
    assert concluded(crash(twice), *RULES) == {"double-free": "strong"}


def test_who_did_not_fail_is_left_alone() -> None:
    stopped = crash(HEADER, fault=None)
    assert concluded(stopped, *RULES) == {}
    said = Message("abort", "x.c:1: f: Assertion `x' failed.", 1, "symbol")
    asserted = Message(
        said.kind, said.text, said.address, said.found_by, parts={"expression": "x"}
    )
    assert concluded(crash(HEADER, fault=None, messages=[asserted]), *RULES) == {}
    corrupt = Message("abort", "corrupted size vs. prev_size", 1, "symbol")
    assert concluded(crash(HEADER, fault=None, messages=[corrupt]), *RULES) == {
        "heap.overflow": "probable"
    }


def freeing(pointer: int) -> Case:
    argument = Variable("mem", "void *", Kind.ARGUMENT, value=pointer)
    return crash(functions=("__GI___libc_free", "victim", "main"), variables=[argument])


@pytest.mark.parametrize(
    ("pointer", "name"),
    [
        (FREE.address, "double-free"),
        (LIVE.address + 8, "invalid-free"),
        (0x7FFF_0000_0010, "invalid-free"),
        (0x9000_0000_0000, "invalid-free"),
    ],
    ids=["free already", "inside a block", "stack", "nowhere"],
)
def test_a_free_that_failed_was_given_a_wrong_pointer(pointer: int, name: str) -> None:
    found = only(freeing(pointer))
    assert (found.name, found.confidence, found.address) == (name, "strong", pointer)
    assert found.frame == 1


def test_without_its_argument_the_chunk_it_became_tells() -> None:
    chunk = Variable("p", "mchunkptr", Kind.LOCAL, value=LIVE.address + 8 - 16)
    inside = crash(
        functions=("arena_for_chunk", "__libc_free", "victim"), variables=[chunk]
    )
    assert only(inside).name == "invalid-free"


def test_without_names_the_header_that_could_not_be_read_tells() -> None:
    wild = 0x9000_0000_0000
    header = Access("read", 8, "[rdi - 8]", ("rdi",), -8, wild - 8)
    found = crash(
        functions=("cfree", "victim"),
        registers={"rdi": wild},
        instruction=Instruction(
            0x401000, "mov rax, qword ptr [rdi - 8]", b"", (header,), 0
        ),
    )
    assert (only(found).name, only(found).address) == ("invalid-free", wild)


def test_a_free_of_a_live_block_failed_for_another_reason() -> None:
    assert concluded(freeing(LIVE.address), *RULES) == {}
    assert concluded(freeing(0), *RULES) == {}


def test_no_heap_no_verdict() -> None:
    assert concluded(crash(heaps=None), *RULES) == {}
    assert concluded(crash(heaps=heaps(LIVE)), *RULES) == {}
