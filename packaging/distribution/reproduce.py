"""``packaging/reproduce``: builds the last commit twice, and compares the bytes.

The two builds have another directory, umask, time zone, language, home, order of hashes
and, where faketime is installed, another clock. What is built is printed with its
SHA-256, as ``sha256sum`` does; of files that differ, the first member that does.
Exit status: 0 if all are equal, 1 if not, 2 for a wrong command line.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["Place", "first_difference", "main", "sums"]

REPOSITORY = Path(__file__).resolve().parents[2]
KINDS = {"sdist": "wheel", "wheel": "wheel", "deb": "build", "rpm": "build"}
"""What can be built, to the program of packaging/ that does."""


class Place:
    """Where and how one of the builds runs."""

    def __init__(
        self, directory: Path, umask: int, clock: str, variables: Mapping[str, str]
    ) -> None:
        """Take a new directory, a umask, faketime's clock, and variables."""
        self.source = directory / "source"
        self.output = directory / "built"
        self.umask = umask
        self.clock = clock
        self.variables = dict(variables, HOME=str(directory))

    def build(self, program: str, kinds: Sequence[str], epoch: int) -> None:
        """Build; raise CalledProcessError if that fails, having shown what it said."""
        words = [f"packaging/{program}", "--output", str(self.output), *kinds]
        if shutil.which("faketime"):
            words = ["faketime", "-f", self.clock, *words]
        environment = {**os.environ, **self.variables, "SOURCE_DATE_EPOCH": str(epoch)}
        subprocess.run(
            words, cwd=self.source, env=environment, umask=self.umask, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip


def places(directory: Path) -> list[Place]:
    """Return two places below ``directory`` that have as little alike as they can."""
    return [
        Place(
            directory / "one",
            0o022,
            "+0",
            {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        ),
        Place(
            directory / "a longer name" / "two",
            0o077,
            "+40h",
            {"TZ": "Pacific/Auckland", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"},
        ),
    ]


def sums(directory: Path) -> dict[str, str]:
    """Return each file's name and the SHA-256 of its bytes."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.iterdir())
    }


def first_difference(one: Path, other: Path) -> str:
    """Say what differs first: a member's bytes, names, or how they are packed."""
    members, others = _members(one), _members(other)
    for name in sorted(members.keys() | others.keys()):
        if name not in others or name not in members:
            return f"only one has {name}"
        if members[name] != others[name]:
            return f"{name} differs"
    return "times, modes, order or packing"


def _members(path: Path) -> dict[str, bytes]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            files = (member for member in archive if member.isfile())
            return {m.name: _read(archive, m) for m in files}
    return {"the package": path.read_bytes()}


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return stream.read() if stream else b""


def compare(one: Path, other: Path) -> bool:
    """Print the sums of what both directories hold; say whether all are equal."""
    first, second = sums(one), sums(other)
    same = True
    for name in sorted(first.keys() | second.keys()):
        if first.get(name) == second.get(name):
            print(f"{first[name]}  {name}")
            continue
        same = False
        if name not in first or name not in second:
            print(f"only one build made {name}", file=sys.stderr)
        else:
            found = first_difference(one / name, other / name)
            print(f"{name} is not equal: {found}", file=sys.stderr)
    return same


def main() -> int:
    """Build twice and compare; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="packaging/reproduce",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="keep what the first build made"
    )
    parser.add_argument(
        "kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)} (default: all)"
    )
    options = parser.parse_args()
    unknown = [kind for kind in options.kinds if kind not in KINDS]
    if unknown:
        parser.error(f"{unknown[0]} is none of {', '.join(KINDS)}")
    # Named once: somebody may commit between the two builds.
    commit, epoch = _git("log", "-1", "--format=%H %ct").decode().split()
    with tempfile.TemporaryDirectory(prefix="coresnap-reproduce-") as directory:
        built = places(Path(directory))
        for place in built:
            try:
                _build(place, options.kinds or list(KINDS), commit, int(epoch))
            except subprocess.CalledProcessError as error:
                print(f"packaging/reproduce: {error}", file=sys.stderr)
                return 1
        same = compare(built[0].output, built[1].output)
        if options.output:
            shutil.copytree(built[0].output, options.output, dirs_exist_ok=True)
    return 0 if same else 1


def _git(*words: str) -> bytes:
    git = ["git", "-C", str(REPOSITORY), *words]
    return subprocess.run(git, check=True, capture_output=True).stdout


def _build(place: Place, kinds: Sequence[str], commit: str, epoch: int) -> None:
    place.source.mkdir(parents=True)
    archive = _git("archive", commit)
    subprocess.run(
        ["tar", "-x", "-C", str(place.source)], input=archive, check=True,
        umask=place.umask,
    )  # fmt: skip
    _lend_tools(place)
    for program in ("wheel", "build"):
        wanted = [kind for kind in kinds if KINDS[kind] == program]
        if wanted:
            place.build(program, wanted, epoch)


def _lend_tools(place: Place) -> None:
    """Let both builds use the locked tools that are installed here already."""
    for tools in ("release-tools", "packaging-tools"):
        if (REPOSITORY / "build" / tools).is_dir():
            link = place.source / "build" / tools
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(REPOSITORY / "build" / tools)


if __name__ == "__main__":
    sys.exit(main())
