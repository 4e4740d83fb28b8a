"""What a webhook receives, field by field; docs/integrations.md says what they mean.

Fields are added and never taken away or changed. Texts are those of the crashed
process, as hostile as it was; only bytes that are no UTF-8 are written as ``\\xNN``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import msgspec

from coresnap.model.notice import Notice
from coresnap.snapshot.escape import without_surrogates

__all__ = ["Payload", "PayloadData", "PayloadGroup", "payload_of"]

_MOST_TEXT = 1_000
_MOST_FRAMES = 100
_MOST_ATTRIBUTES = 100
_LATEST = 253_402_300_799
"""The last second of the year 9999."""


class PayloadGroup(msgspec.Struct, frozen=True):
    """A group in a digest."""

    fingerprint: str
    title: str
    state: str
    occurrences: int
    before: int
    hosts: int
    group_url: str
    is_new: bool


class PayloadData(msgspec.Struct, frozen=True):
    """The group, or the digest."""

    universe: str
    project: str
    rule: str
    fingerprint: str
    title: str
    summary: str
    state: str
    assignee: str
    tags: tuple[str, ...]
    group_url: str
    object_id: str
    occurrences: int
    hosts: int
    timestamp: tuple[int, int]
    versions: tuple[str, ...]
    callstack: tuple[str, ...]
    classifiers: tuple[str, ...]
    attributes: Mapping[str, tuple[tuple[str, int], ...]]
    who: str
    why: str
    merged_into: str
    since: int
    groups: tuple[PayloadGroup, ...]


class Payload(msgspec.Struct, frozen=True):
    """The body."""

    type: str
    timestamp: str
    data: PayloadData


def payload_of(notice: Notice) -> bytes:
    """Return the JSON of a notice, UTF-8, some kilobytes."""
    data = PayloadData(
        universe=notice.universe,
        project=notice.project,
        rule=_cut(notice.rule),
        fingerprint=notice.group,
        title=_cut(notice.title),
        summary=_cut(notice.summary),
        state=notice.state,
        assignee=_cut(notice.assignee),
        tags=_all_cut(notice.tags),
        group_url=notice.url,
        object_id=notice.object,
        occurrences=notice.count,
        hosts=notice.hosts,
        timestamp=(notice.first_seen, notice.last_seen),
        versions=_all_cut(notice.versions),
        callstack=_all_cut(notice.callstack),
        classifiers=_all_cut(notice.classifiers),
        attributes=_counted(notice),
        who=_cut(notice.who),
        why=_cut(notice.why),
        merged_into=notice.other,
        since=notice.since,
        groups=_groups(notice),
    )
    moment = datetime.datetime.fromtimestamp(
        min(max(notice.time, 0), _LATEST), datetime.UTC
    )
    payload = Payload(notice.event.value, f"{moment:%Y-%m-%dT%H:%M:%SZ}", data)
    return msgspec.json.encode(without_surrogates(payload))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def _all_cut(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_cut, texts[:_MOST_FRAMES]))


def _counted(notice: Notice) -> dict[str, tuple[tuple[str, int], ...]]:
    return {
        _cut(name): tuple((_cut(value), count) for value, count in counted)
        for name, counted in list(notice.attributes.items())[:_MOST_ATTRIBUTES]
    }


def _groups(notice: Notice) -> tuple[PayloadGroup, ...]:
    return tuple(
        PayloadGroup(
            fingerprint=told.group,
            title=_cut(told.title),
            state=told.state,
            occurrences=told.count,
            before=told.before,
            hosts=told.hosts,
            group_url=told.url,
            is_new=told.is_new,
        )
        for told in notice.lines[:_MOST_FRAMES]
    )
