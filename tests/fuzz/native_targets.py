"""What is fuzzed of the C half, and how it is compiled."""

from __future__ import annotations

import subprocess
from pathlib import Path

from catcher import NATIVE, WARNINGS

__all__ = ["NATIVE_TARGETS", "compile_target"]

SOURCES = Path(__file__).parent / "native"
NATIVE_TARGETS = {
    "core_head": "core",
    "elf_notes": "elf_notes",
    "settings": "settings",
    "request": "request",
    "json": "json",
    "sparse_writer": "sparse_writer",
    "admission_table": "admission",
}
"""Each target, ``native/NAME.c``, and the directory of its seeds."""


def compile_target(name: str, output: Path, *, fuzzer: bool) -> None:
    """Compile a target for libFuzzer, else to replay files. Takes ASan and UBSan."""
    catch = sorted({*(NATIVE / "catch").glob("*.c")} - {NATIVE / "catch" / "main.c"})
    library = sorted((NATIVE / "library").glob("*.c"))
    own = [SOURCES / f"{name}.c", SOURCES / "input_file.c"]
    if not fuzzer:
        own.append(SOURCES / "replay.c")
    sanitizers = "address,undefined" + (",fuzzer" if fuzzer else "")
    includes = [
        f"-I{place}" for place in (SOURCES, NATIVE / "catch", NATIVE / "library")
    ]
    flags = ["-O1", "-g", f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"]
    compiler = "clang" if fuzzer else "cc"
    line = [compiler, *WARNINGS, *flags, *includes, *map(str, [*own, *catch, *library])]
    subprocess.run([*line, "-pthread", "-o", str(output)], check=True)
