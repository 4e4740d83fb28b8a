"""Network namespaces that are joined by a bridge, with links as slow as is wanted.

::

    controller 10.77.0.254 ── bridge ┬── store 10.77.0.1
                                     ├── relay 10.77.0.2
                                     └── site-N 10.77.1.N
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import attrs

from imported import SOURCE

__all__ = ["Network", "Place", "counters"]

_TESTS = Path(__file__).parent.parent
_BRIDGE = "fleet"
_MASK = 16
_CONTROLLER = "10.77.0.254"


@attrs.frozen
class Place:
    """A namespace with an address on the bridge."""

    name: str
    address: str
    keeper: subprocess.Popen[bytes]
    """A process that does nothing in it."""

    def popen(
        self,
        words: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int | IO[bytes] | None = None,
        stderr: IO[bytes] | None = None,
        environment: Mapping[str, str] | None = None,
        niceness: int = 0,
    ) -> subprocess.Popen[bytes]:
        """Start a program there; its process is the program's."""
        before = ["nice", "-n", str(niceness)] if niceness else []
        return subprocess.Popen(
            [*before, "ip", "netns", "exec", self.name, *words],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env={**python_environment(), **(environment or {})},
        )


@attrs.define
class Network:
    """All places of a run, in this process's own network namespace."""

    places: dict[str, Place] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        _ip("link", "set", "lo", "up")
        _ip("link", "add", "name", _BRIDGE, "type", "bridge")
        _ip("addr", "add", f"{_CONTROLLER}/{_MASK}", "dev", _BRIDGE)
        _ip("link", "set", _BRIDGE, "up")

    def add(self, name: str, address: str, rate: str = "") -> Place:
        """Make a place; ``rate``, as tc writes it, limits its link in both ways."""
        _ip("netns", "add", name)
        _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", name, "master", _BRIDGE, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", name, "addr", "add", f"{address}/{_MASK}", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        if rate:
            shape = ("root", "tbf", "rate", rate, "burst", "3000", "latency", "2s")
            _run("tc", "qdisc", "add", "dev", name, *shape)
            _run("tc", "-n", name, "qdisc", "add", "dev", "eth0", *shape)
        keeper = subprocess.Popen(["ip", "netns", "exec", name, "sleep", "infinity"])
        place = Place(name, address, keeper)
        self.places[name] = place
        return place

    def set_link(self, name: str, *, up: bool) -> None:
        """Let a place be there, or not: packets to it vanish."""
        _ip("link", "set", name, "up" if up else "down")

    def remove(self) -> None:
        """Remove all places, for the next scenario."""
        for place in self.places.values():
            place.keeper.kill()
            place.keeper.wait()
            _ip("netns", "delete", place.name)
        self.places.clear()
        _ip("link", "delete", _BRIDGE)


def counters(place: Place) -> dict[str, int]:
    """Return what the kernel counts of TCP in a place (proc(5), /proc/net/snmp)."""
    lines = Path(f"/proc/{place.keeper.pid}/net/snmp").read_text().splitlines()
    names, values = (line.split()[1:] for line in lines if line.startswith("Tcp:"))
    return dict(zip(names, map(int, values), strict=True))


def python_environment() -> dict[str, str]:
    """Return the environment in which this Python finds tests and sources."""
    paths = (str(_TESTS), str(SOURCE))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
