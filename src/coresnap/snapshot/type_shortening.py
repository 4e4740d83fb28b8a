"""Variables with the names of their types shortened, to be shown."""

from __future__ import annotations

import operator

import msgspec

from coresnap.model import Variable
from coresnap.snapshot.short_names import short_type

__all__ = ["with_short_types"]

_DEPTH_MAX = 64
"""Deeper ones are not shown, or only with the names as they are."""


def with_short_types(variable: Variable, depth: int = _DEPTH_MAX) -> Variable:
    """The same variable, with short names of types in it and all that it holds."""
    if depth <= 0:
        return variable
    kind = short_type(variable.type)
    is_leaf = not variable.members and not variable.items and variable.target is None
    if is_leaf and kind == variable.type and variable.dynamic_type is None:
        return variable
    dynamic = variable.dynamic_type and short_type(variable.dynamic_type)
    members = _all(variable.members, depth - 1)
    items = _all(variable.items, depth - 1)
    target = variable.target and with_short_types(variable.target, depth - 1)
    is_same = (
        kind == variable.type
        and dynamic == variable.dynamic_type
        and members is variable.members
        and items is variable.items
        and target is variable.target
    )
    if is_same:
        return variable
    return msgspec.structs.replace(
        variable,
        type=kind,
        dynamic_type=dynamic,
        members=members,
        items=items,
        target=target,
    )


def _all(variables: tuple[Variable, ...], depth: int) -> tuple[Variable, ...]:
    if not variables:
        return variables
    short = tuple([with_short_types(one, depth) for one in variables])
    return variables if all(map(operator.is_, short, variables)) else short
