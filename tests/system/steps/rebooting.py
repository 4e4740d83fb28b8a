"""The machine ends, in order and in the middle of a dump, and starts again."""

from __future__ import annotations

import json

from system.ledger import Fate
from system.world import PROGRAMS, World

__all__ = ["hard_reset", "note_early_crash", "reboot", "work_pending"]

_BIG = 600
"""Megabytes."""
_LEAST = 64 << 20
"""Bytes that are written before the reset."""
_DUMPING = f"""\
import os, pathlib, subprocess, sys, time
crash = subprocess.Popen(["{PROGRAMS}/big", "{_BIG}"])
def written():
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (path / "comm").read_text().strip() == "coresnap-catch":
                words = (path / "io").read_text().split()
                return int(words[words.index("wchar:") + 1])
        except OSError:
            pass
    return 0
deadline = time.monotonic() + 300
while written() < {_LEAST} and time.monotonic() < deadline and crash.poll() is None:
    time.sleep(0.01)
print(crash.pid, written(), flush=True)
"""


def note_early_crash(world: World) -> None:
    """Enter the crash of this boot's early service, when it said that it was there.

    That is long ago where a machine is emulated.
    """
    words = ("journalctl", "-o", "json", "-b", "_COMM=early")

    def said() -> list[str] | None:
        return world.guest.output(*words).splitlines() or None

    entries = [json.loads(line) for line in world.wait_until(said, 20) or []]
    for entry in entries:
        time = int(entry["__REALTIME_TIMESTAMP"]) * 1000
        world.enter("early", int(entry["MESSAGE"]), time)
    pids = " ".join(entry["MESSAGE"] for entry in entries)
    world.expect("a service crashes early in the boot", len(entries) == 1, pids)


def reboot(world: World) -> None:
    """An ordinary reboot: crashes are taken again from early on."""
    before = {archive["id"] for archive in world.archives()}
    world.expect("the machine powers off in order", world.power_off())
    world.power_on()
    _look_after_boot(world, before)
    world.settle(120)


def hard_reset(world: World) -> None:
    """A reset in the middle of a dump: no half core, and nothing else is lost."""
    world.settle(120)
    before = {archive["id"] for archive in world.archives()}
    ended = world.guest.run("python3", "-c", _DUMPING, timeout=400)
    pid, written = (int(word) for word in ended.out.split())
    world.machine.reset()
    world.enter("big", pid, ended.end, Fate.CUT)
    seen = f"{written >> 20} of {_BIG} MiB written"
    met = _LEAST <= written < _BIG << 20
    world.expect("the machine is reset in the middle of a dump", met, seen)
    world.wait_for_boot()
    _look_after_boot(world, before)
    halves = [a for a in world.archives() if a["application"] == "big" and a["core"]]
    world.expect("there is no half core", not halves, halves or "")
    free = world.status()["disk"]
    world.expect("the space of the unfinished core is free", free["admitting"])
    said = world.guest.output("dmesg", "--level=err,crit,alert,emerg")
    bad = [line for line in said.splitlines() if "EXT4" in line]
    world.expect("the kernel finds its disk clean", not bad, "; ".join(bad))
    world.settle(120)


def work_pending(world: World) -> None:
    """A power-off while crashes wait for their analysis; the next boot does it."""
    world.settle(120)
    before = {archive["id"] for archive in world.archives()}
    for number in range(6):
        world.crash(f"{PROGRAMS}/last-{number}")
    waiting = [a for a in world.archives() if a["stage"] == "pending" and a["core"]]
    world.expect("the machine powers off in order", world.power_off())
    seen = f"{len(waiting)} waited"
    world.expect("crashes wait for their analysis meanwhile", waiting, seen)
    world.power_on()
    _look_after_boot(world, before)
    world.expect("the next boot finishes what waited", world.settle(180))


def _look_after_boot(world: World, before: set[str]) -> None:
    pattern = world.kernel("kernel/core_pattern")
    met = "coresnap" in pattern
    world.expect("core_pattern is registered again by itself", met, pattern[:60])
    after = {archive["id"] for archive in world.archives()}
    seen = f"{len(before)} before, {len(before - after)} missing"
    world.expect("all earlier crashes are there", before <= after, seen)
    note_early_crash(world)
