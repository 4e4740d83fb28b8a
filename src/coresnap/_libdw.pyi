"""Types of the compiled extension: cffi gives none of its own."""

from typing import Any

ffi: Any
lib: Any
