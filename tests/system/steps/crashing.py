"""Programs of all sorts crash."""

from __future__ import annotations

import json

from system.ledger import Fate
from system.world import PROGRAMS, World

__all__ = ["all_sorts", "announcement", "service"]

_SERVICE = f"""\
[Unit]
StartLimitIntervalSec=1h
StartLimitBurst=3

[Service]
ExecStart={PROGRAMS}/service
Restart=on-failure
RestartSec=100ms
"""
_STARTS = 3
_STORM = 120
_CONTAINER = f"""\
root=/srv/container
mkdir -p $root/etc $root/usr $root/opt
cp /etc/os-release $root/etc/
cp {PROGRAMS}/contained $root/opt/
cp --parents $(ldd {PROGRAMS}/contained | grep -o '/[^ ]*') $root/
"""
_NOBODY = 65534


def announcement(world: World) -> None:
    """The announcement's program."""
    ended = world.crash(f"{PROGRAMS}/simple")
    dumped = bool(ended.status and ended.status & 0x80)
    world.expect(
        "its parent is told of a core: Segmentation fault (core dumped)", dumped
    )
    settled = world.settle()
    (line,) = (a for a in world.archives() if a["application"] == "simple")
    seen = f"{line['stage']}/{line['id'][:8]} {line['size']} bytes"
    world.expect("its core becomes a snapshot, which is sent", settled, seen)
    words = ("list", "blackhole", "--filter=application=simple")
    groups = json.dumps(world.coroner(*words))
    world.expect("coroner has it as a use after free", "use-after-free" in groups)
    world.expect("coroner names its function", "program" in groups)


def service(world: World) -> None:
    """A service that systemd starts again each time."""
    guest = world.guest
    guest.write("/etc/systemd/system/falling.service", _SERVICE)
    guest.output("systemctl", "daemon-reload")
    guest.run("systemctl", "start", "falling")

    def has_given_up() -> bool:
        words = ("systemctl", "show", "falling", "--property=Result", "--value")
        return "start-limit-hit" in guest.output(*words)

    world.wait_until(has_given_up, 30)
    said = _journal(world, "--unit=falling")
    pids = [r for r in said if r.get("_COMM") == "service" and "MESSAGE" in r]
    for record in pids:
        when = int(record["__REALTIME_TIMESTAMP"]) * 1000
        world.enter("service", int(record["MESSAGE"]), when)
    dumps = [r for r in said if "code=dumped, status=11/SEGV" in str(r.get("MESSAGE"))]
    seen = f"{len(pids)} starts, {len(dumps)} dumps"
    met = len(pids) == len(dumps) == _STARTS
    world.expect("a service crashes at each of its starts, says systemd", met, seen)


def all_sorts(world: World) -> None:
    """A container, a set-uid program, threads, Python, and a storm."""
    _contained(world)
    world.crash("/usr/local/bin/elevated", user=_NOBODY)
    world.crash(f"{PROGRAMS}/threads", signal=6)
    script = f"{PROGRAMS}/native.py"
    python = world.guest.output("realpath", "/usr/bin/python3").strip()
    world.crash(python, script)
    _storm(world)
    world.expect("what was archived is analysed and sent", world.settle(120))


def _contained(world: World) -> None:
    guest = world.guest
    guest.shell(_CONTAINER)
    words = ("systemd-nspawn", "--quiet", "--pipe", "--as-pid2", "--register=no")
    ended = guest.run(*words, "-D", "/srv/container", "/opt/contained", timeout=120)
    world.enter("contained", None, ended.end)
    # nspawn ends with 255 when a signal has ended its program, whichever that was.
    seen = f"process {ended.out.strip()} in there, nspawn ends with {ended.code}"
    world.expect("a program crashes in a container", ended.code == 255, seen)


def _storm(world: World) -> None:
    words = (f"{PROGRAMS}/storm", str(_STORM), "8")
    ended = world.guest.run(*words, timeout=120 * world.patience)
    crashed = int(ended.out.split()[0])
    for _ in range(crashed):
        world.enter("storm", None, ended.end, Fate.COUNTED)
    world.expect(f"a storm: {_STORM} times the same, eight at once", crashed == _STORM)


def _journal(world: World, *words: str) -> list[dict[str, str]]:
    text = world.guest.output("journalctl", "-o", "json", "-b", *words)
    return [json.loads(line) for line in text.splitlines()]
