"""What takes crashes further is killed, or is away."""

from __future__ import annotations

from typing import Any

from system.world import PROGRAMS, World

__all__ = ["killing"]

_KILL_AT_WORKER = """\
import os, pathlib, subprocess, sys, time
main = int(sys.argv[1])
def children():
    path = pathlib.Path(f"/proc/{main}/task/{main}/children")
    return set(path.read_text().split())
before = children()
crash = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL)
deadline = time.monotonic() + 120
while time.monotonic() < deadline and not children() - before:
    time.sleep(0.005)
worker = children() - before
time.sleep(0.1)
os.kill(main, 9)
print(crash.pid, crash.wait(), *worker)
"""
"""Lets a program crash, and kills the daemon as soon as it has a worker for it."""


def killing(world: World) -> None:
    """Kill the daemon and the sender, and stop the store for a while."""
    world.settle()
    _kill_daemon(world)
    _kill_sender(world)
    _stop_store(world)


def _main_pid(world: World) -> int:
    words = ("systemctl", "show", "coresnapd", "--property=MainPID", "--value")
    return int(world.guest.output(*words))


def _kill_daemon(world: World) -> None:
    before = _main_pid(world)
    words = ("python3", "-c", _KILL_AT_WORKER, str(before))
    ended = world.guest.run(*words, f"{PROGRAMS}/interrupted", timeout=180)
    pid, _, *worker = ended.out.split()
    world.enter("interrupted", int(pid), ended.end)
    world.expect("coresnapd is killed in the middle of an analysis", worker, ended.err)

    def is_back() -> bool:
        return _main_pid(world) not in (0, before) and _is_active(world)

    world.expect("systemd starts it again", world.wait_until(is_back, 60))
    pattern = world.kernel("kernel/core_pattern")
    world.expect("the kernel still hands crashes over", "coresnap" in pattern)
    world.expect("the analysis is done after all", world.settle())


def _is_active(world: World) -> bool:
    return world.guest.run("systemctl", "is-active", "--quiet", "coresnapd").code == 0


def _kill_sender(world: World) -> None:
    guest, main = world.guest, _main_pid(world)
    senders = _senders(world, main)
    for pid in senders:
        guest.run("kill", "-9", str(pid))
    world.crash(f"{PROGRAMS}/unsent")
    again = world.wait_until(lambda: set(_senders(world, main)) - set(senders), 30)
    world.expect("the process that sends is killed, and there is another", again)
    world.expect("what crashes meanwhile is sent", world.settle())
    world.expect("coresnapd itself went on", _main_pid(world) == main)


def _senders(world: World, main: int) -> list[int]:
    """Return the couriers: children of the one who looks after them, the daemon's."""
    text = world.guest.output("ps", "-e", "-o", "pid=,ppid=,comm=")
    rows = [line.split(None, 2) for line in text.splitlines()]
    children = {row[0] for row in rows if row[1] == str(main)}
    return [int(r[0]) for r in rows if r[1] in children and r[2] != "coresnap-catch"]


def _stop_store(world: World) -> None:
    guest = world.guest
    guest.output("systemctl", "stop", "coroner", timeout=120 * world.patience)
    for number in range(3):
        world.crash(f"{PROGRAMS}/unserved-{number}")

    def waiting() -> list[dict[str, Any]]:
        found = [a["sending"] or {} for a in world.archives()]
        return [one for one in found if one.get("state") == "waiting"]

    three = world.wait_until(lambda: len(waiting()) == 3 or None, 60)
    world.expect("while the store is away, snapshots wait and say why", three)
    guest.output("systemctl", "start", "coroner", timeout=120 * world.patience)
    world.expect("when it is back they are sent", world.settle(180))
