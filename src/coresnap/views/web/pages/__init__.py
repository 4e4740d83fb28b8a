"""Every page of the console. A module of this package has ``PAGES``."""

from __future__ import annotations

from coresnap.views.web.page import Page
from coresnap.views.web.pages import (
    admin_access,
    admin_audit,
    admin_integrations,
    admin_keeping,
    explore,
    faults,
    flame,
    group,
    groups,
    login,
    openid,
    projects,
    saved,
    status,
    symbols,
    versions,
)

__all__ = ["PAGES"]

PAGES: tuple[Page, ...] = (
    *projects.PAGES,
    *groups.PAGES,
    *group.PAGES,
    *faults.PAGES,
    *saved.PAGES,
    *flame.PAGES,
    *explore.PAGES,
    *versions.PAGES,
    *symbols.PAGES,
    *status.PAGES,
    *admin_access.PAGES,
    *admin_integrations.PAGES,
    *admin_keeping.PAGES,
    *admin_audit.PAGES,
    *login.PAGES,
    *openid.PAGES,
)
