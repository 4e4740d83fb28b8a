from __future__ import annotations

from coresnap.model import Allocator, Block, HeapDamage, MemoryRange
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.memory import WholeMemory
from coresnap.views.fault.patched_memory import PatchedMemory
from snapshot.specimens import small


def patched(kept: list[MemoryRange], *pieces: MemoryRange) -> PatchedMemory:
    return PatchedMemory(WholeMemory(kept), pieces)


def held(memory: PatchedMemory) -> list[tuple[int, bytes]]:
    return [(e.address, memory.read(e.address, e.size)) for e in memory.extents]


def test_pieces_stand_where_nothing_is_kept() -> None:
    kept = [MemoryRange(0x14, b"kept"), MemoryRange(0x20, b"more")]
    memory = patched(kept, MemoryRange(0x10, bytes(range(24))))

    assert held(memory) == [
        (0x10, bytes(range(4))),
        (0x14, b"kept"),
        (0x18, bytes(range(8, 16))),
        (0x20, b"more"),
        (0x24, bytes(range(20, 24))),
    ]
    assert memory.read(0x22, 2) == b"re"
    assert memory.read(0x1A, 3) == bytes((10, 11, 12))


def test_of_two_pieces_at_one_place_the_first_is_taken() -> None:
    memory = patched(
        [],
        MemoryRange(0x10, b"abcd"),
        MemoryRange(0xE, b"12345678"),
        MemoryRange(0, b""),
    )

    assert held(memory) == [(0xE, b"12"), (0x10, b"abcd"), (0x14, b"78")]


def test_blocks_and_damage_are_seen_though_their_memory_was_not_kept() -> None:
    overrun = Block(0x5000, 8, "live", "glibc", preview=b"whose...")
    damage = HeapDamage(0x5008, "size 0x41", "glibc", overrun, b"AAAAAAAA")
    freed = Block(0x5020, 32, "free", "glibc", preview=b"x" * 32)
    heap = Allocator("glibc", damage=(damage,), freed=(freed,))
    memory = Fault.of(small(heaps=(heap,))).memory
    first, gone, second, _ = memory.rows(0x5000, 4)

    told = [(run.data, run.state) for run in first.runs]
    assert told == [(b"whose...", "live"), (b"AAAAAAAA", "damaged")]
    assert [run.data for run in gone.runs] == [None]
    assert [run.state for run in second.runs] == ["free"]
