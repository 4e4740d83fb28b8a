"""``coresnap crashinfo``: report, spool, and what crashinfo(8) is called with."""

from __future__ import annotations

import gzip
import json
import stat
from pathlib import Path

import pytest

import kernel_panics as panics
import vmcorewriter
from coresnap.collect.spool import Spool

from .operations import Bench

INFO = """\
Dump header from device: /dev/vtbd2
  Architecture: amd64
  Architecture Version: 2
  Dumptime: 2026-11-22 21:25:28 +0000
  Hostname: fbsdlab
  Magic: FreeBSD Kernel Dump
  Version String: FreeBSD 13.2-RELEASE LAB
  Panic String: general protection fault
  Dump Status: good
"""


@pytest.fixture
def crash(tmp_path: Path) -> Path:
    """A directory with a minidump, a packed one, a text dump and an info alone."""
    messages = panics.PROTECTION_FAULT.encode().ljust(8192, b"\0")
    dump = vmcorewriter.Minidump(messages=messages)
    dump.memory.write(4096, b"x")
    (tmp_path / "vmcore.0").write_bytes(dump.packed())
    (tmp_path / "info.0").write_text(INFO)
    (tmp_path / "vmcore.1.gz").write_bytes(gzip.compress(dump.packed()))
    (tmp_path / "info.1").write_text(INFO.replace("21:25:28", "21:30:00"))
    texts = {"msgbuf.txt": panics.REDZONE.encode(), "panic.txt": b"Stopping here."}
    (tmp_path / "textdump.tar.2").write_bytes(vmcorewriter.textdump(texts))
    (tmp_path / "info.3").write_text(INFO.replace("general protection", "page"))
    (tmp_path / "bounds").write_text("4\n")
    (tmp_path / "info.last").symlink_to("info.3")
    return tmp_path


def test_the_report_of_a_dump(bench: Bench, crash: Path) -> None:
    answer = bench.run("crashinfo", "-d", str(crash), "0", "--no-spool")

    assert answer.code == 0, answer.error
    assert answer.output.startswith("kernel panic: general protection fault on 2026")
    assert "lab_sysctl+0x40 in kernel" in answer.output
    assert "  Dumping 74 out of 2000 MB:..25%..50%" in answer.output
    with Spool(bench.config.spool) as spool:
        assert spool.archives() == []


def test_what_it_says_becomes_a_crash_like_others(bench: Bench, crash: Path) -> None:
    answer = bench.run("crashinfo", "-d", str(crash), "0", "--json")

    assert answer.code == 0, answer.error
    told = json.loads(answer.output)
    assert told["kept"]["result"] == "kept"
    with Spool(bench.config.spool) as spool:
        (archive,) = spool.archives()
    assert archive.id == told["kept"]["id"]
    assert (archive.application, archive.is_record) == ("kernel", True)
    assert "kernel" in bench.run("list").output

    retried = bench.run("retry", f"pending/{archive.id}")
    assert retried.code == 0, retried.error
    shown = json.loads(bench.run("show", archive.id, "--json").output)
    assert shown["fingerprint"] == told["snapshot"]["fingerprint"]
    assert shown["attributes"]["kernel.panic"] == "general protection fault"
    assert shown["attributes"]["coresnap.object"] == archive.id
    assert shown["threads"] == told["snapshot"]["threads"]


def test_a_dump_is_kept_once(bench: Bench, crash: Path) -> None:
    bench.run("crashinfo", "-d", str(crash), "0")

    answer = bench.run("crashinfo", "-d", str(crash), "-n", "0")

    assert "known in the spool" in answer.output
    with Spool(bench.config.spool) as spool:
        assert len(spool.archives()) == 1


def test_all_of_a_directory(bench: Bench, crash: Path) -> None:
    answer = bench.run("crashinfo", "--all", "--directory", str(crash))

    assert answer.code == 0, answer.error
    assert [line.split()[0] for line in answer.output.splitlines()] == [
        "vmcore.0",
        "vmcore.1.gz",
        "textdump.tar.2",
        "info.3",
    ]
    with Spool(bench.config.spool) as spool:
        assert len(spool.archives()) == 4


def test_a_damaged_dump_is_told_and_the_others_go_on(bench: Bench, crash: Path) -> None:
    (crash / "vmcore.0").write_bytes(b"minidump FreeBSD/amd64\0\0")

    answer = bench.run("crashinfo", "--all", "-d", str(crash), "--no-spool")

    assert answer.code == 65
    assert "vmcore.0" in answer.error
    assert len(answer.output.splitlines()) == 3


def test_at_boot_the_report_is_written_once(bench: Bench, crash: Path) -> None:
    answer = bench.run("crashinfo", "-b", "-d", str(crash), "-n", "2")

    report = crash / "core.txt.2"
    assert answer.code == 0, answer.error
    assert "wrote 8 bytes behind a block of 100 bytes" in report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    again = bench.run("crashinfo", "-b", "-d", str(crash), "-n", "2")
    assert (again.code, again.output) == (0, "")


def test_a_file_by_its_name(bench: Bench, crash: Path) -> None:
    answer = bench.run("crashinfo", str(crash / "vmcore.1.gz"), "--no-spool")

    assert answer.code == 0, answer.error
    assert "13.2-RELEASE fbsdlab" in answer.output


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("9",), 66),
        (("--all", "0"), 2),
        (("-n", "0", "0"), 2),
        (("-k", "/nowhere/kernel", "0"), 66),
    ],
)
def test_what_cannot_be_done_is_said(
    bench: Bench, crash: Path, words: tuple[str, ...], code: int
) -> None:
    answer = bench.run("crashinfo", "-d", str(crash), "--no-spool", *words)

    assert answer.code == code
    assert "coresnap: " in answer.error


def test_a_directory_without_dumps(bench: Bench, tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "none"):
        answer = bench.run("crashinfo", "-d", str(directory))
        assert answer.code == 66
        assert "savecore(8)" in answer.error


def test_analyze_reads_dumps_by_their_bytes(bench: Bench, crash: Path) -> None:
    other = crash / "whatever"
    other.write_bytes((crash / "vmcore.0").read_bytes())

    for name in ("whatever", "vmcore.1.gz", "textdump.tar.2", "info.3"):
        answer = bench.run("analyze", str(crash / name), "--json")
        assert answer.code == 0, answer.error
        assert json.loads(answer.output)["attributes"]["kernel.panic"]


def test_an_import_leaves_dumps_of_kernels_to_this_command(
    bench: Bench, crash: Path
) -> None:
    memory = vmcorewriter.Physical()
    memory.write(0, b"x")
    (crash / "vmcore.4").write_bytes(vmcorewriter.full_dump(memory))

    for name in ("vmcore.0", "vmcore.4"):
        answer = bench.run("import", str(crash / name))
        assert answer.code == 65
        assert "coresnap crashinfo" in answer.error
