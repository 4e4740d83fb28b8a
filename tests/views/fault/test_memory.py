from __future__ import annotations

from coresnap.model import Allocator, Block, HeapDamage, MemoryRange, Module
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.memory import MemoryRow
from coresnap.views.fault.windows import windows_around
from snapshot.specimens import small, thread

HEAP = 0x5000


def fault_of(**fields: object) -> Fault:
    data = bytes(range(64))
    fields.setdefault("memory", (MemoryRange(HEAP, data),))
    return Fault.of(small(**fields))


def runs(row: MemoryRow) -> list[tuple[int, int, str]]:
    return [(run.offset, run.size, run.state) for run in row.runs]


def test_bytes_of_blocks_are_told_apart_within_a_row() -> None:
    live = Block(HEAP + 4, 8, "live", "glibc")
    free = Block(HEAP + 12, 30, "free", "glibc")
    first, second = fault_of(blocks=(live, free)).memory.rows(HEAP, 2)

    assert runs(first) == [(0, 4, ""), (4, 8, "live"), (12, 4, "free")]
    assert runs(second) == [(0, 16, "free")]
    assert [run.data for run in first.runs][1] == bytes(range(4, 12))


def test_a_block_of_the_fault_goes_before_one_that_was_freed_before() -> None:
    now, before = (Block(HEAP, 16, state, "glibc") for state in ("live", "free"))
    heap = Allocator("glibc", freed=(before,))

    assert fault_of(blocks=(now,), heaps=(heap,)).places.block(HEAP) is now


def test_damage_is_shown_above_the_block_it_is_in() -> None:
    damage = HeapDamage(HEAP + 8, "size 0x41", "glibc", data=b"AAAA")
    heap = Allocator("glibc", damage=(damage,))
    block = Block(HEAP, 16, "live", "glibc")
    (row,) = fault_of(blocks=(block,), heaps=(heap,)).memory.rows(HEAP, 1)

    assert runs(row) == [(0, 8, "live"), (8, 4, "damaged"), (12, 4, "live")]
    assert "damage at +8" in row.marks


def test_what_is_not_kept_has_no_bytes() -> None:
    kept = (MemoryRange(HEAP + 3, b"abc"), MemoryRange(HEAP + 8, b"xy"))
    row, gone = fault_of(memory=kept).memory.rows(HEAP, 2)

    data = [(run.offset, run.data) for run in row.runs]
    assert data == [(0, None), (3, b"abc"), (6, None), (8, b"xy"), (10, None)]
    assert row.characters == "   abc  xy      "
    assert [run.data for run in gone.runs] == [None]


def test_registers_mark_where_they_lead_and_words_tell() -> None:
    module = Module("/lib/x.so", 0x40_0000, 0x40_2000, 0x40_0000)
    words = (0x40_1000).to_bytes(8, "little") + (0x7).to_bytes(8, "little")
    fault = fault_of(
        threads=(thread(registers={"rax": HEAP + 8}),),
        modules=(module,),
        memory=(MemoryRange(HEAP, words),),
    )
    (row,) = fault.memory.rows(HEAP, 1)

    assert row.marks == ("rax at +8",)
    (pointer,) = row.pointers
    assert (pointer.offset, pointer.words) == (0, "x.so+0x1000")
    assert not pointer.is_kept


def test_words_are_as_wide_and_as_turned_as_on_the_machine() -> None:
    module = Module("/lib/x.so", 0x40_0000, 0x40_2000, 0)
    words = (0x40_1000).to_bytes(4, "big") * 2
    told = fault_of(
        architecture="m68k", modules=(module,), memory=(MemoryRange(HEAP, words),)
    )

    (row,) = told.memory.rows(HEAP, 1)
    assert [pointer.offset for pointer in row.pointers] == [0, 4]


def test_rows_end_where_addresses_do() -> None:
    top = (1 << 64) - 16
    memory = fault_of(memory=(MemoryRange(top, bytes(16)),)).memory

    assert [row.address for row in memory.rows(top + 3, 5)] == [top]


def test_rows_are_counted_and_found_by_number() -> None:
    kept = (MemoryRange(HEAP + 15, bytes(2)), MemoryRange(HEAP + 0x100, bytes(16)))
    memory = fault_of(memory=kept).memory

    found = [memory.row_at(n) for n in range(memory.kept_rows() + 1)]
    assert found == [HEAP, HEAP + 16, HEAP + 0x100, None]


def test_windows_that_touch_are_one_and_the_first_addresses_win() -> None:
    memory = fault_of(memory=(MemoryRange(HEAP, bytes(0x400)),)).memory
    wanted = [HEAP + 0x40, HEAP + 0x60, 0x1, HEAP + 0x200, HEAP + 0x300]
    windows = windows_around(memory, wanted, around=1, most=8)

    spans = [(one.rows[0].address - HEAP, len(one.rows)) for one in windows]
    assert spans == [(0x30, 5), (0x1F0, 3)]
