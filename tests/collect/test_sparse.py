"""Both sparse writers, C and Python, keep the same promises."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coresnap.collect import sparse
from coresnap.collect.sparse import PAGE_SIZE, SparseResult, write_sparse_python

Write = Callable[..., SparseResult]
WRITERS = {"python": write_sparse_python, "native": sparse.write_sparse}


@pytest.fixture(params=sorted(WRITERS))
def write(request: pytest.FixtureRequest) -> Write:
    if request.param == "native" and sparse.write_sparse is write_sparse_python:
        pytest.skip("coresnap._native is not built")
    return WRITERS[request.param]


def copy(write: Write, data: bytes, target: Path, **options: int) -> SparseResult:
    source = target.with_name("source")
    source.write_bytes(data)
    with source.open("rb") as reader, target.open("wb") as writer:
        return write(reader.fileno(), writer.fileno(), **options)


def pages(pattern: str) -> bytes:
    """``x`` is a page of data, ``.`` a page of zeros."""
    return b"".join(b"x" * PAGE_SIZE if c == "x" else bytes(PAGE_SIZE) for c in pattern)


@pytest.mark.parametrize(
    ("pattern", "tail", "stored", "holes"),
    [
        ("", b"", 0, 0),
        ("", b"x", 1, 0),
        ("x", b"", 1, 0),
        (".", b"", 0, 1),
        ("....", bytes(5), 0, 1),
        ("x..x.x", b"", 3, 2),
        ("..xx..", b"yz", 4, 2),
        ("." * 200 + "x" + "." * 200, b"", 1, 2),
        ("x" * 100 + "." * 64 + "x" * 3, bytes(7), 103, 2),
    ],
)
def test_zero_pages_become_holes_and_everything_else_is_kept(
    write: Write, tmp_path: Path, pattern: str, tail: bytes, stored: int, holes: int
) -> None:
    data = pages(pattern) + tail
    result = copy(write, data, tmp_path / "target")
    stored_bytes = pattern.count("x") * PAGE_SIZE + (len(tail) if any(tail) else 0)
    assert data == (tmp_path / "target").read_bytes()
    assert SparseResult(len(data), stored_bytes, len(data), holes) == result
    assert result.complete


def test_holes_occupy_no_blocks(write: Write, tmp_path: Path) -> None:
    data = pages("x" + "." * 4096 + "x")
    copy(write, data, tmp_path / "target")
    assert (tmp_path / "target").stat().st_blocks * 512 < 64 * PAGE_SIZE


def test_one_byte_anywhere_in_a_page_keeps_the_page(
    write: Write, tmp_path: Path
) -> None:
    for position in (0, 1, 63, 64, 127, 128, 4094, 4095):
        page = bytearray(PAGE_SIZE)
        page[position] = 1
        data = bytes(PAGE_SIZE) + bytes(page) + bytes(PAGE_SIZE)
        result = copy(write, data, tmp_path / "target")
        assert result.bytes_stored == PAGE_SIZE
        assert data == (tmp_path / "target").read_bytes()


def test_a_longer_target_is_replaced(write: Write, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old" * 10000)
    source = tmp_path / "source"
    source.write_bytes(pages(".x"))
    with source.open("rb") as reader, target.open("r+b") as writer:
        write(reader.fileno(), writer.fileno())
    assert pages(".x") == target.read_bytes()


@pytest.mark.parametrize("piece", [1000, 4096, 5000, 70000])
def test_a_pipe_that_delivers_odd_pieces_gives_the_same_holes(
    write: Write, tmp_path: Path, piece: int
) -> None:
    data = b"head" + pages("..x.") * 40 + b"tail"
    reader, writer = os.pipe()

    def feed() -> None:
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            for start in range(0, len(data), piece):
                pipe.write(data[start : start + piece])

    thread = threading.Thread(target=feed)
    thread.start()
    with os.fdopen(reader, "rb") as source, (tmp_path / "t").open("wb") as target:
        result = write(source.fileno(), target.fileno())
    thread.join()
    assert data == (tmp_path / "t").read_bytes()
    assert copy(write, data, tmp_path / "target") == result


def test_the_pipe_is_enlarged_unless_asked_not_to(write: Write, tmp_path: Path) -> None:
    get_size = getattr(fcntl, "F_GETPIPE_SZ", None)
    if get_size is None:
        pytest.skip("pipes have no settable size here")
    for enlarge, changed in ((True, True), (False, False)):
        reader, writer = os.pipe()
        os.close(writer)
        before = fcntl.fcntl(reader, get_size)
        with os.fdopen(reader, "rb") as source, (tmp_path / "t").open("wb") as target:
            write(source.fileno(), target.fileno(), enlarge_pipe=enlarge)
            after = fcntl.fcntl(reader, get_size)
        assert changed == (after > before)


def test_the_limit_counts_stored_bytes_and_says_too_big(
    write: Write, tmp_path: Path
) -> None:
    data = pages("." * 100 + "xxx")
    result = copy(write, data, tmp_path / "target", limit=PAGE_SIZE + 100)
    assert result.error == errno.EFBIG
    assert not result.complete
    assert result.bytes_stored == PAGE_SIZE + 100
    assert result.size == 101 * PAGE_SIZE + 100
    assert data[: result.size] == (tmp_path / "target").read_bytes()


def test_a_limit_that_is_just_reached_is_not_exceeded(
    write: Write, tmp_path: Path
) -> None:
    assert copy(write, pages("x.x"), tmp_path / "t", limit=2 * PAGE_SIZE).complete


def test_a_full_device_is_reported(write: Write, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(pages("x"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with source.open("rb") as reader, (tmp_path / "t").open("wb") as target:
            result = write(reader.fileno(), target.fileno())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert (result.error, result.size, result.bytes_stored) == (errno.EFBIG, 1000, 1000)


def test_a_source_that_cannot_be_read_is_reported(write: Write, tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        with (tmp_path / "t").open("wb") as target:
            result = write(directory, target.fileno())
    finally:
        os.close(directory)
    assert SparseResult(0, 0, 0, 0, errno.EISDIR) == result


def test_a_target_that_cannot_be_written_is_reported(
    write: Write, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    with source.open("rb") as reader, source.open("rb") as target:
        result = write(reader.fileno(), target.fileno())
    assert result.error in (errno.EBADF, errno.EINVAL)


@pytest.fixture
def small_filesystem(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "small"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a tmpfs")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.root
def test_no_space_keeps_what_fits(write: Write, small_filesystem: Path) -> None:
    source = small_filesystem.parent / "source"
    data = pages("x." * 400)
    source.write_bytes(data)
    with source.open("rb") as reader, (small_filesystem / "t").open("wb") as target:
        result = write(reader.fileno(), target.fileno())
    assert result.error == errno.ENOSPC
    assert 0 < result.bytes_stored <= 1 << 20
    assert data[: result.size] == (small_filesystem / "t").read_bytes()


def test_a_signal_handler_runs_while_the_writer_waits(
    write: Write, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    seen: list[int] = []

    def finish(number: int, frame: object) -> None:
        seen.append(number)
        os.write(writer, b"late")
        os.close(writer)

    before = signal.signal(signal.SIGALRM, finish)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with os.fdopen(reader, "rb") as source, (tmp_path / "t").open("wb") as target:
            result = write(source.fileno(), target.fileno())
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (result.bytes_in, result.error) == (4, None)
    assert seen == [signal.SIGALRM]


def test_without_the_extension_the_python_twins_serve() -> None:
    code = (
        "import sys; sys.modules['coresnap._native'] = None\n"
        "from coresnap.collect import sparse\n"
        "from coresnap.elfcore import notewalk\n"
        "assert sparse.write_sparse is sparse.write_sparse_python\n"
        "assert notewalk.walk_notes is notewalk.walk_notes_python\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


PIECES = st.one_of(
    st.integers(0, 3 * PAGE_SIZE).map(bytes),
    st.binary(max_size=300),
    st.builds(lambda size: b"d" * size, st.integers(0, 3 * PAGE_SIZE)),
)


@pytest.mark.skipif(
    sparse.write_sparse is write_sparse_python, reason="coresnap._native is not built"
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    pieces=st.lists(PIECES, max_size=12),
    limit=st.one_of(st.none(), st.integers(0, 8 * PAGE_SIZE)),
)
def test_c_and_python_agree_on_anything(
    tmp_path: Path, pieces: list[bytes], limit: int | None
) -> None:
    data = b"".join(pieces)
    outcomes = []
    for write in WRITERS.values():
        target = tmp_path / "target"
        source = tmp_path / "source"
        source.write_bytes(data)
        with source.open("rb") as reader, target.open("wb") as writer:
            result = write(reader.fileno(), writer.fileno(), limit=limit)
        outcomes.append((result, target.read_bytes()))
    assert outcomes[0] == outcomes[1]
    assert data.startswith(outcomes[0][1])
