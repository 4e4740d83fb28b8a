"""Symbols as people write the functions: C++, Rust, and what compilers add to both.

Names of other languages (Ada, D, Fortran, Go, C) are for people already, or stay as
the linker knows them.
"""

from __future__ import annotations

from coresnap.analysis.demangle.display import display_name, short_name

__all__ = ["display_name", "short_name"]
