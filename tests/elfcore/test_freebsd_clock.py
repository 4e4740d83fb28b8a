"""The time that a core's shared page has: real cores and written ones."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import freebsd_corewriter as w
from conftest import Corpus
from coresnap.collect.plain_core import restored
from coresnap.elfcore.corefile import open_core
from coresnap.elfcore.elfheader import ProgramHeader, parse_header
from coresnap.elfcore.freebsd_clock import read_clock
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.process_state import Clock
from freebsd_cases import FREEBSD, expected

PLACE = 0x7FFF_F000
HALF = 1 << 63


def core(tmp_path: Path, target: w.Target, data: bytes) -> Path:
    path = tmp_path / "core"
    notes = [
        w.prstatus(target, tid=1, registers={}),
        w.auxv(target, {22: PLACE}),
    ]
    path.write_bytes(
        w.write_core(target, notes=notes, segments=[w.Segment(PLACE, data)])
    )
    return path


def page(
    target: w.Target,
    *,
    version: int = 1,
    current: int = 2,
    generation: int = 5,
    boot: int = 1_700_000_000,
    gap: bool = True,
) -> bytes:
    """struct vdso_timekeep with four records; the current one alone has a time."""
    time = "qQqQ" if target.bits == 64 else "iQiQ"
    records = b""
    for index in range(4):
        head = struct.pack("<IIQII", 2, generation, 1, 2, 3)
        times = (60, HALF, boot, HALF) if index == current else (1, 2, 3, 4)
        records += head + struct.pack(f"<{time}", *times) + bytes(32)
    head = struct.pack("<III", version, 1, current)
    return head + (bytes(4) if gap else b"") + records


def clock(path: Path) -> Clock | None:
    with open_core(path) as opened:
        return read_clock(opened.memory, opened.header, opened.facts.start.clock)


@pytest.mark.parametrize("target", [w.AMD64, w.I386, w.ARM64], ids=lambda t: t.machine)
@pytest.mark.parametrize("current", [0, 3])
def test_the_current_record_counts(
    tmp_path: Path, target: w.Target, current: int
) -> None:
    found = clock(core(tmp_path, target, page(target, current=current)))
    assert found == Clock(1_700_000_000.5, 60.5)
    assert found.now == 1_700_000_061.0


def test_an_i386_kernel_leaves_no_gap(tmp_path: Path) -> None:
    found = clock(core(tmp_path, w.I386, page(w.I386, gap=False)))
    assert found == Clock(1_700_000_000.5, 60.5)


def test_what_is_no_clock_is_none(tmp_path: Path) -> None:
    for data in (
        page(w.AMD64, version=2),
        page(w.AMD64, current=4),
        page(w.AMD64, generation=0),
        page(w.AMD64, boot=-1),
        page(w.AMD64, boot=1 << 60),
    ):
        assert clock(core(tmp_path, w.AMD64, data)) is None
    with open_core(core(tmp_path, w.AMD64, page(w.AMD64))) as opened:
        assert read_clock(opened.memory, opened.header, None) is None
        assert read_clock(opened.memory, opened.header, 0x1000) is None


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    head = struct.pack("<IIII", 1, 1, len(data) % 4, 0)
    whole = memoryview(head + data)
    load = ProgramHeader(1, 4, 0, PLACE, len(whole), len(whole), 4096)
    header = parse_header(w.write_core(), "core")
    read_clock(Memory(whole, [load], 8, "little"), header, PLACE)


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["segv_null", "i386", "threads", "big_gz"])
def test_real_crashes_were_soon_after_their_start(corpus: Corpus, name: str) -> None:
    case = expected(name)
    with restored(FREEBSD / case["core"]) as plain, open_core(plain) as opened:
        place, state = opened.facts.start.clock, opened.facts.state
        found = read_clock(opened.memory, opened.header, place)
    assert found is not None
    assert state is not None
    assert state.start_time is not None
    # The kernel was ten seconds at compressing one of them before it wrote that page.
    assert 0 <= found.now - state.start_time < (15 if name == "big_gz" else 2)
    assert int(found.boot) == 1795382333
