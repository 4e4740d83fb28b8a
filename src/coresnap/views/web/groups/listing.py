"""The list of groups: what is asked for it, and one row of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

import attrs

from coresnap.errors import UsageError
from coresnap.store.api.group_settings import GroupSettings
from coresnap.store.api.groups import State
from coresnap.store.fault import Value
from coresnap.store.query.query import (
    AnyOf,
    Condition,
    Filter,
    Fold,
    FoldName,
    Operator,
    Order,
    OrderBy,
    Query,
)
from coresnap.store.query.result import Buckets, Group, Result
from coresnap.views.group_badges import Badge, Badges
from coresnap.views.web.groups.narrowing import Narrowing
from coresnap.views.web.groups.period import Span

__all__ = ["PAGE", "SORTS", "STATES", "GroupRow", "Listing", "Sort"]

PAGE = 25
"""Groups on one page."""
STATES: Mapping[str, tuple[str, tuple[State, ...]]] = {
    "": ("Unresolved", (State.OPEN, State.IN_PROGRESS)),
    "any": ("Any state", ()),
    **{str(state): (str(state).capitalize(), (state,)) for state in State},
}
"""What the list can be narrowed to: name in addresses to title and states."""
_KEYS = (
    "group",
    "group.state",
    "group.assignee",
    "group.first_seen",
    "group.title",
    "group.tags",
)
_VERSIONS = 3


class Sort(enum.StrEnum):
    """What comes first."""

    RECENT = "recent"
    COUNT = "count"
    NEW = "new"
    HOSTS = "hosts"


class _At(enum.IntEnum):
    """Places of folds."""

    TIMES = 0
    TREND = 1
    HOSTS = 2
    VERSIONS = 3
    """The first of several."""


SORTS: Mapping[Sort, tuple[str, tuple[Order, ...]]] = {
    Sort.RECENT: (
        "Last crash",
        (Order(OrderBy.FOLD, descending=True, fold=_At.TIMES, part=1),),
    ),
    Sort.COUNT: ("Faults", ()),
    Sort.NEW: (
        "First crash",
        (Order(OrderBy.KEY, descending=True, part=_KEYS.index("group.first_seen")),),
    ),
    Sort.HOSTS: (
        "Hosts",
        (Order(OrderBy.FOLD, descending=True, fold=_At.HOSTS),),
    ),
}
"""Title, and order of the query; without one the largest come first."""


@attrs.frozen
class Listing:
    """Which groups are wanted, and in which order."""

    narrowing: Narrowing
    state: str = ""
    """Of ``STATES``."""
    assignee: str = ""
    """Empty: whoever works on it."""
    sort: Sort = Sort.RECENT
    offset: int = 0
    until: int | None = None

    def filter(self) -> Filter:
        """Return what faults of the groups pass; raise QueryError or UsageError."""
        return self.narrowing.filter(*self._workflow())

    def _workflow(self) -> list[Filter]:
        found: list[Filter] = []
        if self.state not in STATES:
            raise UsageError(
                f"there is no state {self.state}",
                remedy=f"It is {', '.join(name for name in STATES if name)}.",
            )
        _, states = STATES[self.state]
        wanted = tuple(_is("group.state", state) for state in states)
        if wanted:
            found.append(AnyOf(wanted) if len(wanted) > 1 else wanted[0])
        if self.assignee:
            found.append(_is("group.assignee", self.assignee))
        return found

    def query(self, settings: GroupSettings) -> Query:
        """Return what is asked; versions are where ``settings`` say."""
        folds = (
            Fold(FoldName.RANGE, "timestamp"),
            self.narrowing.span.fold(),
            Fold(FoldName.UNIQUE, "hostname"),
            *(
                Fold(FoldName.DISTRIBUTION, name, size=_VERSIONS)
                for name in settings.version_attributes
            ),
        )
        return Query(
            filter=self.filter(),
            group=_KEYS,
            folds=folds,
            order=SORTS[self.sort][1],
            limit=PAGE,
            offset=self.offset,
            until=self.until,
        )

    def rows(self, found: Result, badges: Badges) -> Sequence[GroupRow]:
        """Return the rows of what was answered."""
        return [GroupRow(group, self.narrowing.span, badges) for group in found.groups]


def _is(attribute: str, value: Value) -> Condition:
    return Condition(attribute, Operator.EQUAL, value)


@attrs.frozen
class GroupRow:
    """One group as the list shows it."""

    group: Group
    span: Span
    known_badges: Badges

    @property
    def id(self) -> str:
        """64 hex digits."""
        return str(self.group.key[0])

    @property
    def state(self) -> str:
        """Of the workflow; ``open`` where nobody said anything."""
        return str(self.group.key[1] or State.OPEN)

    @property
    def assignee(self) -> str:
        """Empty for nobody."""
        return str(self.group.key[2] or "")

    @property
    def first_seen(self) -> int:
        """When its earliest crash was, whatever was asked: seconds UTC."""
        return int(self.group.key[3] or 0)

    @property
    def title(self) -> str:
        """Program and inner frames."""
        return str(self.group.key[4] or self.id[:16])

    @property
    def last_seen(self) -> int | None:
        """When the latest crash of those that were asked for was."""
        found = self.group.folds[_At.TIMES]
        last = found[1] if isinstance(found, tuple) else None
        return None if last is None else int(last)

    @property
    def trend(self) -> Sequence[int]:
        """Faults of each interval, the last one now."""
        return self.span.counts(self.group.folds[_At.TREND])

    @property
    def hosts(self) -> int:
        """Different ones."""
        found = self.group.folds[_At.HOSTS]
        return found if isinstance(found, int) else 0

    @property
    def tags(self) -> tuple[str, ...]:
        """That people gave it."""
        return tuple(str(self.group.key[5] or "").split())

    @property
    def versions(self) -> Buckets:
        """Of the first attribute that has any."""
        for found in self.group.folds[_At.VERSIONS :]:
            if isinstance(found, Buckets) and found.keys:
                return found
        return Buckets((), ())

    @property
    def badges(self) -> Mapping[Badge, str]:
        """With the reason of each."""
        return self.known_badges.of(self.id, self.first_seen)
