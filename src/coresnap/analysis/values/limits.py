"""How much of a value is kept, and what is left of the allowance."""

from __future__ import annotations

import msgspec

__all__ = ["Allowance", "ValueLimits"]


class ValueLimits(msgspec.Struct, frozen=True):
    """Where values are cut. What is cut says so (``Variable.truncated``)."""

    depth: int = 16
    """Aggregates within aggregates."""
    elements: int = 100
    """Elements of one array, in each dimension."""
    text: int = 1024
    """Bytes of one string."""
    pointer_levels: int = 4
    """Pointers followed from a variable of the crashed thread on, nearest first;
    strings and references do not count."""
    pointer_levels_elsewhere: int = 1
    """The same for other threads and for variables without a function."""
    nodes_per_variable: int = 1000
    """Members, elements and targets below one variable."""
    nodes_per_target: int = 100
    """Members and elements behind one pointer: what a variable points to is context,
    and libraries point to structures of a thousand members (struct pthread)."""
    nodes_raw: int = 50
    """Members below one variable that only tell how a container is made."""
    nodes: int = 400_000
    """The same, below all variables of a core."""
    object_size: int = 1 << 20
    """Bytes of the largest object that is read whole."""


class Allowance(msgspec.Struct):
    """What may still be spent. Readers share it, and count it down as they go."""

    total: int
    """Nodes below all further variables."""
    nodes: int = 0
    """Nodes below the variable that is being read."""
    depth: int = 0
    levels: int = 0
    most_levels: int = 1
    """Pointers followed from each further variable on."""
    refused: int = 0
    """Nodes that were not shown because ``total`` was spent."""
    raw: int = 0
    """Members of containers, left to the variable that is being read."""

    @classmethod
    def of(cls, limits: ValueLimits) -> Allowance:
        """A full allowance."""
        return cls(total=limits.nodes, most_levels=limits.pointer_levels)

    def begin(self, limits: ValueLimits) -> None:
        """Start another variable."""
        limit = limits.nodes_per_variable
        self.nodes = limit if limit < self.total else self.total
        self.depth = limits.depth
        self.levels = self.most_levels
        self.raw = limits.nodes_raw

    def confine(self, nodes: int) -> int:
        """Leave at most ``nodes`` for now; returns what ``release`` takes back."""
        withheld = max(0, self.nodes - nodes)
        self.nodes -= withheld
        return withheld

    def release(self, withheld: int) -> None:
        """Give back what ``confine`` withheld."""
        self.nodes += withheld

    def spend(self, nodes: int) -> bool:
        """Take ``nodes``; False, and nothing taken, if they are not left."""
        if nodes > self.nodes:
            if nodes > self.total:
                self.refused += nodes
            return False
        self.nodes -= nodes
        self.total -= nodes
        return True
