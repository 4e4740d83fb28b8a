"""What pointers lead to: followed level by level, and shown once in each frame.

A pointer that nothing else was followed to begins a walk: what it points to is read,
then what the pointers in there point to, and so on, nearest first, until the walk's
share of members is spent. A target that its frame shows already is not shown again: the
pointer's number tells which it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec
from msgspec.structs import force_setattr

from coresnap.analysis.values.dynamic_types import WholeObject
from coresnap.analysis.values.limits import Allowance
from coresnap.model import Variable, VariableKind

__all__ = ["SHOWN_ABOVE", "Lead", "Targets"]

SHOWN_ABOVE = "shown above"
"""Why a target has no value that its frame has shown already."""

_MEMORY_LIMIT = 20_000
"""Walks remembered: threads and recursions pass the same pointers on."""

_Key = tuple[int, int]
"""Address and type of a target."""


class Lead(msgspec.Struct, frozen=True):
    """Where a pointer leads."""

    address: int
    type: int
    """DIE of the type; of a C++ object, of its class as its vtable says."""
    type_name: str
    """As it is declared."""
    read: Callable[[Lead], Variable]
    """Reads the value there, as a target."""
    whole: WholeObject | None = None
    """The object that the pointer leads into, if it is more than what is declared."""


class _Pending(msgspec.Struct, frozen=True):
    """A pointer that was read, and is to be followed."""

    pointer: Variable
    lead: Lead
    levels: int
    """Pointers that may be followed from its target on."""


class _Walk(msgspec.Struct, frozen=True):
    """A walk's result; ``nodes`` is what it cost."""

    target: Variable
    nodes: int
    keys: frozenset[_Key]


class Targets(msgspec.Struct, eq=False):
    """Follows pointers; one for all modules of a core."""

    allowance: Allowance
    most: int
    """Members and elements that one walk may show."""
    pending: deque[_Pending] | None = None
    """The walk in progress; None: there is none."""
    _shown: set[_Key] = msgspec.field(default_factory=set)
    _own: set[_Key] = msgspec.field(default_factory=set)
    """Shown by the walk in progress."""
    _repeats: bool = False
    """It met a target that was shown before it began."""
    _walks: dict[tuple[int, int, int], _Walk] = msgspec.field(default_factory=dict)

    def begin_frame(self) -> None:
        """Forget what was shown: another frame begins."""
        if self._shown:
            self._shown = set()

    def postpone(self, pointer: Variable, lead: Lead, cost: int) -> None:
        """Follow ``pointer`` later in this walk; a reference costs 0, else 1."""
        assert self.pending is not None
        levels = self.allowance.levels - cost
        if levels >= 0:
            self.pending.append(_Pending(pointer, lead, levels))

    def follow(self, lead: Lead, cost: int) -> tuple[Variable | None, bool]:
        """(target, whether it was left out for lack of allowance), all levels of it."""
        allowance = self.allowance
        if allowance.levels < cost or allowance.depth <= 0:
            return None, False
        key = lead.address, lead.type
        if key in self._shown or key in self._own:
            self._repeats = self._repeats or key in self._shown
            return _repeated(lead), False
        known = self._walks.get((*key, allowance.levels))
        if known is not None and known.keys.isdisjoint(self._shown | self._own):
            if not allowance.spend(known.nodes):
                return None, True
            shown = self._own or self._shown
            shown |= known.keys
            return known.target, False
        if not allowance.spend(1):
            return None, True
        return self._walk(lead, cost), False

    def _walk(self, lead: Lead, cost: int) -> Variable:
        allowance = self.allowance
        outer, around = self.pending, self._own
        levels, before = allowance.levels, allowance.nodes
        self.pending, self._own = deque(), {*around, (lead.address, lead.type)}
        if not around:
            self._repeats = False
        allowance.depth -= 1
        allowance.levels -= cost
        withheld = allowance.confine(self.most)
        try:
            target = lead.read(lead)
            while self.pending:
                self._attach(self.pending.popleft())
        finally:
            allowance.release(withheld)
            allowance.levels = levels
            allowance.depth += 1
            self.pending, keys = outer, self._own
            # A container within a walk has its pointers followed at once, in a walk of
            # their own; what that shows, the walk around it has shown.
            self._own = keys if around else set()
        if around:
            return target
        self._shown |= keys
        if not self._repeats and len(self._walks) < _MEMORY_LIMIT:
            nodes = before - allowance.nodes + 1
            walk = _Walk(target, nodes, frozenset(keys))
            self._walks[lead.address, lead.type, levels] = walk
        return target

    def _attach(self, one: _Pending) -> None:
        lead = one.lead
        key = lead.address, lead.type
        if key in self._own:
            target = _repeated(lead)
        elif key in self._shown:
            self._repeats = True
            target = _repeated(lead)
        elif not self.allowance.spend(1):
            _complete(one.pointer, "truncated", True)
            return
        else:
            self._own.add(key)
            self.allowance.levels = one.levels
            target = lead.read(lead)
        _complete(one.pointer, "target", target)


def _complete(pointer: Variable, name: str, value: object) -> None:
    # A pointer is read before its target, and nobody has seen it yet: making another
    # one would mean to make all that it stands in again.
    force_setattr(pointer, name, value)


def _repeated(lead: Lead) -> Variable:
    return Variable(
        "*",
        lead.type_name,
        VariableKind.TARGET,
        address=lead.address,
        missing=SHOWN_ABOVE,
    )
