"""The ways in which one core is handed to the analysis."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from coresnap.analysis.session import analyze
from coresnap.model import Snapshot
from lab.crashing import Crash

__all__ = ["FORMS", "snapshot_of"]

FORMS = {
    "symbols": "the executable and its debug information, libc6-dbg",
    "stripped": "executable and libraries without symbols",
    "no executable": "libraries without symbols; the executable is gone",
    "core alone": "no file of the process is there",
    "truncated": "symbols; the core ends after 60 % of its bytes",
}
_KEPT = 0.6
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "lib64", "lib")


def snapshot_of(crash: Crash, form: str, scratch: Path) -> Snapshot:
    """Analyse the core of ``crash`` as ``form`` says, with files in ``scratch``."""
    assert crash.core is not None
    if form == "symbols":
        return analyze(crash.core)
    if form == "truncated":
        with _cut(crash.core, scratch) as core:
            return analyze(core)
    with _sysroot(crash, form, scratch) as root:
        return analyze(crash.core, sysroot=root)


@contextlib.contextmanager
def _cut(core: Path, scratch: Path) -> Iterator[Path]:
    cut = scratch / f"{core.name}.cut"
    shutil.copyfile(core, cut)
    os.truncate(cut, int(core.stat().st_size * _KEPT))
    try:
        yield cut
    finally:
        cut.unlink()


@contextlib.contextmanager
def _sysroot(crash: Crash, form: str, scratch: Path) -> Iterator[Path]:
    """A root with the libraries of this one and without their debug files."""
    root = Path(tempfile.mkdtemp(dir=scratch))
    if form != "core alone":
        for name in _LIBRARIES:
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(Path("/") / name)
    if form == "stripped" and crash.program.stripped is not None:
        path = root / str(crash.program.path).lstrip("/")
        path.parent.mkdir(parents=True)
        path.symlink_to(crash.program.stripped)
    try:
        yield root
    finally:
        shutil.rmtree(root)
