"""Files that were kept beside the core: their list, and what is in one."""

from __future__ import annotations

from coresnap.snapshot.escape import printable
from coresnap.views.fault.fault import Fault
from coresnap.views.quantity import decimal_size
from coresnap.views.viewer.line import Line, line, plain
from coresnap.views.viewer.looked import Looked

__all__ = ["content", "kept", "names"]

_SHOWN = 1024 * 1024
"""Bytes of a file that are shown."""


def names(fault: Fault) -> list[str]:
    """Return the names of the files, in the order of ``kept``."""
    return sorted(fault.snapshot.assets)


def kept(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return name and size of each file."""
    assets = fault.snapshot.assets
    lines = [
        line(f"{decimal_size(len(assets[name])):>10} ", (printable(name), "place"))
        for name in names(fault)
    ]
    return lines or [line(("no files were kept", "doubt"))]


def content(fault: Fault, name: str) -> list[Line]:
    """Return the lines of a file; fields that a NUL ends have a line each."""
    data = fault.snapshot.assets[name]
    text = data[:_SHOWN].decode("utf-8", "surrogateescape").replace("\0", "\n")
    lines = plain(printable(one) for one in text.split("\n"))
    if len(data) > _SHOWN:
        rest = f"… {len(data) - _SHOWN:,} bytes more; `:s FILE` saves all of it"
        lines.append(line((rest, "doubt")))
    return lines
