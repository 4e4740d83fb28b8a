"""What packages install is locked, with hashes, and is what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
CLIENT = ("client", "lz4", "viewer")
SERVER = (*CLIENT, "server", "oidc", "postgresql", "s3")
LOCKS = {
    "requirements.txt": CLIENT,
    "requirements-server.txt": SERVER,
    "requirements-tools.txt": ("packages",),
}
MARKERS = {
    "platform_machine": "x86_64",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def locked(file: str) -> dict[str, str]:
    text = (REPOSITORY / "packaging" / file).read_text()
    pairs = re.findall(r"^([A-Za-z0-9._-]+)==(\S+) ", text, re.M)
    return {canonicalize_name(name): version for name, version in pairs}


def wanted(extras: tuple[str, ...]) -> Iterator[Requirement]:
    words = list(PROJECT["dependencies"])
    for extra in extras:
        words += PROJECT["optional-dependencies"][extra]
    for word in words:
        requirement = Requirement(word)
        if requirement.marker and not requirement.marker.evaluate(MARKERS):
            continue
        if requirement.name == PROJECT["name"]:
            yield from wanted(tuple(requirement.extras))
        else:
            yield requirement


@pytest.mark.parametrize("file", LOCKS)
def test_a_lock_is_what_the_project_asks_for(file: str) -> None:
    versions = locked(file)

    for requirement in wanted(LOCKS[file]):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"run packaging/lock: {name} is missing"
        assert requirement.specifier.contains(versions[name]), (
            f"run packaging/lock: {requirement} is locked as {versions[name]}"
        )


@pytest.mark.parametrize("file", LOCKS)
def test_everything_locked_has_a_hash(file: str) -> None:
    text = (REPOSITORY / "packaging" / file).read_text()
    entries = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]

    assert len(entries) == len(locked(file))
    for entry in entries:
        assert "--hash=sha256:" in entry, entry


def test_the_server_is_locked_to_the_same_versions_as_the_commands() -> None:
    server = locked("requirements-server.txt")

    for name, version in locked("requirements.txt").items():
        assert server[name] == version
