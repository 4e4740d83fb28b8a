"""Changes of groups as they are written: ``state=resolved until-version=1.2.4``."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from coresnap.errors import UsageError

if TYPE_CHECKING:
    from coresnap.store.api.group_changes import ChangeGroups
    from coresnap.store.api.until import Until

__all__ = ["WORDS", "change_of", "is_change"]

WORDS = """\
  state=open|in-progress|resolved|muted
  until-version=1.2.4      until a fault has this version, or a later one
  until-time=2w            until a time has passed: a span, or 2026-12-24
  until-count=100          until so many faults more have come
  until-hosts=5            until so many hosts have had it since
  until=CONDITION          version>1.2.3, or ATTRIBUTE~EXPRESSION; joined by ` && `
  until=now, until=next    resolved in the version that is out, or the one that is not
  assignee=NAME            nobody without NAME
  tags+=WORD, tags-=WORD
  ticket+=NAME,URL, ticket-=NAME
"""
_CHANGE = re.compile(r"[a-z][a-z-]*[+-]?=")
_CONDITION = re.compile(
    r"(?P<name>[A-Za-z0-9_.:@+-]+?)\s*(?P<sign>>=|>|=|~)\s*(?P<value>.+)"
)


def is_change(word: str) -> bool:
    """Return whether a word of the command line is a change, and no group's id."""
    return _CHANGE.match(word) is not None


def change_of(words: list[str], **others: Any) -> ChangeGroups:  # noqa: ANN401
    """Return the change that words say; ``others`` are further fields of it.

    Raises UsageError for a word that is none.
    """
    import msgspec

    from coresnap.store.api.group_changes import ChangeGroups

    fields: dict[str, Any] = {**others, "until": [], "add_tags": [], "remove_tags": []}
    for word in words:
        name, _, value = word.partition("=")
        _add(fields, name, value)
    fields["until"] = tuple(fields["until"])
    try:
        change = msgspec.convert(msgspec.to_builtins(fields), ChangeGroups)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"the store would not take that: {error}",
            remedy="`coroner set -h` shows what can be changed.",
        ) from error
    return change


def _add(fields: dict[str, Any], name: str, value: str) -> None:
    if name in ("state", "assignee"):
        fields[name] = value
    elif name == "until" and value in ("now", "next"):
        fields["resolution"] = value
    elif name == "until":
        fields["until"].append(_until(value))
    elif name.startswith("until-") and name[6:] in (
        "version",
        "time",
        "count",
        "hosts",
    ):
        fields["until"].append(_single(name[6:], ">=", value))
    elif name in ("tags+", "tags-"):
        tags = fields["add_tags" if name == "tags+" else "remove_tags"]
        tags += [tag for tag in re.split(r"[,\s]+", value) if tag]
    elif name == "ticket+":
        ticket, _, url = value.partition(",")
        fields["add_link"] = {"name": ticket, "url": url}
    elif name == "ticket-":
        fields["remove_link"] = value
    else:
        raise UsageError(
            f"{name!r} is nothing that can be changed",
            remedy="It is state, until…, assignee, tags+, tags-, ticket+ or ticket-.",
        )


def _until(text: str) -> Until:
    from coresnap.store.api.until import AllUntil

    parts = [_condition(part) for part in text.split(" && ")]
    if len(parts) == 1:
        return parts[0]
    return AllUntil(tuple(parts))  # type: ignore[arg-type] # none of them is another


def _condition(text: str) -> Until:
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{text!r} is no condition",
            remedy="Write version>=1.2.4, version>1.2.3, time=2w, count=100, hosts=5 "
            "or ATTRIBUTE~EXPRESSION.",
        )
    return _single(match["name"], match["sign"], match["value"])


def _single(name: str, sign: str, value: str) -> Until:
    from coresnap.store.api.until import (
        AttributeUntil,
        CountUntil,
        HostsUntil,
        TimeUntil,
        VersionUntil,
    )

    if sign == "~":
        return AttributeUntil(name, value)
    if name == "version":
        return VersionUntil(value, or_equal=sign != ">")
    if name == "time":
        return TimeUntil(_time(value))
    if name in ("count", "hosts"):
        if not value.isascii() or not value.isdigit():
            raise UsageError(f"{value!r} is no number", remedy=f"As in {name}=100.")
        return CountUntil(int(value)) if name == "count" else HostsUntil(int(value))
    raise UsageError(
        f"{name}{sign}{value} is no condition",
        remedy="Of other attributes write ATTRIBUTE~EXPRESSION.",
    )


def _time(text: str) -> int:
    from coresnap.store.query.quantities import parse_duration
    from coresnap.store.query.times import parse_moment

    now = int(time.time())
    if re.match(r"\d+\s*[A-Za-z]", text, re.ASCII):
        return now + parse_duration(text)
    moment = parse_moment(text, now)
    if moment <= now:
        raise UsageError(f"{text!r} is over", remedy="Give a time that is to come.")
    return moment
