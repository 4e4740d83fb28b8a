"""Where a bad pointer comes from, and what only looks like it."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rules import fill_patterns, use_after_free
from coresnap.analysis.classify.verdict import judge
from coresnap.analysis.heap.heaps import Heaps
from coresnap.analysis.instruction.provenance import Source
from coresnap.model import Allocator, Block, Variable
from coresnap.model import VariableKind as Kind

from ..cases import access, case, concluded, pointer
from ..heaps import FakeHeap, heaps

FREE = Block(0x5000_02A0, 24, "free", "glibc", "tcache 32 of thread 1")
LIVE = Block(0x5000_0300, 24, "live", "glibc")
HEAP = heaps(FREE, LIVE)
MANGLED = heaps(FREE, LIVE, links={FREE.address >> 12: FREE})
TEXT = 0x4141_4141_4141


RULES = (*use_after_free.RULES, *fill_patterns.RULES)


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def crash(register: int, **fields: Any) -> Case:  # noqa: ANN401 - fields of Case
    fields.setdefault("heaps", HEAP)
    fields.setdefault("registers", {"rax": register})
    kind = fields.pop("kind", "write")
    address = fields.pop("address", register)
    failed = access("rax", kind, address)
    fault = SimpleNamespace(frame=0, address=address, decoded=None)
    fields.setdefault("fault", cast(Any, fault))
    return case(11, 1, address, instruction=failed, **fields)


def of(rule: str, found: Case) -> dict[str, str]:
    (one,) = (r for r in RULES if type(r).__name__ == rule)
    return concluded(found, one)


UAF = {"use-after-free": "strong"}
MAYBE = {"use-after-free": "probable"}


def test_an_access_to_a_freed_block() -> None:
    assert of("FreedAccess", crash(FREE.address + 8)) == UAF
    assert of("FreedAccess", crash(FREE.address, address=0x9000_0000)) == UAF
    assert of("FreedAccess", crash(LIVE.address)) == {}
    header = crash(FREE.address - 8)
    assert of("FreedAccess", header) == {}


def test_the_link_word_of_a_freed_block() -> None:
    link = FREE.address >> 12
    assert of("FreedLink", crash(link, heaps=MANGLED)) == UAF
    assert of("FreedLink", crash(link + 8, heaps=MANGLED)) == {}
    # A call through it: what failed is the fetch of an instruction.
    jumped = crash(0, heaps=MANGLED, kind="execute", address=link)
    assert of("FreedLink", jumped) == UAF


def test_an_address_reckoned_from_a_link_word_that_a_variable_holds() -> None:
    link = FREE.address >> 12
    node = pointer("node", link)
    near = crash(link + 16, heaps=MANGLED, variables=[node])
    assert of("FreedLink", near) == UAF
    far = crash(link + 4096, heaps=MANGLED, variables=[node])
    assert of("FreedLink", far) == {}


def test_a_pointer_that_the_code_loaded_from_a_freed_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def loaded(slot: int) -> dict[str, str]:
        source = Source("rax", slot, 8, "mov rax, qword ptr [rbx]", 0x401000)
        monkeypatch.setattr(use_after_free, "base_sources", lambda case: (source,))
        return of("TracedToFreed", crash(0))

    # Whatever the pointer is, null too: it came from there.
    assert loaded(FREE.address + 8) == UAF
    assert loaded(LIVE.address) == {}
    assert loaded(FREE.address - 8) == {}


def test_a_small_link_word_is_no_evidence() -> None:
    small = heaps(FREE, links={0: FREE, 8: FREE})
    assert of("FreedLink", crash(0, heaps=small)) == {}
    assert of("FreedLink", crash(8, heaps=small)) == {}


def test_a_pointer_that_lies_in_a_freed_block_of_the_frames() -> None:
    held = {FREE.address: words(TEXT, 0)}
    stale = pointer("r", FREE.address)
    assert of("LoadedFromFreed", crash(TEXT, contents=held, variables=[stale])) == UAF


def test_less_surely_where_a_variable_holds_the_same() -> None:
    held = {FREE.address: words(TEXT, 0)}
    both = [pointer("r", FREE.address), pointer("p", TEXT)]
    assert of("LoadedFromFreed", crash(TEXT, contents=held, variables=both)) == MAYBE


def test_what_the_pointer_shows_of_the_block_is_no_copy() -> None:
    held = {FREE.address: words(TEXT, 0)}
    shown = Variable("*", "void *", Kind.TARGET, value=TEXT, address=FREE.address)
    stale = msgspec.structs.replace(pointer("r", FREE.address), target=shown)
    assert of("LoadedFromFreed", crash(TEXT, contents=held, variables=[stale])) == UAF


def test_less_surely_where_only_a_register_leads_there() -> None:
    held = {FREE.address: words(TEXT, 0)}
    registers = {"rax": TEXT, "rbx": FREE.address}
    found = crash(TEXT, contents=held, registers=registers)
    assert of("LoadedFromFreed", found) == MAYBE


@pytest.mark.parametrize("value", [0, 8, 0xFFFF, (1 << 64) - 1, (1 << 64) - 4096])
def test_small_numbers_are_in_every_block(value: int) -> None:
    held = {FREE.address: words(value, value, value)}
    stale = pointer("r", FREE.address)
    assert of("LoadedFromFreed", crash(value, contents=held, variables=[stale])) == {}


def test_what_a_live_block_holds_was_not_freed() -> None:
    held = {LIVE.address: words(TEXT)}
    owner = pointer("r", LIVE.address)
    assert of("LoadedFromFreed", crash(TEXT, contents=held, variables=[owner])) == {}


JUNK = 0x5A5A_5A5A_5A5A_5A5A


def codeless(address: int, **fields: Any) -> Case:  # noqa: ANN401 - fields of Case
    """A fault whose instruction nobody can read."""
    fields.setdefault("heaps", HEAP)
    fault = SimpleNamespace(frame=0, address=address, instruction=None, decoded=None)
    return case(11, 1, address, fault=cast(Any, fault), **fields)


def test_without_code_the_address_is_compared_with_what_freed_blocks_hold() -> None:
    link = FREE.address >> 12
    held = {FREE.address: words(TEXT, 0)}
    above = codeless(TEXT + 24, contents=held, registers={"rdi": FREE.address})
    assert of("NearFreedContents", above) == MAYBE
    linked = codeless(link + 8, heaps=MANGLED, registers={"rax": link})
    assert of("NearFreedContents", linked) == MAYBE
    far = codeless(TEXT + 4096, contents=held, registers={"rdi": FREE.address})
    assert of("NearFreedContents", far) == {}
    null = codeless(8, contents={FREE.address: words(0)}, registers={"rdi": 0})
    assert of("NearFreedContents", null) == {}


def test_without_code_an_access_to_a_freed_block_is_still_one() -> None:
    assert of("FreedAccess", codeless(FREE.address + 8)) == UAF
    assert of("FreedAccess", codeless(LIVE.address + 8)) == {}


HINT = {"use-after-free": "hint"}
JE_FREE = Block(0x5000_0400, 16, "free", "jemalloc")
JE_LIVE = Block(0x5000_0500, 16, "live", "jemalloc")
JUNKED = Heaps((FakeHeap((JE_FREE, JE_LIVE, FREE, LIVE), said=Allocator("jemalloc")),))


def filled(rule: str, pattern: int, block: Block, *contents: int) -> dict[str, str]:
    """What the rule says of ``pattern`` when a variable points to such a block."""
    held = {block.address: words(*contents)}
    owner = pointer("node", block.address)
    return of(rule, crash(pattern, contents=held, variables=[owner], heaps=JUNKED))


def test_the_pattern_of_freed_memory() -> None:
    assert filled("FreedPattern", JUNK, JE_FREE, JUNK, JUNK) == UAF
    assert filled("FreedPattern", JUNK + 0x10, JE_FREE, JUNK, JUNK) == UAF
    assert filled("FreedPattern", JUNK + 0x1000, JE_FREE, JUNK, JUNK) == {}
    assert filled("FreedPattern", JUNK - 0x10, JE_FREE, JUNK, JUNK) == {}


def test_a_pointer_that_merely_equals_the_pattern_is_a_hint() -> None:
    assert of("FreedPattern", crash(JUNK, heaps=JUNKED)) == HINT
    assert filled("FreedPattern", JUNK, JE_FREE, 1, 2) == HINT
    # glibc fills nothing with it: the program did.
    assert filled("FreedPattern", JUNK, FREE, JUNK, JUNK) == HINT
    assert of("FreedPattern", crash(0x4141_4141_4141_4141)) == {}


def test_where_nobody_fills_with_it_the_pattern_says_nothing() -> None:
    assert of("FreedPattern", crash(JUNK)) == {}


def test_without_code_a_register_with_the_pattern_is_enough_beside_such_a_block() -> (
    None
):
    def general_protection(*contents: int, **registers: int) -> Case:
        fault = SimpleNamespace(frame=0, address=None, instruction=None)
        return case(
            11,
            128,
            None,
            fault=cast(Any, fault),
            heaps=JUNKED,
            registers=registers,
            contents={JE_FREE.address: words(*contents)},
        )

    filled_block = general_protection(JUNK, JUNK, rax=JUNK + 8, rdi=JE_FREE.address)
    assert of("FreedPattern", filled_block) == MAYBE
    other = general_protection(1, 2, rax=JUNK, rdi=JE_FREE.address)
    assert of("FreedPattern", other) == {}


FRESH = 0xA5A5_A5A5_A5A5_A5A5


def test_the_pattern_of_memory_that_was_never_set() -> None:
    sure = {"uninitialised": "strong"}
    assert filled("UnsetPattern", FRESH, JE_LIVE, 1, FRESH) == sure
    assert of("UnsetPattern", crash(FRESH)) == {"uninitialised": "hint"}
    assert filled("UnsetPattern", FRESH, LIVE, 1, FRESH) == {"uninitialised": "hint"}


def test_a_large_block_that_was_given_back_is_a_hint() -> None:
    gone = 0x7E00_0000_0010
    stale = pointer("big", gone)
    assert of("UnmappedBlock", crash(gone, variables=[stale])) == HINT
    assert of("UnmappedBlock", crash(gone)) == {}
    assert of("UnmappedBlock", crash(gone + 8, variables=[stale])) == {}


def test_without_a_failed_access_nothing_is_concluded() -> None:
    stale = pointer("r", FREE.address)
    aborted = case(6, -6, None, heaps=HEAP, variables=[stale])
    assert concluded(aborted, *RULES) == {}


def test_the_evidence_names_block_and_holder() -> None:
    held = {FREE.address: words(TEXT, 0)}
    found = crash(TEXT, contents=held, variables=[pointer("r", FREE.address)])
    (classifier,) = judge(found, [use_after_free.LoadedFromFreed()]).classifiers
    assert classifier.evidence == (
        "rax 0x414141414141 is the word at 0x500002a0, 0 bytes into the free 24-byte "
        "block of glibc at 0x500002a0 (tcache 32 of thread 1)",
        "r of victim = 0x500002a0 points there",
    )
    assert classifier.address == FREE.address
    assert classifier.summary.startswith("wrote 1 byte through a pointer taken from")
