"""The calls of Jira's API that are made, each a method; documents in, nouns out.

Sources: Atlassian's "The Jira Cloud platform REST API" v3 and "Jira Data Center REST
API" v2 (8.20 and later).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import httpx2
import msgspec

from coresnap.errors import DeliveryError
from coresnap.integrations.jira.answers import (
    Comments,
    Created,
    Issue,
    IssueType,
    LinkTypes,
    Project,
    Search,
    Transition,
    Transitions,
    User,
)
from coresnap.integrations.jira.dialect import dialect_of
from coresnap.integrations.jira.document import Document
from coresnap.integrations.jira.failures import failure_of, unreachable
from coresnap.integrations.jira.settings import JiraSettings

__all__ = ["MARK", "Service"]

MARK = "coresnap"
"""The type of our changes in the history of a ticket."""
_FIELDS = ("status", "resolution", "assignee", "labels", "fixVersions", "issuelinks")
_MOST_BYTES = 16 << 20
_MOST_PAGES = 100
_COMMENTS = 50
_Answer = TypeVar("_Answer")


class Service:
    """One Jira. Every method raises DeliveryError."""

    def __init__(self, settings: JiraSettings, http: httpx2.Client) -> None:
        """``http`` decides what may be called; it is closed with this."""
        self.dialect = dialect_of(settings.edition)
        self._http = http
        self._base = settings.url + self.dialect.prefix
        self._headers = {
            "authorization": self.dialect.authorization(settings),
            "accept": "application/json",
            # A kilobyte of gzip may be a gigabyte.
            "accept-encoding": "identity",
            # Without it Data Center refuses what it takes for a browser's request.
            "x-atlassian-token": "no-check",
        }

    def close(self) -> None:
        """Close what is kept open."""
        self._http.close()

    def myself(self) -> User:
        """Return the account that asks."""
        return self._get("/myself", User, "asking who we are")

    def project(self, key: str) -> Project:
        """Return a project."""
        return self._get(f"/project/{key}", Project, f"asking for project {key}")

    def issue_types(self, project: str) -> tuple[IssueType, ...]:
        """Return the types of issues of a project, with their statuses."""
        path = f"/project/{project}/statuses"
        return self._get(path, tuple[IssueType, ...], "asking for statuses")

    def assignable(self, project: str, text: str) -> tuple[User, ...]:
        """Return accounts of Cloud that match a text and may have tickets."""
        query = {"project": project, "query": text}
        path = "/user/assignable/search"
        return self._get(path, tuple[User, ...], "asking for accounts", query)

    def issue(self, key: str, *, history: bool = False) -> Issue | None:
        """Return a ticket by its key, also an old one; None if there is none."""
        query = {"fields": ",".join(_FIELDS)}
        if history:
            query["expand"] = "changelog"
        path = f"/issue/{key}"
        try:
            return self._get(path, Issue, f"asking for {key}", query)
        except _AbsentError:
            return None

    def search(self, jql: str) -> Iterator[Issue]:
        """Yield the tickets that a search finds, a page at a time."""
        seen, token = 0, ""
        for _ in range(_MOST_PAGES):
            method, path, query, body = self.dialect.search(jql, _FIELDS, seen, token)
            page = self._ask(method, path, Search, "a search", query, body)
            yield from page.issues
            seen += len(page.issues)
            token = page.next_page_token or ""
            if not self.dialect.has_more(page, seen):
                return

    def create(self, fields: Mapping[str, Any]) -> Created:
        """Make a ticket."""
        body = {"fields": dict(fields)}
        return self._ask("POST", "/issue", Created, "a new ticket", None, body)

    def set_labels(self, key: str, labels: tuple[str, ...]) -> None:
        """Replace the labels of a ticket."""
        body = {"fields": {"labels": list(labels)}}
        self._do("PUT", f"/issue/{key}", f"changing {key}", body)

    def assign(self, key: str, account: str) -> None:
        """Give a ticket to an account, or to nobody."""
        body = self.dialect.account(account)
        self._do("PUT", f"/issue/{key}/assignee", f"assigning {key}", body)

    def transitions(self, key: str) -> tuple[Transition, ...]:
        """Return the ways from a ticket's status, with what each asks for."""
        path, query = f"/issue/{key}/transitions", {"expand": "transitions.fields"}
        doing = f"asking for the transitions of {key}"
        return self._get(path, Transitions, doing, query).transitions

    def move(self, key: str, transition: str, fields: Mapping[str, Any]) -> None:
        """Go one of these ways; the ticket's history says that it was us."""
        body: dict[str, Any] = {
            "transition": {"id": transition},
            "historyMetadata": {"type": MARK, "description": "Coresnap"},
        }
        if fields:
            body["fields"] = dict(fields)
        self._do("POST", f"/issue/{key}/transitions", f"moving {key}", body)

    def has_comment(self, key: str, text: str) -> bool:
        """Say whether one of the latest comments has a text in it."""
        query = {"orderBy": "-created", "maxResults": str(_COMMENTS)}
        path, doing = f"/issue/{key}/comment", f"asking for the comments of {key}"
        comments = self._get(path, Comments, doing, query).comments
        return any(text.encode() in bytes(comment.body) for comment in comments)

    def comment(self, key: str, document: Document) -> None:
        """Comment a ticket."""
        body = {"body": self.dialect.body(document)}
        self._do("POST", f"/issue/{key}/comment", f"commenting {key}", body)

    def link_types(self) -> tuple[str, ...]:
        """Return the names of the ways in which tickets can be linked."""
        kinds = self._get("/issueLinkType", LinkTypes, "asking for kinds of links")
        return tuple(kind.name for kind in kinds.issue_link_types)

    def link(self, kind: str, one: str, other: str) -> None:
        """Link two tickets: ``one`` relates to, or duplicates, ``other``."""
        body = {
            "type": {"name": kind},
            "inwardIssue": {"key": one},
            "outwardIssue": {"key": other},
        }
        self._do("POST", "/issueLink", f"linking {one} and {other}", body)

    def set_remote_link(self, key: str, link: Mapping[str, Any]) -> None:
        """Make a link to a web page, or change the one with the same global id."""
        self._do("POST", f"/issue/{key}/remotelink", f"a link in {key}", dict(link))

    def _get(
        self,
        path: str,
        kind: type[_Answer],
        doing: str,
        query: Mapping[str, str] | None = None,
    ) -> _Answer:
        return self._ask("GET", path, kind, doing, query, None)

    def _ask(
        self,
        method: str,
        path: str,
        kind: type[_Answer],
        doing: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> _Answer:
        content = self._send(method, path, doing, query, body)
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as error:
            raise DeliveryError(
                f"the answer to {doing} is not Jira's: {error}",
                remedy="Check url=: a login page or a proxy may have answered.",
            ) from error

    def _do(self, method: str, path: str, doing: str, body: Mapping[str, Any]) -> None:
        self._send(method, path, doing, None, body)

    def _send(
        self,
        method: str,
        path: str,
        doing: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> bytes:
        """Return the body of an answer, bounded. Redirections are no answer."""
        headers = self._headers
        if body is not None:
            headers = headers | {"content-type": "application/json"}
        try:
            with self._http.stream(
                method,
                self._base + path,
                params=query,
                content=None if body is None else msgspec.json.encode(body),
                headers=headers,
                follow_redirects=False,
            ) as answer:
                content = _bounded(answer, doing)
        except httpx2.TransportError as error:
            raise unreachable(error, doing) from error
        if answer.status_code == 404:
            raise _AbsentError.of(failure_of(answer, content, doing))
        if not answer.is_success:
            raise failure_of(answer, content, doing)
        return content


class _AbsentError(DeliveryError):
    """There is no such thing, or we may not see it."""

    @classmethod
    def of(cls, error: DeliveryError) -> _AbsentError:
        return cls(str(error), remedy=error.remedy, is_final=True)


def _bounded(answer: httpx2.Response, doing: str) -> bytes:
    content = bytearray()
    for chunk in answer.iter_raw():
        content += chunk
        if len(content) > _MOST_BYTES:
            raise DeliveryError(f"the answer to {doing} has no end", is_final=True)
    return bytes(content)
