from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from conftest import CompileProgram
from coresnap.analysis.debuginfo.dwarf import DebugFile, open_debug_file
from coresnap.analysis.debuginfo.functions import Activation, FunctionAt, FunctionFinder
from coresnap.analysis.values.type_graph import TypeGraph
from coresnap.analysis.values.type_names import type_name
from debuginfo_addresses import address_of

pytestmark = [pytest.mark.compiler, pytest.mark.libdw]

FORMATS = {
    "DWARF 5": ("-gdwarf-5",),
    "DWARF 4": ("-gdwarf-4",),
    "DWARF 3": ("-gdwarf-3", "-gstrict-dwarf"),
    "DWARF 2": ("-gdwarf-2", "-gstrict-dwarf"),
    "compressed": ("-g", "-gz=zlib"),
    "split DWARF 5": ("-gdwarf-5", "-gsplit-dwarf"),
    "split DWARF 4": ("-gdwarf-4", "-gsplit-dwarf"),
    "type units": ("-gdwarf-5", "-fdebug-types-section"),
    "type units of DWARF 4": ("-gdwarf-4", "-fdebug-types-section"),
}

CRASH_ARGUMENTS = {
    "list": "struct node *",
    "record": "record_t *",
    "n": "int",
    "ratio": "double",
    "text": "const char *",
}


def innermost(file: DebugFile, pc: int) -> tuple[FunctionAt, Activation]:
    found = FunctionFinder(file).find(pc)
    assert found is not None
    return found, found.activations[0]


def argument_types(file: DebugFile, function: Activation) -> dict[str, str]:
    graph = TypeGraph(file, pointer_size=8, little_endian=True)
    types = {}
    for variable in function.variables:
        if variable.is_argument:
            chain = file.integrated(variable.handle)
            name = next(die.name for die in chain if die.name)
            types[name] = type_name(graph, next(die.type for die in chain if die.type))
    return types


@pytest.mark.parametrize("flags", FORMATS.values(), ids=FORMATS)
def test_a_function_is_found_with_line_and_arguments_in_every_format(
    compile_program: CompileProgram, flags: tuple[str, ...]
) -> None:
    program = compile_program("values.c", "-O0", *flags)
    with open_debug_file(program) as file:
        start = address_of(program, b"crash")
        found, function = innermost(file, start + 20)
        assert (function.name, found.low) == ("crash", start)
        assert function.line is not None
        assert function.file is not None
        assert function.file.endswith("/tests/cores/values.c")
        assert argument_types(file, function) == CRASH_ARGUMENTS


def test_a_unit_without_aranges_is_found_by_its_own_ranges(
    compile_program: CompileProgram, tmp_path: Path
) -> None:
    # As clang's programs are.
    built = compile_program("values.c", "-g", "-O0")
    program = tmp_path / "program"
    strip = ["objcopy", "--remove-section=.debug_aranges", str(built), str(program)]
    subprocess.run(strip, check=True)
    with open_debug_file(program) as file:
        assert len(file.listed_ranges()) == 0
        _, function = innermost(file, address_of(program, b"crash") + 20)
        assert function.name == "crash"


def test_an_address_without_debug_information_is_in_no_function(
    compile_program: CompileProgram,
) -> None:
    program = compile_program("values.c", "-g", "-O0")
    with open_debug_file(program) as file:
        finder = FunctionFinder(file)
        for pc in (0, 1, address_of(program, b"_start"), (1 << 64) - 1):
            assert finder.find(pc) is None


def test_inlined_functions_are_activations_with_the_line_of_the_call(
    compile_program: CompileProgram,
) -> None:
    program = compile_program("inlines.c", "-g", "-O2")
    with open_debug_file(program) as file:
        start = address_of(program, b"outer")
        finder = FunctionFinder(file)
        chains = set()
        for pc in range(start, start + 64):
            found = finder.find(pc)
            if found is not None and len(found.activations) == 3:
                chains.add(tuple(a.name for a in found.activations))
                inner, middle, outer = found.activations
                assert (inner.inline, middle.inline, outer.inline) == (
                    True,
                    True,
                    False,
                )
                assert middle.line == 18
                assert outer.line == 25
        assert chains == {("inner", "middle", "outer")}


def test_a_nested_function_of_gnu_c_is_found(compile_program: CompileProgram) -> None:
    program = compile_program("nested.c", "-g", "-O0")
    with open_debug_file(program) as file:
        found, function = innermost(file, address_of(program, b"inside.0") + 8)
        assert function.name == "inside"
        assert [a.inline for a in found.activations] == [False]


def test_names_in_cplusplus_are_qualified(compile_program: CompileProgram) -> None:
    program = compile_program("values.cc", "-std=c++17", "-g", "-O0")
    with open_debug_file(program) as file:
        finder = FunctionFinder(file)
        found = [
            finder.find(function.low)
            for unit, _ in file.units()
            for function in file.functions(unit, deep=False)
        ]
        names = {at.activations[0].name for at in found if at is not None}
    assert "shapes::(anonymous namespace)::Hidden::reveal" in names
    assert "shapes::Square<long, 3>::area" in names
    assert "shapes::visit" in names
    assert "main" in names
