"""Views that people keep: an address with a name."""

from __future__ import annotations

from urllib.parse import quote

from coresnap.errors import UsageError
from coresnap.store.api.views import NewView
from coresnap.store.server.call import Content
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_PAGES = {
    "groups": "Groups",
    "explore": "Explore",
    "flame": "Flame",
    "versions": "Versions",
}
"""Pages whose views can be kept."""


def _page(visit: Visit, error: str = "") -> Shown:
    context = {
        "views": visit.ask("list_views").views,
        "titles": _PAGES,
        "may_change": visit.may("save_view"),
        "error": error,
    }
    return Shown("saved.html", context, 400 if error else 200)


def _change(visit: Visit) -> Shown | Redirect | Content:
    if name := visit.one("remove"):
        visit.ask("remove_view", {"view": name})
        return Redirect(visit.url, "The view is kept no longer.")
    page, query, name = visit.one("page"), visit.one("query"), visit.one("name").strip()
    try:
        if page not in _PAGES:
            raise UsageError(f"views of {page[:40]!r} cannot be kept")
        visit.ask("save_view", {"view": name}, body=NewView(page, query))
    except UsageError as error:
        return _page(visit, str(error))
    # Quoted again by part: what was sent may hold anything.
    safe = quote(query, safe="=&%+-._~")
    return Redirect(f"{visit.base}/{page}?{safe}", f"The view {name} is kept.")


PAGES = (
    Page(f"{SCOPE}/saved", _page),
    Page(f"{SCOPE}/saved", _change, "POST"),
)
