"""Aliases of a made-up process: levels, what is left out, and marks."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import msgspec
from classify.cases import access, case
from classify.heaps import FakeHeap

from coresnap.analysis.aliases.find import Aliases, find_aliases
from coresnap.analysis.aliases.limits import AliasLimits
from coresnap.analysis.aliases.operands import operand_marks, operands
from coresnap.analysis.aliases.targets import find_targets
from coresnap.analysis.classify.case import Case
from coresnap.analysis.heap.heaps import Heaps
from coresnap.model import Block, Variable
from coresnap.model import VariableKind as Kind

HEAP, DATA = 0x5000_0000, 0x404000
FREED = Block(HEAP + 0x100, 64, "free", "glibc")
FIRST = Block(HEAP + 0x200, 64, "live", "glibc")
SECOND = Block(HEAP + 0x300, 64, "live", "glibc")
OTHER_FREED = Block(HEAP + 0x400, 64, "free", "glibc")
TABLE = Block(HEAP + 0x500, 64, "metadata", "glibc")
ALL = (FREED, FIRST, SECOND, OTHER_FREED, TABLE)


def crash(words: Mapping[int, int], *variables: Variable) -> Case:
    """``words`` of the heap and of data; the fault went through FREED + 8."""
    contents = {HEAP: bytearray(0x1000), DATA: bytearray(0x1000)}
    for address, value in words.items():
        start = HEAP if address >= HEAP else DATA
        struct.pack_into("<Q", contents[start], address - start, value)
    return case(
        address=FREED.address + 8,
        instruction=access("rax"),
        registers={"rax": FREED.address + 8},
        heaps=Heaps((FakeHeap(ALL),)),
        variables=variables,
        contents={start: bytes(data) for start, data in contents.items()},
    )


def search(one: Case, globals_: tuple[Variable, ...] = (), **limits: int) -> Aliases:
    found = operands(one)
    targets = find_targets(one, found, ())
    marks = operand_marks(one, found, globals_)
    return find_aliases(
        one, targets, marks, globals_, lambda _: None, AliasLimits(**limits)
    )


def names(found: Aliases) -> list[tuple[int, str, str]]:
    return [(one.level, one.holder, one.name) for one in found.aliases]


def pointer(name: str, value: int, address: int | None = None) -> Variable:
    return Variable(name, "struct node *", Kind.LOCAL, value=value, address=address)


def test_a_word_of_a_live_block_is_a_stale_alias() -> None:
    found = search(crash({FIRST.address + 16: FREED.address}))
    (alias,) = found.aliases
    assert alias.holder == "heap"
    assert alias.name == "64-byte block at 0x50000200+16"
    assert (alias.value, alias.offset) == (FREED.address, 0)
    assert alias.address == FIRST.address + 16
    assert alias.remark == "stale: the 64-byte block is free"
    assert found.blocks == (FREED, FIRST)


def test_levels_lead_from_block_to_block() -> None:
    words = {
        FIRST.address: FREED.address + 8,
        SECOND.address: FIRST.address,
        DATA + 0x10: SECOND.address + 32,
    }
    found = search(crash(words))
    assert [(one.level, one.address, one.offset) for one in found.aliases] == [
        (1, FIRST.address, 8),
        (2, SECOND.address, 0),
        (3, DATA + 0x10, 32),
    ]
    assert [one.remark is None for one in found.aliases] == [False, True, True]
    assert len(search(crash(words), levels=2).aliases) == 2
    assert len(search(crash(words), levels=1).aliases) == 1


def test_a_circle_ends() -> None:
    words = {
        FIRST.address: FREED.address,
        FIRST.address + 8: FIRST.address,
        FIRST.address + 16: SECOND.address,
        SECOND.address: FIRST.address,
    }
    found = search(crash(words), levels=16)
    assert sorted(one.address or 0 for one in found.aliases) == sorted(words)


def test_the_lists_of_the_allocator_are_no_holders() -> None:
    words = {
        OTHER_FREED.address: FREED.address,  # the next block of a free list
        TABLE.address + 8: FREED.address,
        FREED.address - 8: FREED.address,  # its own header
    }
    assert search(crash(words)).aliases == ()


def test_what_freed_memory_holds_is_told_and_not_called_stale() -> None:
    found = search(crash({OTHER_FREED.address + 48: FREED.address}))
    (alias,) = found.aliases
    assert alias.name == "freed 64-byte block at 0x50000400+48"
    assert alias.remark is None


def test_variables_name_the_words_that_they_live_in() -> None:
    node = pointer("node", FREED.address, DATA + 0x20)
    found = search(crash({DATA + 0x20: FREED.address}, node))
    assert names(found) == [(1, "variable", "node")]
    assert found.aliases[0].type == "struct node *"
    assert found.aliases[0].frame == 0


def test_an_integer_that_equals_the_pointer_is_none() -> None:
    look_alike = Variable(
        "key", "unsigned long", Kind.LOCAL, value=FREED.address, address=DATA + 0x20
    )
    found = search(crash({DATA + 0x20: FREED.address}, look_alike))
    assert found.aliases == ()
    assert found.threads[0].frames[0].variables[0].annotations == ()


def test_marks_are_put_on_every_path_and_aliases_told_once() -> None:
    inner = msgspec.structs.replace(
        pointer("next", FREED.address, FIRST.address), kind=Kind.MEMBER
    )
    target = Variable("*", "struct node", Kind.TARGET, members=(inner,))
    variables = [
        msgspec.structs.replace(pointer(name, FIRST.address), target=target)
        for name in ("list", "same")
    ]
    found = search(crash({}, *variables))
    assert names(found) == [
        (1, "variable", "list->next"),
        (2, "variable", "list"),
        (2, "variable", "same"),
    ]
    for variable in found.threads[0].frames[0].variables:
        assert variable.target is not None
        (mark,) = variable.target.members[0].annotations
        assert mark.level == "warning"
        assert mark.message == (
            "points into the freed 64-byte block at 0x50000100,"
            " as the faulting rax does"
        )
        (mark,) = variable.annotations
        assert mark.message == (
            "points into the 64-byte block at 0x50000200,"
            " which leads to the freed 64-byte block at 0x50000100"
        )


def test_globals_are_marked_and_others_stay_the_same_objects() -> None:
    quiet = Variable("quiet", "int", Kind.GLOBAL, value=3)
    loud = msgspec.structs.replace(
        pointer("loud", FREED.address + 8, DATA + 8), kind=Kind.GLOBAL
    )
    one = crash({}, pointer("local", 0x1234_5678))
    found = search(one, (quiet, loud))
    assert found.globals[0] is quiet
    assert "(+8)" in found.globals[1].annotations[0].message
    assert found.threads[0] is one.threads[0]


def test_what_does_not_fit_is_told() -> None:
    words = {FIRST.address + 8 * index: FREED.address + index for index in range(8)}
    found = search(crash(words), kept=4)
    # The fault was at 8 of the block.
    assert [one.offset for one in found.aliases] == [7, 6]
    assert [(one.what, one.count) for one in found.dropped] == [("aliases", 6)]
    pointers = [pointer(f"p{index}", FREED.address) for index in range(6)]
    found = search(crash({}, *pointers), kept=4)
    assert [one.name for one in found.aliases] == ["p0", "p1", "p2", "p3"]
    assert [(one.what, one.count) for one in found.dropped] == [("aliases", 2)]
    found = search(crash(words), bytes_per_level=16, levels=1)
    assert [(one.what, one.count) for one in found.dropped] == [("memory", 0x1FF0)]


def test_the_memory_of_the_blocks_is_wanted() -> None:
    found = search(crash({FIRST.address: FREED.address}))
    assert found.spans == (
        (FREED.address - 16, 80),
        (FIRST.address - 16, 80),
    )


def test_unlike_structures_behind_one_pointer_are_told() -> None:
    count = Variable("count", "int", Kind.MEMBER, value=1)
    name = Variable("name", "char *", Kind.MEMBER, value=0)
    variables = [
        Variable(
            "p" + kind,
            f"struct {kind} *",
            Kind.LOCAL,
            value=FREED.address,
            target=Variable("*", f"struct {kind}", Kind.TARGET, members=(member,)),
        )
        for kind, member in (("a", count), ("b", name))
    ]
    found = search(crash({}, *variables))
    remarks = [(one.remark or "").split("; ") for one in found.aliases]
    assert remarks == [
        [
            "stale: the 64-byte block is free",
            "type conflict: struct a here, struct b in pb",
        ],
        [
            "stale: the 64-byte block is free",
            "type conflict: struct b here, struct a in pa",
        ],
    ]


def test_what_very_many_variables_hold_is_told_of_the_nearest() -> None:
    many = [
        pointer(f"p{index}", FREED.address, DATA + 8 * index) for index in range(300)
    ]
    found = search(crash({DATA + 8 * 299: FREED.address}, *many))
    assert [one.name for one in found.aliases] == [f"p{n}" for n in range(128)]
    assert [(one.what, one.count) for one in found.dropped] == [("aliases", 172)]
    marked = [v.name for v in found.threads[0].frames[0].variables if v.annotations]
    assert marked == [f"p{n}" for n in range(128)]


def test_one_place_that_is_seen_in_very_many_ways_is_one_place() -> None:
    inner = msgspec.structs.replace(
        pointer("next", FREED.address, FIRST.address), kind=Kind.MEMBER
    )
    target = Variable("*", "struct node", Kind.TARGET, members=(inner,))
    many = [
        msgspec.structs.replace(pointer(f"p{index}", 0), target=target)
        for index in range(300)
    ]
    found = search(crash({FIRST.address + 8: FREED.address}, *many), levels=1)
    assert names(found) == [
        (1, "variable", "p0->next"),
        (1, "heap", "64-byte block at 0x50000200+8"),
    ]
    assert found.dropped == ()


def test_a_table_of_pointers_is_told_by_a_few_of_them() -> None:
    table = Block(HEAP + 0x800, 0x400, "live", "glibc")
    words = {table.address + 8 * index: FREED.address for index in range(20)}
    one = crash({**words, FIRST.address: FREED.address})
    heaps = Heaps((FakeHeap((*ALL, table)),))
    found = search(msgspec.structs.replace(one, heaps=heaps))
    assert len([a for a in found.aliases if "0x50000800" in a.name]) == 8
    assert len([a for a in found.aliases if "0x50000200" in a.name]) == 1
    assert [(one.what, one.count) for one in found.dropped] == [("aliases", 12)]
