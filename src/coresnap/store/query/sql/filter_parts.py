"""A filter in two: what it says of each fault, and what it says of its group.

The group of a fault follows from its fingerprint. So what a filter says of groups alone
can be asked once for each fingerprint, of which there are few, and not of each fault.
"""

from __future__ import annotations

import attrs

from coresnap.store.attributes.catalogue import JOINED
from coresnap.store.query.query import AllOf, Condition, Filter

__all__ = ["FilterParts", "attributes_of"]


@attrs.frozen
class FilterParts:
    """Two filters that say together what one did: both pass."""

    of_faults: Filter
    """Asks nothing about groups."""
    of_groups: Filter
    """Asks about nothing else."""

    @classmethod
    def of(cls, whole: Filter) -> FilterParts | None:
        """Return the parts of a filter; None where a condition mixes them."""
        faults: list[Filter] = []
        groups: list[Filter] = []
        for part in _conjuncts(whole):
            names = attributes_of(part)
            if names.isdisjoint(JOINED):
                faults.append(part)
            elif names <= JOINED.keys():
                groups.append(part)
            else:
                return None
        return cls(AllOf(tuple(faults)), AllOf(tuple(groups)))


def _conjuncts(part: Filter) -> list[Filter]:
    if not isinstance(part, AllOf):
        return [part]
    return [one for inner in part.parts for one in _conjuncts(inner)]


def attributes_of(part: Filter) -> set[str]:
    """Return the names of the attributes that a filter compares."""
    if isinstance(part, Condition):
        return {part.attribute}
    return set().union(*(attributes_of(inner) for inner in part.parts))
