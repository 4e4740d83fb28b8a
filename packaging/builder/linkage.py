"""What a package's objects need of a system, as its own tools find out."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.command import output_of

__all__ = ["debian_depends", "objects_below", "rpm_requires"]

_CONTROL = "Source: coresnap\n\nPackage: coresnap\nArchitecture: any\n"
_ELFDEPS = "/usr/lib/rpm/elfdeps"


def objects_below(root: Path) -> list[Path]:
    """Return the ELF files below ``root``, sorted."""
    return sorted(_objects(root))


def debian_depends(root: Path) -> list[str]:
    """Return the packages, with versions, that the objects below ``root`` link with."""
    with tempfile.TemporaryDirectory() as directory:
        control = Path(directory, "debian", "control")
        control.parent.mkdir()
        control.write_text(_CONTROL)
        # Wheels bring libraries of their own, which belong to no package.
        options = ["--ignore-missing-info", "-O", "--warnings=0"]
        private = {f"-l{path.parent}" for path in _private_libraries(root)}
        objects = [f"-e{path}" for path in objects_below(root)]
        words = ["dpkg-shlibdeps", *options, *sorted(private), *objects]
        said = output_of(words, cwd=Path(directory))
    names = said.removeprefix("shlibs:Depends=").strip()
    return [name.strip() for name in names.split(",") if name.strip()]


def rpm_requires(root: Path) -> list[str]:
    """Return the names, as ``libdw.so.1(ELFUTILS_0.126)(64bit)``, that rpm knows of
    what the objects below ``root`` link with."""
    needed: set[str] = set()
    provided: set[str] = set()
    for path in objects_below(root):
        needed.update(output_of([_ELFDEPS, "--requires", path]).split())
        provided.update(output_of([_ELFDEPS, "--provides", path]).split())
    private = {re.sub(r"\(.*", "", name) for name in provided}
    return sorted(n for n in needed if re.sub(r"\(.*", "", n) not in private)


def _private_libraries(root: Path) -> Iterable[Path]:
    return (path for path in objects_below(root) if ".so" in path.name)


def _objects(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(4) == b"\x7fELF":
                    yield path
