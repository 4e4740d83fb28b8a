"""What the store asks of a place for bodies, asked of every place."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest

from coresnap.errors import MissingError, StorageError
from coresnap.store.objects.contract import Objects

LARGE = bytes(range(256)) * (70 << 10)
"""More than is sent at once."""


def put(objects: Objects, key: str, body: bytes) -> bool:
    return objects.put(key, io.BytesIO(body), len(body))


def read(objects: Objects, key: str, start: int = 0, size: int | None = None) -> bytes:
    with objects.open(key, start, size) as file:
        return file.read()


@pytest.mark.parametrize("body", [b"", b"body", LARGE], ids=["empty", "small", "large"])
def test_what_was_put_is_there(objects: Objects, body: bytes) -> None:
    assert put(objects, "1/faults/ab/abcd.0", body)

    assert read(objects, "1/faults/ab/abcd.0") == body
    stored = objects.stat("1/faults/ab/abcd.0")
    assert (stored.key, stored.size) == ("1/faults/ab/abcd.0", len(body))
    assert stored.modified > 1_700_000_000


@pytest.mark.parametrize("body", [b"other", LARGE], ids=["small", "large"])
def test_what_is_there_is_not_put_over_and_can_be_replaced(
    objects: Objects, body: bytes
) -> None:
    put(objects, "1/a", b"first")

    assert not put(objects, "1/a", body)
    assert read(objects, "1/a") == b"first"

    objects.replace("1/a", io.BytesIO(body), len(body))
    assert read(objects, "1/a") == body


def test_of_many_that_put_the_same_key_one_wins(objects: Objects) -> None:
    bodies = [bytes([number]) * 5000 for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda body: put(objects, "1/a", body), bodies))

    assert won.count(True) == 1
    assert read(objects, "1/a") == bodies[won.index(True)]


def test_a_range_is_what_it_says(objects: Objects) -> None:
    put(objects, "1/a", b"0123456789")

    assert read(objects, "1/a", 3) == b"3456789"
    assert read(objects, "1/a", 3, 4) == b"3456"
    assert read(objects, "1/a", 8, 40) == b"89"
    assert read(objects, "1/a", 3, 0) == b""
    assert read(objects, "1/a", 40) == b""


def test_what_is_not_there_is_missing_and_gone_all_the_same(objects: Objects) -> None:
    for ask in (objects.open, objects.stat):
        with pytest.raises(MissingError):
            ask("1/nowhere/a")
    objects.remove("1/nowhere/a")

    put(objects, "1/a", b"body")
    objects.remove("1/a")
    objects.remove("1/a")

    with pytest.raises(MissingError):
        objects.open("1/a")


def test_a_list_has_what_begins_with_the_prefix_and_nothing_else(
    objects: Objects,
) -> None:
    keys = {f"1/faults/{number:02x}/{number:04x}" for number in range(30)}
    for key in (*keys, "1/faultsother/a", "1/segments/1", "2/faults/00/0000"):
        put(objects, key, b"body")

    assert {stored.key for stored in objects.list("1/faults/")} == keys
    assert [stored.size for stored in objects.list("2/")] == [4]
    assert list(objects.list("3/")) == []


def test_a_list_longer_than_a_page_is_whole(objects: Objects) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: put(objects, f"1/{n}", b""), range(1100)))

    assert len({stored.key for stored in objects.list("1/")}) == 1100


@pytest.mark.parametrize(
    "key", ["../a", "/a", "a//b", "a/../b", "a/./b", "A", "a/", "", ".part-x", "a\0b"]
)
def test_a_key_that_we_would_not_make_is_refused(objects: Objects, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        put(objects, key, b"body")
    with pytest.raises(ValueError, match="not a key"):
        objects.open(key)


def test_a_body_that_ends_too_early_leaves_nothing(objects: Objects) -> None:
    for body, size in ((b"short", 6), (LARGE, len(LARGE) + 1)):
        with pytest.raises(StorageError, match="before its end"):
            objects.put("1/a", io.BytesIO(body), size)
        with pytest.raises(MissingError):
            objects.stat("1/a")
