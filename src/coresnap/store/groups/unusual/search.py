"""The search: which values to look at, counts inside and elsewhere, and the ranking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import attrs

from coresnap.errors import MissingError
from coresnap.store.api.group_comparisons import Unusual, UnusualValue
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.fault import Value
from coresnap.store.groups.unusual.numbers import best_bound
from coresnap.store.groups.unusual.sampling import Faults, Sample
from coresnap.store.groups.unusual.significance import probability_of, ratio_of
from coresnap.store.project import Project
from coresnap.store.query.query import Operator
from coresnap.store.store import Store

__all__ = ["find_unusual"]

_PROBABILITY = 0.01
_RATIO = 1.5
_LEAST_SUPPORT = 2
_GROUP = 1000
_OTHERS = 2000
"""Faults that are looked at, at most and about."""
_ATTRIBUTES = 120
"""That are looked at: those that most faults of the group have."""
_VALUES = 20
"""Of one attribute, the group's most frequent ones; numbers with more are parted."""
_FORMATS = {"uuid", "timestamp", "callstack", "sha256", "address"}
_SAID_BY_THE_GROUP = ("application", "object", "fingerprint", "callstack", "timestamp")
"""Attributes, and beginnings of names, that make groups or are of one fault each."""
_KIND = "crash.kind"
"""What the handler told faults apart by."""


@attrs.frozen
class _Finding:
    attribute: str
    value: Value
    comparison: Operator
    inside: int
    elsewhere: int


def find_unusual(
    store: Store,
    project: Project,
    group: str,
    limit: int,
    known: Mapping[str, Attribute],
    *,
    same_application: bool = False,
) -> Unusual:
    """Return what distinguishes a group's faults from all others of its project.

    ``group`` is a whole id, which the index knows. ``known`` are the attributes that
    may be seen. Raises MissingError if the index has no fault of the group.
    """
    faults = Faults(
        store.index, project, group, known, same_application=same_application
    )
    if not faults.count:
        raise MissingError(
            f"no fault of group {group[:16]} is in the index",
            remedy="What was just sent is there in a moment.",
        )
    inside = faults.group_sample(_GROUP, _eligible(known))
    names = sorted(inside.values, key=lambda name: (-len(inside.values[name]), name))
    names = names[:_ATTRIBUTES]
    elsewhere = faults.others_sample(_OTHERS, names)
    findings: list[_Finding] = []
    tested = 0
    for name in names:
        found, number = _candidates(known[name], inside, elsewhere)
        tested += number
        findings += found
    values = _ranked(findings, inside.size, elsewhere.size, tested)
    return Unusual(
        group=group,
        faults=faults.count,
        others=faults.others,
        seen=inside.size,
        seen_others=elsewhere.size,
        tested=tested,
        values=values[:limit],
    )


def _eligible(known: Mapping[str, Attribute]) -> list[str]:
    return [
        name
        for name, attribute in sorted(known.items())
        if name.partition(".")[0] not in ("group", *_SAID_BY_THE_GROUP)
        and attribute.format not in _FORMATS
        and name != _KIND
    ]


def _candidates(
    attribute: Attribute, inside: Sample, elsewhere: Sample
) -> tuple[list[_Finding], int]:
    """Return values of one attribute, and how many were tested."""
    own = inside.values.get(attribute.name, [])
    others = elsewhere.values.get(attribute.name, [])
    counts = Counter(_words(attribute, own))
    if len(counts) > _VALUES and attribute.kind in (Kind.INTEGER, Kind.NUMBER):
        return _bounds(attribute, own, others)
    frequent = [
        (value, count)
        for value, count in counts.most_common(_VALUES)
        if count >= _LEAST_SUPPORT
    ]
    everywhere = Counter(_words(attribute, others))
    found = [
        _Finding(attribute.name, value, Operator.EQUAL, count, everywhere[value])
        for value, count in frequent
    ]
    return found, len(found)


def _words(attribute: Attribute, values: Sequence[Value]) -> Iterator[Value]:
    if attribute.kind is not Kind.LABELS:
        yield from values
        return
    for value in values:
        yield from set(str(value).split())


def _bounds(
    attribute: Attribute, own: Sequence[Value], others: Sequence[Value]
) -> tuple[list[_Finding], int]:
    best, tested = best_bound(_numbers(own), _numbers(others))
    if best is None:
        return [], tested
    finding = _Finding(
        attribute.name, best.bound, best.comparison, best.inside, best.elsewhere
    )
    return [finding], tested


def _numbers(values: Sequence[Value]) -> list[int | float]:
    return [value for value in values if not isinstance(value, str)]


def _ranked(
    findings: list[_Finding], faults: int, others: int, tested: int
) -> tuple[UnusualValue, ...]:
    values = []
    for one in findings:
        ratio = ratio_of(one.inside, faults, one.elsewhere, others)
        if ratio is not None and ratio < _RATIO:
            continue
        chance = probability_of(one.inside, faults, one.elsewhere, others) * tested
        if chance <= _PROBABILITY:
            values.append(_value(one, ratio, chance))
    values.sort(key=lambda v: (v.probability, -v.count, v.attribute, str(v.value)))
    return tuple(values)


def _value(one: _Finding, ratio: float | None, chance: float) -> UnusualValue:
    return UnusualValue(
        attribute=one.attribute,
        value=one.value,
        comparison=one.comparison,
        count=one.inside,
        elsewhere=one.elsewhere,
        ratio=None if ratio is None else round(ratio, 3),
        probability=chance,
    )
