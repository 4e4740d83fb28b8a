"""Memory of a kernel that is gone: by physical and by virtual address, page by page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from coresnap.elfcore.memory import read_c_string
from coresnap.errors import MemoryReadError

__all__ = ["KernelMemory"]

_TRANSLATIONS = 4096
"""Virtual pages whose physical ones are remembered."""
_READ_LIMIT = 64 << 20
"""Bytes of one read: a damaged map may show one page at any number of addresses."""


class KernelMemory:
    """Reads what the dump holds, at most 64 MiB at once, when it is asked for.

    ``find_page`` gives the offset in the dump of the page at a physical address;
    ``translate`` the physical address of a virtual one. Both give None for what is not
    there.
    """

    byte_order: Literal["little"] = "little"

    def __init__(
        self,
        data: memoryview,
        find_page: Callable[[int], int | None],
        *,
        pointer_size: int,
        page_size: int = 4096,
    ) -> None:
        self.pointer_size = pointer_size
        self.page_size = page_size
        self._data = data
        self._find_page = find_page
        self._translate: Callable[[int], int | None] = lambda address: None
        self._known: OrderedDict[int, int | None] = OrderedDict()

    def translate_with(self, translate: Callable[[int], int | None]) -> None:
        """Use ``translate``, which itself may read physical memory."""
        self._translate = translate
        self._known.clear()

    def release(self) -> None:
        """Drop the mapping: nothing can be read after this."""
        self._data = memoryview(b"")
        self._known.clear()

    def physical_of(self, address: int) -> int | None:
        """The physical address of a virtual one."""
        page, offset = divmod(address, self.page_size)
        if page in self._known:
            base = self._known[page]
        else:
            base = self._translate(page * self.page_size)
            self._known[page] = base
            if len(self._known) > _TRANSLATIONS:
                self._known.popitem(last=False)
        return None if base is None else base + offset

    def read_physical_some(self, address: int, size: int) -> bytes:
        """Up to ``size`` bytes of physical memory: those before the first gap."""
        return self._read_pages(address, size, lambda page: page)

    def read_physical(self, address: int, size: int) -> bytes | None:
        """Exactly ``size`` bytes of physical memory; None if the dump lacks one."""
        data = self.read_physical_some(address, size)
        return data if len(data) == size else None

    def read_some(self, address: int, size: int) -> bytes:
        """Up to ``size`` bytes from a virtual address: those before the first gap."""
        return self._read_pages(address, size, self.physical_of)

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``MemoryReadError``."""
        data = self.read_some(address, size)
        if len(data) < size:
            raise MemoryReadError(address + len(data), size - len(data))
        return data

    def read_word(self, address: int) -> int:
        """An unsigned integer of an address's size; raises ``MemoryReadError``."""
        return int.from_bytes(self.read(address, self.pointer_size), self.byte_order)

    def read_string(self, address: int, limit: int) -> bytes | None:
        """A C string without its NUL, cut at ``limit`` bytes or where memory ends.

        None if not even its first byte is there.
        """
        return read_c_string(self.read_some, address, limit)

    def _read_pages(
        self, address: int, size: int, physical_of: Callable[[int], int | None]
    ) -> bytes:
        pieces: list[memoryview] = []
        size = min(size, _READ_LIMIT)
        while size > 0:
            within = address % self.page_size
            physical = physical_of(address - within)
            place = None if physical is None else self._find_page(physical)
            if place is None:
                break
            count = min(size, self.page_size - within)
            piece = self._data[place + within : place + within + count]
            pieces.append(piece)
            if len(piece) < count:
                break
            address += count
            size -= count
        return b"".join(pieces)
