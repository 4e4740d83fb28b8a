"""What is said of a group: the description of its ticket, and the why of comments."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable

from coresnap.integrations.jira.document import (
    Block,
    Document,
    Link,
    code,
    paragraph,
    shown,
)
from coresnap.integrations.jira.template import filled_document
from coresnap.model.notice import Event, Notice

__all__ = ["DESCRIPTION", "comment", "description", "reference", "value_of"]

DESCRIPTION = "$summary\n$occurrences\n$link\n$callstack\n$attributes\n$get"
_LATEST = 253_402_300_799
"""The last second of the year 9999."""


def value_of(notice: Notice, name: str) -> str:
    """Return what a name in a template stands for.

    Names that the notice does not have are attributes: the commonest value, or nothing.
    """
    texts = {
        "title": notice.title,
        "summary": notice.summary,
        "occurrences": _occurrences(notice),
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
        "first_seen": _moment(notice.first_seen),
        "last_seen": _moment(notice.last_seen),
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
    lines = [_happened(notice), action]
    if notice.event is not Event.MERGE:
        lines.append(_occurrences(notice))
    blocks: list[Block] = [paragraph(line) for line in lines if line]
    blocks += _link(notice)
    return (*blocks, _signature(notice))


def reference(notice: Notice) -> str:
    """Return what a comment is found again by, if it is to be made a second time."""
    mark = notice.id
    if not (mark.isascii() and mark.isalnum() and len(mark) <= 64):
        # What markup escapes would not be found again.
        mark = hashlib.sha256(mark.encode(errors="replace")).hexdigest()[:32]
    return f"notice {mark}"


def _signature(notice: Notice) -> Block:
    return paragraph(
        f"Coresnap, rule {shown(notice.rule, 64)} of {notice.universe}/{notice.project}"
        f" ({reference(notice)})"
    )


def _happened(notice: Notice) -> str:
    """Return the sentence that a comment begins with."""
    if notice.event is Event.REGRESSION:
        return _because("The crash is back", notice.why)
    if notice.event is Event.STATE:
        state = f"The group is {notice.state}"
        if notice.assignee:
            state += f", assigned to {notice.assignee}"
        author = f"{notice.who}: {notice.why}" if notice.who and notice.why else ""
        return _because(state, author or notice.who or notice.why)
    if notice.event is Event.MERGE:
        merged = f"Group {notice.group[:16]} is a part of group {notice.other[:16]} now"
        return _because(merged, notice.why)
    if notice.event is Event.NEW_GROUP:
        return _because("A new crash", notice.why)
    return _because("The crash goes on", notice.why)


def _because(what: str, why: str) -> str:
    return f"{what}: {shown(why, 1_000)}" if why else f"{what}."


def _occurrences(notice: Notice) -> str:
    if not notice.count:
        return ""
    faults = "1 fault" if notice.count == 1 else f"{notice.count} faults"
    hosts = "1 host" if notice.hosts == 1 else f"{notice.hosts} hosts"
    text = f"{faults} on {hosts}, first {_moment(notice.first_seen)}"
    text += f", last {_moment(notice.last_seen)}."
    if notice.versions:
        text += f" Versions: {', '.join(notice.versions[:20])}."
    return text


def _moment(seconds: int) -> str:
    # A process can be as wrong about the year as it wants.
    past = time.gmtime(min(max(seconds, 0), _LATEST))
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", past)


def _blocks(notice: Notice, name: str) -> tuple[Block, ...] | None:
    if name == "callstack":
        return _titled("Call stack, innermost first", notice.callstack)
    if name == "attributes":
        return _titled("Attributes, and how many faults have them", _counted(notice))
    if name == "link":
        return _link(notice)
    if name == "get":
        get = f"coroner get {notice.universe}/{notice.project} {notice.object}"
        return _titled("Its last snapshot", (get,) if notice.object else ())
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
