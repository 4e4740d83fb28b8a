"""Which crashes are archived and which are only counted, by clocks that tests turn."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import admissiondriver
from admissiondriver import SECOND, START, Machine
from coresnap.collect.admission import Admission, read_admission
from coresnap.errors import CoresnapError, InputError

pytestmark = [pytest.mark.compiler, pytest.mark.sanitizer]

DAY = 86400
YEAR = 365 * DAY
NOTHING = 4
SIZE = 667_648
HEADER = 4096


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return admissiondriver.build(tmp_path_factory.mktemp("admission") / "driver")


@pytest.fixture
def machine(driver: Path, tmp_path: Path) -> Machine:
    return Machine(driver, tmp_path / "admission")


def counts(machine: Machine) -> tuple[int, int, int, int]:
    table = read_admission(machine.table)
    return table.seen, table.archived, table.suppressed, table.refused


# --- rates --------------------------------------------------------------------


def test_a_burst_is_archived_and_the_rest_is_counted(machine: Machine) -> None:
    machine.own = "3/30"
    assert machine.crashes(10) == [True] * 3 + [False] * 7
    assert counts(machine) == (10, 3, 7, 0)


def test_a_token_comes_back_after_its_share_of_the_time(machine: Machine) -> None:
    machine.own = "3/30"
    machine.crashes(10)
    machine.wait(9.9)
    assert machine.crashes(1) == [False]
    machine.wait(0.1)
    assert machine.crashes(2) == [True, False]
    machine.wait(1000)
    assert machine.crashes(4) == [True, True, True, False]


def test_one_executable_does_not_spend_what_is_another_s(machine: Machine) -> None:
    machine.own, machine.kinds = "2/1000", "1/1000"
    machine.crashes(5, executable=1)
    assert machine.crashes(3, fault=2, executable=2) == [True, True, False]


def test_one_user_does_not_spend_what_is_another_s(machine: Machine) -> None:
    machine.own, machine.kinds = "2/1000", "1/1000"
    machine.ask([machine.line(uid=1000)] * 5)
    answers = machine.ask([machine.line(uid=0)] * 3)
    assert [answer.admitted for answer in answers] == [True, True, False]
    assert answers[0].new


def test_all_executables_together_have_a_rate_too(machine: Machine) -> None:
    machine.all, machine.kinds = "5/1000", "1/100000"
    lines = [machine.line(n, executable=n) for n in range(8)]
    admitted = [answer.admitted for answer in machine.ask(lines + lines)]
    # The first of each kind has a right of its own.
    assert admitted == [True] * 8 + [False] * 8


def test_without_rates_everything_is_archived(machine: Machine) -> None:
    assert all(machine.crashes(50))
    assert counts(machine) == (50, 50, 0, 0)


def test_a_rate_that_is_changed_holds_at_once(machine: Machine) -> None:
    machine.own = "1000/1000"
    machine.crashes(1000)
    machine.own = "2/10"
    assert machine.crashes(1) == [False]
    machine.wait(10)
    assert machine.crashes(3) == [True, True, False]


def test_rates_agree_with_a_plain_count_of_tokens(machine: Machine) -> None:
    chance = random.Random(3)
    machine.own, machine.remember = "4/8", 10**6
    lines, expected = [], []
    tokens, last = 4, machine.boottime
    for _ in range(400):
        machine.wait(chance.choice([0, 0, 0, 2, 4, 6, 20]))
        # Steps are multiples of the interval: tokens stay whole.
        tokens = min(4, tokens + (machine.boottime - last) // (2 * SECOND))
        last = machine.boottime
        lines.append(machine.line())
        expected.append(tokens > 0)
        tokens -= tokens > 0
    assert [answer.admitted for answer in machine.ask(lines)] == expected
    assert 0 < sum(expected) < 400


# --- kinds --------------------------------------------------------------------


def test_the_first_of_a_kind_is_archived_whatever_the_rate(machine: Machine) -> None:
    machine.own, machine.all = "2/1000", "2/1000"
    machine.crashes(50, fault=1)
    first = machine.crash(fault=2)
    assert (first.admitted, first.new) == (True, True)
    assert not machine.crash(fault=2).admitted


def test_new_kinds_of_an_executable_have_a_rate(machine: Machine) -> None:
    machine.own, machine.kinds = "1/1000000", "3/300"
    lines = [machine.line(fault) for fault in range(1, 11)]
    admitted = [answer.admitted for answer in machine.ask(lines)]
    assert admitted == [True] * 3 + [False] * 7
    # What was not archived is as new as ever.
    machine.wait(100)
    late = machine.crash(fault=9)
    assert (late.admitted, late.new) == (True, True)


def test_a_kind_that_was_refused_pushes_no_other_out_of_the_table(
    machine: Machine,
) -> None:
    machine.own, machine.kinds = "1/1000000", "1/1000000"
    machine.crash(fault=1)
    machine.ask([machine.line(fault) for fault in range(2, 20_000)])
    assert [kind.kind for kind in read_admission(machine.table).kinds] == [f"{1:016x}"]
    assert not machine.crash(fault=1).new


def test_a_user_cannot_buy_new_kinds_with_new_executables(machine: Machine) -> None:
    machine.own, machine.kinds, machine.all = "1/1000", "2/1000", "1/1000"
    lines = [machine.line(n, executable=n, uid=1000) for n in range(1, 101)]
    assert sum(answer.admitted for answer in machine.ask(lines)) == 20
    assert machine.crash(fault=1, executable=1, uid=0).admitted


def test_a_kind_is_forgotten_after_a_while(machine: Machine) -> None:
    machine.own, machine.remember = "1/1000000", 100
    assert machine.crash().new
    for _ in range(3):
        machine.wait(33)
        assert not machine.crash().admitted
    machine.wait(1)
    again = machine.crash()
    assert (again.admitted, again.new, again.missed) == (True, True, 3)


def test_the_archived_one_says_how_many_were_not(machine: Machine) -> None:
    machine.own = "1/10"
    answers = machine.ask([machine.line()] * 6)
    assert [answer.admitted for answer in answers] == [True] + [False] * 5
    machine.wait(10)
    assert machine.crash().missed == 5
    machine.wait(10)
    assert machine.crash().missed == 0


def test_what_is_not_wanted_is_counted(machine: Machine) -> None:
    machine.rung = NOTHING
    assert machine.crashes(5) == [False] * 5
    assert counts(machine) == (5, 0, 5, 0)
    (kind,) = read_admission(machine.table).kinds
    assert (kind.seen, kind.suppressed) == (5, 5)
    # It was never archived: once it is wanted, it is new.
    machine.rung = 0
    again = machine.crash()
    assert (again.admitted, again.new, again.missed) == (True, True, 5)


def test_more_kinds_and_executables_than_there_is_room_for(machine: Machine) -> None:
    lines = [machine.line(n, executable=n, uid=n) for n in range(1, 10_001)]
    answers = machine.ask(lines)
    assert all(answer.admitted and answer.error == 0 for answer in answers)
    table = read_admission(machine.table)
    assert table.seen == 10_000
    assert len(table.kinds) <= 4096
    assert len(table.executables) <= 1024
    assert machine.table.stat().st_size == SIZE


def test_the_kind_not_seen_for_longest_makes_room(machine: Machine) -> None:
    machine.crash(fault=0)
    for batch in range(20):
        machine.wait(1)
        faults = range(1 + batch * 1000, 1 + (batch + 1) * 1000)
        lines = [line for f in faults for line in (machine.line(f), machine.line(0))]
        machine.ask(lines)
    kinds = {kind.kind: kind for kind in read_admission(machine.table).kinds}
    assert kinds[f"{0:016x}"].seen == 20_001


# --- who is told --------------------------------------------------------------


def test_one_line_a_second_is_logged_and_says_how_many_were_not(
    machine: Machine,
) -> None:
    machine.own, machine.kinds = "1/1000000", "100/1000000"
    machine.ask([machine.line(fault) for fault in (1, 2)])
    storm = machine.ask([machine.line(fault) for fault in (1, 2) * 50])
    assert [answer.tell_log for answer in storm] == [True] + [False] * 99
    # The daemon hears once of each kind.
    assert [answer.tell_daemon for answer in storm] == [True] * 2 + [False] * 98
    machine.wait(1)
    late = machine.crash()
    assert (late.tell_log, late.tell_daemon, late.untold) == (True, True, 99)


# --- clocks -------------------------------------------------------------------


def test_within_a_boot_the_clock_on_the_wall_does_not_matter(machine: Machine) -> None:
    machine.own = "2/20"
    machine.crashes(5)
    machine.realtime += YEAR * SECOND
    assert machine.crashes(1) == [False]
    machine.realtime -= 2 * YEAR * SECOND
    machine.boottime += 10 * SECOND
    assert machine.crashes(2) == [True, False]


def test_the_table_outlasts_a_reboot(machine: Machine) -> None:
    machine.own = "2/200"
    machine.crashes(5)
    machine.reboot(seconds=100)
    answers = machine.ask([machine.line()] * 2)
    assert [answer.admitted for answer in answers] == [True, False]
    assert not answers[0].new
    assert answers[0].missed == 3


def test_a_clock_set_back_across_a_reboot_freezes_nothing(machine: Machine) -> None:
    machine.own = "2/20"
    machine.crashes(5)
    machine.reboot(seconds=-30 * YEAR)
    assert machine.crashes(1) == [False]
    machine.wait(10)
    assert machine.crashes(2) == [True, False]
    assert counts(machine) == (8, 3, 5, 0)


def test_a_clock_set_forward_across_a_reboot_fills_a_bucket_once(
    machine: Machine,
) -> None:
    machine.own, machine.remember = "2/20", 10**9
    machine.crashes(5)
    for _ in range(3):
        machine.reboot(seconds=80 * YEAR)
        assert machine.crashes(4) == [True, True, False, False]


@pytest.mark.parametrize("realtime", [0, -1, -(2**63), 2**63 - 1])
def test_a_clock_that_makes_no_sense_stops_nothing(
    machine: Machine, realtime: int
) -> None:
    machine.own = "1/10"
    machine.crashes(2)
    for _ in range(50):
        machine.reboot()
        machine.realtime = realtime
        machine.crashes(2)
        machine.reboot()
        machine.realtime = START
        machine.crashes(2)
    machine.boottime += 10 * SECOND
    assert machine.crashes(2) == [True, False]


def test_the_boot_clock_cannot_go_back(machine: Machine) -> None:
    machine.own = "2/20"
    machine.boottime = 1000 * SECOND
    machine.crashes(5)
    # As in a virtual machine that was put back to an earlier state.
    machine.boottime = SECOND
    assert machine.crashes(1) == [False]
    machine.boottime += 10 * SECOND
    assert machine.crashes(2) == [True, False]


# --- what could not be archived after all --------------------------------------


def test_a_crash_without_room_leaves_the_next_its_right(machine: Machine) -> None:
    machine.own, machine.kinds, machine.all = "2/1000", "1/1000", "2/1000"
    for _ in range(10):
        answer = machine.crash(then="withdraw")
        assert (answer.admitted, answer.new) == (True, True)
    assert machine.crashes(4) == [True, True, False, False]
    assert counts(machine) == (14, 2, 2, 10)
    (kind,) = read_admission(machine.table).kinds
    assert (kind.seen, kind.archived, kind.suppressed, kind.missed) == (14, 2, 2, 2)


def test_the_first_one_with_room_says_how_many_had_none(machine: Machine) -> None:
    for _ in range(4):
        machine.crash(then="withdraw")
    assert machine.crash().missed == 4


def test_of_a_kind_that_is_only_recorded_the_next_is_new(machine: Machine) -> None:
    machine.own, machine.kinds = "1/100000", "3/100000"
    answers = [machine.crash(then="renew") for _ in range(5)]
    # But not for ever: a disk that is nearly full would fill with records.
    assert [answer.admitted for answer in answers] == [True] * 3 + [False] * 2


# --- the table in danger -------------------------------------------------------


def crash_and_count(machine: Machine) -> Admission:
    answer = machine.crash()
    assert (answer.error, answer.admitted, answer.counted) == (0, True, True)
    return read_admission(machine.table)


@pytest.mark.parametrize("size", [0, 1, 135, 136, HEADER, SIZE - 1, SIZE + 1])
def test_a_table_of_the_wrong_size_is_made_anew(machine: Machine, size: int) -> None:
    machine.crashes(5)
    os.truncate(machine.table, size)
    assert crash_and_count(machine).seen == 1
    assert machine.table.stat().st_size == SIZE


@pytest.mark.parametrize("offset", [0, 7, 8, 12, 36, 79])
def test_a_header_that_is_not_ours_is_made_anew(machine: Machine, offset: int) -> None:
    machine.crashes(5)
    with machine.table.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xee")
    assert crash_and_count(machine).seen == 1


def test_garbage_in_the_table_only_makes_it_forget(machine: Machine) -> None:
    machine.own, machine.kinds = "2/20", "1000/1"
    chance = random.Random(5)
    for _ in range(20):
        machine.crashes(2)
        data = bytearray(machine.table.read_bytes())
        data[HEADER:] = chance.randbytes(SIZE - HEADER)
        data[112:136] = chance.randbytes(24)
        machine.table.write_bytes(data)
        answers = machine.ask([machine.line(fault) for fault in range(100)])
        assert {answer.error for answer in answers} == {0}
        read_admission(machine.table)
        # Its own clock and the buckets recover.
        machine.wait(20)
        assert machine.crash(fault=chance.randrange(2**64)).admitted


def test_a_damaged_table_is_not_read(tmp_path: Path, machine: Machine) -> None:
    machine.crash()
    data = machine.table.read_bytes()
    for damaged in (data[:1], data[:-1], data + b"x", b"x" + data[1:]):
        machine.table.write_bytes(damaged)
        with pytest.raises(InputError, match="not a table of admission"):
            read_admission(machine.table)
    machine.table.unlink()
    machine.table.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CoresnapError):
        read_admission(machine.table)
    machine.table.unlink()
    assert read_admission(machine.table) == Admission()


def plant_link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def plant_hard_link(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def plant_pipe(path: Path, victim: Path) -> None:
    os.mkfifo(path, 0o600)


def plant_open(path: Path, victim: Path) -> None:
    path.write_bytes(b"")
    path.chmod(0o666)


def plant_foreign(path: Path, victim: Path) -> None:
    if os.geteuid():
        pytest.skip("not root: no file of somebody else")
    path.write_bytes(b"")
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize("name", ["admission", "admission.lock"])
@pytest.mark.parametrize(
    "plant", [plant_link, plant_hard_link, plant_pipe, plant_open, plant_foreign]
)
def test_r05_what_was_planted_is_replaced_and_not_followed(
    machine: Machine, plant: Callable[[Path, Path], None], name: str
) -> None:
    victim = machine.table.with_name("victim")
    victim.write_text("precious")
    victim.chmod(0o600)
    plant(machine.table.with_name(name), victim)

    assert crash_and_count(machine).seen == 1

    assert victim.read_text() == "precious"
    for found in (machine.table, machine.table.with_name("admission.lock")):
        status = found.lstat()
        assert (status.st_uid, status.st_nlink) == (os.geteuid(), 1)
        assert status.st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["admission", "admission.lock"])
def test_without_a_table_crashes_are_archived_and_not_counted(
    machine: Machine, name: str
) -> None:
    machine.own = "1/1000"
    machine.table.with_name(name).mkdir()
    answers = machine.ask([machine.line()] * 3)
    assert all(answer.admitted and not answer.counted for answer in answers)
    assert {answer.error for answer in answers} <= {-errno.EISDIR, -errno.ESTALE}


def test_r05_a_lock_that_is_never_let_go_holds_up_nobody(machine: Machine) -> None:
    machine.own = "1/1000"
    machine.crash()
    with machine.table.with_name("admission.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = machine.crash()
    assert (answer.error, answer.admitted, answer.counted) == (
        -errno.EBUSY,
        True,
        False,
    )
    assert not machine.crash().admitted


def test_a_reader_of_the_table_cannot_hold_up_a_crash(machine: Machine) -> None:
    machine.own = "1/1000"
    machine.crash()
    with machine.table.open("rb") as table:
        fcntl.flock(table, fcntl.LOCK_EX)
        assert machine.crash().counted


@pytest.mark.parametrize("room", [0, 136, HEADER, HEADER + 4096 * 128, SIZE - 1])
@pytest.mark.parametrize("exists", [False, True], ids=["new", "known"])
def test_a_table_that_cannot_be_written_costs_the_count_and_not_the_crash(
    machine: Machine, room: int, exists: bool
) -> None:
    machine.kinds = machine.own = "1000/1"
    if exists:
        machine.crash(fault=3)
    # Fails with EFBIG what a full disk fails with ENOSPC.
    run = subprocess.run(
        ["prlimit", f"--fsize={room}", *machine.argv],
        input="".join(machine.line(fault) for fault in range(20)),
        capture_output=True,
        text=True,
        check=False,
    )
    answers = [line.split() for line in run.stdout.splitlines()]
    assert len(answers) == 20
    assert {answer[1] for answer in answers} == {"1"}
    if room < HEADER + 4096 * 128:
        assert str(-errno.EFBIG) in {answer[0] for answer in answers}
    assert machine.crash().error == 0


def test_sixteen_at_once_lose_no_count(machine: Machine) -> None:
    machine.own, machine.kinds = "7/1000000", "5/1000000"
    per_process = 25
    lines = "".join(machine.line(fault % 3 + 1) for fault in range(per_process))
    processes = [
        subprocess.Popen(
            machine.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(16)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(lines)
        process.stdin.close()
    admitted = counted = 0
    for process in processes:
        assert process.stdout is not None
        answers = [line.split() for line in process.stdout]
        assert process.wait() == 0
        process.stdout.close()
        admitted += sum(int(answer[1]) for answer in answers)
        counted += sum(int(answer[2]) for answer in answers)
    total = 16 * per_process
    assert counted == total
    assert counts(machine) == (total, admitted, total - admitted, 0)
    assert admitted == 7
    kinds = read_admission(machine.table).kinds
    assert sum(kind.seen for kind in kinds) == total
