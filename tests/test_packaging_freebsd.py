"""What FreeBSD's services get from us: syntax, and that it says what the code does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from coresnap.backends.freebsd_installation import pattern_for
from coresnap.config import SETTINGS, load_config

FILES = Path(__file__).parents[1] / "packaging" / "freebsd"
SERVICE = FILES / "coresnapd.in"

RC_SUBR = """
load_rc_config() { :; }
checkyesno() { eval "[ \\"\\$$1\\" = YES ]"; }
run_rc_command() {
    case $1 in
    start)
        eval "$start_precmd" || exit 1
        eval "echo run $command \\$${name}_flags $command_args" ;;
    reload) eval "$reload_cmd" ;;
    esac
}
"""
"""The few words of rc.subr(8) that the script uses, in the way it documents them."""


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """The script as a port installs it, with programs that say how they are called."""
    (tmp_path / "rc.subr").write_text(RC_SUBR)
    (tmp_path / "bin").mkdir()
    for name in ("coresnap", "coresnapd"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        program.chmod(0o755)
    text = SERVICE.read_text().replace("%%PREFIX%%", str(tmp_path))
    script = tmp_path / "coresnapd"
    script.write_text(text.replace(". /etc/rc.subr", f". {tmp_path}/rc.subr"))
    return script


def run(script: Path, verb: str, **settings: str) -> list[str]:
    done = subprocess.run(
        ["/bin/sh", "-eu", script, verb],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "coresnapd_flags": "", **settings},
    )
    assert not done.stderr
    here = f"{script.parent}/bin/"
    return [
        " ".join(line.split()).replace(here, "") for line in done.stdout.splitlines()
    ]


def test_the_script_is_sh() -> None:
    shells = [name for name in ("sh", "dash") if shutil.which(name)]
    for shell in shells:
        subprocess.run([shell, "-n", SERVICE], check=True)


def test_a_start_installs_first_because_the_kernel_forgets(service: Path) -> None:
    installed, started = run(service, "start")

    assert installed == "coresnap install"
    assert started.startswith("run /usr/sbin/daemon -P /var/run/coresnapd.pid -r ")
    assert started.endswith(" coresnapd --foreground")


def test_settings_of_rc_conf_reach_the_daemon_and_not_daemon_8(service: Path) -> None:
    given = {"coresnapd_config": "/etc/c.conf", "coresnapd_flags": "--json"}

    installed, started = run(service, "start", **given)

    assert installed == "coresnap --config /etc/c.conf install"
    assert started.endswith(" coresnapd --foreground --config /etc/c.conf --json")
    assert started.count("--json") == 1
    assert run(service, "start", coresnapd_install="NO") == [run(service, "start")[1]]


def test_a_reload_is_the_command_that_checks(service: Path) -> None:
    assert run(service, "reload") == ["coresnap config reload"]


def test_the_service_waits_for_devd_and_runs_in_no_jail() -> None:
    text = SERVICE.read_text()

    assert re.search(r"^# PROVIDE: coresnapd$", text, re.MULTILINE)
    assert re.search(r"^# REQUIRE: .*\bdevd\b", text, re.MULTILINE)
    assert re.search(r"^# KEYWORD: nojail shutdown$", text, re.MULTILINE)


def test_devd_gives_no_name_of_a_user_to_a_shell() -> None:
    lines = [
        line
        for line in (FILES / "devd.conf").read_text().splitlines()
        if not line.startswith("#")
    ]
    text = "\n".join(lines)

    assert dict(re.findall(r'match "(\w+)"\s+"(\w+)";', text)) == {
        "system": "kernel",
        "subsystem": "signal",
        "type": "coredump",
    }
    (action,) = re.findall(r'action "(.*)";', text)
    assert "$" not in action
    assert text.count("{") == text.count("}") == 1


def test_sysctl_conf_says_what_install_sets() -> None:
    lines = (FILES / "sysctl.conf").read_text().splitlines()
    said = dict(line.split("=") for line in lines if line and line[0] != "#")
    root = next(Path(s.default) for s in SETTINGS if s.name == "root")

    assert said == {
        "kern.corefile": pattern_for(root / "drop"),
        "kern.coredump_devctl": "1",
    }


def test_the_log_that_is_written_is_the_one_that_is_rotated() -> None:
    syslog = (FILES / "syslog.conf").read_text()
    (line,) = [
        line
        for line in (FILES / "newsyslog.conf").read_text().splitlines()
        if line and line[0] != "#"
    ]
    path, owner, mode, count, size, when, flags = line.split()

    assert f"\t{path}\n" in syslog
    assert "!coresnapd\n" in syslog
    assert (owner, mode) == ("root:wheel", "640")
    assert count.isdigit()
    assert size.isdigit()
    assert when.startswith("@")
    assert set(flags) <= set("BCGJNRUXYZ")


def test_the_sample_is_a_configuration() -> None:
    config = load_config(FILES / "coresnap.conf.sample")

    assert config.socket == Path("/var/run/coresnap/notify")
