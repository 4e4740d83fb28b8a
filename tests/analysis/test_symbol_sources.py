"""Where names and lines come from when a module's own file does not have them."""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import coresnap
from conftest import SOURCES, CompileProgram, KernelCore
from coresnap.analysis.debuginfo.debuginfod import Debuginfod, DebuginfodSettings
from coresnap.elfcore.elffile import open_elf
from coresnap.model import Module, Search, Snapshot, Trust
from debuginfod_server import serving

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]


def module_of(snapshot: Snapshot, name: str) -> Module:
    return next(m for m in snapshot.modules if name in m.path)


def results(module: Module, what: str) -> list[tuple[str, str]]:
    return [(s.place, s.result) for s in module.searches if s.what == what]


def functions(snapshot: Snapshot) -> list[str | None]:
    return [frame.function for frame in snapshot.threads[0].frames]


# --- a library that was deleted after it was loaded --------------------------------


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    built = tmp_path / "built" / "plugin.so"
    built.parent.mkdir()
    flags = ["-g", "-O0", "-shared", "-fPIC", "-Wl,--build-id=sha1"]
    subprocess.run(["cc", *flags, SOURCES / "plugin.c", "-o", built], check=True)
    return built


def crash_in(
    plugin: Path,
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    *more: str,
) -> Path:
    host = compile_program("plugin_host.c", "-g", libraries=["-ldl"])
    loaded = shutil.copy(plugin, plugin.parent.parent / "loaded.so")
    return kernel_core([host, loaded, *more])


def test_a_deleted_library_is_read_from_a_symbol_directory(
    plugin: Path, compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    core = crash_in(plugin, compile_program, kernel_core)
    snapshot = coresnap.analyze(core, symbol_directories=[plugin.parent])
    names = functions(snapshot)
    assert names[names.index("depth") :][:6] == [*["depth"] * 4, "plugin_run", "main"]
    module = module_of(snapshot, "loaded.so")
    assert module.debug_file == module.file == str(plugin)
    assert module.problem is None
    (at_path, *_) = results(module, "executable")
    assert at_path == (
        str(plugin.parent.parent / "loaded.so"),
        "deleted; now: not there",
    )
    assert results(module, "build-id")[-1] == (str(plugin), "used")


def test_a_deleted_library_is_named_and_unwound_by_its_pages_in_the_core(
    plugin: Path, compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    core = crash_in(plugin, compile_program, kernel_core, "everything")
    snapshot = coresnap.analyze(core)
    frames = snapshot.threads[0].frames
    inside = [f for f in frames if f.module and "loaded.so" in f.module]
    # Of the library's functions, one is exported.
    assert [f.function for f in inside] == [None, None, None, None, "plugin_run"]
    assert {f.trust for f in inside} == {Trust.CFI}
    assert "main" in functions(snapshot)
    module = module_of(snapshot, "loaded.so")
    assert module.symbols == "dynsym"
    assert results(module, "executable")[-1] == ("[core]", "used for dynamic symbols")


def test_a_replaced_library_is_not_taken_for_the_one_that_ran(
    plugin: Path, compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    core = crash_in(plugin, compile_program, kernel_core)
    loaded = plugin.parent.parent / "loaded.so"
    flags = ["-O1", "-shared", "-fPIC", "-Wl,--build-id=sha1"]
    subprocess.run(["cc", *flags, SOURCES / "plugin.c", "-o", loaded], check=True)
    module = module_of(coresnap.analyze(core), "loaded.so")
    assert module.file is None
    place, result = results(module, "executable")[0]
    assert place == str(loaded)
    assert result.startswith("deleted; now: has build-id ")


def test_files_of_all_modules_that_frames_need_are_fetched_and_of_no_others(
    kernel_core: KernelCore, tmp_path: Path
) -> None:
    # Without frame pointers, the library's callers are found with its file only.
    flags = ["-g", "-O1", "-fomit-frame-pointer", "-Wl,--build-id=sha1"]
    library, host = tmp_path / "built.so", tmp_path / "host"
    for source, target, more in (
        ("plugin.c", library, ["-shared", "-fPIC", "-fno-optimize-sibling-calls"]),
        ("plugin_host.c", host, ["-ldl"]),
    ):
        command = ["cc", *flags, str(SOURCES / source), "-o", str(target), *more]
        subprocess.run(command, check=True)
    loaded = Path(shutil.copy(library, tmp_path / "loaded.so"))
    core = kernel_core([host, loaded])
    ids = [str(open_elf(path).build_id) for path in (library, host)]
    with serving() as server:
        for build_id, path in zip(ids, (library, host), strict=True):
            server.serve(build_id, "executable", path.read_bytes())
        host.unlink()
        library.unlink()
        settings = DebuginfodSettings((server.url,), tmp_path / "cache")
        snapshot = coresnap.analyze(core, fetcher=Debuginfod(settings))
    named = [f.function for f in snapshot.threads[0].frames if f.file]
    assert [name for name in named if name in ("plugin_run", "main")] == [
        "plugin_run",
        "main",
    ]
    needed = {f.build_id for f in snapshot.threads[0].frames}
    assert {path.split("/")[2] for path in server.asked} <= needed | set(ids)


# --- minidebuginfo ------------------------------------------------------------------


def strip_to_minidebuginfo(program: Path, *sections: str) -> None:
    """As distributions do it: what dynsym lacks, xz-compressed, in a section."""
    inner = program.with_name("inner")
    keep = [f"--only-section={name}" for name in sections]
    if keep:
        subprocess.run(["objcopy", *keep, program, inner], check=True)
    else:
        subprocess.run(["strip", "--strip-debug", "-o", inner, program], check=True)
    packed = program.with_name("inner.xz")
    packed.write_bytes(lzma.compress(inner.read_bytes()))
    subprocess.run(["strip", program], check=True)
    add_section(program, packed)


def add_section(program: Path, contents: Path) -> None:
    option = f"--add-section=.gnu_debugdata={contents}"
    subprocess.run(["objcopy", option, program], check=True)


def test_names_come_from_minidebuginfo(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    shutil.copy(compile_program("inlines.c", "-g", "-O0"), program)
    strip_to_minidebuginfo(program)
    snapshot = coresnap.analyze(kernel_core([program]))
    assert "main" in functions(snapshot)
    module = module_of(snapshot, "/program")
    assert module.symbols == "symtab"
    assert results(module, "debugdata") == [(str(program), "used")]


def test_call_frames_come_from_minidebuginfo(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    # No .eh_frame for these functions, and no frame pointer to walk by.
    flags = ["-g", "-O1", "-fno-asynchronous-unwind-tables", "-fomit-frame-pointer"]
    program = tmp_path / "program"
    shutil.copy(compile_program("inlines.c", *flags), program)
    strip_to_minidebuginfo(program, ".debug_frame")
    frames = coresnap.analyze(kernel_core([program])).threads[0].frames
    inside = [f for f in frames if f.module == str(program)]
    assert len(inside) >= 2
    assert {f.trust for f in inside} <= {Trust.CONTEXT, Trust.CFI}


def test_damaged_minidebuginfo_is_reported(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    program, damaged = tmp_path / "program", tmp_path / "damaged"
    shutil.copy(compile_program("inlines.c", "-O0", "-s"), program)
    damaged.write_bytes(b"no xz")
    add_section(program, damaged)
    module = module_of(coresnap.analyze(kernel_core([program])), "/program")
    ((_, result),) = results(module, "debugdata")
    assert result.startswith("cannot be decompressed: ")


# --- files that several share ------------------------------------------------------


@pytest.fixture
def shared(compile_program: CompileProgram, tmp_path: Path) -> tuple[Path, Path]:
    """A program whose debug information stands in part in a file of dwz's."""
    if shutil.which("dwz") is None:
        pytest.skip("not installed: dwz")
    program, twin = tmp_path / "program", tmp_path / "twin"
    flags = ["-g", "-O1", "-Wl,--build-id=sha1"]
    shutil.copy(compile_program("inlines.c", *flags), program)
    shutil.copy(compile_program("inlines.c", *flags, "-DTWIN"), twin)
    common = tmp_path / "common"
    files = [str(path) for path in (common, program, twin)]
    subprocess.run(["dwz", "-m", files[0], "-M", "common", *files[1:]], check=True)
    assert open_elf(program).alternate_link is not None
    return program, common


def whole(snapshot: Snapshot) -> bool:
    frame = snapshot.threads[0].frames[0]
    types = [v.type for v in frame.variables]
    return str(frame.file).endswith("inlines.c") and all(types)


def test_a_shared_file_is_found_by_its_recorded_name(
    shared: tuple[Path, Path], kernel_core: KernelCore
) -> None:
    program, common = shared
    snapshot = coresnap.analyze(kernel_core([program]))
    assert whole(snapshot)
    assert results(module_of(snapshot, "/program"), "alternate")[-1] == (
        str(common),
        "used",
    )


def test_a_shared_file_is_found_by_its_build_id(
    shared: tuple[Path, Path], kernel_core: KernelCore, tmp_path: Path
) -> None:
    program, common = shared
    core = kernel_core([program])
    moved = tmp_path / "symbols" / "anything"
    moved.parent.mkdir()
    common.rename(moved)
    snapshot = coresnap.analyze(core, symbol_directories=[moved.parent])
    assert whole(snapshot)
    found = results(module_of(snapshot, "/program"), "alternate")
    assert found[-1] == (str(moved), "used")


def test_a_shared_file_of_another_build_gives_nothing_instead_of_wrong_names(
    shared: tuple[Path, Path], kernel_core: KernelCore
) -> None:
    program, common = shared
    core = kernel_core([program])
    expected = {v.name for v in coresnap.analyze(core).threads[0].frames[0].variables}
    other = bytearray(common.read_bytes())
    build_id = bytes.fromhex(str(open_elf(common).build_id))
    at = other.index(build_id)
    other[at : at + len(build_id)] = bytes(len(build_id))
    # The names that it has are others.
    text = bytes(other).replace(b"int\0", b"wrg\0")
    common.write_bytes(text)
    snapshot = coresnap.analyze(core)
    frame = snapshot.threads[0].frames[0]
    assert {v.name for v in frame.variables} <= expected
    assert not [v for v in frame.variables if "wrg" in v.type]
    (told,) = [
        result
        for place, result in results(module_of(snapshot, "/program"), "alternate")
        if place == str(common)
    ]
    assert told.startswith(f"has build-id {'00' * len(build_id)}")
    problem = str(module_of(snapshot, "/program").problem)
    assert f"build-id {build_id.hex()}, which it shares with others, is not" in problem


# --- compressed sections, sysroots -------------------------------------------------


@pytest.mark.parametrize("how", ["zlib", "zlib-gnu", "zlib-gabi", "zstd"])
def test_compressed_sections_are_unpacked(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path, how: str
) -> None:
    program = tmp_path / "program"
    shutil.copy(compile_program("inlines.c", "-g", "-O1"), program)
    option = f"--compress-debug-sections={how}"
    if subprocess.run(["objcopy", option, str(program)], check=False).returncode:
        pytest.skip(f"objcopy knows no {how}")
    assert whole(coresnap.analyze(kernel_core([program])))


def test_everything_is_found_below_a_sysroot(
    compile_program: CompileProgram, kernel_core: KernelCore, tmp_path: Path
) -> None:
    program = tmp_path / "program"
    shutil.copy(compile_program("inlines.c", "-g", "-O1"), program)
    separate = tmp_path / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, separate], check=True)
    link = f"--add-gnu-debuglink={separate}"
    subprocess.run(["objcopy", "--strip-all", link, program], check=True)
    core = kernel_core([program])
    root = tmp_path / "root"
    below = root / str(program).lstrip("/")
    below.parent.mkdir(parents=True)
    program.rename(below)
    debug = root / "usr/lib/debug" / str(tmp_path).lstrip("/")
    debug.mkdir(parents=True)
    separate.rename(debug / separate.name)
    snapshot = coresnap.analyze(core, sysroot=root)
    assert whole(snapshot)
    module = module_of(snapshot, "/program")
    assert module.debug_file == str(debug / separate.name)
    assert Search("executable", str(below), "used; has no debug information") in (
        module.searches
    )


def test_an_index_is_kept_and_renewed_when_a_file_changes(
    plugin: Path, compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    core = crash_in(plugin, compile_program, kernel_core)
    data = plugin.read_bytes()
    symbols = plugin.parent
    plugin.write_bytes(b"not yet")
    assert (
        module_of(
            coresnap.analyze(core, symbol_directories=[symbols]), "loaded.so"
        ).file
        is None
    )
    assert (symbols / ".coresnap-index").exists()
    plugin.write_bytes(data)
    os.utime(plugin, (1, 1))
    found = coresnap.analyze(core, symbol_directories=[symbols])
    assert module_of(found, "loaded.so").file == str(plugin)
