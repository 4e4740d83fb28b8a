"""The cache of decompressed debug files: what may be an entry, and what may not."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from coresnap.analysis.debuginfo.debug_cache import DebugCache, EntryKey
from coresnap.errors import InputError

pytestmark = pytest.mark.libdw

CONTENTS = os.urandom(100_003)
KEY = EntryKey("ab" * 20, "1-2-3-4-5")


def writing(contents: bytes) -> Callable[[int], None]:
    def write(descriptor: int) -> None:
        os.write(descriptor, contents)

    return write


def stored(cache: DebugCache, key: EntryKey = KEY, contents: bytes = CONTENTS) -> Path:
    descriptor = cache.store(key, writing(contents))
    assert descriptor is not None
    os.close(descriptor)
    return cache.directory / key.name


def found(cache: DebugCache, key: EntryKey = KEY) -> bytes | None:
    descriptor = cache.open(key)
    if descriptor is None:
        return None
    with open(descriptor, "rb") as file:
        return file.read(len(CONTENTS))


@pytest.fixture
def cache(tmp_path: Path) -> DebugCache:
    return DebugCache(tmp_path / "below" / "cache")


def test_what_was_stored_is_found_and_is_its_owner_s_alone(cache: DebugCache) -> None:
    assert found(cache) is None
    path = stored(cache)
    assert found(cache) == CONTENTS
    assert path.stat().st_mode & 0o777 == 0o600
    assert cache.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("at", [0, 50_000, 100_002, 100_004, -1, -9, -30])
def test_an_entry_with_one_damaged_byte_is_none(cache: DebugCache, at: int) -> None:
    path = stored(cache)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert found(cache) is None


@pytest.mark.parametrize("size", [0, 1, 20, 36, 50_000, 100_003, 100_043])
def test_an_entry_that_was_cut_is_none(cache: DebugCache, size: int) -> None:
    path = stored(cache)
    assert path.stat().st_size > size
    os.truncate(path, size)
    assert found(cache) is None


def test_an_entry_of_another_file_under_this_name_is_none(cache: DebugCache) -> None:
    other = EntryKey(KEY.build_id, "1-2-3-4-6")
    os.rename(stored(cache, other), cache.directory / KEY.name)
    assert found(cache) is None


def test_an_entry_of_another_format_is_none(
    cache: DebugCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coresnap.analysis.debuginfo.debug_cache._FORMAT", 0)
    stored(cache)
    assert found(cache) == CONTENTS
    monkeypatch.undo()
    assert found(cache) is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_entry_that_others_could_write_is_none(cache: DebugCache, mode: int) -> None:
    stored(cache).chmod(mode)
    assert found(cache) is None


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_directory_that_others_could_write_is_not_used(
    cache: DebugCache, mode: int
) -> None:
    stored(cache)
    cache.directory.chmod(mode)
    assert found(cache) is None
    assert cache.store(KEY, writing(CONTENTS)) is None


@pytest.mark.root
def test_what_belongs_to_another_user_is_not_used(cache: DebugCache) -> None:
    path = stored(cache)
    os.chown(path, 65534, 65534)
    assert found(cache) is None
    stored(cache)
    assert found(cache) == CONTENTS
    os.chown(cache.directory, 65534, 65534)
    assert found(cache) is None
    assert cache.store(KEY, writing(CONTENTS)) is None


def test_no_link_is_followed(cache: DebugCache, tmp_path: Path) -> None:
    path = stored(cache)
    moved = path.rename(tmp_path / "moved")
    path.symlink_to(moved)
    assert found(cache) is None
    path.unlink()
    moved.rename(path)
    cache.directory.rename(tmp_path / "elsewhere")
    cache.directory.symlink_to(tmp_path / "elsewhere")
    assert found(cache) is None


def test_a_pipe_under_the_name_of_an_entry_does_not_block(cache: DebugCache) -> None:
    path = stored(cache)
    path.unlink()
    os.mkfifo(path)
    assert found(cache) is None


def test_a_place_where_no_directory_can_be_made_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = DebugCache(tmp_path / "file" / "cache")
    assert found(cache) is None
    assert cache.store(KEY, writing(CONTENTS)) is None


def test_what_cannot_be_written_leaves_nothing_behind(cache: DebugCache) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    def refuse(_: int) -> None:
        raise InputError("damaged")

    assert cache.store(KEY, fail) is None
    with pytest.raises(InputError, match="damaged"):
        cache.store(KEY, refuse)
    assert list(cache.directory.iterdir()) == []


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    size = 200_000
    cache = DebugCache(tmp_path / "cache", limit=7 * size // 2)
    keys = [EntryKey("ab" * 20, f"{number}") for number in range(4)]
    for age, key in zip((50, 90, 70), keys, strict=False):
        path = stored(cache, key, bytes(size) + CONTENTS[:9])
        os.utime(path, (path.stat().st_mtime - age * 3600,) * 2)
    assert cache.open(keys[1]) is not None  # the oldest has been used just now
    stored(cache, keys[3], bytes(size))
    left = {path.name for path in cache.directory.iterdir()}
    assert keys[3].name in left
    assert keys[1].name in left
    assert keys[2].name not in left
    total = sum(path.stat().st_blocks * 512 for path in cache.directory.iterdir())
    assert total <= cache.limit


def test_what_is_larger_than_the_cache_is_made_but_not_kept(tmp_path: Path) -> None:
    cache = DebugCache(tmp_path / "cache", limit=1000)
    descriptor = cache.store(KEY, writing(CONTENTS))
    assert descriptor is not None
    assert os.pread(descriptor, len(CONTENTS), 0) == CONTENTS
    os.close(descriptor)
    assert list(cache.directory.iterdir()) == []


def test_the_rest_of_a_broken_writer_is_removed_when_it_is_old(
    cache: DebugCache,
) -> None:
    path = stored(cache)
    old, young = cache.directory / ".new-1-1", cache.directory / ".new-2-2"
    for temporary in (old, young):
        temporary.write_bytes(b"half")
    os.utime(old, (0, 0))
    stored(cache)
    assert sorted(cache.directory.iterdir()) == [young, path]


def store_often(directory: Path, times: int) -> None:
    cache = DebugCache(directory)
    for _ in range(times):
        assert found(cache) in (None, CONTENTS)
        stored(cache)


def test_several_may_write_and_read_one_entry_at_once(cache: DebugCache) -> None:
    context = multiprocessing.get_context("fork")
    writers = [
        context.Process(target=store_often, args=(cache.directory, 30))
        for _ in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert found(cache) == CONTENTS
    assert [path.name for path in cache.directory.iterdir()] == [KEY.name]


def test_a_file_that_was_changed_has_another_key(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    with path.open("rb") as file:
        before = EntryKey.of(file.fileno(), "ab")
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(b"two")
    os.utime(path, ns=times)  # the same size and time of modification
    with path.open("rb") as file:
        assert EntryKey.of(file.fileno(), "ab") != before
