"""Admission where no handler runs: bit for bit what the handler's own code decides."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import admissiondriver
from admissiondriver import Machine
from coresnap.collect.admission import Admission, read_admission
from coresnap.collect.admitting import Admitter, Clock, Decision, Request, kind_of
from coresnap.config import Config, Rate, load_config

RUNGS = ("full", "stacks", "notes", "record", "nothing")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "conf").touch()
    return load_config(tmp_path / "conf")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "table").touch()
    return tmp_path / "table"


# --- against the handler's --------------------------------------------------------


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return admissiondriver.build(tmp_path_factory.mktemp("admission") / "driver")


@attrs.define
class Twin:
    """Does in Python what a driver's process does with the same lines."""

    admitter: Admitter
    config: Config
    last: Decision = attrs.field(factory=lambda: Decision(admitted=False))

    @classmethod
    def of(cls, machine: Machine, config: Config, table: Path) -> Twin:
        own, kinds, everybody = (
            Rate(*map(int, text.split("/")))
            for text in (machine.own, machine.kinds, machine.all)
        )
        settings: dict[str, Any] = {
            "storm_rate": own,
            "storm_kinds": kinds,
            "storm_rate_global": everybody,
            "storm_remember": machine.remember,
            "keep": RUNGS[machine.rung],
        }
        return cls(Admitter(table), attrs.evolve(config, **settings))

    def act(self, line: str) -> tuple[bool, bool, bool, int, bool]:
        verb, *numbers = line.split()
        fault, executable, uid, boot, boottime, realtime = map(int, numbers)
        request = Request(fault, executable, uid, 11, "/usr/bin/program")
        clock = Clock(boot.to_bytes(4, "little") + bytes(12), boottime, realtime)
        policy = self.config.policy_for(request.path)
        if verb == "decide":
            self.last = self.admitter.decide(request, self.config, policy, clock)
        else:
            self.admitter.withdraw(request, self.last, self.config, policy, clock)
        one = self.last
        return one.admitted, one.counted, one.is_new, one.missed, one.tell


def storm(machine: Machine, chance: random.Random) -> Iterator[str]:
    for _ in range(300):
        what = chance.random()
        if what < 0.3:
            machine.wait(chance.choice([0.001, 0.5, 3, 40, 4000]))
        elif what < 0.33:
            machine.reboot(seconds=chance.choice([-1000, 10, 86400]))
        fault, executable = chance.randrange(1, 40), chance.randrange(1, 4)
        uid = chance.choice([0, 0, 1001, -1])
        yield machine.line(fault << 40 | fault, executable=executable, uid=uid)
        if chance.random() < 0.1:
            yield machine.line(
                fault << 40 | fault, executable=executable, uid=uid, then="withdraw"
            )


@pytest.mark.compiler
@pytest.mark.sanitizer
@pytest.mark.parametrize("seed", range(12))
def test_the_handler_would_have_decided_and_written_the_same(
    driver: Path, tmp_path: Path, config: Config, table: Path, seed: int
) -> None:
    chance = random.Random(seed)
    machine = Machine(driver, tmp_path / "theirs")
    machine.own = chance.choice(["0/1", "3/30", "10/600"])
    machine.kinds = chance.choice(["0/1", "5/60", "100/86400"])
    machine.all = chance.choice(["0/1", "4/10", "60/600"])
    machine.remember = chance.choice([1, 100, 86400])
    machine.rung = chance.choice([0, 0, 0, 3, 4])
    lines = list(storm(machine, chance))

    theirs = machine.ask(lines)
    twin = Twin.of(machine, config, table)
    for line, answer in zip(lines, theirs, strict=True):
        admitted, counted, is_new, missed, tell = twin.act(line)
        if line.startswith("decide"):
            assert (admitted, counted, is_new) == (
                answer.admitted,
                answer.counted,
                answer.new,
            )
            assert missed == answer.missed
            assert tell == answer.tell_daemon or admitted

    assert table.read_bytes() == machine.table.read_bytes()


# --- alone ------------------------------------------------------------------------


def crash(
    admitter: Admitter,
    config: Config,
    place: str = "prog+0x10",
    **facts: Any,  # noqa: ANN401
) -> Decision:
    told = {"path": "/bin/prog", "uid": 0, "signal": 11, **facts}
    request = kind_of(place=place, **told)
    return admitter.decide(request, config, config.policy_for(told["path"]))


def test_of_many_alike_some_are_archived_and_the_one_that_differs_too(
    config: Config, table: Path
) -> None:
    config = attrs.evolve(config, storm_rate=Rate(3, 3600))
    admitter = Admitter(table)

    admitted = [crash(admitter, config).admitted for _ in range(100)]
    other = crash(admitter, config, place="prog+0x20")

    assert sum(admitted) == 3
    assert other.admitted
    assert other.is_new
    found = read_admission(table)
    assert (found.seen, found.archived, found.suppressed) == (101, 4, 97)
    assert {kind.name for kind in found.kinds} == {"prog"}


def test_executable_user_signal_and_place_make_a_kind() -> None:
    base = kind_of("/bin/a", 0, 11, "a+0x1")

    assert kind_of("/bin/a", 0, 11, "a+0x1") == base
    for other in (
        kind_of("/bin/b", 0, 11, "a+0x1"),
        kind_of("/bin/a", 0, 6, "a+0x1"),
        kind_of("/bin/a", 0, 11, "a+0x2"),
    ):
        assert other.fault != base.fault
    assert kind_of("/bin/a", 5, 11, "a+0x1").uid == 5


@pytest.mark.parametrize("damage", [b"", b"x" * 100, bytes(667_648)])
def test_a_table_that_is_damaged_begins_anew(
    config: Config, table: Path, damage: bytes
) -> None:
    table.write_bytes(damage)

    assert crash(Admitter(table), config).admitted
    assert read_admission(table).seen == 1


def test_without_a_table_everything_is_admitted_and_nothing_counted(
    config: Config, tmp_path: Path
) -> None:
    decision = crash(Admitter(tmp_path / "none"), config)

    assert decision.admitted
    assert not decision.counted
    nothing = attrs.evolve(config, keep="nothing")
    assert not crash(Admitter(tmp_path / "none"), nothing).admitted


def test_r05_a_link_in_the_table_s_place_is_not_followed(
    config: Config, tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"precious")
    (tmp_path / "table").symlink_to(tmp_path / "other")
    os.link(tmp_path / "other", tmp_path / "second")
    for name in ("table", "second"):
        assert crash(Admitter(tmp_path / name), config).admitted

    assert (tmp_path / "other").read_bytes() == b"precious"


def test_a_table_that_nobody_has_written_to_yet_is_empty(table: Path) -> None:
    assert read_admission(table) == Admission()


def test_a_disk_that_is_full_costs_the_count_and_no_crash(
    config: Config, table: Path
) -> None:
    # In a process of its own: the limit holds for all files.
    code = """
import resource, signal, sys
sys.path[:0] = sys.argv[1].split(":")
from pathlib import Path
from coresnap.collect.admitting import Admitter, kind_of
from coresnap.config import load_config
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
config = load_config(Path(sys.argv[3]))
request = kind_of("/bin/a", 0, 11, "")
print(Admitter(Path(sys.argv[2])).decide(request, config, config.policy_for("/bin/a")))
"""
    import sys

    words = [":".join(sys.path), str(table), str(config.source)]
    run = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    assert "admitted=True, counted=False" in run.stdout
