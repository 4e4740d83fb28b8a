"""A group as text, with all that people did with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.answer import day

if TYPE_CHECKING:
    from coresnap.store.api.group_comparisons import (
        IntroducedGroup,
        SimilarGroups,
        Unusual,
        UnusualValue,
    )
    from coresnap.store.api.groups import GroupDetails

__all__ = [
    "group_lines",
    "introduced_lines",
    "short",
    "similar_lines",
    "unusual_lines",
]

_FRAMES = 12
_FINGERPRINTS = 5


def short(group: str) -> str:
    """Return so much of an id that it can be pasted."""
    return group[:16]


def group_lines(group: GroupDetails) -> Iterator[str]:
    """Yield the lines of ``coroner group``."""
    yield f"[{group.id}]"
    yield printable(group.title)
    yield from _facts(group)
    yield from _fingerprints(group)
    if group.history:
        yield ""
        yield "History"
    for line in group.history:
        change = " → ".join(printable(w) for w in (line.old, line.new) if w)
        why = f"  ({printable(line.why)})" if line.why else ""
        who = printable(line.who)
        yield f"  {day(line.time, '')}  {who}  {line.what}: {change}{why}"
    if group.comments:
        yield ""
        yield "Comments"
    for comment in group.comments:
        yield f"  {day(comment.time, '')}  {printable(comment.who)}"
        yield from (f"    {printable(line)}" for line in comment.text.splitlines())


def _facts(group: GroupDetails) -> Iterator[str]:
    until = _until(group)
    state = f"{group.state} since {day(group.since, '')}"
    yield f"  State        {state}{f', until {until}' if until else ''}"
    if group.reopened:
        last = day(group.last_reopened, "")
        yield f"  Reopened     {group.reopened} times, the last {last}"
    if group.assignee:
        yield f"  Assignee     {printable(group.assignee)}"
    if group.tags:
        yield f"  Tags         {printable(' '.join(group.tags))}"
    for link in group.links:
        yield f"  Ticket       {printable(link.name)}  {printable(link.url)}"
    yield f"  Date         {day(group.first_seen, '')} – {day(group.last_seen, '')}"
    yield f"  Occurrences  {group.count}"
    if group.merged:
        yield f"  Merged       {', '.join(map(short, group.merged))}"


def _until(group: GroupDetails) -> str:
    # What the store writes into histories, in the same words.
    from coresnap.store.groups.conditions import described

    return printable(described(group.until))


def _fingerprints(group: GroupDetails) -> Iterator[str]:
    for one in group.fingerprints[:_FINGERPRINTS]:
        rules = f", rules {one.ruleset}" if one.ruleset else ""
        latest = f", latest version {printable(one.latest)}" if one.latest else ""
        yield ""
        yield f"Fingerprint {one.fingerprint}  {one.count} faults{rules}{latest}"
        yield from (f"  {printable(frame)}" for frame in one.callstack[:_FRAMES])
        if len(one.callstack) > _FRAMES:
            yield f"  … {len(one.callstack) - _FRAMES} more"
    if len(group.fingerprints) > _FINGERPRINTS:
        yield f"… {len(group.fingerprints) - _FINGERPRINTS} fingerprints more"


def similar_lines(found: SimilarGroups, *, explain: bool) -> Iterator[str]:
    """Yield the lines of ``coroner similar``, the nearest group first."""
    if not found.groups:
        yield f"nothing is near this group, of {found.known} stacks"
    for one in found.groups:
        state = "" if one.state == "open" else f", {one.state}"
        yield (
            f"{one.distance:.3f}  {short(one.group)}  {printable(one.title)}"
            f"  ({one.count} faults{state})"
        )
        if explain:
            for frame in one.frames:
                mark = _mark(frame.one, frame.other)
                yield f"       {mark} {printable(frame.frame)}"


def _mark(one: int | None, other: int | None) -> str:
    if one is None:
        return "+"
    return "-" if other is None else "=" if one == other else "~"


def unusual_lines(found: Unusual) -> Iterator[str]:
    """Yield the lines of what is unusual in a group."""
    here = _part(found.seen, found.faults)
    there = _part(found.seen_others, found.others)
    yield f"Unusual in {here} faults, not in {there} others ({found.tested} values)"
    if not found.values:
        yield "  nothing"
    for value in found.values:
        yield f"  {_share(value, found):<34}  {printable(_condition(value))}"


def _part(seen: int, all_of_them: int) -> str:
    return str(seen) if seen >= all_of_them else f"{seen} of {all_of_them}"


def _share(value: UnusualValue, found: Unusual) -> str:
    here = f"{100 * value.count / max(1, found.seen):.0f} % here"
    if value.ratio is None:
        return f"{here}, never elsewhere"
    there = f"{100 * value.elsewhere / max(1, found.seen_others):.1f} % elsewhere"
    return f"{here}, {there}, {value.ratio:.1f}×"


def _condition(value: UnusualValue) -> str:
    sign = {"at-least": ">=", "less-than": "<"}.get(value.comparison, "=")
    return f"{value.attribute}{sign}{value.value}"


def introduced_lines(groups: Sequence[IntroducedGroup]) -> Iterator[str]:
    """Yield the groups that began with a value."""
    if not groups:
        yield "no group began with it"
    for one in groups:
        mark = "" if one.is_unique else "  (elsewhere since, too)"
        yield (
            f"{short(one.group)}  {one.count} faults, first "
            f"{day(one.first_seen, '')}  {printable(one.title)}{mark}"
        )
