"""A later package is installed while programs crash."""

from __future__ import annotations

import json

from system.world import PROGRAMS, World

__all__ = ["upgrading"]

_COUNT = 40
_LOOP = f"""\
import json, pathlib, subprocess, time
ended = []
for number in range({_COUNT}):
    process = subprocess.Popen(["{PROGRAMS}/upgrading-%d" % number])
    status = process.wait()
    ended.append([process.pid, status, time.time_ns()])
    pathlib.Path("/run/upgrading.json").write_text(json.dumps(ended))
    if number > 5 and pathlib.Path("/run/upgraded").exists():
        break
    time.sleep(0.4)
pathlib.Path("/run/upgrading.done").touch()
"""
"""Crashes until the upgrade is over."""


def upgrading(world: World) -> None:
    """Upgrade both packages in the middle of crashes; none is lost."""
    world.settle(120)
    guest = world.guest
    guest.shell("rm -f /run/upgrad*")
    version = _version(world)
    words = ("systemd-run", "--quiet", "--unit=upgrading", "python3", "-c", _LOOP)
    guest.output(*words)
    guest.shell(
        "DEBIAN_FRONTEND=noninteractive apt-get -q install -y /payload/later/*.deb; "
        "touch /run/upgraded",
        timeout=240 * world.patience,
    )
    later = _version(world)
    world.expect("apt upgrades both packages", later != version, f"{version} → {later}")
    done = world.wait_until(
        lambda: guest.run("test", "-e", "/run/upgrading.done").code == 0, 60
    )
    crashes = json.loads(guest.output("cat", "/run/upgrading.json"))
    for number, (pid, status, when) in enumerate(crashes):
        if status == -11:
            world.enter(f"upgrading-{number}", pid, when)
    world.expect("programs crash all the while", done, f"{len(crashes)} crashes")
    units = ("coresnapd", "coroner")
    active = guest.run("systemctl", "is-active", *units).out.split()
    world.expect("daemon and store run again", active == ["active"] * 2, active)
    pattern = world.kernel("kernel/core_pattern")
    world.expect("the kernel still hands crashes over", "coresnap" in pattern)
    world.expect("all of them are analysed and sent", world.settle(240))


def _version(world: World) -> str:
    return world.guest.output("dpkg-query", "-W", "-f", "${Version}", "coresnap")
