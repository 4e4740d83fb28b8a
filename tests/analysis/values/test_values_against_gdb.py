from __future__ import annotations

import pytest

from conftest import SOURCES, CompileProgram, KernelCore
from gdb_oracle import Comparison, compare_values, crash

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.gdb,
    pytest.mark.libdw,
]

PROGRAMS = {
    "C -O0": (("values.c", "-g", "-O0"), 115),
    "C -O1": (("values.c", "-g", "-O1"), 105),
    "C -O2": (("values.c", "-g", "-O2"), 105),
    "C -O3": (("values.c", "-g", "-O3"), 105),
    "C DWARF 4": (("values.c", "-gdwarf-4", "-O2"), 105),
    "C DWARF 2": (("values.c", "-gdwarf-2", "-gstrict-dwarf", "-O0"), 105),
    "C split": (("values.c", "-g", "-gsplit-dwarf", "-O2"), 105),
    "C type units": (("values.c", "-g", "-fdebug-types-section", "-O0"), 115),
    "C compressed": (("values.c", "-g", "-gz", "-O0"), 115),
    "C++ -O0": (("values.cc", "-std=c++17", "-g", "-O0"), 80),
    "C++ -O2": (("values.cc", "-std=c++17", "-g", "-O2"), 65),
    "C++ -O3": (("values.cc", "-std=c++17", "-g", "-O3"), 65),
    "C++ DWARF 4": (("values.cc", "-std=c++17", "-gdwarf-4", "-O1"), 65),
    "objects -O0": (("objects.cc", "-std=gnu++20", "-DHALF=_Float16", "-g", "-w"), 155),
    "objects type units": (
        (
            "objects.cc",
            "-std=gnu++20",
            "-DHALF=_Float16",
            "-g",
            "-w",
            "-fdebug-types-section",
        ),
        100,
    ),
    "objects -O2": (
        ("objects.cc", "-std=gnu++20", "-DHALF=_Float16", "-g", "-O2", "-w"),
        115,
    ),
    "tail calls": (("tail_calls.c", "-g", "-O2", "-w"), 25),
    "tail calls, DWARF 4": (("tail_calls.c", "-gdwarf-4", "-O2", "-w"), 25),
    "tail calls to another unit": (
        (
            "tail_calls_units.c",
            "-g",
            "-O2",
            "-w",
            str(SOURCES / "tail_calls_elsewhere.c"),
        ),
        8,
    ),
    "float entry values": (("float_entries.c", "-g", "-O2", "-w"), 6),
    "float entry values, DWARF 4": (
        ("float_entries.c", "-gdwarf-4", "-O2", "-w"),
        6,
    ),
    "inlined": (("inlines.c", "-g", "-O2"), 25),
    "nested": (("nested.c", "-g", "-O0"), 20),
    "threads -O0": (("workers.c", "-g", "-O0", "-pthread"), 300),
    "threads -O2": (("workers.c", "-g", "-O2", "-pthread"), 200),
}
"""Build lines, and how many leaves (numbers, strings) are at least compared."""


@pytest.mark.parametrize(("build", "at_least"), PROGRAMS.values(), ids=PROGRAMS)
def test_values_of_all_variables_are_those_of_gdb(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    build: tuple[str, ...],
    at_least: int,
) -> None:
    found = crash(compile_program, kernel_core, *build)
    total = Comparison()
    for tid, frames in found.frames.items():
        compare_values(frames, found.gdb[tid], total)
    assert total.differences == []
    assert total.only_gdb == []
    assert total.agreed >= at_least
