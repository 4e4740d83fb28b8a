"""Pointers to one block that disagree about what it holds.

Only structures whose members are known are compared. A base class and its subclass, a
first member and what it begins, and structures that begin alike (as ``sockaddr`` and
its kin do) are views of one object and agree.
"""

from __future__ import annotations

from collections.abc import Iterable

from coresnap.analysis.aliases.held import Held
from coresnap.model import Variable, VariableKind

__all__ = ["CONFLICT", "reaches_beyond", "type_conflicts", "types_conflict"]

CONFLICT = "type conflict"
"""How a remark on a pointer's type begins."""
_NESTED = 8
"""First members within first members."""


def type_conflicts(held: Iterable[Held | None]) -> dict[int, str]:
    """``id()`` of what is held to the reason; for pointers to one address whose types
    exclude each other."""
    by_value: dict[int, list[Held]] = {}
    for one in held:
        if one is not None and _structure(one.variable) is not None:
            by_value.setdefault(one.value, []).append(one)
    conflicts: dict[int, str] = {}
    for alike in by_value.values():
        types = {one.variable.target.type: one for one in alike}  # type: ignore[union-attr]
        for one in alike:
            for name, other in types.items():
                if types_conflict(one.variable, other.variable):
                    own = one.variable.target.type  # type: ignore[union-attr]
                    text = f"{CONFLICT}: {own} here, {name} in {other.name}"
                    conflicts.setdefault(id(one), text)
    return conflicts


def types_conflict(one: Variable | None, other: Variable | None) -> bool:
    """Whether two pointers to the same address cannot both be right."""
    first, second = _structure(one), _structure(other)
    if first is None or second is None or first.type == second.type:
        return False
    if _layout(first) == _layout(second):
        return False  # names of one type
    return not (_begins_with(first, second) or _begins_with(second, first))


def reaches_beyond(pointer: Variable, end: int) -> bool:
    """Whether the structure behind a pointer has a member at or above ``end``."""
    target = _structure(pointer)
    return target is not None and any(
        member.address is not None and member.address >= end
        for member in target.members
        if member.kind is VariableKind.MEMBER
    )


def _structure(pointer: Variable | None) -> Variable | None:
    """What a pointer leads to, if that is a structure with known members."""
    target = None if pointer is None else pointer.target
    if target is None or target.missing is not None or target.truncated:
        return None
    kinds = {member.kind for member in target.members}
    if not kinds or not kinds <= {VariableKind.MEMBER, VariableKind.BASE}:
        return None
    return target


def _layout(structure: Variable) -> tuple[tuple[str, str], ...]:
    return tuple((member.name, member.type) for member in structure.members)


def _begins_with(whole: Variable, part: Variable) -> bool:
    """Whether ``part`` may be what ``whole`` begins with, or one of its bases."""
    if whole.dynamic_type is not None and whole.dynamic_type == part.type:
        return True
    return _is_within(whole, part, _NESTED)


def _is_within(whole: Variable, part: Variable, depth: int) -> bool:
    """Whether bases and first members of ``whole`` lead to one like ``part``."""
    if not whole.members or depth == 0:
        return not whole.members
    first, other = whole.members[0], part.members[0]
    if whole.type == part.type or (first.name, first.type) == (other.name, other.type):
        return True
    return any(
        one.type == part.type or (one.members and _is_within(one, part, depth - 1))
        for one in whole.members
        if one is first or one.kind is VariableKind.BASE or _is_at_start(one, whole)
    )


def _is_at_start(member: Variable, whole: Variable) -> bool:
    """Of a union every member begins where it begins."""
    return member.address is not None and member.address == whole.address
