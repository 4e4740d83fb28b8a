"""Where a module's symbols say that the radix tree is."""

from __future__ import annotations

import msgspec

from coresnap.analysis.heap.defined_symbols import defined_symbols
from coresnap.elfcore.corefile import LoadedModule

__all__ = ["RootSymbol", "root_symbol"]

_VARIABLES = (b"arena_emap_global", b"extents_rtree")
"""5.3, and 5.0 to 5.2."""
_PREFIXES = (b"je_", b"", b"__je_", b"_rjem_je_")
"""The usual one, none, FreeBSD's libc, Rust's."""
_NAMES = [prefix + name for name in _VARIABLES for prefix in _PREFIXES]


class RootSymbol(msgspec.Struct, frozen=True):
    """Addresses of the variable that the root is a member of."""

    start: int
    end: int
    is_dynamic: bool
    """It is in .dynsym, which stripping leaves."""


def root_symbol(module: LoadedModule) -> RootSymbol | None:
    """What the symbol tables of the module's file say; None if they don't."""
    for table in module.elf.symbol_entries() if module.elf else ():
        for value, size in defined_symbols(table, _NAMES):
            start = module.load_bias + value
            return RootSymbol(start, start + size, table.dynamic)
    return None
