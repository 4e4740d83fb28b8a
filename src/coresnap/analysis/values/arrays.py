"""Arrays: text where the elements are characters, else elements up to a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coresnap.analysis.values.scalars import Read
from coresnap.analysis.values.text import text_decoder
from coresnap.analysis.values.type_names import array_name
from coresnap.analysis.values.types import ArrayType, Dimension
from coresnap.model import Variable, VariableKind

if TYPE_CHECKING:
    from coresnap.analysis.values.decode import ValueDecoder

__all__ = ["ArrayReaders"]


class ArrayReaders:
    """Compiles readers for arrays whose bounds are known."""

    def __init__(self, decoder: ValueDecoder) -> None:
        self._decoder = decoder

    def array(
        self, found: ArrayType, type_name: str, dimensions: tuple[Dimension, ...]
    ) -> Read:
        """A reader for ``found``, or for the part of it that ``dimensions`` span."""
        graph = self._decoder.graph
        width = graph.size(found.element) or 0
        rest = dimensions[1:]
        for dimension in rest:
            width *= dimension.count or 0
        count = dimensions[0].count or 0
        if found.size is not None and dimensions is found.dimensions and width:
            count = min(count, found.size // width)
        if not rest and self._decoder.character_size(found.element):
            return self._text(type_name, count, width)
        return self._elements(found, type_name, rest, count, width)

    def _text(self, type_name: str, count: int, width: int) -> Read:
        decode = text_decoder(width, little_endian=self._decoder.little_endian)
        limit = self._decoder.limits.text
        length = min(count * width, limit - limit % width)
        is_cut = length < count * width

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            chunk = data[offset : offset + length]
            text = decode(chunk)
            truncated = is_cut and bytes(width) not in chunk
            return Variable(
                name,
                type_name,
                kind,
                None,
                text,
                (),
                None,
                address,
                None,
                None,
                truncated,
            )

        return read

    def _elements(
        self,
        found: ArrayType,
        type_name: str,
        rest: tuple[Dimension, ...],
        count: int,
        width: int,
    ) -> Read:
        allowance = self._decoder.allowance
        shown = min(count, self._decoder.limits.elements)
        names = [f"[{index}]" for index in range(shown)]
        role = VariableKind.ELEMENT
        element: Read | None = None

        def read(
            name: str, kind: VariableKind, data: bytes, offset: int, address: int | None
        ) -> Variable:
            nonlocal element
            if element is None:
                element = self._element(found, rest)
            there = min(shown, (len(data) - offset) // width) if width else shown
            if allowance.depth <= 0 or not allowance.spend(there):
                return Variable(name, type_name, kind, address=address, truncated=True)
            allowance.depth -= 1
            members = []
            for index in range(there):
                at = index * width
                place = None if address is None else address + at
                members.append(element(names[index], role, data, offset + at, place))
            allowance.depth += 1
            return Variable(
                name,
                type_name,
                kind,
                None,
                None,
                tuple(members),
                None,
                address,
                None,
                None,
                there < count,
            )

        return read

    def _element(self, found: ArrayType, rest: tuple[Dimension, ...]) -> Read:
        if not rest:
            return self._decoder.reader(found.element)
        name = array_name(self._decoder.graph, found.element, rest)
        return self.array(found, name, rest)
