"""A notice in plain words, the same in every channel.

All of it is made visible and cut here; what has a meaning in a channel's own markup is
escaped there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import attrs

from coresnap.model.notice import Event, Notice, Told
from coresnap.snapshot.escape import printable

__all__ = ["Section", "Wording", "shown", "worded"]

_MOST_TITLE = 150
_MOST_LINE = 500
_MOST_FRAMES = 30
_MOST_ATTRIBUTES = 20
_MOST_GROUPS = 30
_MOST_NAMES = 10
_LATEST = 253_402_300_799
"""The last second of the year 9999."""


@attrs.frozen
class Section:
    """Lines under a title."""

    title: str
    lines: tuple[str, ...]


@attrs.frozen
class Wording:
    """What is said."""

    subject: str
    """One line that stands for all of it."""
    happened: str
    """What happened and why, a sentence."""
    summary: str
    """What the crash is; may be empty."""
    facts: tuple[tuple[str, str], ...]
    """Names and values, short."""
    sections: tuple[Section, ...]
    """Stack, attributes; the groups of a digest."""
    url: str
    """Of the group in the console; may be empty."""
    get: str
    """The command that fetches the last snapshot; may be empty."""
    origin: str
    """Which rule of which project says so."""

    def text(self) -> str:
        """Return all of it as lines of plain text."""
        lines = [self.happened]
        if self.summary:
            lines += ["", self.summary]
        if self.facts:
            width = max(len(name) for name, _ in self.facts) + 2
            lines += ["", *(f"{n + ':':{width}}{v}" for n, v in self.facts)]
        for section in self.sections:
            lines += ["", section.title, *(f"  {line}" for line in section.lines)]
        lines += [""] if self.url or self.get else []
        lines += [self.url] if self.url else []
        lines += [self.get] if self.get else []
        return "\n".join([*lines, "", self.origin])


def shown(text: str, most: int = _MOST_LINE) -> str:
    """Return one visible line of at most ``most`` characters."""
    # Cut first: a name of a megabyte is not escaped to be thrown away.
    line = printable(text[:most])
    return line if len(line) <= most and len(text) <= most else line[: most - 1] + "…"


def worded(notice: Notice) -> Wording:
    """Return a notice in words."""
    place = f"{notice.universe}/{notice.project}"
    has_group = bool(notice.group)
    get = f"coroner get {place} {notice.object}" if notice.object else ""
    return Wording(
        subject=_subject(notice),
        happened=_happened(notice),
        summary=shown(notice.summary),
        facts=tuple(_facts(notice)) if has_group else (),
        sections=tuple(_sections(notice)),
        url=shown(notice.url, 2_000),
        get=shown(get),
        origin=f"Coresnap, rule {shown(notice.rule, 64)} of {shown(place, 150)}",
    )


_STARTS = {
    Event.NEW_GROUP: "New crash",
    Event.REGRESSION: "Crash is back",
    Event.COUNT: "Crash goes on",
    Event.HOSTS: "Crash spreads",
    Event.RATE: "Crash is frequent",
    Event.STATE: "Crash",
    Event.MERGE: "Crashes are one",
    Event.UPDATE: "Crash",
}


def _subject(notice: Notice) -> str:
    place = shown(f"{notice.universe}/{notice.project}", 60)
    if notice.event is Event.TEST:
        return f"[{place}] Test of Coresnap's integration"
    if notice.event is Event.DIGEST:
        return f"[{place}] Crashes from {_day(notice.since)} to {_day(notice.time)}"
    start = _STARTS[notice.event]
    if notice.event is Event.STATE and notice.state:
        start += f" is {notice.state}"
    return shown(f"[{place}] {start}: {shown(notice.title, _MOST_TITLE)}", 250)


def _happened(notice: Notice) -> str:
    if notice.event is Event.DIGEST:
        return _digest(notice)
    if notice.event is Event.STATE:
        return _changed(notice)
    sentences = {
        Event.NEW_GROUP: "A crash that was not seen before",
        Event.REGRESSION: "The crash was closed and is back",
        Event.COUNT: f"The crash was seen {_faults(notice.count)}",
        Event.HOSTS: f"The crash was seen on {_hosts(notice.hosts)}",
        Event.RATE: "The crash is frequent now",
        Event.MERGE: f"The crash is a part of group {notice.other[:16]} now",
        Event.UPDATE: "The crash goes on",
        Event.TEST: "This is a test: the integration works",
    }
    return _because(sentences[notice.event], notice.why)


def _changed(notice: Notice) -> str:
    state = f"The group is {shown(notice.state, 30)}"
    if notice.assignee:
        state += f", assigned to {shown(notice.assignee, 80)}"
    reasons = [shown(text) for text in (notice.who, notice.why) if text]
    return _because(state, ": ".join(reasons))


def _digest(notice: Notice) -> str:
    if not notice.lines:
        return "No crashes."
    now = sum(told.count for told in notice.lines)
    before = sum(told.before for told in notice.lines)
    new = sum(told.is_new for told in notice.lines)
    faults, groups = _number(now, "fault"), _number(len(notice.lines), "group")
    return (
        f"{faults} in {groups}, {new} of them new; {before:,} in as long a time before."
    )


def _because(what: str, why: str) -> str:
    return f"{what}: {shown(why)}" if why else f"{what}."


def _facts(notice: Notice) -> Iterator[tuple[str, str]]:
    yield "Group", notice.group[:16]
    if notice.state:
        yield "State", shown(notice.state, 30)
    if notice.assignee:
        yield "Assignee", shown(notice.assignee, 80)
    if notice.count:
        yield "Faults", f"{notice.count:,} on {_hosts(notice.hosts)}"
    if notice.first_seen:
        yield "First seen", _moment(notice.first_seen)
    if notice.last_seen:
        yield "Last seen", _moment(notice.last_seen)
    named = (
        ("Versions", notice.versions),
        ("Tags", notice.tags),
        ("Classified as", notice.classifiers),
    )
    for name, values in named:
        if values:
            yield name, _listed(values)


def _listed(values: tuple[str, ...]) -> str:
    text = ", ".join(shown(value, 60) for value in values[:_MOST_NAMES])
    left = len(values) - _MOST_NAMES
    return f"{text} and {left} more" if left > 0 else text


def _sections(notice: Notice) -> Iterator[Section]:
    if notice.callstack:
        frames = [shown(frame, 160) for frame in notice.callstack[:_MOST_FRAMES]]
        left = len(notice.callstack) - len(frames)
        more = (f"… {left} more",) if left else ()
        yield Section("Call stack, innermost first", (*frames, *more))
    if notice.attributes:
        counted = list(notice.attributes.items())[:_MOST_ATTRIBUTES]
        yield Section(
            "Attributes, and how many faults have them",
            tuple(
                f"{shown(name, 60)}: "
                + ", ".join(f"{shown(v, 80)} ({count:,})" for v, count in values[:4])
                for name, values in counted
            ),
        )
    if notice.lines:
        told = tuple(map(_told, notice.lines[:_MOST_GROUPS]))
        left = len(notice.lines) - len(told)
        yield Section("Groups", (*told, f"… {left} more") if left else told)


def _told(told: Told) -> str:
    new = ", new" if told.is_new else ""
    return (
        f"{told.count:,} on {_hosts(told.hosts)}, {told.before:,} before, "
        f"{shown(told.state, 30)}{new}: {shown(told.title, _MOST_TITLE)}"
    )


def _faults(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _hosts(count: int) -> str:
    return _number(count, "host")


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", _utc(seconds))


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", _utc(seconds))


def _utc(seconds: int) -> time.struct_time:
    # A process can be as wrong about the year as it wants.
    return time.gmtime(min(max(seconds, 0), _LATEST))
