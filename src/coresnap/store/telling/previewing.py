"""A dry run: what rules would send about a group, and why not. Nothing is sent."""

from __future__ import annotations

import time
from collections.abc import Mapping

from coresnap.errors import CoresnapError, MissingError, QueryError
from coresnap.model.notice import Event
from coresnap.store.api.telling import Preview, WantedPreview
from coresnap.store.groups.finding import find_group
from coresnap.store.project import Project
from coresnap.store.store import Store
from coresnap.store.telling.configured import find_channel, scrubbed
from coresnap.store.telling.deliveries import Waiting, Words
from coresnap.store.telling.delivering import recall, words_of
from coresnap.store.telling.matching import Matched, Matching, after
from coresnap.store.telling.notices import make_notice
from coresnap.store.telling.ruling import Rule, rules_of
from coresnap.store.telling.schedule import length_of
from coresnap.store.telling.ways import Ways

__all__ = ["previews_of"]

_MOST = 64 * 1024


def previews_of(
    store: Store, project: Project, wanted: WantedPreview, ways: Ways
) -> tuple[Preview, ...]:
    """Return what each rule, or the one that is named, would send.

    Raises MissingError for a group or a rule that is not there.
    """
    group = ""
    with store.state.read() as connection:
        rules = rules_of(connection, project)
        if wanted.group is not None:
            group = find_group(connection, project, wanted.group)
    if wanted.rule is not None:
        rules = tuple(rule for rule in rules if rule.name == wanted.rule)
        if not rules:
            raise MissingError(
                f"{project} has no rule {wanted.rule!r}",
                remedy="`coroner integrations list` shows them.",
            )
    event = wanted.event if group else Event.DIGEST
    return tuple(
        _preview(store, project, rule, group, event, ways)
        for rule in rules
        if event is not Event.DIGEST or rule.wanted.digest or wanted.rule
    )


def _preview(
    store: Store, project: Project, rule: Rule, group: str, event: Event, ways: Ways
) -> Preview:
    now = int(time.time())
    with store.state.read() as connection:
        channel = find_channel(connection, project, rule.wanted.channel, ways)
        memory = recall(connection, project, channel.name, group)
    why = _why_not(store, project, rule, group, event, now)
    length = length_of(rule.wanted.digest) if rule.wanted.digest else 24 * 60 * 60
    words = Words(time=now, since=now - length if event is Event.DIGEST else 0)
    waiting = Waiting(0, "0" * 32, rule.name, event, group, words, 0, now)
    notice = make_notice(store, project, waiting, rule.wanted, ways.url)
    text = ""
    if notice is not None:
        try:
            opened = ways.open(channel.kind, channel.settings)
            try:
                text = scrubbed(opened.preview(notice, memory), channel, _MOST)
            finally:
                opened.close()
        except CoresnapError as error:
            why = words_of(error, channel)
    return Preview(
        rule.name, channel.name, channel.kind, would=not why, why=why, text=text
    )


def _why_not(
    store: Store, project: Project, rule: Rule, group: str, event: Event, now: int
) -> str:
    """Say why a rule would not tell this; empty: it would."""
    asked = rule.wanted
    if not asked.is_enabled:
        return "the rule is switched off"
    if event is Event.DIGEST:
        return "" if asked.digest else "the rule has no digest"
    asks: Mapping[Event, object] = {
        Event.COUNT: asked.count,
        Event.HOSTS: asked.hosts,
        Event.RATE: asked.rate,
    }
    if event in asks:
        if asks[event] is None:
            return f"the rule has no {event.value}"
    elif event not in asked.events:
        return f"the rule does not tell {event.value}"
    try:
        matching = Matching(store, project)
        found = matching.match([group], asked.filter).get(group)
        if found is None:
            return "no fault of the group passes the rule's filter"
        if asked.rate and event is Event.RATE:
            since = after(asked.filter, now - asked.rate.seconds)
            found = matching.match([group], since).get(group, Matched(0, 0))
    except QueryError as error:
        return f"the rule's filter cannot be asked: {error}"
    return _too_few(rule, event, found)


def _too_few(rule: Rule, event: Event, found: Matched) -> str:
    asked = rule.wanted
    if event is Event.COUNT and asked.count and found.count < asked.count:
        return f"{found.count} faults are fewer than {asked.count}"
    if event is Event.HOSTS and asked.hosts and found.hosts < asked.hosts:
        return f"{found.hosts} hosts are fewer than {asked.hosts}"
    if event is Event.RATE and asked.rate and found.count < asked.rate.count:
        return f"{found.count} faults are fewer than {asked.rate.count}"
    return ""
