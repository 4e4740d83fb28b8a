"""A directory that is watched: what comes is imported when its writer is done."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from coresnap.collect.importers.importer import Result
from coresnap.collect.importers.watch import Watch, is_being_written
from foreigncores import small_core

from .conftest import Bench


@pytest.fixture
def watch(bench: Bench) -> Watch:
    return Watch(bench.importer, [bench.directory])


def names(results: Iterator[Result]) -> list[str]:
    return [os.path.basename(result.name) for result in results]


def test_a_file_is_imported_at_the_second_look_and_once(
    bench: Bench, watch: Watch
) -> None:
    bench.write("core", small_core())

    assert names(watch.look()) == []
    assert names(watch.look()) == ["core"]
    assert names(watch.look()) == []
    assert len(bench.spool.archives()) == 1


def test_a_file_that_still_grows_is_left_alone(bench: Bench, watch: Watch) -> None:
    core = small_core()
    for size in range(1000, len(core), 300_000):
        bench.write("core", core[:size])
        assert names(watch.look()) == []
    bench.write("core", core)
    assert names(watch.look()) == []

    (result,) = watch.look()

    assert result.taken is not None
    assert not result.taken.truncated


@pytest.mark.core_pattern  # leases are Linux's
def test_a_file_whose_writer_only_pauses_is_left_alone(
    bench: Bench, watch: Watch
) -> None:
    path = bench.directory / "core"
    with path.open("wb") as writer:
        writer.write(small_core()[:5000])
        writer.flush()
        assert is_being_written(path)
        assert names(watch.look()) == names(watch.look()) == names(watch.look()) == []
        writer.write(small_core()[5000:])
    assert not is_being_written(path)
    watch.look()

    assert names(watch.look()) + names(watch.look()) == ["core"]


def test_a_file_that_is_replaced_is_looked_at_again(bench: Bench, watch: Watch) -> None:
    bench.write("core", small_core())
    list(watch.look())
    list(watch.look())
    (bench.directory / "core").unlink()
    bench.write("core", small_core(pid=2))

    list(watch.look())
    assert names(watch.look()) == ["core"]
    assert len(bench.spool.archives()) == 2


def test_what_is_no_core_is_said_once(bench: Bench, watch: Watch) -> None:
    bench.write("text", b"hello")
    list(watch.look())

    (result,) = watch.look()

    assert result.is_skipped
    assert names(watch.look()) == []


def test_what_found_no_room_is_tried_again(bench: Bench) -> None:
    small = bench.with_settings("limit.physical = 4KiB\n")
    watch = Watch(small.importer, [bench.directory])
    bench.write("core", small_core())
    list(watch.look())

    assert names(watch.look()) == ["core"]
    assert names(watch.look()) == ["core"]


def test_it_goes_on_until_it_is_interrupted(bench: Bench) -> None:
    bench.write("a", small_core())
    pauses = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            bench.write("b", small_core(pid=2))
        if len(pauses) == 5:
            raise KeyboardInterrupt

    watch = Watch(bench.importer, [bench.directory], sleep=sleep)
    with pytest.raises(KeyboardInterrupt):
        list(watch.run())

    assert len(bench.spool.archives()) == 2
    assert set(pauses) == {2.0}
