"""Damaged FreeBSD cores become snapshots that can be written, without a surprise."""

from __future__ import annotations

import random
import re
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Corpus
from coresnap.analysis.session import analyze
from coresnap.elfcore.corefile import open_core
from coresnap.elfcore.notewalk import RawNote
from coresnap.errors import CoreFormatError
from coresnap.snapshot.container import pack_snapshot
from coresnap.snapshot.text import render

pytestmark = pytest.mark.corpus

BASES = {
    "i386/crash32.482.0.11": 1,
    "threads/crash.292.0.11": 5,
    "gcore.live": 3,
}
"""Cores, and of how many notes of a kind one is damaged."""
MOST = 80
_SURPRISE = re.compile(
    r"(Overflow|Value|Type|Key|Index|Attribute|Assertion|Memory)Error"
)
Change = tuple[int, bytes]


def _base(corpus: Corpus, name: str, tmp_path: Path) -> Path:
    suffix = ".core" if name == "gcore.live" else ".fbsdlab.core"
    copy = tmp_path / "core"
    shutil.copyfile(corpus.path(f"freebsd/cores/{name}{suffix}"), copy)
    return copy


def _notes(path: Path, every: int) -> list[RawNote]:
    with open_core(path) as core:
        return list(core.notes)[::every] + list(core.notes)[-10:]


def _note_changes(notes: list[RawNote]) -> Iterator[Change]:
    """Sizes that lie, structure sizes that lie, and contents of ones or of noise."""
    chance = random.Random(17)
    for note in notes:
        head = note.offset - 20
        for size in (0, note.size - 4, 0xFFFFFFF0):
            yield head + 4, struct.pack("<I", max(size, 0))
        for leading in (0, 1, 0x7FFFFFFF):
            yield note.offset, struct.pack("<I", leading)
        yield note.offset, b"\xff" * note.size
        yield note.offset, chance.randbytes(note.size)


def _header_changes() -> Iterator[Change]:
    chance = random.Random(18)
    for at in range(16, 64, 2):
        yield at, b"\xff\xff"
        yield at, b"\0\0"
    for _ in range(60):
        yield chance.randrange(64, 1500), chance.randbytes(8)


@pytest.mark.parametrize("base", BASES)
def test_a_damaged_core_is_refused_or_analysed(
    base: str, corpus: Corpus, tmp_path: Path
) -> None:
    path = _base(corpus, base, tmp_path)
    changes = [*_note_changes(_notes(path, BASES[base])), *_header_changes()]
    # The same for each run, and fewer of the larger cores.
    chosen = random.Random(19).sample(changes, min(len(changes), MOST))
    analysed = 0
    for change in chosen:
        with _changed(path, change):
            analysed += _is_analysed(path, change)
    assert analysed > 60


@pytest.mark.parametrize("base", BASES)
def test_a_core_cut_anywhere_is_refused_or_analysed(
    base: str, corpus: Corpus, tmp_path: Path
) -> None:
    path = _base(corpus, base, tmp_path)
    notes = _notes(path, BASES[base])
    ends = sorted({0, 20, 100, *(note.offset + 3 for note in notes)}, reverse=True)
    analysed = 0
    for end in [path.stat().st_size // 2, *ends[:: max(1, len(ends) // 12)]]:
        with path.open("r+b") as stream:
            stream.truncate(end)
        analysed += _is_analysed(path, (end, b""))
    assert analysed > 8


def _is_analysed(path: Path, change: Change) -> bool:
    try:
        snapshot = analyze(path)
    except CoreFormatError:
        return False
    surprises = [n for n in snapshot.notes if _SURPRISE.match(n.message)]
    assert surprises == [], change
    assert pack_snapshot(snapshot)
    assert render(snapshot)
    return True


class _changed:
    """The file with other bytes at one place, for a while."""

    def __init__(self, path: Path, change: Change) -> None:
        self.path = path
        self.at, self.data = change

    def __enter__(self) -> None:
        with self.path.open("r+b") as stream:
            stream.seek(self.at)
            self.was = stream.read(len(self.data))
            stream.seek(self.at)
            stream.write(self.data)

    def __exit__(self, *error: object) -> None:
        with self.path.open("r+b") as stream:
            stream.seek(self.at)
            stream.write(self.was)
