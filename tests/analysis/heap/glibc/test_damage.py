"""A heap that was broken in a known way: where, and by which block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from conftest import CompileProgram
from coresnap.analysis.heap.find import find_heaps
from coresnap.analysis.heap.heaps import Heap
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.model import HeapDamage
from heap.glibc.blocks import crash

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]


@attrs.frozen
class Broken:
    core: CoreFile
    heap: Heap
    culprit: int

    @property
    def damage(self) -> tuple[HeapDamage, ...]:
        return self.heap.report().damage


Break = Callable[[str], Broken]


@pytest.fixture
def broken(core_directory: Path, compile_program: CompileProgram) -> Iterator[Break]:
    program = compile_program("heap_damage.c", "-O0", "-g", "-w")
    opened = []

    def broken(way: str) -> Broken:
        path, text = crash([program, way], core_directory)
        core = open_core(path)
        path.unlink()
        opened.append(core)
        (heap,) = find_heaps(core).heaps
        _, culprit = text.split()
        return Broken(core, heap, 0 if culprit == "(nil)" else int(culprit, 16))

    yield broken
    for core in opened:
        core.close()


def test_a_heap_without_damage_has_none(broken: Break) -> None:
    assert broken("nothing").damage == ()


@pytest.mark.parametrize(
    "way", ["overflow", "overflow-by-one", "zero-behind", "into-top"]
)
def test_the_block_that_was_overrun_is_named(broken: Break, way: str) -> None:
    found = broken(way)

    (damage,) = found.damage
    assert damage.kind == "header"
    assert damage.overrun is not None
    assert damage.overrun.address == found.culprit
    assert damage.overrun.state == "live"
    assert found.culprit < damage.address <= found.culprit + 48
    assert damage.doubt == ""


def test_what_was_written_can_be_read(broken: Break) -> None:
    (damage,) = broken("overflow").damage

    assert damage.data.startswith(b"ch too long for it\0")
    assert "0x6c206f6f74206863" in damage.what


def test_blocks_behind_the_damage_are_known(broken: Break) -> None:
    found = broken("overflow")
    behind = found.culprit + 48

    report = found.heap.report()
    assert (
        report.live_blocks == 62
    )  # of 64: not the one that wrote, nor the one behind it
    broken_block = found.heap.place(behind)
    assert broken_block is not None
    assert broken_block.block.state == "unknown"
    assert broken_block.before is not None
    assert broken_block.before.address == found.culprit
    after = found.heap.place(behind + 2000)
    assert after is not None
    assert after.block.state == "live"


def test_a_size_that_leads_astray_is_found_where_it_ends(broken: Break) -> None:
    found = broken("small-size")

    (damage,) = found.damage
    assert damage.kind == "header"
    assert found.culprit < damage.address < found.culprit + 200


def test_a_link_that_was_overwritten_is_found(broken: Break) -> None:
    found = broken("link-of-freed")

    (damage,) = found.damage
    assert (damage.kind, damage.address) == ("link", found.culprit)
    assert damage.data.startswith(b"B" * 8)
    placed = found.heap.place(found.culprit)
    assert placed is not None
    assert placed.block.state == "free"


def test_a_freed_block_that_was_written_to_is_found(broken: Break) -> None:
    found = broken("key-of-freed")

    (damage,) = found.damage
    assert (damage.kind, damage.address) == ("key", found.culprit + 8)
    assert "0x7" in damage.what


def test_a_block_that_is_listed_twice_is_found(broken: Break) -> None:
    found = broken("twice")

    (damage,) = found.damage
    assert (damage.kind, damage.address) == ("twice", found.culprit)


def test_a_bin_that_does_not_lead_back_is_found(broken: Break) -> None:
    found = broken("bin-link-of-freed")

    (damage,) = found.damage
    assert (damage.kind, damage.address) == ("link", found.culprit + 8)
