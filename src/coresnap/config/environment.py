"""Which variables of a crashed process's environment are kept: ``environ.allow``."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["ALLOWED_VARIABLES", "filter_environment"]

ALLOWED_VARIABLES = (
    *("PATH", "LANG", "LANGUAGE", "LC_*", "TZ", "SHELL", "TERM"),
    *("LD_LIBRARY_PATH", "LD_PRELOAD", "MALLOC_*", "container"),
)
"""Where nobody says otherwise."""


def filter_environment(variables: Iterable[bytes], allowed: Iterable[str]) -> bytes:
    """Return the variables that ``environ.allow`` lets pass, each with a NUL behind.

    A name of ``allowed`` may end in ``*``, as for the helper.
    """
    names = [name.encode() for name in allowed]

    def is_allowed(variable: bytes) -> bool:
        name, equals, _ = variable.partition(b"=")
        return bool(equals) and any(
            name.startswith(a[:-1]) if a.endswith(b"*") else name == a for a in names
        )

    return b"".join(v + b"\0" for v in variables if is_allowed(v))
