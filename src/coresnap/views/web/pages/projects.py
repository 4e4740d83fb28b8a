"""The first page: the projects that the visitor sees."""

from __future__ import annotations

import time
from collections.abc import Sequence

from coresnap.store.api.projects import ProjectSummary
from coresnap.store.query.query import Query
from coresnap.store.query.result import Result
from coresnap.store.server.call import Content
from coresnap.views.web.drawing.sparkline import sparkline
from coresnap.views.web.groups.period import find_period
from coresnap.views.web.page import Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_MOST_TRENDS = 10
"""Projects whose trend is shown: each costs a query."""


def _show(visit: Visit) -> Shown | Redirect | Content:
    holder = visit.visitor.holder
    assert holder is not None
    projects: Sequence[ProjectSummary] = visit.ask("list_projects").projects
    trends = _trends(visit, holder.universe, projects)
    context = {
        "projects": projects,
        "universe": holder.universe,
        "trends": trends,
        "sparkline": sparkline,
    }
    return Shown("projects.html", context)


def _trends(
    visit: Visit, universe: str, projects: Sequence[ProjectSummary]
) -> dict[str, Sequence[int]]:
    """Return the faults of each of the last 30 days, for the liveliest projects."""
    span = find_period("30d").span(int(time.time()))
    used = [one for one in projects if one.last is not None]
    used.sort(key=lambda one: -(one.last or 0))
    query = Query(
        filter=span.filters()[0],
        folds=(span.fold(),),
    )
    found = {}
    for one in used[:_MOST_TRENDS]:
        where = {"universe": universe, "project": one.name}
        answer: Result = visit.ask("query", where, body=query)
        fold = answer.groups[0].folds[0] if answer.groups else None
        found[one.name] = span.counts(fold)
    return found


PAGES = (Page("/", _show),)
