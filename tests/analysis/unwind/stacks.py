"""What the tests of stacks share: names of frames, and processes without CFI."""

from __future__ import annotations

import pytest

from coresnap.analysis.symbols import SymbolTable
from coresnap.analysis.unwind.sections import ModuleCfi
from coresnap.analysis.unwind.unwinder import Stack
from coresnap.elfcore.corefile import CoreFile


def names(core: CoreFile, stack: Stack) -> list[str | None]:
    """Names of all frames by symbol; None for a frame without one."""
    tables = {m.start: SymbolTable(m.elf) for m in core.modules if m.elf is not None}
    found = []
    for frame in stack.frames:
        module = frame.module
        table = None if module is None else tables.get(module.start)
        symbol = None
        if table is not None and module is not None:
            symbol = table.find(frame.lookup_pc - module.load_bias)
        found.append(None if symbol is None else symbol.name)
    return found


def hide_cfi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no module have call frame information."""
    nothing = ModuleCfi(None, None, ())
    monkeypatch.setattr(
        "coresnap.analysis.unwind.code.module_cfi", lambda module, memory: nothing
    )


def hide_symbols(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no module have symbols, as if all were stripped and linked statically."""
    monkeypatch.setattr(
        "coresnap.analysis.unwind.function_starts.SymbolTable.find",
        lambda table, address: None,
    )
