"""Packages, built once for all tests that look at them, and roots to put them into."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from made_once import made_once

REPOSITORY = Path(__file__).parents[1]
NAMES = ("coresnap", "coroner-server")
_PROGRAMS = (
    "cc",
    "dpkg-shlibdeps",
    "lintian",
    "mandoc",
    "mmdebstrap",
    "python3.11",
    "rpm",
    "rpmlint",
)
BASE = ("libdw1", "python3.11", "systemd", "libelf1", "zlib1g", "libstdc++6")
"""What the packages depend on, on a machine that has nothing else."""
LOGS = ("var/log/dpkg.log", "var/lib/dpkg/", "var/lib/rpm/", "var/cache/", "proc/")
"""What package managers write of their own."""


def ran(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever that is."""
    return subprocess.run(words, capture_output=True, text=True, check=False)


@attrs.frozen
class Packages:
    """What ``packaging/build`` made of this tree."""

    directory: Path

    def deb(self, name: str) -> Path:
        """The package ``name`` for dpkg."""
        (path,) = self.directory.glob(f"{name}_*.deb")
        return path

    def rpm(self, name: str) -> Path:
        """The package ``name`` for rpm."""
        (path,) = self.directory.glob(f"{name}-[0-9]*.rpm")
        return path


@attrs.frozen
class Machine:
    """The root of a Debian system, in which programs run by chroot."""

    root: Path

    def run(self, *words: str, code: int = 0) -> str:
        """Run a program, which has to end with ``code``; return what it printed."""
        process = subprocess.run(
            ["chroot", self.root, *words],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
            check=False,
        )
        assert process.returncode == code, process.stdout + process.stderr
        return process.stdout + process.stderr

    def path(self, name: str) -> Path:
        """The file that is ``name`` there."""
        return self.root / name.lstrip("/")

    def install(self, *packages: Path) -> str:
        """Install debs, as if they had been downloaded to /tmp."""
        for package in packages:
            shutil.copy(package, self.root / "tmp")
        try:
            return self.run("dpkg", "-i", *(f"/tmp/{p.name}" for p in packages))
        finally:
            for package in packages:
                (self.root / "tmp" / package.name).unlink()

    def files(self) -> dict[str, tuple[int, int, int, bytes | str]]:
        """What is there: mode, owner, group, and what accounts and links say."""
        found = {}
        for directory, folders, names in os.walk(self.root):
            for path in (Path(directory, name) for name in (*folders, *names)):
                name = path.relative_to(self.root).as_posix()
                if not f"{name}/".startswith(LOGS) and name not in LOGS:
                    status = path.lstat()
                    owner = status.st_uid, status.st_gid
                    found[name] = status.st_mode, *owner, _said(path)
            if directory == str(self.root):
                folders.remove("proc")  # processes, which come and go
        return found


def _said(path: Path) -> bytes | str:
    if path.is_symlink():
        return str(path.readlink())
    if path.parent.name == "etc" and path.name in ("passwd", "group", "shadow"):
        return path.read_bytes()
    return ""


def why_no_packages() -> str | None:
    """Say what building packages, and looking at them, lacks here, or None."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


@contextlib.contextmanager
def unpacked_machine(tar: Path, directory: Path) -> Iterator[Machine]:
    """Unpack ``tar`` and give it a /proc for as long as it is used."""
    directory.mkdir()
    subprocess.run(["tar", "-C", directory, "-xf", tar], check=True)
    proc = directory / "proc"
    subprocess.run(["mount", "-t", "proc", "proc", proc], check=True)
    try:
        yield Machine(directory)
    finally:
        subprocess.run(["umount", proc], check=True)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """All packages: those in CORESNAP_PACKAGES, else built from this tree."""
    if built := os.environ.get("CORESNAP_PACKAGES"):
        return Packages(Path(built).absolute())
    return Packages(
        made_once(
            tmp_path_factory,
            "packages",
            lambda directory: build_packages(directory, "deb", "rpm"),
        )
    )


def build_packages(directory: Path, *kinds: str) -> None:
    """Run ``packaging/build``, from within another environment, as tox does."""
    program = REPOSITORY / "packaging" / "build"
    process = subprocess.run(
        [program, "--output", directory, *kinds],
        env={**os.environ, "VIRTUAL_ENV": sys.prefix},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian system with what the packages depend on, as a tar."""

    def bootstrap(directory: Path) -> None:
        options = ("--quiet", "--variant=minbase", f"--include={','.join(BASE)}")
        process = ran("mmdebstrap", *options, "bookworm", directory / "root.tar")
        assert process.returncode == 0, process.stderr

    return made_once(tmp_path_factory, "debian", bootstrap) / "root.tar"


@pytest.fixture(scope="session")
def trees(
    packages: Packages, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The files of each deb, unpacked."""
    found = {}
    for name in NAMES:
        found[name] = tmp_path_factory.mktemp(name)
        ran("dpkg-deb", "-x", packages.deb(name), found[name]).check_returncode()
    return found
