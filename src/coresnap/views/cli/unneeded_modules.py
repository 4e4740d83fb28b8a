"""Modules that what we import imports, and that nearly no command uses.

They are loaded when something of theirs is asked for (``importlib.util.LazyLoader``).
Of a small core's 70 ms, ``ipaddress``, which ``urllib.parse`` needs for hosts in URLs
and ``pathlib`` for nothing, takes 1.1 ms; what ``msgspec`` has for JSON schemas, TOML
and YAML takes 1.8 ms.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader

__all__ = ["load_when_used"]

_MODULES = {
    "ipaddress",
    "msgspec.inspect",
    "msgspec.json",
    "msgspec.toml",
    "msgspec.yaml",
}


def load_when_used() -> None:
    """Have the modules loaded late that are not loaded yet."""
    sys.meta_path.insert(0, _LateFinder())


class _LateFinder:
    """Lets Python's own finder find a module, and puts off its loading."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        """As PathFinder, for the modules above."""
        if name not in _MODULES:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec
