"""What is FreeBSD's alone: kern.corefile, the drop directory, devd, diagnosis."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from conftest import CORPUS, Corpus
from coresnap.backends.base import Finding, Level
from coresnap.backends.freebsd import FreeBSDBackend
from coresnap.backends.freebsd_arrivals import SETTLE_SECONDS
from coresnap.backends.freebsd_sysctl import ProcessFact, write_all
from coresnap.config import Config, load_config
from coresnap.crash import Crash
from coresnap.errors import (
    AccessError,
    CaptureError,
    HandlerConflictError,
    MissingError,
)
from freebsd_kernel import RecordedKernel, drop, recorded_kernel
from shortpath import short_directory

pytestmark = [pytest.mark.root, pytest.mark.corpus]

COREFILE = "kern.corefile"
NAME = "77.0.11.prog.core"


@attrs.define
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@attrs.define
class World:
    config: Config
    kernel: RecordedKernel
    clock: Clock
    backend: FreeBSDBackend
    devd: socket.socket
    """The listener that plays devd."""

    def checks(self, pid: int | None = None) -> dict[str, Finding]:
        return {finding.check: finding for finding in self.backend.diagnose(pid)}


@pytest.fixture
def world() -> Iterator[World]:
    with (
        short_directory() as root,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as devd,
    ):
        (root / "conf").write_text("")
        config = attrs.evolve(
            load_config(root / "conf"),
            root=root / "r",
            user="root",
            socket=root / "s" / "n",
        )
        devd.bind(str(root / "devd"))
        devd.listen()
        kernel, clock = recorded_kernel(CORPUS), Clock()
        backend = FreeBSDBackend(config, kernel, devd=root / "devd", clock=clock)
        yield World(config, kernel, clock, backend, devd)
        backend.close()


# --- install --------------------------------------------------------------------


def test_install_makes_a_directory_that_everybody_may_write_to_and_nobody_list(
    world: World,
) -> None:
    status = world.backend.install()

    drops = world.config.drop_directory
    assert stat.S_IMODE(drops.stat().st_mode) == 0o1733
    assert drops.stat().st_uid == 0
    assert status.settings == {
        COREFILE: f"{drops}/%P.%U.%S.%N.core",
        "kern.coredump_devctl": "1",
        "kern.coredump": "1",
    }
    assert status.handler is None


def test_another_user_can_write_a_core_there_and_see_no_other(world: World) -> None:
    world.backend.install()
    drops = world.config.drop_directory
    drop(drops, NAME, b"root's")
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        drop(drops, "78.65534.6.x.core", b"mine")
        for attempt in (
            lambda: os.listdir(drops),
            lambda: os.open(drops / NAME, os.O_RDONLY),
            lambda: os.unlink(drops / NAME),
            lambda: os.rename(drops / NAME, drops / "other"),
        ):
            try:
                attempt()
            except PermissionError:
                continue
            os._exit(1)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert sorted(os.listdir(drops)) == [NAME, "78.65534.6.x.core"]


def test_r24_the_pattern_is_set_after_everything_that_it_needs(world: World) -> None:
    world.backend.install()

    assert world.kernel.written == ["kern.coredump", "kern.coredump_devctl", COREFILE]
    saved = json.loads(world.config.previous_settings.read_text())
    assert saved == {COREFILE: "%N.core", "kern.coredump_devctl": "0"} | {
        "kern.coredump": "1"
    }


def test_r24_a_setting_that_does_not_stay_undoes_the_others(world: World) -> None:
    class Stubborn(RecordedKernel):
        def write(self, name: str, value: str) -> None:
            if name != COREFILE:
                super().write(name, value)

    kernel = Stubborn(dict(world.kernel.settings))
    before = dict(kernel.settings)
    with pytest.raises(CaptureError, match="does not keep"):
        FreeBSDBackend(world.config, kernel).install()

    assert kernel.settings == before


def test_a_percent_in_the_path_is_no_specifier_and_a_long_path_is_refused(
    world: World,
) -> None:
    root = world.config.root.with_name("50%")
    FreeBSDBackend(attrs.evolve(world.config, root=root), world.kernel).install()
    assert world.kernel.settings[COREFILE].startswith(f"{root.parent}/50%%/drop/")

    long = attrs.evolve(world.config, root=Path("/" + "x" * 1100))
    with pytest.raises(CaptureError, match="too long"):
        FreeBSDBackend(long, world.kernel).install()


def test_without_a_setting_of_that_name_the_others_are_set(world: World) -> None:
    del world.kernel.settings["kern.coredump_devctl"]

    status = world.backend.install()

    assert status.installed
    assert "kern.coredump_devctl" not in status.settings
    assert "missing" in world.checks()["coredump-devctl"].message


def test_uninstall_removes_the_directory_or_closes_it(world: World) -> None:
    drops = world.config.drop_directory
    world.backend.install()
    world.backend.uninstall()
    assert not drops.exists()

    world.backend.install()
    drop(drops, NAME, b"core")
    world.backend.uninstall()
    assert stat.S_IMODE(drops.stat().st_mode) == 0o700
    assert (drops / NAME).exists()


def test_one_setting_that_somebody_changed_stays(world: World) -> None:
    world.backend.install()
    world.kernel.write("kern.coredump_devctl", "0")

    after = world.backend.uninstall()

    assert after.settings[COREFILE] == "%N.core"
    assert after.settings["kern.coredump_devctl"] == "0"
    assert after.problems == (
        "kern.coredump_devctl was changed since to '0': left alone",
    )


def test_only_root_may_install(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for act in (world.backend.install, world.backend.uninstall):
        with pytest.raises(AccessError, match="root"):
            act()


def test_ucored_is_named_and_left_alone(world: World) -> None:
    world.kernel.write(COREFILE, "/var/ucrash/%N.core")

    with pytest.raises(HandlerConflictError, match="ucored"):
        world.backend.install()


def test_write_all_says_which_setting_is_missing(world: World) -> None:
    with pytest.raises(CaptureError, match=r"kern\.none"):
        write_all(world.kernel, {"kern.none": "1"})


# --- receive --------------------------------------------------------------------


def received(world: World) -> list[Crash]:
    found = []
    while (crash := world.backend.receive(0)) is not None:
        found.append(crash)
    return found


def event(world: World, name: str, more: str = "") -> bytes:
    core = world.config.drop_directory / name
    words = (
        f'!system=kernel subsystem=signal type=coredump comm="/bin/prog" core="{core}"'
    )
    return f"{words}{more}\n".encode()


def test_an_event_brings_its_core_once(world: World) -> None:
    world.backend.install()
    world.backend.listen()
    with world.devd.accept()[0] as devd:
        assert received(world) == []
        path = drop(world.config.drop_directory, NAME, b"core")
        devd.send(event(world, NAME))
        (crash,) = received(world)

    assert crash == Crash(
        pid=77,
        signal=11,
        time=path.stat().st_mtime_ns,
        uid=0,
        executable="/bin/prog",
        path="/bin/prog",
        command="prog",
        core_path=str(path),
    )
    assert received(world) == []
    fd = world.backend.open_core(crash)
    assert os.read(fd, 10) == b"core"
    os.close(fd)
    world.backend.remove_core(crash)
    assert not path.exists()
    world.backend.remove_core(crash)


def test_devd_wakes_who_waits(world: World) -> None:
    world.backend.install()
    world.backend.listen()
    drop(world.config.drop_directory, NAME, b"core")
    with world.devd.accept()[0] as devd:
        devd.send(event(world, NAME, " jid=0 pid=77 ppid=1 signo=6"))
        crash = world.backend.receive(60)

    assert crash is not None
    assert (crash.pid, crash.signal) == (77, 6)


def test_what_came_while_nobody_listened_is_found_by_looking(world: World) -> None:
    world.backend.install()
    drop(world.config.drop_directory, NAME, b"core")
    world.backend.listen()

    assert received(world) == []
    world.clock.now += SETTLE_SECONDS
    (crash,) = received(world)
    assert (crash.pid, crash.executable) == (77, None)


def test_devd_restarts_and_nothing_is_lost(world: World) -> None:
    world.backend.install()
    world.backend.listen()
    world.devd.accept()[0].close()
    assert received(world) == []
    assert len(world.backend.waitables()) == 1

    path = drop(world.config.drop_directory, NAME, b"core")
    world.clock.now += world.backend.wakes_in or 0
    assert received(world) == []
    assert len(world.backend.waitables()) == 2
    world.clock.now += SETTLE_SECONDS
    assert [crash.core_path for crash in received(world)] == [str(path)]


def test_after_slots_were_used_again_each_core_is_still_found(
    world: World, corpus: Corpus
) -> None:
    """With %I: seven events, of which the last two name the wrong file."""
    world.backend.install()
    world.backend.listen()
    for slot in range(5):
        core = corpus.path(f"freebsd/cores/idx.{slot}.core.zst").read_bytes()
        drop(world.config.drop_directory, f"idx.{slot}.core", core)
    events = (corpus.root / "freebsd/devd/idx.events").read_bytes()
    assert events.count(b"\n") == 7
    with world.devd.accept()[0] as devd:
        for record in events.splitlines(keepends=True):
            devd.send(record)
        told = received(world)
    world.clock.now += 2 * SETTLE_SECONDS
    told += received(world)

    names = {Path(crash.core_path or "").name for crash in told}
    assert names == {f"idx.{slot}.core" for slot in range(5)}
    assert len(told) == 5
    assert {crash.pid for crash in told} == {0}, "the cores' notes know"


def test_a_core_that_nobody_told_of_by_receive_is_not_opened(world: World) -> None:
    world.backend.install()
    crash = Crash(pid=1, signal=1, time=1, core_path="/etc/passwd")

    with pytest.raises(MissingError, match="/etc/passwd"):
        world.backend.open_core(crash)


def test_a_core_that_has_gone_meanwhile_is_missing(world: World) -> None:
    world.backend.install()
    world.backend.listen()
    path = drop(world.config.drop_directory, NAME, b"core")
    received(world)
    world.clock.now += SETTLE_SECONDS
    (crash,) = received(world)
    path.unlink()

    with pytest.raises(MissingError, match="gone"):
        world.backend.open_core(crash)


def test_a_keeper_that_was_killed_is_a_clear_error(world: World) -> None:
    world.backend.install()
    world.backend.prepare()
    world.backend.listen()
    drop(world.config.drop_directory, NAME, b"core")
    received(world)
    world.clock.now += SETTLE_SECONDS
    (crash,) = received(world)
    assert world.backend._keeper is not None
    os.kill(world.backend._keeper.pid, 9)
    os.waitpid(world.backend._keeper.pid, 0)

    with pytest.raises(CaptureError, match="cannot open"):
        world.backend.open_core(crash)
    world.clock.now += 3600
    with pytest.raises(CaptureError, match="cannot look for cores"):
        world.backend.receive(0)
    assert world.backend.receive(0) is None, "not said again at once"
    assert world.backend.announce("0" * 32)
    assert world.backend.receive(0) is not None


def test_a_daemon_that_may_not_look_says_so(world: World) -> None:
    world.backend.install()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        said = "nothing"
        backend = FreeBSDBackend(
            attrs.evolve(world.config, socket=Path(f"/tmp/cs-{os.getpid()}")),
            world.kernel,
        )
        try:
            backend.listen()
            backend.receive(0)
        except CaptureError as error:
            said = f"{error} {error.remedy}"
        finally:
            backend.close()
            os.write(writer, said.encode())
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with open(reader) as stream:
        assert stream.read().endswith("Permission denied Restart coresnapd, as root.")


def test_receive_comes_after_listen(world: World) -> None:
    with pytest.raises(CaptureError, match="listen"):
        world.backend.receive(0)


# --- diagnosis: a finding for every reason ---------------------------------------


def test_a_whole_installation_has_nothing_to_fail(world: World) -> None:
    world.backend.install()

    checks = world.checks()

    failed = {name for name, found in checks.items() if found.level is Level.FAIL}
    assert failed <= {"core-limit"}, "this shell's is its own"
    assert checks["devd"].level is Level.OK
    assert checks["set-id"].level is Level.WARN
    assert checks["capability-mode"].level is Level.WARN


@pytest.mark.parametrize(
    ("name", "value", "check", "level"),
    [
        ("kern.coredump", "0", "coredump", Level.FAIL),
        ("kern.coredump_devctl", "0", "coredump-devctl", Level.WARN),
        ("kern.sugid_coredump", "0", "set-id", Level.WARN),
        ("kern.sugid_coredump", "1", "set-id", Level.OK),
        ("kern.capmode_coredump", "0", "capability-mode", Level.WARN),
        ("kern.capmode_coredump", "1", "capability-mode", Level.OK),
        ("kern.logsigexit", "0", "log", Level.WARN),
        ("kern.nodump_coredump", "1", "nodump", Level.OK),
        (COREFILE, "%N.core", "corefile", Level.FAIL),
    ],
)
def test_a_setting_that_keeps_cores_away_is_named(
    world: World, name: str, value: str, check: str, level: Level
) -> None:
    world.backend.install()
    world.kernel.settings[name] = value

    finding = world.checks()[check]

    assert finding.level is level
    assert bool(finding.remedy) == (level is not Level.OK)
    if level is not Level.OK:
        assert name in finding.message


@pytest.mark.parametrize(
    ("value", "said"), [("0", "plain"), ("1", "gzip"), ("2", "zstd")]
)
def test_how_cores_are_compressed_is_said(world: World, value: str, said: str) -> None:
    world.kernel.settings["kern.compress_user_cores"] = value

    assert said in world.checks()["compression"].message


def test_a_directory_that_not_everybody_can_write_to_fails(world: World) -> None:
    world.backend.install()
    world.config.drop_directory.chmod(0o755)

    assert world.checks()["drop-directory"].level is Level.FAIL
    assert "mode 755" in world.backend.status().problems[0]

    world.config.drop_directory.chmod(0o1733)
    world.config.root.chmod(0o700)
    assert "closed to others" in world.checks()["drop-directory"].message
    world.config.root.chmod(0o755)

    world.config.drop_directory.rmdir()
    assert "No such file" in world.checks()["drop-directory"].message


def test_a_full_disk_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.backend.install()
    real = os.statvfs(world.config.root)

    class Full:
        f_bavail = 0
        f_frsize = real.f_frsize

    monkeypatch.setattr(os, "statvfs", lambda path: Full)
    assert "no block is free" in world.checks()["drop-directory"].message


def test_devd_that_does_not_run_is_said(world: World) -> None:
    world.backend.install()
    world.devd.close()

    finding = world.checks()["devd"]

    assert finding.level is Level.WARN
    assert finding.remedy == "service devd start"


def test_a_path_that_makes_events_too_long_is_said(world: World) -> None:
    world.backend.install()
    assert world.checks()["event-length"].level is Level.OK

    long = attrs.evolve(world.config, root=world.config.root / (("x" * 250 + "/") * 3))
    backend = FreeBSDBackend(long, world.kernel)
    backend.install()
    checks = {finding.check: finding for finding in backend.diagnose()}
    assert checks["event-length"].level is Level.WARN


def test_planted_and_empty_files_are_named(world: World) -> None:
    world.backend.install()
    drops = world.config.drop_directory
    assert "0 cores wait" in world.checks()["drop-content"].message
    drop(drops, "5.0.11.a.core", b"", uid=0)
    drop(drops, "6.0.11.sshd.core", b"x", uid=65534)

    checks = world.checks()

    assert "6.0.11.sshd.core" in checks["drop-content"].message
    assert "1 cores are empty" in checks["drop-empty"].message


def test_a_jail_without_a_directory_is_named_with_what_to_do(world: World) -> None:
    world.backend.install()
    root = world.config.root.parent / "jail"
    drops = Path(f"{root}{world.config.drop_directory}")
    world.kernel.roots[7] = str(root)

    finding = world.checks()["jails"]
    assert finding.level is Level.WARN
    assert f"7 ({root})" in finding.message

    drops.mkdir(parents=True)
    drops.chmod(0o1733)
    assert world.checks()["jails"].level is Level.OK


def test_a_user_that_is_not_there_fails(world: World) -> None:
    world.backend.install()
    config = attrs.evolve(world.config, user="nobody-of-this-name")
    findings = FreeBSDBackend(config, world.kernel).diagnose()

    assert any(f.check == "user" and f.level is Level.FAIL for f in findings)


def _process(world: World, corpus: Corpus) -> tuple[int, bytearray]:
    core = corpus.path("freebsd/cores/segv_null/crash.26.0.11.fbsdlab.core.zst")
    pid = world.kernel.bury(core)
    return pid, bytearray(world.kernel.facts[ProcessFact.PROCESS, pid])


def test_a_process_has_its_own_reasons(world: World, corpus: Corpus) -> None:
    world.backend.install()
    pid, _ = _process(world, corpus)
    checks = world.checks(pid)
    assert checks["core-limit"].message == "RLIMIT_CORE of crash (26) is unlimited"
    assert not any(name.startswith("process") for name in checks)


@pytest.mark.parametrize(
    ("offset", "value", "check"),
    [
        (368, 0x100, "process-set-id"),  # ki_flag: P_SUGID
        (580, 0x2, "process-trace"),  # ki_flag2: P2_NOTRACE
        (588, 0x1, "process-capability"),  # ki_cr_flags: capability mode
    ],
)
def test_what_a_process_did_to_itself_is_a_reason(
    world: World, corpus: Corpus, offset: int, value: int, check: str
) -> None:
    pid, data = _process(world, corpus)
    data[offset : offset + 4] = value.to_bytes(4, "little")
    world.kernel.facts[ProcessFact.PROCESS, pid] = bytes(data)

    assert world.checks(pid)[check].level is Level.FAIL


def test_a_process_in_a_jail_dumps_inside(world: World, corpus: Corpus) -> None:
    pid, data = _process(world, corpus)
    data[592:596] = (7).to_bytes(4, "little")
    world.kernel.facts[ProcessFact.PROCESS, pid] = bytes(data)

    assert "jail 7" in world.checks(pid)["process-jail"].message


@pytest.mark.parametrize(("limit", "level"), [(0, Level.FAIL), (65536, Level.WARN)])
def test_the_limit_of_a_process_is_a_reason(
    world: World, corpus: Corpus, limit: int, level: Level
) -> None:
    pid, _ = _process(world, corpus)
    limits = bytearray(world.kernel.limits[pid])
    limits[64:72] = limit.to_bytes(8, "little")
    world.kernel.limits[pid] = bytes(limits)

    assert world.checks(pid)["core-limit"].level is level


def test_a_process_that_is_not_there_is_said(world: World) -> None:
    finding = world.checks(99999)["process"]

    assert finding.level is Level.WARN
    assert "99999" in finding.message
    assert finding.remedy
