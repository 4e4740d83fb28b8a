"""From a kernel's dump to a snapshot: which kernel's, what it says, what that means."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.kernel.dump import read_dump
from coresnap.analysis.kernel.evidence import Evidence
from coresnap.analysis.kernel.recognition import is_linux_dump
from coresnap.analysis.kernel.snapshot import snapshot_of_kernel
from coresnap.analysis.search_places import SearchPlaces
from coresnap.config.rulesets import Ruleset
from coresnap.model import Note, Snapshot

__all__ = ["analyze_kernel", "evidence_of_kernel", "read_kernel_dump"]

_HEAD = 64 << 10
_KERNEL = Path("boot/kernel/kernel")


def analyze_kernel(
    path: str | os.PathLike[str],
    name: str,
    places: SearchPlaces,
    problems: Sequence[str] = (),
    rulesets: Sequence[Ruleset] = (),
    progress: Callable[[str], None] | None = None,
) -> Snapshot:
    """Analyse the dump at ``path``, which the user knows as ``name``.

    Raises as ``evidence_of_kernel`` does.
    """
    if progress is not None:
        progress("kernel")
    evidence = evidence_of_kernel(path, name, places, problems)
    if progress is not None:
        progress("snapshot")
    return snapshot_of_kernel(evidence, rulesets)


def evidence_of_kernel(
    path: str | os.PathLike[str],
    name: str,
    places: SearchPlaces,
    problems: Sequence[str] = (),
) -> Evidence:
    """Read a dump; ``problems`` are what is known already of its file.

    ``places.executable`` is the kernel's file; without it the one below
    ``places.sysroot`` is taken, if that is given. Raises as ``read_kernel_dump``.
    """
    with places.debug_files() as files:
        found = read_kernel_dump(path, name, _kernel(places), files)
    told = tuple(Note("core", problem) for problem in problems)
    return msgspec.structs.replace(found, notes=(*told, *found.notes))


def read_kernel_dump(
    path: str | os.PathLike[str],
    name: str,
    kernel: Path | None,
    files: DebugFiles | None = None,
) -> Evidence:
    """Read a dump of FreeBSD's kernel, or of Linux's where drgn is installed.

    Raises ``CoreFormatError``, ``MissingError``, ``AccessError``.
    """
    with open(path, "rb") as stream:
        head = stream.read(_HEAD)
    if is_linux_dump(head):
        # Not before: it needs drgn, which few have.
        from coresnap.analysis.kernel.linux import read_linux_dump

        return read_linux_dump(path, name, kernel)
    return read_dump(path, name=name, kernel=kernel, files=files)


def _kernel(places: SearchPlaces) -> Path | None:
    if places.executable is not None:
        return places.executable
    if places.sysroot is not None and (places.sysroot / _KERNEL).is_file():
        return places.sysroot / _KERNEL
    return None
