"""Builds ``coresnap._native`` (cffi, API mode, abi3) from native/library.

setup.py names this file in ``cffi_modules``; paths are relative to the root of the
project, from where the build runs.
"""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

ffibuilder = FFI()
ffibuilder.cdef(Path("native/native.cdef").read_text(encoding="utf-8"))
ffibuilder.set_source(
    "coresnap._native",
    """
    #include "chunk_list.h"
    #include "chunk_walk.h"
    #include "elf_notes.h"
    #include "pointer_scan.h"
    #include "sparse_writer.h"
    #include "zero_scan.h"
    """,
    sources=sorted(map(str, Path("native/library").glob("*.c"))),
    include_dirs=["native/library"],
    extra_compile_args=["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra"],
    optional=True,  # without a compiler the pure-Python twins serve
)
