"""A Jira Cloud that holds requests against what Atlassian publishes of its API v3.

Written down here in our own words, from "The Jira Cloud platform REST API" v3 and
"Search after write with search and reconcile":

* Every request has ``Authorization: Basic`` with e-mail and token; 401 without.
* ``POST /issue`` takes ``fields``; project, issue type and summary are needed; a
  summary is one line of at most 255 characters, a label has no spaces, a description
  is a document. 201 with id, key and self; 400 with errorMessages and errors.
* ``POST /search/jql`` takes jql, fields, maxResults, nextPageToken and a few more, and
  refuses what it does not know; a search without a restriction is refused. Fields that
  are not asked for are absent. The last page has isLast and no nextPageToken. What was
  written is not found at once. ``/search`` is gone: 410.
* ``GET /issue/{key}`` takes fields and expand; histories come with the latest first.
* ``GET /issue/{key}/transitions`` lists what may be done now, with the fields of its
  screen if they are asked for; ``POST`` answers 204, and 400 for another id or without
  a field that is needed. historyMetadata is kept in the history.
* ``PUT /issue/{key}/assignee`` takes an accountId, null for nobody.
* ``POST /issue/{key}/comment`` takes a document; ``GET`` orders by -created.
* ``POST /issue/{key}/remotelink`` replaces the link with the same globalId.
* ``POST /issueLink`` needs the name of a kind and two keys; the inward one is the
  subject: it "duplicates" the outward one.
* 429 comes with Retry-After in seconds.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import attrs
import httpx2

from integrations.jira.adf import check_document

__all__ = ["CloudFake", "answered", "refusal"]

_Json = dict[str, Any]
_LOGIN = base64.b64encode(b"bot@example.org:secret").decode()
_CATEGORIES = {"To Do": "new", "In Progress": "indeterminate"}
_STATUSES = {
    "10000": "To Do",
    "3": "In Progress",
    "10002": "Done",
    "10003": "Cancelled",
    "10012": "Done",
}
"""Two are called Done: those of two workflows."""
_RESOLUTIONS = {"1": "Fixed", "2": "Won't Do", "3": "Duplicate"}
_ACCOUNTS = {
    "5b10ac8d": ("Ada Lovelace", "ada@example.org"),
    "5b10ac8e": ("Bob Noyce", None),
    "bot": ("Crash Bot", "bot@example.org"),
}
_KINDS = ("Relates", "Duplicate", "Blocks")
_SEARCH = {
    "jql",
    "fields",
    "maxResults",
    "nextPageToken",
    "expand",
    "fieldsByKeys",
    "properties",
    "reconcileIssues",
}


class _Stream(httpx2.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body


@attrs.define
class CloudFake:
    """Its tickets, and what people do to them."""

    issues: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    requests: list[tuple[str, str]] = attrs.field(factory=list)
    is_slow: bool = False
    """New tickets are not found until ``index``."""
    page: int = 2
    screens: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    """Fields of the transition to a status."""
    failures: list[Callable[[], httpx2.Response]] = attrs.field(factory=list)
    """What the next requests are answered with."""
    loses: str = ""
    """The path whose answer is lost on the way, after it was done; once."""
    stale: dict[str, _Json] = attrs.field(factory=dict)
    """Tickets as searches show them."""
    forbidden: tuple[str, ...] = ()
    """Ends of paths that the account may not ask for."""
    default_assignee: str = ""
    """Who gets new tickets that are for nobody."""
    _indexed: set[str] = attrs.field(factory=set)
    _clock: int = 0

    def client(self) -> httpx2.Client:
        """Return a client that reaches nothing else."""
        return httpx2.Client(transport=httpx2.MockTransport(self._answer))

    def index(self) -> None:
        """Let searches find what there is."""
        self._indexed = set(self.issues)

    def move(
        self, key: str, status: str, resolution: str = "", who: str = "5b10ac8e"
    ) -> None:
        """Do what a person does on the board, statuses given by id."""
        self._set_status(self.issues[key], status, resolution, who, None)

    def fix_in(self, key: str, *versions: str) -> None:
        """Name fix versions."""
        issue = self.issues[key]
        issue["fields"]["fixVersions"] = [{"id": v, "name": v} for v in versions]
        self._note(issue, "Fix Version", "5b10ac8e", None)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        prefix, _, path = request.url.path.partition("/rest/api/3/")
        assert request.url.host == "example.atlassian.net"
        assert not prefix
        self.requests.append((request.method, path))
        if self.failures:
            return self.failures.pop(0)()
        if request.headers.get("authorization") != f"Basic {_LOGIN}":
            return _refused(401, "Client must be authenticated")
        if path.endswith(self.forbidden or ("/",)):
            return _refused(403, "You do not have permission to link issues.")
        body = json.loads(request.content or b"{}")
        query = {k: v[0] for k, v in parse_qs(request.url.query.decode()).items()}
        try:
            answer = self._route(request.method, path.split("/"), query, body)
        except AssertionError as error:
            return _refused(400, str(error))
        except KeyError as error:
            return _refused(404, f"Issue does not exist: {error}")
        if self.loses and self.loses == path:
            self.loses = ""
            raise httpx2.ReadTimeout("timed out", request=request)
        return answer

    def _route(
        self, method: str, path: list[str], query: dict[str, str], body: _Json
    ) -> httpx2.Response:
        match method, path:
            case "POST", ["issue"]:
                return self._create(body)
            case "POST", ["search", "jql"]:
                return self._search(body)
            case _, ["search"]:
                return _refused(410, "The requested API has been removed.")
            case "POST", ["issueLink"]:
                return self._link(body)
            case "GET", ["issueLinkType"]:
                kinds = [{"id": k, "name": k} for k in _KINDS]
                return _json(200, {"issueLinkTypes": kinds})
            case "GET", ["user", "assignable", "search"]:
                return _json(200, [_user(a) for a in _ACCOUNTS])
            case "GET", ["myself"]:
                return _json(200, _user("bot"))
            case "GET", ["project", key]:
                return _json(200, {"id": "1", "key": key, "name": "Network"})
            case "GET", ["project", _, "statuses"]:
                statuses = [_status(one) for one in _STATUSES]
                kind = {"id": "7", "name": "Bug", "statuses": statuses}
                return _json(200, [kind])
            case _, ["issue", key, *rest]:
                return self._issue(method, self.issues[key], rest, query, body)
        raise AssertionError(f"no such path: {method} {path}")

    def _issue(
        self,
        method: str,
        issue: _Json,
        rest: list[str],
        query: dict[str, str],
        body: _Json,
    ) -> httpx2.Response:
        match method, rest:
            case "GET", []:
                shown = _projected(issue, query["fields"].split(","))
                if query.get("expand") == "changelog":
                    histories = issue["histories"][::-1]
                    shown["changelog"] = {"histories": histories}
                return _json(200, shown)
            case "PUT", []:
                _check_labels(body["fields"]["labels"])
                issue["fields"]["labels"] = body["fields"]["labels"]
            case "PUT", ["assignee"]:
                account = body["accountId"]
                assert account is None or account in _ACCOUNTS, "cannot be assigned"
                issue["fields"]["assignee"] = account and _user(account)
            case "GET", ["transitions"]:
                asked = query.get("expand") == "transitions.fields"
                return _json(200, {"transitions": self._ways(issue, asked)})
            case "POST", ["transitions"]:
                self._transition(issue, body)
            case "GET", ["comment"]:
                assert query.get("orderBy") in ("created", "-created", "+created")
                return _json(200, {"comments": issue["comments"][::-1]})
            case "POST", ["comment"]:
                check_document(body["body"])
                comment = {"id": str(len(issue["comments"])), "body": body["body"]}
                issue["comments"].append(comment)
                return _json(201, comment)
            case "POST", ["remotelink"]:
                assert body["object"]["url"]
                assert body["object"]["title"]
                issue["links"][body["globalId"]] = body
                return _json(201, {"id": 1, "self": ""})
            case _:
                raise AssertionError(f"no such path: {method} {rest}")
        return httpx2.Response(204, stream=_Stream(b""))

    def _create(self, body: _Json) -> httpx2.Response:
        assert body.keys() == {"fields"}
        fields = body["fields"]
        assert fields["project"] == {"key": "NET"}, "valid project is required"
        assert fields["issuetype"] in ({"name": "Bug"}, {"id": "7"})
        assert 0 < len(fields["summary"]) <= 255, "Summary must be less than 255"
        assert fields["summary"].isprintable(), "The summary is invalid"
        check_document(fields["description"])
        assert len(json.dumps(fields["description"])) < 32_767
        _check_labels(fields["labels"])
        number = len(self.issues) + 1
        key = f"NET-{number}"
        made = {
            "assignee": _user(self.default_assignee) if self.default_assignee else None,
            "resolution": None,
            "fixVersions": [],
            "issuelinks": [],
            **fields,
            "status": _status("10000"),
        }
        self.issues[key] = {
            "id": str(10_000 + number),
            "key": key,
            "self": "",
            "fields": made,
            "comments": [],
            "histories": [],
            "links": {},
        }
        if not self.is_slow:
            self._indexed.add(key)
        return _json(201, {"id": str(10_000 + number), "key": key, "self": ""})

    def _search(self, body: _Json) -> httpx2.Response:
        assert body.keys() <= _SEARCH, "Invalid request payload"
        label, _, rest = body["jql"].removeprefix('labels = "').partition('"')
        assert label
        assert rest == "" or rest.startswith(' AND updated >= "-'), "unbounded"
        found = [
            issue
            for key, issue in self.issues.items()
            if key in self._indexed and label in issue["fields"]["labels"]
        ]
        start = int(body.get("nextPageToken", "0"))
        page = found[start : start + min(self.page, body["maxResults"])]
        answer: dict[str, Any] = {
            "issues": [
                _projected(self.stale.get(issue["key"], issue), body["fields"])
                for issue in page
            ],
            "isLast": start + len(page) >= len(found),
        }
        if not answer["isLast"]:
            answer["nextPageToken"] = str(start + len(page))
        return _json(200, answer)

    def _link(self, body: _Json) -> httpx2.Response:
        assert body["type"]["name"] in _KINDS, "No issue link type with name"
        one = self.issues[body["inwardIssue"]["key"]]
        other = self.issues[body["outwardIssue"]["key"]]
        for issue, end, there in (
            (one, "outwardIssue", other),
            (other, "inwardIssue", one),
        ):
            link = {"id": "1", "type": {"id": "1", **body["type"]}}
            link[end] = {"id": there["id"], "key": there["key"]}
            issue["fields"]["issuelinks"].append(link)
        return httpx2.Response(201, stream=_Stream(b""))

    def _ways(self, issue: _Json, asked: bool) -> list[dict[str, Any]]:
        here = issue["fields"]["status"]["id"]
        return [
            {"id": f"4{status}", "name": f"Go {status}", "to": _status(status)}
            | ({"fields": self.screens.get(status, {})} if asked else {})
            for status in _STATUSES
            if status != here
        ]

    def _transition(self, issue: _Json, body: _Json) -> None:
        ways = {way["id"]: way for way in self._ways(issue, True)}
        way = ways.get(body["transition"]["id"])
        assert way is not None, "It seems that you have tried to perform an operation"
        given = body.get("fields", {})
        for name, screen in way["fields"].items():
            assert name in given or not screen["required"], f"{name} is required."
        for name in given:
            assert name in way["fields"], f"Field '{name}' cannot be set."
        resolution = given.get("resolution", {}).get("id", "")
        mark = body.get("historyMetadata")
        self._set_status(issue, way["to"]["id"], resolution, "bot", mark)

    def _set_status(
        self, issue: _Json, status: str, resolution: str, who: str, mark: _Json | None
    ) -> None:
        issue["fields"]["status"] = _status(status)
        issue["fields"]["resolution"] = (
            {"id": resolution, "name": _RESOLUTIONS[resolution]} if resolution else None
        )
        self._note(issue, "status", who, mark)

    def _note(self, issue: _Json, field: str, who: str, mark: _Json | None) -> None:
        self._clock += 1
        history = {
            "id": str(self._clock),
            "created": f"2026-11-26T10:00:{self._clock:02}.000+0000",
            "author": _user(who),
            "items": [{"field": field}],
        }
        if mark is not None:
            history["historyMetadata"] = mark
        issue["histories"].append(history)


def refusal(status: int, **headers: str) -> Callable[[], httpx2.Response]:
    """Return an answer for ``CloudFake.failures``."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: httpx2.Response(status, headers=given, stream=_Stream(b"busy"))


def answered(value: object) -> Callable[[], httpx2.Response]:
    """Return another answer for ``CloudFake.failures``."""
    return lambda: _json(200, value)


def _check_labels(labels: list[str]) -> None:
    for label in labels:
        assert " " not in label, f"The label '{label}' can't contain spaces."


def _projected(issue: _Json, fields: list[str]) -> dict[str, Any]:
    shown = {name: v for name, v in issue["fields"].items() if name in fields}
    return {"id": issue["id"], "key": issue["key"], "self": "", "fields": shown}


def _status(status: str) -> dict[str, Any]:
    name = _STATUSES[status]
    category = {"id": 1, "key": _CATEGORIES.get(name, "done")}
    return {"id": status, "name": name, "statusCategory": category}


def _user(account: str) -> dict[str, Any]:
    name, email = _ACCOUNTS[account]
    known = {"accountId": account, "displayName": name}
    return known if email is None else {**known, "emailAddress": email}


def _json(status: int, value: object) -> httpx2.Response:
    headers = {"content-type": "application/json"}
    return httpx2.Response(
        status, headers=headers, stream=_Stream(json.dumps(value).encode())
    )


def _refused(status: int, message: str) -> httpx2.Response:
    return _json(status, {"errorMessages": [message], "errors": {}})
