"""Administration: who changed what, and who was not allowed to."""

from __future__ import annotations

from coresnap.store.server.call import Content
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_PAGE = 100


def _audit(visit: Visit) -> Shown | Redirect | Content:
    parameters: dict[str, str | int | bool] = {"limit": _PAGE}
    for name in ("name", "operation"):
        if text := visit.one(name).strip():
            parameters[name] = text
    if (before := visit.number("before")) is not None:
        parameters["before"] = before
    entries = visit.ask("list_audit", parameters=parameters).entries
    context = {
        "entries": entries,
        "name": visit.one("name"),
        "operation": visit.one("operation"),
        "next": entries[-1].id if len(entries) == _PAGE else None,
    }
    return Shown("admin_audit.html", context)


PAGES = (Page(f"{SCOPE}/admin/audit", _audit),)
