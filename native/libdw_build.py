"""Build ``coresnap._libdw``: libdw, and our batch reading of it, for Python.

Run by setuptools (``cffi_modules`` in setup.py) from the project's root.
"""

from __future__ import annotations

from pathlib import Path

import cffi

_NATIVE = Path(__file__).resolve().parent

_SOURCES = (
    "aranges",
    "attribute",
    "checksum",
    "die",
    "lines",
    "location",
    "ranges",
    "splits",
    "table",
    "units",
    "walks",
)

_LIBDW = """
typedef struct Elf Elf;
typedef struct Dwarf Dwarf;
unsigned int elf_version(unsigned int version);
Elf *elf_begin(int descriptor, int command, Elf *reference);
int elf_end(Elf *elf);
Dwarf *dwarf_begin_elf(Elf *elf, int command, void *group);
int dwarf_end(Dwarf *dwarf);
void dwarf_setalt(Dwarf *dwarf, Dwarf *alternate);
const char *dwarf_errmsg(int error);
void *dlopen(const char *name, int flags);
void *dlsym(void *library, const char *symbol);
void free(void *pointer);
#define EV_CURRENT ...
#define ELF_C_READ_MMAP ...
#define DWARF_C_READ ...
"""

ffibuilder = cffi.FFI()
ffibuilder.cdef(_LIBDW + (_NATIVE / "libdw.cdef.h").read_text())
ffibuilder.set_source(
    "coresnap._libdw",
    """
    #include <dlfcn.h>
    #include <stdlib.h>
    #include "csdw.h"
    """,
    sources=[f"native/libdw/{name}.c" for name in _SOURCES],
    # FreeBSD's packages are there, and its base has a libelf of its own.
    include_dirs=["native/libdw", "/usr/local/include"],
    library_dirs=["/usr/local/lib"],
    libraries=["dw", "elf"],
    extra_compile_args=["-std=c11", "-Wall", "-Wextra"],
    py_limited_api=True,
)
