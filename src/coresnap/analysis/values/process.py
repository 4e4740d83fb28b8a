"""The dead process as values see it: memory of the core, names of its symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coresnap.analysis.demangle import display_name

if TYPE_CHECKING:
    from coresnap.analysis.modules import ModuleTable
    from coresnap.analysis.symbols import Symbol
    from coresnap.analysis.values.decode import ValueDecoder
    from coresnap.elfcore.memory import Memory

__all__ = ["CoreProcess"]

_STRING_CHUNK = 256
_SPECIAL = ("_ZTV", "_ZTT", "_ZTC", "_ZTI", "_ZTS")
"""Mangled names of vtables and the like, whose demangled names have no parameters."""
_VISIT_LIMIT = 200_000


class CoreProcess:
    """Answers ``decode.Process``'s questions from a core."""

    def __init__(self, memory: Memory, modules: ModuleTable) -> None:
        self._memory = memory
        self._modules = modules
        self._names: dict[int, frozenset[str]] = {}
        self.visited: list[tuple[int, int]] = []
        """(address, size) of what values were read from, at most ``_VISIT_LIMIT``."""

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``MemoryReadError``."""
        self._visit(address, size)
        return self._memory.read(address, size)

    def _visit(self, address: int, size: int) -> None:
        if len(self.visited) < _VISIT_LIMIT:
            self.visited.append((address, size))

    def read_string(self, address: int, limit: int, width: int) -> bytes | None:
        """Whole characters of ``width`` bytes up to NUL, the end of what is there, or
        ``limit`` bytes; None if the first one is not there."""
        self._visit(address, _STRING_CHUNK)
        data = b""
        zero = bytes(width)
        while len(data) < limit:
            size = min(_STRING_CHUNK, limit - len(data))
            chunk = self._memory.read_some(address + len(data), size)
            chunk = chunk[: len(chunk) - len(chunk) % width]
            end = _find(chunk, zero, width)
            data += chunk[:end]
            if end < len(chunk) or len(chunk) < size:
                return data if data or chunk else None
        return data

    def symbol(self, address: int) -> str | None:
        """Name of the function or object at ``address``, for people; ``name+4`` behind
        its start."""
        found = self._symbol(address)
        if found is None:
            return None
        symbol, offset = found
        is_special = symbol.name.startswith(_SPECIAL)
        special = _special_name(symbol.name) if is_special else None
        name = special or display_name(symbol.name)
        return f"{name}+{offset}" if offset else name

    def _symbol(self, address: int) -> tuple[Symbol, int] | None:
        module = self._modules.at(address)
        symbol = module.symbol(address) if module is not None else None
        if module is None or symbol is None:
            return None
        return symbol, address - module.loaded.load_bias - symbol.address

    def names(self, address: int) -> frozenset[str]:
        """All names that the linker knows for what begins at ``address``."""
        found = self._names.get(address)
        if found is None:
            module = self._modules.at(address)
            found = module.names(address) if module is not None else frozenset()
            self._names[address] = found
        return found

    def class_of(self, vtable: int) -> str | None:
        """The C++ class whose vtable is at ``vtable``, as it is demangled."""
        found = self._symbol(vtable)
        if found is None or not found[0].name.startswith(("_ZTV", "_ZTC")):
            return None
        name = _special_name(found[0].name) or ""
        kind, _, rest = name.partition(" for ")
        if kind == "construction vtable":
            return rest.partition("-in-")[0] or None
        return rest if kind == "vtable" else None

    def decoder_at(self, address: int) -> ValueDecoder | None:
        """The decoder of the module at ``address``; None without debug information."""
        module = self._modules.at(address)
        reader = module.reader() if module is not None else None
        return None if reader is None else reader.decoder


def _find(chunk: bytes, zero: bytes, width: int) -> int:
    at = chunk.find(zero)
    while at >= 0 and at % width:
        at = chunk.find(zero, at + 1)
    return at if at >= 0 else len(chunk)


def _special_name(symbol: str) -> str | None:
    # Not before: programs in C have none.
    from coresnap.analysis.demangle.cplusplus import demangle_cplusplus

    return demangle_cplusplus(symbol)
