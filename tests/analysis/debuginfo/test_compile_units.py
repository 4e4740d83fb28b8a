from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from coresnap.analysis.debuginfo.compile_units import CompileUnit, CompileUnits
from coresnap.analysis.debuginfo.dwarf import open_debug_file
from coresnap.analysis.debuginfo.functions import FunctionFinder
from debuginfo_addresses import address_of

pytestmark = [pytest.mark.compiler, pytest.mark.libdw]

SOURCES = {
    "c": "static __inline__ int twice(int n) { return 2 * n; }\n"
    "__attribute__((noinline)) int work(int n) { return twice(n) + n; }\n"
    "int main(int n, char **a) { return work(n) + (a == 0); }\n",
    "cc": 'extern "C" int work(int n) { return 2 * n; }\n'
    "int main(int n, char **) { return work(n); }\n",
    "rs": "#[no_mangle] pub extern fn work(n: i32) -> i32 { n * 2 }\n"
    "fn main() { std::process::exit(work(std::env::args().count() as i32)); }\n",
    "s": ".globl work, main\n.text\nwork: nop\nret\nmain: call work\nret\n",
    "f90": "integer function work(n) bind(c)\n  integer, value :: n\n"
    "  work = 2 * n\nend function\n"
    "program p\n  interface\n    integer function work(n) bind(c)\n"
    "      integer, value :: n\n    end function\n  end interface\n"
    "  call exit(work(1))\nend program\n",
}

CASES = [
    ("gcc", "c", "-g -O2", "C17", True),
    ("gcc", "c", "-g", "C17", False),
    ("gcc", "c", "-g -O2 -O0", "C17", False),
    ("gcc", "c", "-g -Og -std=gnu11", "C11", True),
    ("gcc", "c", "-g -std=c90 -O1", "C89", True),
    ("gcc", "c", "-g -O2 -gno-record-gcc-switches", "C17", True),
    ("gcc", "c", "-gdwarf-4 -O2 -gsplit-dwarf", "C17", True),
    ("gcc", "c", "-gdwarf-5 -O2 -gsplit-dwarf", "C17", True),
    ("gcc", "c", "-g -O2 -flto", "C17", True),
    ("g++", "cc", "-g -O3 -std=c++20", "C++20", True),
    ("g++", "cc", "-g -std=c++14", "C++14", False),
    ("clang", "c", "-g -O2", "C99", True),
    ("clang", "c", "-g -O0", "C99", None),
    ("clang", "c", "-g -O0 -grecord-command-line", "C99", False),
    ("clang", "c", "-g -O1 -grecord-command-line", "C99", True),
    ("clang", "c", "-gdwarf-4 -Os -gsplit-dwarf", "C99", True),
    ("clang++", "cc", "-g -O2 -std=c++17", "C++14", True),
    ("rustc", "rs", "-g", "Rust", None),
    ("gcc", "s", "-g", "assembler", None),
    ("gfortran", "f90", "-g -O2", "Fortran2008", True),
]


def unit_of(compiler: str, suffix: str, flags: str, directory: Path) -> CompileUnit:
    """The unit of ``work``, compiled in ``directory``."""
    if shutil.which(compiler) is None:
        pytest.skip(f"not installed: {compiler}")
    source = directory / f"program.{suffix}"
    source.write_text(SOURCES[suffix])
    program = directory / "program"
    command = [compiler, *flags.split(), "-o", str(program), str(source)]
    subprocess.run(command, check=True, cwd=directory, capture_output=True)
    with open_debug_file(program) as file:
        at = FunctionFinder(file).find(address_of(program, b"work"))
        if at is None:
            # Older assemblers describe no functions.
            unit = file.units()[0][0]
            return CompileUnits(file).of_function(unit, unit)
        handle = at.activations[-1].handle
        return CompileUnits(file).of_function(handle, handle)


@pytest.mark.parametrize(
    ("compiler", "suffix", "flags", "language", "optimized"),
    CASES,
    ids=lambda value: str(value),
)
def test_language_and_optimisation_are_what_was_asked_for(
    compiler: str,
    suffix: str,
    flags: str,
    language: str,
    optimized: bool | None,
    tmp_path: Path,
) -> None:
    unit = unit_of(compiler, suffix, flags, tmp_path)
    if compiler in ("gcc", "clang") and "-std" not in flags and suffix == "c":
        # Another version of the compiler has another default.
        assert unit.language is not None
        assert unit.language.startswith("C")
    else:
        assert unit.language == language
    assert unit.optimized is optimized
    assert unit.producer
