"""Storms of crashes under the real kernel: what differs survives, the rest counts."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import catcher as catching
from catcher import Catcher
from conftest import CompileProgram, Tally
from coresnap.collect.admission import Admission, read_admission
from kernel import KernelLog, run_unlimited

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]

SIGQUIT, SIGILL, SIGABRT, SIGSEGV = 3, 4, 6, 11
NATIVE_TESTS = Path(__file__).parents[1] / "native"
SETTINGS = {"rate": "3/100000", "rate.global": "60/100000", "kinds": "100/100000"}


@pytest.fixture(scope="module")
def old_kernel_program() -> Iterator[Path]:
    """The helper, to which the kernel does not answer PROCMAP_QUERY."""
    with tempfile.TemporaryDirectory(prefix="coresnap-") as directory:
        wrap = ["-Wl,--wrap=ioctl", str(NATIVE_TESTS / "no_procmap_query.c")]
        yield catching.build(Path(directory) / "catch", "-O2", *wrap)


@pytest.fixture(params=["queries", "text"])
def any_catcher(
    request: pytest.FixtureRequest, catch_program: Path, old_kernel_program: Path
) -> Iterator[Catcher]:
    """The helper on this kernel, and on one older than Linux 6.11."""
    program = catch_program if request.param == "queries" else old_kernel_program
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as directory,
        catching.catcher(program, Path(directory)) as result,
    ):
        yield result


@pytest.fixture
def kinds(compile_program: CompileProgram) -> Path:
    return compile_program("kinds.c", "-O0", "-g", "-pthread")


@pytest.fixture
def storm(compile_program: CompileProgram) -> Path:
    return compile_program("storm.c", "-O0", "-g")


def admit(catcher: Catcher, **settings: str) -> Path:
    """Switch admission on, and return the table."""
    table = catcher.directory / "admission"
    catcher.write_settings(admission=str(table), **SETTINGS)
    catcher.write_settings(**settings)
    return table


def messages(catcher: Catcher) -> list[str]:
    found = []
    catcher.listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(catcher.listener.recv(4096).decode())
    return found


def archived(catcher: Catcher) -> list[catching.Caught]:
    return [catcher.read(name) for name in os.listdir(catcher.spool / "pending")]


def kind_of(catcher: Catcher, *argv: str | Path) -> str:
    kind = catcher.catch([*argv]).crash["kind"]
    assert re.fullmatch("[0-9a-f]{16}", kind)
    return str(kind)


# --- kinds --------------------------------------------------------------------


def test_the_same_fault_is_of_one_kind_and_another_is_not(
    any_catcher: Catcher, kinds: Path
) -> None:
    ways = ("null", "other", "abort", "exit", "wild", "killed")
    first = {way: kind_of(any_catcher, kinds, way) for way in ways}
    # The address space is laid out anew each time.
    assert first == {way: kind_of(any_catcher, kinds, way) for way in ways}
    assert len(set(first.values())) == len(ways)


def test_a_thread_crashes_as_the_first_one_does(
    any_catcher: Catcher, kinds: Path
) -> None:
    assert kind_of(any_catcher, kinds, "thread") == kind_of(any_catcher, kinds, "null")


def test_code_that_is_made_at_run_time_is_of_one_kind(
    catcher: Catcher, kinds: Path
) -> None:
    assert len({kind_of(catcher, kinds, "compiled") for _ in range(3)}) == 1


@pytest.mark.parametrize("flags", [["-no-pie"], ["-static"], ["-static-pie"]])
def test_every_way_of_linking_has_its_kinds(
    catcher: Catcher, compile_program: CompileProgram, flags: list[str]
) -> None:
    program = compile_program("kinds.c", "-O0", "-pthread", *flags, name=flags[0][1:])
    found = [kind_of(catcher, program, way) for way in ("null", "abort", "other") * 2]
    assert found[:3] == found[3:]
    assert len(set(found)) == 3


def test_a_copy_of_the_executable_is_the_same_program(
    catcher: Catcher, kinds: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(kinds.read_bytes())
    copy.chmod(0o755)
    assert kind_of(catcher, copy, "null") == kind_of(catcher, kinds, "null")


def test_the_same_signal_from_outside_is_not_the_same_place(
    catcher: Catcher, kinds: Path
) -> None:
    table = admit(catcher)
    for way in ("killed", "null", "abort", "compiled"):
        catcher.catch([kinds, way])
    found = {kind.signal for kind in read_admission(table).kinds}
    assert found == {SIGQUIT, SIGSEGV, SIGABRT, SIGILL}


def test_a_process_that_has_gone_is_known_by_what_the_kernel_said(
    catcher: Catcher,
) -> None:
    # Nobody has this pid: the largest one is never given away.
    table = admit(catcher)
    arguments = ["4194304", "4194304", "11", "0", "0", "0", "1", "0", "", "--"]
    for name in ("!usr!bin!one", "!usr!bin!two", "!usr!bin!one"):
        subprocess.run(
            [catcher.program, "-c", str(catcher.settings_file), *arguments, name],
            input=b"no core",
            check=False,
        )
    found = {kind.name: kind.seen for kind in read_admission(table).kinds}
    assert found == {"one": 2, "two": 1}


# --- admission ----------------------------------------------------------------


def test_a_burst_is_archived_then_counted_and_told(
    catcher: Catcher, kinds: Path
) -> None:
    table = admit(catcher)
    with catcher.registered(), KernelLog() as log:
        for _ in range(6):
            run_unlimited([kinds, "null"])
        catcher.settle()
        said = messages(catcher)
        logged = [line for line in log.said() if "only counted" in line]
    ids = [line.split()[0] for line in said if line[0] != "s"]
    assert sorted(os.listdir(catcher.spool / "pending")) == sorted(ids)
    assert sorted(os.listdir(catcher.spool / "assets")) == sorted(ids)
    assert len(ids) == 3
    (kind,) = read_admission(table).kinds
    assert (kind.seen, kind.archived, kind.suppressed, kind.missed) == (6, 3, 3, 3)
    assert (kind.name, kind.uid, kind.signal) == (kinds.name, os.geteuid(), SIGSEGV)
    suppressed = [line for line in said if line.startswith("suppressed ")]
    assert 1 <= len(suppressed) <= 3
    assert re.fullmatch(
        rf"suppressed pid=\d+ signal=11 kind={kind.kind}", suppressed[0]
    )
    assert 1 <= len(logged) <= 3
    assert kind.kind in logged[0]


def test_the_first_one_archived_again_says_how_many_were_not(
    catcher: Catcher, kinds: Path
) -> None:
    admit(catcher, rate="1/100000")
    with catcher.registered():
        for _ in range(5):
            run_unlimited([kinds, "null"])
        catcher.settle()
    catcher.write_settings(rate="0/1")
    messages(catcher)
    assert catcher.catch([kinds, "null"]).crash["suppressed"] == 4
    assert catcher.catch([kinds, "null"]).crash["suppressed"] == 0


def test_without_a_table_nothing_is_known_of_others(
    catcher: Catcher, kinds: Path
) -> None:
    crash = catcher.catch([kinds, "null"]).crash
    assert crash["suppressed"] is None
    assert crash["kind"] is not None


def test_a_program_that_nobody_wants_is_counted(catcher: Catcher, kinds: Path) -> None:
    table = admit(catcher, rule=f"*/{kinds.name}\tkeep=nothing")
    with catcher.registered():
        for _ in range(3):
            run_unlimited([kinds, "null"])
        catcher.settle()
    assert archived(catcher) == []
    assert os.listdir(catcher.spool / "assets") == []
    (kind,) = read_admission(table).kinds
    assert (kind.seen, kind.suppressed) == (3, 3)


def test_a_table_that_cannot_be_made_costs_no_crash(
    catcher: Catcher, kinds: Path
) -> None:
    table = admit(catcher, rate="1/100000")
    table.mkdir()
    with KernelLog() as log:
        for _ in range(3):
            assert catcher.catch([kinds, "null"]).capture["rung"] == "full"
        assert sum("cannot be counted" in line for line in log.said()) == 3


@pytest.fixture
def small_disk(catcher: Catcher) -> Iterator[Path]:
    """The spool on a filesystem that is soon full; the table is not on it."""
    spool = catcher.directory / "small"
    spool.mkdir()
    options = ["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(spool)]
    if subprocess.run(["mount", *options], check=False).returncode:
        pytest.skip("cannot mount a tmpfs")
    try:
        for name in ("pending", "assets"):
            (spool / name).mkdir(mode=0o700)
        catcher.write_settings(spool=str(spool))
        yield spool
    finally:
        subprocess.run(["umount", str(spool)], check=True)


def test_a_crash_that_found_no_room_leaves_the_next_its_right(
    catcher: Catcher, kinds: Path, small_disk: Path
) -> None:
    table = admit(catcher, rate="1/100000", kinds="1/100000", quota="10%")
    filler = small_disk / "filler"
    filler.write_bytes(bytes(3 << 20))
    with catcher.registered():
        for _ in range(4):
            run_unlimited([kinds, "null"])
        catcher.settle()
        assert {line.split()[0] for line in messages(catcher)} == {"refused"}
        filler.unlink()
        for _ in range(3):
            run_unlimited([kinds, "null"])
        catcher.settle()
        said = [line.split()[0] for line in messages(catcher)]
    # At most one a second is told of a kind, and the refused ones were.
    assert set(said[1:]) <= {"suppressed"}
    assert os.listdir(small_disk / "pending") == [said[0]]
    found = read_admission(table)
    assert (found.seen, found.archived, found.suppressed) == (7, 1, 2)
    assert found.refused == 4
    crash = catching.read_tar(small_disk / "assets" / said[0])["crash.json"]
    assert b'"suppressed":4' in crash.replace(b" ", b"")


def test_a_crash_that_found_no_inode_leaves_the_next_its_right(
    catcher: Catcher, kinds: Path, small_disk: Path
) -> None:
    table = admit(catcher, rate="1/100000", kinds="1/100000", quota="10%")
    remount = ["mount", "-o", "remount,size=4m,nr_inodes=64", str(small_disk)]
    subprocess.run(remount, check=True)
    fillers = [small_disk / f"filler-{n}" for n in range(56)]
    for filler in fillers:
        filler.touch()
    with catcher.registered():
        run_unlimited([kinds, "null"])
        catcher.settle()
        for filler in fillers:
            filler.unlink()
        run_unlimited([kinds, "null"])
        catcher.settle()
    said = [line.split()[0] for line in messages(catcher)]
    assert said[0] == "refused"
    assert len(os.listdir(small_disk / "pending")) == 1
    assert read_admission(table).refused == 1


# --- storms -------------------------------------------------------------------


def run_storm(catcher: Catcher, storm: Path, *, count: int, parallel: int) -> int:
    """Return how many crashed."""
    different = count // 2
    with catcher.registered():
        run = run_unlimited([storm, str(count), str(parallel), str(different)])
        catcher.settle()
    assert run.returncode == 0, run.stderr
    crashed, _dumped = map(int, run.stdout.split())
    return crashed


def assert_bounded(catcher: Catcher, table: Admission) -> None:
    """What the storm left, and that the one that differs is in it."""
    cores = archived(catcher)
    kinds = Counter(caught.crash["kind"] for caught in cores)
    assert sorted(kinds.values()) == [1, 3]
    assert kinds.keys() == {kind.kind for kind in table.kinds}
    rare = next(kind for kind, count in kinds.items() if count == 1)
    (seen,) = [kind.seen for kind in table.kinds if kind.kind == rare]
    assert seen == 1
    assert all(caught.capture["rung"] == "full" for caught in cores)
    assert len(os.listdir(catcher.spool / "assets")) == 4


def test_r11_of_a_thousand_crashes_the_one_that_differs_survives(
    catcher: Catcher, storm: Path, tally: Tally
) -> None:
    """Below core_pipe_limit the kernel hands over every one of them."""
    table_path = admit(catcher)
    assert run_storm(catcher, storm, count=1000, parallel=12) == 1000
    table = read_admission(table_path)
    assert (table.seen, table.archived, table.suppressed) == (1000, 4, 996)
    assert sum(kind.seen for kind in table.kinds) == 1000
    assert_bounded(catcher, table)
    told = [line for line in messages(catcher) if line.startswith("suppressed ")]
    assert 0 < len(told) < 100
    tally("a storm of 12 at once, all counted, one different", whole=4, nothing=996)


def test_r11_crashes_beyond_the_pipe_limit_are_the_only_ones_not_counted(
    catcher: Catcher, storm: Path, tally: Tally
) -> None:
    """The kernel drops them, and says so in its log, before any handler starts."""
    table_path = admit(catcher)
    crashed = run_storm(catcher, storm, count=300, parallel=100)
    table = read_admission(table_path)
    assert crashed == 300
    assert table.seen == table.archived + table.suppressed
    assert 16 <= table.seen <= 300
    whole = len(archived(catcher))
    assert 3 <= whole <= 4
    tally("100 at once, beyond core_pipe_limit", whole=whole, nothing=300 - whole)
