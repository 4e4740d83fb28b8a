from __future__ import annotations

import pytest

from conftest import CompileProgram, KernelCore
from gdb_oracle import Comparison, compare_values, frames_of, gdb_threads

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.gdb,
    pytest.mark.libdw,
]


# clang describes a class with virtual methods where its constructor is: not here.
@pytest.mark.parametrize("compiler", ["c++", "clang++"])
def test_a_class_that_only_a_library_knows_is_shown_whole(
    compile_program: CompileProgram, kernel_core: KernelCore, compiler: str
) -> None:
    library = compile_program(
        "library_classes_library.cc",
        "-g",
        "-fPIC",
        "-shared",
        compiler=compiler,
        name="libshapes.so",
    )
    program = compile_program(
        "library_classes.cc", "-g", compiler=compiler, libraries=[str(library)]
    )
    core = kernel_core([program])
    (frames,) = frames_of(core).values()
    shape = next(v for v in frames[0].variables if v.name == "shape")
    assert shape.target is not None
    assert shape.target.dynamic_type == "ns::Polygon<4>"
    base, side, marks = shape.target.members
    assert (side.value, marks.members[0].value) == (2.5, 7)
    hidden = base.members[-1].target
    assert hidden is not None
    assert [member.value for member in hidden.members[:1]] == [42]
    total = Comparison()
    compare_values(frames, next(iter(gdb_threads(program, core).values())), total)
    assert total.differences == []
    assert total.only_gdb == []
