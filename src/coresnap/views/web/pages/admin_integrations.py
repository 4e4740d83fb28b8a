"""Administration: which channels tell people what, and what became of it."""

from __future__ import annotations

import msgspec

from coresnap.errors import ConfigError, CoresnapError, UsageError
from coresnap.model.notice import Event
from coresnap.store.api.telling import (
    ChannelKind,
    DigestTime,
    NewChannel,
    RateOf,
    TellingRule,
    WantedPreview,
)
from coresnap.store.query.filter_words import all_of, parse_filter
from coresnap.store.server.call import Content
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_EVENTS = (Event.NEW_GROUP, Event.REGRESSION, Event.STATE, Event.MERGE)
_LOGGED = 50
_DAILY = "daily"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _page(visit: Visit, error: str = "") -> Shown:
    kinds: tuple[ChannelKind, ...] = visit.ask("list_channel_kinds").kinds
    log = {"limit": _LOGGED}
    context = {
        "kinds": kinds,
        "kind_of": {kind.name: kind for kind in kinds},
        "telling": visit.ask("get_telling"),
        "log": visit.ask("telling_log", parameters=log).deliveries,
        "events": _EVENTS,
        "days": _DAYS,
        "given": visit.one,
        "previews": _previews(visit),
        "words": _words,
        "error": error,
    }
    return Shown("admin_integrations.html", context, 400 if error else 200)


def _previews(visit: Visit) -> object:
    group = visit.query.get("preview", ("",))[-1].strip()
    if not group:
        return None
    return visit.ask("preview_telling", body=WantedPreview(group)).previews


def _change(visit: Visit) -> Shown | Redirect | Content:
    try:
        message = _changed(visit)
    except (UsageError, ConfigError) as error:
        remedy = f" {error.remedy}" if error.remedy else ""
        return _page(visit, f"{error}.{remedy}")
    return Redirect(visit.url.partition("?")[0], message)


def _changed(visit: Visit) -> str:
    action, name = visit.one("action"), visit.one("name").strip()
    if action == "channel":
        visit.ask("set_channel", {"channel": name}, body=_channel(visit))
        return f"{name} is set. Send a test, to see that it works."
    if action == "remove-channel":
        visit.ask("remove_channel", {"channel": name})
        return f"{name} is removed, with its rules."
    if action == "test":
        return _tested(visit, name)
    if action == "rule":
        visit.ask("set_telling_rule", {"rule": name}, body=_rule(visit))
        return f"The rule {name} holds."
    if action == "remove-rule":
        visit.ask("remove_telling_rule", {"rule": name})
        return f"The rule {name} is removed."
    if action == "retry":
        visit.ask("retry_delivery", {"delivery": visit.one("delivery")})
        return "It is tried again now."
    raise UsageError(f"nothing is called {action[:40]!r}")


def _tested(visit: Visit, name: str) -> str:
    try:
        return f"{name}: {visit.ask('test_channel', {'channel': name}).line}"
    except CoresnapError as error:
        raise UsageError(f"{name}: {error}", remedy=error.remedy) from None


def _channel(visit: Visit) -> NewChannel:
    kind = visit.one("kind")
    for known in visit.ask("list_channel_kinds").kinds:
        if known.name == kind:
            given = {s.name: visit.one(f"set.{s.name}").strip() for s in known.settings}
            return NewChannel(kind, {k: v for k, v in given.items() if v})
    raise UsageError(f"there is no kind {kind[:40]!r}")


def _rule(visit: Visit) -> TellingRule:
    words = visit.one("filter").split()
    filters = [parse_filter(word) for word in words]
    try:
        events = tuple(Event(one) for one in visit.all("event"))
    except ValueError as error:
        raise UsageError(str(error)) from None
    rate, minutes = visit.number("rate"), visit.number("minutes")
    return TellingRule(
        channel=visit.one("channel"),
        events=events,
        filter=all_of(filters) if filters else None,
        count=visit.number("count"),
        hosts=visit.number("hosts"),
        rate=None if rate is None else RateOf(rate, 60 * (minutes or 60)),
        digest=_digest(visit),
    )


def _digest(visit: Visit) -> DigestTime | None:
    day = visit.one("digest")
    hour = visit.number("hour")
    hour = 8 if hour is None else hour
    if day == _DAILY:
        return DigestTime(hour)
    return DigestTime(hour, _DAYS.index(day)) if day in _DAYS else None


def _words(rule: TellingRule) -> str:
    """Return a rule in words, as short as it is."""
    parts = [str(event) for event in rule.events]
    if rule.count is not None:
        parts.append(f"{rule.count} faults")
    if rule.hosts is not None:
        parts.append(f"{rule.hosts} hosts")
    if rule.rate is not None:
        parts.append(f"{rule.rate.count} faults in {rule.rate.seconds // 60} minutes")
    if rule.digest is not None:
        day = rule.digest.weekday
        when = "daily" if day is None else f"every {_DAYS[day]}"
        parts.append(f"digest {when} at {rule.digest.hour}:00 UTC")
    text = ", ".join(parts)
    if rule.filter is not None:
        text += f"; only {msgspec.json.encode(rule.filter).decode()}"
    return text if rule.is_enabled else f"(off) {text}"


PAGES = (
    Page(f"{SCOPE}/admin/integrations", _page),
    Page(f"{SCOPE}/admin/integrations", _change, "POST"),
)
