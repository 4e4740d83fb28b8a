"""Split units: .dwo files and packages of them, wherever they are, and damaged ones."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import coresnap
from conftest import SOURCES, KernelCore
from coresnap.analysis.debuginfo.split_package import open_package
from coresnap.elfcore.elffile import open_elf
from coresnap.errors import InputError
from coresnap.model import Snapshot, Variable

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]

UNITS = ("split_helper", "split_main")


def build(directory: Path, compiler: str = "gcc", version: int = 5, *more: str) -> Path:
    if shutil.which(compiler) is None:
        pytest.skip(f"not installed: {compiler}")
    directory.mkdir(exist_ok=True)
    flags = ["-g", "-O0", f"-gdwarf-{version}", "-gsplit-dwarf", *more]
    for name in UNITS:
        shutil.copy(SOURCES / f"{name}.c", directory)
        command = [compiler, *flags, "-c", f"{name}.c"]
        subprocess.run(command, cwd=directory, check=True)
    objects = [f"{name}.o" for name in UNITS]
    program = directory / "program"
    subprocess.run([compiler, *objects, "-o", program], cwd=directory, check=True)
    for name in objects:
        (directory / name).unlink()
    return program


def package(directory: Path, compiler: str, version: int) -> Path:
    """Join the .dwo files and remove them."""
    # binutils' dwp 2.40 fails on DWARF 5, and llvm's 14 hangs on gcc's.
    tool = "dwp" if compiler == "gcc" else "llvm-dwp-14"
    if shutil.which(tool) is None:
        pytest.skip(f"not installed: {tool}")
    units = [directory / f"{name}.dwo" for name in UNITS]
    target = directory / "program.dwp"
    subprocess.run([tool, *units, "-o", target], check=True, timeout=60)
    for unit in units:
        unit.unlink()
    return target


def named(variables: tuple[Variable, ...], name: str) -> Variable:
    return next(v for v in variables if v.name == name)


def assert_everything_is_there(snapshot: Snapshot) -> None:
    helper, main = (
        next(f for f in snapshot.threads[0].frames if f.function == name)
        for name in ("helper", "main")
    )
    assert str(helper.file).endswith("split_helper.c")
    assert named(helper.variables, "color").text == "GREEN"
    assert named(helper.variables, "sum").value == 8
    corner = named(main.variables, "corner")
    assert [(m.name, m.value) for m in corner.members] == [("x", 1), ("y", 7)]


def searches(snapshot: Snapshot, program: Path) -> list[tuple[str, str]]:
    (module,) = [m for m in snapshot.modules if m.path == str(program)]
    return [(s.place, s.result) for s in module.searches if s.what == "split"]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("version", [4, 5])
def test_units_are_read_from_where_the_compiler_left_them(
    tmp_path: Path, kernel_core: KernelCore, compiler: str, version: int
) -> None:
    program = build(tmp_path / "built", compiler, version)
    snapshot = coresnap.analyze(kernel_core([program]))
    assert_everything_is_there(snapshot)
    assert searches(snapshot, program) == [
        (str(program.with_name(f"{name}.dwo")), "used") for name in UNITS
    ]


def test_units_are_found_beside_the_program_and_in_symbol_directories(
    tmp_path: Path, kernel_core: KernelCore
) -> None:
    program = build(tmp_path / "built")
    moved = tmp_path / "moved"
    moved.mkdir()
    (program.with_name("split_helper.dwo")).rename(moved / "split_helper.dwo")
    away = Path(shutil.copy(program, moved))
    (program.with_name("split_main.dwo")).rename(tmp_path / "split_main.dwo")
    snapshot = coresnap.analyze(kernel_core([away]), symbol_directories=[tmp_path])
    assert_everything_is_there(snapshot)
    used = [place for place, result in searches(snapshot, away) if result == "used"]
    assert used == [str(moved / "split_helper.dwo"), str(tmp_path / "split_main.dwo")]


def test_type_units_in_sections_of_their_own_are_read(
    tmp_path: Path, kernel_core: KernelCore
) -> None:
    program = build(tmp_path / "built", "gcc", 5, "-fdebug-types-section")
    unit = open_elf(program.with_name("split_helper.dwo"))
    names = [section.name for section in unit.sections]
    assert names.count(".debug_info.dwo") > 1
    assert_everything_is_there(coresnap.analyze(kernel_core([program])))


@pytest.mark.parametrize("how", ["zlib", "zstd"])
def test_compressed_units_are_unpacked(
    tmp_path: Path, kernel_core: KernelCore, how: str
) -> None:
    program = build(tmp_path / "built")
    for name in UNITS:
        unit = str(program.with_name(f"{name}.dwo"))
        option = f"--compress-debug-sections={how}"
        packing = subprocess.run(["objcopy", option, unit], check=False)
        if packing.returncode:
            pytest.skip(f"objcopy knows no {how}")
    assert_everything_is_there(coresnap.analyze(kernel_core([program])))


@pytest.mark.parametrize(
    ("compiler", "version"), [("gcc", 4), ("clang", 4), ("clang", 5)]
)
def test_units_are_read_from_a_package(
    tmp_path: Path, kernel_core: KernelCore, compiler: str, version: int
) -> None:
    program = build(tmp_path / "built", compiler, version)
    place = package(program.parent, compiler, version)
    snapshot = coresnap.analyze(kernel_core([program]))
    assert_everything_is_there(snapshot)
    found = searches(snapshot, program)
    assert found.count((str(place), "used")) == 2
    assert (str(program.with_name("split_helper.dwo")), "not there") in found


def test_a_unit_of_another_build_is_not_used(
    tmp_path: Path, kernel_core: KernelCore
) -> None:
    program = build(tmp_path / "built", version=5)
    other = build(tmp_path / "other", version=5)
    core = kernel_core([program])
    stranger = other.with_name("split_main.dwo")
    shutil.copy(stranger, program.with_name("split_helper.dwo"))
    snapshot = coresnap.analyze(core)
    helper = snapshot.threads[0].frames
    assert "helper" in [f.function for f in helper]  # by its symbol
    (told,) = [r for p, r in searches(snapshot, program) if p.endswith("helper.dwo")]
    assert told.startswith("holds unit ")


def test_what_is_no_file_is_not_opened(tmp_path: Path, kernel_core: KernelCore) -> None:
    program = build(tmp_path / "built")
    core = kernel_core([program])
    unit = program.with_name("split_helper.dwo")
    unit.unlink()
    os.mkfifo(unit)  # libdw would wait for a writer
    snapshot = coresnap.analyze(core)
    assert (str(unit), "is not a regular file") in searches(snapshot, program)


def test_without_its_units_a_program_has_symbols_and_lines_and_says_what_is_missing(
    tmp_path: Path, kernel_core: KernelCore
) -> None:
    program = build(tmp_path / "built")
    core = kernel_core([program])
    for name in UNITS:
        program.with_name(f"{name}.dwo").unlink()
    snapshot = coresnap.analyze(core)
    frames = [f for f in snapshot.threads[0].frames if f.module == str(program)]
    assert [f.function for f in frames[:2]] == ["helper", "main"]
    # The line table stays in the program.
    for frame, name in zip(frames, UNITS, strict=False):
        assert str(frame.file).endswith(f"{name}.c")
    assert all(f.line for f in frames[:2])
    found = searches(snapshot, program)
    assert (str(program.with_name("program.dwp")), "not there") in found
    assert {result for _, result in found} == {"not there"}


@pytest.mark.parametrize("step", [1, 7])
def test_a_damaged_package_costs_only_itself(tmp_path: Path, step: int) -> None:
    program = build(tmp_path / "built", "gcc", 4)
    place = package(program.parent, "gcc", 4)
    whole = place.read_bytes()
    unit_ids = _unit_ids(place)
    assert len(unit_ids) == 2
    damaged = tmp_path / "damaged.dwp"
    for at in range(step, len(whole), 97):
        data = bytearray(whole[: at if step == 1 else len(whole)])
        data[at - step : at] = b"\xff" * min(step, len(data) - at + step)
        damaged.write_bytes(data)
        try:
            opened = open_package(damaged)
        except InputError:
            continue
        for unit_id in unit_ids:
            if opened.has(unit_id):
                with opened.unit(unit_id) as path:
                    open_elf(path)


def _unit_ids(place: Path) -> list[int]:
    """The ids in the index: 16 bytes of header, then a hash table of them."""
    elf = open_elf(place)
    section = elf.section(".debug_cu_index")
    assert section is not None
    data = bytes(elf.section_data(section))
    slots = int.from_bytes(data[12:16], "little")
    words = [data[16 + 8 * i : 24 + 8 * i] for i in range(slots)]
    return [int.from_bytes(word, "little") for word in words if any(word)]
