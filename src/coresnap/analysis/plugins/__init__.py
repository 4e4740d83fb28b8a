"""Plug-ins: what other packages know about their own programs' crashes."""

from __future__ import annotations

__all__ = ["GROUP"]

GROUP = "coresnap.plugins"
"""Entry point group; each entry names a plug-in."""
