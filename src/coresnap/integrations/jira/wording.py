"""What is said of a group: the description of its ticket, and the why of comments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from coresnap.integrations.jira.document import (
    Block,
    Document,
    Link,
    code,
    paragraph,
)
from coresnap.integrations.jira.template import filled_document
from coresnap.integrations.wording import Wording, shown, worded
from coresnap.model.notice import Event, Notice

__all__ = ["DESCRIPTION", "comment", "description", "reference", "value_of"]

DESCRIPTION = "$summary\n$occurrences\n$link\n$callstack\n$attributes\n$get"
_OCCURRENCES = ("Faults", "First seen", "Last seen", "Versions")


def value_of(notice: Notice, name: str) -> str:
    """Return what a name in a template stands for.

    Names that the notice does not have are attributes: the commonest value, or nothing.
    """
    facts = dict(worded(notice).facts)
    texts = {
        "title": notice.title,
        "summary": notice.summary,
        "occurrences": _occurrences(worded(notice)),
        "group": notice.group[:16],
        "state": notice.state,
        "assignee": notice.assignee,
        "universe": notice.universe,
        "project": notice.project,
        "rule": notice.rule,
        "why": notice.why,
        "url": notice.url,
        "object": notice.object,
        "count": str(notice.count),
        "hosts": str(notice.hosts),
        "first_seen": facts.get("First seen", ""),
        "last_seen": facts.get("Last seen", ""),
        "versions": ", ".join(notice.versions),
        "tags": " ".join(notice.tags),
        "classifiers": " ".join(notice.classifiers),
    }
    if name in texts:
        return texts[name]
    counted = notice.attributes.get(name, ())
    return counted[0][0] if counted else ""


def description(notice: Notice, template: str) -> Document:
    """Return the description of a new ticket."""

    def values(name: str) -> str:
        return value_of(notice, name)

    return filled_document(template, values, lambda name: _blocks(notice, name))


def comment(notice: Notice, action: str = "") -> Document:
    """Return a comment: what happened and why, what is done about it, who says so."""
    words = worded(notice)
    lines = [words.happened, action]
    if notice.event is not Event.MERGE:
        lines.append(_occurrences(words))
    blocks: list[Block] = [paragraph(line) for line in lines if line]
    blocks += _link(notice)
    return (*blocks, paragraph(f"{words.origin} ({reference(notice)})"))


def reference(notice: Notice) -> str:
    """Return what a comment is found again by, if it is to be made a second time."""
    mark = notice.id
    if not (mark.isascii() and mark.isalnum() and len(mark) <= 64):
        # What markup escapes would not be found again.
        mark = hashlib.sha256(mark.encode(errors="replace")).hexdigest()[:32]
    return f"notice {mark}"


def _occurrences(words: Wording) -> str:
    """Return counts and times in a line; empty where there is no fault."""
    facts = dict(words.facts)
    if "Faults" not in facts:
        return ""
    found = [f"{name}: {facts[name]}" for name in _OCCURRENCES if name in facts]
    return ". ".join(found) + "."


def _blocks(notice: Notice, name: str) -> tuple[Block, ...] | None:
    words = worded(notice)
    if name == "callstack":
        # Whole, where a message has room for the inner frames only.
        return _titled("Call stack, innermost first", notice.callstack)
    if name == "attributes":
        return _titled("Attributes, and how many faults have them", _counted(notice))
    if name == "link":
        return _link(notice)
    if name == "get":
        return _titled("Its last snapshot", (words.get,) if words.get else ())
    return None


def _titled(title: str, lines: Iterable[str]) -> tuple[Block, ...]:
    block = code(lines)
    return (paragraph(title), block) if block.text else ()


def _counted(notice: Notice) -> Iterable[str]:
    for name, values in list(notice.attributes.items())[:50]:
        counts = ", ".join(f"{shown(v, 100)} ({n})" for v, n in values[:5])
        yield f"{name}: {counts}"


def _link(notice: Notice) -> tuple[Block, ...]:
    if not notice.url:
        return ()
    return (paragraph("The group in Coresnap: ", Link(notice.group[:16], notice.url)),)
