"""rpm packages: what they need, and what their scripts do in a root of their own."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import kernel
from built_packages import NAMES, Machine, Packages, ran, unpacked_machine

pytestmark = [
    pytest.mark.packages,
    pytest.mark.root,
    pytest.mark.linux,
    pytest.mark.compiler,
    pytest.mark.timeout(900),  # the first one builds all packages
]


@pytest.fixture(scope="module")
def bare(debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with unpacked_machine(debian, tmp_path_factory.mktemp("rpm") / "root") as machine:
        yield machine


def rpm(machine: Machine, *words: str | Path) -> str:
    """Run rpm for the root; it knows nothing of Debian's packages there."""
    run = ran("rpm", "--root", machine.root, "--nodeps", *words)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


@pytest.fixture
def machine(bare: Machine, packages: Packages) -> Iterator[Machine]:
    """The root with both packages."""
    rpm(bare, "-i", *map(packages.rpm, NAMES))
    yield bare
    rpm(bare, "-e", *reversed(NAMES))


def test_requirements_are_what_the_objects_name(packages: Packages) -> None:
    run = ran("rpm", "-qpR", packages.rpm("coresnap"))
    needed = set(run.stdout.split("\n"))

    assert needed >= {"/usr/bin/python3.11", "libdw.so.1()(64bit)"}
    # No newer C library than that of the oldest system that docs/install.md names.
    versions = re.findall(r"libc\.so\.6\(GLIBC_([0-9.]+)\)", run.stdout)
    assert max(tuple(map(int, v.split("."))) for v in versions) <= (2, 34)


def test_scripts_make_users_and_the_store_s_directory(machine: Machine) -> None:
    accounts = machine.path("/etc/passwd").read_text()

    assert re.search(r"^coresnap:", accounts, re.M)
    assert re.search(r"^coroner:", accounts, re.M)
    assert stat.S_IMODE(machine.path("/var/coroner").stat().st_mode) == 0o700
    assert "coresnap " in machine.run("coresnap", "--version")
    assert rpm(machine, "-V", *NAMES) == ""
    assert machine.path("/usr/share/zsh/site-functions/_coresnap").is_file()


@pytest.mark.core_pattern
def test_the_last_removal_gives_the_crashes_back(
    bare: Machine, packages: Packages
) -> None:
    rpm(bare, "-i", packages.rpm("coresnap"))
    with kernel.core_pattern("/cores/%p", suid_dumpable=0):
        bare.run("coresnap", "install", "--replace")
        assert "|/usr/libexec/coresnap-catch" in kernel.CORE_PATTERN.read_text()

        rpm(bare, "-e", "coresnap")

        assert kernel.CORE_PATTERN.read_text() == "/cores/%p\n"
    assert bare.path("/var/coresnap/archive/pending").is_dir()
    assert not bare.path("/usr/lib/coresnap").exists()


def test_a_removal_leaves_what_was_kept_and_its_owners_alone(
    bare: Machine, packages: Packages
) -> None:
    before = bare.files()

    rpm(bare, "-i", *map(packages.rpm, NAMES))
    bare.run("coroner", "--version")
    rpm(bare, "-e", *reversed(NAMES))

    left = bare.files().keys() - before.keys()
    assert {name for name in left if not name.startswith(("var/co", "etc/"))} == set()
    assert not bare.path("/etc/coresnap").exists()
