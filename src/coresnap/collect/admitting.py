"""Decides which crashes are archived: of many alike some, and the first of each kind.

As ``native/catch/admission.c``, for systems whose kernel runs no handler of ours. The
rest is counted. Decisions are the same, bit by bit, and a test compares them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from pathlib import Path

import attrs

from coresnap.collect.admission_table import (
    AdmissionTable,
    ExecutableSlot,
    Header,
    KindSlot,
    UserSlot,
)
from coresnap.collect.bucket import give_back, has_token, settle, take_token
from coresnap.config import Config, Policy, Rate
from coresnap.errors import CoresnapError

__all__ = ["Admitter", "Clock", "Decision", "Request", "kind_of"]

_SECOND = 1_000_000_000
_ABSENCE_LIMIT = 10 * 365 * 24 * 3600 * _SECOND
_USER_KINDS = 10
"""New kinds of one user, times those of one executable."""
_U32 = (1 << 32) - 1
_START = secrets.token_bytes(16)
"""Of this process: as long as it lives, nobody can turn its clock."""


@attrs.frozen
class Clock:
    """Two clocks, nanoseconds: one that cannot be turned while ``boot_id`` is."""

    boot_id: bytes
    boottime: int
    realtime: int

    @classmethod
    def now(cls) -> Clock:
        """Read both."""
        return cls(_START, time.monotonic_ns(), time.time_ns())


@attrs.frozen
class Request:
    """One crash that asks to be archived."""

    fault: int
    """Of 64 bits: what crashes of one kind have in common."""
    executable: int
    """Of 64 bits."""
    uid: int
    """-1 if unknown."""
    signal: int
    path: str
    """Of the executable, or its name."""


@attrs.frozen
class Decision:
    """What was decided, and what it took."""

    admitted: bool
    counted: bool = False
    """Else the table could not be had."""
    is_new: bool = False
    took_rate: bool = False
    took_kind: bool = False
    missed: int = 0
    """Crashes of this kind since the last one that was archived."""
    tell: bool = True
    """Of a crash not archived, at most once a second for a kind."""


def kind_of(path: str, uid: int, signal: int, place: str) -> Request:
    """Return the request of a crash that was at ``place`` of its program."""
    executable = _number(os.fsencode(path))
    what = b"\0".join([os.fsencode(path), b"%d" % signal, os.fsencode(place)])
    return Request(_number(what), executable, uid, signal, path)


def _number(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "little")


@attrs.define
class _Entry:
    """What the table knows that concerns one crash."""

    table: AdmissionTable
    kind: KindSlot
    executable: ExecutableSlot
    user: UserSlot
    offsets: tuple[int, int, int]

    @property
    def header(self) -> Header:
        return self.table.header

    def save(self) -> None:
        self.table.save_header()
        slots = (self.kind, self.executable, self.user)
        for slot, offset in zip(slots, self.offsets, strict=True):
            self.table.save(slot, offset)


@attrs.frozen
class Admitter:
    """Decides by the table at ``path``, by the settings of today."""

    path: Path

    def decide(
        self,
        request: Request,
        config: Config,
        policy: Policy,
        clock: Clock | None = None,
    ) -> Decision:
        """Admit a crash or not. Without a table all are, unless nothing is kept."""
        keeps = policy.keep != "nothing"
        try:
            with AdmissionTable(self.path) as table:
                entry = _load(table, request, config, policy, clock or Clock.now())
                decision = _decide(entry, config, policy)
                decision = _count(entry, request, decision)
                if not decision.admitted:
                    decision = _choose_telling(entry, decision)
                entry.save()
        except CoresnapError:
            return Decision(admitted=keeps)
        return decision

    def withdraw(
        self,
        request: Request,
        decision: Decision,
        config: Config,
        policy: Policy,
        clock: Clock | None = None,
    ) -> None:
        """Take back that a crash was admitted: it could not be archived.

        The next of its kind is as new as this one was.
        """
        if not decision.counted:
            return
        with (
            contextlib.suppress(CoresnapError),
            AdmissionTable(self.path) as table,
        ):
            entry = _load(table, request, config, policy, clock or Clock.now())
            _give_back(entry, decision, config, policy)
            _choose_telling(entry, decision)
            entry.save()


def _load(
    table: AdmissionTable,
    request: Request,
    config: Config,
    policy: Policy,
    clock: Clock,
) -> _Entry:
    _advance(table.header, clock)
    kind, kind_at = table.find_kind(request.fault, request.uid)
    executable, executable_at = table.find_executable(request.executable, request.uid)
    user, user_at = table.find_user(request.uid)
    header, now = table.header, table.header.now
    header.full_at = settle(header.full_at, config.storm_rate_global, now)
    executable.full_at = settle(executable.full_at, policy.storm_rate, now)
    executable.kinds_full_at = settle(executable.kinds_full_at, policy.storm_kinds, now)
    user.kinds_full_at = settle(user.kinds_full_at, _user_kinds(config), now)
    return _Entry(table, kind, executable, user, (kind_at, executable_at, user_at))


def _advance(header: Header, clock: Clock) -> None:
    """Let the table's clock go on.

    Within a boot nobody can turn the clock. Across boots there is only the one that
    people set: what it claims is believed up to a limit, and never below zero.
    """
    same_boot = header.boot_id == clock.boot_id
    last = header.boottime if same_boot else header.realtime
    now = clock.boottime if same_boot else clock.realtime
    # A table without a crash has no time from which some could have passed.
    passed = now - last if header.seen and 0 <= last < now else 0
    header.now += min(passed, _ABSENCE_LIMIT)
    header.boot_id = clock.boot_id
    header.boottime, header.realtime = clock.boottime, clock.realtime


def _user_kinds(config: Config) -> Rate:
    rate = config.storm_kinds
    burst = rate.burst * _USER_KINDS if rate.burst < _U32 // _USER_KINDS else 0
    return Rate(burst, rate.seconds)


def _decide(entry: _Entry, config: Config, policy: Policy) -> Decision:
    is_new = not _is_remembered(entry, config.storm_remember)
    if policy.keep == "nothing":
        # A slot costs a token, so that nobody can push others' kinds out of the table.
        took = not entry.kind.used_at and _take_kind(entry, config, policy)
        return Decision(admitted=False, counted=True, is_new=is_new, took_kind=took)
    took_kind = is_new and _take_kind(entry, config, policy)
    took_rate = _take_rate(entry, config, policy)
    admitted = took_kind or took_rate
    if is_new and admitted:
        entry.kind.new_at = entry.header.now
    return Decision(
        admitted=admitted,
        counted=True,
        is_new=is_new,
        took_rate=took_rate,
        took_kind=took_kind,
    )


def _is_remembered(entry: _Entry, seconds: int) -> bool:
    now, new_at = entry.header.now, entry.kind.new_at
    return bool(new_at) and new_at <= now and now - new_at < seconds * _SECOND


def _take_kind(entry: _Entry, config: Config, policy: Policy) -> bool:
    own, user, now = policy.storm_kinds, _user_kinds(config), entry.header.now
    executable, of_user = entry.executable, entry.user
    if not has_token(executable.kinds_full_at, own, now):
        return False
    if not has_token(of_user.kinds_full_at, user, now):
        return False
    executable.kinds_full_at = take_token(executable.kinds_full_at, own, now)
    of_user.kinds_full_at = take_token(of_user.kinds_full_at, user, now)
    return True


def _take_rate(entry: _Entry, config: Config, policy: Policy) -> bool:
    own, everybody, now = policy.storm_rate, config.storm_rate_global, entry.header.now
    executable, header = entry.executable, entry.header
    if not has_token(executable.full_at, own, now):
        return False
    if not has_token(header.full_at, everybody, now):
        return False
    executable.full_at = take_token(executable.full_at, own, now)
    header.full_at = take_token(header.full_at, everybody, now)
    return True


def _count(entry: _Entry, request: Request, decision: Decision) -> Decision:
    decision = _count_kind(entry, request, decision)
    header, executable, admitted = entry.header, entry.executable, decision.admitted
    executable.name = _name(request.path, 56)
    executable.used_at = entry.user.used_at = header.now
    executable.last = header.realtime
    for counts in (executable, header):
        counts.seen += 1
        counts.archived += admitted
        counts.suppressed += not admitted
    return decision


def _count_kind(entry: _Entry, request: Request, decision: Decision) -> Decision:
    kind, header = entry.kind, entry.header
    if not kind.used_at:
        if not decision.took_kind and not decision.took_rate:
            return decision
        kind.first = header.realtime
        kind.executable = request.executable
        kind.signal = request.signal
        kind.name = _name(request.path, 28)
    kind.used_at = header.now
    kind.last = header.realtime
    kind.seen += 1
    kind.archived += decision.admitted
    kind.suppressed += not decision.admitted
    missed, kind.missed = kind.missed, 0 if decision.admitted else kind.missed + 1
    return attrs.evolve(decision, missed=missed)


def _name(path: str, size: int) -> bytes:
    return os.fsencode(path.rpartition("/")[2])[: size - 1]


def _choose_telling(entry: _Entry, decision: Decision) -> Decision:
    header, kind = entry.header, entry.kind
    tell_log = tell = _is_due(header.told_at, header.now)
    if kind.used_at:
        tell = _is_due(kind.told_at, header.now)
        if tell:
            kind.told_at = header.now
    header.untold = 0 if tell_log else header.untold + 1
    if tell_log:
        header.told_at = header.now
    return attrs.evolve(decision, tell=tell)


def _is_due(told_at: int, now: int) -> bool:
    return not told_at or told_at > now or now - told_at >= _SECOND


def _give_back(
    entry: _Entry, decision: Decision, config: Config, policy: Policy
) -> None:
    header, executable, user, kind = (
        entry.header,
        entry.executable,
        entry.user,
        entry.kind,
    )
    now = header.now
    if decision.took_kind:
        own, mine = policy.storm_kinds, _user_kinds(config)
        executable.kinds_full_at = give_back(executable.kinds_full_at, own, now)
        user.kinds_full_at = give_back(user.kinds_full_at, mine, now)
    if decision.is_new:
        kind.new_at = 0
    if decision.took_rate:
        everybody = config.storm_rate_global
        executable.full_at = give_back(executable.full_at, policy.storm_rate, now)
        header.full_at = give_back(header.full_at, everybody, now)
    header.archived -= header.archived > 0
    header.refused += 1
    executable.archived -= executable.archived > 0
    if kind.used_at:
        kind.archived -= kind.archived > 0
        kind.missed += decision.missed + 1
