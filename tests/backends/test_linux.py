"""What is Linux's alone: core_pattern's pitfalls, the handler's safety, diagnosis."""

from __future__ import annotations

import importlib.resources
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

import kernel
from coresnap.backends import archive_files, linux_files
from coresnap.backends.base import Level
from coresnap.backends.handler_settings import handler_settings
from coresnap.backends.linux import LinuxBackend, handler_program
from coresnap.backends.linux_sysctl import Sysctl
from coresnap.collect.assets import read_assets
from coresnap.collect.spool import Part, Spool
from coresnap.config import Config, load_config
from coresnap.errors import (
    AccessError,
    CaptureError,
    ConfigError,
    HandlerConflictError,
)
from shortpath import short_directory

pytestmark = [pytest.mark.linux, pytest.mark.root]

PATTERN = "kernel.core_pattern"


@pytest.fixture
def config() -> Iterator[Config]:
    with short_directory() as root:
        (root / "conf").write_text("")
        yield attrs.evolve(
            load_config(root / "conf"),
            root=root / "r",
            handler=root / "lib" / "catch",
            user="root",
            socket=root / "s" / "n",
            dump_quota=0,
        )


@pytest.fixture
def sysctl(tmp_path: Path) -> Sysctl:
    """A directory that looks like /proc/sys."""
    values = {
        PATTERN: "core",
        "kernel.core_pipe_limit": "0",
        "kernel.core_modes": "file\npipe\nsocket",
        "fs.suid_dumpable": "0",
    }
    found = Sysctl(tmp_path / "sys")
    for name, value in values.items():
        found.path(name).parent.mkdir(parents=True, exist_ok=True)
        found.path(name).write_text(value + "\n")
    return found


# --- install ------------------------------------------------------------------


def test_install_lays_out_what_only_root_can_change(
    config: Config, sysctl: Sysctl
) -> None:
    config = attrs.evolve(config, user="nobody")
    LinuxBackend(config, sysctl).install()

    uid, gid = archive_files.owner_ids("nobody") or (0, 0)
    for path in (config.root, config.handler, config.handler_settings):
        status = path.stat()
        assert status.st_uid == 0
        assert not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    for name in ("pending", "assets", "sending"):
        status = (config.spool / name).stat()
        assert (status.st_uid, status.st_gid) == (uid, gid)
        assert stat.S_IMODE(status.st_mode) == 0o700
    assert f"owner={uid}:{gid}" in config.handler_settings.read_text().splitlines()


def test_the_handler_s_settings_are_what_the_configuration_says(
    config: Config, sysctl: Sysctl
) -> None:
    config = attrs.evolve(
        config, dump_quota=25, environ_allow=("LANG", "LC_*"), fetch="pipe", drain=True
    )
    LinuxBackend(config, sysctl).install()

    lines = config.handler_settings.read_text().splitlines()
    pairs = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    wanted = {
        "spool": str(config.spool),
        "socket": str(config.socket),
        "owner": "0:0",
        "quota": "25%",
        "fetch": "pipe",
        "drain": "yes",
    }
    assert pairs.items() >= wanted.items()
    assert pairs["environ"].startswith("LANG,LC_*,")


def test_r24_the_pattern_is_written_after_everything_that_it_needs(
    config: Config, sysctl: Sysctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def write(self: Sysctl, name: str, value: str) -> None:
        assert config.handler.exists()
        assert config.previous_settings.exists()
        written.append(name)
        self.path(name).write_text(value + "\n")

    monkeypatch.setattr(Sysctl, "write", write)
    backend = LinuxBackend(config, sysctl)
    backend.install()
    assert written == ["kernel.core_pipe_limit", PATTERN, "fs.suid_dumpable"]


def test_set_id_programs_never_dump_while_cores_go_to_a_file(
    config: Config, sysctl: Sysctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: Sysctl, name: str, value: str) -> None:
        self.path(name).write_text(value + "\n")
        dumps = self.read("fs.suid_dumpable") == "2"
        assert not dumps or self.read(PATTERN).startswith("|")

    monkeypatch.setattr(Sysctl, "write", write)
    backend = LinuxBackend(config, sysctl)
    backend.install()
    assert sysctl.read("fs.suid_dumpable") == "2"
    backend.uninstall()
    assert sysctl.read(PATTERN) == "core"


def test_r24_a_setting_that_does_not_stay_undoes_the_others(
    config: Config, sysctl: Sysctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Sysctl.read

    def forget_pipes(self: Sysctl, name: str) -> str:
        value = read(self, name)
        return "core" if value.startswith("|") else value

    monkeypatch.setattr(Sysctl, "read", forget_pipes)
    with pytest.raises(CaptureError, match="does not keep"):
        LinuxBackend(config, sysctl).install()

    assert sysctl.path(PATTERN).read_text() == "core\n"
    assert sysctl.read("kernel.core_pipe_limit") == "0"
    assert sysctl.read("fs.suid_dumpable") == "0"


def test_a_kernel_without_a_pipe_limit_is_installed_on_all_the_same(
    config: Config, sysctl: Sysctl
) -> None:
    sysctl.path("kernel.core_pipe_limit").unlink()
    sysctl.path("kernel.core_modes").unlink()
    backend = LinuxBackend(config, sysctl)

    assert backend.install().installed
    assert not backend.capabilities.waits
    assert not backend.capabilities.pidfd
    assert "%F" not in sysctl.read(PATTERN)


def test_the_conflict_names_the_owner_and_the_way_out(
    config: Config, sysctl: Sysctl
) -> None:
    sysctl.path(PATTERN).write_text("|/usr/lib/systemd/systemd-coredump %P\n")

    with pytest.raises(HandlerConflictError, match="systemd-coredump") as caught:
        LinuxBackend(config, sysctl).install()

    assert "--replace" in caught.value.remedy
    assert not config.root.exists()


def test_a_second_installation_is_not_taken_for_what_was_there_before(
    config: Config, sysctl: Sysctl
) -> None:
    sysctl.path(PATTERN).write_text("/cores/%p\n")
    backend = LinuxBackend(config, sysctl)
    backend.install()
    backend.install()

    assert json.loads(config.previous_settings.read_text())[PATTERN] == "/cores/%p"


def test_uninstall_without_a_saved_state_leaves_the_kernel_s_default(
    config: Config, sysctl: Sysctl
) -> None:
    backend = LinuxBackend(config, sysctl)
    backend.install()
    config.previous_settings.write_text("damaged")

    assert not backend.uninstall().installed
    assert sysctl.read(PATTERN) == "core"


def test_a_handler_that_a_package_brought_is_neither_written_nor_removed(
    config: Config, sysctl: Sysctl
) -> None:
    ours = importlib.resources.files("coresnap") / "libexec" / "coresnap-catch"
    assert isinstance(ours, Path)
    before = ours.stat()
    config.handler.parent.mkdir(parents=True)
    config.handler.symlink_to(ours)
    backend = LinuxBackend(config, sysctl)

    assert backend.install().handler == str(config.handler)
    assert not backend.uninstall().installed

    assert config.handler.readlink() == ours
    assert ours.stat() == before
    assert not config.handler_settings.exists()


def test_uninstall_leaves_a_changed_pipe_limit_alone(
    config: Config, sysctl: Sysctl
) -> None:
    backend = LinuxBackend(config, sysctl)
    backend.install()
    sysctl.path("kernel.core_pipe_limit").write_text("64\n")

    status = backend.uninstall()

    assert sysctl.read("kernel.core_pipe_limit") == "64"
    assert any("core_pipe_limit" in problem for problem in status.problems)
    assert not config.handler.exists()


def test_only_root_may_install(
    config: Config, sysctl: Sysctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    backend = LinuxBackend(config, sysctl)

    for attempt in (backend.install, backend.uninstall):
        with pytest.raises(AccessError, match="only root"):
            attempt()


# --- settings that change -----------------------------------------------------


def test_changed_settings_reach_the_handler_in_one_step(
    config: Config, sysctl: Sysctl
) -> None:
    LinuxBackend(config, sysctl).install()
    before = config.handler_settings.stat().st_ino

    changed = attrs.evolve(config, keep="notes", dump_quota=33)
    assert LinuxBackend(changed, sysctl).refresh() == ()

    text = config.handler_settings.read_text()
    assert text == handler_settings(changed, (0, 0))
    assert config.handler_settings.stat().st_ino != before
    assert stat.S_IMODE(config.handler_settings.stat().st_mode) == 0o644
    assert [path.name for path in config.root.glob(".catch*")] == []


def test_settings_that_say_the_same_are_not_written(
    config: Config, sysctl: Sysctl
) -> None:
    LinuxBackend(config, sysctl).install()
    before = config.handler_settings.stat()

    assert LinuxBackend(config, sysctl).refresh() == ()
    assert config.handler_settings.stat() == before


def test_where_crashes_go_and_whose_they_are_stays_as_installed(
    config: Config, sysctl: Sysctl
) -> None:
    LinuxBackend(config, sysctl).install()
    place = config.handler_settings
    elsewhere = attrs.evolve(
        config, socket=config.root / "x", user="nobody", keep="notes"
    )

    assert LinuxBackend(elsewhere, sysctl).refresh() == ("socket", "user")
    expected = attrs.evolve(elsewhere, socket=config.socket)
    assert place.read_text() == handler_settings(expected, (0, 0))


def test_a_user_that_does_not_exist_gets_nothing(
    config: Config, sysctl: Sysctl
) -> None:
    LinuxBackend(config, sysctl).install()
    nobody = attrs.evolve(config, user="coresnap-none")

    assert LinuxBackend(nobody, sysctl).refresh() == ("user",)
    assert "owner=0:0\n" in config.handler_settings.read_text()


def test_without_an_installation_no_settings_are_written(
    config: Config, sysctl: Sysctl
) -> None:
    config.root.mkdir()

    assert LinuxBackend(config, sysctl).refresh() == ()
    assert list(config.root.iterdir()) == []


def test_settings_that_the_handler_could_not_read_leave_the_old_ones(
    config: Config, sysctl: Sysctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    LinuxBackend(config, sysctl).install()
    before = config.handler_settings.read_text()
    monkeypatch.setattr(linux_files, "HANDLER_SETTINGS_LIMIT", len(before))
    longer = attrs.evolve(config, environ_allow=("A" * 500,))

    with pytest.raises(ConfigError):
        LinuxBackend(longer, sysctl).refresh()
    assert config.handler_settings.read_text() == before


# --- the handler --------------------------------------------------------------


def test_r24_a_handler_that_others_could_replace_is_refused(
    config: Config, sysctl: Sysctl
) -> None:
    config.handler.parent.mkdir()
    config.handler.parent.chmod(0o777)

    with pytest.raises(CaptureError, match="others than root"):
        LinuxBackend(config, sysctl).install()

    assert sysctl.read(PATTERN) == "core"


def test_a_directory_of_another_user_above_the_handler_is_refused(
    tmp_path: Path,
) -> None:
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 65534, 65534)

    with pytest.raises(CaptureError, match="theirs"):
        linux_files.check_trusted(tmp_path / "theirs" / "catch")


def test_a_handler_is_replaced_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "catch"
    target.write_bytes(b"old")
    with target.open("rb") as running:
        archive_files.replace_file(target, b"new", 0o755)

        assert running.read() == b"old"
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["catch"]


def test_without_a_compiler_the_handler_is_python_that_root_may_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "coresnap"
    (package / "collect").mkdir(parents=True)
    real = importlib.resources.files("coresnap") / "collect" / "handler.py"
    (package / "collect" / "handler.py").write_bytes(real.read_bytes())
    monkeypatch.setattr(importlib.resources, "files", lambda name: package)

    first, _, rest = handler_program().partition(b"\n")

    interpreter, options = first.removeprefix(b"#!").split(b" ")
    assert options == b"-IS"
    linux_files.check_trusted(Path(os.fsdecode(interpreter)))
    assert rest == real.read_bytes()


def test_an_interpreter_that_others_could_replace_is_not_run_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise CaptureError(f"{path} can be changed by others than root")

    monkeypatch.setattr(importlib.resources, "files", lambda name: tmp_path)
    monkeypatch.setattr(linux_files, "check_trusted", refuse)
    (tmp_path / "collect").mkdir()
    (tmp_path / "collect" / "handler.py").write_text("")

    with pytest.raises(CaptureError, match="not built"):
        handler_program()


# --- diagnosis ----------------------------------------------------------------


def levels(backend: LinuxBackend, pid: int | None = None) -> dict[str, Level]:
    return {finding.check: finding.level for finding in backend.diagnose(pid)}


def test_a_whole_installation_has_nothing_to_complain_about(
    config: Config, sysctl: Sysctl
) -> None:
    backend = LinuxBackend(config, sysctl)
    backend.install()

    assert set(levels(backend).values()) == {Level.OK}
    assert backend.status().problems == ()


BREAKS: dict[str, tuple[Callable[[Config, Sysctl], object], str]] = {
    "no handler": (lambda c, s: c.handler.unlink(), "handler"),
    "handler not executable": (lambda c, s: c.handler.chmod(0o644), "handler"),
    "handler writable": (lambda c, s: c.handler.chmod(0o777), "handler"),
    "no settings": (lambda c, s: c.handler_settings.unlink(), "handler-settings"),
    "settings writable": (
        lambda c, s: c.handler_settings.chmod(0o666),
        "handler-settings",
    ),
    "settings of before": (
        lambda c, s: c.handler_settings.write_text("keep=notes\n"),
        "handler-settings",
    ),
    "settings of elsewhere": (
        lambda c, s: c.handler_settings.write_text("spool=/elsewhere\n"),
        "handler-settings",
    ),
    "handler in Python": (
        lambda c, s: c.handler.write_text("#!/usr/bin/python3 -IS\n"),
        "handler-program",
    ),
    "pipe limit 0": (
        lambda c, s: s.path("kernel.core_pipe_limit").write_text("0\n"),
        "core-pipe-limit",
    ),
    "set-id dumps as user": (
        lambda c, s: s.path("fs.suid_dumpable").write_text("1\n"),
        "set-id",
    ),
    "other arguments": (
        lambda c, s: s.path(PATTERN).write_text(f"|{c.handler} %p\n"),
        "handler-arguments",
    ),
    "pattern lost": (lambda c, s: s.path(PATTERN).write_text("core\n"), "core-pattern"),
    "pattern empty": (lambda c, s: s.path(PATTERN).write_text("\n"), "core-pattern"),
    "pattern taken": (
        lambda c, s: s.path(PATTERN).write_text("|/usr/share/apport/apport\n"),
        "core-pattern",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_thing_that_breaks_is_found(
    config: Config, sysctl: Sysctl, name: str
) -> None:
    break_it, check = BREAKS[name]
    backend = LinuxBackend(config, sysctl)
    backend.install()
    break_it(config, sysctl)

    found = levels(backend)

    assert found[check] is not Level.OK
    others = {c for c, level in found.items() if level is Level.FAIL} - {check}
    assert others <= {"core-limit"}


def test_a_missing_user_is_found(config: Config, sysctl: Sysctl) -> None:
    backend = LinuxBackend(attrs.evolve(config, user="nosuchuser"), sysctl)

    assert levels(backend)["user"] is Level.FAIL


def test_a_kernel_without_cores_is_found(config: Config, tmp_path: Path) -> None:
    backend = LinuxBackend(config, Sysctl(tmp_path / "empty"))

    found = levels(backend)

    assert found["kernel"] is Level.FAIL
    assert found["core-pattern"] is Level.FAIL


def test_the_limit_of_another_process_is_asked_for(
    config: Config, sysctl: Sysctl
) -> None:
    import subprocess

    script = "ulimit -c 0; echo; exec sleep 60"
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        findings = LinuxBackend(config, sysctl).diagnose(child.pid)
        child.kill()

    (finding,) = [f for f in findings if f.check == "core-limit"]
    assert finding.level is Level.FAIL
    assert f"({child.pid}) is 0" in finding.message


def test_the_limit_that_stops_a_handler_is_1_and_not_0(
    config: Config, sysctl: Sysctl
) -> None:
    import subprocess

    backend = LinuxBackend(config, sysctl)
    backend.install()
    for limit, level in (("0", Level.OK), ("1", Level.FAIL)):
        with subprocess.Popen(
            ["prlimit", f"--core={limit}", "/bin/sh", "-c", "echo; exec sleep 60"],
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            assert levels(backend, child.pid)["core-limit"] is level
            child.kill()


def test_a_process_that_is_gone_is_said_to_be(config: Config, sysctl: Sysctl) -> None:
    assert levels(LinuxBackend(config, sysctl), 2**22 + 1)["core-limit"] is Level.WARN


# --- a real crash -------------------------------------------------------------


@pytest.mark.core_pattern
def test_a_real_crash_arrives_and_is_announced(config: Config, tmp_path: Path) -> None:
    backend = LinuxBackend(config)
    with kernel.core_pattern("core"):
        backend.install()
        backend.listen()
        try:
            run = kernel.run_unlimited(["/bin/sh", "-c", "kill -SEGV $$"])
            crash = backend.receive(20)
        finally:
            backend.close()
            backend.uninstall()

    assert run.returncode == -11
    assert crash is not None
    assert crash.signal == 11
    assert crash.archive_id is not None
    with Spool(config.spool) as spool:
        archive = spool.archive(crash.archive_id)
        assert archive is not None
        assert archive.has_core
        assert archive.application in ("sh", "dash")
        fd = spool.open(Part.ASSETS, archive.id)
        members = read_assets(fd).members
        os.close(fd)
    assert b"Name:" in members["process/status"]
    assert json.loads(members["capture.json"])["truncated"] is False
