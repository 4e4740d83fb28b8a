"""What of a FreeBSD process's memory goes into a snapshot, and what never does."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import coresnap
import freebsd_corewriter as w
from conftest import Corpus
from coresnap.analysis.retained_memory import retained_memory
from coresnap.elfcore.corefile import open_core

STACK, STRINGS, PS_STRINGS = 0x7FFF0000, 0x7FFF0840, 0x7FFF0F00
SECRET = b"TOKEN=canary"


def _stack() -> bytes:
    """Frames, then argv and environ, the strings, and struct ps_strings."""
    page = bytearray(w.PAGE)
    page[0x100:0x106] = b"frames"
    page[0x800:0x810] = struct.pack("<QQ", STRINGS, 0)
    page[0x810:0x820] = struct.pack("<QQ", STRINGS + 8, 0)
    page[0x840:0x845] = b"prog\0"
    page[0x848 : 0x848 + len(SECRET)] = SECRET
    strings = struct.pack("<QIxxxxQI", STACK + 0x800, 1, STACK + 0x810, 1)
    page[0xF00 : 0xF00 + len(strings)] = strings
    return bytes(page)


@pytest.mark.parametrize(
    "auxv", [{30: 1, 31: STACK + 0x810}, {}], ids=["from 13 on", "before"]
)
def test_the_environment_stays_behind(tmp_path: Path, auxv: dict[int, int]) -> None:
    """AT_ENVV says where it is, or struct ps_strings, which every release has."""
    notes = [
        *w.thread(w.AMD64, tid=7, registers={"rsp": STACK + 0x100}, signal=11),
        w.vmmap([w.vm_entry(STACK, STACK + w.PAGE)]),
        w.psstrings(w.AMD64, PS_STRINGS),
        w.auxv(w.AMD64, auxv),
    ]
    path = tmp_path / "core"
    path.write_bytes(w.write_core(notes=notes, segments=[w.Segment(STACK, _stack())]))
    with open_core(path) as core:
        everything = [(STACK, w.PAGE)]
        kept = retained_memory(core, everything, everything, everything)
    data = b"".join(part.data for part in kept.ranges)
    assert b"frames" in data
    assert SECRET not in data


@pytest.mark.corpus
@pytest.mark.parametrize(
    "name",
    ["segv_null/crash.26.0.11", "i386/crash32.482.0.11", "threads/crash.292.0.11"],
)
def test_the_environment_of_real_processes_stays_behind(
    corpus: Corpus, name: str
) -> None:
    path = corpus.path(f"freebsd/cores/{name}.fbsdlab.core")
    assert b"OLDPWD=/\0PWD=/var/lab" in path.read_bytes()
    snapshot = coresnap.analyze(path)
    assert snapshot.memory
    assert not any(b"OLDPWD" in part.data for part in snapshot.memory)
