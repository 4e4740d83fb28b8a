"""Symbol tables: the right name for an address, from every table there is."""

from __future__ import annotations

import lzma
import subprocess
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corewriter as w
from conftest import CompileProgram
from coresnap.analysis.symbols import SymbolTable
from coresnap.elfcore.elffile import ElfFile, open_elf

LOCAL, GLOBAL, WEAK = 0, 1, 2
NO_TYPE, OBJECT, FUNCTION, SECTION, FILE, TLS = 0, 1, 2, 3, 4, 6


@attrs.frozen
class Row:
    name: str
    value: int
    size: int = 16
    binding: int = GLOBAL
    kind: int = FUNCTION
    section: int = 1


def tables(
    rows: Sequence[Row], name: str = ".symtab", target: w.Target = w.X86_64
) -> list[w.Section]:
    strings, entries = b"\0", w.symbol(target, name=0, value=0, section=0)
    for row in rows:
        entries += w.symbol(
            target,
            name=len(strings),
            value=row.value,
            size=row.size,
            binding=row.binding,
            kind=row.kind,
            section=row.section,
        )
        strings += row.name.encode() + b"\0"
    kind = 2 if name == ".symtab" else 11
    link = name.replace("sym", "str")
    return [w.Section(name, entries, kind, link=link), w.Section(link, strings, 3)]


def table(*rows: Row, extra: Sequence[w.Section] = ()) -> SymbolTable:
    return SymbolTable(ElfFile(w.write_module(sections=[*tables(rows), *extra])))


def name_at(symbols: SymbolTable, address: int) -> str | None:
    found = symbols.find(address)
    return found.name if found else None


def test_an_address_belongs_to_the_symbol_that_covers_it() -> None:
    symbols = table(Row("low", 0x1000), Row("high", 0x1020))
    assert name_at(symbols, 0x1000) == name_at(symbols, 0x100F) == "low"
    assert name_at(symbols, 0x1010) is None
    assert name_at(symbols, 0x1020) == "high"
    assert name_at(symbols, 0xFFF) is None
    found = symbols.find(0x1024)
    assert found is not None
    assert (found.address, found.size) == (0x1020, 16)


def test_a_symbol_without_a_size_reaches_to_the_next() -> None:
    symbols = table(Row("asm", 0x1000, 0), Row("next", 0x1100))
    assert name_at(symbols, 0x10FF) == "asm"
    assert name_at(symbols, 0x1100) == "next"


def test_a_label_within_a_function_is_not_its_name() -> None:
    symbols = table(
        Row("function", 0x1000, 0x100), Row("label", 0x1010, 0, LOCAL, NO_TYPE)
    )
    assert name_at(symbols, 0x1018) == "function"


def test_behind_an_inner_symbol_the_outer_one_goes_on() -> None:
    symbols = table(Row("outer", 0x1000, 0x100), Row("inner", 0x1010, 8))
    assert name_at(symbols, 0x1014) == "inner"
    assert name_at(symbols, 0x1020) == "outer"


@pytest.mark.parametrize("order", [1, -1])
def test_global_names_win_over_weak_and_local_ones(order: int) -> None:
    rows = [
        Row("gsignal", 0x1000, 16, WEAK),
        Row("raise", 0x1000, 16, GLOBAL),
        Row("__raise_local", 0x1000, 16, LOCAL),
    ]
    assert name_at(table(*rows[::order]), 0x1004) == "raise"


def test_versions_are_dropped() -> None:
    symbols = table(Row("memcpy@@GLIBC_2.14", 0x1000), Row("old@V1", 0x1100))
    assert name_at(symbols, 0x1000) == "memcpy"
    assert name_at(symbols, 0x1100) == "old"


def test_a_name_leads_to_the_strongest_symbol_of_that_name() -> None:
    symbols = table(
        Row("raise@@GLIBC_2.2.5", 0x1000),
        Row("raise", 0x1100, 16, LOCAL),
        Row("twice", 0x1200, 16, LOCAL),
        Row("twice", 0x1300, 16, LOCAL),
        Row("raised", 0x1400),
        Row("praise", 0x1500),
    )
    assert symbols.address("raise") == 0x1000
    assert symbols.address("twice") is None, "which of them is not known"
    assert symbols.address("aise") is None


def test_what_names_no_code_or_data_is_left_out() -> None:
    symbols = table(
        Row("undefined", 0x1000, section=0),
        Row("section", 0x1000, kind=SECTION),
        Row("file.c", 0x1000, kind=FILE),
        Row("thread_local", 0x1000, kind=TLS),
        Row("$x", 0x1000, 0, LOCAL, NO_TYPE),
    )
    assert name_at(symbols, 0x1000) is None


@pytest.mark.parametrize("target", [w.X86_64, w.I386, w.Target(22, 64, "big")], ids=str)
def test_all_classes_and_byte_orders(target: w.Target) -> None:
    sections = tables([Row("function", 0x1000)], target=target)
    symbols = SymbolTable(ElfFile(w.write_module(target, sections=sections)))
    assert name_at(symbols, 0x1008) == "function"


def test_thumb_functions_begin_at_even_addresses() -> None:
    target = w.Target(40, 32)
    sections = tables([Row("thumb", 0x1001)], target=target)
    symbols = SymbolTable(ElfFile(w.write_module(target, sections=sections)))
    assert name_at(symbols, 0x1000) == "thumb"


def test_the_best_table_gives_the_kind() -> None:
    dynamic = SymbolTable(
        ElfFile(w.write_module(sections=tables([Row("d", 0x1000)], ".dynsym")))
    )
    assert (dynamic.kind, name_at(dynamic, 0x1000)) == ("dynsym", "d")
    assert table(Row("s", 0x1000)).kind == "symtab"
    assert SymbolTable(ElfFile(w.write_module())).kind == "none"


def test_minidebuginfo_adds_what_was_stripped() -> None:
    inner = w.write_module(sections=tables([Row("static_function", 0x2000)]))
    packed = w.Section(".gnu_debugdata", lzma.compress(inner))
    sections = [*tables([Row("exported", 0x1000)], ".dynsym"), packed]
    symbols = SymbolTable(ElfFile(w.write_module(sections=sections)))
    assert name_at(symbols, 0x1000) == "exported"
    assert name_at(symbols, 0x2000) == "static_function"
    assert symbols.kind == "symtab"


@pytest.mark.parametrize(
    "data",
    [b"", b"no xz", lzma.compress(b"no ELF"), lzma.compress(bytes(1 << 20))[:200]],
    ids=len,
)
def test_damaged_minidebuginfo_costs_only_itself(data: bytes) -> None:
    symbols = table(Row("f", 0x1000), extra=[w.Section(".gnu_debugdata", data)])
    assert name_at(symbols, 0x1000) == "f"


def test_a_bomb_of_minidebuginfo_is_bounded() -> None:
    bomb = lzma.compress(w.write_module() + bytes(100 << 20))
    symbols = table(Row("f", 0x1000), extra=[w.Section(".gnu_debugdata", bomb)])
    assert name_at(symbols, 0x1000) == "f"


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)), max_size=12),
    st.integers(0, 80),
)
@settings(max_examples=200)
def test_lookup_equals_a_search_of_all_symbols(
    spans: list[tuple[int, int]], address: int
) -> None:
    rows = [Row(f"s{i}", start, size) for i, (start, size) in enumerate(spans)]
    found = table(*rows).find(address)
    covering = [r for r in rows if r.value <= address < r.value + r.size]
    if covering:
        assert found is not None
        assert found.address == max(r.value for r in covering)
        assert found.name in {r.name for r in covering}
    else:
        below = [r.value for r in rows if r.value <= address]
        sizeless = [r for r in rows if below and r.value == max(below) and not r.size]
        assert (found is not None) == bool(sizeless)


@pytest.mark.compiler
def test_nm_agrees_about_a_real_program(compile_program: CompileProgram) -> None:
    program = compile_program("deep.c", "-O1", libraries=["-pthread"])
    symbols = SymbolTable(open_elf(program))
    run = subprocess.run(
        ["nm", "-S", "--defined-only", program],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split() for line in run.stdout.splitlines()]
    functions = [row for row in rows if len(row) == 4 and row[2] in "tT"]
    assert {"main", "even", "odd"} <= {row[3] for row in functions}
    for start, size, _, name in functions:
        address = int(start, 16) + int(size, 16) - 1
        assert name_at(symbols, address) == name
