"""The source text around a line, if it is the text that was compiled."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from coresnap.analysis.source_paths import SourcePaths

__all__ = ["Excerpt", "SourceReader"]

_CONTEXT = 3
"""Lines before and after."""
_SIZE_LIMIT = 8 << 20
"""Bytes of the largest file that is read; generated sources may be larger."""
_LINE_LIMIT = 400
"""Characters kept of one line."""
_NO_LINES: tuple[str, ...] = ()


class Excerpt(msgspec.Struct, frozen=True):
    """Lines of a file; ``start`` is the 1-based number of the first, None if none."""

    lines: tuple[str, ...] = _NO_LINES
    start: int | None = None


_NOTHING = Excerpt()


class SourceReader:
    """Reads each file once, from where ``paths`` say, else below ``sysroot``.

    File names come from debug information, so the file must be a regular one of
    sensible size. One that was not asked for must not be newer than the program, or it
    is not shown.
    """

    def __init__(
        self, sysroot: Path | None = None, paths: SourcePaths | None = None
    ) -> None:
        self._sysroot = sysroot
        self._paths = paths or SourcePaths()
        self._files: dict[str, tuple[list[str], float]] = {}

    def around(
        self, file: str | None, line: int | None, module_time: float | None
    ) -> Excerpt:
        """The lines around ``line``; ``module_time`` is the program's mtime.

        Empty if the file is not there, is newer than the program, or ends before.
        """
        if file is None or line is None:
            return _NOTHING
        lines, modified = self._read(file)
        is_newer = modified and (module_time is None or modified > module_time)
        if is_newer or not 1 <= line <= len(lines):
            return _NOTHING
        start = max(line - _CONTEXT, 1)
        return Excerpt(tuple(lines[start - 1 : line + _CONTEXT]), start)

    def _read(self, file: str) -> tuple[list[str], float]:
        found = self._files.get(file)
        if found is None:
            found = self._files[file] = self._find(file)
        return found

    def _find(self, file: str) -> tuple[list[str], float]:
        """(lines, modified) of the first place that has the file; who names a place
        vouches for what is there, and so it is as old as can be."""
        for place in self._paths.chosen(file):
            lines, _ = _read_lines(place)
            if lines:
                return lines, 0.0
        return _read_lines(self._recorded(file))

    def _recorded(self, file: str) -> Path:
        return Path(file) if self._sysroot is None else self._sysroot / file.lstrip("/")


def _read_lines(path: Path) -> tuple[list[str], float]:
    try:
        # Opening a device can do things, so look before it is opened, and after.
        if not _is_sensible(path.stat()):
            return [], 0.0
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            data = os.read(descriptor, _SIZE_LIMIT) if _is_sensible(status) else b""
        finally:
            os.close(descriptor)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return [], 0.0
    text = data.decode("utf-8", "backslashreplace")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line[:_LINE_LIMIT].rstrip("\r") for line in lines], status.st_mtime


def _is_sensible(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and 0 < status.st_size <= _SIZE_LIMIT
