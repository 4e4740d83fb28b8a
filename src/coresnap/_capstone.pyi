"""Types of the generated module: cffi gives none of its own."""

from typing import Any

ffi: Any
"""What native/capstone.cdef.h declares; ``dlopen`` gives the library."""
