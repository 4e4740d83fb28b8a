"""The store is down for an hour, and hosts go on crashing.

An hour is made short by the settings alone: where a host waits 15 minutes at most
between two tries (``send.retry.most``), it waits a quarter of the outage here. So the
pattern of tries is an hour's: one after one second, then ever later ones, then four
times the longest pause.
"""

from __future__ import annotations

import time
from pathlib import Path

from fleet.fleet import Fleet, Way, running_fleet
from fleet.ledger import Ledger, peak_rate
from fleet.orders import Crash
from fleet.result import Result, Scale, conclude
from fleet.scenarios.bad_deploy import spread

__all__ = ["outage"]

_PAUSES = 4
"""Longest pauses in an outage, as four times 15 minutes are an hour."""


def outage(directory: Path, scale: Scale) -> Result:
    """Kill the store while it gets snapshots; bring it back; kill it again."""
    with running_fleet(directory) as fleet:
        token = fleet.store.create_token("hosts").token
        most = scale.outage / _PAUSES
        spread(
            fleet, scale, Way(fleet.store.address, token, None, "1s", f"{most:.0f}s")
        )
        fleet.crash(Crash(h, n % 4, 0.01 * n) for n, h in enumerate(fleet.hosts))
        fleet.wait(lambda: len(fleet.store.faults()) >= scale.hosts // 4)
        fleet.store.kill()
        gone = time.monotonic_ns()
        _stay_away(fleet, scale)
        back = time.monotonic_ns()
        fleet.store.start()
        up = time.monotonic_ns()
        fleet.wait(lambda: len(fleet.store.faults()) >= scale.hosts)
        fleet.store.kill()
        fleet.store.start()
        failures = [] if fleet.wait_until_sent() else [f"{fleet.waiting} still wait"]
        ledger = fleet.ledger()
        facts = {
            "the store was away": f"{(up - gone) / 1e9:.0f} s, half of it a host that "
            "answers nothing; and killed once more while it caught up",
            "longest pause between tries": f"{most:.0f} s",
            **_tries(ledger, gone, back),
            **_return(ledger, up, most, failures),
        }
        return conclude(fleet, "the store is down for an hour", facts, failures)


def _stay_away(fleet: Fleet, scale: Scale) -> None:
    """Let the outage pass: first nobody listens, then nobody is there."""
    half = scale.outage / 2
    fleet.crash(
        Crash(h, 4 + n % 4, half * n / scale.hosts) for n, h in enumerate(fleet.hosts)
    )
    time.sleep(half)
    fleet.network.set_link("store", up=False)
    time.sleep(half)
    fleet.note_memory()
    fleet.network.set_link("store", up=True)


def _tries(ledger: Ledger, gone: int, back: int) -> dict[str, str]:
    """How often hosts tried meanwhile."""
    tries = [note for note in ledger.given if gone < note.time < back]
    hosts = {note.host for note in tries}
    said = [note for note in ledger.said if "is away" in note.text]
    each = len(tries) / max(1, len(hosts))
    return {
        "tries meanwhile": f"{len(tries)}, {each:.1f} of each host that had something",
        "lines in the logs": f"{len(said)} that the store is away",
    }


def _return(
    ledger: Ledger, up: int, most: float, failures: list[str]
) -> dict[str, str]:
    """How hosts came back: each one's first try that the store could answer."""
    firsts: dict[str, int] = {}
    for note in ledger.given:
        if note.time >= up:
            firsts.setdefault(note.host, note.time)
    times = sorted(firsts.values())
    mean, peak = len(times) / most, peak_rate(times)
    # The mean of a Poisson process is exceeded by so much once in a million seconds.
    if peak > mean + 5 * mean**0.5 + 5:
        failures.append(f"a herd: {peak} hosts came back within a second")
    return {
        "hosts that came back": f"{len(times)}, the most within a second {peak} "
        f"({mean:.1f} if they came evenly), the last after "
        f"{(times[-1] - up) / 1e9 if times else 0:.0f} s",
    }
