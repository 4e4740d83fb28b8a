"""Whose symbols are missing, why, and what was sent."""

from __future__ import annotations

from coresnap.store.server.call import Content
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_MOST = 200


def _symbols(visit: Visit) -> Shown | Redirect | Content:
    missing = visit.ask("missing_symbols", parameters={"limit": _MOST}).symbols
    stored = visit.ask("list_symbols").symbols
    context = {
        "missing": missing,
        "most": _MOST,
        "stored": stored,
        "being_applied": sum(one.is_being_applied for one in stored),
        "may_remove": visit.may("delete_symbols"),
    }
    return Shown("symbols.html", context)


def _remove(visit: Visit) -> Shown | Redirect | Content:
    build_id = visit.one("remove")
    visit.ask("delete_symbols", {"build_id": build_id})
    return Redirect(visit.url, f"The symbols of {build_id[:16]} are removed.")


PAGES = (
    Page(f"{SCOPE}/symbols", _symbols),
    Page(f"{SCOPE}/symbols", _remove, "POST"),
)
