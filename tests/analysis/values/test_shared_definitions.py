from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import SOURCES, CompileProgram, KernelCore
from gdb_oracle import Comparison, compare_values, frames_of, gdb_threads

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.gdb,
    pytest.mark.libdw,
]


def test_a_class_whose_definition_dwz_moved_to_a_shared_file_is_shown_whole(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    if shutil.which("dwz") is None:
        pytest.skip("not installed: dwz")
    library = str(SOURCES / "library_classes_library.cc")
    program, twin = tmp_path / "program", tmp_path / "twin"
    built = compile_program("library_classes.cc", "-g", "-Wl,--build-id=sha1", library)
    for copy in (program, twin):
        shutil.copy(built, copy)
    shared = str(tmp_path / "shared")
    files = [str(program), str(twin)]
    subprocess.run(["dwz", "-m", shared, "-M", "shared", *files], check=True)
    core = kernel_core([program])
    (frames,) = frames_of(core).values()
    shape = next(v for v in frames[0].variables if v.name == "shape")
    assert shape.target is not None
    assert shape.type == "Shape *", "as C++ writes it"
    assert shape.target.dynamic_type == "ns::Polygon<4>"
    total = Comparison()
    compare_values(frames, next(iter(gdb_threads(program, core).values())), total)
    assert total.differences == []
    assert total.only_gdb == []
