"""The list of a project's groups, and changes of many at once."""

from __future__ import annotations

import time
from collections.abc import Container
from typing import Any

from coresnap.errors import UsageError
from coresnap.store.api.group_changes import Merge
from coresnap.store.api.group_settings import GroupSettings
from coresnap.store.query.filter_words import all_of
from coresnap.store.query.query import Condition, Operator, Query
from coresnap.store.query.result import Result
from coresnap.store.query.times import TimeRange
from coresnap.store.server.call import Content
from coresnap.views.group_badges import Badges
from coresnap.views.web.address import Address
from coresnap.views.web.attributes import known_attributes
from coresnap.views.web.drawing.sparkline import sparkline
from coresnap.views.web.drawing.trend import trend
from coresnap.views.web.groups.changing import ENDS, change_of
from coresnap.views.web.groups.listing import PAGE, SORTS, STATES, Listing, Sort
from coresnap.views.web.groups.narrowing import Narrowing
from coresnap.views.web.groups.period import PERIODS
from coresnap.views.web.groups.title import short_title
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES", "badges_in", "version_settings"]

_DAY = 86400


def _show(visit: Visit) -> Shown | Redirect | Content:
    return _list(visit)


def _list(visit: Visit, error: UsageError | None = None) -> Shown:
    """Show the list; what is wrong with its filter stands above the filter."""
    here = Address.of(f"{visit.base}/groups", visit.query)
    context: dict[str, Any] = {
        "here": here,
        "error": error,
        "periods": PERIODS,
        "states": STATES,
        "sorts": SORTS,
        "ends": ENDS,
        "words": here.values("filter"),
        "chosen": {name: visit.one(name) for name in ("age", "state", "assignee")},
        "may_change": visit.may("change_groups"),
        "listing": None,
    }
    try:
        context |= _found(visit, _listing(visit))
    except UsageError as wrong:
        context["error"] = error or wrong
    status = 200 if context["error"] is None else 400
    return Shown("groups.html", context, status)


def _listing(visit: Visit) -> Listing:
    query = {name: values[-1] for name, values in visit.query.items()}
    try:
        sort = Sort(query.get("sort") or Sort.RECENT)
    except ValueError:
        raise UsageError(
            f"groups are not sorted by {query['sort']}", remedy=", ".join(Sort)
        ) from None
    return Listing(
        Narrowing.of(visit, int(time.time())),
        query.get("state", ""),
        query.get("assignee", ""),
        sort,
        visit.number("offset") or 0,
        visit.number("until"),
    )


def _found(visit: Visit, listing: Listing) -> dict[str, Any]:
    settings = version_settings(visit, known_attributes(visit))
    found: Result = visit.ask("query", body=listing.query(settings))
    span = listing.narrowing.span
    since = Condition("timestamp", Operator.AT_LEAST, span.begin)
    recent = all_of((listing.filter(), since))  # the trend shows no others
    whole = Query(filter=recent, folds=(span.fold(),), until=found.until)
    counted: Result = visit.ask("query", body=whole)
    folds = counted.groups[0].folds if counted.groups else (None,)
    return {
        "listing": listing,
        "found": found,
        "rows": listing.rows(found, badges_in(visit, span.interval())),
        "trend": trend(span.trend(folds[0])),
        "sparkline": lambda row: sparkline(row.trend, span.period.step),
        "short": short_title,
        "page_size": PAGE,
    }


def version_settings(visit: Visit, known: Container[str]) -> GroupSettings:
    """Return where versions are, of the attributes that faults have."""
    settings: GroupSettings = visit.ask("get_group_settings")
    names = tuple(name for name in settings.version_attributes if name in known)
    return GroupSettings(names, settings.scheme)


def badges_in(visit: Visit, interval: TimeRange) -> Badges:
    """Return the badges of what happened in an interval; of all time the last day."""
    if interval == TimeRange(None, None):
        interval = TimeRange(int(time.time()) - _DAY, None)
    answer = visit.ask("reopened", parameters={"since": interval.begin or 0})
    return Badges.among(interval, answer.groups)


# --- many at once ---------------------------------------------------------------


def _change(visit: Visit) -> Shown | Redirect | Content:
    here = Address.of(f"{visit.base}/groups", visit.query)
    try:
        message = _merged(visit) if visit.has("merge") else _changed(visit)
    except UsageError as error:
        return _list(visit, error)
    return Redirect(str(here), message)


def _changed(visit: Visit) -> str:
    groups = visit.form.get("group", ())
    if visit.has("all"):
        change = change_of(visit, filter=_listing(visit).filter())
    elif groups:
        change = change_of(visit, groups)
    else:
        raise _nothing_chosen()
    done = visit.ask("change_groups", body=change)
    same = len(done.groups) - done.changed
    return f"{_groups(done.changed)} changed" + (
        f"; {_groups(same)} had that before." if same else "."
    )


def _merged(visit: Visit) -> str:
    groups = visit.form.get("group", ())
    if len(groups) < 2:
        raise UsageError(
            "a merge needs two groups or more", remedy="Choose them in the list."
        )
    merge = Merge(groups[1:], visit.one("reason").strip())
    whole = visit.ask("merge_groups", {"group": groups[0]}, body=merge)
    return f"{_groups(len(groups))} are one now: {whole.title}"


def _nothing_chosen() -> UsageError:
    return UsageError("no group was chosen", remedy="Choose some in the list.")


def _groups(count: int) -> str:
    return f"{count} group{'' if count == 1 else 's'}"


PAGES = (
    Page(f"{SCOPE}/groups", _show),
    Page(f"{SCOPE}/groups", _change, "POST"),
)
