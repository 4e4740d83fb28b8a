"""Hosts whose clocks are wrong, and which trust the store by TLS.

The store's clock is right. What does not depend on clocks must work; a clock of 1970
lies before the store's certificate, so that nothing is sent until it is set.
"""

from __future__ import annotations

import time
from pathlib import Path

from coresnap.store.api.retention import Action, RetentionPolicy, RetentionRule
from fleet.fleet import Fleet, Site, Way, running_fleet
from fleet.orders import Crash
from fleet.recordings import fingerprint_of
from fleet.result import Result, Scale, conclude
from fleet.store import TLS_PORT, make_certificate

__all__ = ["clocks"]

_HOUR = 3600
_DAY = 24 * _HOUR
_CLOCKS = {
    "right": 0,
    "behind": -_DAY,
    "ahead": 2 * _HOUR,
    "unset": 5 - int(time.time()),
}
"""Sort of hosts to seconds that their clocks are ahead; the last one is in 1970."""


def clocks(directory: Path, scale: Scale) -> Result:
    """Let hosts crash by their clocks, and ask the store when that was."""
    scratch = directory.with_name("certificates")
    scratch.mkdir()
    certificate, key = make_certificate(scratch, "10.77.0.1", days_old=60)
    options = (
        *("--listen", f"https://10.77.0.1:{TLS_PORT}"),
        *("--tls-certificate", str(certificate), "--tls-key", str(key)),
    )
    with running_fleet(directory, options) as fleet:
        token = fleet.store.create_token("hosts").token
        way = Way(fleet.store.tls_address, token, certificate, retry_most="2s")
        sites = {
            sort: fleet.add_site(
                number,
                [f"{sort}-{n}" for n in range(max(2, scale.few // 2))],
                way,
                ahead=ahead,
            )
            for number, (sort, ahead) in enumerate(_CLOCKS.items())
        }
        fleet.wait_until_ready()
        begin = int(time.time())
        # Each sort has a kind of its own, so that its group says what the store thinks.
        fleet.crash(
            Crash(host.name, kind, 0.1 * kind)
            for kind, site in enumerate(sites.values())
            for host in site.hosts
        )
        fleet.wait_until_ready()
        failures: list[str] = []
        facts = {"certificate": _wait_for_clock(fleet, sites["unset"], failures)}
        if not fleet.wait_until_sent():
            failures.append(f"{fleet.waiting} still wait")
        fleet.wait_until_indexed()
        facts |= _seen(fleet, begin, failures)
        facts |= _retained(fleet, failures)
        return conclude(fleet, "clocks that are wrong", facts, failures)


def _wait_for_clock(fleet: Fleet, site: Site, failures: list[str]) -> str:
    """Set the clock of 1970 once its hosts have said why they send nothing."""
    names = {host.name for host in site.hosts}

    def said() -> list[str]:
        return [n.reason for n in fleet.ledger().taken if n.host in names and n.reason]

    fleet.wait(lambda: len(said()) >= len(names))
    assert site.clock is not None
    site.clock.set(0)
    reason = said()[0]
    if "clock" not in reason:
        failures.append(f"what is said of a wrong clock does not help: {reason}")
    return f"a host in 1970 says: {reason}; its clock is set then"


def _seen(fleet: Fleet, begin: int, failures: list[str]) -> dict[str, str]:
    """When the store thinks that each sort crashed."""
    facts = {}
    now = int(time.time())
    expected = {
        "right": (begin, now),
        "behind": (begin - _DAY - 60, now),  # it cannot know better
        "ahead": (begin, now),
        "unset": (begin, now),
    }
    for kind, (sort, (first, last)) in enumerate(expected.items()):
        group = fleet.store.group(fingerprint_of(kind))
        facts[f"hosts whose clock is {sort}"] = (
            f"first seen {_from(group.first_seen, begin)}, "
            f"last {_from(group.last_seen, begin)}"
        )
        if not first <= group.first_seen <= group.last_seen <= last:
            failures.append(
                f"{sort}: seen from {group.first_seen} to {group.last_seen}, which is "
                f"not within {first} to {last}"
            )
    return facts


def _from(moment: int, begin: int) -> str:
    seconds = moment - begin
    for size, unit in ((_DAY, "days"), (_HOUR, "hours")):
        if abs(seconds) >= size:
            where = "before" if seconds < 0 else "after"
            return f"{abs(seconds) / size:.1f} {unit} {where} the scenario"
    return "while the scenario ran"


def _retained(fleet: Fleet, failures: list[str]) -> dict[str, str]:
    """Let retention forget what is an hour old: by the store's clock, nothing."""
    before = len(fleet.store.faults())
    rule = RetentionRule(Action.FORGET, age=_HOUR)
    fleet.store.put("retention", RetentionPolicy((rule,)))
    fleet.store.post("retention/run")
    left = len(fleet.store.faults())
    if left != before:
        failures.append(f"retention forgot {before - left} that had just come")
    return {"retention of an hour": f"forgot {before - left} of {before}"}
