"""Evaluates location expressions of DWARF 2 to 5, within bounds.

DWARF 5, section 2.5 and 2.6. Hostile expressions end in ``ExpressionError``: steps,
stack, nesting and the size of every value are limited.
"""

from __future__ import annotations

from collections.abc import Sequence

from coresnap.analysis.expression.handlers import HANDLERS
from coresnap.analysis.expression.locations import (
    BaseType,
    ExpressionContext,
    ExpressionError,
    Location,
    MemoryLocation,
    RegisterLocation,
    ValueLocation,
)
from coresnap.analysis.expression.machine import Machine
from coresnap.analysis.expression.operations import Op, Operations

__all__ = ["evaluate", "evaluate_value"]


def evaluate(
    operations: Operations, context: ExpressionContext, stack: Sequence[int] = ()
) -> Location:
    """Say where the object is that ``operations`` describe.

    ``stack`` is what lies on the stack before (the object's address for a
    DW_AT_data_member_location, the CFA for a CFI rule). Raises ``ExpressionError``.
    """
    if len(operations) == 1 and operations[0].atom == Op.FBREG:
        # Nine of ten locals at -O0; the long way is six times slower.
        mask = (1 << 8 * context.pointer_size) - 1
        return MemoryLocation(context.frame_base() + operations[0].number & mask)
    machine = Machine(context, HANDLERS, BaseType(context.pointer_size, 0))
    for value in stack:
        machine.push(value)
    machine.run(operations)
    return machine.result()


def evaluate_value(
    operations: Operations, context: ExpressionContext, stack: Sequence[int] = ()
) -> int:
    """The number that ``operations`` leave on top of the stack, as an address.

    For DWARF expressions that are not locations: CFI rules, entry values, array
    bounds. Raises ``ExpressionError``.
    """
    location = evaluate(operations, context, stack)
    if isinstance(location, MemoryLocation):
        return location.address
    if isinstance(location, ValueLocation):
        return location.value
    if isinstance(location, RegisterLocation):
        value = context.register(location.number)
        if value is None:
            raise ExpressionError(f"register {location.number} was not saved")
        return value
    raise ExpressionError("expression gives no number")
