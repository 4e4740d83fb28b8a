"""The first page: the projects that the visitor sees."""

from __future__ import annotations

from coresnap.store.server.call import Content
from coresnap.views.web.page import Page, Redirect, Shown, Visit

__all__ = ["PAGES"]


def _show(visit: Visit) -> Shown | Redirect | Content:
    found = visit.ask("list_projects")
    holder = visit.visitor.holder
    assert holder is not None
    context = {"projects": found.projects, "universe": holder.universe}
    return Shown("projects.html", context)


PAGES = (Page("/", _show),)
