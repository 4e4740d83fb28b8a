"""Coresnap turns coredumps into answers.

Two calls are the library::

    snapshot = coresnap.analyze("core")     # everything that can be concluded
    core = coresnap.open_core("core")       # what the dead bytes say, unjudged

Both are imported on first use, so that ``import coresnap`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["analyze", "open_core"]

if TYPE_CHECKING:
    from coresnap.analysis.session import analyze
    from coresnap.elfcore.corefile import open_core


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol (PEP 562)
    if name == "analyze":
        from coresnap.analysis.session import analyze

        return analyze
    if name == "open_core":
        from coresnap.elfcore.corefile import open_core

        return open_core
    raise AttributeError(f"module 'coresnap' has no attribute {name!r}")
