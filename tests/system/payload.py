"""The second disk: our packages, and programs that crash, with their sources."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import attrs

from system.host import output_of

__all__ = ["FALLING", "Packages", "build_packages", "make_payload"]

_TESTS = Path(__file__).resolve().parent.parent
_OWN = Path(__file__).parent / "programs"
_BUILD = _TESTS.parent / "packaging" / "build"

FALLING = (
    "early",
    "service",
    "contained",
    "elevated",
    "interrupted",
    "unsent",
    "crowded-out",
    "room-again",
    *(f"unserved-{number}" for number in range(3)),
    *(f"upgrading-{number}" for number in range(40)),
    *(f"last-{number}" for number in range(6)),
)
"""Names of programs made of falls.c, each with a build-id of its own."""


@attrs.frozen
class Packages:
    """What ``packaging/build deb`` made, twice."""

    now: tuple[Path, ...]
    later: tuple[Path, ...]
    """The same of a higher version; none if no upgrade is to be tried."""

    @property
    def needed(self) -> set[str]:
        """The Debian packages that they depend on."""
        own = {path.name.partition("_")[0] for path in self.now}
        return {name for path in self.now for name in _depends(path)} - own


def build_packages(directory: Path, *, later: bool) -> Packages:
    """Build the packages of this repository, and if asked a later release of them.

    What is in ``directory`` already is taken as it is.
    """
    now = _build(directory / "now", 1)
    return Packages(now, _build(directory / "later", 2) if later else ())


def _build(directory: Path, release: int) -> tuple[Path, ...]:
    if not list(directory.glob("*.deb")):
        words = ["--output", str(directory), "--release", str(release), "deb"]
        output_of([_BUILD, *words], timeout=1800)
    return tuple(sorted(directory.glob("*.deb")))


def _depends(deb: Path) -> Iterator[str]:
    """Yield the packages that ``deb`` depends on, the first of alternatives."""
    for clause in output_of(["dpkg-deb", "-f", deb, "Depends"]).split(","):
        if name := clause.split("|")[0].split("(")[0].strip():
            yield name


def make_payload(work: Path, packages: Packages, target: Path) -> None:
    """Write the disk ``target``, an ext4."""
    tree = work / "payload"
    for name, debs in (("now", packages.now), ("later", packages.later)):
        (tree / name).mkdir(parents=True)
        for deb in debs:
            shutil.copy(deb, tree / name)
    _compile(tree / "programs")
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    output_of(["truncate", "-s", f"{size // 1_000_000 + 50}M", target])
    output_of(["mkfs.ext4", "-q", "-L", "payload", "-d", tree, target])
    shutil.rmtree(tree)


def _compile(directory: Path) -> None:
    directory.mkdir()
    sources = [_TESTS / "cores" / name for name in ("simple.c", "storm.c")]
    sources += [_OWN / "big.c", _OWN / "threads.cc", _OWN / "falls.c"]
    for source in [*sources, _OWN / "native.py"]:
        shutil.copy(source, directory)
    for source in sources[:-1]:
        compiler = "c++" if source.suffix == ".cc" else "cc"
        words = [compiler, "-g", "-O0", "-pthread", source.name, "-o", source.stem]
        output_of(words, cwd=directory)
    for number, name in enumerate(FALLING):
        identity = f"-Wl,--build-id=0x{number + 1:040x}"
        words = ["cc", "-g", "-O0", identity, "falls.c", "-o", name]
        output_of(words, cwd=directory)
