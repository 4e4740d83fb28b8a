"""What is concluded from the C library's words."""

from __future__ import annotations

from typing import Any, cast

import pytest

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rules import malloc_words, messages
from coresnap.analysis.classify.verdict import judge
from coresnap.analysis.heap.heaps import Heaps, Placement
from coresnap.analysis.messages.abort_message import parts_of
from coresnap.analysis.messages.message import Message
from coresnap.model import (
    Allocator,
    Block,
    Frame,
    HeapDamage,
    Thread,
    Trust,
    UnwindEnd,
    Variable,
    VariableKind,
)

from ..cases import case, concluded
from ..heaps import FakeHeap

POINTER = 0x5000_02A0
RULES = (*messages.RULES, *malloc_words.RULES)


def said(text: str, found_by: str = "symbol", kind: str = "abort") -> Message:
    return Message(kind, text, 0x7F00_0004, found_by, 1, parts_of(text))


def aborted(text: str, **fields: Any) -> Case:  # noqa: ANN401 - fields of Case
    fields.setdefault("functions", ("abort", "free", "main"))
    return case(6, -6, None, messages=(said(text),), **fields)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a: a.c:4: f: Assertion `x > 0' failed.", {"assert"}),
        ("a.c:4: Assertion `x' failed.", {"assert"}),
        ("*** stack smashing detected ***: terminated", {"stack-smash", "security"}),
        (
            "*** stack smashing detected ***: <unknown> terminated",
            {"stack-smash", "security"},
        ),
        ("*** buffer overflow detected ***: terminated", {"fortify", "security"}),
        ("*** %n in writable segment detected ***", {"fortify", "security"}),
        (
            "*** longjmp causes uninitialized stack frame ***: terminated",
            {"fortify", "security"},
        ),
        ("free(): double free detected in tcache 2", {"double-free"}),
        ("double free or corruption (fasttop)", {"double-free"}),
        (
            "*** Error in `./a': double free or corruption (fasttop): 0x01a2b010 ***",
            {"double-free"},
        ),
        ("free(): invalid pointer", {"invalid-free"}),
        ("munmap_chunk(): invalid pointer", {"invalid-free"}),
        ("realloc(): invalid pointer", {"invalid-free"}),
        ("malloc(): corrupted top size", {"heap.corrupt"}),
        ("corrupted size vs. prev_size while consolidating", {"heap.corrupt"}),
        ("corrupted double-linked list", {"heap.corrupt"}),
        ("malloc(): unsorted double linked list corrupted", {"heap.corrupt"}),
        ("free(): invalid next size (fast)", {"heap.corrupt"}),
        ("realloc(): invalid next size", {"heap.corrupt"}),
        (
            "a: malloc.c:2617: sysmalloc: Assertion `(old_top == initial_top)' failed.",
            {"heap.corrupt"},
        ),
        (
            "Fatal glibc error: malloc.c:2593 (sysmalloc): assertion failed: old_top",
            {"heap.corrupt"},
        ),
        ("Fatal glibc error: loader.c:59 (f): assertion failed: x != NULL", {"assert"}),
        ("FATAL: exception not rethrown", {"fatal"}),
        ("The futex facility returned an unexpected error code.", {"fatal"}),
    ],
)
def test_each_text_has_its_own_verdict(text: str, names: set[str]) -> None:
    assert concluded(aborted(text), *RULES) == dict.fromkeys(names, "certain")


def test_an_assertion_of_the_programs_own_malloc_file_is_no_damage() -> None:
    text = "a: src/malloc.c:4: count_blocks: Assertion `x > 0' failed."
    assert concluded(aborted(text), *RULES) == {"assert": "certain"}


@pytest.mark.parametrize(
    ("header", "pointer", "verdict"),
    [
        (POINTER - 8, POINTER, {"heap.corrupt": "strong"}),
        (POINTER + 0x38, POINTER, {"invalid-free": "certain"}),
        (POINTER + 0x38, None, {"invalid-free": "probable"}),
    ],
)
def test_a_pointer_with_an_overwritten_header_may_be_mallocs(
    header: int, pointer: int | None, verdict: dict[str, str]
) -> None:
    damage = (HeapDamage(header, "size 0x41414141", "glibc"),)
    heap = FakeHeap((), said=Allocator("glibc", damage=damage))
    mem = Variable("mem", "void *", VariableKind.ARGUMENT, value=pointer)
    frame = Frame(0x401000, Trust.CFI, function="__libc_free", variables=(mem,))
    thread = Thread(1, True, UnwindEnd.OUTERMOST, frames=(frame,))
    text = "munmap_chunk(): invalid pointer"
    found = aborted(text, heaps=Heaps((heap,)), threads=(thread,))
    assert concluded(found, *RULES) == verdict


def test_of_several_scanned_texts_none_is_certain() -> None:
    texts = (said("free(): invalid pointer", "scan"), said("corrupted", "scan"))
    found = concluded(case(6, -6, None, messages=texts), *RULES)
    assert found == {"invalid-free": "strong", "fatal": "strong"}


def test_an_assertion_in_another_language_is_known_by_who_said_it() -> None:
    text = "a: a.c:4: f: Zusicherung »x > 0« nicht erfüllt."
    crash = aborted(text, functions=("abort", "__assert_fail", "f", "main"))
    assert concluded(crash, *RULES) == {"assert": "certain"}
    assert concluded(aborted(text), *RULES) == {"fatal": "certain"}


def test_nothing_is_concluded_without_words() -> None:
    assert concluded(case(6, -6, None, functions=("abort", "main")), *RULES) == {}
    assert concluded(case(11, 1, 0), *RULES) == {}


def test_libraries_without_words_are_known_by_their_functions() -> None:
    smashed = case(11, 128, 0, functions=("__stack_chk_fail", "parse", "main"))
    assert concluded(smashed, *RULES) == {"stack-smash": "strong", "security": "strong"}
    functions = ("abort", "__chk_fail", "__strcpy_chk", "main")
    fortified = concluded(case(6, -6, None, functions=functions), *RULES)
    assert fortified == {"fortify": "strong", "security": "strong"}


class OneBlock:
    """A heap that knows one address."""

    def __init__(self, state: str, free_list: str | None = None) -> None:
        self.block = Block(POINTER, 24, state, "glibc", free_list)

    def place(self, address: int) -> Placement | None:
        return Placement(self.block, 0) if address == POINTER else None


def pointer_freed(heap: OneBlock | None) -> dict[str, str]:
    argument = Variable("mem", "void *", VariableKind.ARGUMENT, value=POINTER)
    heaps = None if heap is None else Heaps((cast(Any, heap),))
    crash = aborted(
        "double free or corruption (!prev)",
        functions=("free", "main"),
        variables=(argument,),
        heaps=heaps,
    )
    return concluded(crash, *RULES)


def test_the_heap_decides_between_double_free_and_damage() -> None:
    assert pointer_freed(OneBlock("free", "tcache")) == {"double-free": "certain"}
    assert pointer_freed(OneBlock("top")) == {"double-free": "certain"}
    assert pointer_freed(OneBlock("live")) == {"heap.corrupt": "strong"}


@pytest.mark.parametrize("heap", [None, OneBlock("free"), OneBlock("unknown")])
def test_without_it_both_are_probable(heap: OneBlock | None) -> None:
    assert pointer_freed(heap) == {
        "double-free": "probable",
        "heap.corrupt": "probable",
    }


def test_a_block_whose_own_header_is_overwritten_was_not_freed_twice() -> None:
    argument = Variable("mem", "void *", VariableKind.ARGUMENT, value=POINTER)
    crash = aborted(
        "double free or corruption (out)",
        functions=("free", "main"),
        variables=(argument,),
        contents={POINTER - 8: b"AAAAAAAA"},
    )
    assert concluded(crash, *RULES) == {"heap.corrupt": "strong"}


def test_an_assertion_is_said_in_words_with_its_evidence() -> None:
    crash = aborted("a: src/a.c:4: f: Assertion `x > 0' failed.")
    (found,) = judge(crash, RULES).classifiers
    assert found.summary == "failed the assertion 'x > 0' in f at src/a.c:4"
    assert "message at 0x7f000004, by symbol" in found.evidence[0]
    assert found.frame == 2


def test_old_glibcs_message_names_the_pointer() -> None:
    text = "*** Error in `./a': free(): invalid pointer: 0x00000000500002a0 ***"
    (found,) = judge(aborted(text), RULES).classifiers
    assert found.address == POINTER
