"""From what changed to deliveries.

It runs beside the puts and costs them nothing. Deliveries, what is told by them and
how far it came are written in one transaction, which fails if another server came as
far meanwhile: nothing is told twice, and nothing is missed after a kill.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping

import attrs
from sqlalchemy import Connection, func, select

from coresnap.errors import QueryError
from coresnap.model.notice import Event
from coresnap.store.project import Project
from coresnap.store.state.dialect import insert_or_ignore, upsert
from coresnap.store.state.tables.telling import CHANNEL_MEMORY, DELIVERIES, TOLD
from coresnap.store.store import Store
from coresnap.store.telling.changed import AUTHOR, Changed, Grown, changed_since
from coresnap.store.telling.deliveries import Words, add
from coresnap.store.telling.matching import Matched, Matching, after
from coresnap.store.telling.progress import advance, find_progress
from coresnap.store.telling.ruling import Rule, note_error, rules_of

__all__ = ["MOST_WAITING", "Wanted", "detect", "detect_all"]

MOST_WAITING = 1000
"""Deliveries of one channel. What is more is found again when the group changes."""
_FIRST = (Event.NEW_GROUP, Event.REGRESSION, Event.HOSTS, Event.COUNT, Event.RATE)
"""Of several at once the first is told, and stands for the others."""


@attrs.frozen
class Wanted:
    """Something that is to be told."""

    rule: Rule
    event: Event
    group: str
    words: Words

    @property
    def channel(self) -> str:
        """Where."""
        return self.rule.wanted.channel


def detect_all(store: Store, project: Project, seconds: float) -> int:
    """Look at all that changed, for so long; return how many deliveries were queued."""
    end = time.monotonic() + seconds
    queued = 0
    while True:
        some, is_all = _look(store, project, int(time.time()))
        queued += some
        if is_all or time.monotonic() > end:
            return queued


def detect(store: Store, project: Project, now: int | None = None) -> int:
    """Look at what changed, once; return how many deliveries were queued."""
    return _look(store, project, int(time.time()) if now is None else now)[0]


def _look(store: Store, project: Project, moment: int) -> tuple[int, bool]:
    """Return also whether there is nothing more to look at."""
    with store.state.read() as connection:
        progress = find_progress(connection, project)
        if progress is None:
            return 0, True
        rules = rules_of(connection, project)
        if not rules:
            return 0, True  # the first rule begins where the project is then
        changed = changed_since(connection, project, progress)
        groups = {grown.group for grown in changed.grown}
        told = _told(connection, project, groups)
        memories = _memories(connection, project, {h.group for h in changed.happened})
    has_nothing = changed.is_all and not (changed.grown or changed.happened)
    # Without progress two servers could not tell that both were here.
    if has_nothing or changed.progress == progress:
        return 0, True
    enabled = [rule for rule in rules if rule.wanted.is_enabled]
    wanted: list[Wanted] = []
    matching = Matching(store, project)
    for rule in enabled:
        wanted += _of_rule(matching, rule, changed, told, moment)
    by_name = {rule.name: rule for rule in enabled}
    wanted += _followed(changed, memories, by_name)

    def write(connection: Connection) -> int:
        if not advance(connection, project, progress, changed.progress):
            return 0
        return _queue(connection, project, wanted, moment)

    return store.state.transact(write), changed.is_all


def _told(
    connection: Connection, project: Project, groups: Collection[str]
) -> dict[tuple[str, str, str], int]:
    """Return when each rule told what of which group."""
    columns = TOLD.c
    rows = connection.execute(
        select(columns.rule, columns.group, columns.what, columns.time).where(
            columns.project == project.id, columns.group.in_(list(groups))
        )
    )
    return {(rule, group, what): time for rule, group, what, time in rows}


def _memories(
    connection: Connection, project: Project, groups: Collection[str]
) -> list[tuple[str, str, str]]:
    """Return channel, group and rule of what was told of some groups."""
    columns = CHANNEL_MEMORY.c
    rows = connection.execute(
        select(columns.channel, columns.group, columns.rule).where(
            columns.project == project.id, columns.group.in_(list(groups))
        )
    )
    return [(channel, group, rule) for channel, group, rule in rows]


def _of_rule(
    matching: Matching,
    rule: Rule,
    changed: Changed,
    told: Mapping[tuple[str, str, str], int],
    now: int,
) -> list[Wanted]:
    """Return what one rule asks for; a filter that makes no sense is noted."""
    try:
        wanted = [
            *_grown(matching, rule, changed.grown, told, now),
            *_happened(matching, rule, changed),
        ]
    except QueryError as error:
        message = str(error)
        store, project = matching.store, matching.project
        store.state.transact(lambda c: note_error(c, project, rule.name, message))
        return []
    if rule.error:
        store, project = matching.store, matching.project
        store.state.transact(lambda c: note_error(c, project, rule.name, ""))
    return wanted


def _grown(
    matching: Matching,
    rule: Rule,
    grown: Iterable[Grown],
    told: Mapping[tuple[str, str, str], int],
    now: int,
) -> list[Wanted]:
    """Groups that are new, or many, or on many hosts, or quick."""
    asked = rule.wanted
    open_events: dict[str, list[Event]] = {}
    counts: dict[str, int] = {}
    for one in grown:
        events = [
            event
            for event in _possible(rule, one)
            if _is_due(rule, event, told.get((rule.name, one.group, event)), now)
        ]
        if events:
            open_events[one.group], counts[one.group] = events, one.count
    needs_index = asked.filter or asked.hosts
    found = (
        matching.match(open_events, asked.filter)
        if needs_index
        else {group: Matched(count, 0) for group, count in counts.items()}
    )
    quick: dict[str, Matched] = {}
    if asked.rate:
        hurried = [g for g, events in open_events.items() if Event.RATE in events]
        since = after(asked.filter, now - asked.rate.seconds)
        quick = matching.match(hurried, since)
    return [
        Wanted(rule, event, group, Words(why=why, time=now))
        for group, events in open_events.items()
        if group in found
        for event in events
        if (why := _reason(rule, event, found[group], quick.get(group))) is not None
    ]


def _possible(rule: Rule, grown: Grown) -> list[Event]:
    """Return the events that a group's own numbers do not exclude."""
    asked = rule.wanted
    events = []
    if Event.NEW_GROUP in asked.events and grown.created > rule.since:
        events.append(Event.NEW_GROUP)
    if asked.hosts and grown.count >= asked.hosts:
        events.append(Event.HOSTS)
    if asked.count and grown.count >= asked.count:
        events.append(Event.COUNT)
    if asked.rate and grown.count >= asked.rate.count:
        events.append(Event.RATE)
    return events


def _is_due(rule: Rule, event: Event, last: int | None, now: int) -> bool:
    if last is None:
        return True
    rate = rule.wanted.rate
    return event is Event.RATE and rate is not None and now - last >= rate.seconds


def _reason(
    rule: Rule, event: Event, matched: Matched, quick: Matched | None
) -> str | None:
    """Say why it is told; None: it is not so."""
    asked = rule.wanted
    if event is Event.NEW_GROUP:
        return ""
    if event is Event.HOSTS and asked.hosts and matched.hosts >= asked.hosts:
        return f"on {matched.hosts} hosts, {asked.hosts} are to be told"
    if event is Event.COUNT and asked.count and matched.count >= asked.count:
        return f"{matched.count} faults, {asked.count} are to be told"
    rate = asked.rate
    if event is Event.RATE and rate and quick and quick.count >= rate.count:
        return f"{quick.count} faults in {rate.seconds} s"
    return None


def _happened(matching: Matching, rule: Rule, changed: Changed) -> list[Wanted]:
    """What was done to groups, or by itself."""
    asked = [h for h in changed.happened if h.event in rule.wanted.events]
    if asked and rule.wanted.filter:
        groups = {h.words.other or h.group for h in asked}
        found = matching.match(groups, rule.wanted.filter)
        asked = [h for h in asked if (h.words.other or h.group) in found]
    return [Wanted(rule, h.event, h.group, h.words) for h in asked]


def _followed(
    changed: Changed,
    memories: Iterable[tuple[str, str, str]],
    rules: Mapping[str, Rule],
) -> list[Wanted]:
    """What was done to groups of which a channel was told before."""
    wanted = []
    for channel, group, name in memories:
        rule = rules.get(name)
        if rule is None or rule.wanted.channel != channel or not rule.wanted.follows:
            continue
        wanted += [
            Wanted(rule, happened.event, group, happened.words)
            for happened in changed.happened
            if happened.group == group
        ]
    return wanted


def _queue(
    connection: Connection, project: Project, wanted: Iterable[Wanted], now: int
) -> int:
    """Write deliveries: of each channel, group and event one."""
    room = _room(connection, project)
    chosen: dict[tuple[str, str, str], Wanted] = {}
    for one in wanted:
        if one.words.who == f"{AUTHOR}{one.channel}":
            continue  # it came from there
        kind = "first" if one.event in _FIRST else one.event.value
        key = (one.channel, one.group, kind)
        left = room.setdefault(one.channel, MOST_WAITING)
        if key not in chosen and left <= 0:
            continue
        _note_told(connection, project, one, now)
        room[one.channel] = left if key in chosen else left - 1
        if kind != "first" or key not in chosen or _rank(one) < _rank(chosen[key]):
            chosen[key] = one
    for (channel, group, _), one in chosen.items():
        add(connection, project, channel, one.rule.name, one.event, group, one.words)
    return len(chosen)


def _rank(wanted: Wanted) -> int:
    return _FIRST.index(wanted.event)


def _room(connection: Connection, project: Project) -> dict[str, int]:
    columns = DELIVERIES.c
    rows = connection.execute(
        select(columns.channel, func.count())
        .where(columns.project == project.id, columns.state == "waiting")
        .group_by(columns.channel)
    )
    return {channel: MOST_WAITING - count for channel, count in rows}


def _note_told(connection: Connection, project: Project, one: Wanted, now: int) -> None:
    row = {
        "project": project.id,
        "rule": one.rule.name,
        "group": one.group,
        "what": one.event,
        "time": now,
    }
    if one.event is Event.RATE:
        upsert(connection, TOLD, row, ("project", "rule", "group", "what"))
    else:
        insert_or_ignore(connection, TOLD, row)
