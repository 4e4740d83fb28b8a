"""``coresnap core``: the core of a crash, had back."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CompileProgram
from coresnap.collect.compression import compress_core
from coresnap.collect.spool import Part, Spool
from kernel import kernel_core

from .operations import Bench

CORE = b"\x7fELF" + bytes(300_000) + b"the end of a core" * 1000
FULL = {"rung": "full", "rung_reason": None, "truncated": False}
THIN = {"rung": "stacks", "rung_reason": "quota", "truncated": False}


def compress(bench: Bench, archive_id: str) -> None:
    with Spool(bench.config.spool) as spool, spool.create(Part.CORE) as file:
        fd = spool.open(Part.CORE, archive_id)
        compress_core(fd, file.fd, lambda size: None)
        os.close(fd)
        spool.commit(Part.CORE, file, archive_id, replace=True)


@pytest.mark.parametrize("compressed", [False, True])
def test_the_file_is_the_core(bench: Bench, tmp_path: Path, compressed: bool) -> None:
    archive_id = bench.put({Part.CORE: CORE}, capture=FULL)
    if compressed:
        compress(bench, archive_id)
    target = tmp_path / "core"

    answer = bench.run("core", "extract", archive_id[:9], "-o", str(target))

    assert answer.code == 0, answer.error
    assert target.read_bytes() == CORE
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.stat().st_blocks * 512 < len(CORE)
    assert "byte by byte what the kernel would have written" in answer.output
    assert ("SHA-256 verified" in answer.output) is compressed


def test_without_a_name_it_is_named_after_the_crash(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    archive_id = bench.put({Part.CORE: CORE})

    answer = bench.run("core", "extract", archive_id)

    assert answer.code == 0, answer.error
    assert (tmp_path / f"core.{archive_id[:12]}").read_bytes() == CORE
    assert "nothing was recorded about how it was taken" in answer.output


def test_json_says_what_was_compared(bench: Bench, tmp_path: Path) -> None:
    archive_id = bench.put({Part.CORE: CORE}, capture=THIN)
    compress(bench, archive_id)
    target = str(tmp_path / "core")

    said = bench.run("core", "extract", archive_id, "-o", target, "--json").json

    assert said["output"] == target
    assert (said["form"], said["verified"], said["size"]) == ("zstd", True, len(CORE))
    assert said["sha256"] == hashlib.sha256(CORE).hexdigest()
    assert (said["rung"], said["rung_reason"]) == ("stacks", "quota")
    assert said["identical"] is False


def test_a_thin_core_is_not_passed_off_as_the_kernels(
    bench: Bench, tmp_path: Path
) -> None:
    archive_id = bench.put({Part.CORE: CORE}, capture=THIN)

    answer = bench.run("core", "extract", archive_id, "-o", str(tmp_path / "core"))

    assert "rung stacks (quota): less than the kernel would have" in answer.output


def test_a_cut_core_is_not_either(bench: Bench) -> None:
    capture = {"rung": "full", "truncated": True, "cut": "ENOSPC"}
    archive_id = bench.put({Part.CORE: CORE}, capture=capture)

    answer = bench.run("core", "info", archive_id)

    assert "cut (ENOSPC): it ends before the kernel's file would" in answer.output


def test_what_is_there_is_not_overwritten_unless_asked(
    bench: Bench, tmp_path: Path
) -> None:
    archive_id = bench.put({Part.CORE: CORE})
    target = tmp_path / "core"
    target.write_text("mine")

    answer = bench.run("core", "extract", archive_id, "-o", str(target))
    assert (answer.code, target.read_text()) == (2, "mine")
    assert "--force replaces it" in answer.error

    answer = bench.run("core", "extract", archive_id, "-o", str(target), "--force")
    assert (answer.code, target.read_bytes()) == (0, CORE)
    assert os.listdir(tmp_path) == ["core"]


def test_not_even_force_replaces_what_is_no_file(bench: Bench, tmp_path: Path) -> None:
    archive_id = bench.put({Part.CORE: CORE})
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("elsewhere")

    for name in ("fifo", "link", "."):
        target = str(tmp_path / name)
        answer = bench.run("core", "extract", archive_id, "-o", target, "--force")
        assert answer.code == 2, name
    assert sorted(os.listdir(tmp_path)) == ["fifo", "link"]


def test_a_core_without_room_is_refused_before_a_byte_is_written(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_id = bench.put({Part.CORE: CORE})
    real = os.statvfs(tmp_path)
    full = os.statvfs_result((*real[:3], 1, 1, *real[5:10], real.f_fsid))
    monkeypatch.setattr(os, "fstatvfs", lambda fd: full)

    answer = bench.run("core", "extract", archive_id, "-o", str(tmp_path / "core"))

    assert answer.code == 74
    assert "the core needs" in answer.error
    assert os.listdir(tmp_path) == []


def test_a_damaged_core_leaves_no_file(bench: Bench, tmp_path: Path) -> None:
    archive_id = bench.put({Part.CORE: os.urandom(4 << 20)})
    compress(bench, archive_id)
    path = bench.config.spool / "pending" / archive_id
    with path.open("r+b") as stored:
        stored.seek(3 << 20)
        stored.write(b"\0\0\0\0")

    answer = bench.run("core", "extract", archive_id, "-o", str(tmp_path / "core"))

    assert answer.code == 65
    assert "is damaged" in answer.error
    assert os.listdir(tmp_path) == []


def test_a_cut_compressed_core_says_so(bench: Bench, tmp_path: Path) -> None:
    archive_id = bench.put({Part.CORE: CORE})
    compress(bench, archive_id)
    os.truncate(bench.config.spool / "pending" / archive_id, 100)

    answer = bench.run("core", "info", archive_id)

    assert answer.code == 65
    assert f"the compressed core of {archive_id} is damaged" in answer.error


def test_standard_output_gets_the_bytes_alone(bench: Bench) -> None:
    archive_id = bench.put({Part.CORE: CORE}, capture=FULL)
    command = [sys.executable, "-m", "coresnap", "--config", str(bench.source)]
    command += ["core", "extract", archive_id, "-o", "-"]

    run = subprocess.run(command, capture_output=True, check=True)

    assert run.stdout == CORE
    assert b"byte by byte" in run.stderr


def test_without_a_core_it_is_said_why(bench: Bench) -> None:
    analysed = bench.put({Part.SNAPSHOT: b"snapshot"})
    record = bench.put({})

    answer = bench.run("core", "extract", analysed)
    assert answer.code == 66
    assert f"the core of crash {analysed} was removed" in answer.error
    assert "only a record" in bench.run("core", "info", record).error


@pytest.mark.core_pattern
@pytest.mark.compiler
@pytest.mark.root
def test_a_compressed_core_is_analysed_like_a_plain_one(
    bench: Bench, tmp_path: Path, compile_program: CompileProgram
) -> None:
    program = compile_program("simple.c", "-g", "-O0")
    plain = kernel_core([program], tmp_path)
    archive_id = bench.put({Part.CORE: plain.read_bytes()}, capture=FULL)
    compress(bench, archive_id)
    stored = bench.config.spool / "pending" / archive_id
    assert stored.stat().st_size < plain.stat().st_blocks * 512 // 2

    by_path = bench.run("analyze", str(stored), "--json")
    by_daemon = bench.run("retry", archive_id)

    assert by_path.code == 0, by_path.error
    assert by_path.json == bench.run("analyze", str(plain), "--json").json
    assert by_daemon.code == 0, by_daemon.error
    shown = bench.run("show", archive_id, "--json").json
    for key in ("fingerprint", "core_size", "truncated", "threads"):
        assert shown[key] == by_path.json[key]


def test_a_compressed_core_that_is_none_is_refused_by_its_own_name(
    bench: Bench,
) -> None:
    archive_id = bench.put({Part.CORE: CORE})
    compress(bench, archive_id)
    stored = bench.config.spool / "pending" / archive_id
    os.truncate(stored, 100)

    answer = bench.run("analyze", str(stored))

    assert answer.code == 65
    assert f"{stored} is ELF of an unknown class" in answer.error


def test_info_writes_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    archive_id = bench.put({Part.CORE: CORE}, capture=FULL)

    answer = bench.run("core", "info", archive_id)

    assert answer.code == 0
    assert f"pending/{archive_id}" in answer.output
    assert os.listdir(tmp_path) == []
    assert bench.run("core", "info", archive_id, "--force").code == 2
