"""Finds the file of the kernel that a dump is of, as crashinfo(8) does.

A kernel's file holds its ``version``, the words that a dump's header has, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from coresnap.elfcore.elffile import open_elf
from coresnap.errors import CoresnapError

__all__ = ["find_kernel"]

_LEAST = 12
"""Characters of a version by which a file may be known: more than ``FreeBSD 13.2``."""


def find_kernel(version: str, boot: Path = Path("/boot")) -> Path | None:
    """Return the kernel below ``boot`` with this version; None if there is none."""
    wanted = version.splitlines()[0].strip().encode() if version.strip() else b""
    if len(wanted) <= _LEAST:
        return None
    return next((path for path in _kernels(boot) if _holds(path, wanted)), None)


def _kernels(boot: Path) -> Iterator[Path]:
    """``kernel`` first, then ``kernel.old`` and what else was installed."""
    try:
        names = sorted(boot.glob("*/kernel"), key=lambda p: (p.parent.name, p.name))
    except OSError:
        return
    usual = boot / "kernel" / "kernel"
    yield from (path for path in (usual, *names) if path.is_file())


def _holds(path: Path, wanted: bytes) -> bool:
    try:
        elf = open_elf(path)
    except CoresnapError:
        return False
    # A read-only mapping: what it costs is the pages of its constants.
    found = any(
        bytes(elf.slice(load.offset, load.filesz)).find(wanted) >= 0
        for load in elf.loads
    )
    elf.release()
    return found
