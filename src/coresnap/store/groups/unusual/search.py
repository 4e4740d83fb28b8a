"""The search: which values to look at, counts inside and elsewhere, and the ranking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from coresnap.errors import MissingError
from coresnap.store.api.groups import Unusual, UnusualValue
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.groups.unusual.asking import Counts
from coresnap.store.groups.unusual.numbers import best_bound
from coresnap.store.groups.unusual.significance import probability_of, ratio_of
from coresnap.store.project import Project
from coresnap.store.query.query import Operator
from coresnap.store.store import Store

__all__ = ["find_unusual"]

_PROBABILITY = 0.01
_RATIO = 1.5
_LEAST_SUPPORT = 2
_ATTRIBUTES = 120
"""That are looked at: those that most faults of the group have."""
_NUMERIC = 16
"""Of these with many different numbers, each of which costs two queries more."""
_FORMATS = {"uuid", "timestamp", "callstack", "sha256", "address"}
_SAID_BY_THE_GROUP = ("application", "object", "fingerprint", "callstack", "timestamp")
"""Attributes, and beginnings of names, that make groups or are of one fault each."""


@attrs.frozen
class _Finding:
    attribute: str
    value: int | float | str
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
    counts = Counts(store.index, project, group, known)
    if same_application:
        counts.keep_to_application()
    if not counts.faults:
        raise MissingError(
            f"no fault of group {group[:16]} is in the index",
            remedy="What was just sent is there in a moment.",
        )
    present = counts.present(_eligible(known))[:_ATTRIBUTES]
    findings: list[_Finding] = []
    tested = 0
    for found, number in _candidates(counts, present):
        tested += number
        findings += found
    values = _ranked(findings, counts.faults, counts.others, tested)
    return Unusual(group, counts.faults, counts.others, tested, values[:limit])


def _eligible(known: Mapping[str, Attribute]) -> list[Attribute]:
    return [
        attribute
        for name, attribute in known.items()
        if name != "group"
        and not name.startswith("group.")
        and name.partition(".")[0] not in _SAID_BY_THE_GROUP
        and attribute.format not in _FORMATS
    ]


def _candidates(
    counts: Counts, present: Sequence[Attribute]
) -> Iterator[tuple[list[_Finding], int]]:
    """Yield what was found of each attribute, and how many values were tested."""
    numeric = 0
    for attribute in present:
        inside, has_more = counts.inside(attribute)
        if has_more and attribute.kind in (Kind.INTEGER, Kind.NUMBER):
            numeric += 1
            if numeric <= _NUMERIC:
                yield _bounds(counts, attribute)
            continue
        frequent = {v: n for v, n in inside.items() if n >= _LEAST_SUPPORT}
        if not frequent:
            continue
        everywhere = counts.everywhere(attribute, list(frequent))
        found = [
            _Finding(
                attribute.name,
                value,
                Operator.EQUAL,
                number,
                max(0, everywhere.get(value, number) - number),
            )
            for value, number in frequent.items()
        ]
        yield found, len(found)


def _bounds(counts: Counts, attribute: Attribute) -> tuple[list[_Finding], int]:
    buckets = counts.intervals(attribute)
    if buckets is None:
        return [], 0
    best, tested = best_bound(*buckets)
    if best is None:
        return [], tested
    return [
        _Finding(
            attribute.name, best.bound, best.comparison, best.inside, best.elsewhere
        )
    ], tested


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
