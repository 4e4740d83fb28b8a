"""What differs between Jira Cloud's API v3 and Data Center's v2."""

from __future__ import annotations

import base64
from typing import Any, Protocol

from coresnap.integrations.jira.adf import to_adf
from coresnap.integrations.jira.answers import Search, User
from coresnap.integrations.jira.document import Document
from coresnap.integrations.jira.settings import Edition, JiraSettings
from coresnap.integrations.jira.wiki import to_wiki

__all__ = ["Cloud", "DataCenter", "Dialect", "SearchRequest", "dialect_of"]

SearchRequest = tuple[str, str, dict[str, str] | None, dict[str, Any] | None]
"""Method, path, query parameters, JSON body."""
_PAGE = 100


class Dialect(Protocol):
    """One of the two."""

    prefix: str
    """Of all paths."""

    def authorization(self, settings: JiraSettings) -> str:
        """Return the header that says who asks."""

    def body(self, document: Document) -> Any:  # noqa: ANN401 - markup or JSON
        """Return a document as fields and comments take it."""

    def account(self, account: str) -> dict[str, str | None]:
        """Return how an account is named in a request; none for an empty one."""

    def account_of(self, user: User) -> str:
        """Return what an account is named by."""

    def search(
        self, jql: str, fields: tuple[str, ...], seen: int, token: str
    ) -> SearchRequest:
        """Return the request for a page, after ``seen`` issues or at ``token``."""

    def has_more(self, page: Search, seen: int) -> bool:
        """Say whether there is another page."""


class Cloud:
    """API v3, Atlassian's document format, account ids."""

    prefix = "/rest/api/3"

    def authorization(self, settings: JiraSettings) -> str:
        """An API token counts together with the e-mail of its account."""
        return _basic(settings)

    def body(self, document: Document) -> Any:  # noqa: ANN401 - JSON
        """A document."""
        return to_adf(document)

    def account(self, account: str) -> dict[str, str | None]:
        """By id."""
        return {"accountId": account or None}

    def account_of(self, user: User) -> str:
        """Its id."""
        return user.account_id

    def search(
        self, jql: str, fields: tuple[str, ...], seen: int, token: str
    ) -> SearchRequest:
        """The search that is left: the one with startAt was removed in 2025."""
        body: dict[str, Any] = {
            "jql": jql,
            "fields": list(fields),
            "maxResults": _PAGE,
        }
        if token:
            body["nextPageToken"] = token
        return "POST", "/search/jql", None, body

    def has_more(self, page: Search, seen: int) -> bool:
        """There is no total; the last page has no token."""
        return bool(page.next_page_token)


class DataCenter:
    """API v2, wiki markup, names of users."""

    prefix = "/rest/api/2"

    def authorization(self, settings: JiraSettings) -> str:
        """A personal access token, or a password where a user is given."""
        return _basic(settings) if settings.user else f"Bearer {settings.token}"

    def body(self, document: Document) -> Any:  # noqa: ANN401 - a text
        """Markup."""
        return to_wiki(document)

    def account(self, account: str) -> dict[str, str | None]:
        """By name."""
        return {"name": account or None}

    def account_of(self, user: User) -> str:
        """Its name."""
        return user.name

    def search(
        self, jql: str, fields: tuple[str, ...], seen: int, token: str
    ) -> SearchRequest:
        """Pages by their beginning."""
        query = {
            "jql": jql,
            "fields": ",".join(fields),
            "startAt": str(seen),
            "maxResults": str(_PAGE),
        }
        return "GET", "/search", query, None

    def has_more(self, page: Search, seen: int) -> bool:
        """An empty page is the last one, whatever the total says."""
        return bool(page.issues) and seen < page.total


def dialect_of(edition: Edition) -> Dialect:
    """Return the dialect of an edition."""
    return Cloud() if edition is Edition.CLOUD else DataCenter()


def _basic(settings: JiraSettings) -> str:
    pair = f"{settings.user}:{settings.token}".encode()
    return "Basic " + base64.b64encode(pair).decode()
