"""DWARF expressions: decoding them, and evaluating them against a dead process.

``evaluate`` takes operations (from ``decode``, or from libdw's layer, whose records
look the same) and an ``ExpressionContext`` that answers for memory and registers, and
gives a ``Location``. It never knows where the operations came from.
"""

from coresnap.analysis.expression.evaluate import evaluate, evaluate_value
from coresnap.analysis.expression.locations import (
    BaseType,
    EmptyLocation,
    ExpressionContext,
    ExpressionError,
    ImplicitLocation,
    ImplicitPointerLocation,
    Location,
    MemoryLocation,
    Piece,
    PieceLocation,
    RegisterLocation,
    ValueLocation,
)
from coresnap.analysis.expression.operations import (
    AnyOperation,
    Op,
    Operation,
    Operations,
    decode,
)

__all__ = [
    "AnyOperation",
    "BaseType",
    "EmptyLocation",
    "ExpressionContext",
    "ExpressionError",
    "ImplicitLocation",
    "ImplicitPointerLocation",
    "Location",
    "MemoryLocation",
    "Op",
    "Operation",
    "Operations",
    "Piece",
    "PieceLocation",
    "RegisterLocation",
    "ValueLocation",
    "decode",
    "evaluate",
    "evaluate_value",
]
