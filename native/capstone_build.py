"""Builds ``coresnap._capstone`` (cffi, ABI mode): declarations, as a Python module.

No compiler is needed, and no library: analysis opens the one that is there, and looks
at its version before it trusts a structure.
"""

from __future__ import annotations

from pathlib import Path

import cffi

ffibuilder = cffi.FFI()
ffibuilder.cdef((Path(__file__).resolve().parent / "capstone.cdef.h").read_text())
ffibuilder.set_source("coresnap._capstone", None)
