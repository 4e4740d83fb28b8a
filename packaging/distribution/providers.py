"""Which package of the building system a bundled library came from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from whichprovides import whichprovides

__all__ = ["original_name", "package_of"]

_DIRECTORIES = ("/usr/lib64", "/usr/lib", "/lib64", "/lib", "/usr/local/lib")


def original_name(bundled: str) -> str:
    """Return the name that a library had before auditwheel put a hash into it."""
    return re.sub(r"-[0-9a-f]{8}(?=\.)", "", Path(bundled).name)


def package_of(bundled: str) -> tuple[str, str] | None:
    """Return version and package URL of the package that has the library; or None."""
    for path in _places(original_name(bundled)):
        found = whichprovides([str(path)]).get(str(path))
        if found is not None:
            return found.package_version, found.purl
        if package := _dpkg_package(path):
            return package
    return None


def _places(name: str) -> Iterator[Path]:
    multiarch = [f"{d}/{os.uname().machine}-linux-gnu" for d in ("/usr/lib", "/lib")]
    for directory in (*multiarch, *_DIRECTORIES):
        path = Path(directory, name)
        if path.exists():
            yield path


def _dpkg_package(path: Path) -> tuple[str, str] | None:
    """Ask dpkg for a name below /lib, which is a link and none of its names."""
    if shutil.which("dpkg-query") is None:
        return None
    name = str(path).removeprefix("/usr")
    searched = _said(["dpkg-query", "-S", name])
    package = searched.partition(": ")[0]
    if not package:
        return None
    version = _said(["dpkg-query", "-W", "-f", "${Version}", package])
    return version, f"pkg:deb/debian/{package.partition(':')[0]}@{version}"


def _said(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
