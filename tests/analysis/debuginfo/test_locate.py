from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import CompileProgram
from coresnap.analysis.debuginfo import libdw_file, symbol_directory
from coresnap.analysis.debuginfo.locate import (
    DebugPlaces,
    debug_directories_of,
    locate,
)
from coresnap.analysis.debuginfo.symbol_directory import SymbolDirectory
from coresnap.elfcore.elffile import open_elf

pytestmark = [pytest.mark.compiler, pytest.mark.libdw]


@pytest.fixture
def program(compile_program: CompileProgram, tmp_path: Path) -> Path:
    built = compile_program("values.c", "-g", "-O0", "-Wl,--build-id=sha1")
    return Path(shutil.copy(built, tmp_path / "program"))


@pytest.fixture
def debug_file(program: Path) -> Path:
    """The debug information of ``program`` by itself; the program loses it."""
    separate = program.with_name("program.debug")
    subprocess.run(["objcopy", "--only-keep-debug", program, separate], check=True)
    subprocess.run(["strip", program], check=True)
    return separate


def build_id_path(directory: Path, program: Path) -> Path:
    build_id = open_elf(program).build_id
    assert build_id is not None
    path = directory / ".build-id" / build_id[:2] / f"{build_id[2:]}.debug"
    path.parent.mkdir(parents=True)
    return path


def build_id(program: Path) -> str | None:
    return open_elf(program).build_id


def found_path(
    program: Path | None, build_id: str | None, directories: tuple[Path, ...] = ()
) -> Path | None:
    located = locate(program, build_id, DebugPlaces(directories))
    if located.file is None:
        return None
    with located.file as file:
        return file.path


def test_a_program_that_was_not_stripped_has_its_own(program: Path) -> None:
    assert found_path(program, build_id(program)) == program


def test_a_build_id_directory_is_searched(
    program: Path, debug_file: Path, tmp_path: Path
) -> None:
    target = build_id_path(tmp_path / "symbols", program)
    debug_file.rename(target)
    assert found_path(program, build_id(program), (tmp_path / "symbols",)) == target


def test_a_build_id_is_enough_where_the_program_is_gone(
    program: Path, debug_file: Path, tmp_path: Path
) -> None:
    target = build_id_path(tmp_path / "symbols", program)
    debug_file.rename(target)
    assert found_path(None, build_id(program), (tmp_path / "symbols",)) == target


@pytest.mark.parametrize("place", [".", ".debug", "symbols{}"])
def test_the_debuglink_is_followed_to_every_place_it_may_name(
    program: Path, debug_file: Path, tmp_path: Path, place: str
) -> None:
    add_debuglink(program, debug_file)
    beside = program.resolve().parent
    directory = tmp_path / place.format(beside)  # "symbols" + the program's own path
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / debug_file.name
    if target != debug_file:
        debug_file.rename(target)
    found = found_path(program, None, (tmp_path / "symbols",))
    assert found is not None
    assert found.samefile(target)


def add_debuglink(program: Path, debug_file: Path) -> None:
    link = f"--add-gnu-debuglink={debug_file}"
    subprocess.run(["objcopy", link, program], check=True)


def test_a_debug_file_of_another_build_is_refused_with_the_reason(
    program: Path, debug_file: Path, compile_program: CompileProgram
) -> None:
    add_debuglink(program, debug_file)
    other = compile_program("values.c", "-g", "-O2", "-Wl,--build-id=sha1")
    shutil.copy(other, debug_file)
    located = locate(program, build_id(program), DebugPlaces())
    assert located.file is None
    assert located.problem is not None
    assert f"has build-id {build_id(other)}" in located.problem


def test_without_build_ids_the_checksum_of_the_debuglink_decides(
    compile_program: CompileProgram, tmp_path: Path
) -> None:
    built = compile_program("values.c", "-g", "-O0", "-Wl,--build-id=none")
    program = Path(shutil.copy(built, tmp_path / "program"))
    separate = tmp_path / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, separate], check=True)
    subprocess.run(["strip", program], check=True)
    add_debuglink(program, separate)
    assert found_path(program, None) == separate
    with separate.open("ab") as stream:
        stream.write(b"x")
    located = locate(program, None, DebugPlaces())
    assert located.file is None
    assert "has not the CRC" in str(located.problem)


def test_a_debug_file_that_may_not_be_read_is_reported(
    program: Path, debug_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = build_id_path(tmp_path / "symbols", program)
    debug_file.rename(target)
    real = os.open

    def refuse(path: str | Path, flags: int, *rest: int) -> int:
        if Path(path) == target:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest)

    # Root may read anything, so that the refusal has to be made up.
    monkeypatch.setattr(os, "open", refuse)
    located = locate(program, build_id(program), DebugPlaces((tmp_path / "symbols",)))
    assert located.file is None
    assert f"{target}: cannot be read: Permission denied" in str(located.problem)


@pytest.mark.parametrize(
    "content", [b"", b"no ELF", b"\x7fELF", b"\x7fELF" + b"\xff" * 99]
)
def test_a_file_that_is_no_debug_file_is_reported(
    program: Path, debug_file: Path, tmp_path: Path, content: bytes
) -> None:
    target = build_id_path(tmp_path / "symbols", program)
    target.write_bytes(content)
    located = locate(program, build_id(program), DebugPlaces((tmp_path / "symbols",)))
    assert located.file is None
    assert str(target) in str(located.problem)


def test_all_that_was_looked_at_is_told(
    program: Path, debug_file: Path, tmp_path: Path
) -> None:
    add_debuglink(program, debug_file)
    debug_file.unlink()
    directories = debug_directories_of((Path("/symbols"),), Path("/sysroot"))
    places = DebugPlaces(directories, (SymbolDirectory(tmp_path / "mine"),))
    located = locate(program, build_id(program), places)
    below = symbol_directory.build_id_path(str(build_id(program)), "debuginfo")
    beside = program.resolve().parent
    name = "program.debug"
    assert [(s.what, s.place, s.result) for s in located.searches] == [
        ("executable", str(program), "has no debug information"),
        ("build-id", f"/symbols/{below}", "not there"),
        ("build-id", f"/sysroot/usr/lib/debug/{below}", "not there"),
        ("debug-link", str(beside / name), "not there"),
        ("debug-link", str(beside / ".debug" / name), "not there"),
        ("debug-link", f"/symbols{beside}/{name}", "not there"),
        ("debug-link", f"/sysroot/usr/lib/debug{beside}/{name}", "not there"),
        ("build-id", str(tmp_path / "mine" / below), "not there"),
    ]
    assert located.problem == (
        f"no debug information: {program}: has no debug information; "
        "nothing in 7 other places"
    )


def test_without_libdw_the_reason_is_given(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libdw_file, "_UNAVAILABLE", "coresnap._libdw is not built")
    located = locate(program, None, DebugPlaces())
    assert located.file is None
    assert located.problem == "no debug information: coresnap._libdw is not built"
