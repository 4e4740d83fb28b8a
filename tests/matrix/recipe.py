"""How the program of a cell is built: which tool is run with which flags, in order."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import attrs

from matrix.commands import run_tool
from matrix.design import Cell

__all__ = ["Program", "build"]

SOURCES = Path(__file__).with_name("programs")

_COMPILE = {
    "split": ["-gsplit-dwarf"],
    "package": ["-gsplit-dwarf"],
    "type-units": ["-fdebug-types-section"],
    "non-pie": ["-fno-pie"],
    "static-pie": ["-fPIE"],
    "lto": ["-flto"],
    "fat-lto": ["-flto", "-ffat-lto-objects"],
    "thin-lto": ["-flto=thin"],
    "asan": ["-fsanitize=address"],
    "ubsan": ["-fsanitize=undefined"],
    "gc-sections": ["-ffunction-sections", "-fdata-sections"],
    "no-unwind-tables": ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables"],
    # What Debian's gcc-multilib has a link for; it excludes all cross compilers.
    "i386": ["-m32", "-idirafter/usr/include/x86_64-linux-gnu"],
    "frame-pointer": ["-fno-omit-frame-pointer"],
    "no-frame-pointer": ["-fomit-frame-pointer"],
    "cf-protection": ["-fcf-protection=full"],
    "stack-protector": ["-fstack-protector-all"],
    "libc++": ["-stdlib=libc++"],
}
_LINK = {
    "compressed": ["-gz=zlib"],
    "debug-link": ["-Wl,--build-id=none"],
    "build-id": ["-Wl,--build-id=sha1"],
    "non-pie": ["-no-pie"],
    "static": ["-static"],
    "static-pie": ["-static-pie"],
    "gc-sections": ["-Wl,--gc-sections"],
    "deleted-library": ["-DDYNAMIC", "-ldl"],
}
_RUST = {
    "split": ["-Csplit-debuginfo=unpacked"],
    "package": ["-Csplit-debuginfo=packed"],
    "compressed": ["-Clink-arg=-Wl,--compress-debug-sections=zlib"],
    "debug-link": ["-Clink-arg=-Wl,--build-id=none"],
    "build-id": ["-Clink-arg=-Wl,--build-id=sha1"],
    "non-pie": ["-Crelocation-model=static"],
    "static": ["-Ctarget-feature=+crt-static"],
    "lto": ["-Clto=fat"],
    "thin-lto": ["-Clto=thin"],
    "frame-pointer": ["-Cforce-frame-pointers=yes"],
}


@attrs.frozen
class Program:
    """What is run, and what a reader of its core must be told."""

    path: Path
    debug_directory: Path | None = None
    """Holds ``.build-id``."""
    library: Path | None = None
    """A copy of the library that deletes itself."""
    loose: Path | None = None
    """Directory with a copy of the program, and what its package was made from."""


def build(cell: Cell, directory: Path) -> Program:
    """Build the program of a cell in a new ``directory``.

    Raises ``ToolError`` if a compiler or one of binutils fails.
    """
    directory.mkdir(parents=True)
    program = directory / "program"
    if cell.language == "Rust":
        run_tool(["rustc", *_rust_flags(cell), "-o", program], directory)
    else:
        _build_c(cell, directory)
    finish = _FINISH.get(cell.form)
    return finish(program) if finish is not None else Program(program)


def _rust_flags(cell: Cell) -> list[str | Path]:
    level = {"-g1": "1", "-g2": "2"}[cell.debug]
    flags = ["--edition=2021", "-Awarnings", f"-Cdebuginfo={level}"]
    flags += [f"-Copt-level={cell.optimisation[2:]}", f"-Cdwarf-version={cell.dwarf}"]
    if cell.way == "own":
        flags.append("-Cpanic=abort")
    return [*flags, *_RUST.get(cell.form, []), SOURCES / "program.rs"]


def _build_c(cell: Cell, directory: Path) -> None:
    c_compiler, compiler = _compilers(cell)
    # The version first: clang takes it for a level, too.
    flags = [f"-gdwarf-{cell.dwarf}", cell.debug, cell.optimisation]
    flags += _COMPILE.get(cell.form, [])
    link = _LINK.get(cell.form, [])
    if cell.compiler == "clang" and "lto" in cell.form:
        link = [*link, "-fuse-ld=lld"]
    strike = SOURCES / ("strike.c" if cell.language == "C" else "strike.cc")
    main = [f for f in flags if f != "-stdlib=libc++"]
    main += [f for f in link if f.startswith("-D")]
    run_tool([c_compiler, *main, "-c", SOURCES / "program.c"], directory)
    if cell.language == "C++":
        flags.append("-std=c++17")
    if cell.form == "deleted-library":
        shared = ["-fPIC", "-shared", "-pthread", "-o", "libstrike.so"]
        run_tool([compiler, *flags, *shared, strike], directory)
        objects = ["program.o"]
    else:
        run_tool([compiler, *flags, "-c", strike], directory)
        objects = ["program.o", "strike.o"]
    run_tool(
        [compiler, *flags, *objects, "-pthread", *link, "-o", "program"], directory
    )


def _compilers(cell: Cell) -> tuple[str, str]:
    """The one for C, and the one for the cell's language, which links."""
    if cell.form == "musl":
        return "musl-gcc", "musl-gcc"
    plus = {"gcc": "g++", "clang": "clang++"}[cell.compiler]
    return cell.compiler, cell.compiler if cell.language == "C" else plus


def _package(program: Path) -> Program:
    directory = program.parent
    package = program.with_name("program.dwp")
    if not package.exists():
        run_tool(["llvm-dwp", "-e", program, "-o", package], directory)
    objects = list(directory.glob("*.dwo"))
    if not objects:
        return Program(program)
    loose = program.with_name("loose")
    loose.mkdir()
    shutil.copy(program, loose)
    for one in objects:
        one.rename(loose / one.name)
    return Program(program, loose=loose)


def _separate(program: Path) -> Path:
    debug = program.with_name("program.debug")
    run_tool(["objcopy", "--only-keep-debug", program, debug])
    run_tool(["strip", "--strip-all", program])
    return debug


def _debug_link(program: Path) -> Program:
    debug = _separate(program)
    run_tool(["objcopy", f"--add-gnu-debuglink={debug}", program])
    return Program(program)


def _build_id(program: Path) -> Program:
    notes = run_tool(["readelf", "--notes", program])
    build_id = notes.partition("Build ID: ")[2].split()[0]
    symbols = program.with_name("symbols")
    target = symbols / ".build-id" / build_id[:2] / f"{build_id[2:]}.debug"
    target.parent.mkdir(parents=True)
    _separate(program).rename(target)
    return Program(program, debug_directory=symbols)


def _mini_debuginfo(program: Path) -> Program:
    symbols = program.with_name("symbols")
    # Two steps: --only-keep-debug keeps what --strip-debug would take.
    run_tool(["objcopy", "--only-keep-debug", program, symbols])
    run_tool(["strip", "--strip-debug", symbols])
    run_tool(["xz", "--force", symbols])
    run_tool(["strip", "--strip-all", program])
    section = f".gnu_debugdata={symbols}.xz"
    run_tool(["objcopy", "--add-section", section, program])
    return Program(program)


def _dwz(program: Path) -> Program:
    twin = program.with_name("twin")
    shutil.copy(program, twin)
    common = program.with_name("common.debug")
    run_tool(["dwz", "-m", common, "-M", common, program, twin])
    return Program(program)


def _keep_library(program: Path) -> Program:
    kept = program.with_name("kept") / "libstrike.so"
    kept.parent.mkdir()
    shutil.copy(program.with_name("libstrike.so"), kept)
    return Program(program, library=kept)


_FINISH: dict[str, Callable[[Path], Program]] = {
    "package": _package,
    "debug-link": _debug_link,
    "build-id": _build_id,
    "mini-debuginfo": _mini_debuginfo,
    "dwz": _dwz,
    "deleted-library": _keep_library,
}
