"""Programs that change what protects them, crashed through the kernel."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from conftest import CompileProgram, KernelCore
from coresnap.analysis.session import analyze

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="writes x86-64 code"),
]


def security(core: Path) -> dict[str, str]:
    snapshot = analyze(core)
    assert [n for n in snapshot.notes if n.step.startswith("classify")] == []
    found = {c.name: c.confidence for c in snapshot.classifiers}
    return {n: c for n, c in found.items() if n.startswith("security.")}


@pytest.fixture
def tampers(compile_program: CompileProgram) -> Path:
    flags = ("-g", "-O1", "-w", "-Wl,-z,lazy,-z,norelro", "-fno-builtin")
    return compile_program("tampers.c", *flags)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("patch", {"security.text": "strong"}),
        ("writable", {"security.text": "strong", "security.wx": "strong"}),
        ("redirect", {"security.got": "strong"}),
        ("pivot", {"security.pivot": "probable"}),
        ("breakpoint", {}),
        ("generate", {}),
        ("nothing", {}),
    ],
)
def test_what_was_changed_is_found_and_nothing_else(
    tampers: Path, kernel_core: KernelCore, way: str, expected: dict[str, str]
) -> None:
    assert security(kernel_core([tampers, way])) == expected


def test_text_that_the_linker_relocates_is_not_taken_for_changed(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    flags = ("-O1", "-w", "-fno-pic", "-pie", "-Wl,-z,notext", "-mcmodel=large")
    program = compile_program("tampers.c", *flags)
    assert security(kernel_core([program, "nothing"])) == {}


def test_without_relro_or_lazy_binding_nothing_is_wrong(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    for linked in ("-Wl,-z,now,-z,relro", "-Wl,-z,lazy,-z,norelro", "-static"):
        program = compile_program("tampers.c", "-O1", "-w", linked)
        assert security(kernel_core([program, "nothing"])) == {}


def test_with_another_build_of_the_program_nothing_is_compared(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    program = compile_program("tampers.c", "-O1", "-w")
    other = compile_program("tampers.c", "-O2", "-w", "-DOTHER")
    copy = tmp_path / "program"
    copy.write_bytes(program.read_bytes())
    copy.chmod(0o755)
    core = kernel_core([copy, "patch"])
    copy.write_bytes(other.read_bytes())
    assert "security.text" not in security(core)
