"""The version stands in pyproject.toml, and everything else reads it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
VERSION = PROJECT["version"]
PLACES = [
    path
    for pattern in ("src/coresnap/**/*.py", "packaging/**/*", "setup.py", "native/*.py")
    for path in REPOSITORY.glob(pattern)
    if path.is_file() and "__pycache__" not in path.parts
]


def test_the_version_is_one_that_packages_can_sort() -> None:
    parsed = Version(VERSION)

    assert str(parsed) == VERSION, "the form of PEP 440, normalised"
    assert parsed.epoch == 0
    assert parsed.local is None


def test_the_installed_version_is_that_of_the_tree() -> None:
    assert version("coresnap") == VERSION


@pytest.mark.parametrize("program", ["coresnap", "coroner"])
def test_programs_say_the_version(program: str) -> None:
    entry = PROJECT["scripts"][program]
    module, function = entry.split(":")
    code = f"import sys; sys.argv = [{program!r}, '--version']; "
    code += f"from {module} import {function}; sys.exit({function}())"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"{program} {VERSION}\n"


def test_the_server_s_description_says_the_version() -> None:
    pytest.importorskip("starlette", reason="no server installed")
    from coresnap.store.server.openapi import describe

    assert json.loads(describe(()))["info"]["version"] == VERSION


def test_no_other_file_that_is_built_or_packaged_states_the_version() -> None:
    stated = re.compile(
        rf"(?i)(__version__|\bversion\b)['\"]?\s*[:=]+\s*['\"]?{re.escape(VERSION)}\b"
    )
    assert PLACES
    for path in PLACES:
        assert not stated.search(path.read_text(errors="replace")), path
