"""What ends a state: whether a fault, or time, does it, and in which words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from coresnap.config.bounded_regex import compile_bounded, found_in
from coresnap.errors import UsageError
from coresnap.snapshot.escape import quoted
from coresnap.store.api.until import (
    AllUntil,
    AttributeUntil,
    CountUntil,
    CrashUntil,
    HostsUntil,
    TimeUntil,
    Until,
    VersionUntil,
)
from coresnap.store.fault import Value
from coresnap.store.groups.moments import moment
from coresnap.store.groups.versions import Scheme, compare_versions
from coresnap.store.query.values import as_text

__all__ = [
    "Case",
    "check_until",
    "described",
    "due_time",
    "ending",
    "most_hosts",
    "read_until",
]


@attrs.frozen
class Case:
    """A fault, as far as conditions look at it."""

    time: int
    """Of the crash, seconds UTC; not later than its reception."""
    now: int
    version: str
    """Empty: it has none."""
    attributes: Mapping[str, Value]
    noted: int
    """Faults of the group since the state was set, this one among them."""
    hosts: int
    """Hosts that had one since then."""
    scheme: Scheme


def read_until(stored: Any) -> tuple[Until, ...]:  # noqa: ANN401 - JSON
    """Return conditions that the state keeps as JSON."""
    return msgspec.convert(stored, tuple[Until, ...]) if stored else ()


def check_until(until: Iterable[Until], scheme: Scheme) -> None:
    """Raise UsageError for conditions that could never hold, or take for ever."""
    for one in _parts(until):
        if isinstance(one, VersionUntil):
            if compare_versions(scheme, one.version, one.version) is None:
                raise UsageError(
                    f"{quoted(one.version)} is no version by {scheme}: it would "
                    "compare with none",
                    remedy="Give another one, or set the scheme: "
                    "`coroner group --set-scheme=dpkg`.",
                )
        elif isinstance(one, AttributeUntil):
            try:
                compile_bounded(one.pattern)
            except ValueError as error:
                raise UsageError(
                    f"the pattern for {one.attribute} {error}",
                    remedy="Write a simpler one.",
                ) from None


def due_time(until: Sequence[Until]) -> int | None:
    """Return when time alone ends the state; None if it never does."""
    times = [one.time for one in until if isinstance(one, TimeUntil)]
    for both in until:
        if isinstance(both, AllUntil):
            parts = [part.time for part in both.parts if isinstance(part, TimeUntil)]
            if len(parts) == len(both.parts):
                times.append(max(parts))
    return min(times, default=None)


def most_hosts(until: Iterable[Until]) -> int:
    """Return how many hosts have to be told apart."""
    counts = [one.hosts for one in _parts(until) if isinstance(one, HostsUntil)]
    return max(counts, default=0)


def ending(until: Iterable[Until], case: Case) -> str | None:
    """Return in which words a fault ends the state; None if it does not."""
    for one in until:
        words = _holds(one, case)
        if words is not None:
            return words
    return None


def _holds(one: Until, case: Case) -> str | None:
    if isinstance(one, AllUntil):
        found = [_holds(part, case) for part in one.parts]
        words = [text for text in found if text is not None]
        return " and ".join(words) if len(words) == len(found) else None
    if isinstance(one, VersionUntil):
        return _version_holds(one, case)
    if isinstance(one, TimeUntil):
        return f"it is past {moment(one.time)}" if case.now >= one.time else None
    if isinstance(one, CrashUntil):
        if case.time <= one.time:
            return None
        return f"crashed at {moment(case.time)}, after {moment(one.time)}"
    if isinstance(one, CountUntil):
        return f"fault number {case.noted} since" if case.noted >= one.count else None
    if isinstance(one, HostsUntil):
        return f"host number {case.hosts} since" if case.hosts >= one.hosts else None
    value = case.attributes.get(one.attribute)
    if value is None or not found_in(re.compile(one.pattern), as_text(value)):
        return None
    return f"{one.attribute} matches {quoted(one.pattern)}"


def _version_holds(one: VersionUntil, case: Case) -> str | None:
    if not case.version:
        return None
    order = compare_versions(case.scheme, case.version, one.version)
    if order is None or order < (0 if one.or_equal else 1):
        return None
    sign = "=" if order == 0 else ">"
    return (
        f"version {quoted(case.version)} {sign} {quoted(one.version)} ({case.scheme})"
    )


def described(until: Iterable[Until]) -> str:
    """Return conditions in words, for history and people."""
    return " or ".join(_described(one) for one in until)


def _described(one: Until) -> str:
    if isinstance(one, AllUntil):
        return " and ".join(_described(part) for part in one.parts)
    if isinstance(one, VersionUntil):
        sign = ">=" if one.or_equal else ">"
        return f"version {sign} {quoted(one.version)}"
    if isinstance(one, TimeUntil):
        return f"time {moment(one.time)}"
    if isinstance(one, CrashUntil):
        return f"crash after {moment(one.time)}"
    if isinstance(one, CountUntil):
        return f"{one.count} faults"
    if isinstance(one, HostsUntil):
        return f"{one.hosts} hosts"
    return f"{one.attribute} matches {quoted(one.pattern)}"


def _parts(until: Iterable[Until]) -> Iterable[Until]:
    for one in until:
        if isinstance(one, AllUntil):
            yield from one.parts
        else:
            yield one
