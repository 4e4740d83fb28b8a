"""Every backend keeps the contract of backends.base."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

import kernel
from conftest import CORPUS
from coresnap.backends import contract
from coresnap.backends.base import CaptureBackend
from coresnap.backends.fake import FakeBackend
from coresnap.backends.freebsd import FreeBSDBackend
from coresnap.backends.linux import LinuxBackend
from coresnap.backends.linux_sysctl import Sysctl
from coresnap.config import Config, load_config
from freebsd_kernel import recorded_kernel
from shortpath import short_directory

OTHER = "|/usr/share/apport/apport -p%p"
PRETEND = {
    "kernel/core_pattern": "core",
    "kernel/core_pipe_limit": "0",
    "kernel/core_modes": "file\npipe\nsocket",
    "fs/suid_dumpable": "0",
}


@pytest.fixture
def config() -> Iterator[Config]:
    with short_directory() as root:
        yield attrs.evolve(
            load_config(write(root / "empty.conf", "")),
            root=root / "r",
            handler=root / "catch",
            user="root",
            socket=root / "s" / "n",
        )


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@attrs.frozen
class Subject:
    """A backend, and what another handler does to take the crashes from it."""

    backend: CaptureBackend
    take: Callable[[], object]
    other: str = "apport"
    """What that handler is called."""


def fake(config: Config) -> Iterator[Subject]:
    backend = FakeBackend()
    yield Subject(backend, lambda: setattr(backend, "owner", "apport"))


def pretended_linux(config: Config) -> Iterator[Subject]:
    """LinuxBackend on a directory that looks like /proc/sys."""
    directory = config.root.parent / "sys"
    for name, value in PRETEND.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value + "\n")
    pattern = directory / "kernel/core_pattern"
    backend = LinuxBackend(config, Sysctl(directory))
    yield Subject(backend, lambda: write(pattern, OTHER + "\n"))


def real_linux(config: Config) -> Iterator[Subject]:
    """LinuxBackend on this kernel, whose settings are ours for the moment."""
    with kernel.core_pattern("core", suid_dumpable=0):
        yield Subject(
            LinuxBackend(config), lambda: kernel.CORE_PATTERN.write_text(OTHER)
        )


def recorded_freebsd(config: Config) -> Iterator[Subject]:
    """FreeBSDBackend on a kernel that answers what a real one did, and no devd."""
    kernel = recorded_kernel(CORPUS)
    backend = FreeBSDBackend(config, kernel, devd=config.root.parent / "devd")
    theirs = "/var/ucrash/%N.core"
    yield Subject(backend, lambda: kernel.write("kern.corefile", theirs), "ucored")


@pytest.fixture(
    params=[
        pytest.param(fake, id="fake"),
        pytest.param(
            recorded_freebsd,
            id="freebsd",
            marks=[pytest.mark.root, pytest.mark.corpus],
        ),
        pytest.param(pretended_linux, id="linux", marks=pytest.mark.root),
        pytest.param(
            real_linux,
            id="kernel",
            marks=[pytest.mark.root, pytest.mark.core_pattern],
        ),
    ]
)
def subject(request: pytest.FixtureRequest, config: Config) -> Iterator[Subject]:
    with contextlib.contextmanager(request.param)(config) as subject:
        yield subject


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
def test_a_backend_keeps_the_contract(
    subject: Subject, check: Callable[[CaptureBackend], None]
) -> None:
    check(subject.backend)


def test_a_conflict_is_refused(subject: Subject) -> None:
    contract.check_conflict_is_refused(subject.backend, subject.take, subject.other)


def test_r24_a_foreign_change_is_kept(subject: Subject) -> None:
    contract.check_foreign_change_is_kept(subject.backend, subject.take)


def test_the_checks_find_a_backend_that_breaks_them() -> None:
    class Forgetful(FakeBackend):
        def uninstall(self) -> object:  # type: ignore[override]
            return self.status()

    with pytest.raises(AssertionError, match="not given back"):
        contract.check_install_and_uninstall_restore(Forgetful())
