"""One group: what happened, to whom, and what people decide about it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from coresnap.errors import UsageError
from coresnap.snapshot.short_names import short_function
from coresnap.store.api.group_changes import Merge, Unmerge
from coresnap.store.api.groups import GroupDetails, HistoryEntry, NewComment
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.groups.conditions import described
from coresnap.store.groups.history import STORE
from coresnap.store.server.call import Content
from coresnap.views.web.address import Address
from coresnap.views.web.attributes import known_attributes
from coresnap.views.web.drawing.bars import share_bar
from coresnap.views.web.drawing.trend import trend
from coresnap.views.web.groups.about import Seen, faults_of, faults_query, seen_query
from coresnap.views.web.groups.changing import ENDS, change_of
from coresnap.views.web.groups.narrowing import Narrowing
from coresnap.views.web.groups.period import PERIODS
from coresnap.views.web.groups.title import short_title
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit
from coresnap.views.web.pages.groups import badges_in, version_settings

__all__ = ["PAGES"]

_ATTRIBUTES = ("hostname", "application", "signal", "classifiers", "uname.release")
_COLUMNS = ("hostname", "application", "classifiers")
_MOST_ATTRIBUTES = 20


def _show(visit: Visit) -> Shown | Redirect | Content:
    details: GroupDetails = visit.ask("get_group")
    here = Address.of(f"{visit.base}/groups/{details.id}", visit.query)
    if visit.path["group"] != details.id:
        return Redirect(str(here))  # the beginning of an id, or what was merged
    return _group(visit, here, details)


def _group(
    visit: Visit,
    here: Address,
    details: GroupDetails,
    error: UsageError | None = None,
) -> Shown:
    context: dict[str, Any] = {
        "here": here,
        "group": details,
        "until": described(details.until),
        "reopening": _reopening(details.history),
        "periods": PERIODS,
        "chosen_age": here.values("age")[-1:] or ("",),
        "words": here.values("filter"),
        "ends": ENDS,
        "may_change": visit.may("change_groups"),
        "short": short_function,
        "short_title": short_title,
        "share_bar": share_bar,
        "seen": None,
        "badges": {},
        "error": error,
    }
    try:
        context |= _looked_at(visit, details)
    except UsageError as wrong:
        context["error"] = error or wrong
    return Shown("group.html", context, 200 if context["error"] is None else 400)


def _reopening(history: Sequence[HistoryEntry]) -> HistoryEntry | None:
    """Return the last time that a fault, or time, opened the group again."""
    found = (
        one
        for one in reversed(history)
        if one.what == "state" and one.who == STORE and one.new == "open"
    )
    return next(found, None)


def _looked_at(visit: Visit, details: GroupDetails) -> dict[str, Any]:
    narrowing = Narrowing.of(visit, int(time.time()))
    known = known_attributes(visit)
    versions = version_settings(visit, known).version_attributes
    names = _names(visit, versions, known)
    found = visit.ask("query", body=seen_query(narrowing, details.id, names))
    seen = Seen(found, [known[name] for name in names])
    columns = [n for n in (*_COLUMNS[:1], *versions, *_COLUMNS[1:]) if n in known]
    until = visit.number("until")
    faults = visit.ask(
        "query", body=faults_query(narrowing, details.id, columns, until)
    )
    badges = badges_in(visit, narrowing.span.interval())
    table = faults_of(faults, known)
    return {
        "seen": seen,
        "table": table,
        "next_faults": faults.next,
        "is_later_page": until is not None,
        "trend": trend(narrowing.span.trend(seen.trend)),
        "badges": badges.of(details.id, details.first_seen),
        "other_attributes": sorted(known.keys() - set(names)),
    }


def _names(
    visit: Visit, versions: Sequence[str], known: Mapping[str, Attribute]
) -> list[str]:
    """Return the attributes with a histogram: the usual ones, and those asked for."""
    asked = [name for name in visit.query.get("attribute", ()) if name]
    for name in asked:
        if name not in known:
            raise UsageError(f"there is no attribute {name}")
    usual = [name for name in (*versions, *_ATTRIBUTES) if name in known]
    return list(dict.fromkeys((*asked, *usual)))[:_MOST_ATTRIBUTES]


# --- what takes longer -----------------------------------------------------------


def _unusual(visit: Visit) -> Shown | Redirect | Content:
    details: GroupDetails = visit.ask("get_group")
    is_narrow = visit.has("same_application")
    found = visit.ask("unusual", parameters={"same_application": is_narrow})
    context = {
        "group": details,
        "here": Address.of(f"{visit.base}/groups/{details.id}", {}),
        "short_title": short_title,
        "unusual": found,
        "is_narrow": is_narrow,
        "share_bar": share_bar,
    }
    return Shown("group_unusual.html", context)


def _similar(visit: Visit) -> Shown | Redirect | Content:
    details: GroupDetails = visit.ask("get_group")
    context = {
        "group": details,
        "here": Address.of(f"{visit.base}/groups/{details.id}", {}),
        "short_title": short_title,
        "similar": visit.ask("similar_groups", parameters={"limit": 20}),
        "may_change": visit.may("change_groups"),
        "short": short_function,
    }
    return Shown("group_similar.html", context)


def _rule(visit: Visit) -> Shown | Redirect | Content:
    details: GroupDetails = visit.ask("get_group")
    context = {
        "group": details,
        "here": Address.of(f"{visit.base}/groups/{details.id}", {}),
        "short_title": short_title,
        "rule": visit.ask("group_rule"),
    }
    return Shown("group_rule.html", context)


# --- what people do ---------------------------------------------------------------


def _change(visit: Visit) -> Shown | Redirect | Content:
    details: GroupDetails = visit.ask("get_group")
    here = Address.of(f"{visit.base}/groups/{details.id}", visit.query)
    try:
        message = _done(visit, details.id)
    except UsageError as error:
        return _group(visit, here, details, error)
    return Redirect(str(here), message)


def _done(visit: Visit, group: str) -> str:
    """Do what the pressed button says; return what to tell."""
    if visit.has("comment"):
        text = visit.one("text").strip()
        visit.ask("comment_group", body=NewComment(text))
        return "Your comment stands below."
    reason = visit.one("reason").strip()
    if visit.has("merge"):
        sources = tuple(one.strip() for one in visit.all("source") if one.strip())
        if not sources:
            raise UsageError("no group was given", remedy="Paste an id.")
        visit.ask("merge_groups", body=Merge(sources, reason))
        return "What was merged is a part of this group now."
    if visit.has("unmerge"):
        visit.ask("unmerge_group", body=Unmerge((visit.one("unmerge"),), reason))
        return "That group is on its own again."
    done = visit.ask("change_groups", body=change_of(visit, [group]))
    return "Changed." if done.changed else "It was so before."


_GROUP = f"{SCOPE}/groups/{{group}}"

PAGES = (
    Page(_GROUP, _show),
    Page(_GROUP, _change, "POST"),
    Page(f"{_GROUP}/unusual", _unusual),
    Page(f"{_GROUP}/similar", _similar),
    Page(f"{_GROUP}/rule", _rule),
)
