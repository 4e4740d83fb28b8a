"""What the types of a module leave to be computed in the frame that is being read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.debuginfo.constants import Attribute
from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.expression import (
    ExpressionError,
    Location,
    MemoryLocation,
    ValueLocation,
    evaluate,
)
from coresnap.analysis.values.evaluate import Bytes, value_bytes
from coresnap.analysis.values.frame_context import FrameContext
from coresnap.analysis.values.places import place_at
from coresnap.analysis.values.type_graph import TypeGraph
from coresnap.errors import InputError, MemoryReadError

if TYPE_CHECKING:
    from coresnap.analysis.values.rust_vtables import RustVtables

__all__ = ["FrameTypes"]


class FrameTypes(msgspec.Struct, eq=False):
    """Array bounds and virtual bases (``decode.Dynamic``) in the current frame."""

    file: DebugFile
    graph: TypeGraph
    bias: int
    context: FrameContext | None = None
    pc: int = 0
    """Link-time address that the context's locations are looked up for."""
    _vtables: RustVtables | None = None

    def element_count(self, subrange: int) -> int | None:
        """Elements of a variable-length array; None if the frame does not know."""
        lower = self.file.attribute(subrange, Attribute.LOWER_BOUND)
        first = (lower.number if lower is not None else 0) or 0
        for name, extra in ((Attribute.COUNT, 0), (Attribute.UPPER_BOUND, 1 - first)):
            number = self._bound(subrange, name)
            if number is not None:
                return max(number + extra, 0)
        return None

    def _bound(self, subrange: int, name: int) -> int | None:
        value = self.file.attribute(subrange, name)
        if value is None:
            return None
        if value.number is not None:
            return value.number
        if value.reference is not None:
            return self._variable(value.reference)
        found = self._evaluate(subrange, name, ())
        if isinstance(found, MemoryLocation):
            # A bound's expression ends with the bound itself on the stack.
            return _signed(found.address)
        return _signed(found.value) if isinstance(found, ValueLocation) else None

    def _variable(self, handle: int) -> int | None:
        chain = self.file.integrated(handle)
        type_handle = next((die.type for die in chain if die.type), 0)
        size = self.graph.size(type_handle)
        if self.context is None or size is None or not 0 < size <= 8:
            return None
        place = place_at(self.file, chain, self.pc, self.bias)
        found = value_bytes(place, self.context, size)
        if not isinstance(found, Bytes):
            return None
        return int.from_bytes(found.data, self.context.byte_order, signed=True)

    def implementor(self, vtable: int) -> int:
        """DIE of the type whose vtable is at this run-time address (Rust); 0: it is not
        known."""
        if self._vtables is None:
            from coresnap.analysis.values.rust_vtables import RustVtables

            self._vtables = RustVtables(self.file)
        try:
            return self._vtables.implementor(vtable - self.bias)
        except InputError:
            return 0

    def member_address(self, member: int, address: int) -> int | None:
        """Where a member with a location expression is (virtual bases)."""
        found = self._evaluate(member, Attribute.DATA_MEMBER_LOCATION, (address,))
        if isinstance(found, MemoryLocation):
            return found.address
        return found.value if isinstance(found, ValueLocation) else None

    def _evaluate(
        self, handle: int, attribute: int, stack: tuple[int, ...]
    ) -> Location | None:
        if self.context is None:
            return None
        try:
            raw = self.file.location(handle, attribute, self.pc)
            if not raw:
                return None
            return evaluate(raw, self.context, stack)
        except (ExpressionError, InputError, MemoryReadError):
            return None


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word
