"""What is fuzzed of the C half, and how it is compiled."""

from __future__ import annotations

import subprocess
from pathlib import Path

from catcher import NATIVE, WARNINGS

__all__ = ["NATIVE_TARGETS", "compile_sources", "compile_target"]

SOURCES = Path(__file__).parent / "native"
NATIVE_TARGETS = {
    "core_head": "core",
    "elf_notes": "elf_notes",
    "pointer_scan": "pointer_scan",
    "settings": "settings",
    "request": "request",
    "json": "json",
    "sparse_writer": "sparse_writer",
    "admission_table": "admission",
    "address_map": "address_map",
}
"""Each target, ``native/NAME.c``, and the directory of its seeds."""


def compile_sources(directory: Path, *, fuzzer: bool) -> list[Path]:
    """Compile what all targets share into ``directory``; return the objects."""
    directory.mkdir(parents=True, exist_ok=True)
    sources = {*(NATIVE / "catch").glob("*.c"), *(NATIVE / "library").glob("*.c")}
    sources -= {NATIVE / "catch" / "main.c"}
    names = [str(source) for source in sorted(sources)]
    flags = _flags("fuzzer-no-link" if fuzzer else "")
    line = [_compiler(fuzzer), *flags, "-c", *names]
    subprocess.run(line, cwd=directory, check=True)
    return [directory / f"{Path(name).stem}.o" for name in names]


def compile_target(
    name: str, objects: list[Path], output: Path, *, fuzzer: bool
) -> None:
    """Compile a target for libFuzzer, else to replay files. Takes ASan and UBSan."""
    own = [SOURCES / f"{name}.c", SOURCES / "input_file.c"]
    if not fuzzer:
        own.append(SOURCES / "replay.c")
    files = [str(path) for path in (*own, *objects)]
    line = [_compiler(fuzzer), *_flags("fuzzer" if fuzzer else ""), *files]
    subprocess.run([*line, "-o", str(output)], check=True)


def _compiler(fuzzer: bool) -> str:
    return "clang" if fuzzer else "cc"


def _flags(more: str) -> list[str]:
    places = (SOURCES, NATIVE / "catch", NATIVE / "library")
    sanitizers = ",".join(filter(None, ("address,undefined", more)))
    flags = ["-O1", "-g", f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"]
    return [*WARNINGS, *flags, "-pthread", *(f"-I{place}" for place in places)]
