"""A source distribution with equal bytes each time it is made of equal files."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

__all__ = ["settle_sdist"]


def settle_sdist(path: Path, epoch: int) -> None:
    """Rewrite the ``*.tar.gz``: sorted, modes 755 and 644, of the time ``epoch``."""
    plain = io.BytesIO()
    with (
        tarfile.open(path) as old,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda m: m.name):
            settled = tarfile.TarInfo(member.name)
            settled.type, settled.size = member.type, member.size
            settled.linkname, settled.mtime = member.linkname, epoch
            settled.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(settled, old.extractfile(member) if member.isfile() else None)
    # Without a name, which gzip would take from the path, and without the time.
    with path.open("wb") as stream, gzip.GzipFile("", "wb", 9, stream, 0) as packed:
        packed.write(plain.getvalue())
