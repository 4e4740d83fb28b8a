"""Why does the store not have it? What a doctor finds between here and there."""

from __future__ import annotations

import contextlib
import email.utils
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from coresnap.backends.base import Finding, Level
from coresnap.collect.journal import Entry, State, read_entries
from coresnap.collect.sending_state import SendingState, read_sending_state
from coresnap.config import Config
from coresnap.config.store_config import StoreConfig
from coresnap.daemon.courier import token_for
from coresnap.daemon.parcel import DEFAULT_PROJECT
from coresnap.daemon.sender import read_store
from coresnap.errors import (
    AccessError,
    ConfigError,
    CoresnapError,
    DeniedError,
    MissingError,
)

if TYPE_CHECKING:
    from coresnap.store.client.client import Client

__all__ = ["diagnose_sending"]

_SILENCE_SECONDS = 10.0
_CLOCK_SECONDS = 60.0
"""How far two clocks may be apart: requests take a while, and nobody is exact."""
_LONG_SECONDS = 3600.0
_PROJECTS = 20
_NO_FAULT = "0" * 32
_AS_ROOT = "Run `coresnap doctor` as root."


def diagnose_sending(config: Config) -> tuple[Finding, ...]:
    """Check the store, the tokens, the clock, and what waits here."""
    path = None
    try:
        if (path := config.store_file) is None:
            return (_without_store("there is no coroner.cf"),)
        store = read_store(path)
    except MissingError as error:
        return (_without_store(str(error)),)
    except (AccessError, PermissionError):
        message = f"{path or 'coroner.cf'} may not be read by this user"
        return (Finding("store", Level.WARN, message, _AS_ROOT), *_check_queue(config))
    except CoresnapError as error:
        remedy = f"Correct {path}, then restart coresnapd."
        finding = Finding("store", Level.FAIL, str(error), error.remedy or remedy)
        return (finding, *_check_queue(config))
    return (*_check_store(store, _projects(config)), *_check_queue(config))


def _without_store(why: str) -> Finding:
    return Finding("store", Level.OK, f"{why}: snapshots stay on this machine")


# --- there --------------------------------------------------------------------------


def _check_store(store: StoreConfig, projects: Sequence[str]) -> Iterator[Finding]:
    try:
        with _open(store, DEFAULT_PROJECT, "") as client:
            yield from _check_answer(client, store.write)
    except CoresnapError as error:
        remedy = error.remedy or "Correct `write` in coroner.cf."
        yield Finding("store", Level.FAIL, str(error), remedy)
        return
    for project in projects:
        yield _check_token(store, project)


def _check_answer(client: Client, address: str) -> Iterator[Finding]:
    from coresnap.store.api.service import HEALTH

    before = time.time()
    url = client.connection.address(HEALTH.path, writes=True)
    answer = client.connection.send(HEALTH.method, url)
    now = (before + time.time()) / 2
    yield Finding("store", Level.OK, f"{address} answers")
    with contextlib.suppress(TypeError, ValueError):
        date = email.utils.parsedate_to_datetime(answer.headers.get("date", ""))
        yield _compare_clocks(now - date.timestamp())


def _compare_clocks(ahead: float) -> Finding:
    if abs(ahead) <= _CLOCK_SECONDS:
        message = "this machine and the store have the same time"
        return Finding("store-clock", Level.OK, message)
    direction = "ahead of" if ahead > 0 else "behind"
    message = f"this clock is {_span(abs(ahead))} {direction} the store's"
    remedy = "Set the wrong one, with NTP: crashes get times that never were."
    return Finding("store-clock", Level.WARN, message, remedy)


def _check_token(store: StoreConfig, project: str) -> Finding:
    from coresnap.store.api.faults import ASK, Question

    try:
        token = token_for(store, project)
        with _open(store, project, token) as client:
            client.call(ASK, Question(_NO_FAULT, "", 0))
    except (DeniedError, ConfigError) as error:
        remedy = error.remedy or "`coroner token create` makes one that may post."
        message = f"project {project}: {error}"
        return Finding("store-token", Level.FAIL, message, remedy)
    except MissingError as error:
        remedy = "`coroner project create` makes it, `format.N` routes elsewhere."
        return Finding("store-token", Level.FAIL, str(error), remedy)
    except CoresnapError as error:
        remedy = error.remedy or "Ask again; the store's log says more."
        return Finding("store-token", Level.WARN, f"project {project}: {error}", remedy)
    message = f"token {token} may send to project {project}"
    return Finding("store-token", Level.OK, message)


def _open(store: StoreConfig, project: str, token: str) -> Client:
    from coresnap.store.client.client import open_client
    from coresnap.store.client.connection import Patience

    patience = Patience(tries=1, silence=_SILENCE_SECONDS)
    return open_client(store, project, token, patience=patience)


# --- here ---------------------------------------------------------------------------


def _entries(config: Config) -> list[Entry]:
    # What keeps a journal from being read is another check's to tell.
    with contextlib.suppress(CoresnapError):
        return list(read_entries(config.journal).values())
    return []


def _projects(config: Config) -> Sequence[str]:
    found = {
        str(entry.detail.get("project") or DEFAULT_PROJECT)
        for entry in _entries(config)
        if entry.state.is_analysed
    }
    return sorted(found or {DEFAULT_PROJECT})[:_PROJECTS]


def _check_queue(config: Config) -> Iterator[Finding]:
    entries = _entries(config)
    state = None
    with contextlib.suppress(AccessError):
        state = read_sending_state(config.sending_state)
    waiting = [entry for entry in entries if entry.state is State.READY]
    yield _check_waiting(waiting, state)
    yield from _check_aside(waiting, state)
    yield from _check_refused(entries)


def _check_waiting(waiting: Sequence[Entry], state: SendingState | None) -> Finding:
    if not waiting:
        return Finding("sending", Level.OK, "no snapshot waits for the store")
    age = max(0.0, time.time() - min(e.arrived for e in waiting) / 1e9)
    many = f"{len(waiting)} snapshots wait" if len(waiting) > 1 else "a snapshot waits"
    message = f"{many} for the store, the oldest for {_span(age)}"
    if state is not None and state.trouble:
        message += f": {state.trouble}"
    elif age <= _LONG_SECONDS:
        return Finding("sending", Level.OK, message)
    remedy = "`coresnap status` says when the next try comes, coresnapd's log more."
    return Finding("sending", Level.WARN, message, remedy)


def _check_aside(
    waiting: Sequence[Entry], state: SendingState | None
) -> Iterator[Finding]:
    ids = {entry.id for entry in waiting}
    aside = [a for a in state.aside if a.id in ids] if state is not None else []
    if aside:
        last = aside[-1]
        message = f"{len(aside)} set aside and not sent; the last, {last.id}: "
        remedy = f"coresnap retry sending/{last.id}"
        yield Finding("sending-aside", Level.WARN, message + last.reason, remedy)


def _check_refused(entries: Sequence[Entry]) -> Iterator[Finding]:
    refused = [entry for entry in entries if entry.state is State.REFUSED]
    if refused:
        last = max(refused, key=lambda entry: entry.changed)
        message = f"{len(refused)} refused by the store; the last, {last.id}: "
        message += str(last.detail.get("reason", "?"))
        remedy = f"coresnap retry sending/{last.id}"
        yield Finding("sending-refused", Level.WARN, message, remedy)


def _span(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
