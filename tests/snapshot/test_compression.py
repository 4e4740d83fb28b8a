from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coresnap.errors import SnapshotFormatError
from coresnap.snapshot import schema
from coresnap.snapshot.compression import compress, decompress
from coresnap.snapshot.dictionary import SHA256, dictionary_1
from snapshot import specimens

REPOSITORY = Path(__file__).parent.parent.parent


@settings(deadline=None)
@given(st.binary(max_size=5000))
def test_what_is_compressed_comes_back(data: bytes) -> None:
    assert decompress(compress(data), len(data)) == data


def test_the_dictionary_is_the_published_one() -> None:
    formats = (REPOSITORY / "docs" / "formats.md").read_text()

    assert hashlib.sha256(dictionary_1()).hexdigest() == SHA256
    assert f"`{SHA256}`" in formats
    assert f"{len(dictionary_1()):,} bytes" in formats


def test_an_old_frame_that_needs_the_dictionary_is_still_read() -> None:
    frame = bytes.fromhex("28b52ffd203d950000207320205f030076a27e483f4766cb295908")

    content = decompress(frame, 61, dictionary=True)
    assert content == b"system.memory.available process/limits __libc_start_call_main"


@settings(deadline=None)
@given(st.binary(max_size=5000))
def test_what_is_compressed_with_the_dictionary_comes_back(data: bytes) -> None:
    assert (
        decompress(compress(data, dictionary=True), len(data), dictionary=True) == data
    )


def test_the_dictionary_makes_a_small_snapshot_smaller() -> None:
    content = schema.encode(schema.part(specimens.full(), "summary"))

    assert len(compress(content, dictionary=True)) < 0.8 * len(compress(content))


def test_large_data_comes_back_too() -> None:
    data = bytes(range(256)) * 10_000

    assert decompress(compress(data), len(data)) == data


@pytest.mark.parametrize("size", [0, 4, 6, 1 << 40])
def test_a_wrong_size_is_refused(size: int) -> None:
    with pytest.raises(SnapshotFormatError, match="bytes told"):
        decompress(compress(b"hello"), size)


def test_a_cut_frame_is_refused() -> None:
    frame = compress(b"hello" * 1000)
    for length in range(len(frame)):
        with pytest.raises(SnapshotFormatError):
            decompress(frame[:length], 5000)


def test_a_frame_that_wants_a_giant_window_is_refused() -> None:
    # RFC 8878, 3.1.1.1.2: window descriptor 0xf8 asks for 2 GiB of window.
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + b"\xf8" + b"\x29\x00\x00hello"
    with pytest.raises(SnapshotFormatError, match="damaged"):
        decompress(frame, 5)
