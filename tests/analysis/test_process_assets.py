"""What the notes say takes the form of /proc, and no more of it than may be kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import coresnap
import freebsd_corewriter as w
from conftest import CORPUS, Corpus
from coresnap.analysis.process_assets import process_assets
from coresnap.collect.plain_core import restored
from coresnap.elfcore.corefile import open_core
from coresnap.snapshot.scrubbing.rules import Rules
from coresnap.snapshot.scrubbing.scrub import scrub

FREEBSD = CORPUS / "freebsd"
STACK = 0x7F00_0000
AT_PAGESZ = 6
VNODE, SOCKET, PIPE, KQUEUE, PROCDESC = 1, 2, 3, 5, 11


def core(tmp_path: Path, notes: Sequence[bytes], stack: bytes = b"") -> Path:
    path = tmp_path / "core"
    status = w.prstatus(w.AMD64, tid=1, registers={}, signal=11)
    segments = [w.Segment(STACK, stack)] if stack else []
    path.write_bytes(w.write_core(notes=[status, *notes], segments=segments))
    return path


def members(path: Path, variables: Sequence[str] = ("LANG",)) -> dict[str, bytes]:
    with open_core(path) as opened:
        return process_assets(opened, variables)[0]


def strings(*texts: bytes) -> bytes:
    """struct ps_strings for one argument and the rest as environment."""
    text = STACK + 0x400
    places = [text + sum(len(t) + 1 for t in texts[:n]) for n in range(len(texts))]
    head = w.AMD64.pack("PIxxxxPI", STACK + 0x100, 1, STACK + 0x108, len(texts) - 1)
    data = head.ljust(0x100, b"\0") + w.AMD64.pack(f"{len(places)}P", *places)
    return data.ljust(0x400, b"\0") + b"".join(t + b"\0" for t in texts)


def test_descriptors_have_targets_as_in_proc(tmp_path: Path) -> None:
    files = [
        w.file_entry(-5, VNODE, path=b"/bin/app"),
        w.file_entry(-1, VNODE, path=b"/tmp"),
        w.file_entry(-2, VNODE, path=b"/jail/root"),
        w.file_entry(0, VNODE, path=b"/dev/null"),
        w.file_entry(1, VNODE, fields={32: ("i", 1)}),
        w.file_entry(2, PIPE),
        w.file_entry(3, KQUEUE),
        w.file_entry(4, PROCDESC, fields={304: ("i", 99)}),
        w.file_entry(
            5,
            SOCKET,
            fields={
                36: ("i", 2),
                40: ("i", 1),
                44: ("i", 6),
                48: ("16s", b"\x10\x02\x00\x50" + bytes(12)),
                176: ("16s", b"\x10\x02\x00\x00" + bytes(12)),
            },
        ),
    ]
    found = members(core(tmp_path, [w.files(files)]))
    assert found["process/fd"].split(b"\0") == [
        b"0 /dev/null",
        b"1 file:[regular]",
        b"2 pipe:[]",
        b"3 kqueue:[]",
        b"4 procdesc:[99]",
        b"5 socket:[tcp *:80 *:0]",
        b"",
    ]
    assert found["process/exe"] == b"/bin/app"
    assert found["process/cwd"] == b"/tmp"
    assert found["process/root"] == b"/jail/root"
    assert b"FDSize:\t6\n" in found["process/status"]


def test_limits_have_the_columns_of_linux(tmp_path: Path) -> None:
    infinity = (1 << 63) - 1
    pairs = [(infinity, infinity)] * 17
    pairs[3], pairs[8] = (8 << 20, infinity), (1024, 4096)
    lines = members(core(tmp_path, [w.rlimits(pairs)]))["process/limits"].decode()
    # sprintf("%-25s %-20s %-20s %-10s\n"), fs/proc/base.c
    rows = [[line[:26].strip(), *line[26:].split()] for line in lines.splitlines()[1:]]
    assert rows[3] == ["Max stack size", "8388608", "unlimited", "bytes"]
    assert rows[8] == ["Max open files", "1024", "4096", "files"]
    assert rows[15] == ["Max pipe buffers", "unlimited", "unlimited", "bytes"]
    assert rows[16] == ["Max 16", "unlimited", "unlimited"]


def test_status_has_sizes_in_kib_and_the_sums_of_threads(tmp_path: Path) -> None:
    fields: w.Fields = {
        72: ("i", 7),
        76: ("i", 1),
        168: ("I", 1001),
        172: ("I", 1000),
        176: ("I", 1002),
        188: ("h", 1),
        192: ("I", 20),
        256: ("Q", 10 << 20),
        264: ("q", 100),
        288: ("q", 3),
        296: ("q", 32),
        447: ("4s", b"app"),
        596: ("i", 2),
    }
    threads = [
        w.process_entry(
            w.AMD64,
            {
                **fields,
                608 + 32: ("q", peak),
                608 + 32 + 12 * 8: ("q", 4),
                608 + 32 + 13 * 8: ("q", 5),
            },
        )
        for peak in (10, 5000)
    ]
    notes = [
        w.processes(w.AMD64, threads),
        w.umask(0o27),
        w.auxv(w.AMD64, {AT_PAGESZ: 16384}),
    ]
    status = members(core(tmp_path, notes))["process/status"].decode().splitlines()
    assert status == [
        "Name:\tapp",
        "Umask:\t0027",
        "Pid:\t7",
        "PPid:\t1",
        "Uid:\t1000\t1001\t1002",
        "Gid:\t0\t20\t0",
        "Groups:\t20",
        "VmSize:\t10240 kB",
        "VmHWM:\t5000 kB",
        "VmRSS:\t1600 kB",
        "VmData:\t48 kB",
        "VmStk:\t512 kB",
        "VmExe:\t0 kB",
        "Threads:\t2",
        "voluntary_ctxt_switches:\t8",
        "nonvoluntary_ctxt_switches:\t10",
    ]


def test_only_variables_that_may_be_kept_are(tmp_path: Path) -> None:
    stack = strings(b"app", b"LANG=C", b"TOKEN=abc", b"LANGUAGE=x", b"MY_A=1", b"LANG")
    path = core(tmp_path, [w.psstrings(w.AMD64, STACK)], stack)
    found = members(path, ("LANG", "MY_*"))
    assert found["process/environ"] == b"LANG=C\0MY_A=1\0"
    assert found["process/cmdline"] == b"app\0"
    assert "process/environ" not in members(path, ())


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    snapshot = coresnap.analyze(core(tmp_path, [w.psstrings(w.AMD64, STACK)]))
    (note,) = [n for n in snapshot.notes if n.step == "process"]
    assert "does not have the strings" in note.message


def test_numbers_that_lie_give_no_attributes(tmp_path: Path) -> None:
    fields: w.Fields = {
        256: ("Q", (1 << 64) - 1),
        264: ("q", -1),
        288: ("q", (1 << 63) - 1),
        336: ("q", -(1 << 62)),
    }
    notes = [
        w.processes(w.AMD64, [w.process_entry(w.AMD64, fields)]),
        w.auxv(w.AMD64, {AT_PAGESZ: (1 << 64) - 1, 18: 1 << 63}),
    ]
    found = coresnap.analyze(core(tmp_path, notes)).attributes
    lies = {"vm.rss.size", "vm.data.size", "process.age", "uname.osreldate"}
    assert not lies & found.keys()
    assert all(value < 1 << 64 for value in found.values() if isinstance(value, int))


def test_a_command_with_a_line_break_adds_no_line(tmp_path: Path) -> None:
    entry = w.process_entry(w.AMD64, {447: ("19s", b"a\nUmask:\t0777")})
    status = members(core(tmp_path, [w.processes(w.AMD64, [entry])]))["process/status"]
    assert status.startswith(b"Name:\ta\\nUmask:\t0777\nPid:")


def test_what_was_kept_at_the_crash_counts_before_the_notes(tmp_path: Path) -> None:
    path = core(tmp_path, [w.umask(0o27)])
    kept = {"process/status": b"Umask:\t0077\n"}
    assert coresnap.analyze(path).attributes["process.umask"] == "0027"
    found = coresnap.analyze(path, assets=kept)
    assert found.attributes["process.umask"] == "0077"


def test_secrets_among_arguments_are_scrubbed_as_in_any_assets(tmp_path: Path) -> None:
    stack = strings(b"--password=hunter2-Zq81", b"LANG=C")
    path = core(tmp_path, [w.psstrings(w.AMD64, STACK)], stack)
    snapshot = coresnap.analyze(path)
    assert b"hunter2" in snapshot.assets["process/cmdline"]
    cleaned, findings = scrub(snapshot, Rules())
    assert findings
    assert b"hunter2" not in cleaned.assets["process/cmdline"]


@pytest.mark.corpus
def test_a_real_core_gives_what_linux_gives_with_assets(corpus: Corpus) -> None:
    packed = FREEBSD / "cores/fds/crash.311.0.11.fbsdlab.core.zst"
    with restored(packed) as plain:
        snapshot = coresnap.analyze(plain)
    expected = {
        "descriptor.count": 14,
        "process.age": 0.12,
        "process.umask": "0027",
        "process.jail": 0,
        "process.osrel": 1302001,
        "system.uptime": 22.35,
        "timestamp": 1795382355,
        "uname.osreldate": 1302001,
        "uname.sysname": "FreeBSD",
        "user.id": 0,
        "vm.vma.size": 13418496,
    }
    assert {n: snapshot.attributes[n] for n in expected} == expected
    assert snapshot.assets["process/cwd"] == b"/var"
    assert snapshot.assets["process/cmdline"].startswith(b"/lab/crash\0fds\0one\0")
    assert b"9 socket:[tcp *:24145 *:0]\0" in snapshot.assets["process/fd"]
    environment = snapshot.assets["process/environ"]
    assert environment.startswith(b"PATH=/bin:/sbin")
    assert b"HOME" not in environment


@pytest.mark.corpus
def test_a_full_stack_is_told_by_its_limit(corpus: Corpus) -> None:
    packed = FREEBSD / "cores/stackoverflow/crash.102.0.11.fbsdlab.core.zst"
    with restored(packed) as plain:
        names = [c.name for c in coresnap.analyze(plain).classifiers]
    assert "limit.stack" in names
