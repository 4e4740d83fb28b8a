"""Slow links, and links that die in the middle of an upload, beside good ones."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

from fleet.fleet import Fleet, Way, running_fleet
from fleet.orders import Crash
from fleet.result import Result, Scale, conclude
from fleet.store import PORT

__all__ = ["slow_links"]

_RATE = "64kbit"
_BALLAST = 300_000
"""Bytes that one of the slow hosts has to send beside the usual ones."""
_LARGE = 9 << 20
"""Bytes of a snapshot that is sent in three pieces."""
_PIECE = 4 << 20
"""Bytes of a piece (store/client/putting.py)."""
_DELAY = 0.002
"""Seconds that the dying link takes over 16 KiB."""
_SITE = 100
"""Number of the first slow site."""


def slow_links(directory: Path, scale: Scale) -> Result:
    """Let good, slow and dying links send at once."""
    with running_fleet(directory) as fleet:
        way = Way(fleet.store.address, fleet.store.create_token("hosts").token)
        good = [f"good-{number}" for number in range(scale.few)]
        slow = [f"slow-{number}" for number in range(max(2, scale.few // 2))]
        dying = [f"dying-{number}" for number in range(2)]
        cuts = len(dying)
        log = _start_relay(fleet, cuts)
        fleet.add_site(0, good, way)
        for number, name in enumerate(slow, _SITE):
            fleet.add_site(number, [name], way, rate=_RATE)
        relay = f"http://{fleet.network.places['relay'].address}:{PORT}"
        fleet.add_site(1, dying, Way(relay, way.token, retry_most="2s"))
        fleet.wait_until_ready()
        fleet.crash(_crashes(good, slow, dying))
        failures = [] if fleet.wait_until_sent() else [f"{fleet.waiting} still wait"]
        facts = {
            "good links": _times(fleet, good),
            f"links of {_RATE}/s": _times(fleet, slow),
            "links that die": _resumed(fleet, log, len(dying), cuts, failures),
        }
        return conclude(fleet, "slow links, and links that die", facts, failures)


def _crashes(good: list[str], slow: list[str], dying: list[str]) -> list[Crash]:
    usual = [Crash(host, kind, 0.5 * kind) for host in good for kind in (0, 1, 2)]
    usual += [Crash(host, kind, 0.5 * kind) for host in slow for kind in (0, 1)]
    return [
        *usual,
        Crash(slow[0], 3, ballast=_BALLAST),
        *(Crash(host, 2, ballast=_LARGE) for host in dying),
    ]


def _start_relay(fleet: Fleet, cuts: int) -> Path:
    place = fleet.network.add("relay", "10.77.0.2")
    log = fleet.directory / "relay"
    words = [str(PORT), f"{fleet.store.place.address}:{PORT}", "--delay", str(_DELAY)]
    # In the middle of the second piece.
    words += ["--cut", str(_PIECE + _PIECE // 2), "--cuts", str(cuts)]
    with log.open("wb") as output:
        command = [sys.executable, "-m", "fleet.relay", *words]
        fleet.processes.append(place.popen(command, stdout=output))
    return log


def _times(fleet: Fleet, hosts: list[str]) -> str:
    times = fleet.ledger().seconds(hosts)
    if not times:
        return "nothing came"
    return (
        f"{len(times)} snapshots, median {statistics.median(times):.1f} s, "
        f"slowest {times[-1]:.1f} s"
    )


def _resumed(
    fleet: Fleet, log: Path, count: int, cuts: int, failures: list[str]
) -> str:
    """Say how much was sent twice; less than without pieces, or it is a failure."""
    lines = log.read_text().splitlines()
    told = json.loads(lines[-1]) if lines else {"size": 0, "cut": 0}
    again = told["size"] - count * _LARGE
    if told["cut"] != cuts:
        failures.append(f"{told['cut']} of {cuts} connections were cut")
    # Whoever begins again sends what was cut off, a piece and a half, each time.
    if again >= cuts * (_PIECE + _PIECE // 2):
        failures.append(f"uploads do not go on where they were: {again} bytes again")
    return (
        f"{count} snapshots of {_LARGE / 1e6:.0f} MB, {told['cut']} connections cut "
        f"after {(_PIECE + _PIECE // 2) / 1e6:.1f} MB, {again / 1e6:.1f} MB sent again"
    )
