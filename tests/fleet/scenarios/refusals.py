"""A store that says no to some: token revoked, quota reached, asked too often."""

from __future__ import annotations

import time
from pathlib import Path

from fleet.fleet import Fleet, Way, running_fleet
from fleet.orders import Crash
from fleet.result import Result, Scale, conclude

__all__ = ["refusals"]

_RATE = 4
"""Requests a second that one token may make."""
_WATCHED = 8.0
"""Seconds in which those that were refused are watched."""


def refusals(directory: Path, scale: Scale) -> Result:
    """Refuse some hosts, look what they and the others do, and give in."""
    directory.parent.mkdir(exist_ok=True)
    settings = directory.with_name("coronerd.conf")
    settings.write_text(f"[limit]\nrate = {_RATE}/1s\n")
    options = ("--settings", str(settings))
    with running_fleet(directory, options, ("blackhole", "full")) as fleet:
        store = fleet.store
        few = scale.few
        good = [f"good-{number}" for number in range(few)]
        revoked = [f"revoked-{number}" for number in range(few)]
        full = [f"full-{number}" for number in range(few)]
        often = [f"often-{number}" for number in range(2 * few)]
        gone = store.create_token("revoked")
        ways = {
            "full": Way(
                store.address, store.create_token("full").token, project="full"
            ),
            "often": Way(store.address, store.create_token("often").token),
        }
        # Good and revoked hosts share an address, as behind a router.
        site = fleet.add_site(0, revoked, Way(store.address, gone.token))
        for name in good:  # a token for each: they are not to be refused for others
            token = store.create_token(name).token
            fleet.add_hosts(site, [name], Way(store.address, token))
        fleet.add_site(1, full, ways["full"])
        fleet.add_site(2, often, ways["often"])
        fleet.wait_until_ready()
        store.limit("full", few // 3)
        store.revoke(gone)
        fleet.crash(Crash(host, 0) for host in (*good, *revoked))
        fleet.crash(Crash(host, 1, project="full") for host in full)
        fleet.crash(Crash(host, kind, 0.1) for host in often for kind in (0, 1))
        failures: list[str] = []
        fleet.wait_until_ready()
        fleet.wait(lambda: _sent(fleet, good) == few and _sent(fleet, often) == 4 * few)
        time.sleep(_WATCHED)
        facts = {
            "hosts beside those whose token is revoked": _others(fleet, good),
            "token revoked": _tries(fleet, revoked, failures, most=1),
            "quota reached": _tries(fleet, full, failures, most=2),
            f"more than {_RATE} requests a second": _often(fleet, often),
        }
        _give_in(fleet, revoked, full)
        if not fleet.wait_until_sent():
            failures.append(f"{fleet.waiting} still wait")
        return conclude(fleet, "a store that says no to some", facts, failures)


def _sent(fleet: Fleet, hosts: list[str]) -> int:
    names = set(hosts)
    taken = fleet.ledger().taken
    return sum(note.host in names and note.outcome == "sent" for note in taken)


def _others(fleet: Fleet, hosts: list[str]) -> str:
    names = set(hosts)
    taken = [note for note in fleet.ledger().taken if note.host in names]
    refused = [note.reason for note in taken if note.outcome != "sent"]
    slowest = fleet.ledger().seconds(hosts)[-1]
    text = f"refused {len(refused)} times" if refused else "never refused"
    return f"{text}, the slowest snapshot took {slowest:.1f} s"


def _tries(fleet: Fleet, hosts: list[str], failures: list[str], most: int) -> str:
    """Count tries; more than ``most`` of one host are a host that does not listen."""
    ledger, names = fleet.ledger(), set(hosts)
    tries = [note.host for note in ledger.given if note.host in names]
    busiest = max((tries.count(host) for host in hosts), default=0)
    if busiest > most:
        failures.append(f"{busiest} tries of one host that was told to wait")
    said = [n.reason for n in ledger.taken if n.host in names and n.reason]
    sent = _sent(fleet, hosts)
    reason = f"; they say: {said[0]}" if said else ""
    return f"{sent} of {len(hosts)} sent, {len(tries)} tries{reason}"


def _often(fleet: Fleet, hosts: list[str]) -> str:
    ledger, names = fleet.ledger(), set(hosts)
    taken = [note for note in ledger.taken if note.host in names]
    away = [note for note in taken if note.outcome == "away"]
    return (
        f"{len(taken) - len(away)} sent, refused {len(away)} times, "
        f"the slowest took {ledger.seconds(hosts)[-1]:.1f} s"
    )


def _give_in(fleet: Fleet, revoked: list[str], full: list[str]) -> None:
    """What an operator does: another token and a restart; more room and a retry."""
    token = fleet.store.create_token("renewed").token
    way = Way(fleet.store.address, token)
    for name in revoked:
        fleet.configure(fleet.sites[0].directory / name, way)
    fleet.restart(revoked)
    fleet.store.limit("full", None)
    fleet.want(full)
