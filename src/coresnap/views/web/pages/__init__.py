"""Every page of the console. A module of this package has ``PAGES``."""

from __future__ import annotations

from coresnap.views.web.page import Page
from coresnap.views.web.pages import faults, group, groups, login, projects, status

__all__ = ["PAGES"]

PAGES: tuple[Page, ...] = (
    *projects.PAGES,
    *groups.PAGES,
    *group.PAGES,
    *faults.PAGES,
    *status.PAGES,
    *login.PAGES,
)
