"""Plug-ins: the interface by which a project says what it knows about its crashes.

See ``docs/plugins.md``. A package brings its plug-ins along as entry points of the
group ``coresnap.plugins``.
"""

from __future__ import annotations

from coresnap.analysis.plugins.trial import PluginTrial, try_plugin
from coresnap.analysis.plugins.views import (
    CrashView,
    FrameView,
    ThreadView,
    VariableView,
)

__all__ = [
    "CrashView",
    "FrameView",
    "PluginTrial",
    "ThreadView",
    "VariableView",
    "try_plugin",
]
