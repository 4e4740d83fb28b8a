"""Typed reads of the dead interpreter's memory."""

from __future__ import annotations

import struct

from coresnap.elfcore.memory import Memory

__all__ = ["Target"]


class Target:
    """The memory of one process of 64 bits. All raise ``MemoryReadError``."""

    def __init__(self, memory: Memory) -> None:
        order = ">" if memory.byte_order == "big" else "<"
        self.byte_order = memory.byte_order
        self.read = memory.read
        self.read_some = memory.read_some
        self.read_string = memory.read_string
        self.word = memory.read_word
        self._signed_word = struct.Struct(order + "q")
        self._int = struct.Struct(order + "i")
        self._double = struct.Struct(order + "d")

    def signed_word(self, address: int) -> int:
        """A ``Py_ssize_t``."""
        value: int = self._signed_word.unpack(self.read(address, 8))[0]
        return value

    def integer(self, address: int) -> int:
        """A C ``int``."""
        value: int = self._int.unpack(self.read(address, 4))[0]
        return value

    def double(self, address: int) -> float:
        """A C ``double``."""
        value: float = self._double.unpack(self.read(address, 8))[0]
        return value

    def byte(self, address: int) -> int:
        """An unsigned byte."""
        return self.read(address, 1)[0]

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """``count`` words in a row; the caller bounds ``count``."""
        order = ">" if self.byte_order == "big" else "<"
        return struct.unpack(f"{order}{count}Q", self.read(address, 8 * count))
