"""native/library under ASan and UBSan, and its portable half, on generated input."""

from __future__ import annotations

import errno
import struct
import subprocess
from array import array
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catcher import NATIVE, WARNINGS
from coresnap.analysis.heap.glibc.chunk_list import ListKind, PythonListReader
from coresnap.analysis.heap.glibc.chunk_walk import PythonChunkWalk
from coresnap.analysis.heap.glibc.layout import ChunkLayout
from coresnap.collect.sparse import PAGE_SIZE, write_sparse_python
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.notewalk import walk_notes_python
from coresnap.elfcore.pointer_scan import scan_pointers_python

pytestmark = [pytest.mark.compiler, pytest.mark.sanitizer]

DRIVER = Path(__file__).with_name("library_driver.c")
EINVAL, EBADMSG = errno.EINVAL, errno.EBADMSG
EXAMPLES = settings(
    max_examples=40,
    deadline=None,  # each example starts a process
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(
    scope="module", params=[[], ["-DZERO_SCAN_PORTABLE"]], ids=["native", "portable"]
)
def driver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    target = tmp_path_factory.mktemp("driver") / "driver"
    sources = [DRIVER, *sorted((NATIVE / "library").glob("*.c"))]
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    flags = [*WARNINGS, "-O1", "-g", *sanitizers, *request.param]
    include = f"-I{NATIVE / 'library'}"
    line = ["cc", *flags, include, *map(str, sources), "-o", str(target)]
    subprocess.run(line, check=True)
    return target


def run(driver: Path, data: bytes, *arguments: object) -> list[list[int]]:
    result = subprocess.run(
        [driver, *map(str, arguments)], input=data, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr.decode()
    return [[int(n) for n in line.split()] for line in result.stdout.splitlines()]


def test_one_bit_anywhere_is_seen(driver: Path) -> None:
    for size in (0, 1, 31, 127, 128, 129, 4095, 4096, 5000):
        assert run(driver, bytes(size), "zero") == [[1]]
        for position in {0, size // 2, size - 1} - {-1}:
            data = bytearray(size)
            if size:
                data[position] = 0x80
                assert run(driver, bytes(data), "zero") == [[0]]


WORDS = st.integers(0, 60) | st.integers(0, 0xFFFFFFFF)
HEADERS = st.tuples(WORDS, WORDS, WORDS).map(
    lambda words: b"".join(word.to_bytes(4, "little") for word in words)
)
NOTES = st.lists(HEADERS | st.binary(max_size=40), max_size=12).map(b"".join)


@EXAMPLES
@given(data=NOTES, align=st.sampled_from([4, 8]), big=st.booleans())
def test_no_note_is_read_beyond_the_data(
    driver: Path, data: bytes, align: int, big: bool
) -> None:
    lines = run(driver, data, "notes", align, int(big))
    walk = walk_notes_python(data, align=align, byte_order="big" if big else "little")
    assert lines.pop() == [-EBADMSG if walk.truncated else 0]
    assert [line[1:] for line in lines] == [
        [note.type, note.offset, note.size] for note in walk.notes
    ]


ADDRESSES = st.integers(0, 99) | st.integers(0, (1 << 64) - 1)
SPANS = st.lists(st.tuples(ADDRESSES, ADDRESSES), max_size=4)
ALIKE = st.lists(st.integers(0, 99)).map(lambda v: struct.pack(f"<{len(v)}Q", *v))


@EXAMPLES
@given(
    spans=SPANS | SPANS.map(lambda spans: ascending(spans)),
    data=st.binary(max_size=800) | ALIKE,
    narrow=st.booleans(),
    big=st.booleans(),
)
def test_no_word_is_read_beyond_the_data(
    driver: Path, spans: list[tuple[int, int]], data: bytes, narrow: bool, big: bool
) -> None:
    head = struct.pack(f"<{1 + 2 * len(spans)}Q", len(spans), *chain(*spans))
    lines = run(driver, head + data, "scan", int(narrow), int(big))
    try:
        expected = scan_pointers_python(
            data,
            spans,
            pointer_size=4 if narrow else 8,
            byte_order="big" if big else "little",
            limit=len(data),
        )
    except ValueError:
        assert lines == [[-EINVAL]]
    else:
        assert lines == [*map(list, expected), [0]]


def ascending(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    edges = sorted({*chain(*spans)})
    return list(zip(edges[::2], edges[1::2], strict=False))


BASE = 0x10000
NEAR = st.integers(BASE, BASE + 0x200)
WORDS_OF_CHUNKS = st.lists(
    st.integers(0, 0x90) | st.integers(0, 6).map(lambda n: n * 16 | 1) | NEAR,
    max_size=40,
)


def packed(words: list[int], *, narrow: bool, big: bool, tail: int) -> bytes:
    code = (">" if big else "<") + str(len(words)) + ("I" if narrow else "Q")
    return struct.pack(code, *words) + bytes(tail)


def layout_of(*, narrow: bool, big: bool) -> ChunkLayout:
    return ChunkLayout(4 if narrow else 8, big, 8 if narrow else 16)


@EXAMPLES
@given(
    words=WORDS_OF_CHUNKS,
    narrow=st.booleans(),
    big=st.booleans(),
    stop=NEAR,
    top=st.booleans(),
    start=NEAR,
    tail=st.integers(0, 9),
)
def test_no_chunk_is_read_beyond_the_data(
    driver: Path,
    words: list[int],
    narrow: bool,
    big: bool,
    stop: int,
    top: bool,
    start: int,
    tail: int,
) -> None:
    data = packed(words, narrow=narrow, big=big, tail=tail)
    lines = run(driver, data, "chunks", int(narrow), int(big), stop, int(top), start)
    walk = PythonChunkWalk(
        layout_of(narrow=narrow, big=big),
        BASE,
        stop,
        bad_flags=6,
        cached=array("Q", [BASE + 16, BASE + 48]),
        heads_stop=top,
    )
    status = walk.run(memoryview(data), BASE)
    assert lines[0] == [status, walk.at, walk.size]
    used, freed = [walk.used, walk.used_bytes], [walk.freed, walk.freed_bytes]
    assert lines[1] == [*used, *freed, walk.waiting, walk.waiting_bytes]
    assert lines[2] == list(walk.find(memoryview(data), BASE, start, 3, 100))


@EXAMPLES
@given(
    words=WORDS_OF_CHUNKS,
    narrow=st.booleans(),
    big=st.booleans(),
    mangled=st.booleans(),
    bias=st.sampled_from([0, 8, 16]),
    sizes=st.tuples(st.integers(0, 32), st.integers(32, 1 << 20)),
    first=NEAR | st.integers(0, (1 << 32) - 1),
    limit=st.integers(0, 30),
)
def test_no_list_is_followed_beyond_the_data(
    driver: Path,
    words: list[int],
    narrow: bool,
    big: bool,
    mangled: bool,
    bias: int,
    sizes: tuple[int, int],
    first: int,
    limit: int,
) -> None:
    data = packed(words, narrow=narrow, big=big, tail=0)
    flags = (int(narrow), int(big), int(mangled))
    lines = run(driver, data, "list", *flags, bias, *sizes, first, limit)
    load = ProgramHeader(1, 6, 0, BASE, len(data), len(data), 0)
    memory = Memory(
        memoryview(data), [load], 4 if narrow else 8, "big" if big else "little"
    )
    reader = PythonListReader(memory, layout_of(narrow=narrow, big=big))
    found = reader.follow(first, ListKind(sizes, mangled, bias), capacity=16)
    count = len(found.entries)
    assert lines[0] == [found.status, found.at]
    assert lines[1 : 1 + count] == [
        list(pair) for pair in zip(found.entries, found.links, strict=True)
    ]
    circle = reader.circle(first, sizes=sizes, capacity=16, limit=limit)
    assert lines[1 + count] == [circle.status, circle.at, circle.before]
    assert lines[2 + count :] == [[entry] for entry in sorted(circle.entries)]


PIECES = st.lists(
    st.integers(0, 5 * PAGE_SIZE).map(bytes) | st.binary(max_size=50), max_size=6
)


@EXAMPLES
@given(pieces=PIECES, limit=st.integers(0, 4 * PAGE_SIZE))
def test_the_sparse_writer_counts_like_its_twin(
    driver: Path, tmp_path: Path, pieces: list[bytes], limit: int
) -> None:
    data = b"".join(pieces)
    (tmp_path / "in").write_bytes(data)
    with (tmp_path / "in").open("rb") as source, (tmp_path / "py").open("wb") as target:
        twin = write_sparse_python(source.fileno(), target.fileno(), limit=limit)
    counts, (error,) = run(driver, data, "sparse", tmp_path / "c", limit)
    assert counts == [twin.bytes_in, twin.bytes_stored, twin.size, twin.holes]
    assert -error == (twin.error or 0)
    assert (tmp_path / "c").read_bytes() == (tmp_path / "py").read_bytes()
