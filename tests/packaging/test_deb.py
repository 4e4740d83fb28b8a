"""Debian packages on a Debian system: what comes, what stays, and what goes again."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import kernel
from built_packages import NAMES, Machine, Packages, unpacked_machine
from conftest import CompileProgram, KernelCore

pytestmark = [
    pytest.mark.packages,
    pytest.mark.root,
    pytest.mark.linux,
    pytest.mark.compiler,
    pytest.mark.timeout(900),  # the first one builds all packages
]

PYCACHE = re.compile(r"/usr/lib/coresnap/.*\.pyc$")


@pytest.fixture(scope="module")
def bare(debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which nothing is installed between tests."""
    with unpacked_machine(debian, tmp_path_factory.mktemp("bare") / "root") as machine:
        yield machine


@pytest.fixture
def machine(bare: Machine, packages: Packages) -> Machine:
    """The machine with both packages, which a test leaves as they are."""
    if not bare.path("/usr/bin/coresnap").exists():
        bare.install(*map(packages.deb, NAMES))
    return bare


@pytest.fixture
def changing(machine: Machine) -> Iterator[Machine]:
    """The same machine, on which the packages are no more afterwards."""
    yield machine
    machine.run("dpkg", "--purge", *reversed(NAMES))


def bytecode(machine: Machine) -> set[str]:
    return {n for n in machine.files() if PYCACHE.match(f"/{n}")}


def upgraded(package: Path, directory: Path) -> Path:
    """The package with a higher version, and another default in coresnap.conf."""
    tree = directory / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("-1\n", "-2\n", 1))
    settings = tree / "etc/coresnap/coresnap.conf"
    settings.write_text(settings.read_text() + "# of the new version\n")
    path = directory / package.name.replace("-1_", "-2_")
    subprocess.run(["dpkg-deb", "-Znone", "-b", tree, path], check=True)
    return path


# --- coming and going ------------------------------------------------------------


def test_after_a_purge_the_machine_is_as_it_was(
    bare: Machine, packages: Packages
) -> None:
    before = bare.files()

    bare.install(*map(packages.deb, NAMES))
    bare.run("coresnap", "--version")
    bare.run("coroner", "--version")
    bare.run("install", "-D", "-o", "coresnap", "/dev/null", "/var/coresnap/archive/x")
    bare.run("install", "-o", "coroner", "/dev/null", "/var/coroner/state.sqlite")
    bare.run("dpkg", "--purge", *reversed(NAMES))

    assert bare.files() == before


def test_nothing_is_taken_over_by_an_installation(machine: Machine) -> None:
    assert kernel.CORE_PATTERN.read_text() == "core\n"
    assert not machine.path("/var/coresnap").exists()
    enabled = machine.path("/etc/systemd/system").rglob("*core*")
    assert [path for path in enabled if path.is_symlink()] == []


def test_files_are_roots_and_users_own_what_is_theirs(machine: Machine) -> None:
    listed = machine.run("dpkg", "-L", *NAMES).split()
    for name in listed:
        status = machine.path(name).lstat()
        assert (status.st_uid, status.st_gid) == (0, 0), name
        if not stat.S_ISLNK(status.st_mode):
            assert not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH), name
    accounts = machine.path("/etc/passwd").read_text()
    for user in ("coresnap", "coroner"):
        assert re.search(rf"^{user}:.*:/usr/sbin/nologin$", accounts, re.M)
    store = machine.path("/var/coroner").stat()
    assert stat.S_IMODE(store.st_mode) == 0o700
    assert store.st_uid != 0


def test_only_root_reads_tokens(machine: Machine) -> None:
    status = machine.path("/etc/coresnap/coroner.cf").stat()

    assert stat.S_IMODE(status.st_mode) == 0o600


def test_dependencies_are_what_the_environment_needs(machine: Machine) -> None:
    depends = machine.run("dpkg-query", "-W", "-f", "${Depends}", "coresnap")

    assert re.search(r"\bpython3\.11\b", depends)
    assert re.search(r"\blibdw1 \(>= ", depends)
    assert re.search(r"\blibc6 \(>= ", depends)
    assert machine.run("dpkg", "--audit") == ""


# --- what works ------------------------------------------------------------


@pytest.mark.core_pattern
def test_a_core_is_analysed_there(
    machine: Machine, compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("simple.c", "-g", "-O0", libraries=["-pthread"])
    core = kernel_core([program])
    for path in (program, core):
        target = machine.path(str(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)

    try:
        said = machine.run("coresnap", "analyze", str(core), "--json")
    finally:
        machine.path(str(program)).unlink()
        machine.path(str(core)).unlink()

    assert "simple.c" in json.dumps(json.loads(said))  # libdw read its lines


def test_every_command_finds_all_of_its_modules(machine: Machine) -> None:
    for program in ("coresnap", "coroner", "coresnapd"):
        assert f"usage: {program}" in machine.run(program, "--help")
    # What the server needs beside, which --help does not load.
    python = "/usr/lib/coresnap/bin/python"
    modules = "boto3, duckdb, httptools, joserfc, psycopg, sqlalchemy, uvicorn"
    machine.run(python, "-I", "-c", f"import {modules}, coresnap.store.server")


def test_a_fresh_configuration_has_no_mistake_and_no_store(machine: Machine) -> None:
    assert "nothing is wrong" in machine.run("coresnap", "config", "check")
    assert "coronerd.conf" in machine.run("coroner", "serve", "--help")
    said = machine.run("coroner", "summary", code=66)
    assert "/etc/coresnap/coroner.cf names no store" in said


def test_the_store_is_served_by_its_user(machine: Machine) -> None:
    words = ["setpriv", "--reuid=coroner", "--regid=coroner", "--clear-groups"]
    words = ["chroot", str(machine.root), *words, "coroner", "serve"]
    words += ["--listen", "http://127.0.0.1:0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            said = next((line for line in server.stderr if "listens on" in line), "")
        finally:
            server.terminate()
        server.communicate()
        assert server.returncode == 0
    assert said
    assert machine.path("/var/coroner/coroner.cf").exists()


def test_nobody_writes_bytecode_at_run_time(
    machine: Machine, packages: Packages
) -> None:
    brought = set(machine.run("dpkg", "-L", *NAMES).split())

    machine.run("coresnap", "status")
    machine.run("coroner", "--help")

    assert {f"/{name}" for name in bytecode(machine)} <= brought
    assert machine.run("dpkg", "--verify", *NAMES) == ""


# --- upgrades, removals ------------------------------------------------------------


def test_an_upgrade_keeps_settings_and_data(
    changing: Machine, packages: Packages, tmp_path: Path
) -> None:
    settings = changing.path("/etc/coresnap/coresnap.conf")
    changed = settings.read_text().replace("#dump.quota = 10%", "dump.quota = 20%")
    assert changed != settings.read_text()
    settings.write_text(changed)
    store = changing.path("/etc/coresnap/coroner.cf")
    store.write_text("[universe]\nwrite = https://faults.example.com:6098\n")
    kept = changing.path("/var/coresnap/archive/pending/x")
    kept.parent.mkdir(parents=True)
    kept.touch()

    new = upgraded(packages.deb("coresnap"), tmp_path)
    changing.run("dpkg", "--remove", "coroner-server")  # it is of one build only
    shutil.copy(new, changing.path("/tmp"))
    changing.run("dpkg", "--force-confold", "-i", f"/tmp/{new.name}")
    changing.path(f"/tmp/{new.name}").unlink()

    assert settings.read_text() == changed
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert "faults.example.com" in store.read_text()
    assert kept.exists()
    assert "-2" in changing.run("dpkg-query", "-W", "coresnap")
    changing.path("/etc/coresnap/coresnap.conf.dpkg-dist").unlink()


@pytest.mark.core_pattern
def test_a_removal_gives_the_crashes_back_and_keeps_what_was_caught(
    changing: Machine,
) -> None:
    with kernel.core_pattern("/cores/%p", suid_dumpable=0):
        changing.run("coresnap", "install", "--replace")
        assert "|/usr/libexec/coresnap-catch" in kernel.CORE_PATTERN.read_text()
        handler = changing.path("/usr/libexec/coresnap-catch").stat()

        changing.run("dpkg", "--remove", *reversed(NAMES))

        assert kernel.CORE_PATTERN.read_text() == "/cores/%p\n"
        assert kernel.CORE_PIPE_LIMIT.read_text() == "0\n"
        assert kernel.SUID_DUMPABLE.read_text() == "0\n"
    assert handler.st_uid == 0
    assert changing.path("/var/coresnap/archive/pending").is_dir()
    assert changing.path("/etc/coresnap/coresnap.conf").exists()
    assert not changing.path("/usr/libexec/coresnap-catch").exists()


@pytest.mark.core_pattern
def test_a_removal_leaves_alone_what_coresnap_never_had(changing: Machine) -> None:
    with kernel.core_pattern("|/bin/false"):
        changing.run("dpkg", "--remove", *reversed(NAMES))

        assert kernel.CORE_PATTERN.read_text() == "|/bin/false\n"
