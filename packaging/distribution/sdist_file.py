"""A source distribution with equal bytes each time it is made of equal files."""

from __future__ import annotations

import gzip
import io
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from builder.command import run
from builder.places import REPOSITORY

__all__ = ["build_sdist", "settle_sdist"]

_TREES = ("native", "src", "tests", "docs", "packaging", ".github", ".ci")
_BUILT = shutil.ignore_patterns(
    "__pycache__", "*.so", "*.egg-info", "libexec", "_capstone.py"
)


def build_sdist(output: Path, epoch: int) -> Path:
    """Build the source distribution into ``output``, and settle it; return it."""
    # Elsewhere: setuptools would take over the list of files of a build before.
    with tempfile.TemporaryDirectory(prefix="coresnap-sdist-") as directory:
        source, built = Path(directory, "source"), Path(directory, "built")
        for tree in _TREES:
            shutil.copytree(REPOSITORY / tree, source / tree, ignore=_BUILT)
        for path in REPOSITORY.glob("*.*"):
            if path.is_file():
                shutil.copy(path, source)
        words = ["uv", "build", "--no-build-isolation", "--python", sys.executable]
        run([*words, "--sdist", "--out-dir", str(built), str(source)])
        (file,) = built.glob("*.tar.gz")
        settle_sdist(file, epoch)
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(file, output))


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
