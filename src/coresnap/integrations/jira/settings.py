"""What is set of a Jira channel, checked once when it is opened."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs
import msgspec

from coresnap.errors import ConfigError
from coresnap.integrations.jira.states import StateMap, TicketState, read_states
from coresnap.integrations.jira.wording import DESCRIPTION

__all__ = ["Edition", "JiraSettings", "Regression", "Sync", "read_settings"]

_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,254}")
_LABEL = re.compile(r"[^\s,]{1,255}")
_OURS = ("project", "issuetype", "summary", "description", "labels")

_Choice = TypeVar("_Choice", bound=enum.StrEnum)


class Edition(enum.StrEnum):
    """Which of the two Jiras; they differ in API, markup and accounts."""

    CLOUD = "cloud"
    DATA_CENTER = "data-center"


class Regression(enum.StrEnum):
    """What is done with the closed ticket of a group that is open again."""

    REOPEN = "reopen"
    NEW = "new"
    """A new ticket that is linked to the closed one."""
    COMMENT = "comment"


class Sync(enum.StrEnum):
    """Which way states and assignees go."""

    BOTH = "both"
    TO_JIRA = "to-jira"
    FROM_JIRA = "from-jira"
    NONE = "none"


@attrs.frozen
class JiraSettings:
    """One project of one Jira."""

    url: str
    """Of the API, without a slash at its end."""
    site: str
    """Where people see tickets."""
    edition: Edition
    user: str
    token: str = attrs.field(repr=False)
    project: str
    issue_type: str
    """Name or id."""
    summary: str
    description: str
    labels: tuple[str, ...]
    fields: Mapping[str, Any]
    """More fields of a new ticket, with names to replace in their texts."""
    states: StateMap
    regression: Regression
    sync: Sync
    people: Mapping[str, str]
    """Assignees of groups to accounts."""
    link_type: str
    mute_days: int

    @property
    def tells_jira(self) -> bool:
        """Say whether states and assignees of groups are set in tickets."""
        return self.sync in (Sync.BOTH, Sync.TO_JIRA)

    @property
    def asks_jira(self) -> bool:
        """Say whether states and assignees of tickets are set in groups."""
        return self.sync in (Sync.BOTH, Sync.FROM_JIRA)


def read_settings(given: Mapping[str, str]) -> JiraSettings:
    """Return the settings. Raises ConfigError that says which one is wrong."""
    url = _address(given, "url")
    edition = _one_of(given, "edition", Edition, _edition_of(url))
    user = given.get("user", "")
    if edition is Edition.CLOUD and not user:
        raise ConfigError(
            "user is missing: Jira Cloud wants the e-mail of the token's account",
            remedy="Set user=, or edition=data-center if this is no Cloud.",
        )
    return JiraSettings(
        url=url,
        site=_address(given, "site") if given.get("site") else url,
        edition=edition,
        user=user,
        token=_needed(given, "token"),
        project=_project(given),
        issue_type=given.get("issue_type") or "Bug",
        summary=given.get("summary") or "Crash: $title",
        description=given.get("description") or DESCRIPTION,
        labels=_labels(given.get("labels", "")),
        fields=_fields(given.get("fields", "")),
        states=read_states({s: given.get(_set_name(s), "") for s in TicketState}),
        regression=_one_of(given, "regression", Regression, Regression.REOPEN),
        sync=_one_of(given, "sync", Sync, Sync.BOTH),
        people=_people(given.get("people", "")),
        link_type=given.get("link_type") or "Relates",
        mute_days=_days(given.get("mute_days") or "90"),
    )


def _set_name(state: TicketState) -> str:
    return state.value.replace("-", "_")


def _needed(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is missing", remedy=f"Give {name}=.")
    return value


def _address(given: Mapping[str, str], name: str) -> str:
    text = _needed(given, name).rstrip("/")
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good or parts.username or parts.query or parts.fragment:
        raise ConfigError(
            f"{name}: not an address of a Jira",
            remedy="Give it like https://example.atlassian.net, without /browse.",
        )
    return text


def _edition_of(url: str) -> Edition:
    host = urlsplit(url).hostname or ""
    is_cloud = host.endswith(".atlassian.net") or host == "api.atlassian.com"
    return Edition.CLOUD if is_cloud else Edition.DATA_CENTER


def _one_of(
    given: Mapping[str, str], name: str, kind: type[_Choice], default: _Choice
) -> _Choice:
    text = given.get(name, "").strip()
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        choices = ", ".join(kind)
        raise ConfigError(
            f"{name}: {text} is not one of {choices}", remedy=f"Choose of {choices}."
        ) from None


def _project(given: Mapping[str, str]) -> str:
    key = _needed(given, "project")
    if not _KEY.fullmatch(key):
        raise ConfigError(
            f"project: {key} is no key of a project",
            remedy="Give the capital letters that its tickets begin with: NET.",
        )
    return key


def _labels(text: str) -> tuple[str, ...]:
    labels = tuple(dict.fromkeys(text.replace(",", " ").split()))
    for label in labels:
        if not _LABEL.fullmatch(label) or label.startswith("coresnap"):
            raise ConfigError(
                f"labels: {label} cannot be one",
                remedy="Those that begin with coresnap are set by themselves.",
            )
    return labels


def _fields(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"fields: not a JSON object: {error}",
            remedy='Give it like {"components": [{"name": "Network"}]}.',
        ) from error
    taken = sorted(fields.keys() & set(_OURS))
    if taken:
        raise ConfigError(
            f"fields: {', '.join(taken)} has a setting of its own",
            remedy="Use project=, issue_type=, summary=, description= and labels=.",
        )
    return fields


def _people(text: str) -> dict[str, str]:
    people: dict[str, str] = {}
    for word in text.replace(",", " ").split():
        name, equals, account = word.partition("=")
        if not (name and equals and account):
            raise ConfigError(
                f"people: {word} is no pair of names",
                remedy="Write ASSIGNEE=ACCOUNT, the account's id in Jira Cloud.",
            )
        people[name] = account
    return people


def _days(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:6]) <= 3650:
        raise ConfigError(
            f"mute_days: {text[:20]} is no number of days",
            remedy="Give 1 to 3650: a mute has an end.",
        )
    return int(text)
