"""Power-on of a bare Debian, and the announcement's three steps."""

from __future__ import annotations

from system.world import PROGRAMS, PROJECT, World

__all__ = ["bring_programs", "power_on", "three_steps"]

_CORONERD = f"""\
[server]
data = /var/coroner
universe = backtrace
projects = {PROJECT}
"""
_CORONER_CF = """\
[universe]
name = backtrace
write = http://127.0.0.1:6097
[token]
{token}
"""
_EARLY = f"""\
# Crashes as early as services may start, before all ordinary ones.
[Unit]
DefaultDependencies=no
After=sysinit.target
Before=basic.target

[Service]
ExecStart={PROGRAMS}/early

[Install]
WantedBy=basic.target
"""


def power_on(world: World) -> None:
    """Boot the image as it was built."""
    world.machine.make_disk()
    world.power_on()
    guest = world.guest
    first = guest.output("cat", "/proc/1/comm").strip()
    world.expect("systemd is process 1", first == "systemd", first)
    failed = guest.output("systemctl", "--failed", "--no-legend", "--plain")
    world.expect("no unit has failed", not failed.strip(), failed.strip())
    world.found_pattern = world.kernel("kernel/core_pattern")
    seen = world.found_pattern
    world.expect("nobody takes the cores yet", not seen.startswith(("|", "@")), seen)


def three_steps(world: World) -> None:
    """Install the packages, name the store, enable the service."""
    guest = world.guest
    said = guest.shell(
        "DEBIAN_FRONTEND=noninteractive apt-get -q install -y /payload/now/*.deb",
        timeout=240 * world.patience,
    )
    world.expect("1. apt installs both packages", "Setting up coresnap" in said)
    untouched = world.kernel("kernel/core_pattern") == world.found_pattern
    world.expect("   and no crash is taken before the service is enabled", untouched)
    _start_store(world)
    world.expect("2. coroner.cf names the store, with a token that may only post", True)
    guest.output(
        "systemctl", "enable", "--now", "coresnapd", timeout=180 * world.patience
    )
    seen = guest.run("systemctl", "is-active", "coresnapd").out.strip()
    world.expect("3. systemctl enable --now coresnapd", seen == "active", seen)
    pattern = world.kernel("kernel/core_pattern")
    world.expect("the kernel hands crashes over", "coresnap" in pattern, pattern[:60])
    doctor = guest.run("coresnap", "doctor", timeout=60 * world.patience)
    found = [line.strip() for line in doctor.out.splitlines()]
    seen = "; ".join(line for line in found if not line.startswith("ok "))
    world.expect("coresnap doctor finds nothing that fails", doctor.code == 0, seen)


def _start_store(world: World) -> None:
    guest = world.guest
    guest.write("/etc/coresnap/coronerd.conf", _CORONERD)
    guest.output(
        "systemctl", "enable", "--now", "coroner", timeout=180 * world.patience
    )
    words = ["coroner", "token", "-c", "/var/coroner/coroner.cf", "create", PROJECT]
    words += ["--capability", "post", "--project", PROJECT]
    said = guest.output(*words, timeout=60 * world.patience)
    token = next(line for line in said.splitlines() if line.startswith(PROJECT))
    guest.write("/etc/coresnap/coroner.cf", _CORONER_CF.format(token=token), "0600")


def bring_programs(world: World) -> None:
    """Bring the programs that crash, one of which does so early in each boot."""
    world.guest.shell(
        f"cp -r /payload/programs {PROGRAMS}; "
        f"install -m 4755 {PROGRAMS}/elevated /usr/local/bin/elevated"
    )
    world.guest.write("/etc/systemd/system/early.service", _EARLY)
    world.guest.output("systemctl", "enable", "early")
