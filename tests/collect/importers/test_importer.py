"""Cores from files and directories: each once, whole, or not at all."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import importlib
import lzma
import os
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import CompileProgram, Corpus, KernelCore
from coresnap.collect.compression import compress_core
from coresnap.collect.importers.core_head import read_head
from coresnap.collect.importers.importer import files_in
from coresnap.collect.spool import Part
from coresnap.errors import (
    AccessError,
    CoreFormatError,
    InputError,
    MissingError,
    NoSpaceError,
    UsageError,
)
from corewriter import AARCH64, I386, X86_64, Target
from foreigncores import PID, freebsd_core, small_core

from .conftest import Bench

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SPARSE_SIZE = 64 << 30


def lz4_compress(data: bytes) -> bytes:
    frame = pytest.importorskip("lz4.frame", reason="the extra lz4 is not installed")
    packed: bytes = frame.compress(data)
    return packed


def checked(name: str, data: bytes) -> bytes:
    """Compressed with a checksum: without one zstd does not see all damage."""
    if name != "zstd":
        return PACKERS[name](data)
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd.compress,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zlib": zlib.compress,
    "lz4": lz4_compress,
}

# --- one core -----------------------------------------------------------------


def test_a_core_becomes_an_archive_that_tells_whose_it_is(bench: Bench) -> None:
    core = bench.write("core", small_core())

    taken = bench.imported(core)

    (archive,) = bench.spool.archives()
    assert archive.id == taken.id
    assert archive.is_waiting
    assert archive.application == "prog"
    assert archive.time == core.stat().st_mtime_ns
    assert bench.core(taken.id) == core.read_bytes()
    told = bench.told(taken.id)
    assert told["pid"] == PID
    assert told["tid"] == PID + 1
    assert told["signal"] == 11
    assert (told["uid"], told["gid"]) == (1000, 100)
    assert told["command"] == "prog"
    assert told["path"] == "/srv/prog"
    capture = bench.told(taken.id, "capture.json")
    assert capture["way"] == "import"
    assert capture["truncated"] is False
    assert capture["cut"] is None
    assert capture["source"] == {
        "format": "core",
        "path": str(core),
        "compression": None,
        "damage": None,
    }


def test_crash_json_comes_first_and_capture_json_last(bench: Bench) -> None:
    taken = bench.imported(bench.write("core", small_core()))

    members = list(bench.members(taken.id))
    assert members[0] == "crash.json"
    assert members[-1] == "capture.json"


@pytest.mark.parametrize("target", [X86_64, I386, AARCH64], ids=["64", "32", "arm"])
def test_cores_of_other_machines_tell_as_much(bench: Bench, target: Target) -> None:
    taken = bench.imported(bench.write("core", small_core(target, signal=6)))

    told = bench.told(taken.id)
    assert (told["pid"], told["signal"], told["uid"]) == (PID, 6, 1000)
    assert told["path"] == "/srv/prog"


def test_a_core_of_freebsd_tells_whose_it_is(bench: Bench) -> None:
    core = bench.write("core", freebsd_core(pid=77, signal=10, command=b"nginx"))

    taken = bench.imported(core)

    told = bench.told(taken.id)
    assert (told["pid"], told["signal"], told["command"]) == (77, 10, "nginx")


@pytest.mark.corpus
def test_every_core_of_the_corpus_tells_its_process(
    bench: Bench, corpus: Corpus
) -> None:
    found = sorted(corpus.root.rglob("*core*.zst"))
    cores = [path for path in found if path.stat().st_size < 1 << 18]
    assert cores
    nameless = []
    for path in cores:
        taken = bench.imported(path)
        told = bench.told(taken.id)
        if not told["pid"] or not told.get("command"):
            nameless.append(path.name)
        for part in (Part.CORE, Part.ASSETS):
            bench.spool.remove(part, taken.id)
    assert nameless == []


@pytest.mark.core_pattern
@pytest.mark.compiler
def test_a_core_that_the_kernel_wrote_is_kept_byte_by_byte(
    bench: Bench, kernel_core: KernelCore, compile_program: CompileProgram
) -> None:
    core = kernel_core([compile_program("simple.c")])

    taken = bench.imported(core)

    assert bench.core(taken.id) == core.read_bytes()
    assert not taken.truncated
    assert bench.told(taken.id)["pid"] == int(core.name.rpartition(".")[2])


# --- compressed ---------------------------------------------------------------


@pytest.mark.parametrize("name", PACKERS)
def test_a_compressed_core_is_the_same_archive_as_the_plain_one(
    bench: Bench, name: str
) -> None:
    packed = bench.write("core.packed", PACKERS[name](small_core()))

    taken = bench.imported(packed)

    assert taken.compression == name
    assert bench.core(taken.id) == small_core()
    again = bench.imported(bench.write("core", small_core()))
    assert again.id == taken.id
    assert not again.is_new


@pytest.mark.parametrize("name", ["zstd", "gzip", "xz", "bzip2", "lz4"])
def test_several_members_behind_each_other_are_one_core(
    bench: Bench, name: str
) -> None:
    core = small_core()
    pack = PACKERS[name]

    taken = bench.imported(bench.write("c", pack(core[:5000]) + pack(core[5000:])))

    assert bench.core(taken.id) == core
    assert not taken.truncated


@pytest.mark.parametrize("name", PACKERS)
def test_compressed_bytes_that_end_early_are_a_truncated_core(
    bench: Bench, name: str
) -> None:
    core = small_core(memory=os.urandom(4 << 20))
    packed = PACKERS[name](core)

    taken = bench.imported(bench.write("core.cut", packed[: len(packed) * 3 // 4]))

    assert taken.truncated
    kept = bench.core(taken.id)
    assert core.startswith(kept)
    capture = bench.told(taken.id, "capture.json")
    assert capture["cut"] == "source-ended"
    assert "end early" in capture["source"]["damage"]


@pytest.mark.parametrize("name", ["zstd", "gzip", "xz", "bzip2"])
def test_damaged_compressed_bytes_give_what_came_before(
    bench: Bench, name: str
) -> None:
    core = small_core(memory=os.urandom(4 << 20))
    packed = bytearray(checked(name, core))
    middle = len(packed) * 3 // 4
    packed[middle : middle + 4096] = os.urandom(4096)

    result = bench.take(bench.write("core.damaged", bytes(packed)))

    if result.problem is not None:
        # Some decoders give nothing of a block before all of it is right.
        assert isinstance(result.problem, InputError)
        assert bench.spool.archives() == []
    else:
        assert result.taken is not None
        assert result.taken.truncated


def test_a_core_that_a_spool_keeps_compressed_is_the_same_archive(
    bench: Bench,
) -> None:
    plain = bench.write("core", small_core())
    packed = bench.directory / "stored"
    with plain.open("rb") as source, packed.open("w+b") as target:
        compress_core(source.fileno(), target.fileno(), lambda size: None)

    taken = bench.imported(packed)

    assert taken.compression == "zstd"
    assert not taken.truncated
    assert bench.core(taken.id) == small_core()


def test_without_its_library_lz4_says_what_to_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def without_lz4(name: str) -> object:
        if name == "lz4.frame":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without_lz4)
    result = bench.take(bench.write("core.lz4", b"\x04\x22\x4d\x18" + bytes(100)))

    assert isinstance(result.problem, InputError)
    assert "coresnap[lz4]" in result.problem.remedy


# --- once ---------------------------------------------------------------------


def test_a_core_imported_twice_is_one_archive(bench: Bench) -> None:
    core = bench.write("core", small_core())

    first, second = bench.imported(core), bench.imported(core)

    assert first.is_new
    assert not second.is_new
    assert first.id == second.id
    assert len(bench.spool.archives()) == 1


def test_a_core_whose_snapshot_alone_is_left_is_known(bench: Bench) -> None:
    core = bench.write("core", small_core())
    taken = bench.imported(core)
    with bench.spool.create(Part.SNAPSHOT) as file:
        bench.spool.commit(Part.SNAPSHOT, file, taken.id)
    bench.spool.remove(Part.CORE, taken.id)

    assert not bench.imported(core).is_new


def test_holes_make_no_difference_to_the_name(bench: Bench) -> None:
    data = small_core()
    full = bench.write("full", data)
    holey = bench.directory / "holey"
    with holey.open("wb") as stream:
        for offset in range(0, len(data), 4096):
            page = data[offset : offset + 4096]
            if any(page):
                stream.seek(offset)
                stream.write(page)
        stream.truncate(len(data))

    assert bench.imported(full).id == bench.imported(holey).id


@pytest.mark.parametrize("at", [0x1100, -1])
def test_one_other_byte_is_another_archive(bench: Bench, at: int) -> None:
    data = bytearray(small_core())
    one = bench.imported(bench.write("one", bytes(data)))
    data[at] ^= 1

    assert bench.imported(bench.write("other", bytes(data))).id != one.id


def test_more_zeros_at_the_end_are_another_archive(bench: Bench) -> None:
    one = bench.imported(bench.write("one", small_core()))

    assert bench.imported(bench.write("two", small_core() + bytes(4096))).id != one.id


# --- bounds -------------------------------------------------------------------


def test_a_huge_hole_costs_neither_room_nor_time(bench: Bench) -> None:
    core = bench.write("core", small_core())
    data = bytearray(core.read_bytes())
    # The last segment is one byte: let it be 64 GiB of the file.
    at = 64 + 3 * 56 + 32
    data[at : at + 8] = SPARSE_SIZE.to_bytes(8, "little")
    core.write_bytes(data)
    os.truncate(core, SPARSE_SIZE)

    taken = bench.imported(core)

    (archive,) = bench.spool.archives()
    assert archive.size == taken.size == SPARSE_SIZE
    assert archive.disk_size < 1 << 20


def test_what_goes_on_behind_its_last_segment_is_refused(bench: Bench) -> None:
    bomb = zstd.compress(small_core() + bytes(200 << 20))

    result = bench.take(bench.write("bomb.zst", bomb))

    assert isinstance(result.problem, CoreFormatError)
    assert "behind its last segment" in str(result.problem)
    assert files_of(bench) == []


@pytest.mark.parametrize("limit", ["logical", "physical"])
def test_a_core_beyond_a_limit_is_not_imported_and_leaves_nothing(
    bench: Bench, limit: str
) -> None:
    small = bench.with_settings(f"limit.{limit} = 4KiB\n")

    result = small.take(small.write("core", small_core()))

    assert isinstance(result.problem, NoSpaceError)
    assert f"limit.{limit}" in str(result.problem)
    assert files_of(bench) == []


def test_without_the_room_that_the_quota_keeps_nothing_is_imported(
    bench: Bench,
) -> None:
    full = bench.with_settings("dump.quota = 100%\n")

    result = full.take(full.write("core", small_core()))

    assert isinstance(result.problem, NoSpaceError)
    assert files_of(bench) == []


def files_of(bench: Bench) -> list[Path]:
    return [path for path in bench.spool.directory.rglob("*") if path.is_file()]


# --- not a core, not whole ----------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\x7fELF", "unknown class"),
        (b"\x7fELF" + bytes(60), "unknown class"),
        (b"hello, I am a text\n", "neither a core nor a report"),
        (gzip.compress(b"hello, I am a text"), "is not an ELF core"),
        (gzip.compress(b"x")[:5], "end early"),
        (Path("/bin/true").read_bytes(), "is an ELF file, but not a core"),
        (small_core()[:64], "ends before its first program header"),
    ],
    ids=[
        "empty",
        "magic",
        "zeros",
        "text",
        "packed-text",
        "packed-nothing",
        "program",
        "header",
    ],
)
def test_what_is_no_core_is_named_as_such(bench: Bench, data: bytes, said: str) -> None:
    result = bench.take(bench.write("file", data))

    assert isinstance(result.problem, InputError)
    assert said in str(result.problem)
    assert files_of(bench) == []


def test_a_core_cut_anywhere_is_imported_as_truncated_or_refused(bench: Bench) -> None:
    core = small_core()
    sizes = sorted({*range(1, 700, 23), *range(700, len(core) - 1, 90_001)})
    for size in sizes:
        result = bench.take(bench.write("core", core[:size]))
        if result.taken is None:
            assert isinstance(result.problem, InputError), size
            assert size < 64 + 56
        else:
            assert result.taken.truncated, size
            assert bench.core(result.taken.id) == core[:size]


def test_hostile_headers_end_in_an_archive_or_a_sentence(bench: Bench) -> None:
    core = bytearray(small_core())
    for offset in range(4, 64 + 4 * 56 + 400, 2):
        for value in (0, 0xFF):
            changed = core.copy()
            changed[offset] = value
            result = bench.take(bench.write("core", bytes(changed)))
            assert result.taken is not None or isinstance(result.problem, InputError)


# --- sources that are no plain files ------------------------------------------


def test_a_fifo_is_refused_and_hangs_nobody(bench: Bench) -> None:
    os.mkfifo(bench.directory / "core")

    result = bench.take(bench.directory / "core")

    assert isinstance(result.problem, InputError)
    assert "not a plain file" in str(result.problem)


def test_a_symbolic_link_is_not_followed(bench: Bench) -> None:
    bench.write("real", small_core())
    (bench.directory / "core").symlink_to("real")

    result = bench.take(bench.directory / "core")

    assert isinstance(result.problem, InputError)
    assert "symbolic link" in str(result.problem)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(bench: Bench, path: str) -> None:
    assert isinstance(bench.take(Path(path)).problem, InputError)


def test_a_socket_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.directory)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("core")

        assert isinstance(bench.take(bench.directory / "core").problem, InputError)


def test_a_file_that_is_not_there_is_missing(bench: Bench) -> None:
    assert isinstance(bench.take(bench.directory / "no").problem, MissingError)


def test_a_source_is_only_read(bench: Bench) -> None:
    core = bench.write("core", small_core())
    core.chmod(0o444)
    before = core.stat()

    bench.imported(core)

    after = core.stat()
    assert core.read_bytes() == small_core()
    assert (after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_mtime_ns,
        before.st_ctime_ns,
    )


def test_a_file_that_is_written_to_meanwhile_is_not_imported(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coresnap.collect.importers import intake

    core = bench.write("core", small_core())
    real = read_head

    def grow(data: bytes, name: str) -> object:
        with core.open("ab") as stream:
            stream.write(b"more")
        return real(data, name)

    monkeypatch.setattr(intake, "read_head", grow)
    result = bench.take(core)

    assert isinstance(result.problem, InputError)
    assert "written to" in str(result.problem)
    assert files_of(bench) == []


# --- directories --------------------------------------------------------------


def test_a_mixed_directory_gives_its_cores_and_says_what_it_skipped(
    bench: Bench,
) -> None:
    bench.write("1.core", small_core())
    bench.write("2.core.zst", zstd.compress(small_core(pid=2)))
    bench.write("3.txt", b"hello")
    bench.write(".#core.half", small_core(pid=3))
    os.mkfifo(bench.directory / "4.fifo")
    (bench.directory / "below").mkdir()
    (bench.directory / "5.link").symlink_to("1.core")

    results = list(bench.importer.take(bench.directory))

    assert [Path(r.name).name for r in results] == ["1.core", "2.core.zst", "3.txt"]
    assert [r.taken is not None for r in results] == [True, True, False]
    assert results[2].is_skipped
    assert len(bench.spool.archives()) == 2


def test_a_directory_that_is_none_is_a_usage_error(bench: Bench) -> None:
    result = bench.take(bench.write("core", small_core()), "directory")

    assert isinstance(result.problem, UsageError)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to be refused")
def test_what_may_not_be_read_is_a_failure_and_the_others_go_on(bench: Bench) -> None:
    bench.write("a", small_core()).chmod(0)
    bench.write("b", small_core(pid=2)).chmod(0o644)
    for path in (bench.directory, *bench.directory.parents):
        with contextlib.suppress(PermissionError):
            path.chmod(path.stat().st_mode | 0o755)
    for part in Part:
        os.chown(bench.spool.directory / part, 65534, 65534)
    os.seteuid(65534)
    try:
        first, second = bench.importer.take(bench.directory)
    finally:
        os.seteuid(0)

    assert isinstance(first.problem, AccessError)
    assert not first.is_skipped
    assert second.taken is not None


def test_files_are_listed_by_name(bench: Bench) -> None:
    for name in ("c", "a", "b"):
        bench.write(name, b"")

    assert [path.name for path in files_in(bench.directory)] == ["a", "b", "c"]


# --- owner, death -------------------------------------------------------------


@pytest.mark.root
def test_what_root_imports_belongs_to_the_spool_s_owner(bench: Bench) -> None:
    for part in Part:
        os.chown(bench.spool.directory / part, 1234, 4321)

    taken = bench.imported(bench.write("core", small_core()))

    for part in (Part.CORE, Part.ASSETS):
        status = bench.spool.path(part, taken.id).stat()
        assert (status.st_uid, status.st_gid) == (1234, 4321)
        assert status.st_mode & 0o777 == 0o600


def test_assets_that_a_killed_import_left_do_not_count_and_do_not_hinder(
    bench: Bench,
) -> None:
    core = bench.write("core", small_core())
    taken = bench.imported(core)
    bench.spool.remove(Part.CORE, taken.id)
    assert bench.spool.archives() == []

    again = bench.imported(core)

    assert again.is_new
    assert again.id == taken.id
    assert len(bench.spool.archives()) == 1


IMPORT = """
import sys
from pathlib import Path
from coresnap.collect.compression import compress_core
from coresnap.collect.importers.core_head import read_head
from coresnap.collect.importers.importer import Importer
from coresnap.collect.spool import Spool
from coresnap.config import load_config
with Spool(Path(sys.argv[1])) as spool:
    print("ready", flush=True)
    importer = Importer(spool, load_config(Path(sys.argv[2])))
    for result in importer.take(Path(sys.argv[3])):
        print(result.taken.id, flush=True)
"""


def test_killed_at_any_moment_an_import_leaves_no_half_archive(bench: Bench) -> None:
    core = small_core(memory=os.urandom(16 << 20))
    path = bench.write("core.zst", zstd.compress(core, level=1))
    root = bench.spool.directory.parent
    words = [bench.spool.directory, root / "coresnap.conf", path]
    for delay in (0.0, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15):
        with subprocess.Popen(
            [sys.executable, "-c", IMPORT, *map(str, words)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        for archive in bench.spool.archives():
            assert bench.core(archive.id) == core

    taken = bench.imported(path)

    (archive,) = bench.spool.archives()
    assert archive.id == taken.id
    assert bench.core(taken.id) == core
