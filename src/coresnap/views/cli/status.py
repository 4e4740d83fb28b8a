"""``coresnap status``: who gets the crashes, and how far each has come."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from coresnap.errors import AccessError, MissingError
from coresnap.snapshot.escape import printable, without_surrogates
from coresnap.views.cli.capture_statistics import (
    capture_statistics,
    statistics_lines,
)
from coresnap.views.cli.install import settings_lines
from coresnap.views.cli.output import emit
from coresnap.views.cli.suppressed import admission_facts, admission_lines
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.backends.base import CaptureStatus
    from coresnap.config import Config

NAME = "status"
HELP = "who gets the crashes, and how far they have come"
DESCRIPTION = """\
Says who gets this machine's crashes and with which settings, whether the daemon runs,
what the spool holds, what storms kept out of it, what waits or was given up and why,
how much was kept of the cores and how long crashed processes were held for it, and what
the last worker could take from itself before it read a core. Changes nothing and needs
no rights, but says less without them.
"""

_FAILED_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``status``."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the status."""
    import attrs

    from coresnap.backends import select
    from coresnap.config import load_config

    config = load_config(arguments.config)
    capture = select(config).status()
    facts = _daemon(config) | _spool(config) | _journal(config)
    facts |= {"admission": admission_facts(config), "sending": _sending(config)}
    if arguments.json:
        everything = {"capture": attrs.asdict(capture), **facts}
        emit(json.dumps(without_surrogates(everything)) + "\n")
    else:
        lines = [*_capture_lines(capture), *_fact_lines(facts), *_sending_lines(facts)]
        emit("\n".join(lines) + "\n")
    return 0


def _daemon(config: Config) -> dict[str, Any]:
    from coresnap.collect.journal import is_locked

    try:
        return {"daemon": {"pid": is_locked(config.journal)}}
    except AccessError as error:
        return {"daemon": {"unknown": str(error)}}


def _spool(config: Config) -> dict[str, Any]:
    from coresnap.collect.spool import Spool

    try:
        with Spool(config.spool) as spool:
            usage = spool.usage()
    except (AccessError, MissingError) as error:
        return {"spool": {"path": str(config.spool), "unknown": str(error)}}
    stages = {
        part: {"objects": u.objects, "size": u.size, "disk_size": u.disk_size}
        for part, u in usage.items()
    }
    return {"spool": {"path": str(config.spool), "stages": stages}}


def _journal(config: Config) -> dict[str, Any]:
    from coresnap.collect.journal import State, read_entries

    try:
        entries = sorted(read_entries(config.journal).values(), key=lambda e: e.changed)
    except (AccessError, MissingError) as error:
        return {"journal": {"unknown": str(error)}}
    counts = {state: sum(e.state is state for e in entries) for state in State}
    failed = [
        {"id": e.id, "reason": str(e.detail.get("reason", "?"))}
        for e in entries
        if e.state is State.FAILED
    ]
    worked = [e.detail["confinement"] for e in entries if "confinement" in e.detail]
    return {
        "journal": {
            "states": {s: n for s, n in counts.items() if s is not State.GONE},
            "failed": failed,
            "confinement": worked[-1] if worked else None,
            **capture_statistics(entries),
        }
    }


def _sending(config: Config) -> dict[str, Any] | None:
    from coresnap.collect.sending_state import read_sending_state

    try:
        state = read_sending_state(config.sending_state)
    except AccessError as error:
        return {"unknown": str(error)}
    if state is None:
        return None
    return {
        "store": state.store,
        "trouble": state.trouble,
        "next_try": state.next_try or None,
        "aside": [{"id": one.id, "reason": one.reason} for one in state.aside],
    }


def _sending_lines(facts: dict[str, Any]) -> list[str]:
    sending, states = facts["sending"], facts["journal"].get("states", {})
    if sending is None:
        return []
    if "unknown" in sending:
        return [f"sending: {sending['unknown']}"]
    waiting, refused = states.get("ready", 0), states.get("refused", 0)
    line = f"sending: to {printable(sending['store'])}, {waiting} wait"
    line += f", {refused} were refused" if refused else ""
    lines = [line]
    for one in sending["aside"][-_FAILED_SHOWN:]:
        lines.append(f"  set aside: {one['id']}: {printable(one['reason'])}")
    if sending["trouble"]:
        lines.append(f"  {printable(sending['trouble'])}")
    if sending["next_try"]:
        wait = max(0, sending["next_try"] - int(time.time()))
        lines.append(f"  the next try comes within {wait} s")
    return lines


def _capture_lines(capture: CaptureStatus) -> list[str]:
    ours = "coresnap (installed)" if capture.installed else printable(capture.owner)
    return [f"crashes go to: {ours}", *settings_lines(capture)]


def _fact_lines(facts: dict[str, Any]) -> list[str]:
    daemon, spool, journal = facts["daemon"], facts["spool"], facts["journal"]
    pid = daemon.get("pid")
    running = f"runs as process {pid}" if pid is not None else "does not run"
    lines = [f"daemon: {daemon.get('unknown', running)}"]
    lines.append(f"spool: {printable(spool.get('unknown', spool['path']))}")
    for part, used in spool.get("stages", {}).items():
        size = (
            f"{decimal_size(used['size'])}, {decimal_size(used['disk_size'])} on disk"
        )
        lines.append(f"  {part:<8} {used['objects']} objects, {size}")
    lines += admission_lines(facts["admission"])
    if "unknown" in journal:
        return [*lines, f"journal: {journal['unknown']}"]
    states = ", ".join(f"{n} {state}" for state, n in journal["states"].items())
    lines.append(f"journal: {states}")
    for failed in journal["failed"][-_FAILED_SHOWN:]:
        lines.append(f"  given up: {failed['id']}: {printable(failed['reason'])}")
    lines += statistics_lines(journal)
    if journal["confinement"] is not None:
        lines.append(
            f"last worker: {', '.join(journal['confinement']) or 'unconfined'}"
        )
    return lines
