"""A project whose groups tests note faults for, and change."""

from __future__ import annotations

import hashlib
from typing import cast

import attrs
import msgspec
from sqlalchemy import Connection

from coresnap.store.accepting.rows import next_sequence
from coresnap.store.api.group_changes import ChangeGroups
from coresnap.store.api.group_settings import GroupSettings
from coresnap.store.api.groups import GroupDetails
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.store.fault import Fault, Value
from coresnap.store.groups.changing import change_groups
from coresnap.store.groups.details import details
from coresnap.store.groups.history import Author
from coresnap.store.groups.merging import merge, unmerge
from coresnap.store.groups.noting import Noted, note
from coresnap.store.groups.settings import set_settings
from coresnap.store.index.contract import Index, Segment
from coresnap.store.objects.contract import Objects
from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.store import Store
from store.arrivals import make_sent

__all__ = ["NOW", "World", "bug"]

NOW = 1_700_000_000


def bug(kind: int) -> str:
    """Return the fingerprint of the ``kind``th bug."""
    return hashlib.sha256(b"bug %d" % kind).hexdigest()


@attrs.define
class World:
    """Notes and changes, each in a transaction of its own, one second apart."""

    state: State
    project: Project
    now: int = NOW
    faults: list[Fault] = attrs.field(factory=list)
    segments: int = 0

    def note(
        self,
        kind: int = 0,
        *,
        crashed: int | None = None,
        replaced: str | None = None,
        **attributes: Value,
    ) -> Noted:
        with self.state.write() as connection:
            return self.note_in(
                connection, kind, crashed=crashed, replaced=replaced, **attributes
            )

    def note_in(
        self,
        connection: Connection,
        kind: int = 0,
        *,
        crashed: int | None = None,
        replaced: str | None = None,
        **attributes: Value,
    ) -> Noted:
        self.now += 1
        sequence = next_sequence(connection)
        when = self.now if crashed is None else crashed
        arrival = make_sent(sequence, kind=kind, time=when).arrival
        known = {**arrival.attributes, **attributes}
        arrival = msgspec.structs.replace(arrival, attributes=known)
        fault = Fault(
            arrival.object,
            sequence,
            when,
            self.now,
            arrival.fingerprint,
            arrival.attributes,
        )
        self.faults.append(fault)
        return note(connection, self.project, fault, arrival, replaced)

    def written(self, index: Index) -> Store:
        """Let the index have what was noted; return a store with it."""
        self.segments += 1
        faults = tuple(self.faults)
        index.write(Segment(self.project.id, self.segments, faults))
        self.faults = []
        return Store(self.state, cast("Objects", None), index)

    @property
    def known(self) -> dict[str, Attribute]:
        """The catalogue's attributes, and one of each kind that faults brought."""
        return CATALOGUE | {
            "x.text": Attribute("x.text", Kind.TEXT),
            "x.size": Attribute("x.size", Kind.INTEGER),
            "x.labels": Attribute("x.labels", Kind.LABELS, "labels"),
        }

    def change(self, *kinds: int, who: str = "kim", **change: object) -> int:
        """Change groups by the kinds of their first bugs; return how many did."""
        self.now += 1
        groups = [bug(kind) for kind in kinds or (0,)]
        wanted = ChangeGroups(**change)  # type: ignore[arg-type]
        author = Author(who, wanted.reason, self.now)
        with self.state.write() as connection:
            return len(change_groups(connection, self.project, groups, wanted, author))

    def merge(self, target: int, *sources: int) -> str:
        self.now += 1
        with self.state.write() as connection:
            texts = [bug(source) for source in sources]
            author = Author("kim", "the same", self.now)
            return merge(connection, self.project, bug(target), texts, author)

    def unmerge(self, target: int, *members: int) -> str:
        self.now += 1
        with self.state.write() as connection:
            texts = [bug(member) for member in members]
            author = Author("kim", "not the same", self.now)
            return unmerge(connection, self.project, bug(target), texts, author)

    def group(self, kind: int = 0) -> GroupDetails:
        with self.state.read() as connection:
            return details(connection, self.project, bug(kind))

    def settings(self, settings: GroupSettings) -> None:
        with self.state.write() as connection:
            set_settings(connection, self.project, settings)
