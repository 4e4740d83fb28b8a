"""An overview of this machine as plain data, for ``coresnap status --json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from coresnap.collect.overview import Unknown
from coresnap.views.cli.suppressed import admission_facts

if TYPE_CHECKING:
    from coresnap.collect.disk import Disk
    from coresnap.collect.journal_summary import Failure, JournalSummary
    from coresnap.collect.overview import Overview, SpoolSummary
    from coresnap.collect.sending_state import SendingState
    from coresnap.config import Config

__all__ = ["status_facts"]


def status_facts(overview: Overview, config: Config) -> dict[str, Any]:
    """Return everything; what is not known has ``unknown`` with its reason."""
    daemon = overview.daemon
    return {
        "time": overview.now,
        "capture": attrs.asdict(overview.capture),
        "daemon": _unknown(daemon) if isinstance(daemon, Unknown) else {"pid": daemon},
        "spool": {"path": str(config.spool), **_spool(overview.spool)},
        "disk": _disk(overview.disk),
        "journal": _journal(overview.journal),
        "admission": admission_facts(overview.admission),
        "sending": _sending(overview.sending),
        "last_crash": overview.last_crash,
    }


def _unknown(what: Unknown) -> dict[str, Any]:
    return {"unknown": what.reason}


def _spool(spool: SpoolSummary | Unknown) -> dict[str, Any]:
    if isinstance(spool, Unknown):
        return _unknown(spool)
    stages = {str(part): attrs.asdict(usage) for part, usage in spool.usage.items()}
    return {"stages": stages, "held": attrs.asdict(spool.held)}


def _disk(disk: Disk | Unknown) -> dict[str, Any]:
    if isinstance(disk, Unknown):
        return _unknown(disk)
    return {
        **attrs.asdict(disk),
        "until_quota": disk.until_quota,
        "inodes_until_quota": disk.inodes_until_quota,
        "admitting": disk.is_admitting,
    }


def _journal(journal: JournalSummary | Unknown) -> dict[str, Any]:
    if isinstance(journal, Unknown):
        return _unknown(journal)
    return {
        "states": {state: found.count for state, found in journal.states.items()},
        "oldest": {state: found.oldest for state, found in journal.states.items()},
        "failed": [_failure(one) for one in journal.failed],
        "refused": [_failure(one) for one in journal.refused],
        "confinement": journal.confinement,
        "rungs": journal.rungs,
        "parked": attrs.asdict(journal.parked),
        "totals": journal.totals,
        "last": journal.last,
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return attrs.asdict(failure)


def _sending(state: SendingState | Unknown | None) -> dict[str, Any] | None:
    if state is None:
        return None
    if isinstance(state, Unknown):
        return _unknown(state)
    return {
        "store": state.store,
        "trouble": state.trouble,
        "next_try": state.next_try or None,
        "aside": [attrs.asdict(one) for one in state.aside],
    }
